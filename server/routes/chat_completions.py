"""POST /v1/chat/completions: a response under another name."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from antiphon.server.admission import admit
from antiphon.server.chat_completions.completion import ChatCompletion
from antiphon.server.chat_completions.completion_answer import CompletionAnswer
from antiphon.server.chat_completions.request_places import RequestPlaces
from antiphon.server.chat_completions.request_translation import translated_request
from antiphon.server.context import ServerContext
from antiphon.server.delivery.disconnect import while_connected
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.unsupported import UnsupportedTools
from antiphon.server.protocol.validation import read_create_response
from antiphon.server.request_body import read_request


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
        places = RequestPlaces()
        with places.in_errors():
            read = partial(_read, places=places)
            includes_usage, body = await read_request(request, context.limits.max_body_bytes, read)
            admission = await while_connected(request.receive, admit(body, caller, context))
        record = ResponseRecord(admission)
        return CompletionAnswer(record, context, includes_usage=includes_usage)

    return router


def _read(posted: JsonValue, places: RequestPlaces) -> tuple[bool, CreateResponseBody]:
    """Whether a stream tells its usage, and the request for a response."""
    asked = translated_request(posted, places)
    # Only a response has a place to say that a tool was left out.
    return asked.includes_usage, read_create_response(asked.body, UnsupportedTools.REJECT)


def _request_body() -> dict[str, Any]:
    """What FastAPI cannot see: the body is read without it."""
    schema = {"type": "object", "required": ["messages"], "description": "As OpenAI has it."}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
