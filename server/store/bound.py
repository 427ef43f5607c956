"""The bound: what is least recently used goes, a bundle at a time.

Unfinished responses, and what they continue, never go.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, exists, func, select

from antiphon.server.store.bundles import drop_bundles, grow_bundle
from antiphon.server.store.tables import bundles, responses
from antiphon.server.store.transaction import Transaction

SLICE_BUNDLES = 256
SLICE_BYTES = 8 * 2**20
"""How much goes at once: others' writes wait for no more than that."""


def make_room(
    transaction: Transaction, written: Collection[int], response_key: int | None = None
) -> None:
    """Come back within the bound, after a write that made these bundles larger.

    They stay. Only when nothing else is left, the earlier responses of the one that was written
    go: its chain is broken then, but it is there.
    """
    if transaction.num_bytes <= transaction.max_bytes:
        return
    recount(transaction)
    while transaction.num_bytes > transaction.max_bytes and _shrink(transaction, written):
        pass
    if transaction.num_bytes > transaction.max_bytes and response_key is not None:
        _drop_earlier(transaction, response_key)


def recount(transaction: Transaction) -> None:
    """See what other servers added or dropped."""
    total = select(func.coalesce(func.sum(bundles.c.num_bytes), 0))
    transaction.num_bytes = int(transaction.connection.execute(total).scalar_one())


def sweep_slice(transaction: Transaction, used_before: float) -> bool:
    """Drop some of what is too old, or else of what is too much; false when nothing is left."""
    if _drop_least_used(transaction, bundles.c.last_used_at < used_before, SLICE_BYTES):
        return True
    return transaction.num_bytes > transaction.max_bytes and _shrink(transaction)


def _shrink(transaction: Transaction, kept: Collection[int] = ()) -> bool:
    """Drop bundles until a tenth of the bound is free, a slice at most; false if none can go.

    A tenth, because room for one write alone would have to be made at every write.
    """
    excess = transaction.num_bytes - transaction.max_bytes * 9 // 10
    return _drop_least_used(transaction, bundles.c.key.not_in(kept), min(excess, SLICE_BYTES))


def _drop_least_used(
    transaction: Transaction, condition: ColumnElement[bool], num_bytes: int
) -> bool:
    """Drop bundles of this kind until so many bytes are free; false if there was none."""
    dropped: list[tuple[int, int]] = []
    for key, size in _least_used(transaction, condition):
        if num_bytes <= 0:
            break
        dropped.append((key, size))
        num_bytes -= size
    drop_bundles(transaction, dropped)
    return bool(dropped)


def _least_used(transaction: Transaction, condition: ColumnElement[bool]) -> list[tuple[int, int]]:
    """Key and size of some bundles that may go, those first that were not used for longest."""
    is_running = exists().where(
        responses.c.bundle_key == bundles.c.key, responses.c.lease_until.is_not(None)
    )
    query = select(bundles.c.key, bundles.c.num_bytes).where(condition, ~is_running)
    oldest = query.order_by(bundles.c.last_used_at, bundles.c.key).limit(SLICE_BUNDLES)
    # Where several servers share it, one that makes room skips what another works on.
    rows = transaction.connection.execute(oldest.with_for_update(skip_locked=True, of=bundles))
    return [(row.key, row.num_bytes) for row in rows]


def _drop_earlier(transaction: Transaction, response_key: int) -> None:
    own = select(responses.c.bundle_key).where(responses.c.key == response_key)
    bundle_key = transaction.connection.execute(own).scalar_one()
    earlier = select(responses.c.key, responses.c.num_bytes).where(
        responses.c.bundle_key == bundle_key,
        responses.c.key != response_key,
        responses.c.lease_until.is_(None),
    )
    for key, num_bytes in transaction.connection.execute(earlier.order_by(responses.c.key)).all():
        if transaction.num_bytes <= transaction.max_bytes:
            break
        transaction.connection.execute(delete(responses).where(responses.c.key == key))
        grow_bundle(transaction, bundle_key, -num_bytes)
