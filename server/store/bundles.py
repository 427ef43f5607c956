"""Bundles: what is kept or dropped as a whole, how large it is and when it was last used."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, update

from antiphon.server.store.tables import bundles
from antiphon.server.store.transaction import Transaction


def add_bundle(transaction: Transaction, num_bytes: int) -> int:
    """The key of a new bundle."""
    row = {"last_used_at": transaction.now, "num_bytes": num_bytes}
    transaction.num_bytes += num_bytes
    return transaction.insert(bundles, row)


def grow_bundle(transaction: Transaction, key: int, num_bytes: int) -> bool:
    """Use it, and make it larger or smaller; false if another server has dropped it meanwhile."""
    change = update(bundles).where(bundles.c.key == key)
    grown = transaction.connection.execute(
        change.values(num_bytes=bundles.c.num_bytes + num_bytes, last_used_at=transaction.now)
    )
    if grown.rowcount:
        transaction.num_bytes += num_bytes
    return bool(grown.rowcount)


def bundle_size(transaction: Transaction, key: int) -> int:
    size = select(bundles.c.num_bytes).where(bundles.c.key == key)
    return int(transaction.connection.execute(size).scalar_one())


def touch_bundles(transaction: Transaction, keys: Collection[int]) -> None:
    """Record that they are in use."""
    used = update(bundles).where(bundles.c.key.in_(keys))
    transaction.connection.execute(used.values(last_used_at=transaction.now))


def drop_bundles(transaction: Transaction, sizes: Sequence[tuple[int, int]]) -> None:
    """Delete these, given by key and size, with all that is in them."""
    keys = [key for key, _ in sizes]
    transaction.connection.execute(delete(bundles).where(bundles.c.key.in_(keys)))
    transaction.num_bytes -= sum(num_bytes for _, num_bytes in sizes)
