"""Conversations: their metadata, and the items in them."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, delete, select, update

from antiphon.server.store.bound import make_room
from antiphon.server.store.bundles import add_bundle, bundle_size, drop_bundles, grow_bundle
from antiphon.server.store.encoding import decode_json, encode_json
from antiphon.server.store.errors import ConversationNotFound, ItemNotFound
from antiphon.server.store.records import Conversation, Item
from antiphon.server.store.stored_items import insert_items, rows_of, size_in_database, size_of
from antiphon.server.store.tables import bundles, conversations, items
from antiphon.server.store.transaction import Snapshot, Transaction

ROW_BYTES = 300
"""What a row takes beside its metadata, that of its bundle included."""


def create_conversation(
    transaction: Transaction, conversation: Conversation, contents: Sequence[Item]
) -> None:
    """Raises TooLargeToStore."""
    metadata = encode_json(conversation.metadata)
    rows = rows_of(conversation.owner, contents)
    num_bytes = ROW_BYTES + len(metadata) + size_of(rows)
    transaction.check_size(num_bytes)
    bundle_key = add_bundle(transaction, num_bytes)
    row = {
        "bundle_key": bundle_key,
        "owner": conversation.owner,
        "id": conversation.id,
        "created_at": conversation.created_at,
        "metadata": metadata,
    }
    key = transaction.insert(conversations, row)
    insert_items(transaction, rows, {"conversation_key": key})
    make_room(transaction, {bundle_key})


def read_conversation(snapshot: Snapshot, owner: str, conversation_id: str) -> Conversation:
    """Raises ConversationNotFound."""
    row = _use(snapshot, owner, conversation_id)
    return Conversation(conversation_id, owner, row["created_at"], decode_json(row["metadata"]))


def update_conversation(
    transaction: Transaction, owner: str, conversation_id: str, metadata: dict[str, str]
) -> Conversation:
    """Replace its metadata. Raises ConversationNotFound and TooLargeToStore."""
    row = _find(transaction, owner, conversation_id)
    body = encode_json(metadata)
    _grow(transaction, row, conversation_id, len(body) - len(row["metadata"]))
    changed = update(conversations).where(conversations.c.key == row["key"]).values(metadata=body)
    transaction.connection.execute(changed)
    make_room(transaction, {row["bundle_key"]})
    return Conversation(conversation_id, owner, row["created_at"], metadata)


def delete_conversation(transaction: Transaction, owner: str, conversation_id: str) -> None:
    """Delete it with its items; the responses that were made in it stay.

    Raises ConversationNotFound.
    """
    row = _find(transaction, owner, conversation_id)
    drop_bundles(transaction, [(row["bundle_key"], bundle_size(transaction, row["bundle_key"]))])


def read_items(snapshot: Snapshot, owner: str, conversation_id: str) -> tuple[Item, ...]:
    """All of them, oldest first. Raises ConversationNotFound."""
    row = _use(snapshot, owner, conversation_id)
    query = select(items.c.body).where(items.c.conversation_key == row["key"]).order_by(items.c.key)
    return tuple(decode_json(body) for body in snapshot.connection.execute(query).scalars())


def append_items(
    transaction: Transaction,
    owner: str,
    conversation_id: str,
    contents: Sequence[Item],
    *,
    beside: int = 0,
) -> int:
    """Add items at the end; the key of the conversation's bundle. Making room is the caller's.

    beside:  bytes that are written in the same step and have to fit too.

    Raises ConversationNotFound and TooLargeToStore.
    """
    row = _find(transaction, owner, conversation_id)
    rows = rows_of(owner, contents)
    _grow(transaction, row, conversation_id, size_of(rows), beside)
    insert_items(transaction, rows, {"conversation_key": row["key"]})
    return int(row["bundle_key"])


def add_items(
    transaction: Transaction, owner: str, conversation_id: str, contents: Sequence[Item]
) -> None:
    """Raises ConversationNotFound and TooLargeToStore."""
    make_room(transaction, {append_items(transaction, owner, conversation_id, contents)})


def delete_item(transaction: Transaction, owner: str, conversation_id: str, item_id: str) -> None:
    """Raises ConversationNotFound and ItemNotFound."""
    row = _find(transaction, owner, conversation_id)
    is_it = (items.c.conversation_key == row["key"]) & (items.c.id == item_id)
    num_bytes = transaction.connection.execute(select(size_in_database()).where(is_it)).scalar_one()
    if not transaction.connection.execute(delete(items).where(is_it)).rowcount:
        raise ItemNotFound(item_id)
    grow_bundle(transaction, row["bundle_key"], -num_bytes)


def _find(transaction: Transaction, owner: str, conversation_id: str) -> RowMapping:
    query = select(conversations).where(
        conversations.c.id == conversation_id, conversations.c.owner == owner
    )
    row = transaction.connection.execute(query).mappings().one_or_none()
    if row is None:
        raise ConversationNotFound(conversation_id)
    return row


def _use(snapshot: Snapshot, owner: str, conversation_id: str) -> RowMapping:
    query = select(conversations, bundles.c.last_used_at).join(bundles)
    rows = snapshot.connection.execute(
        query.where(conversations.c.id == conversation_id, conversations.c.owner == owner)
    )
    row = rows.mappings().one_or_none()
    if row is None:
        raise ConversationNotFound(conversation_id)
    snapshot.use(row["bundle_key"], row["last_used_at"])
    return row


def _grow(
    transaction: Transaction, row: RowMapping, conversation_id: str, growth: int, beside: int = 0
) -> None:
    if not grow_bundle(transaction, row["bundle_key"], growth):
        raise ConversationNotFound(conversation_id)
    transaction.check_size(bundle_size(transaction, row["bundle_key"]) + beside)
