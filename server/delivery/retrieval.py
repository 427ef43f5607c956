"""Responses read again: those that are being made, and those that are stored."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from antiphon.server.caller import Caller
from antiphon.server.context import ServerContext
from antiphon.server.delivery.abandoned import events_of_abandoned
from antiphon.server.delivery.sse import MAX_WRITTEN_TOGETHER
from antiphon.server.protocol.errors import MadeElsewhere, NotCancellable
from antiphon.server.store.records import RecordedEvent, StoredResponse


class Retrieval:
    """What one caller may read. Everything raises ResponseNotFound for what is not theirs."""

    def __init__(self, context: ServerContext, caller: Caller) -> None:
        self._context = context
        self._owner = caller.owner

    async def response(self, response_id: str) -> dict[str, Any]:
        """The response object as it is now."""
        live = self._context.background.find(self._owner, response_id)
        if live is not None:
            return live.response.model_dump(mode="json")
        return _resource(await self.stored(response_id))

    async def events(self, response_id: str, after: int) -> AsyncIterator[Sequence[RecordedEvent]]:
        """Its events behind number `after`: those that are there, and those to come.

        Raises MadeElsewhere.
        """
        live = self._context.background.find(self._owner, response_id)
        if live is not None:
            return live.follow(after)
        stored = await self.stored(response_id)
        _require_ended(stored)
        events = await self._context.store().events(self._owner, response_id)
        return _listed(events or events_of_abandoned(stored, after), after)

    async def cancelled(self, response_id: str) -> dict[str, Any]:
        """The response once it has ended.

        Raises NotCancellable for one in the foreground, and MadeElsewhere.
        """
        live = self._context.background.find(self._owner, response_id)
        if live is not None:
            live.cancel()
            return (await live.ended()).model_dump(mode="json")
        stored = await self.stored(response_id)
        if not stored.resource["background"]:
            raise NotCancellable(response_id)
        _require_ended(stored)
        return _resource(stored)

    async def delete(self, response_id: str) -> None:
        """One that is being made ends first."""
        live = self._context.background.find(self._owner, response_id)
        if live is not None:
            live.cancel()
            await live.ended()
        await self._context.store().delete(self._owner, response_id)

    async def stored(self, response_id: str) -> StoredResponse:
        """As it is kept, with what it was asked."""
        return await self._context.store().response(self._owner, response_id)


def _require_ended(stored: StoredResponse) -> None:
    """Raises MadeElsewhere for what another process makes, or made until it died a moment ago."""
    if stored.status in ("queued", "in_progress"):
        raise MadeElsewhere(stored.id)


def _resource(stored: StoredResponse) -> dict[str, Any]:
    return {**stored.resource, "output": list(stored.output_items)}


async def _listed(
    events: Sequence[RecordedEvent], after: int
) -> AsyncIterator[Sequence[RecordedEvent]]:
    later = [event for event in events if event.sequence_number > after]
    for start in range(0, len(later), MAX_WRITTEN_TOGETHER):
        yield later[start : start + MAX_WRITTEN_TOGETHER]
