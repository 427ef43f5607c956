"""Writes that come together, fail, are cancelled or meet a busy database."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon.server.store.errors import ResponseNotFound, StoreUnavailable
from antiphon.server.store.store import Store, StoreConfig
from tests.server.store.examples import OWNER, FakeClock, conversation, response


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process writes, and does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def started(store: Store, clock: FakeClock, name: str) -> "asyncio.Task[None]":
    """A save that waits for the lock; others queue behind it."""
    task = asyncio.create_task(store.save(response(name)))
    await asyncio.sleep(0)
    return task


async def test_many_saves_at_once_are_all_there(store: Store) -> None:
    names = [str(number) for number in range(300)]
    await asyncio.gather(*(store.save(response(name)) for name in names))
    for name in names:
        assert await store.response(OWNER, f"resp_{name}") == response(name)


async def test_saves_that_wait_together_are_committed_together(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    with locked(tmp_path / "store.db"):
        num_calls = clock.num_calls
        tasks = [await started(store, clock, str(number)) for number in range(60)]
    await asyncio.gather(*tasks)
    assert clock.num_calls - num_calls <= 2  # each commit asks it once


async def test_one_write_that_fails_takes_no_other_with_it(store: Store, tmp_path: Path) -> None:
    await store.create_conversation(conversation("a"), [])
    not_json: dict[str, Any] = {"id": "msg_1", "type": object()}
    with locked(tmp_path / "store.db"):
        writes = [
            store.save(response("0")),
            store.delete(OWNER, "resp_unknown"),
            store.create_conversation(conversation("a"), []),  # it exists
            store.save(response("1")),
            store.add_conversation_items(OWNER, "conv_a", [not_json]),
            store.save(response("2")),
        ]
        waiting = asyncio.gather(*writes, return_exceptions=True)
        await asyncio.sleep(0)
    outcomes = await waiting
    assert [type(outcome) for outcome in outcomes] == [
        *(type(None), ResponseNotFound, StoreUnavailable, type(None), TypeError, type(None))
    ]
    num_bytes = store.num_bytes
    for name in "012":
        assert await store.response(OWNER, f"resp_{name}") == response(name)
    await store.sweep()
    assert store.num_bytes == num_bytes


async def test_cancelled_caller_breaks_nothing(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    with locked(tmp_path / "store.db"):
        tasks = [await started(store, clock, str(number)) for number in range(100)]
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks[::2], return_exceptions=True)
    await asyncio.gather(*tasks[1::2])
    for number in range(1, 100, 2):
        assert await store.response(OWNER, f"resp_{number}") == response(str(number))
    await store.save(response("0"))
    assert await store.response(OWNER, "resp_0") == response("0")


async def test_reads_do_not_wait_for_a_write(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    await store.save(response("a"))
    with locked(tmp_path / "store.db"):
        task = await started(store, clock, "b")
        assert await store.response(OWNER, "resp_a") == response("a")
        assert not task.done()
    await task


async def test_locked_database_is_unavailable_and_works_again_later(
    tmp_path: Path, clock: FakeClock
) -> None:
    config = StoreConfig(f"sqlite:///{tmp_path}/store.db?timeout=0.01", 10**7, 1000)
    store = await Store.open(config, clock)
    with locked(tmp_path / "store.db"):
        with pytest.raises(StoreUnavailable, match=r"^The store .*: database is locked\.$"):
            await store.save(response("a"))
        with pytest.raises(StoreUnavailable):
            await store.sweep()
    assert store.num_bytes == 0
    await store.save(response("a"))
    assert await store.response(OWNER, "resp_a") == response("a")
    await store.close()


async def test_closing_waits_for_what_was_queued(
    store: Store, config: StoreConfig, clock: FakeClock
) -> None:
    tasks = [await started(store, clock, str(number)) for number in range(100)]
    await store.close()
    await asyncio.gather(*tasks)
    again = await Store.open(config, clock)
    for number in range(100):
        assert await again.response(OWNER, f"resp_{number}") == response(str(number))
    await again.close()


async def test_closed_store_is_unavailable(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable, match="it is closed"):
        await store.save(response("a"))
    with pytest.raises(StoreUnavailable, match="it is closed"):
        await store.response(OWNER, "resp_a")
    await store.close()
