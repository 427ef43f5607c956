"""Bodies of the requests about conversations."""

from typing import Annotated

from pydantic import Field

from antiphon.server.protocol.input_items import ItemParam
from antiphon.server.protocol.requests import Metadata
from antiphon.server.protocol.wire_model import InputModel

# As OpenAI has it: a longer past is added in several requests.
MAX_ADDED_ITEMS = 20

AddedItems = Annotated[list[ItemParam], Field(max_length=MAX_ADDED_ITEMS, fail_fast=True)]


class CreateConversationBody(InputModel):
    items: AddedItems | None = None
    metadata: Metadata | None = None


class UpdateConversationBody(InputModel):
    metadata: Metadata | None = None


class AddItemsBody(InputModel):
    items: AddedItems
