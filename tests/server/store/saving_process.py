"""A process that saves without end, and says what is saved: to be killed by its parent."""

import asyncio
import sys
from itertools import count

from antiphon.server.clock import SystemClock
from antiphon.server.store.store import Store, StoreConfig
from tests.server.store.examples import events, response

MAX_BYTES = 10**9
NUM_WORKERS = 8


async def main(url: str, prefix: str) -> None:
    store = await Store.open(StoreConfig(url, MAX_BYTES, 10**6), SystemClock())

    async def chain(worker: int) -> None:
        previous = None
        for number in count():
            name = f"{prefix}-{worker}-{number}"
            await store.save(response(name, previous, text=f"I am {name}"), events(number % 20))
            print(name, flush=True)
            previous = name

    await asyncio.gather(*(chain(worker) for worker in range(NUM_WORKERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
