"""X-Request-Id: the client's own, or a new one, on every answer."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.server.ids import IdSource

MAX_REQUEST_ID_CHARS = 128

# What carries the headers of an answer: also of a handshake, taken or refused.
STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class RequestIds:
    """Middleware, outermost: errors carry the id too."""

    def __init__(self, app: ASGIApp, ids: IdSource) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = _usable(Headers(scope=scope).get("x-request-id")) or self._ids.new("req")

        async def send_with_id(message: Message) -> None:
            if message["type"] in STARTS:
                message.setdefault("headers", [])
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


def _usable(request_id: str | None) -> str | None:
    """An id that is safe to repeat in a header and to read in a log."""
    if request_id is None or len(request_id) > MAX_REQUEST_ID_CHARS:
        return None
    return request_id if request_id.isascii() and request_id.isprintable() and request_id else None
