"""POST /v1/chat/completions: a response under another name."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from antiphon.server.admission import admit
from antiphon.server.chat_completions.completion import ChatCompletion
from antiphon.server.chat_completions.completion_answer import CompletionAnswer
from antiphon.server.chat_completions.request_places import RequestPlaces
from antiphon.server.chat_completions.request_translation import translated_request
from antiphon.server.context import ServerContext
from antiphon.server.disconnect import while_connected
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.unsupported import UnsupportedTools
from antiphon.server.protocol.validation import read_create_response
from antiphon.server.request_body import read_posted
from antiphon.server.response_record import ResponseRecord


def chat_completions_router(context: ServerContext) -> APIRouter:
    router = APIRouter(
        prefix="/v1", tags=["chat completions"], responses={"default": {"model": ErrorBody}}
    )

    @router.post(
        "/chat/completions",
        operation_id="createChatCompletion",
        summary="Create chat completion",
        response_class=Response,
        responses={200: {"model": ChatCompletion}},
        openapi_extra=_request_body(),
    )
    async def create_chat_completion(request: Request) -> Response:
        caller = context.reception.caller(request.headers)
        posted = await read_posted(request, context.limits.max_body_bytes)
        places = RequestPlaces()
        with places.in_errors():
            asked = translated_request(posted, places)
            # Only a response has a place to say that a tool was left out.
            body = read_create_response(asked.body, UnsupportedTools.REJECT)
            admission = await while_connected(request.receive, admit(body, caller, context))
        if admission is None:
            raise ClientDisconnect
        record = ResponseRecord.of(admission, context.ids)
        return CompletionAnswer(record, context, includes_usage=asked.includes_usage)

    return router


def _request_body() -> dict[str, Any]:
    """What FastAPI cannot see: the body is read without it."""
    schema = {"type": "object", "required": ["messages"], "description": "As OpenAI has it."}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
