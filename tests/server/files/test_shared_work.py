"""Work that several wait for."""

import asyncio

import pytest

from antiphon.server.files.shared_work import SharedWork


class Bench:
    """Work that a test can hold back, and that counts how often it began and was cancelled."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.num_begun = 0
        self.num_cancelled = 0
        self.error: Exception | None = None

    async def work(self) -> str:
        self.num_begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.num_cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return "done"


async def begun(shared: SharedWork[str], bench: Bench) -> "asyncio.Task[str]":
    task = asyncio.create_task(shared.result("key", bench.work))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_what_is_asked_for_twice_at_once_is_done_once() -> None:
    shared, bench = SharedWork[str](), Bench()
    tasks = [await begun(shared, bench) for _ in range(3)]
    bench.gate.set()
    assert await asyncio.gather(*tasks) == ["done"] * 3
    assert bench.num_begun == 1
    assert await shared.result("key", bench.work) == "done"
    assert bench.num_begun == 2


async def test_error_reaches_everybody() -> None:
    shared, bench = SharedWork[str](), Bench()
    bench.error = ZeroDivisionError()
    tasks = [await begun(shared, bench) for _ in range(2)]
    bench.gate.set()
    for task in tasks:
        with pytest.raises(ZeroDivisionError):
            await task


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    shared, bench = SharedWork[str](), Bench()
    first, second = [await begun(shared, bench) for _ in range(2)]
    first.cancel()
    await asyncio.wait((first,))
    bench.gate.set()
    assert await second == "done"
    assert bench.num_cancelled == 0


async def test_work_ends_when_the_last_one_leaves_and_begins_anew_for_the_next() -> None:
    shared, bench = SharedWork[str](), Bench()
    for task in [await begun(shared, bench) for _ in range(2)]:
        task.cancel()
        await asyncio.wait((task,))
    assert (bench.num_begun, bench.num_cancelled) == (1, 1)
    bench.gate.set()
    assert await shared.result("key", bench.work) == "done"


async def test_closing_cancels_what_is_running() -> None:
    shared, bench = SharedWork[str](), Bench()
    task = await begun(shared, bench)
    await shared.close()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert bench.num_cancelled == 1
