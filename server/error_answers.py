"""Every error as an answer of one shape, also those of the framework and those nobody expected."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.server.error_table import ERROR_TABLE, error_payload, error_row
from antiphon.server.protocol.errors import ErrorBody, ErrorPayload

logger = logging.getLogger(__name__)

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
HEADERS: Mapping[int, Mapping[str, str]] = {401: {"WWW-Authenticate": "Bearer"}}


class ErrorAnswers:
    """Translates exceptions; knows how long a client should wait before it tries again."""

    def __init__(self, retry_after_seconds: int) -> None:
        self._retry_after = {"Retry-After": str(retry_after_seconds)}

    def register(self, app: FastAPI) -> None:
        for kind in ERROR_TABLE:
            app.add_exception_handler(kind, self._handle)
        app.add_exception_handler(HTTPException, _handle_http)
        app.add_middleware(UnexpectedErrors)

    async def _handle(self, request: Request, error: Exception) -> Response:
        row = error_row(error)
        headers = self._retry_after if row.is_temporary else HEADERS.get(row.status, {})
        return error_answer(row.status, error_payload(error), headers)


class UnexpectedErrors:
    """Middleware: answers 500 and logs the traceback for what no table row expected.

    The framework's own way would answer from outside of every other middleware, and so without
    the request's id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except ClientDisconnect:
            return  # nobody is there any more to be answered
        except Exception as error:
            if has_started or scope["type"] != "http":
                raise
            logger.exception("A request failed.")
            await error_answer(500, error_payload(error))(scope, receive, send)


def error_answer(
    status: int, payload: ErrorPayload, headers: Mapping[str, str] | None = None
) -> Response:
    body = ErrorBody(error=payload).model_dump_json()
    return Response(body, status, headers, media_type="application/json")


def _allowed_methods(request: Request) -> list[str]:
    """Of all routes at the path: each route only knows its own."""
    routes = request.app.router.routes
    return [
        method
        for method in METHODS
        if any(r.matches({**request.scope, "method": method})[0] is Match.FULL for r in routes)
    ]


async def _handle_http(request: Request, error: Exception) -> Response:
    """What routing refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    match error.status_code:
        case 404:
            payload = ErrorPayload(
                type="not_found", code="unknown_path", message=f"There is no {path}.", param=None
            )
        case 405:
            message = f"{path} does not take {request.method}."
            payload = ErrorPayload(
                type="invalid_request", code="method_not_allowed", message=message, param=None
            )
            return error_answer(405, payload, {"Allow": ", ".join(_allowed_methods(request))})
        case _:
            payload = ErrorPayload(
                type="invalid_request", code=None, message=error.detail, param=None
            )
    return error_answer(error.status_code, payload, error.headers)
