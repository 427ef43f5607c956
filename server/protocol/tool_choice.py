"""Which tools the model may or must call: as a client asks, and as a response repeats it."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from antiphon.server.protocol.wire_model import InputModel, OutputModel

MAX_ALLOWED_TOOLS = 128

ToolChoiceMode = Literal["none", "auto", "required"]


class NamedToolParam(InputModel):
    """One tool of those that are offered."""

    type: Literal["function", "custom"]
    name: str


class AllowedToolsParam(InputModel):
    """Some of the tools that are offered; the model sees all of them."""

    type: Literal["allowed_tools"]
    tools: Annotated[list[NamedToolParam], Field(min_length=1, max_length=MAX_ALLOWED_TOOLS)]
    mode: ToolChoiceMode | None = None


def choice_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    match posted:
        case None:
            return "<null>"
        case {"type": "allowed_tools"} | AllowedToolsParam():
            return "<allowed>"
        case dict() | NamedToolParam():
            return "<named>"
    return "<mode>"


ToolChoiceParam = Annotated[
    Annotated[ToolChoiceMode, Tag("<mode>")]
    | Annotated[NamedToolParam, Tag("<named>")]
    | Annotated[AllowedToolsParam, Tag("<allowed>")]
    | Annotated[None, Tag("<null>")],
    Discriminator(choice_kind),
]


class NamedTool(OutputModel):
    type: Literal["function", "custom"]
    name: str


class AllowedTools(OutputModel):
    type: Literal["allowed_tools"] = "allowed_tools"
    tools: tuple[NamedTool, ...]
    mode: ToolChoiceMode


ToolChoice = ToolChoiceMode | NamedTool | AllowedTools


def tool_choice_echo(choice: ToolChoiceParam) -> ToolChoice:
    match choice:
        case NamedToolParam():
            return _named(choice)
        case AllowedToolsParam():
            return AllowedTools(tools=tuple(map(_named, choice.tools)), mode=choice.mode or "auto")
        case None:
            return "auto"
    return choice


def _named(tool: NamedToolParam) -> NamedTool:
    return NamedTool(type=tool.type, name=tool.name)
