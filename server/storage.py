"""The store while the server runs, and what looks after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.server.clock import Clock
from antiphon.server.delivery.background import BackgroundResponses
from antiphon.server.maintenance import maintain
from antiphon.server.store.errors import StoreUnavailable
from antiphon.server.store.store import Store, StoreConfig


class Storage:
    """Opens the store when the server starts, as nothing may wait for it on the event loop."""

    def __init__(self, config: StoreConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._store: Store | None = None

    def store(self) -> Store:
        """Raises StoreUnavailable while it is not open."""
        if self._store is None:
            raise StoreUnavailable("it is not open")
        return self._store

    @asynccontextmanager
    async def opened(self, background: BackgroundResponses) -> AsyncIterator[None]:
        """Raises StoreUnavailable, with one line for the user, when it cannot be opened."""
        self._store = await Store.open(self._config, self._clock)
        maintaining = asyncio.create_task(maintain(self.store, background))
        try:
            yield
        finally:
            maintaining.cancel()
            await asyncio.wait([maintaining])
            store, self._store = self._store, None
            await store.close()
