"""The ways in which a response is answered over HTTP: event by event, or whole."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from antiphon.server.context import ServerContext
from antiphon.server.delivery.disconnect import while_connected
from antiphon.server.delivery.emissions import Emissions, emissions
from antiphon.server.delivery.event_names import EventNames
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.delivery.sse import DONE, HEADERS, encode_event
from antiphon.server.output.responder import final_response
from antiphon.server.store.records import RecordedEvent


class Answer(Response):
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
            await while_connected(receive, self._write(send))

    async def _write(self, send: Send) -> None:
        async with aclosing(emissions(self._record, self._context)) as made:
            if self._record.admission.body.stream:
                names = self._record.admission.caller.event_names
                records = (emission.record async for emission in made)
                await write_stream(records, names, send, self._extra_headers)
            else:
                await self._write_whole(made, send)

    @property
    def _extra_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def _write_whole(self, made: Emissions, send: Send) -> None:
        """The last event's response; one that failed on the server's side is no 200."""
        response = await final_response(made)
        body = response.model_dump_json().encode()
        headers = [
            *self._extra_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        status = 500 if response.status == "failed" else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await _send_body(send, body, more_body=False)


class Stream(Response):
    """Events that are there, or come, whoever listens; leaving ends nothing."""

    def __init__(
        self,
        records: AsyncIterator[RecordedEvent],
        names: EventNames,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers=headers)
        self._records = records
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extra = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await while_connected(receive, write_stream(self._records, self._names, send, extra))


async def write_stream(
    records: AsyncIterator[RecordedEvent],
    names: EventNames,
    send: Send,
    headers: list[tuple[bytes, bytes]],
) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [*HEADERS, *headers]}
    await send(start)
    async for record in records:
        await _send_body(send, encode_event(record, names), more_body=True)
    await _send_body(send, DONE, more_body=False)


async def _send_body(send: Send, body: bytes, *, more_body: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
