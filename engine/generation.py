"""What the engine shows to the server; the real client and the tests' fake both keep it.

This is the only surface of the engine that server code types against.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from antiphon.engine.errors import InvalidPrompt, InvalidSamplingParams, PromptTooLong
from antiphon.engine.outputs import EngineStats, SequenceDelta
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams


@dataclass(frozen=True, slots=True)
class EngineCard:
    """What a loaded engine says of itself once it is ready."""

    model_path: str  # the local folder that was loaded: tokenizer and chat template lie there
    architecture: str
    device: str
    dtype: str
    quantization: str  # of the weights: "none", or how
    attention: str
    vocab_size: int
    max_model_len: int
    max_num_seqs: int
    block_size: int
    num_blocks: int  # usable ones
    kv_cache_bytes: int
    weight_bytes: int

    @property
    def kv_cache_tokens(self) -> int:
        return self.num_blocks * self.block_size

    @property
    def max_sequence_len(self) -> int:
        """Prompt and output tokens that one sequence can ever hold."""
        return min(self.max_model_len, self.kv_cache_tokens)

    def check(self, prompt_token_ids: list[int], params: SamplingParams) -> None:
        """Refuse what this engine could never run.

        Raises InvalidPrompt, InvalidSamplingParams or PromptTooLong.
        """
        if not prompt_token_ids:
            raise InvalidPrompt("The prompt is empty.")
        if len(prompt_token_ids) >= self.max_sequence_len:
            raise PromptTooLong(len(prompt_token_ids), self.max_sequence_len - 1)
        if max(prompt_token_ids) >= self.vocab_size:
            raise InvalidPrompt(
                f"The prompt holds a token id of {self.vocab_size} or more: the model knows none."
            )
        if any(token_id >= self.vocab_size for token_id in params.logit_bias):
            raise InvalidSamplingParams(
                "logit_bias", f"logit_bias must name token ids below {self.vocab_size}."
            )


class Generation(Protocol):
    """One running sequence: iterate over its deltas; leaving the block aborts what is unfinished.

    Iteration ends after the delta that carries a finish_reason. Raises EngineDied when the engine
    ends first, and GrammarFailed when the sequence can't be continued within its grammar.
    """

    def __aiter__(self) -> AsyncIterator[SequenceDelta]: ...

    def cancel(self) -> None:
        """Abort; what has arrived is still read, the last delta says ABORTED."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Engine(Protocol):
    """Takes sequences. `submit` does not wait: a refusal comes before any byte of an answer."""

    @property
    def card(self) -> EngineCard:
        """Raises EngineUnavailable until the engine has been ready once."""
        ...

    @property
    def is_ready(self) -> bool: ...

    @property
    def stats(self) -> EngineStats | None:
        """The newest snapshot; None before the first."""
        ...

    def submit(
        self,
        prompt_token_ids: list[int],
        params: SamplingParams,
        *,
        priority: Priority = Priority.DEFAULT,
        cache_salt: str = "",
    ) -> Generation:
        """Queue one sequence.

        priority    who goes first where not all can.
        cache_salt  cached prefixes are shared with sequences of the same salt alone.

        Raises InvalidPrompt, InvalidSamplingParams, PromptTooLong, EngineOverloaded or
        EngineUnavailable.
        """
        ...
