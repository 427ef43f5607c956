"""GET /v1/responses with an upgrade: responses over one connection."""

from fastapi import APIRouter
from starlette.responses import Response
from starlette.websockets import WebSocket

from antiphon.server.context import ServerContext
from antiphon.server.delivery.websocket_session import WebSocketSession
from antiphon.server.error_answers import HEADERS, error_answer
from antiphon.server.error_table import error_payload, error_row
from antiphon.server.protocol.errors import ErrorPayload, RequestRefused


def websocket_router(context: ServerContext) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.websocket("/responses")
    async def connect(socket: WebSocket) -> None:
        max_seconds = context.limits.websocket_max_seconds
        if max_seconds is None:
            await socket.send_denial_response(_not_here())
            return
        try:
            caller = context.reception.caller(socket.headers)
        except RequestRefused as error:
            status = error_row(error).status
            refusal = error_answer(status, error_payload(error), HEADERS.get(status))
            await socket.send_denial_response(refusal)
            return
        await socket.accept()
        await WebSocketSession(socket, caller, context, max_seconds).serve()

    return router


def _not_here() -> Response:
    """Clients that can do without take this status for an answer, and go on over HTTP."""
    payload = ErrorPayload(
        type="invalid_request",
        code="websocket_disabled",
        message="This server takes no WebSocket connections: use POST /v1/responses.",
        param=None,
    )
    return error_answer(426, payload)
