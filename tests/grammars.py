"""Grammars for tests, and the tiny tokenizer as llguidance sees it."""

import json
from pathlib import Path
from typing import Any

from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.grammar_vocabulary import GrammarVocabulary
from antiphon.models.tokenizer import Tokenizer

WEATHER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Oslo", "Paris", "a much longer name of a city"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "unit": {"type": "boolean"},
    },
    "required": ["city", "days", "unit"],
    "additionalProperties": False,
}


def json_grammar(schema: dict[str, Any]) -> str:
    """JSON without white space, so that it comes to an end."""
    compact = schema | {"x-guidance": {"whitespace_flexible": False}}
    return json.dumps({"grammars": [{"json_schema": compact}]})


WEATHER = json_grammar(WEATHER_SCHEMA)


def compiler_of(folder: Path) -> GrammarCompiler:
    return GrammarCompiler(GrammarVocabulary.of(Tokenizer.from_folder(folder)))
