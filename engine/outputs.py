"""What the engine says after a step: tokens of each sequence, and the state of the house."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec


class FinishReason(StrEnum):
    """Why a sequence ended."""

    STOP = "stop"  # a stop token was sampled
    GRAMMAR_END = "grammar_end"  # its grammar allows nothing more: no stop token was sampled
    LENGTH = "length"  # max_tokens, the context or the KV cache is used up
    ABORTED = "aborted"  # the caller went away


class TokenLogprobs(NamedTuple):
    """Natural logarithms of probabilities, of one token and of the likeliest at its place.

    top  (token id, log probability), likeliest first, ties by id; only what was possible.
    """

    logprob: float
    top: tuple[tuple[int, float], ...]


class SampledToken(NamedTuple):
    """logprobs is None where they were not asked for."""

    token_id: int
    logprobs: TokenLogprobs | None = None


class SequenceDelta(msgspec.Struct, frozen=True, array_like=True):
    """The tokens that one sequence gained since the last delta.

    A step makes one for each running sequence: hence a struct, which costs a fifth of a dataclass.

    token_ids          in order; a sampled stop token is the last of them. The last delta of a
                       sequence whose grammar has ended may have none.
    finish_reason      set on the last delta of the sequence, and only there.
    num_cached_tokens  prompt tokens whose keys and values were reused instead of computed.
    logprobs           one for each of token_ids; empty where they were not asked for.
    """

    sequence_id: int
    token_ids: list[int]
    finish_reason: FinishReason | None
    num_cached_tokens: int
    logprobs: tuple[TokenLogprobs, ...] = ()


@dataclass(frozen=True, slots=True)
class SequenceFailure:
    """A sequence that ended without a finish_reason. No delta of it follows."""

    sequence_id: int
    message: str


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot between two steps; preemptions, drafts and accepted ones since the start."""

    num_running: int
    num_waiting: int
    num_blocks: int
    num_free_blocks: int
    num_preemptions: int
    num_draft_tokens: int = 0
    num_accepted_tokens: int = 0


@dataclass(frozen=True, slots=True)
class StepOutput:
    """Everything one step produced."""

    deltas: list[SequenceDelta]
    failures: list[SequenceFailure]
    stats: EngineStats
