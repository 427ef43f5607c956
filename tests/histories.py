"""Items of a request where they stand, without a store and without files."""

from antiphon.server.chat.conversation import conversation
from antiphon.server.chat.message import ChatMessage
from antiphon.server.history.cuts import Items
from antiphon.server.history.placed_item import PlacedItem
from antiphon.server.protocol.input_items import MessageParam
from antiphon.server.protocol.requests import CreateResponseBody


def placed_items(body: CreateResponseBody) -> Items:
    match body.input:
        case None:
            return ()
        case str(text):
            return (PlacedItem("input[0]", MessageParam(role="user", content=text)),)
        case items:
            return tuple(PlacedItem(f"input[{i}]", item) for i, item in enumerate(items))


def messages_of(body: CreateResponseBody) -> list[ChatMessage]:
    return conversation(body.instructions, placed_items(body))
