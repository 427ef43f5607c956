"""Items that a client sends, read leniently.

Clients replay what they were given and leave out what they never knew: id, status and phase may be
missing, null or unknown to this server, and a message may lack its type.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from antiphon.server.protocol.wire_model import InputModel

MAX_TEXT_CHARS = 10 * 1024 * 1024
# No conversation has so many; a million tiny ones would hold up everybody else.
MAX_ITEMS = 10_000
MAX_PARTS = 1_000

InputText = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
CallId = Annotated[str, Field(min_length=1, max_length=256)]
# What a model called may be no tool's name, and comes back all the same.
CalledName = Annotated[str, Field(min_length=1, max_length=256)]


class TextContentParam(InputModel):
    """A piece of text. Which of its names it goes by says nothing that its role does not say."""

    type: Literal["input_text", "output_text", "text"]
    text: InputText


class RefusalContentParam(InputModel):
    """Where an assistant message declined."""

    type: Literal["refusal"]
    refusal: InputText


class ReasoningContentParam(InputModel):
    """A piece of thinking."""

    type: Literal["reasoning_text", "output_text", "text"]
    text: InputText


class SummaryContentParam(InputModel):
    """A piece of a summary of thinking."""

    type: Literal["summary_text"]
    text: InputText


def part_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    """Where no type or a wrong one is given, the error should speak of the common kind."""
    match posted:
        case {"type": "refusal"} | RefusalContentParam():
            return "<refusal>"
    return "<text>"


# Tags are no possible keys of a body: `loc` holds both, and only keys may be shown to a client.
ContentParam = Annotated[
    Annotated[TextContentParam, Tag("<text>")] | Annotated[RefusalContentParam, Tag("<refusal>")],
    Discriminator(part_kind),
]


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
TextList = Annotated[list[TextContentParam], Field(max_length=MAX_PARTS, fail_fast=True)]
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
    """Thinking, as text or as the encoding of it that this server gave; summaries are not read."""

    type: Literal["reasoning"]
    summary: SummaryList | None = None
    content: ReasoningList | None = None
    encrypted_content: InputText | None = None


class FunctionCallParam(_ItemParam):
    """A call that the model made; `arguments` is the text of a JSON object."""

    type: Literal["function_call"]
    call_id: CallId
    name: CalledName
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
        Annotated[InputText, Tag("<string>")] | Annotated[TextList, Tag("<list>")],
        StringOrList,
    ]


def item_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    """The item's own type; what has none is taken for a message."""
    kind = posted.get("type") if isinstance(posted, dict) else getattr(posted, "type", None)
    match kind:
        case "function_call_output" | "custom_tool_call_output":
            return "<output>"
        case "reasoning" | "function_call" | "custom_tool_call":
            return f"<{kind}>"
    return "<message>"


ItemParam = Annotated[
    Annotated[MessageParam, Tag("<message>")]
    | Annotated[ReasoningItemParam, Tag("<reasoning>")]
    | Annotated[FunctionCallParam, Tag("<function_call>")]
    | Annotated[CustomToolCallParam, Tag("<custom_tool_call>")]
    | Annotated[ToolOutputParam, Tag("<output>")],
    Discriminator(item_kind),
]
