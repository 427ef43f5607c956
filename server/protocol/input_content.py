"""Parts of content that a client sends, read leniently."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from antiphon.server.protocol.wire_model import InputModel

MAX_TEXT_CHARS = 10 * 1024 * 1024
MAX_FILE_CHARS = 32 * 1024 * 1024
MAX_PARTS = 1_000

InputText = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]


class TextContentParam(InputModel):
    """A piece of text. Which of its names it goes by says nothing that its role does not say."""

    type: Literal["input_text", "output_text", "text"]
    text: InputText
    annotations: Annotated[list[JsonValue], Field(max_length=MAX_PARTS)] | None = None


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


class InputFileParam(InputModel):
    """A file, as base64 or by its address."""

    type: Literal["input_file"]
    filename: Annotated[str, Field(max_length=256)] | None = None
    file_data: Annotated[str, Field(max_length=MAX_FILE_CHARS)] | None = None
    file_url: Annotated[str, Field(max_length=8192)] | None = None
    file_id: None = None


def part_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    """Where no type or a wrong one is given, the error should speak of the common kind."""
    match posted:
        case {"type": "refusal"} | RefusalContentParam():
            return "<refusal>"
        case {"type": "input_file"} | InputFileParam():
            return "<file>"
    return "<text>"


# Tags are no possible keys of a body: `loc` holds both, and only keys may be shown to a client.
ContentParam = Annotated[
    Annotated[TextContentParam, Tag("<text>")]
    | Annotated[RefusalContentParam, Tag("<refusal>")]
    | Annotated[InputFileParam, Tag("<file>")],
    Discriminator(part_kind),
]
OutputContentParam = Annotated[
    Annotated[TextContentParam, Tag("<text>")] | Annotated[InputFileParam, Tag("<file>")],
    Discriminator(part_kind),
]
