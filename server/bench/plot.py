"""The picture of one run: throughput and both latencies over concurrency."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from antiphon.server.bench.errors import BenchError
from antiphon.server.bench.summary import LevelSummary, Percentiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"p50": "#1b6ca8", "p95": "#e08e0b", "p99": "#b3261e"}


def require_matplotlib() -> None:
    """Raise BenchError if there is nothing to draw with: known before hours of measuring."""
    if find_spec("matplotlib") is None:
        raise BenchError("--plot needs matplotlib: pip install 'antiphon[plot]'")


def draw(title: str, levels: Sequence[LevelSummary], path: Path) -> None:
    """Write a PNG; a latency that no request had is left out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.2), layout="constrained")
    throughput, ttft, inter_token = figure.subplots(1, 3)
    _draw_throughput(throughput, levels)
    _draw_percentiles(ttft, levels, lambda level: level.ttft_ms)
    ttft.set_title("Time to first token (ms)")
    _draw_percentiles(inter_token, levels, lambda level: level.inter_token_ms)
    inter_token.set_title("Inter-token latency (ms)")
    for axes in (throughput, ttft, inter_token):
        _finish(axes, levels)
    figure.suptitle(title)
    figure.savefig(path, dpi=120, format="png")


def _draw_throughput(axes: "Axes", levels: Sequence[LevelSummary]) -> None:
    rates = [level.output_tokens_per_second for level in levels]
    axes.plot([level.concurrency for level in levels], rates, marker="o", color=COLOURS["p50"])
    axes.set_title("Throughput (output tokens/s)")


def _draw_percentiles(
    axes: "Axes",
    levels: Sequence[LevelSummary],
    choose: Callable[[LevelSummary], Percentiles | None],
) -> None:
    known = [(level.concurrency, times) for level in levels if (times := choose(level))]
    for name, colour in COLOURS.items():
        values = [getattr(times, name) for _, times in known]
        axes.plot([level for level, _ in known], values, marker="o", label=name, color=colour)
    axes.legend()


def _finish(axes: "Axes", levels: Sequence[LevelSummary]) -> None:
    ticks = sorted({level.concurrency for level in levels})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Concurrency (requests in flight)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
