"""Gemma's notation: keys without quotes, strings between two quote tokens."""

import json

import pytest

from tests.models.dialects.feeding import parsed

Q = '<|"|>'


def arguments_of(source: str) -> object:
    [call] = parsed("gemma4", f"<|tool_call>call:f{source}<tool_call|>").calls
    assert call.name == "f"
    return json.loads(call.arguments)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{}", {}),
        ("{a:1,b:-2.5,c:true,d:null}", {"a": 1, "b": -2.5, "c": True, "d": None}),
        (f"{{a:{Q}x, {{y}}: [z]{Q}}}", {"a": "x, {y}: [z]"}),
        (f'{{a:{Q}"quoted"\n\\n{Q}}}', {"a": '"quoted"\n\\n'}),
        (f"{{a:{Q}{Q}}}", {"a": ""}),
        (f"{{a:[{Q}x{Q},1,[]],b:{{c:{{}}}}}}", {"a": ["x", 1, []], "b": {"c": {}}}),
        (f"{{a:{Q}<tool_call|>{Q}}}", {"a": "<tool_call|>"}),
        (f"{{ {Q}a: b{Q} : 1 }}", {"a: b": 1}),
        ('{a:"json"}', {"a": "json"}),
        ("{a:word}", {"a": "word"}),
        ("{a:None,b:True}", {"a": None, "b": True}),
    ],
)
def test_arguments_become_json(source: str, value: object) -> None:
    assert arguments_of(source) == value


def test_a_string_that_is_cut_off_is_incomplete() -> None:
    output = parsed("gemma4", f"<|tool_call>call:f{{a:{Q}half a s", is_cut_off=True)
    assert output.incomplete_calls == (("f", '{"a": "half a s'),)


def test_a_notation_that_breaks_off_is_never_repaired() -> None:
    output = parsed("gemma4", "<|tool_call>call:f{a:1<tool_call|> Sorry.")
    assert output.calls == ()


def test_thinking_stands_in_a_channel_of_its_own() -> None:
    output = parsed("gemma4", "<|channel>thought\nHm.\n<channel|>Hello.<turn|>")
    assert (output.reasoning, output.text) == ("Hm.", "Hello.")
