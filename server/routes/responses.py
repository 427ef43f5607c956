"""/v1/responses: making a response, and everything about those that were made."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from antiphon.server.admission import Admission, admit, drafted
from antiphon.server.api_document import compact_operation, create_response_operation
from antiphon.server.compaction.standalone import compacted
from antiphon.server.context import ServerContext
from antiphon.server.delivery.answer import Answer, Stream
from antiphon.server.delivery.background import BackgroundWork
from antiphon.server.delivery.disconnect import while_connected
from antiphon.server.delivery.emissions import emissions
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.delivery.retrieval import Retrieval
from antiphon.server.pages import item_page
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.lists import CompactResource, Deleted, InputTokens, ItemList
from antiphon.server.protocol.queries import PageParams, RetrieveParams
from antiphon.server.protocol.requests import CompactBody
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.protocol.validation import read_body, read_create_response, read_query
from antiphon.server.request_body import read_request
from antiphon.server.tool_menu import dropped_tools

DROPPED_TOOLS = "antiphon-dropped-tools"


def responses_router(context: ServerContext) -> APIRouter:
    router = APIRouter(
        prefix="/v1/responses", tags=["responses"], responses={"default": {"model": ErrorBody}}
    )
    _add_making(router, context)
    _add_reading(router, context)
    return router


def _add_making(router: APIRouter, context: ServerContext) -> None:
    max_body_bytes = context.limits.max_body_bytes
    read_create = partial(read_create_response, tools=context.unsupported_tools)

    @router.post(
        "",
        operation_id="createResponse",
        summary="Create response",
        response_class=Response,
        openapi_extra=create_response_operation(),
    )
    async def create_response(request: Request) -> Response:
        caller = context.reception.caller(request.headers)
        body = await read_request(request, max_body_bytes, read_create)
        admission = await while_connected(request.receive, admit(body, caller, context))
        record = ResponseRecord(admission)
        if body.background:
            return await _in_background(record, context)
        return Answer(record, context, _notes(admission))

    @router.post("/input_tokens", summary="Count the tokens of a request")
    async def count_input_tokens(request: Request) -> InputTokens:
        caller = context.reception.caller(request.headers)
        body = await read_request(request, max_body_bytes, read_create)
        # Whoever counts does not want the model to summarise anything.
        body = body.model_copy(update={"context_management": None})
        draft = await drafted(body, caller, context)
        num_tokens = len(draft.window.prompt.token_ids) if draft.window else 0
        return InputTokens(input_tokens=num_tokens)

    @router.post(
        "/compact",
        operation_id="compactResponse",
        summary="Compact a conversation",
        openapi_extra=compact_operation(),
    )
    async def compact(request: Request) -> CompactResource:
        caller = context.reception.caller(request.headers)
        body = await read_request(request, max_body_bytes, partial(read_body, CompactBody))
        return await while_connected(request.receive, compacted(body, caller, context))


def _add_reading(router: APIRouter, context: ServerContext) -> None:
    @router.get("/{response_id}", summary="Read a response", response_model=ResponseResource)
    async def retrieve(response_id: str, request: Request) -> Any:  # noqa: ANN401
        caller = context.reception.caller(request.headers)
        asked = read_query(RetrieveParams, request.query_params)
        retrieval = Retrieval(context, caller)
        if not asked.stream:
            return JSONResponse(await retrieval.response(response_id))
        after = -1 if asked.starting_after is None else asked.starting_after
        return Stream(await retrieval.events(response_id, after), caller.event_names)

    @router.delete("/{response_id}", summary="Delete a response")
    async def delete(response_id: str, request: Request) -> Deleted:
        caller = context.reception.caller(request.headers)
        await Retrieval(context, caller).delete(response_id)
        return Deleted(id=response_id, object="response")

    @router.post(
        "/{response_id}/cancel",
        summary="Cancel a response in the background",
        response_model=ResponseResource,
    )
    async def cancel(response_id: str, request: Request) -> Any:  # noqa: ANN401
        caller = context.reception.caller(request.headers)
        return JSONResponse(await Retrieval(context, caller).cancelled(response_id))

    @router.get("/{response_id}/input_items", summary="List what a response was asked")
    async def list_input_items(response_id: str, request: Request) -> ItemList:
        caller = context.reception.caller(request.headers)
        asked = read_query(PageParams, request.query_params)
        stored = await Retrieval(context, caller).stored(response_id)
        return item_page(stored.input_items, asked)


async def _in_background(record: ResponseRecord, context: ServerContext) -> Response:
    admission = record.admission
    work = BackgroundWork(
        owner=admission.caller.owner,
        admission=admission,
        emissions=emissions(record, context),
        stored=record.stored,
        cancel=admission.cancel,
    )
    live = await context.background.start(work)
    if admission.body.stream:
        return Stream(live.follow(), admission.caller.event_names, _notes(admission))
    return JSONResponse(live.response.model_dump(mode="json"), headers=_notes(admission))


def _notes(admission: Admission) -> dict[str, str]:
    """What a client should know that has no place in the response."""
    dropped = dropped_tools(admission.body.tools or ())
    return {DROPPED_TOOLS: ", ".join(dropped)} if dropped else {}
