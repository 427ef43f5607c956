"""What is known of one request after it: times and counts, no statistics."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class TokenSource(StrEnum):
    """How output tokens were counted."""

    USAGE = "usage"  # the server's own count
    DELTAS = "deltas"  # text deltas seen; a delta may hold several tokens


@dataclass(frozen=True, slots=True)
class Measurement:
    """One request; all times are seconds on one clock.

    text_times   when each non-empty text delta arrived.
    error        why the request failed; None if its answer is complete.
    """

    started_at: float
    ended_at: float
    text_times: tuple[float, ...] = ()
    output_tokens: int = 0
    token_source: TokenSource = TokenSource.DELTAS
    input_tokens: int | None = None
    cached_tokens: int | None = None
    error: str | None = None

    @property
    def ttft_seconds(self) -> float | None:
        """From sending to the first text delta; None if no text came."""
        return self.text_times[0] - self.started_at if self.text_times else None

    @property
    def gap_seconds(self) -> list[float]:
        """The time between one text delta and the next."""
        return [later - earlier for earlier, later in pairwise(self.text_times)]
