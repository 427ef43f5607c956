"""One tool as the model is shown it, however the client offered it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from antiphon.models.dialects.tool_types import schema_types
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.tools import (
    CustomToolParam,
    FunctionToolParam,
    GrammarFormat,
    HostedToolParam,
    NamespaceToolParam,
    ToolParam,
)

NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
CUSTOM_INPUT = "input"


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool. To the model a custom tool is a function whose one argument is its text.

    param       where it stands in the request.
    name        what the model calls it: its namespace, if it has one, and its own name.
    parameters  JSON schema of the arguments' object.
    grammar     what a custom tool's text has to be, if it is not free.
    """

    param: str
    own_name: str
    description: str
    parameters: Mapping[str, Any]
    is_strict: bool = False
    kind: Literal["function", "custom"] = "function"
    namespace: str | None = None
    grammar: GrammarFormat | None = None

    @property
    def name(self) -> str:
        return model_name(self.own_name, self.namespace)

    def for_template(self) -> dict[str, Any]:
        """As chat templates know functions."""
        function = {
            "name": self.name,
            # Some templates fail without one.
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}


def model_name(own_name: str, namespace: str | None) -> str:
    """What the model calls a tool: templates know no namespaces."""
    return own_name if namespace is None else f"{namespace}__{own_name}"


def offered_tools(posted: Iterable[ToolParam], param: str) -> list[OfferedTool]:
    """All that the server can offer. `param` names the list in errors.

    Raises InvalidParameter for a name that is given twice, and for parameters of no object.
    """
    offered: dict[str, OfferedTool] = {}
    for tool in _offered(posted, param):
        if tool.name in offered:
            place = f"{tool.param}.name"
            raise InvalidParameter(place, f"'{place}': there are two tools named {tool.name!r}.")
        _require_object(tool)
        offered[tool.name] = tool
    return list(offered.values())


def _offered(posted: Iterable[ToolParam], param: str) -> Iterator[OfferedTool]:
    for index, tool in enumerate(posted):
        place = f"{param}[{index}]"
        match tool:
            case FunctionToolParam():
                yield _function(tool, place)
            case CustomToolParam():
                yield _custom(tool, place)
            case NamespaceToolParam():
                for inner, function in enumerate(tool.tools):
                    unfolded = _function(function, f"{place}.tools[{inner}]")
                    yield replace(unfolded, namespace=tool.name)
            case HostedToolParam():
                pass


def _require_object(tool: OfferedTool) -> None:
    """Arguments have names: no dialect could write, or read, an array of them."""
    types = schema_types(tool.parameters, tool.parameters)
    if types and "object" not in types:
        param = f"{tool.param}.parameters"
        raise InvalidParameter(param, f"'{param}' should be the schema of an object.")


def _function(tool: FunctionToolParam, param: str) -> OfferedTool:
    return OfferedTool(
        param,
        own_name=tool.name,
        description=tool.description or "",
        parameters=tool.parameters or NO_PARAMETERS,
        is_strict=bool(tool.strict),
    )


def _custom(tool: CustomToolParam, param: str) -> OfferedTool:
    grammar = tool.format if isinstance(tool.format, GrammarFormat) else None
    schema = {"type": "string", "description": _input_description(grammar)}
    return OfferedTool(
        param,
        own_name=tool.name,
        description=tool.description or "",
        parameters={
            "type": "object",
            "properties": {CUSTOM_INPUT: schema},
            "required": [CUSTOM_INPUT],
            "additionalProperties": False,
        },
        is_strict=True,
        kind="custom",
        grammar=grammar,
    )


def _input_description(grammar: GrammarFormat | None) -> str:
    if grammar is None:
        return "The tool's input, as plain text."
    kind = "Lark grammar" if grammar.syntax == "lark" else "regular expression"
    return f"The tool's input, as plain text that matches this {kind}:\n{grammar.definition}"
