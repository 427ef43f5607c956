"""What a dialect's grammar accepts is what its parser reads: for every dialect and every demand.

Texts are drawn from the grammar with a seeded generator.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from antiphon.models.dialects.demand import (
    CallableTool,
    CallDemand,
    Demand,
    InputGrammar,
    InputSyntax,
)
from antiphon.models.dialects.dialect import Dialect, GemmaBody, HarmonyBody
from antiphon.models.dialects.output import ParsedOutput
from antiphon.models.dialects.output_grammar import output_grammar
from antiphon.models.dialects.registry import DIALECTS
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.custom_grammars import APPLY_PATCH, ARITHMETIC
from tests.models.dialects.feeding import parsed
from tests.models.dialects.grammar_sampler import GrammarSampler

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "kind": {"enum": ["a b", "c"]},
        "n": {"type": "integer", "minimum": 3, "maximum": 12},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 3},
        "deep": {
            "type": "object",
            "properties": {
                "x": {"type": "number"},
                "y": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
            },
            "required": ["x"],
        },
        "u": {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 4}]},
        "ref": {"$ref": "#/$defs/r"},
        "p": {"type": "string", "pattern": r"^[a-z/]{2,4}(\/[a-z])?$"},
    },
    "required": ["city", "n", "deep", "p"],
    "$defs": {
        "r": {
            "type": "object",
            "properties": {
                "k": {"type": "string", "maxLength": 3},
                "next": {"$ref": "#/$defs/r"},
            },
            "required": ["k"],
        }
    },
}
# Objects that are put together from parts, and a value that spells a special token.
REFERRED: dict[str, Any] = {
    "$ref": "#/$defs/t",
    "$defs": {
        "t": {
            "type": "object",
            "properties": {"a": {"type": "string", "maxLength": 9}, "k": {"enum": ["<|s|>", "x"]}},
            "required": ["a", "k"],
        }
    },
}
EITHER: dict[str, Any] = {
    "anyOf": [
        {"type": "object", "properties": {"p": {"type": "integer"}}, "required": ["p"]},
        {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
    ]
}
BOTH: dict[str, Any] = {
    "type": "object",
    "allOf": [
        {"properties": {"m": {"type": "boolean"}}, "required": ["m"]},
        {"properties": {"n": {"type": "integer"}}, "required": ["n"]},
    ],
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "get_x": SCHEMA,
    "referred": REFERRED,
    "either": EITHER,
    "both": BOTH,
    "noargs": {"type": "object", "properties": {}},
    "free": {"type": "object"},
}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
TOOLS = (
    CallableTool("get_x", SCHEMA),
    CallableTool("referred", REFERRED),
    CallableTool("either", EITHER),
    CallableTool("both", BOTH),
    CallableTool("noargs", SCHEMAS["noargs"]),
    CallableTool("free"),
)
NAMED = (CallableTool("get_x", SCHEMA),)
TYPES = ToolTypes.from_schemas(SCHEMAS)
INPUT_TYPES = ToolTypes.from_schemas({"edit": {"input": "string"}})
NUM_SAMPLES = 3
REQUIRED = CallDemand.REQUIRED


@dataclass(frozen=True, slots=True)
class Sampled:
    """Outputs drawn for one demand, and what the parser makes of them."""

    raw: tuple[str, ...]
    outputs: tuple[ParsedOutput, ...]


def special_tokens(dialect: Dialect) -> tuple[str, ...]:
    """Those markers that look like tokens of their own."""
    return tuple(
        sorted(
            marker
            for marker in dialect.markers
            if marker.startswith("<|") and marker.endswith("|>") and not {*"\\ "} & {*marker}
        )
    )


@cache
def sampler_with(special_tokens: tuple[str, ...] = ()) -> GrammarSampler:
    return GrammarSampler(special_tokens)


def sample(
    dialect: Dialect,
    demand: Demand,
    *,
    types: ToolTypes = TYPES,
    has_special_tokens: bool = False,
    opens_reasoning: bool = False,
    likely: Sequence[str] = (),
) -> Sampled:
    sampler = sampler_with(special_tokens(dialect) if has_special_tokens else ())
    grammar = output_grammar(
        dialect, demand, special_tokens=sampler.special_ids, opens_reasoning=opens_reasoning
    )
    generator = random.Random(f"{dialect.id} {demand.calls} {demand.is_parallel}")
    likely = [*likely, *marks_of(dialect, demand)]
    raw = [sampler.draw(grammar, generator, likely=likely) for _ in range(NUM_SAMPLES)]
    reader = dialect.without_calls() if demand.calls is CallDemand.FORBIDDEN else dialect
    return Sampled(
        tuple(raw),
        tuple(parsed(reader, text, types, opens_reasoning=opens_reasoning) for text in raw),
    )


def marks_of(dialect: Dialect, demand: Demand) -> list[str]:
    """What the generator tries to write where it should not stand."""
    marks = [tags.close for tags in dialect.reasoning[:1]]
    marks += [dialect.body.quote] if isinstance(dialect.body, GemmaBody) else []
    marks += [dialect.spelling.parameter_end, dialect.spelling.end]
    # In a JSON text a string may hold what begins a call; the parser then takes it for one.
    if demand.text_schema is None or demand.calls is CallDemand.FORBIDDEN:
        marks += [*dialect.bare_calls, *(tags.open for tags in dialect.calls)]
    return [mark for mark in marks if mark]


def check_calls(output: ParsedOutput, raw: str) -> None:
    assert output.incomplete_calls == (), raw
    for call in output.calls:
        VALIDATORS[call.name].validate(json.loads(call.arguments))


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


@pytest.mark.parametrize("has_special_tokens", [False, True], ids=["text", "special"])
def test_required_calls_come_and_follow_their_schemas(
    dialect: Dialect, has_special_tokens: bool
) -> None:
    demand = Demand(TOOLS, REQUIRED)
    sampled = sample(dialect, demand, has_special_tokens=has_special_tokens)
    for raw, output in zip(sampled.raw, sampled.outputs, strict=True):
        assert output.calls, raw
        assert not output.text.strip(), raw
        check_calls(output, raw)


def test_one_named_call_comes_behind_the_thinking_that_the_prompt_opened(dialect: Dialect) -> None:
    demand = Demand(NAMED, REQUIRED, is_parallel=False)
    sampled = sample(dialect, demand, opens_reasoning=bool(dialect.reasoning))
    for raw, output in zip(sampled.raw, sampled.outputs, strict=True):
        assert [call.name for call in output.calls] == ["get_x"], raw
        check_calls(output, raw)


def test_calls_that_are_allowed_follow_their_schemas(dialect: Dialect) -> None:
    spelling = dialect.spelling
    begin = (spelling.first + spelling.begin).replace("{index}", "0")
    sampled = sample(
        dialect, Demand(TOOLS), likely=[begin.replace("{name}", "noargs"), begin[: len(begin) // 2]]
    )
    for raw, output in zip(sampled.raw, sampled.outputs, strict=True):
        check_calls(output, raw)


def test_where_calls_are_forbidden_there_are_none(dialect: Dialect) -> None:
    sampled = sample(dialect, Demand(TOOLS, CallDemand.FORBIDDEN))
    assert all(output.calls == output.incomplete_calls == () for output in sampled.outputs)


@pytest.mark.parametrize("has_special_tokens", [False, True], ids=["text", "special"])
def test_a_text_that_has_to_be_json_is(dialect: Dialect, has_special_tokens: bool) -> None:
    demand = Demand((), CallDemand.FORBIDDEN, text_schema=SCHEMA)
    sampled = sample(
        dialect,
        demand,
        has_special_tokens=has_special_tokens,
        opens_reasoning=bool(dialect.reasoning),
    )
    for output in sampled.outputs:
        VALIDATORS["get_x"].validate(json.loads(output.text))


def test_tools_and_a_schema_for_the_text_stand_beside_each_other(dialect: Dialect) -> None:
    sampled = sample(dialect, Demand(NAMED, text_schema=SCHEMA))
    for raw, output in zip(sampled.raw, sampled.outputs, strict=True):
        check_calls(output, raw)
        if not output.calls:
            VALIDATORS["get_x"].validate(json.loads(output.text))


@pytest.mark.parametrize(
    "grammar",
    [
        InputGrammar(InputSyntax.LARK, APPLY_PATCH),
        InputGrammar(InputSyntax.LARK, ARITHMETIC),
        InputGrammar(InputSyntax.REGEX, r"[a-z]{1,4} \"\d+\"\n\\?"),
    ],
    ids=["apply_patch", "arithmetic", "regex"],
)
def test_a_custom_tools_input_follows_its_grammar(dialect: Dialect, grammar: InputGrammar) -> None:
    demand = Demand((CallableTool("edit", input=grammar),), REQUIRED, is_parallel=False)
    ends = ["\n", "\\n", "*** End Patch", '"']
    sampled = sample(dialect, demand, types=INPUT_TYPES, likely=ends)
    checker = sampler_with()
    definition = grammar.definition
    if grammar.syntax is InputSyntax.REGEX:
        definition = f"start: /{definition}/"
    for raw, output in zip(sampled.raw, sampled.outputs, strict=True):
        [call] = output.calls
        arguments = json.loads(call.arguments)
        assert arguments.keys() == {"input"}, raw
        text = arguments["input"]
        is_ignoring = "%ignore" in definition
        assert checker.accepts(definition, text.rstrip(" \t") if is_ignoring else text), raw


def test_every_dialect_that_is_no_harmony_may_think_by_itself_first(dialect: Dialect) -> None:
    if isinstance(dialect.body, HarmonyBody) or not dialect.reasoning:
        pytest.skip("its thinking is a message of its own")
    tags = dialect.reasoning[0]
    grammar = output_grammar(
        dialect, Demand(NAMED, text_schema=SCHEMA), special_tokens={}, opens_reasoning=False
    )
    begun = f"{tags.open}hm{tags.close}"
    answer = '{"city": "x", "n": 3, "deep": {"x": 1}, "p": "ab"}'
    assert sampler_with().accepts(grammar, begun + answer)
