"""The ways in which a response is answered over HTTP: event by event, or whole."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from antiphon.server.context import ServerContext
from antiphon.server.delivery.disconnect import while_connected
from antiphon.server.delivery.emission import Emission, Emissions
from antiphon.server.delivery.emissions import emissions
from antiphon.server.delivery.event_names import EventNames
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.delivery.sse import DONE, HEADERS, encode_events
from antiphon.server.output.responder import final_response
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.store.records import RecordedEvent

RawHeaders = Sequence[tuple[bytes, bytes]]
T = TypeVar("T")


class MakingAnswer(Response, ABC):
    """Makes a response while its client listens; no sequence outlives it, however it ends."""

    def __init__(
        self,
        record: ResponseRecord,
        context: ServerContext,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers=headers)
        self._record = record
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Entered here and not within the work, which may be cancelled before its first step.
        async with self._record.admission:
            await while_connected(receive, self._make(send))

    async def _make(self, send: Send) -> None:
        async with aclosing(emissions(self._record, self._context)) as made:
            if self._record.admission.body.stream:
                await self.write_stream(made, send)
            else:
                await self.write_whole(await final_response(made), send)

    @abstractmethod
    async def write_stream(self, made: Emissions, send: Send) -> None: ...

    @abstractmethod
    async def write_whole(self, response: ResponseResource, send: Send) -> None: ...


class Answer(MakingAnswer):
    """The response itself."""

    async def write_stream(self, made: Emissions, send: Send) -> None:
        names = self._record.admission.caller.event_names

        def encode(emissions: list[Emission]) -> bytes:
            return encode_events([emission.record for emission in emissions], names)

        await write_events(made, encode, send, extra_headers(self))

    async def write_whole(self, response: ResponseResource, send: Send) -> None:
        """One that failed on the server's side is no 200."""
        status = 500 if response.status == "failed" else 200
        await send_json(response.model_dump_json(), status, send, extra_headers(self))


class Stream(Response):
    """Events that are there, or come, whoever listens; leaving ends nothing."""

    def __init__(
        self,
        records: AsyncIterator[Sequence[RecordedEvent]],
        names: EventNames,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers=headers)
        self._records = records
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        encode = partial(encode_events, names=self._names)
        writing = write_events(self._records, encode, send, extra_headers(self))
        await while_connected(receive, writing)


def extra_headers(answer: Response) -> RawHeaders:
    """Those that the answer was given; it writes its own."""
    return [(name, value) for name, value in answer.raw_headers if name != b"content-length"]


async def write_events(
    made: AsyncIterator[T], encode: Callable[[T], bytes], send: Send, headers: RawHeaders = ()
) -> None:
    """Server-sent events, and what ends them. What is made together is written at once."""
    start = {"type": "http.response.start", "status": 200, "headers": [*HEADERS, *headers]}
    await send(start)
    async for events in made:
        if block := encode(events):
            await _send_body(send, block, more_body=True)
    await _send_body(send, DONE, more_body=False)


async def send_json(text: str, status: int, send: Send, headers: RawHeaders = ()) -> None:
    body = text.encode()
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": [*headers, *own]}
    await send(start)
    await _send_body(send, body, more_body=False)


async def _send_body(send: Send, body: bytes, *, more_body: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
