"""What the rows of a SQLite file say about the bytes that are kept."""

import sqlite3
from contextlib import closing
from pathlib import Path

from antiphon.server.store import conversations, responses, stored_items

BYTES_OF_ROWS = f"""
SELECT coalesce(sum(num_bytes), 0) FROM (
    SELECT {responses.ROW_BYTES} + length(resource) + length(events) AS num_bytes FROM responses
    UNION ALL SELECT {conversations.ROW_BYTES} + length(metadata) FROM conversations
    UNION ALL SELECT {stored_items.ROW_BYTES} + length(body) FROM items
)
"""
BYTES_OF_BUNDLES = "SELECT coalesce(sum(num_bytes), 0) FROM bundles"
EMPTY_BUNDLES = """
SELECT count(*) FROM bundles
WHERE key NOT IN (SELECT bundle_key FROM responses UNION SELECT bundle_key FROM conversations)
"""
LOST_ITEMS = """
SELECT count(*) FROM items
LEFT JOIN responses ON responses.key = response_key
LEFT JOIN conversations ON conversations.key = conversation_key
WHERE (responses.key IS NULL) = (conversations.key IS NULL)
"""


def check_accounts(path: Path, num_bytes: int) -> None:
    """Every row belongs to something, and all sums agree with what the store says."""
    assert _number(path, BYTES_OF_ROWS) == num_bytes
    assert _number(path, BYTES_OF_BUNDLES) == num_bytes
    assert _number(path, EMPTY_BUNDLES) == 0
    assert _number(path, LOST_ITEMS) == 0


def size_on_disk(path: Path) -> int:
    """With the files that SQLite keeps beside it."""
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def _number(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(query).fetchone()[0])
