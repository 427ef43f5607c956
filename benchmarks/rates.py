"""From timelines to the numbers of a table, and what several rounds of them say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Rates:
    """One case.

    output_tokens_per_second  prefill and waiting included.
    decode_tokens_per_second  while every request of a batch decodes; None if they never all do.
    ttft_ms                   the median request's, from its arrival to its first token.
    """

    output_tokens_per_second: float
    decode_tokens_per_second: float | None
    ttft_ms: float

    @classmethod
    def of(cls, timelines: Sequence[Timeline]) -> "Rates":
        """Of batches that ran one after the other."""
        windows = [timeline.decode_window for timeline in timelines]
        decode_seconds = sum(window.seconds for window in windows)
        decode_tokens = sum(window.num_tokens for window in windows)
        ttfts = [seconds for timeline in timelines for seconds in timeline.ttft_seconds]
        return cls(
            output_tokens_per_second=sum(timeline.num_tokens for timeline in timelines)
            / sum(timeline.seconds for timeline in timelines),
            decode_tokens_per_second=decode_tokens / decode_seconds if decode_seconds else None,
            ttft_ms=1000 * median(ttfts),
        )

    @classmethod
    def median(cls, rounds: Sequence["Rates"]) -> "Rates":
        """Of each number by itself."""
        decodes = [
            rates.decode_tokens_per_second
            for rates in rounds
            if rates.decode_tokens_per_second is not None
        ]
        return cls(
            output_tokens_per_second=median(rates.output_tokens_per_second for rates in rounds),
            decode_tokens_per_second=median(decodes) if decodes else None,
            ttft_ms=median(rates.ttft_ms for rates in rounds),
        )


@dataclass(frozen=True, slots=True)
class Ratio:
    """How often one case's number holds the other's, round by round.

    Cases of one round ran next to each other: their ratio survives a machine that changes its pace.
    """

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float], others: Sequence[float]) -> "Ratio":
        ratios = [value / other for value, other in zip(values, others, strict=True)]
        return cls(median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        return f"{self.median:.2f}x ({self.lowest:.2f} to {self.highest:.2f})"
