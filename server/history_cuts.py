"""Shorter versions of a history: what may be left out of it first, and what never is."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from antiphon.server.placed_item import PlacedItem
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


def shortened(items: Items) -> list[Items]:
    """Ever fewer of the items, none of them whole: whole turns go first, then steps of the last.

    System messages and tools stay, as does the last thing that the user said, and no output loses
    its call.
    """
    turns = [index for index, placed in enumerate(items) if _is_of_user(placed.item)]
    if not turns:
        return []
    last = turns[-1]
    by_turn = [(*standing(items[:start]), *items[start:]) for start in turns]
    by_step = [
        (*standing(items[:last]), items[last], *standing(items[last + 1 : start]), *items[start:])
        for start in _step_starts(items, last + 1)
    ]
    return [shorter for shorter in (*by_turn, *by_step) if len(shorter) < len(items)]


def leading(items: Sequence[PlacedItem]) -> Items:
    """The system messages and tools that a history begins with."""
    return tuple(takewhile(lambda placed: stands(placed.item), items))


def with_summary(summary: str, kept: Sequence[PlacedItem], param: str = "") -> Items:
    """What was kept, and behind what it begins with a summary of the rest."""
    first = leading(kept)
    message = MessageParam(role="user", content=SUMMARY.format(summary))
    return (*first, PlacedItem(param, message), *kept[len(first) :])


def standing(items: Sequence[PlacedItem]) -> Items:
    """Those that are never left out: system messages and tools."""
    return tuple(placed for placed in items if stands(placed.item))


def stands(item: ItemParam) -> bool:
    match item:
        case MessageParam(role="system" | "developer") | AdditionalToolsParam():
            return True
    return False


def _is_of_user(item: ItemParam) -> bool:
    return isinstance(item, MessageParam) and item.role == "user"


def _step_starts(items: Items, begin: int) -> Iterator[int]:
    """Where a step of the model begins: no call is open there, and no thought leads to it."""
    open_calls: set[str] = set()
    for index in range(begin, len(items)):
        item = items[index].item
        before = items[index - 1].item
        is_inside = isinstance(before, ReasoningItemParam) or isinstance(item, ToolOutputParam)
        if index > begin and not open_calls and not is_inside:
            yield index
        match item:
            case FunctionCallParam() | CustomToolCallParam():
                open_calls.add(item.call_id)
            case ToolOutputParam():
                open_calls.discard(item.call_id)
