"""What form the answer is to have: as a client asks, and as a response repeats it."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, JsonValue, Tag

from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.wire_model import InputModel, OutputModel

# What the echo of a schema is called that came without a name.
UNNAMED = "response"

Verbosity = Literal["low", "medium", "high"]


class TextFormatParam(InputModel):
    """No form at all."""

    type: Literal["text"] | None = "text"


class JsonObjectFormatParam(InputModel):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchemaFormatParam(InputModel):
    """JSON that a schema describes; any object where there is none."""

    type: Literal["json_schema"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    # pydantic's models have a method `schema`.
    json_schema: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    description: str | None = None
    strict: bool | None = None


def format_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    match posted:
        case {"type": "json_object"} | JsonObjectFormatParam():
            return "<object>"
        case {"type": "json_schema"} | JsonSchemaFormatParam():
            return "<schema>"
    return "<text>"


FormatParam = Annotated[
    Annotated[TextFormatParam, Tag("<text>")]
    | Annotated[JsonObjectFormatParam, Tag("<object>")]
    | Annotated[JsonSchemaFormatParam, Tag("<schema>")],
    Discriminator(format_kind),
]


class TextParam(InputModel):
    format: FormatParam | None = None
    verbosity: Verbosity | None = None


class TextResponseFormat(OutputModel):
    type: Literal["text"] = "text"


class JsonObjectResponseFormat(OutputModel):
    type: Literal["json_object"] = "json_object"


class JsonSchemaResponseFormat(OutputModel):
    """`schema` is null whatever was asked: so the published schema has it."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    type: Literal["json_schema"] = "json_schema"
    name: str
    description: str | None
    json_schema: Annotated[None, Field(alias="schema")] = None
    strict: bool


ResponseFormat = TextResponseFormat | JsonObjectResponseFormat | JsonSchemaResponseFormat


class TextField(OutputModel):
    format: Annotated[ResponseFormat, Field(discriminator="type")] = TextResponseFormat()
    verbosity: Annotated[Verbosity | None, Field(exclude_if=is_absent)] = None


def text_echo(text: TextParam | None) -> TextField:
    if text is None:
        return TextField()
    return TextField(format=_format_echo(text.format), verbosity=text.verbosity)


def _format_echo(asked: FormatParam | None) -> ResponseFormat:
    match asked:
        case JsonObjectFormatParam():
            return JsonObjectResponseFormat()
        case JsonSchemaFormatParam():
            return JsonSchemaResponseFormat(
                name=asked.name or UNNAMED, description=asked.description, strict=bool(asked.strict)
            )
    return TextResponseFormat()
