"""Responses that are made whether or not anybody listens."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass

from antiphon.server.delivery.emission import Emissions
from antiphon.server.delivery.live_response import LiveResponse
from antiphon.server.protocol.events import ResponseCreatedStreamingEvent
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.store.records import StoredResponse
from antiphon.server.store.store import Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackgroundWork:
    """A response that nothing has been read of yet.

    admission  entered while its emissions are read.
    stored     the response as it is kept, as long as it is not finished.
    cancel     lets the emissions end soon.
    """

    owner: str
    admission: AbstractAsyncContextManager[object]
    emissions: Emissions
    stored: Callable[[ResponseResource], StoredResponse]
    cancel: Callable[[], None]


class BackgroundResponses:
    """Those of this process that are not finished, by id."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._live: dict[str, LiveResponse] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, work: BackgroundWork) -> LiveResponse:
        """It is stored as queued when this returns. Raises StoreError."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(work.admission)
            await stack.enter_async_context(aclosing(work.emissions))
            opening = await anext(work.emissions)
            created = opening[0].event
            assert isinstance(created, ResponseCreatedStreamingEvent), "which comes first"
            response = created.response
            await self._store().save(work.stored(response))
            live = LiveResponse(work.owner, response, work.cancel)
            live.publish(opening)
            self._live[response.id] = live
            holding = stack.pop_all()
        task = asyncio.create_task(self._run(live, work.emissions, holding))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return live

    def find(self, owner: str, response_id: str) -> LiveResponse | None:
        live = self._live.get(response_id)
        return live if live is not None and live.owner == owner else None

    @property
    def response_ids(self) -> frozenset[str]:
        return frozenset(self._live)

    async def drain(self, timeout_seconds: float | None) -> None:
        """Wait for all to end, for so long; None is as long as it takes."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_seconds)

    async def _run(
        self,
        live: LiveResponse,
        emissions: Emissions,
        holding: AsyncExitStack,
    ) -> None:
        async with holding:
            try:
                async for made in emissions:
                    live.publish(made)
            except Exception:
                logger.exception("A response in the background failed.")
            finally:
                # Its last event was stored before it was published.
                self._live.pop(live.response.id, None)
                live.finish()
