"""A response that is being made, for any number of readers, each at a pace of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from antiphon.server.delivery.emission import Emission
from antiphon.server.delivery.sse import MAX_WRITTEN_TOGETHER
from antiphon.server.protocol.events import ResponseOutputItemDoneStreamingEvent
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.store.records import RecordedEvent


class LiveResponse:
    """Holds all events so far, and the response as they have made it.

    cancel  lets the response end soon; it is over when its last event is there.
    """

    def __init__(self, owner: str, response: ResponseResource, cancel: Callable[[], None]) -> None:
        self.owner = owner
        self.response = response
        self.cancel = cancel
        self._events: list[RecordedEvent] = []
        self._is_over = False
        self._news = asyncio.Event()

    def publish(self, emissions: Sequence[Emission]) -> None:
        for emission in emissions:
            self._events.append(emission.record)
            self.response = _after(self.response, emission)
        self._announce()

    def finish(self) -> None:
        """There are no more events."""
        self._is_over = True
        self._announce()

    async def follow(self, after: int = -1) -> AsyncGenerator[Sequence[RecordedEvent], None]:
        """The events behind number `after`: those there are, then those to come."""
        at = max(after + 1, 0)
        while True:
            # Taken before looking: what comes while a reader is busy sets this one.
            news = self._news
            if at < len(self._events):
                there = self._events[at : at + MAX_WRITTEN_TOGETHER]
                yield there
                at += len(there)
            elif self._is_over:
                return
            else:
                await news.wait()

    async def ended(self) -> ResponseResource:
        """The response when it is over."""
        while not self._is_over:
            await self._news.wait()
        return self.response

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _after(response: ResponseResource, emission: Emission) -> ResponseResource:
    """Events that carry the response say all of it; between them, items are done."""
    event = emission.event
    told = getattr(event, "response", None)
    if isinstance(told, ResponseResource):
        return told if told.usage else told.model_copy(update={"output": response.output})
    if isinstance(event, ResponseOutputItemDoneStreamingEvent):
        return response.model_copy(update={"output": (*response.output, event.item)})
    return response
