"""The hub client's progress bars, reported instead of drawn."""

from threading import Lock
from typing import Self

from antiphon.models.progress import Progress


class HubBars:
    """The bars of one download. Several count the same bytes (received, written): the most counts.

    Files come over several threads, hence the lock: nobody's Progress has to be thread-safe.
    """

    def __init__(self, progress: Progress, stage: str) -> None:
        self._progress = progress
        self._stage = stage
        self._lock = Lock()
        self._bars: list[HubBar] = []

    def bar_class(self) -> type["HubBar"]:
        """A class to give as `tqdm_class`: the client makes the bars itself."""
        return type("BoundHubBar", (HubBar,), {"bars": self})

    def add(self, bar: "HubBar") -> None:
        self._bars.append(bar)

    def report(self) -> None:
        with self._lock:
            done = max(bar.n for bar in self._bars)
            total = max(bar.total or 0 for bar in self._bars)
            self._progress(self._stage, int(done), max(total, int(done)) or None, "bytes")


class HubBar:
    """As much of tqdm as the client uses. Bars that count files, not bytes, are not reported."""

    bars: HubBars

    def __init__(
        self,
        *_: object,
        total: int | None = None,
        initial: int = 0,
        unit: str = "it",
        **__: object,
    ) -> None:
        self.n: float = initial
        self.total = total
        self.format_dict: dict[str, float] = {}
        self._counts_bytes = unit == "B"
        if self._counts_bytes:
            self.bars.add(self)

    def update(self, amount: float | None = 1) -> None:
        self.n += amount or 0
        self.refresh()

    def refresh(self) -> None:
        if self._counts_bytes:
            self.bars.report()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def set_description(self, *_: object, **__: object) -> None: ...

    def set_description_str(self, *_: object, **__: object) -> None: ...

    def set_postfix_str(self, *_: object, **__: object) -> None: ...

    def close(self) -> None: ...
