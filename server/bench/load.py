"""A closed loop: so many requests in flight, the next one sent when one ends."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from antiphon.server.bench.measurement import Measurement

Send = Callable[[str], Awaitable[Measurement]]


async def run_closed_loop(
    send: Send, prompts: Iterable[str], concurrency: int, record: Callable[[Measurement], None]
) -> None:
    """Send every prompt once; `record` is called as each request ends."""
    waiting = iter(prompts)

    async def work() -> None:
        for prompt in waiting:
            record(await send(prompt))

    async with asyncio.TaskGroup() as workers:
        for _ in range(concurrency):
            workers.create_task(work())
