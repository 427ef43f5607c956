"""Responses: written whole, read whole, or read as the chain of items that leads to one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, RowMapping, Select, delete, exists, literal, select

from antiphon.server.store.bound import make_room
from antiphon.server.store.bundles import add_bundle, drop_bundles, grow_bundle
from antiphon.server.store.conversations import append_items
from antiphon.server.store.encoding import decode_events, decode_json, encode_events, encode_json
from antiphon.server.store.errors import ChainBroken, ResponseNotFound
from antiphon.server.store.leases import lease
from antiphon.server.store.records import Item, RecordedEvent, StoredResponse
from antiphon.server.store.stored_items import insert_items, rows_of, size_of
from antiphon.server.store.tables import bundles, items, responses
from antiphon.server.store.transaction import Snapshot, Transaction

ROW_BYTES = 400
"""What a row takes beside its bodies, that of its bundle included."""


def save_response(
    transaction: Transaction,
    response: StoredResponse,
    events: Sequence[RecordedEvent],
    appended: Sequence[Item],
) -> None:
    """Insert or replace it with its events, and append items to its conversation.

    Raises TooLargeToStore and ConversationNotFound.
    """
    resource, log = encode_json(response.resource), encode_events(events)
    rows = rows_of(response.owner, response.input_items)
    rows += rows_of(response.owner, response.output_items, is_output=True)
    num_bytes = ROW_BYTES + len(resource) + len(log) + size_of(rows)
    transaction.check_size(num_bytes)
    bundle_key = _place(transaction, response, num_bytes)
    row = {
        "bundle_key": bundle_key,
        "owner": response.owner,
        "id": response.id,
        "previous_response_id": response.previous_response_id,
        "conversation_id": response.conversation_id,
        "status": response.status,
        "created_at": response.created_at,
        "lease_until": lease(response.status, transaction.now),
        "num_bytes": num_bytes,
        "resource": resource,
        "events": log,
    }
    key = transaction.insert(responses, row)
    insert_items(transaction, rows, {"response_key": key})
    written = {bundle_key}
    if appended:
        assert response.conversation_id is not None, "items are appended to a conversation"
        place = (response.owner, response.conversation_id)
        written.add(append_items(transaction, *place, appended, beside=num_bytes))
    make_room(transaction, written, key)


def delete_response(transaction: Transaction, owner: str, response_id: str) -> None:
    """Raises ResponseNotFound."""
    row = _find(transaction, owner, response_id)
    if row is None or not _delete(transaction, row["key"]):
        raise ResponseNotFound(response_id)
    grow_bundle(transaction, row["bundle_key"], -row["num_bytes"])
    others = select(exists().where(responses.c.bundle_key == row["bundle_key"]))
    if not transaction.connection.execute(others).scalar_one():
        drop_bundles(transaction, [(row["bundle_key"], 0)])


def read_response(snapshot: Snapshot, owner: str, response_id: str) -> StoredResponse:
    """Raises ResponseNotFound."""
    row = _use(snapshot, owner, response_id, *(c for c in responses.c if c.name != "events"))
    query = select(items.c.is_output, items.c.body).where(items.c.response_key == row["key"])
    bodies = snapshot.connection.execute(query.order_by(items.c.key)).all()
    return StoredResponse(
        id=response_id,
        owner=owner,
        status=row["status"],
        created_at=row["created_at"],
        previous_response_id=row["previous_response_id"],
        conversation_id=row["conversation_id"],
        resource=decode_json(row["resource"]),
        input_items=tuple(decode_json(body) for is_output, body in bodies if not is_output),
        output_items=tuple(decode_json(body) for is_output, body in bodies if is_output),
    )


def read_events(snapshot: Snapshot, owner: str, response_id: str) -> tuple[RecordedEvent, ...]:
    """Raises ResponseNotFound."""
    return decode_events(_use(snapshot, owner, response_id, responses.c.events)["events"])


def read_chain(snapshot: Snapshot, owner: str, response_id: str) -> tuple[Item, ...]:
    """Raises ResponseNotFound for the response itself, and ChainBroken for one before it."""
    _use(snapshot, owner, response_id)
    rows = snapshot.connection.execute(_chain(owner, response_id)).all()
    missing_id = rows[0].previous_response_id
    if missing_id is not None:
        raise ChainBroken(response_id, missing_id)
    return tuple(decode_json(row.body) for row in rows if row.body is not None)


def _chain(owner: str, response_id: str) -> Select[Any]:
    """Each item of each response, oldest first; a response without any makes a row too."""
    columns = (responses.c.key, responses.c.previous_response_id)
    last = select(*columns, literal(0).label("age")).where(
        responses.c.id == response_id, responses.c.owner == owner
    )
    chain = last.cte("chain", recursive=True)
    is_previous = (responses.c.id == chain.c.previous_response_id) & (responses.c.owner == owner)
    chain = chain.union_all(select(*columns, chain.c.age + 1).join(chain, is_previous))
    query = select(chain.c.previous_response_id, items.c.body)
    its_items = query.select_from(chain).outerjoin(items, items.c.response_key == chain.c.key)
    return its_items.order_by(chain.c.age.desc(), items.c.key)


def _place(transaction: Transaction, response: StoredResponse, num_bytes: int) -> int:
    """The bundle it goes into, made larger by it. What it replaces is deleted."""
    replaced = _find(transaction, response.owner, response.id)
    growth = num_bytes
    if replaced is not None and _delete(transaction, replaced["key"]):
        growth -= replaced["num_bytes"]
    neighbour = replaced
    if neighbour is None and response.previous_response_id is not None:
        neighbour = _find(transaction, response.owner, response.previous_response_id)
    if neighbour is not None and grow_bundle(transaction, neighbour["bundle_key"], growth):
        return int(neighbour["bundle_key"])
    return add_bundle(transaction, num_bytes)


def _find(transaction: Transaction, owner: str, response_id: str) -> RowMapping | None:
    query = select(responses.c.key, responses.c.bundle_key, responses.c.num_bytes)
    rows = transaction.connection.execute(
        query.where(responses.c.id == response_id, responses.c.owner == owner)
    )
    return rows.mappings().one_or_none()


def _delete(transaction: Transaction, key: int) -> bool:
    """False if another server has deleted it meanwhile."""
    deleted = transaction.connection.execute(delete(responses).where(responses.c.key == key))
    return bool(deleted.rowcount)


def _use(snapshot: Snapshot, owner: str, response_id: str, *columns: Column[Any]) -> RowMapping:
    query = select(*columns, bundles.c.key.label("bundle"), bundles.c.last_used_at)
    rows = snapshot.connection.execute(
        query.select_from(responses.join(bundles)).where(
            responses.c.id == response_id, responses.c.owner == owner
        )
    )
    row = rows.mappings().one_or_none()
    if row is None:
        raise ResponseNotFound(response_id)
    snapshot.use(row["bundle"], row["last_used_at"])
    return row
