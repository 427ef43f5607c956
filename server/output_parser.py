"""The parser of one turn's output: by the model's dialect, and by what was offered to it."""

from dataclasses import replace

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.start_state import opens_reasoning
from antiphon.models.dialects.tool_types import ToolTypes
from antiphon.models.language_side import LanguageSide
from antiphon.server.admission import Turn
from antiphon.server.constraint import text_schema


def output_parser(turn: Turn) -> DialectParser:
    """Where nothing may be called, what looks like a call is text."""
    menu, dialect = turn.menu, _without_special_stops(turn.language_side)
    tools = ToolTypes.from_schemas(menu.schemas()) if menu.callable_names else None
    return DialectParser(
        dialect if menu.callable_names else dialect.without_calls(),
        tools,
        opens_reasoning=opens_reasoning(dialect, turn.prompt.text),
        text_is_json=text_schema(turn.body.text) is not None,
    )


def _without_special_stops(language_side: LanguageSide) -> Dialect:
    """A stop token that is special is never shown: where its text stands, the model spelled it."""
    dialect, special = language_side.dialect, language_side.tokenizer.special_ids
    return replace(dialect, stops=tuple(stop for stop in dialect.stops if stop not in special))
