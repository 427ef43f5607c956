"""What is kept, as values, and a page of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from antiphon.server.store.errors import ItemNotFound

Item = dict[str, Any]
"""One item as JSON; it always has `id` and `type`."""


class RecordedEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One streamed event, exactly as it was emitted; `data` is its JSON text.

    There may be a hundred thousand of them at once: the garbage collector need not look at any.
    """

    sequence_number: int
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response with what it was asked.

    owner:        whose it is; empty where the server has no keys. Part of every look-up.
    status:       queued, in_progress, completed, incomplete, failed or cancelled.
    created_at:   unix seconds.
    resource:     the response object without its `output`.
    input_items:  what this request itself brought.
    """

    id: str
    owner: str
    status: str
    created_at: int
    previous_response_id: str | None
    conversation_id: str | None
    resource: dict[str, Any]
    input_items: tuple[Item, ...]
    output_items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its items; `created_at` is in unix seconds."""

    id: str
    owner: str
    created_at: int
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which items: at most `limit`, in this order, after one item and before another."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the items; `has_more` says that others lie beyond them, away from the cursor."""

    items: tuple[Item, ...]
    has_more: bool


def page_of(items: Sequence[Item], query: PageQuery) -> Page:
    """One page of items, which come oldest first.

    With `before` alone it is the page that ends right before that item.

    Raises ItemNotFound for a cursor that is not among the items.
    """
    ordered = list(items) if query.order == "asc" else list(reversed(items))
    ids = [item["id"] for item in ordered]
    end = len(ids) if query.before is None else _index(ids, query.before)
    # An id may occur twice: after the last of them, or a reader would turn in circles.
    start = 0 if query.after is None else len(ids) - _index(ids[::-1], query.after)
    window = ordered[start:end]
    if query.before is not None and query.after is None:
        return Page(tuple(window[-query.limit :]), has_more=len(window) > query.limit)
    return Page(tuple(window[: query.limit]), has_more=len(window) > query.limit)


def _index(ids: list[str], item_id: str) -> int:
    try:
        return ids.index(item_id)
    except ValueError:
        raise ItemNotFound(item_id) from None
