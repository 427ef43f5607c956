"""A client's end of one WebSocket: requests go out in their envelope, turns come in as events."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.acceptance.official_events import check_official_envelope, check_official_event
from tests.stream_rules import TERMINAL, Event, check_stream

# A guard against hanging for ever, not a measurement.
GUARD_SECONDS = 120.0


class SocketClient:
    """Checks whatever it receives.

    additions  what every request holds beside what a test says.
    """

    def __init__(self, connection: ClientConnection, additions: Mapping[str, Any]) -> None:
        self.connection = connection
        self._additions = additions

    async def send(self, **body: object) -> None:
        """Ask for a response, and do not wait for it."""
        await self.send_json({"type": "response.create", "input": "Hi", **self._additions, **body})

    async def send_json(self, message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Event:
        """The next message, whatever it is: an event, or the envelope of an error."""
        async with asyncio.timeout(GUARD_SECONDS):
            text = await self.connection.recv()
        assert isinstance(text, str), "every message is one text frame"
        message: Event = json.loads(text)
        if "sequence_number" in message:
            check_official_event(message)
        else:
            check_official_envelope(message)
        return message

    async def receive_turn(self) -> list[Event]:
        """All events of one response."""
        events = [await self.receive()]
        while events[-1]["type"] not in TERMINAL:
            assert "sequence_number" in events[-1], events[-1]
            events.append(await self.receive())
        check_stream(events, is_on_socket=True)
        return events

    async def turn(self, **body: object) -> list[Event]:
        await self.send(**body)
        return await self.receive_turn()

    async def respond(self, **body: object) -> dict[str, Any]:
        """The response at the end of a turn."""
        response: dict[str, Any] = (await self.turn(**body))[-1]["response"]
        return response

    async def refusal(self, status: int, **body: object) -> dict[str, Any]:
        """The error of a turn that must not begin."""
        await self.send(**body)
        return await self.receive_error(status)

    async def receive_error(self, status: int) -> dict[str, Any]:
        envelope = await self.receive()
        assert envelope.keys() == {"type", "status", "error"}, envelope
        assert envelope["status"] == status, envelope
        error: dict[str, Any] = envelope["error"]
        return error


@asynccontextmanager
async def open_socket(
    url: str,
    *,
    key: str = "none",
    additions: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401 - those of `websockets.connect`
) -> AsyncIterator[SocketClient]:
    """`url`: of the server, as HTTP has it. Raises InvalidStatus where it takes no connection."""
    address = url.replace("http://", "ws://", 1) + "/v1/responses"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with connect(
        address, additional_headers=headers, proxy=None, max_size=None, **options
    ) as connection:
        yield SocketClient(connection, additions or {})
