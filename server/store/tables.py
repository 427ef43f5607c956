"""The tables, as the newest step of `migrations` leaves them.

A bundle is what is kept or dropped as a whole: a conversation, or all responses that continue one
first response. Its `num_bytes` is the sum over its rows.
"""

import hashlib

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

MAX_PLAIN_ID_LENGTH = 128
METADATA = MetaData()
KEY = BigInteger().with_variant(Integer(), "sqlite")  # only that numbers itself there


class Id(TypeDecorator[str]):
    """An id or an owner's name, in a form that every database takes and indexes.

    Clients choose ids too: what is long, or not printable ASCII, is kept as its digest. Ids that
    the server makes never are.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or _is_plain(value):
            return value
        return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _is_plain(text: str) -> bool:
    return len(text) <= MAX_PLAIN_ID_LENGTH and text.isascii() and text.isprintable()


def _within(table: str) -> ForeignKey:
    """A row that goes when the one it belongs to goes."""
    return ForeignKey(f"{table}.key", ondelete="CASCADE")


bundles = Table(
    "bundles",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("last_used_at", BigInteger, nullable=False),
    Column("num_bytes", BigInteger, nullable=False),
    Index("bundles_by_use", "last_used_at"),
)

# What is large comes last: SQLite reads a row only as far as it has to.
responses = Table(
    "responses",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("bundle_key", KEY, _within("bundles"), nullable=False),
    Column("owner", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("previous_response_id", Id),
    Column("conversation_id", Id),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger),  # null once it is finished
    Column("num_bytes", BigInteger, nullable=False),
    Column("resource", LargeBinary, nullable=False),
    Column("events", LargeBinary, nullable=False),
    Index("responses_by_id", "id", "owner", unique=True),
    Index("responses_by_bundle", "bundle_key"),
)
Index(
    "responses_by_lease",
    responses.c.lease_until,
    sqlite_where=responses.c.lease_until.is_not(None),
    postgresql_where=responses.c.lease_until.is_not(None),
)

conversations = Table(
    "conversations",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("bundle_key", KEY, _within("bundles"), nullable=False),
    Column("owner", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Index("conversations_by_id", "id", "owner", unique=True),
    Index("conversations_by_bundle", "bundle_key"),
)

# Each belongs to a response or to a conversation; its key is its place there.
items = Table(
    "items",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("response_key", KEY, _within("responses")),
    Column("conversation_key", KEY, _within("conversations")),
    Column("is_output", Boolean, nullable=False),
    Column("owner", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("items_by_id", "id", "owner"),
    Index("items_by_response", "response_key"),
    Index("items_by_conversation", "conversation_key"),
)
