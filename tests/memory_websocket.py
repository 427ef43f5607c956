"""A WebSocket connection to an app in memory: no thread, no socket."""

import asyncio
import json
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp

Frame = dict[str, Any]
Message = MutableMapping[str, Any]


class MemoryWebSocket:
    """One connection, which is accepted or fails. Raises what the app raises."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._serving = asyncio.ensure_future(
            app(_scope(path), self._to_app.get, self._from_app.put)
        )

    async def send(self, frame: Frame) -> None:
        await self._to_app.put({"type": "websocket.receive", "text": json.dumps(frame)})

    async def receive(self) -> Frame:
        message = await self._next("websocket.send")
        frame: Frame = json.loads(message["text"])
        return frame

    async def __aenter__(self) -> Self:
        await self._to_app.put({"type": "websocket.connect"})
        await self._next("websocket.accept")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._to_app.put({"type": "websocket.disconnect", "code": 1000})
        await self._serving

    async def _next(self, kind: str) -> Message:
        arriving = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait((arriving, self._serving), return_when=asyncio.FIRST_COMPLETED)
        if not arriving.done():
            arriving.cancel()
            await self._serving
            raise AssertionError("the app ended the connection")
        message = arriving.result()
        assert message["type"] == kind, message
        return message


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"test")],
        "subprotocols": [],
    }
