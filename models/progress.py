"""How long work reports how far it is, to a bar in a terminal or to another process."""

from typing import Protocol


class Progress(Protocol):
    """Called with a stage's name and how much of it is done; `total` is None while nobody knows it.

    The unit belongs to the stage: "bytes" for what is fetched or read, "steps" for the rest.
    """

    def __call__(self, stage: str, done: int, total: int | None, unit: str) -> None: ...


def ignore_progress(stage: str, done: int, total: int | None, unit: str) -> None:
    """Report to nobody."""
