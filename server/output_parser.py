"""The parser of one turn's output: by the model's dialect, and by what was offered to it."""

from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.start_state import opens_reasoning
from antiphon.models.dialects.tool_types import ToolTypes
from antiphon.server.admission import Turn


def output_parser(turn: Turn) -> DialectParser:
    """Where nothing may be called, what looks like a call is text."""
    menu, dialect = turn.menu, turn.language_side.dialect
    begins_thinking = opens_reasoning(dialect, turn.prompt.text)
    if not menu.callable_names:
        return DialectParser(dialect.without_calls(), opens_reasoning=begins_thinking)
    tools = ToolTypes.from_schemas(menu.schemas())
    return DialectParser(dialect, tools, opens_reasoning=begins_thinking)
