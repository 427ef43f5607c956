"""Items and their content parts: those a client sends and those the server writes."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from antiphon.server.protocol.wire_model import InputModel, OutputModel

MAX_TEXT_CHARS = 10 * 1024 * 1024
# No conversation has so many; a million tiny ones would hold up everybody else.
MAX_ITEMS = 10_000
MAX_PARTS = 1_000

InputText = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]


class TextContentParam(InputModel):
    """A piece of text. Which of its names it goes by says nothing that its role does not say."""

    type: Literal["input_text", "output_text", "text"]
    text: InputText


class RefusalContentParam(InputModel):
    """Where an assistant message declined."""

    type: Literal["refusal"]
    refusal: InputText


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


class MessageParam(InputModel):
    """A message of any role.

    Clients replay what they were given and leave out what they never knew: type, id, status and
    phase may be missing, null or unknown to this server.
    """

    type: Literal["message"] | None = "message"
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[
        Annotated[InputText, Tag("<string>")] | Annotated[ContentList, Tag("<list>")],
        StringOrList,
    ]
    status: str | None = None
    phase: str | None = None


ItemStatus = Literal["in_progress", "completed", "incomplete"]


class OutputTextContent(OutputModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: tuple[dict[str, Any], ...] = ()
    logprobs: tuple[dict[str, Any], ...] = ()


class Message(OutputModel):
    """What the model wrote for the user."""

    type: Literal["message"] = "message"
    id: str
    status: ItemStatus
    role: Literal["assistant"] = "assistant"
    content: tuple[OutputTextContent, ...]


ItemField = Message
