"""The tools of one request: what the model is shown of them, and which of them it may call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.models.dialects.demand import CallDemand
from antiphon.models.dialects.tool_types import schema_types
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.tool_choice import AllowedToolsParam, NamedToolParam
from antiphon.server.protocol.tools import (
    CustomToolParam,
    FunctionToolParam,
    GrammarFormat,
    ToolParam,
)

NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
CUSTOM_INPUT = "input"


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool. To the model a custom tool is a function whose one argument is its text.

    parameters  JSON schema of the arguments' object.
    grammar     what a custom tool's text has to be, if it is not free.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    is_strict: bool = False
    grammar: GrammarFormat | None = None

    def for_template(self) -> dict[str, Any]:
        """As chat templates know functions."""
        function = {
            "name": self.name,
            # Some templates fail without one.
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolMenu:
    """All tools of a request.

    callable_names   those that may be called; empty when none may.
    allows_parallel  whether one turn may hold several calls; one that is named is called once.
    """

    tools: tuple[OfferedTool, ...]
    calls: CallDemand
    callable_names: frozenset[str]
    allows_parallel: bool

    @property
    def callable_tools(self) -> tuple[OfferedTool, ...]:
        return tuple(tool for tool in self.tools if tool.name in self.callable_names)

    def schemas(self) -> dict[str, Mapping[str, Any]]:
        """Each tool's parameters by its name."""
        return {tool.name: tool.parameters for tool in self.tools}

    def for_template(self) -> list[dict[str, Any]]:
        return [tool.for_template() for tool in self.tools]


def tool_menu(body: CreateResponseBody) -> ToolMenu:
    """Raises InvalidParameter for a name that is given twice, or chosen and not offered, and for
    parameters that are no object's.
    """
    posted = body.tools or []
    _require_unique(posted)
    _require_objects(posted)
    calls = _call_demand(body)
    return ToolMenu(
        tools=tuple(map(_offered, posted)),
        calls=calls,
        callable_names=frozenset()
        if calls is CallDemand.FORBIDDEN
        else _callable_names(body, posted),
        allows_parallel=body.parallel_tool_calls is not False
        and not isinstance(body.tool_choice, NamedToolParam),
    )


def _require_unique(posted: list[ToolParam]) -> None:
    names: set[str] = set()
    for index, tool in enumerate(posted):
        if tool.name in names:
            param = f"tools[{index}].name"
            raise InvalidParameter(param, f"'{param}': there are two tools named {tool.name!r}.")
        names.add(tool.name)


def _require_objects(posted: list[ToolParam]) -> None:
    """Arguments have names: no dialect could write, or read, an array of them."""
    for index, tool in enumerate(posted):
        if not isinstance(tool, FunctionToolParam) or tool.parameters is None:
            continue
        types = schema_types(tool.parameters, tool.parameters)
        if types and "object" not in types:
            param = f"tools[{index}].parameters"
            raise InvalidParameter(param, f"'{param}' should be the schema of an object.")


def _call_demand(body: CreateResponseBody) -> CallDemand:
    """Raises InvalidParameter for a choice that needs tools where there are none."""
    match body.tool_choice:
        case None:
            return CallDemand.ALLOWED
        case NamedToolParam():
            calls = CallDemand.REQUIRED
        case AllowedToolsParam(mode=asked):
            calls = CallDemand(asked or "auto")
        case asked:
            calls = CallDemand(asked)
            if calls is not CallDemand.REQUIRED:
                return calls
    if not body.tools:
        raise InvalidParameter("tool_choice", "'tool_choice' asks for a tool, but there are none.")
    return calls


def _callable_names(body: CreateResponseBody, posted: list[ToolParam]) -> frozenset[str]:
    match body.tool_choice:
        case NamedToolParam() as chosen:
            return frozenset(_offered_names([("tool_choice.name", chosen)], posted))
        case AllowedToolsParam(tools=chosen_tools):
            chosen_params = (
                (f"tool_choice.tools[{i}].name", t) for i, t in enumerate(chosen_tools)
            )
            return frozenset(_offered_names(chosen_params, posted))
    return frozenset(tool.name for tool in posted)


def _offered_names(
    chosen: Iterable[tuple[str, NamedToolParam]], posted: list[ToolParam]
) -> Iterable[str]:
    offered = {(tool.type, tool.name) for tool in posted}
    for param, tool in chosen:
        if (tool.type, tool.name) not in offered:
            raise InvalidParameter(
                param, f"'{param}': no {tool.type} tool named {tool.name!r} is in 'tools'."
            )
        yield tool.name


def _offered(tool: ToolParam) -> OfferedTool:
    match tool:
        case FunctionToolParam():
            return OfferedTool(
                name=tool.name,
                description=tool.description or "",
                parameters=tool.parameters or NO_PARAMETERS,
                is_strict=bool(tool.strict),
            )
        case CustomToolParam():
            return _custom(tool)


def _custom(tool: CustomToolParam) -> OfferedTool:
    grammar = tool.format if isinstance(tool.format, GrammarFormat) else None
    schema = {"type": "string", "description": _input_description(grammar)}
    return OfferedTool(
        name=tool.name,
        description=tool.description or "",
        parameters={
            "type": "object",
            "properties": {CUSTOM_INPUT: schema},
            "required": [CUSTOM_INPUT],
            "additionalProperties": False,
        },
        is_strict=True,
        grammar=grammar,
    )


def _input_description(grammar: GrammarFormat | None) -> str:
    if grammar is None:
        return "The tool's input, as plain text."
    kind = "Lark grammar" if grammar.syntax == "lark" else "regular expression"
    return f"The tool's input, as plain text that matches this {kind}:\n{grammar.definition}"
