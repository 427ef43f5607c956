"""From what a request demands to the grammar that its output is held to."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from antiphon.engine.errors import InvalidGrammar
from antiphon.models.dialects.demand import (
    CallableTool,
    CallDemand,
    Demand,
    InputGrammar,
    InputSyntax,
    JsonSchema,
)
from antiphon.models.dialects.output_grammar import output_grammar
from antiphon.models.dialects.start_state import opens_reasoning
from antiphon.models.errors import UnsupportedGrammar
from antiphon.models.language_side import LanguageSide
from antiphon.server.offered_tool import OfferedTool
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.text_format import (
    JsonObjectFormatParam,
    JsonSchemaFormatParam,
    TextParam,
)
from antiphon.server.tool_menu import ToolMenu

GrammarCheck = Callable[[str], Awaitable[None]]

# Each tool that is checked alone may take seconds, and there may be hundreds.
MAX_LOOSENING_SECONDS = 30.0
PLACE = re.compile(r"^at \d+\(\d+\): ")
REASON = "error: "  # begins the line below that says why a regular expression is none
ANY_OBJECT: JsonSchema = {"type": "object"}


class Constraint:
    """Builds and checks the grammar of one request.

    prompt  the rendered text: its end says whether the model begins by thinking.
    """

    def __init__(self, language_side: LanguageSide, prompt: str, check: GrammarCheck) -> None:
        self._language_side = language_side
        self._opens_reasoning = opens_reasoning(language_side.dialect, prompt)
        self._check = check

    async def grammar(self, menu: ToolMenu, text: TextParam | None) -> str | None:
        """None where nothing is demanded.

        Raises InvalidParameter naming the schema or grammar that cannot be followed. A schema that
        was not declared strict is given up instead: its tool then takes any object.
        """
        demand = _demand(menu, text_schema(text))
        if demand is None:
            return None
        complaint = await self._complaint(demand)
        if complaint is not None:
            if demand.text_schema is not None and not demand.tools:
                raise _unfollowable("text.format.schema", complaint)
            demand = await self._loosened_in_time(demand, menu)
            complaint = await self._complaint(demand)
            if complaint is not None:
                raise InvalidParameter("tools", f"The tools make no grammar: {complaint}")
        return await asyncio.to_thread(self._source, demand)

    async def _loosened_in_time(self, demand: Demand, menu: ToolMenu) -> Demand:
        try:
            async with asyncio.timeout(MAX_LOOSENING_SECONDS):
                return await self._loosened(demand, menu)
        except TimeoutError:
            reason = "The tools' schemas take too long to compile: make them smaller or fewer."
            raise InvalidParameter("tools", reason) from None

    async def _loosened(self, demand: Demand, menu: ToolMenu) -> Demand:
        """The demand without schemas that cannot be followed; raises for what has to be."""
        if demand.text_schema is not None:
            await self._require(Demand(text_schema=demand.text_schema), "text.format.schema")
        tools = [await self._followable(tool, menu) for tool in demand.tools]
        return replace(demand, tools=tuple(tools))

    async def _followable(self, tool: CallableTool, menu: ToolMenu) -> CallableTool:
        alone = Demand((tool,), CallDemand.REQUIRED)
        offered = menu.tool_named(tool.name)
        assert offered is not None, "the demand was made of the menu"
        if offered.is_strict:
            part = "format.definition" if tool.input else "parameters"
            await self._require(alone, f"{offered.param}.{part}")
        elif await self._complaint(alone) is not None:
            return replace(tool, parameters=None)
        return tool

    async def _require(self, demand: Demand, param: str) -> None:
        complaint = await self._complaint(demand)
        if complaint is not None:
            raise _unfollowable(param, complaint)

    async def _complaint(self, demand: Demand) -> str | None:
        """What is wrong with a demand, if anything is."""
        try:
            await self._check(await asyncio.to_thread(self._source, demand))
        except (InvalidGrammar, UnsupportedGrammar) as error:
            return _cause(error)
        except RecursionError:
            return "It is nested too deeply."
        return None

    def _source(self, demand: Demand) -> str:
        return output_grammar(
            self._language_side.dialect,
            demand,
            special_tokens=self._language_side.tokenizer.special_ids,
            opens_reasoning=self._opens_reasoning,
        )


def _unfollowable(param: str, complaint: str) -> InvalidParameter:
    return InvalidParameter(param, f"'{param}' cannot be followed: {complaint}")


def _cause(error: Exception) -> str:
    """The complaint itself, without the place in a grammar that the client did not write."""
    complaint, *below = str(error).split("\n")
    reasons = [line.removeprefix(REASON) for line in below if line.startswith(REASON)]
    return " ".join([PLACE.sub("", complaint), *reasons]).strip().rstrip(".:") + "."


def _demand(menu: ToolMenu, schema: JsonSchema | None) -> Demand | None:
    """None for what any output meets: no tools, or all of them without a binding form."""
    tools = menu.callable_tools
    is_free = menu.calls is CallDemand.ALLOWED and len(tools) == len(menu.tools)
    if schema is None and (
        not menu.tools or (is_free and not any(tool.is_strict for tool in tools))
    ):
        return None
    return Demand(
        tools=tuple(map(_callable, tools)),
        calls=menu.calls,
        is_parallel=menu.allows_parallel,
        text_schema=schema,
    )


def _callable(tool: OfferedTool) -> CallableTool:
    if tool.grammar is None:
        return CallableTool(tool.name, tool.parameters)
    syntax = InputSyntax(tool.grammar.syntax)
    return CallableTool(tool.name, input=InputGrammar(syntax, tool.grammar.definition))


def text_schema(text: TextParam | None) -> JsonSchema | None:
    """What the text has to be as JSON; None where it may be anything."""
    match text.format if text else None:
        case JsonSchemaFormatParam(json_schema=dict(schema)):
            return schema
        case JsonObjectFormatParam() | JsonSchemaFormatParam():
            return ANY_OBJECT
    return None
