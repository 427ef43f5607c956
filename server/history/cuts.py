"""Shorter versions of a history: what may be left out of it first, and what never is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import overload

from antiphon.server.history.placed_item import PlacedItem
from antiphon.server.protocol.input_items import (
    AdditionalToolsParam,
    CustomToolCallParam,
    FunctionCallParam,
    ItemParam,
    MessageParam,
    ReasoningItemParam,
    ToolOutputParam,
)

Items = tuple[PlacedItem, ...]

SUMMARY = "Summary of the conversation so far:\n\n{}"


@dataclass(frozen=True, slots=True)
class Cut:
    """Leaves out what comes before `start`, but for what stands, and for one more item.

    spared  what the user said last, where `start` lies behind it.
    """

    start: int
    spared: int | None = None


class Shortened(Sequence[Items]):
    """Ever fewer of the items, none of them whole: whole turns go first, then steps of the last.

    System messages and tools stay, as does the last thing that the user said, and no output loses
    its call. Each version is made when it is looked at: there may be thousands.
    """

    def __init__(self, items: Items) -> None:
        self._items = items
        self.cuts = tuple(_cuts(items))

    def __len__(self) -> int:
        return len(self.cuts)

    @overload
    def __getitem__(self, index: int) -> Items: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Items]: ...
    def __getitem__(self, index: int | slice) -> Items | Sequence[Items]:
        if isinstance(index, slice):
            return [self._after(cut) for cut in self.cuts[index]]
        return self._after(self.cuts[index])

    def sizes(self, sizes: Sequence[int]) -> list[int]:
        """How large each version is, when the items are so large."""
        standing = [
            size if stands(placed.item) else 0
            for placed, size in zip(self._items, sizes, strict=True)
        ]
        all_before = [0, *accumulate(sizes)]
        standing_before = [0, *accumulate(standing)]
        return [
            all_before[-1]
            - all_before[cut.start]
            + standing_before[cut.start]
            + (0 if cut.spared is None else sizes[cut.spared])
            for cut in self.cuts
        ]

    def _after(self, cut: Cut) -> Items:
        before = (
            placed
            for index, placed in enumerate(self._items[: cut.start])
            if index == cut.spared or stands(placed.item)
        )
        return (*before, *self._items[cut.start :])


def leading(items: Sequence[PlacedItem]) -> Items:
    """The system messages and tools that a history begins with."""
    return tuple(takewhile(lambda placed: stands(placed.item), items))


def with_summary(summary: str, kept: Sequence[PlacedItem], param: str = "") -> Items:
    """What was kept, and behind what it begins with a summary of the rest."""
    first = leading(kept)
    message = MessageParam(role="user", content=SUMMARY.format(summary))
    return (*first, PlacedItem(param, message), *kept[len(first) :])


def stands(item: ItemParam) -> bool:
    """Whether it is never left out."""
    match item:
        case MessageParam(role="system" | "developer") | AdditionalToolsParam():
            return True
    return False


def _cuts(items: Items) -> Iterator[Cut]:
    """Those that leave something out, the least first."""
    turns = [index for index, placed in enumerate(items) if _is_of_user(placed.item)]
    if not turns:
        return
    first = next((i for i, placed in enumerate(items) if not stands(placed.item)), len(items))
    may_begin = _possible_starts(items)
    yield from (Cut(start) for start in turns if start > first and may_begin[start])
    last = turns[-1]
    for start in range(last + 2, len(items)):
        if may_begin[start] and not isinstance(items[start - 1].item, ReasoningItemParam):
            yield Cut(start, spared=last)


def _is_of_user(item: ItemParam) -> bool:
    return isinstance(item, MessageParam) and item.role == "user"


def _possible_starts(items: Items) -> list[bool]:
    """For each place, whether no output from there on answers a call before it."""
    called: dict[str, int] = {}
    changes = [0] * (len(items) + 1)
    for index, placed in enumerate(items):
        item = placed.item
        if isinstance(item, FunctionCallParam | CustomToolCallParam):
            called[item.call_id] = index
        elif isinstance(item, ToolOutputParam) and item.call_id in called:
            changes[called[item.call_id] + 1] += 1
            changes[index + 1] -= 1
    return [num_open == 0 for num_open in accumulate(changes[: len(items)])]
