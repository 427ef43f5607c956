"""One WebSocket connection: turns one after the other, and what it remembers of them.

Source: Open Responses, WebSocket mode. What is sent is what a stream of the same response holds,
one event a frame, without `[DONE]`.
"""

import asyncio
import logging
from contextlib import aclosing

from pydantic import JsonValue
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon.server.admission import admit
from antiphon.server.caller import Caller
from antiphon.server.context import ServerContext
from antiphon.server.delivery.emission import Emission, renamed
from antiphon.server.delivery.emissions import emissions
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.error_table import error_payload, error_row
from antiphon.server.history.local_past import LocalPast
from antiphon.server.history.past import StoredPast
from antiphon.server.protocol.errors import (
    ConnectionLimitReached,
    InvalidParameter,
    TooManyWaiting,
    UnsupportedParameter,
)
from antiphon.server.protocol.events import (
    ErrorStreamingEvent,
    ResponseFailedStreamingEvent,
    TerminalEvent,
    WebSocketErrorEvent,
)
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.validation import parse_json, read_create_response
from antiphon.server.request_body import read_apart

logger = logging.getLogger(__name__)

MAX_WAITING_MESSAGES = 64
TYPE = "response.create"
# Clients send it although the standard forbids it, and mean what happens anyway.
IGNORED = ("type", "stream", "stream_options")


class WebSocketSession:
    """An accepted connection of one caller."""

    def __init__(
        self, socket: WebSocket, caller: Caller, context: ServerContext, max_seconds: float
    ) -> None:
        self._socket = socket
        self._caller = caller
        self._context = context
        self._max_seconds = max_seconds
        self._past = LocalPast(StoredPast(context.store(), caller.owner))
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._num_waiting_chars = 0

    async def serve(self) -> None:
        """Until the client leaves, or the connection has lasted long enough."""
        reading = asyncio.create_task(self._read())
        working = asyncio.create_task(self._work())
        try:
            await asyncio.wait((reading, working), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, working):
                task.cancel()
            await asyncio.gather(reading, working, return_exceptions=True)
        if working.done() and not working.cancelled() and (error := working.exception()):
            raise error

    async def _read(self) -> None:
        """Returns when the client has gone: what it still waited for is not worked on.

        Never waits for a turn to end, or the client's pings and its leaving would go unnoticed.
        """
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = _text(message)
            if self._has_room_for(text):
                self._num_waiting_chars += len(text)
                self._messages.put_nowait(text)
            else:
                await self._send_error(TooManyWaiting())

    def _has_room_for(self, text: str) -> bool:
        max_chars = self._context.limits.max_body_bytes
        has_chars = self._num_waiting_chars + len(text) <= max_chars
        return has_chars and self._messages.qsize() < MAX_WAITING_MESSAGES

    async def _work(self) -> None:
        try:
            async with asyncio.timeout(self._max_seconds) as limit:
                while True:
                    message = await self._messages.get()
                    self._num_waiting_chars -= len(message)
                    deadline = limit.when()
                    limit.reschedule(None)  # a turn that has begun may end
                    await self._take_turn(message)
                    limit.reschedule(deadline)
        except TimeoutError:
            await self._send_error(ConnectionLimitReached(self._max_seconds))
            await self._socket.close()
        except WebSocketDisconnect:
            return

    async def _take_turn(self, message: str) -> None:
        """Errors before the response begins are told in an envelope, and the connection goes on."""
        previous_id: str | None = None
        try:
            body = await read_apart(message.encode(), self._body)
            previous_id = body.previous_response_id
            admission = await admit(body, self._caller, self._context, self._past)
        except WebSocketDisconnect:
            raise
        except Exception as error:
            self._past.forget(previous_id or _previous_id(message))
            await self._send_error(error)
            return
        record = ResponseRecord(admission)
        async with admission, aclosing(emissions(record, self._context)) as made:
            async for emissions_together in made:
                for emission in emissions_together:
                    self._note(emission, record)
                    if not isinstance(emission.event, ErrorStreamingEvent):
                        await self._send(_without_error_before(emission))

    def _body(self, posted: JsonValue) -> CreateResponseBody:
        """Raises what `read_create_response` raises, also for fields that only HTTP has."""
        if not isinstance(posted, dict) or posted.get("type") != TYPE:
            raise InvalidParameter("type", f"'type' should be {TYPE!r}.")
        if posted.get("background"):
            raise UnsupportedParameter("background", "'background' is not for WebSockets.")
        kept: JsonValue = {key: value for key, value in posted.items() if key not in IGNORED}
        return read_create_response(kept, self._context.unsupported_tools)

    def _note(self, emission: Emission, record: ResponseRecord) -> None:
        """A turn that ended well can be continued; what a failed one continued cannot any more."""
        if not isinstance(emission.event, TerminalEvent):
            return
        response = emission.event.response
        if response.status == "failed":
            self._past.forget(record.admission.body.previous_response_id)
            return
        earlier = record.admission.history.earlier
        chain = (*earlier, *record.items(response))
        self._past.remember(response.id, chain, is_stored=record.is_stored)

    async def _send(self, emission: Emission) -> None:
        record = renamed(emission.record, self._caller.event_names)
        await self._socket.send_text(record.data)

    async def _send_error(self, error: Exception) -> None:
        row = error_row(error)
        if row.status >= 500:
            logger.error("A turn could not begin: %s", error)
        event = WebSocketErrorEvent(status=row.status, error=error_payload(error))
        await self._socket.send_text(event.model_dump_json())


def _without_error_before(emission: Emission) -> Emission:
    """A turn ends with one message here: clients take `error` for the end, and the failed response
    says the same.
    """
    event = emission.event
    if not isinstance(event, ResponseFailedStreamingEvent):
        return emission
    return Emission(event.model_copy(update={"sequence_number": event.sequence_number - 1}))


def _text(message: Message) -> str:
    """A frame is taken for text, whatever it says of itself."""
    text: str | None = message.get("text")
    return text if text is not None else message["bytes"].decode(errors="replace")


def _previous_id(message: str) -> str | None:
    """What a request that cannot be read wanted to continue."""
    try:
        posted = parse_json(message.encode())
    except Exception:
        return None
    previous_id = posted.get("previous_response_id") if isinstance(posted, dict) else None
    return previous_id if isinstance(previous_id, str) else None
