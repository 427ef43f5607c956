"""An engine process without a model: a token for each running sequence, step after step.

It speaks `engine/messages.py` like the real one, so that what the API process does with an engine's
output is measured whole. What it says is a fixed text, in the model's own tokens.

    token_source.py TOKENS_PER_SECOND FD

TOKENS_PER_SECOND is shared by all running sequences; 0 is as fast as they are read.
"""

import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from select import select
from typing import Never

from antiphon.engine.config import EngineConfig
from antiphon.engine.generation import EngineCard
from antiphon.engine.messages import (
    AbortSequence,
    AddSequence,
    Ready,
    Start,
    Stepped,
    ToEngine,
    decode_to_engine,
    encode,
)
from antiphon.engine.outputs import EngineStats, FinishReason, SequenceDelta, StepOutput
from antiphon.models.tokenizer import Tokenizer

TEXT = """The engine takes tokens in and gives tokens out; it knows nothing of HTTP. "Read the
docs", said the third of them, and so they did: 42 pages, a table, a few lines of code (in Python),
and then some. What a river is to a city, a stream is to a server - it never waits for anybody.
"""
MAX_MODEL_LEN = 2**20


class TokenSource:
    """Sequences that each say the text again and again, until they have said enough."""

    def __init__(
        self, connection: Connection, token_ids: list[int], tokens_per_second: float
    ) -> None:
        self._connection = connection
        self._token_ids = token_ids
        self._seconds_per_token = 1 / tokens_per_second if tokens_per_second else 0.0
        self._num_left: dict[int, int] = {}
        self._next_step_at = 0.0

    def serve(self) -> Never:
        """Raises EOFError, or what else its connection raises, when the other end is gone."""
        while True:
            select([self._connection], [], [], self._seconds_to_wait())
            while self._connection.poll(0):
                self._take(decode_to_engine(self._connection.recv_bytes()))
            if self._num_left and self._seconds_to_wait() == 0:
                self._next_step_at = time.perf_counter() + self._step_seconds
                self._connection.send_bytes(encode(Stepped(self._step())))

    @property
    def _step_seconds(self) -> float:
        return len(self._num_left) * self._seconds_per_token

    def _seconds_to_wait(self) -> float | None:
        """Until the next step; None while nothing runs."""
        return max(0.0, self._next_step_at - time.perf_counter()) if self._num_left else None

    def _take(self, message: ToEngine) -> None:
        match message:
            case AddSequence(sequence_id, _, params):
                assert params.max_tokens is not None, "every request of the benchmark says it"
                self._num_left[sequence_id] = params.max_tokens
            case AbortSequence(sequence_id):
                self._num_left.pop(sequence_id, None)
            case Start():
                raise AssertionError("an engine process starts once")

    def _step(self) -> StepOutput:
        deltas = [self._delta(sequence_id) for sequence_id in self._num_left]
        self._num_left = {key: left - 1 for key, left in self._num_left.items() if left > 1}
        stats = EngineStats(len(deltas), 0, 1024, 1024, 0)
        return StepOutput(deltas, [], stats)

    def _delta(self, sequence_id: int) -> SequenceDelta:
        left = self._num_left[sequence_id]
        token_id = self._token_ids[left % len(self._token_ids)]
        reason = FinishReason.LENGTH if left == 1 else None
        return SequenceDelta(sequence_id, [token_id], reason, 0)


def text_token_ids(tokenizer: Tokenizer) -> list[int]:
    """The text's tokens, last one first: a sequence counts down."""
    return tokenizer.encode(TEXT)[::-1]


def main() -> int:
    connection = Connection(int(sys.argv[2]))
    try:
        start = decode_to_engine(connection.recv_bytes())
        assert isinstance(start, Start), "the first message is Start"
        tokenizer = Tokenizer.from_folder(Path(start.config.model))
        connection.send_bytes(encode(Ready(_card(start.config, tokenizer))))
        TokenSource(connection, text_token_ids(tokenizer), float(sys.argv[1])).serve()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0


def _card(config: EngineConfig, tokenizer: Tokenizer) -> EngineCard:
    return EngineCard(
        model_path=config.model,
        architecture="none",
        device="none",
        dtype="none",
        quantization="none",
        attention="none",
        vocab_size=tokenizer.vocab_size,
        max_model_len=MAX_MODEL_LEN,
        max_num_seqs=config.max_num_seqs,
        block_size=config.block_size,
        num_blocks=MAX_MODEL_LEN,
        kv_cache_bytes=0,
        weight_bytes=0,
    )


if __name__ == "__main__":
    sys.exit(main())
