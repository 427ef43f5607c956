"""What a step has sampled, before anybody has looked at it."""

from dataclasses import dataclass
from typing import Protocol, Self

from antiphon.engine.outputs import TokenLogprobs
from antiphon.engine.scheduler import ScheduledSequence


class RunningStep(Protocol):
    """A step that may still be computed.

    can_be_followed  whether a next step of the same sequences finds their tokens by itself, so that
                     it can be run before `result` is asked for.
    """

    @property
    def can_be_followed(self) -> bool: ...

    def result(self) -> "StepSample":
        """Wait for it."""
        ...


@dataclass(frozen=True, slots=True)
class StepSample:
    """Tokens by place: each sampled entry has one, and behind it one for each of its drafts.

    entries    those that were sampled, in the order of their places.
    token_ids  each sampled as if the drafts before it had been; [num_places].
    logprobs   by place, where they were asked for.
    """

    entries: list[ScheduledSequence]
    token_ids: list[int]
    logprobs: dict[int, TokenLogprobs]

    @property
    def can_be_followed(self) -> bool:
        """Its tokens are here: whatever comes next is scheduled by them."""
        return False

    def result(self) -> Self:
        return self

    def logprobs_of(self, place: int, count: int) -> tuple[TokenLogprobs, ...]:
        """Those of so many places from `place` on; empty where they were not asked for."""
        places = range(place, place + count)
        return tuple(self.logprobs[at] for at in places if at in self.logprobs)
