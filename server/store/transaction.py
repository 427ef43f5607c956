"""What reading and writing functions are given to work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, insert

from antiphon.server.store.errors import TooLargeToStore


@dataclass(slots=True)
class Transaction:
    """A write: its connection, the time, the bound, and the bytes kept as it goes along.

    now:        unix seconds.
    num_bytes:  of all bundles together; other servers' part of it as of the last sweep.
    """

    connection: Connection
    now: int
    max_bytes: int
    num_bytes: int

    def check_size(self, num_bytes: int) -> None:
        """Raises TooLargeToStore for what exceeds the whole bound alone."""
        if num_bytes > self.max_bytes:
            raise TooLargeToStore(num_bytes, self.max_bytes)

    def insert(self, table: Table, row: Mapping[str, object]) -> int:
        """The key of the new row."""
        key = self.connection.execute(insert(table), row).inserted_primary_key
        assert key is not None, "one row was inserted"
        return int(key[0])


@dataclass(slots=True)
class Snapshot:
    """A read: its connection, and the bundles whose recorded use has become too old.

    stale_before:  unix seconds; a use recorded before that is to be recorded anew.
    """

    connection: Connection
    stale_before: float
    stale_bundles: list[int] = field(default_factory=list)

    def use(self, bundle_key: int, last_used_at: int) -> None:
        if last_used_at < self.stale_before:
            self.stale_bundles.append(bundle_key)
