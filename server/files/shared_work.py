"""Work that several wait for at once, done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(slots=True)
class _Share(Generic[Result]):
    task: "asyncio.Task[Result]"
    num_waiting: int = 0


class SharedWork(Generic[Result]):
    """Begun by the first who asks for a key, cancelled when the last one has left."""

    def __init__(self) -> None:
        self._shares: dict[Hashable, _Share[Result]] = {}

    async def result(
        self, key: Hashable, begin: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Result:
        """Raises what the work raises."""
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = _Share(asyncio.create_task(begin()))
        share.num_waiting += 1
        try:
            return await asyncio.shield(share.task)
        finally:
            share.num_waiting -= 1
            if share.num_waiting == 0:
                del self._shares[key]
                share.task.cancel()
                await asyncio.wait((share.task,))

    async def close(self) -> None:
        """Cancel what is running; whoever waits for it is cancelled too."""
        tasks = [share.task for share in self._shares.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
