"""Which tools the model may or must call: as a client asks, and as a response repeats it."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.tools import HostedToolParam
from antiphon.server.protocol.wire_model import InputModel, OutputModel

MAX_ALLOWED_TOOLS = 128

ToolChoiceMode = Literal["none", "auto", "required"]


class NamedToolParam(InputModel):
    """One tool of those that are offered."""

    type: Literal["function", "custom"]
    name: str
    namespace: str | None = None


def allowed_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    match posted:
        case {"type": str(kind)} if kind not in ("function", "custom"):
            return "<hosted>"
        case HostedToolParam():
            return "<hosted>"
    return "<named>"


AllowedToolParam = Annotated[
    Annotated[NamedToolParam, Tag("<named>")] | Annotated[HostedToolParam, Tag("<hosted>")],
    Discriminator(allowed_kind),
]


class AllowedToolsParam(InputModel):
    """Some of the tools that are offered; the model sees all of them."""

    type: Literal["allowed_tools"]
    tools: Annotated[list[AllowedToolParam], Field(min_length=1, max_length=MAX_ALLOWED_TOOLS)]
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
    namespace: Annotated[str | None, Field(exclude_if=is_absent)] = None


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
            named = [tool for tool in choice.tools if isinstance(tool, NamedToolParam)]
            return AllowedTools(tools=tuple(map(_named, named)), mode=choice.mode or "auto")
        case None:
            return "auto"
    return choice


def _named(tool: NamedToolParam) -> NamedTool:
    return NamedTool(**tool.model_dump())
