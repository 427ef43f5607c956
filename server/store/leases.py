"""Unfinished responses belong to a living server as long as it renews their leases."""

from collections.abc import Collection

from sqlalchemy import RowMapping, bindparam, select, update

from antiphon.server.store.bundles import grow_bundle
from antiphon.server.store.encoding import decode_json, encode_json
from antiphon.server.store.tables import responses
from antiphon.server.store.transaction import Transaction

LEASE_SECONDS = 15
UNFINISHED = frozenset({"queued", "in_progress"})


def lease(status: str, now: int) -> int | None:
    """Until when a response that is written now counts as alive; none once it is finished."""
    return now + LEASE_SECONDS if status in UNFINISHED else None


def renew_leases(transaction: Transaction, response_ids: Collection[str]) -> None:
    """Prolong those that are still unfinished."""
    renewed = update(responses).where(
        responses.c.id == bindparam("response_id"), responses.c.lease_until.is_not(None)
    )
    if response_ids:
        transaction.connection.execute(
            renewed.values(lease_until=transaction.now + LEASE_SECONDS),
            [{"response_id": response_id} for response_id in response_ids],
        )


def fail_abandoned(transaction: Transaction, error: dict[str, str]) -> list[str]:
    """Fail those whose lease has run out; their ids."""
    query = select(
        *(responses.c.key, responses.c.bundle_key, responses.c.id, responses.c.resource)
    ).where(responses.c.lease_until <= transaction.now)
    rows = transaction.connection.execute(query).mappings().all()
    return [row["id"] for row in rows if _fail(transaction, row, error)]


def _fail(transaction: Transaction, row: RowMapping, error: object) -> bool:
    """False if it was finished or renewed meanwhile."""
    failed = decode_json(row["resource"]) | {
        "status": "failed",
        "error": error,
        "completed_at": None,
    }
    resource = encode_json(failed)
    growth = len(resource) - len(row["resource"])
    change = update(responses).where(
        responses.c.key == row["key"], responses.c.lease_until <= transaction.now
    )
    changed = transaction.connection.execute(
        change.values(
            status="failed",
            lease_until=None,
            resource=resource,
            num_bytes=responses.c.num_bytes + growth,
        )
    )
    return bool(changed.rowcount) and grow_bundle(transaction, row["bundle_key"], growth)
