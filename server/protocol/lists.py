"""What the endpoints around responses answer with."""

from typing import Annotated, Any, Literal

from pydantic import Field

from antiphon.server.protocol.items import ItemField
from antiphon.server.protocol.response import Usage
from antiphon.server.protocol.wire_model import OutputModel


class ItemList(OutputModel):
    """A page of items, as they are kept."""

    object: Literal["list"] = "list"
    data: tuple[dict[str, Any], ...]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(OutputModel):
    id: str
    object: Literal["response", "conversation.deleted"]
    deleted: Literal[True] = True


class InputTokens(OutputModel):
    object: Literal["response.input_tokens"] = "response.input_tokens"
    input_tokens: int


class CompactResource(OutputModel):
    """A compacted conversation: the items to go on with, in the place of those before."""

    id: str
    object: Literal["response.compaction"] = "response.compaction"
    output: tuple[ItemField | dict[str, Any], ...]
    created_at: Annotated[int, Field(description="Unix time in seconds.")]
    usage: Usage


class ConversationResource(OutputModel):
    id: str
    object: Literal["conversation"] = "conversation"
    created_at: Annotated[int, Field(description="Unix time in seconds.")]
    metadata: dict[str, str]
