"""What the engine says after a step: tokens of each sequence, and the state of the house."""

from dataclasses import dataclass
from enum import StrEnum


class FinishReason(StrEnum):
    """Why a sequence ended."""

    STOP = "stop"  # a stop token was sampled
    LENGTH = "length"  # max_tokens, the context or the KV cache is used up
    ABORTED = "aborted"  # the caller went away


@dataclass(frozen=True, slots=True)
class SequenceDelta:
    """The tokens that one sequence gained since the last delta.

    token_ids          in order; a sampled stop token is the last of them.
    finish_reason      set on the last delta of the sequence, and only there.
    num_cached_tokens  prompt tokens whose keys and values were reused instead of computed.
    """

    sequence_id: int
    token_ids: list[int]
    finish_reason: FinishReason | None
    num_cached_tokens: int


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot between two steps."""

    num_running: int
    num_waiting: int
    num_blocks: int
    num_free_blocks: int
    num_preemptions: int


@dataclass(frozen=True, slots=True)
class StepOutput:
    """Everything one step produced."""

    deltas: list[SequenceDelta]
    stats: EngineStats
