"""The rows of items, which belong to a response or to a conversation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select

from antiphon.server.store.encoding import decode_json, encode_json
from antiphon.server.store.errors import ItemNotFound
from antiphon.server.store.records import Item
from antiphon.server.store.tables import items
from antiphon.server.store.transaction import Snapshot, Transaction

ROW_BYTES = 200
"""What a row takes beside its body: ids, keys and their places in indexes."""

Row = dict[str, Any]


def rows_of(owner: str, contents: Iterable[Item], *, is_output: bool = False) -> list[Row]:
    """The rows, but for whom they belong to."""
    return [
        {"owner": owner, "id": item["id"], "is_output": is_output, "body": encode_json(item)}
        for item in contents
    ]


def size_of(rows: Iterable[Row]) -> int:
    return sum(ROW_BYTES + len(row["body"]) for row in rows)


def size_in_database() -> ColumnElement[int]:
    """The same, of rows that are there; an aggregate."""
    return func.coalesce(func.sum(func.length(items.c.body) + ROW_BYTES), 0)


def insert_items(transaction: Transaction, rows: Sequence[Row], place: Mapping[str, int]) -> None:
    """Add them in order; `place` is the column and the key of what they belong to."""
    if rows:
        transaction.connection.execute(insert(items), [{**row, **place} for row in rows])


def newest_item(snapshot: Snapshot, owner: str, item_id: str) -> Item:
    """Raises ItemNotFound."""
    query = select(items.c.body).where(items.c.id == item_id, items.c.owner == owner)
    newest = query.order_by(items.c.key.desc()).limit(1)
    body = snapshot.connection.execute(newest).scalar()
    if body is None:
        raise ItemNotFound(item_id)
    item: Item = decode_json(body)
    return item
