"""What is kept stays within its bound, and what is in use stays longest."""

import asyncio
import random
import resource
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.server.store.errors import (
    ChainBroken,
    ConversationNotFound,
    ResponseNotFound,
    StoreError,
    TooLargeToStore,
)
from antiphon.server.store.leases import LEASE_SECONDS
from antiphon.server.store.store import Store, StoreConfig
from tests.server.store.accounts import check_accounts, size_on_disk
from tests.server.store.databases import lasting
from tests.server.store.examples import (
    OWNER,
    FakeClock,
    conversation,
    events,
    message,
    response,
    running,
)

MAX_BYTES = 20_000
LARGE = "x" * (MAX_BYTES // 5)  # so much that nothing else has to go when it goes
DAY_SECONDS = 86_400


@pytest.fixture
def config(url: str) -> StoreConfig:
    return StoreConfig(url, MAX_BYTES, max_age_seconds=DAY_SECONDS)


async def kept(store: Store, *names: str) -> list[str]:
    """Those of the responses that are still there."""
    found = []
    for name in names:
        try:
            await store.response(OWNER, f"resp_{name}")
        except ResponseNotFound:
            continue
        found.append(name)
    return found


async def fill(store: Store, clock: FakeClock, prefix: str) -> list[str]:
    """Save responses, one a second, until the first of all that is stored is dropped for it."""
    names: list[str] = []
    num_bytes = -1
    while store.num_bytes > num_bytes:
        num_bytes = store.num_bytes
        clock.now += 1
        names.append(f"{prefix}{len(names)}")
        await store.save(response(names[-1], text="x" * 1000))
    return names


async def test_least_recently_used_goes_until_a_tenth_is_free(
    store: Store, clock: FakeClock
) -> None:
    names = await fill(store, clock, "a")
    assert MAX_BYTES * 0.75 < store.num_bytes <= MAX_BYTES * 0.9
    left = await kept(store, *names)
    assert left == names[-len(left) :]
    assert 0 < len(left) < len(names)


async def test_what_was_read_stays_longer(store: Store, clock: FakeClock) -> None:
    await store.save(response("read"))
    await store.save(response("unread", text=LARGE))
    clock.now += 61
    await store.chain(OWNER, "resp_read")
    await fill(store, clock, "a")
    assert await kept(store, "read", "unread") == ["read"]


async def test_chain_goes_as_a_whole(store: Store, clock: FakeClock) -> None:
    for name, previous in [("1", None), ("2", "1"), ("3", "2")]:
        await store.save(response(name, previous))
    clock.now += 1
    await store.save(response("alone"))
    await fill(store, clock, "a")
    assert await kept(store, "1", "2", "3") == []


async def test_new_response_keeps_its_whole_chain(store: Store, clock: FakeClock) -> None:
    await store.save(response("1"))
    clock.now += 1
    await store.save(response("other", text=LARGE))
    clock.now += 1
    await store.save(response("2", "1"))
    await fill(store, clock, "a")
    assert await kept(store, "1", "2", "other") == ["1", "2"]


async def test_unfinished_response_is_never_dropped(store: Store, clock: FakeClock) -> None:
    await store.save(response("1"))
    await store.save(running("2", "1"))
    clock.now += 10 * DAY_SECONDS
    await store.sweep()
    await fill(store, clock, "a")
    await fill(store, clock, "b")
    assert await kept(store, "1", "2") == ["1", "2"]
    await store.save(response("2", "1"))
    clock.now += 1
    for prefix in "cdefg":
        await fill(store, clock, prefix)
    assert await kept(store, "1", "2") == []


async def test_conversation_goes_as_a_whole(store: Store, clock: FakeClock) -> None:
    await store.create_conversation(conversation("old"), [message("msg_1")])
    await store.add_conversation_items(OWNER, "conv_old", [message("msg_2")])
    clock.now += 1
    await fill(store, clock, "a")
    with pytest.raises(ConversationNotFound):
        await store.conversation(OWNER, "conv_old")


async def test_conversation_in_use_stays(store: Store, clock: FakeClock) -> None:
    await store.create_conversation(conversation("a"), [])
    for number in range(60):
        clock.now += 1
        saved = replace(response(str(number)), conversation_id="conv_a")
        await store.save(saved, appended=[message(f"msg_{number}", "")])
        assert store.num_bytes <= MAX_BYTES
    assert len(await store.conversation_items(OWNER, "conv_a")) == 60


async def test_what_is_too_old_is_swept(store: Store, clock: FakeClock) -> None:
    await store.save(response("1"))
    await store.save(response("2", "1"))
    await store.create_conversation(conversation("a"), [])
    clock.now += DAY_SECONDS
    await store.save(response("new"))
    await store.sweep()
    assert await kept(store, "1", "2", "new") == ["1", "2", "new"]
    clock.now += DAY_SECONDS // 2
    await store.response(OWNER, "resp_1")
    await store.renew([])  # the use is recorded behind the read, and before this
    clock.now += DAY_SECONDS // 2 + 1
    await store.sweep()
    assert await kept(store, "1", "2", "new") == ["1", "2"]
    with pytest.raises(ConversationNotFound):
        await store.conversation(OWNER, "conv_a")


async def test_many_old_chains_are_swept_at_once(config: StoreConfig, clock: FakeClock) -> None:
    store = await Store.open(replace(config, max_bytes=50_000_000), clock)
    await asyncio.gather(*(store.save(response(str(number))) for number in range(700)))
    clock.now += DAY_SECONDS + 1
    await store.sweep()
    assert store.num_bytes == 0
    await store.close()


@lasting
async def test_smaller_bound_is_kept_from_the_opening_on(
    store: Store, config: StoreConfig, clock: FakeClock
) -> None:
    await fill(store, clock, "a")
    await store.close()
    smaller = await Store.open(replace(config, max_bytes=MAX_BYTES // 2), clock)
    assert 0 < smaller.num_bytes <= MAX_BYTES // 2
    await smaller.close()


async def test_response_larger_than_the_bound_is_refused(store: Store, clock: FakeClock) -> None:
    await store.save(response("a"))
    num_bytes = store.num_bytes
    with pytest.raises(TooLargeToStore) as raised:
        await store.save(response("b", text="x" * MAX_BYTES))
    assert raised.value.num_bytes > raised.value.max_bytes == MAX_BYTES
    with pytest.raises(TooLargeToStore):
        await store.save(response("a", text="x" * MAX_BYTES))
    assert await store.response(OWNER, "resp_a") == response("a")
    assert store.num_bytes == num_bytes


async def test_conversation_larger_than_the_bound_is_refused(store: Store) -> None:
    large = [message("msg_1", "x" * MAX_BYTES)]
    await store.save(response("a"))
    await store.create_conversation(conversation("a"), [message("msg_0")])
    num_bytes = store.num_bytes
    with pytest.raises(TooLargeToStore):
        await store.create_conversation(conversation("b"), large)
    with pytest.raises(TooLargeToStore):
        await store.add_conversation_items(OWNER, "conv_a", large)
    with pytest.raises(TooLargeToStore):
        await store.update_conversation(OWNER, "conv_a", {"x": "x" * MAX_BYTES})
    with pytest.raises(TooLargeToStore):
        await store.save(
            replace(response("b"), conversation_id="conv_a"),
            appended=[message("msg_1", "x" * (MAX_BYTES - 1500))],
        )
    assert await kept(store, "a", "b") == ["a"]
    assert await store.conversation_items(OWNER, "conv_a") == (message("msg_0"),)
    assert store.num_bytes == num_bytes


async def test_response_stays_although_its_chain_has_outgrown_the_bound(store: Store) -> None:
    await store.save(response("0"))
    for number in range(1, 60):
        await store.save(response(str(number), str(number - 1)))
        assert store.num_bytes <= MAX_BYTES
        assert await kept(store, str(number)) == [str(number)]
    with pytest.raises(ChainBroken):
        await store.chain(OWNER, "resp_59")


async def test_use_is_not_written_at_every_read(store: Store, clock: FakeClock) -> None:
    await store.save(response("a"))
    await store.renew([])
    num_calls = clock.num_calls
    for _ in range(20):
        await store.response(OWNER, "resp_a")
    await store.renew([])
    assert clock.num_calls - num_calls == 20 + 1  # each read asks once, and so does each commit


async def test_accounts_agree_with_the_rows_after_anything(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "store.db"
    config = StoreConfig(f"sqlite:///{path}", 60_000, max_age_seconds=2000)
    store = await Store.open(config, clock)
    chance = random.Random(4)

    def name() -> str:
        return str(chance.randrange(40))

    async def save() -> None:
        made = chance.choice([response, running])(name(), chance.choice([None, name()]))
        appended = [message("msg_1")] if chance.random() < 0.4 else []
        to = f"conv_{name()}" if appended else None
        recorded = events(chance.randrange(50))
        await store.save(replace(made, conversation_id=to), recorded, appended=appended)

    async def converse() -> None:
        if chance.random() < 0.3:
            await store.delete_conversation(OWNER, f"conv_{name()}")
        await store.create_conversation(conversation(name()), [message("msg_1")] * 3)

    operations: list[Callable[[], Awaitable[object]]] = [
        *(save, save, save, converse),
        lambda: store.delete(OWNER, f"resp_{name()}"),
        lambda: store.add_conversation_items(OWNER, f"conv_{name()}", [message("msg_2")]),
        lambda: store.delete_conversation_item(OWNER, f"conv_{name()}", "msg_1"),
        lambda: store.update_conversation(OWNER, f"conv_{name()}", {"k": "v" * 100}),
        lambda: store.fail_abandoned({"code": "server_error"}),
        lambda: store.response(OWNER, f"resp_{name()}"),
        store.sweep,
    ]
    for _ in range(1500):
        clock.now += chance.randrange(LEASE_SECONDS)
        try:
            await chance.choice(operations)()
        except StoreError:
            continue
    check_accounts(path, store.num_bytes)
    await store.close()


@pytest.mark.slow
async def test_a_thousand_chains_stay_within_the_bound_on_disk_too(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "store.db"
    max_bytes = 10_000_000
    store = await Store.open(StoreConfig(f"sqlite:///{path}", max_bytes, DAY_SECONDS), clock)

    async def chain(number: int) -> None:
        previous = None
        for turn in range(20):
            name = f"{number}_{turn}"
            await store.save(response(name, previous, "x" * 1000), events(10))
            previous = name
        assert len(await store.chain(OWNER, f"resp_{number}_19")) == 40

    memory_kib = 0
    for start in range(0, 1000, 20):
        clock.now += 1
        await asyncio.gather(*(chain(start + number) for number in range(20)))
        assert store.num_bytes <= max_bytes
        # The write-ahead log is bounded by itself: some 4 MB, however large the bound.
        assert size_on_disk(path) <= 1.25 * max_bytes + 8 * 2**20
        if start == 500:
            memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= memory_kib + 10_000
    check_accounts(path, store.num_bytes)
    await store.close()
    assert size_on_disk(path) <= 1.25 * max_bytes
