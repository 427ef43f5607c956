"""Responses, conversations and their items.

It repeats what `tables.py` says, because that file goes on while this step stays what it was.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_UNFINISHED = sa.text("lease_until IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "bundles",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("num_bytes", sa.BigInteger(), nullable=False),
    )
    op.create_index("bundles_by_use", "bundles", ["last_used_at"])
    op.create_table(
        "responses",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("bundle_key", KEY, _within("bundles"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("previous_response_id", sa.Text()),
        sa.Column("conversation_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("num_bytes", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.LargeBinary(), nullable=False),
        sa.Column("events", sa.LargeBinary(), nullable=False),
    )
    op.create_index("responses_by_id", "responses", ["id", "owner"], unique=True)
    op.create_index("responses_by_bundle", "responses", ["bundle_key"])
    op.create_index(
        "responses_by_lease",
        "responses",
        ["lease_until"],
        sqlite_where=IS_UNFINISHED,
        postgresql_where=IS_UNFINISHED,
    )
    op.create_table(
        "conversations",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("bundle_key", KEY, _within("bundles"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=False),
    )
    op.create_index("conversations_by_id", "conversations", ["id", "owner"], unique=True)
    op.create_index("conversations_by_bundle", "conversations", ["bundle_key"])
    op.create_table(
        "items",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("response_key", KEY, _within("responses")),
        sa.Column("conversation_key", KEY, _within("conversations")),
        sa.Column("is_output", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("items_by_id", "items", ["id", "owner"])
    op.create_index("items_by_response", "items", ["response_key"])
    op.create_index("items_by_conversation", "items", ["conversation_key"])


def _within(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{table}.key", ondelete="CASCADE")
