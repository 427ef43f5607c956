"""POST /v1/responses."""

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from antiphon.server.admission import admit
from antiphon.server.answer import Answer
from antiphon.server.api_document import create_response_operation
from antiphon.server.context import ServerContext
from antiphon.server.disconnect import while_connected
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.validation import parse_create_response
from antiphon.server.request_body import read_json_body


def responses_router(context: ServerContext) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["responses"])

    @router.post(
        "/responses",
        operation_id="createResponse",
        summary="Create response",
        response_class=Response,
        openapi_extra=create_response_operation(),
        responses={"default": {"model": ErrorBody}},
    )
    async def create_response(request: Request) -> Response:
        body = await read_json_body(request, context.limits.max_body_bytes)
        admission = admit(parse_create_response(body), context)
        turn = await while_connected(request.receive, admission)
        if turn is None:
            raise ClientDisconnect
        return Answer(turn, context)

    return router
