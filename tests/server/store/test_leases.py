"""Unfinished responses of servers that died are failed; those of living ones are not."""

from dataclasses import replace

from antiphon.server.store.leases import LEASE_SECONDS
from antiphon.server.store.store import Store
from tests.server.store.examples import OWNER, FakeClock, events, response, running

ERROR = {"code": "server_error", "message": "The server went away."}


async def test_unfinished_response_fails_when_its_lease_has_run_out(
    store: Store, clock: FakeClock
) -> None:
    await store.save(running("a"), events(3))
    await store.save(replace(running("b"), status="queued"))
    await store.save(response("done"))
    clock.now += LEASE_SECONDS
    assert sorted(await store.fail_abandoned(ERROR)) == ["resp_a", "resp_b"]
    failed = await store.response(OWNER, "resp_a")
    assert failed.status == "failed"
    assert failed.resource == running("a").resource | {
        "status": "failed",
        "error": ERROR,
        "completed_at": None,
    }
    assert failed.input_items == running("a").input_items
    assert await store.events(OWNER, "resp_a") == tuple(events(3))
    assert (await store.response(OWNER, "resp_done")).status == "completed"


async def test_response_fails_once(store: Store, clock: FakeClock) -> None:
    await store.save(running("a"))
    clock.now += LEASE_SECONDS
    assert await store.fail_abandoned(ERROR) == ["resp_a"]
    assert await store.fail_abandoned(ERROR) == []


async def test_fresh_lease_is_left_alone(store: Store, clock: FakeClock) -> None:
    await store.save(running("a"))
    clock.now += LEASE_SECONDS - 1
    assert await store.fail_abandoned(ERROR) == []
    assert await store.response(OWNER, "resp_a") == running("a")


async def test_renewed_lease_runs_on(store: Store, clock: FakeClock) -> None:
    await store.save(running("a"))
    await store.save(running("b"))
    clock.now += LEASE_SECONDS - 1
    await store.renew({"resp_a", "resp_unknown"})
    await store.renew(())
    clock.now += LEASE_SECONDS - 1
    assert await store.fail_abandoned(ERROR) == ["resp_b"]


async def test_renewing_does_not_revive_what_is_finished(store: Store, clock: FakeClock) -> None:
    await store.save(response("a"))
    await store.renew(["resp_a"])
    clock.now += LEASE_SECONDS
    assert await store.fail_abandoned(ERROR) == []


async def test_failing_keeps_the_account(store: Store, clock: FakeClock) -> None:
    await store.save(running("a"))
    clock.now += LEASE_SECONDS
    await store.fail_abandoned(ERROR)
    num_bytes = store.num_bytes
    await store.sweep()
    assert store.num_bytes == num_bytes
    await store.delete(OWNER, "resp_a")
    assert store.num_bytes == 0
