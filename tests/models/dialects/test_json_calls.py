"""Calls whose arguments are JSON: what counts, what is left as it was written, what is refused."""

import json

import pytest

from antiphon.models.dialects.output import ParsedCall
from antiphon.models.dialects.segments import ArgumentsDelta, CallStarted
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import parsed, segments_of

TOOLS = ToolTypes.from_schemas({"f": {"a": "integer"}, "g": {}})


def hermes(call: str) -> str:
    return f"<tool_call>\n{call}\n</tool_call>"


@pytest.mark.parametrize(
    "arguments",
    [
        '{"b":1,  "a" : 2.50}',
        '{"text": "\\u00e9\\u0000 \\/ \\"quoted\\" C:\\\\\\n"}',
        '{"n": 123456789012345678901234567890, "m": 1e400, "z": -0}',
        '{"a": 1, "a": 2}',
        '{"deep": [{"x": [[]]}, "}", "]", "{\\""]}',
        "{ }",
    ],
)
def test_arguments_are_passed_on_as_they_were_written(arguments: str) -> None:
    output = parsed("qwen3", hermes(f'{{"name": "f", "arguments": {arguments}}}'))
    assert output.calls == (ParsedCall("f", arguments),)


@pytest.mark.parametrize(
    "text", ["</tool_call>", "<tool_call>", "</think>", "}}", '{"name": "g", "arguments": {}}']
)
def test_a_marker_in_a_string_is_part_of_the_string(text: str) -> None:
    arguments = json.dumps({"a": text})
    call = hermes(f'{{"name": "f", "arguments": {arguments}}}')
    output = parsed("qwen3", f"{call} After.")
    assert output.calls == (ParsedCall("f", arguments),)
    assert output.text.strip() == "After."


def test_line_breaks_that_json_forbids_in_strings_are_escaped() -> None:
    output = parsed("qwen3", hermes('{"name": "f", "arguments": {"a": "x\n\ty"}}'))
    [call] = output.calls
    assert json.loads(call.arguments) == {"a": "x\n\ty"}


@pytest.mark.parametrize(
    "rest", ["", ', "arguments": null', ', "arguments": ""', ', "parameters": {}']
)
def test_no_arguments_are_the_empty_object(rest: str) -> None:
    output = parsed("qwen3", hermes(f'{{"name": "g"{rest}}}'))
    assert output.calls == (ParsedCall("g", "{}"),)


def test_arguments_in_a_string_are_taken_out_of_it() -> None:
    output = parsed("qwen3", hermes('{"name": "f", "arguments": "{\\"a\\": 1}"}'))
    assert output.calls == (ParsedCall("f", '{"a": 1}'),)


def test_arguments_may_stand_in_front_of_the_name() -> None:
    output = parsed("qwen3", hermes('{"arguments": {"a": 1}, "name": "f"}'))
    assert output.calls == (ParsedCall("f", '{"a": 1}'),)


def test_a_call_may_be_written_as_chat_completions_have_it() -> None:
    call = '{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}'
    segments = segments_of("qwen3", [hermes(call)])
    assert segments[0] == CallStarted(0, "f", "c1")
    assert parsed("qwen3", hermes(call)).calls == (ParsedCall("f", '{"a": 1}'),)


def test_arguments_come_while_they_are_written() -> None:
    pieces = ['<tool_call>\n{"name": "f", "arguments": {"a"', ": [1, ", "2]", "}}\n</tool_call>"]
    deltas = [
        segment.json_text
        for segment in segments_of("qwen3", pieces)
        if isinstance(segment, ArgumentsDelta)
    ]
    assert deltas == ['{"a"', ": [1, ", "2]", "}"]


def test_a_closing_bracket_too_many_is_forgiven() -> None:
    output = parsed("qwen3", hermes('{"name": "f", "arguments": {"a": 1}}}'))
    assert (output.calls, output.text) == ((ParsedCall("f", '{"a": 1}'),), "")


@pytest.mark.parametrize("arguments", ['{"a": 1', '{"a": }', '{"a" 1}', "{'a': 1}", '{"a": NaN}'])
def test_arguments_that_are_no_json_are_never_repaired(arguments: str) -> None:
    output = parsed("qwen3", hermes(f'{{"name": "f", "arguments": {arguments}}}'))
    assert output.calls == ()


@pytest.mark.parametrize("cut", range(1, 8))
def test_arguments_that_are_cut_off_are_incomplete_and_shown_as_far_as_they_came(cut: int) -> None:
    raw = '<tool_call>\n{"name": "f", "arguments": {"a": "xy'[:-cut]
    output = parsed("qwen3", raw, is_cut_off=True)
    assert output.calls == ()
    assert output.text == ""
    assert all('{"a": "xy'.startswith(call.arguments) for call in output.incomplete_calls)


@pytest.mark.parametrize("dialect", ["llama3", "xlam"])
@pytest.mark.parametrize(
    "raw",
    [
        '{"city": "Oslo", "degrees": 3}',
        '{"name": "Ada", "age": 36}',
        '{"name": "h", "parameters": {}}',
        '{"name": "f", "parameters": {"a": 1}} is what I would call.',
        '[1, 2, 3]',
        "[link](address)",
        '{"name": "f", "parameters": {"a": 1}',
    ],
)  # fmt: skip
def test_json_that_is_no_call_of_an_offered_tool_is_text(dialect: str, raw: str) -> None:
    output = parsed(dialect, raw, TOOLS)
    assert (output.text, output.calls) == (raw, ())


def test_json_in_the_middle_of_a_text_is_text() -> None:
    raw = 'For example:\n{"name": "f", "parameters": {"a": 1}}'
    output = parsed("llama3", raw, TOOLS)
    assert (output.text, output.calls) == (raw, ())


def test_a_message_of_bare_json_is_text_where_nothing_was_offered() -> None:
    raw = '{"name": "f", "parameters": {"a": 1}}'
    assert parsed("llama3", raw).text == raw


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("functions.f:0", "f"),
        ("functions.get-x:12", "get-x"),
        ("functions_f_3", "f"),
        ("functionsf5", "f"),
        ("f:0", "f"),
        ("f", "f"),
        ("functions.new:1", "new"),
    ],
)
def test_the_name_in_a_garbled_id_is_found(written: str, name: str) -> None:
    raw = f"<|tool_call_begin|>{written}<|tool_call_argument_begin|>{{}}<|tool_call_end|>"
    tools = ToolTypes.from_schemas({"f": {}, "get-x": {}})
    assert parsed("kimi_k2", raw, tools).calls == (ParsedCall(name, "{}"),)


def test_a_fence_around_arguments_is_no_part_of_them() -> None:
    raw = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{}\n```<｜tool▁call▁end｜>"
    assert parsed("deepseek_v3", raw).calls == (ParsedCall("f", "{}"),)
