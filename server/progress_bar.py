"""Progress for people: bars in a terminal, one plain line per stage anywhere else.

Both forms keep `antiphon.models.progress.Progress`. Several stages may run at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from antiphon.models.progress import Progress


@contextmanager
def open_progress(console: Console) -> Iterator[Progress]:
    """A progress that shows itself on `console` until the block is left."""
    if not console.is_terminal:
        yield StageLines(console)
        return
    with _bars(console) as bars:
        yield StageBars(bars)


class StageBars:
    """One bar a stage; a stage without a known total pulses."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None, unit: str) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, unit=unit)
        self._bars.update(self._tasks[stage], completed=done, total=total)


class StageLines:
    """One line when a stage begins and nothing after: what a log file or a container wants."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: set[str] = set()

    def __call__(self, stage: str, done: int, total: int | None, unit: str) -> None:
        if stage in self._seen:
            return
        self._seen.add(stage)
        size = "" if total is None else f" ({amount(total, unit)})"
        self._console.print(f"{stage}{size}", markup=False, highlight=False, soft_wrap=True)


class AmountColumn(TextColumn):
    """How much is done, in the stage's own unit."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        done, unit = int(task.completed), str(task.fields["unit"])
        if task.total is None:
            return Text(amount(done, unit))
        part = decimal(done) if unit == "bytes" else str(done)
        return Text(f"{part} of {amount(int(task.total), unit)}")


def amount(count: int, unit: str) -> str:
    """`269.1 MB` for bytes, `30 steps` for the rest."""
    return decimal(count) if unit == "bytes" else f"{count} {unit}"


def _bars(console: Console) -> Bars:
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        AmountColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
    )
