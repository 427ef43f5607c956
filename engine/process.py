"""The engine process: `python -m antiphon.engine.process FD`, where FD is its end of a socket pair.

Takes messages between steps and answers each step with one. It lives as long as the other end of
the socket: when the API process goes, in whatever way, the next read finds the end of the stream
and the engine stops.
"""

import gc
import signal
import sys
import time
from multiprocessing.connection import Connection

from antiphon.engine.config import EngineConfig
from antiphon.engine.errors import EngineError
from antiphon.engine.generation import EngineCard
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.messages import (
    AbortSequence,
    AddSequence,
    LoadProgress,
    Ready,
    Start,
    StartFailed,
    Stepped,
    ToEngine,
    decode_to_engine,
    encode,
)
from antiphon.engine.outputs import StepOutput
from antiphon.models.errors import ModelError

PROGRESS_INTERVAL_SECONDS = 0.1


def main() -> int:
    # A service manager signals every process; when to stop is for the API process to say.
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    try:
        start = decode_to_engine(connection.recv_bytes())
        assert isinstance(start, Start), "the first message is Start"
        loaded = _load(connection, start.config)
        if loaded is None:
            return 3
        engine, card = loaded
        connection.send_bytes(encode(Ready(card)))
        _settle_garbage_collector()
        while True:
            _serve_step(connection, engine)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0


def _load(connection: Connection, config: EngineConfig) -> tuple[LLMEngine, EngineCard] | None:
    # Takes seconds, and torch with it: the signals have to be ignored before.
    from antiphon.engine.build import build_engine

    try:
        return build_engine(config, _ProgressSender(connection))
    except (EngineError, ModelError) as error:
        connection.send_bytes(encode(StartFailed(str(error))))
        return None


def _serve_step(connection: Connection, engine: LLMEngine) -> None:
    """Take the messages that are there, or wait for one if there is nothing to do; run a step."""
    num_taken = 0
    while connection.poll(0 if num_taken or engine.has_unfinished else None):
        _take(engine, decode_to_engine(connection.recv_bytes()))
        num_taken += 1
    if engine.has_unfinished:
        connection.send_bytes(encode(Stepped(engine.step())))
    else:
        # The last sequences were aborted: nobody gets a delta, but the books have changed.
        connection.send_bytes(encode(Stepped(StepOutput([], engine.stats()))))


def _take(engine: LLMEngine, message: ToEngine) -> None:
    match message:
        case AddSequence(sequence_id, prompt_token_ids, params):
            engine.add(sequence_id, prompt_token_ids, params)
        case AbortSequence(sequence_id):
            engine.abort(sequence_id)
        case Start():
            raise AssertionError("an engine process starts once")


def _settle_garbage_collector() -> None:
    """What is loaded now stays: keep the collector from walking through it between two tokens."""
    gc.collect()
    gc.freeze()


class _ProgressSender:
    """Sends progress at a readable pace: each stage's first report, its last, a few between."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stage: str | None = None
        self._next_time = 0.0

    def __call__(self, stage: str, done: int, total: int | None, unit: str) -> None:
        now = time.monotonic()
        if stage != self._stage or done == total or now >= self._next_time:
            self._stage, self._next_time = stage, now + PROGRESS_INTERVAL_SECONDS
            self._connection.send_bytes(encode(LoadProgress(stage, done, total, unit)))


if __name__ == "__main__":
    sys.exit(main())
