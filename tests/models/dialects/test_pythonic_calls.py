"""Calls written as Python, turned into JSON as they come; nothing is ever evaluated."""

import json

import pytest

from antiphon.models.dialects.output import ParsedOutput
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import parsed

TOOLS = ToolTypes.from_schemas({"f": {"a": "string", "b": "integer"}, "pkg.g": {}})


def read(source: str, *, is_cut_off: bool = False) -> ParsedOutput:
    end = "" if is_cut_off else "<|tool_call_end|>"
    return parsed("lfm2", f"<|tool_call_start|>{source}{end}", TOOLS, is_cut_off=is_cut_off)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'it\\'s'", "it's"),
        ('"a, b) [c]"', "a, b) [c]"),
        ("'''x\n'y'\n'''", "x\n'y'\n"),
        ("'\\u00e9\\n\\x41\\t'", "é\nA\t"),
        ("''", ""),
        ("-1.5e3", -1500.0),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("True", True),
        ("null", None),
        ("[1, 'two', [], {'k': (3, None)}]", [1, "two", [], {"k": [3, None]}]),
        ('{"a": true, "b": "}"}', {"a": True, "b": "}"}),
        ("'<|tool_call_end|>'", "<|tool_call_end|>"),
    ],
)
def test_a_literal_becomes_json(source: str, value: object) -> None:
    [call] = read(f"[f(a={source})]").calls
    assert json.loads(call.arguments) == {"a": value}


def test_arguments_without_keywords_are_the_declared_ones_in_order() -> None:
    [call] = read("[f('x', 2)]").calls
    assert json.loads(call.arguments) == {"a": "x", "b": 2}


def test_a_name_may_have_dots() -> None:
    assert [call.name for call in read("[pkg.g(), f(a='x')]").calls] == ["pkg.g", "f"]


@pytest.mark.parametrize(
    "source",
    ["[f(a=open('x'))]", "[f(a=b)]", "[f(a='x' + 'y')]", "[f(a=1 if b else 2)]", "[f(a=-'x')]"],
)
def test_an_expression_is_no_argument(source: str) -> None:
    assert read(source).calls == ()


def test_a_string_that_is_cut_off_is_incomplete() -> None:
    output = read("[f(a='half a s", is_cut_off=True)
    assert output.incomplete_calls == (("f", '{"a": "half a s'),)


@pytest.mark.parametrize(
    "raw",
    [
        "[see here](address)",
        "[1] Smith (2020)",
        "[h(a=1)]",
        "[f(a='x')] is the call.",
        "f(a='x')",
        "[f(a='x'",
    ],
)
def test_a_bare_list_that_is_no_call_of_an_offered_tool_is_text(raw: str) -> None:
    output = parsed("llama4", raw, TOOLS)
    assert (output.text, output.calls) == (raw, ())


def test_code_in_a_fence_of_another_language_is_text() -> None:
    raw = "Look:\n```python\nf(a='x')\n```"
    assert parsed("gemma3", raw, TOOLS).text == raw
