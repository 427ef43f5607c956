"""Items that a client sends, read leniently.

Clients replay what they were given and leave out what they never knew: id, status and phase may be
missing, null or unknown to this server, and a message may lack its type.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from antiphon.server.protocol.input_content import (
    MAX_PARTS,
    ContentParam,
    InputText,
    OutputContentParam,
    ReasoningContentParam,
    SummaryContentParam,
)
from antiphon.server.protocol.tools import MAX_TOOLS, ToolParam
from antiphon.server.protocol.wire_model import InputModel

# No conversation has so many; a million tiny ones would hold up everybody else.
MAX_ITEMS = 10_000

CallId = Annotated[str, Field(min_length=1, max_length=256)]
# What a model called may be no tool's name, and comes back all the same.
CalledName = Annotated[str, Field(min_length=1, max_length=256)]


def string_or_list(posted: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Which of the three a value is, so that its errors speak of that one only."""
    match posted:
        case None:
            return "<null>"
        case str():
            return "<string>"
        case list():
            return "<list>"
    return None


StringOrList = Discriminator(
    string_or_list,
    custom_error_type="string_or_list",
    custom_error_message="Input should be a string or a list",
)

ContentList = Annotated[list[ContentParam], Field(max_length=MAX_PARTS, fail_fast=True)]
OutputList = Annotated[list[OutputContentParam], Field(max_length=MAX_PARTS, fail_fast=True)]
ReasoningList = Annotated[list[ReasoningContentParam], Field(max_length=MAX_PARTS, fail_fast=True)]
SummaryList = Annotated[list[SummaryContentParam], Field(max_length=MAX_PARTS, fail_fast=True)]


class _ItemParam(InputModel):
    id: str | None = None
    status: str | None = None


class MessageParam(_ItemParam):
    """A message of any role."""

    type: Literal["message"] | None = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[
        Annotated[InputText, Tag("<string>")] | Annotated[ContentList, Tag("<list>")],
        StringOrList,
    ]
    phase: str | None = None


class ReasoningItemParam(_ItemParam):
    """Thinking, as text or as this server sealed it; summaries are not read."""

    type: Literal["reasoning"]
    summary: SummaryList | None = None
    content: ReasoningList | None = None
    encrypted_content: InputText | None = None


class FunctionCallParam(_ItemParam):
    """A call that the model made; `arguments` is the text of a JSON object."""

    type: Literal["function_call"]
    call_id: CallId
    name: CalledName
    namespace: CalledName | None = None
    arguments: InputText


class CustomToolCallParam(_ItemParam):
    """A call of a tool that takes free text."""

    type: Literal["custom_tool_call"]
    call_id: CallId
    name: CalledName
    input: InputText


class ToolOutputParam(_ItemParam):
    """What came of a call."""

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: CallId
    output: Annotated[
        Annotated[InputText, Tag("<string>")] | Annotated[OutputList, Tag("<list>")],
        StringOrList,
    ]


class CompactionParam(_ItemParam):
    """What this server put in the place of everything before it."""

    type: Literal["compaction"]
    encrypted_content: InputText


class ItemReferenceParam(_ItemParam):
    """An item that is stored here, by its id."""

    type: Literal["item_reference"] | None = "item_reference"
    id: Annotated[str, Field(min_length=1)]


class AdditionalToolsParam(_ItemParam):
    """Tools that come with the conversation instead of the request, as Codex sends them."""

    type: Literal["additional_tools"]
    tools: Annotated[list[ToolParam], Field(max_length=MAX_TOOLS, fail_fast=True)]


OWN_KINDS = (
    "reasoning",
    "function_call",
    "custom_tool_call",
    "compaction",
    "item_reference",
    "additional_tools",
)


def item_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    """The item's own type; without one it is a message, or no more than a reference."""
    if not isinstance(posted, dict):
        posted = vars(posted) if isinstance(posted, InputModel) else {}
    match posted.get("type"):
        case "function_call_output" | "custom_tool_call_output":
            return "<output>"
        case str() as kind if kind in OWN_KINDS:
            return f"<{kind}>"
        case None if "id" in posted and "role" not in posted:
            return "<item_reference>"
    return "<message>"


ItemParam = Annotated[
    Annotated[MessageParam, Tag("<message>")]
    | Annotated[ReasoningItemParam, Tag("<reasoning>")]
    | Annotated[FunctionCallParam, Tag("<function_call>")]
    | Annotated[CustomToolCallParam, Tag("<custom_tool_call>")]
    | Annotated[ToolOutputParam, Tag("<output>")]
    | Annotated[CompactionParam, Tag("<compaction>")]
    | Annotated[ItemReferenceParam, Tag("<item_reference>")]
    | Annotated[AdditionalToolsParam, Tag("<additional_tools>")],
    Discriminator(item_kind),
]
