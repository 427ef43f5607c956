"""/v1/conversations: items that responses are made from, and that they add to."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from fastapi import APIRouter, Depends, Request
from pydantic import JsonValue
from starlette.responses import JSONResponse

from antiphon.server.context import ServerContext
from antiphon.server.history.kept_items import kept_items
from antiphon.server.history.past import StoredPast
from antiphon.server.history.reader import resolved_items
from antiphon.server.pages import item_page
from antiphon.server.protocol.conversations import (
    AddItemsBody,
    CreateConversationBody,
    UpdateConversationBody,
)
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.input_items import ItemParam
from antiphon.server.protocol.lists import ConversationResource, Deleted, ItemList
from antiphon.server.protocol.queries import PageParams
from antiphon.server.protocol.unsupported import refuse_unsupported_items
from antiphon.server.protocol.validation import read_body, read_query
from antiphon.server.protocol.wire_model import InputModel
from antiphon.server.request_body import read_request
from antiphon.server.store.errors import ItemNotFound
from antiphon.server.store.records import Conversation, Item

Body = TypeVar("Body", bound=InputModel)


def conversations_router(context: ServerContext) -> APIRouter:
    router = APIRouter(
        prefix="/v1/conversations",
        tags=["conversations"],
        responses={"default": {"model": ErrorBody}},
    )
    _add_conversations(router, context)
    _add_items(router, context)
    return router


def _add_conversations(router: APIRouter, context: ServerContext) -> None:
    max_body_bytes = context.limits.max_body_bytes
    owner = Depends(_owner_reader(context))

    @router.post("", summary="Create a conversation")
    async def create(request: Request, owner: str = owner) -> ConversationResource:
        read = partial(_read_items, CreateConversationBody)
        body = await read_request(request, max_body_bytes, read)
        conversation = Conversation(
            id=context.ids.new("conv"),
            owner=owner,
            created_at=context.clock.unix_seconds(),
            metadata=body.metadata or {},
        )
        items = await _kept(body.items or [], owner, context)
        await context.store().create_conversation(conversation, items)
        return _resource(conversation)

    @router.get("/{conversation_id}", summary="Read a conversation")
    async def retrieve(conversation_id: str, owner: str = owner) -> ConversationResource:
        return _resource(await context.store().conversation(owner, conversation_id))

    @router.post("/{conversation_id}", summary="Change a conversation's metadata")
    async def update(
        conversation_id: str, request: Request, owner: str = owner
    ) -> ConversationResource:
        read = partial(read_body, UpdateConversationBody)
        body = await read_request(request, max_body_bytes, read)
        store = context.store()
        if body.metadata is None:
            return _resource(await store.conversation(owner, conversation_id))
        return _resource(await store.update_conversation(owner, conversation_id, body.metadata))

    @router.delete("/{conversation_id}", summary="Delete a conversation")
    async def delete(conversation_id: str, owner: str = owner) -> Deleted:
        await context.store().delete_conversation(owner, conversation_id)
        return Deleted(id=conversation_id, object="conversation.deleted")


def _add_items(router: APIRouter, context: ServerContext) -> None:
    owner = Depends(_owner_reader(context))

    @router.get("/{conversation_id}/items", summary="List a conversation's items")
    async def list_items(conversation_id: str, request: Request, owner: str = owner) -> ItemList:
        asked = read_query(PageParams, request.query_params)
        return item_page(await context.store().conversation_items(owner, conversation_id), asked)

    @router.post("/{conversation_id}/items", summary="Add items to a conversation")
    async def add_items(conversation_id: str, request: Request, owner: str = owner) -> ItemList:
        read = partial(_read_items, AddItemsBody)
        body = await read_request(request, context.limits.max_body_bytes, read)
        with context.conversations.claim(owner, conversation_id):
            items = await _kept(body.items, owner, context)
            await context.store().add_conversation_items(owner, conversation_id, items)
        return item_page(items, PageParams(limit=max(len(items), 1), order="asc"))

    @router.get("/{conversation_id}/items/{item_id}", summary="Read an item")
    async def retrieve_item(conversation_id: str, item_id: str, owner: str = owner) -> JSONResponse:
        for item in await context.store().conversation_items(owner, conversation_id):
            if item["id"] == item_id:
                return JSONResponse(item)
        raise ItemNotFound(item_id)

    @router.delete("/{conversation_id}/items/{item_id}", summary="Delete an item")
    async def delete_item(
        conversation_id: str, item_id: str, owner: str = owner
    ) -> ConversationResource:
        store = context.store()
        await store.delete_conversation_item(owner, conversation_id, item_id)
        return _resource(await store.conversation(owner, conversation_id))


def _owner_reader(context: ServerContext) -> Callable[[Request], Awaitable[str]]:
    async def owner(request: Request) -> str:
        """Raises InvalidApiKey."""
        return context.reception.caller(request.headers).owner

    return owner


def _read_items(kind: type[Body], posted: JsonValue) -> Body:
    """Raises UnsupportedParameter for items that no response could be made from."""
    refuse_unsupported_items(posted, "items")
    return read_body(kind, posted)


async def _kept(items: list[ItemParam], owner: str, context: ServerContext) -> tuple[Item, ...]:
    past = StoredPast(context.store(), owner)
    return kept_items(await resolved_items(items, "items", past), context.ids)


def _resource(conversation: Conversation) -> ConversationResource:
    return ConversationResource(
        id=conversation.id, created_at=conversation.created_at, metadata=conversation.metadata
    )
