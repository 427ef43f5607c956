"""The result of one run: a table to read and a JSON document to keep."""

import platform
from collections import Counter
from dataclasses import asdict, dataclass
from importlib import metadata

from rich.console import Console
from rich.table import Table

from antiphon.server.bench.measurement import TokenSource
from antiphon.server.bench.plan import BenchPlan
from antiphon.server.bench.preparation import Preparation
from antiphon.server.bench.summary import LevelSummary, Percentiles

SCHEMA = "antiphon.bench.serve/1"
NUM_REASONS = 5  # shown to people; the document holds them all
COUNT_COLUMNS = ("concurrency", "ok", "failed", "tokens in", "out", "out tok/s", "req/s")
TIME_COLUMNS = ("TTFT ms p50", "p95", "p99", "inter-token ms p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Report:
    """One run as far as it came; `started_at` is ISO 8601 with its zone."""

    started_at: str
    plan: BenchPlan
    preparation: Preparation
    levels: tuple[LevelSummary, ...]

    @property
    def num_completed(self) -> int:
        return sum(level.num_completed for level in self.levels)

    @property
    def title(self) -> str:
        model = self.preparation.sender.model
        return f"{model} at {self.plan.base_url}, {self.plan.endpoint} endpoint"

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers has to know."""
        counted = sorted({source for level in self.levels for source in level.token_sources})
        own = [_token_note(source) for source in counted]
        interrupted = [
            f"Interrupted at concurrency {level.concurrency}: {level.num_requests} requests ended."
            for level in self.levels
            if not level.is_complete
        ]
        return [*self.preparation.notes, *own, *interrupted]

    def document(self) -> dict[str, object]:
        """The JSON document; docs/benchmarking.md says what each number means."""
        sender = self.preparation.sender
        return {
            "schema": SCHEMA,
            "started_at": self.started_at,
            "settings": asdict(self.plan),
            "server": {
                "base_url": self.plan.base_url,
                "model": sender.model,
                "extensions": sender.extensions,
            },
            "calibration": asdict(self.preparation.calibration),
            "levels": [asdict(level) for level in self.levels],
            "notes": self.notes,
            "versions": {
                "antiphon": metadata.version("antiphon"),
                "httpx": metadata.version("httpx"),
                "python": platform.python_version(),
                "platform": platform.platform(),
            },
        }

    def print_to(self, console: Console) -> None:
        """The table, why requests failed, and the notes."""
        console.print(_table(self.title, self.levels))
        reasons = Counter[str]()
        for level in self.levels:
            reasons.update(level.errors)
        failures = [
            f"Failed {count}x: {reason}" for reason, count in reasons.most_common(NUM_REASONS)
        ]
        for line in [*failures, *self.notes]:
            console.print(line, markup=False, highlight=False)


def _token_note(source: TokenSource) -> str:
    if source is TokenSource.USAGE:
        return (
            "Output tokens are the server's own count. Inter-token latency is from one text delta "
            "to the next; a delta may hold several tokens."
        )
    return (
        "The server reports no output tokens: text deltas are counted instead, "
        "and a delta may hold several tokens."
    )


def _table(title: str, levels: tuple[LevelSummary, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in (*COUNT_COLUMNS, *TIME_COLUMNS):
        table.add_column(column, justify="right")
    for level in levels:
        table.add_row(
            str(level.concurrency),
            str(level.num_completed),
            str(level.num_requests - level.num_completed),
            _number(level.mean_input_tokens, 0),
            _number(level.mean_output_tokens, 0),
            _number(level.output_tokens_per_second, 1),
            _number(level.requests_per_second, 2),
            *_times(level.ttft_ms),
            *_times(level.inter_token_ms),
        )
    return table


def _times(times: Percentiles | None) -> tuple[str, str, str]:
    if times is None:
        return ("-", "-", "-")
    return (_number(times.p50, 1), _number(times.p95, 1), _number(times.p99, 1))


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
