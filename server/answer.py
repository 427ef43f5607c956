"""The two ways in which a turn is answered over HTTP: event by event, or whole."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from antiphon.server.admission import Turn
from antiphon.server.context import ServerContext
from antiphon.server.disconnect import while_connected
from antiphon.server.protocol.events import StreamingEvent
from antiphon.server.responder import final_response, respond
from antiphon.server.sse import DONE, HEADERS, encode_event

Events = AsyncIterator[StreamingEvent]
Writer = Callable[[Events, Send], Awaitable[None]]


class Answer(Response):
    """Runs a turn while its client listens; no sequence outlives it, however it ends."""

    def __init__(self, turn: Turn, context: ServerContext) -> None:
        super().__init__()
        self._turn = turn
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Entered here and not within the work, which may be cancelled before its first step.
        async with self._turn.generation:
            await while_connected(receive, self._write(send))

    async def _write(self, send: Send) -> None:
        write = write_stream if self._turn.body.stream else write_whole
        events = respond(self._turn, self._context.ids, self._context.clock)
        async with aclosing(events):
            await write(events, send)


async def write_stream(events: Events, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
    async for event in events:
        await _send_body(send, encode_event(event), more_body=True)
    await _send_body(send, DONE, more_body=False)


async def write_whole(events: Events, send: Send) -> None:
    """The last event's response; one that failed on the server's side is no 200."""
    response = await final_response(events)
    body = response.model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    status = 500 if response.status == "failed" else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await _send_body(send, body, more_body=False)


async def _send_body(send: Send, body: bytes, *, more_body: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
