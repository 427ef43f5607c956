"""Tools: as a client offers them, and as a response repeats them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from antiphon.server.protocol.wire_model import InputModel, OutputModel

MAX_TOOLS = 512

ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$")]


class FunctionToolParam(InputModel):
    """A function that the client runs; `parameters` is the JSON schema of its arguments."""

    type: Literal["function"]
    name: ToolName
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class PlainFormat(InputModel):
    """Any text."""

    type: Literal["text"]


class GrammarFormat(InputModel):
    """Only text that a grammar allows."""

    type: Literal["grammar"]
    syntax: Literal["lark", "regex"]
    definition: str


def format_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    match posted:
        case {"type": "grammar"} | GrammarFormat():
            return "<grammar>"
    return "<text>"


CustomFormat = Annotated[
    Annotated[PlainFormat, Tag("<text>")] | Annotated[GrammarFormat, Tag("<grammar>")],
    Discriminator(format_kind),
]


class CustomToolParam(InputModel):
    """A tool that takes free text, as OpenAI has them."""

    type: Literal["custom"]
    name: ToolName
    description: str | None = None
    format: CustomFormat | None = None


class NamespaceToolParam(InputModel):
    """Functions under one name, as Codex offers them."""

    type: Literal["namespace"]
    name: ToolName
    description: str | None = None
    tools: Annotated[list[FunctionToolParam], Field(max_length=MAX_TOOLS, fail_fast=True)]


class HostedToolParam(InputModel):
    """A tool that the client expects its server to run, and that this one does not run.

    Coding agents offer some with every request and do well without: the model never hears of them.
    A header of the answer names it.
    """

    type: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


SERVED_TOOLS = ("function", "custom", "namespace")


def tool_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    match posted:
        case {"type": "custom"} | CustomToolParam():
            return "<custom>"
        case {"type": "namespace"} | NamespaceToolParam():
            return "<namespace>"
        case {"type": str(kind)} if kind not in SERVED_TOOLS:
            return "<hosted>"
        case HostedToolParam():
            return "<hosted>"
    return "<function>"


ToolParam = Annotated[
    Annotated[FunctionToolParam, Tag("<function>")]
    | Annotated[CustomToolParam, Tag("<custom>")]
    | Annotated[NamespaceToolParam, Tag("<namespace>")]
    | Annotated[HostedToolParam, Tag("<hosted>")],
    Discriminator(tool_kind),
]


class FunctionTool(OutputModel):
    type: Literal["function"] = "function"
    name: str
    description: str | None
    parameters: dict[str, Any] | None
    strict: bool | None


class CustomTool(OutputModel):
    type: Literal["custom"] = "custom"
    name: str
    description: str | None
    format: dict[str, Any]


class NamespaceTool(OutputModel):
    type: Literal["namespace"] = "namespace"
    name: str
    description: str | None
    tools: tuple[FunctionTool, ...]


Tool = Annotated[FunctionTool | CustomTool | NamespaceTool, Field(discriminator="type")]


def tools_echo(tools: Sequence[ToolParam]) -> tuple[Tool, ...]:
    """What the model is offered."""
    return tuple(_echo(tool) for tool in tools if not isinstance(tool, HostedToolParam))


def _echo(tool: FunctionToolParam | CustomToolParam | NamespaceToolParam) -> Tool:
    match tool:
        case FunctionToolParam():
            return FunctionTool(**tool.model_dump())
        case CustomToolParam():
            accepted = tool.format or PlainFormat(type="text")
            return CustomTool(
                name=tool.name, description=tool.description, format=accepted.model_dump()
            )
        case NamespaceToolParam():
            functions = tuple(FunctionTool(**function.model_dump()) for function in tool.tools)
            return NamespaceTool(name=tool.name, description=tool.description, tools=functions)
