"""The tools of one request: what the model is shown of them, and which of them it may call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.models.dialects.demand import CallDemand
from antiphon.server.offered_tool import OfferedTool, offered_tools
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.tool_choice import AllowedToolsParam, NamedToolParam
from antiphon.server.protocol.tools import HostedToolParam, ToolParam


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

    def tool_named(self, name: str) -> OfferedTool | None:
        """The tool that the model calls so; None for a name that it made up."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def schemas(self) -> dict[str, Mapping[str, Any]]:
        """Each tool's parameters by its name."""
        return {tool.name: tool.parameters for tool in self.tools}

    def for_template(self) -> list[dict[str, Any]]:
        return [tool.for_template() for tool in self.tools]


def tool_menu(
    body: CreateResponseBody, additional: Mapping[str, Sequence[ToolParam]] | None = None
) -> ToolMenu:
    """`additional`: tools that came with the conversation, by where they stand in the request.

    Raises InvalidParameter for a name that is given twice, or chosen and not offered, and for
    parameters that are no object's.
    """
    offered = offered_tools(body.tools or (), "tools")
    for param, tools in (additional or {}).items():
        offered += _without_repeated(offered_tools(tools, param), offered)
    calls = _call_demand(body, offered)
    return ToolMenu(
        tools=tuple(offered),
        calls=calls,
        callable_names=frozenset()
        if calls is CallDemand.FORBIDDEN
        else _callable_names(body, offered),
        allows_parallel=body.parallel_tool_calls is not False
        and not isinstance(body.tool_choice, NamedToolParam),
    )


def dropped_tools(tools: Iterable[ToolParam]) -> tuple[str, ...]:
    """The types of those that the server would have to run and does not, each once."""
    return tuple(dict.fromkeys(tool.type for tool in tools if isinstance(tool, HostedToolParam)))


def _without_repeated(
    additional: list[OfferedTool], offered: list[OfferedTool]
) -> list[OfferedTool]:
    """A conversation brings its tools at every turn: the first that has a name counts."""
    names = {tool.name for tool in offered}
    return [tool for tool in additional if tool.name not in names]


def _call_demand(body: CreateResponseBody, offered: Sequence[OfferedTool]) -> CallDemand:
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
    if not offered:
        raise InvalidParameter("tool_choice", "'tool_choice' asks for a tool, but there are none.")
    return calls


def _callable_names(body: CreateResponseBody, offered: Sequence[OfferedTool]) -> frozenset[str]:
    match body.tool_choice:
        case NamedToolParam() as chosen:
            return frozenset(_chosen_names([("tool_choice.name", chosen)], offered))
        case AllowedToolsParam(tools=tools):
            chosen_params = [
                (f"tool_choice.tools[{index}].name", tool)
                for index, tool in enumerate(tools)
                if isinstance(tool, NamedToolParam)
            ]
            if not chosen_params:
                reason = "'tool_choice.tools' names no tool that this server has."
                raise InvalidParameter("tool_choice.tools", reason)
            return frozenset(_chosen_names(chosen_params, offered))
    return frozenset(tool.name for tool in offered)


def _chosen_names(
    chosen: Iterable[tuple[str, NamedToolParam]], offered: Sequence[OfferedTool]
) -> Iterable[str]:
    names = {(tool.kind, tool.namespace, tool.own_name): tool.name for tool in offered}
    for param, tool in chosen:
        name = names.get((tool.type, tool.namespace, tool.name))
        if name is None:
            raise InvalidParameter(
                param, f"'{param}': no {tool.type} tool named {tool.name!r} is in 'tools'."
            )
        yield name
