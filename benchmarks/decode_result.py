"""What `bench_decode` found for one batch size, beside what the memory would allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rich.table import Table

from antiphon.server.bench.summary import percentile
from benchmarks.decoding import DecodeRun
from benchmarks.report import make_table
from benchmarks.roofline import Roofline


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """One batch size.

    context_tokens     of each sequence, averaged over the steps.
    step_ms            the median run's mean.
    step_ms_p99        over the steps of all runs.
    share_of_roofline  1.0 is all that the bandwidth allows.
    """

    batch_size: int
    context_tokens: float
    step_ms: float
    step_ms_p99: float
    tokens_per_second: float
    roofline_step_ms: float
    roofline_tokens_per_second: float
    share_of_roofline: float

    @classmethod
    def of(cls, runs: Sequence[DecodeRun], roofline: Roofline) -> "DecodeResult":
        """Of runs of one batch size and context."""
        batch_size = runs[0].batch_size
        context_tokens = fmean(run.context_tokens for run in runs)
        seconds = median(fmean(run.step_seconds) for run in runs)
        least = roofline.step_seconds(context_tokens)
        steps = sorted(step for run in runs for step in run.step_seconds)
        return cls(
            batch_size=batch_size,
            context_tokens=context_tokens / batch_size,
            step_ms=1000 * seconds,
            step_ms_p99=1000 * percentile(steps, 0.99),
            tokens_per_second=batch_size / seconds,
            roofline_step_ms=1000 * least,
            roofline_tokens_per_second=batch_size / least,
            share_of_roofline=least / seconds,
        )


def decode_table(results: Sequence[DecodeResult]) -> Table:
    table = make_table(
        "batch", "step ms", "p99", "tok/s", "roofline ms", "roofline tok/s", "of roofline"
    )
    for result in results:
        table.add_row(
            str(result.batch_size),
            f"{result.step_ms:.2f}",
            f"{result.step_ms_p99:.2f}",
            f"{result.tokens_per_second:.1f}",
            f"{result.roofline_step_ms:.2f}",
            f"{result.roofline_tokens_per_second:.1f}",
            f"{result.share_of_roofline:.0%}",
        )
    return table
