"""Calls with a tag for each argument: bare text, typed by the tool's schema."""

import json

import pytest

from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import parsed

TOOLS = ToolTypes.from_schemas(
    {
        "f": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "n": {"type": "integer"},
                "x": {"type": "number"},
                "on": {"type": "boolean"},
                "list": {"type": "array"},
                "map": {"type": "object"},
                "maybe": {"type": ["string", "null"]},
            },
        }
    }
)


def call(*parameters: tuple[str, str], end: str = "</function>\n</tool_call>") -> str:
    tags = [f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in parameters]
    return f"<tool_call>\n<function=f>\n{''.join(tags)}{end}"


def arguments_of(raw: str, dialect: str = "qwen35") -> dict[str, object]:
    [found] = parsed(dialect, raw, TOOLS).calls
    arguments: dict[str, object] = json.loads(found.arguments)
    return arguments


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("text", "42", "42"),
        ("text", "true", "true"),
        ("text", '{"a": 1}', '{"a": 1}'),
        ("text", '"quoted" \\n', '"quoted" \\n'),
        ("text", "  two\n\n lines ", "  two\n\n lines "),
        ("text", "", ""),
        ("n", "42", 42),
        ("n", "123456789012345678901234567890", 123456789012345678901234567890),
        ("n", " 7 ", 7),
        ("x", "2", 2),
        ("x", "2.50", 2.5),
        ("on", "True", True),
        ("on", "false", False),
        ("list", "[1, 'two']", [1, "two"]),
        ("list", '["a"]', ["a"]),
        ("map", '{"a": {"b": null}}', {"a": {"b": None}}),
        ("maybe", "null", None),
        ("maybe", "none of it", "none of it"),
        ("unknown", "42", "42"),
    ],
)
def test_a_value_has_the_type_that_its_tool_declares(key: str, written: str, value: object) -> None:
    assert arguments_of(call((key, written))) == {key: value}


def test_numbers_keep_their_digits() -> None:
    [found] = parsed("qwen35", call(("x", "1.10")), TOOLS).calls
    assert found.arguments == '{"x": 1.10}'


def test_what_does_not_fit_its_type_is_passed_on_as_text() -> None:
    assert arguments_of(call(("n", "many"))) == {"n": "many"}


@pytest.mark.parametrize(
    "text",
    [
        "</parameter>",
        "a </parameter> b",
        "</function>",
        "</tool_call>",
        "<parameter=text>",
        "x\n</parameter>\n and </function> more",
        "</think>",
    ],
)
def test_a_tag_counts_only_where_one_can_follow(text: str) -> None:
    assert arguments_of(call(("text", text), ("n", "1"))) == {"text": text, "n": 1}


def test_a_missing_closing_tag_ends_at_the_next_declared_argument() -> None:
    raw = "<tool_call>\n<function=f>\n<parameter=text>\nx\n<parameter=n>\n1\n</parameter>\n"
    assert arguments_of(f"{raw}</function>\n</tool_call>") == {"text": "x", "n": 1}


def test_the_outer_tag_may_be_forgotten() -> None:
    raw = call(("n", "1")).removeprefix("<tool_call>\n")
    output = parsed("qwen35", f"Calling.\n{raw}", TOOLS)
    assert output.text == "Calling."
    assert json.loads(output.calls[0].arguments) == {"n": 1}


def test_a_call_without_arguments_has_none() -> None:
    assert arguments_of(call()) == {}


@pytest.mark.parametrize("end", ["</function>", "</function>\n", ""])
def test_a_model_that_stops_early_has_still_called(end: str) -> None:
    assert arguments_of(call(("n", "1"), end=end)) == {"n": 1}


def test_a_value_that_is_cut_off_is_incomplete() -> None:
    raw = "<tool_call>\n<function=f>\n<parameter=text>\nhalf a s"
    output = parsed("qwen35", raw, TOOLS, is_cut_off=True)
    assert output.calls == ()
    assert output.incomplete_calls == (("f", '{"text": "half a s'),)


def test_json_between_the_tags_is_understood() -> None:
    raw = '<tool_call>\n{"name": "f", "arguments": {"n": 1}}\n</tool_call>'
    assert arguments_of(raw) == {"n": 1}


@pytest.mark.parametrize(
    ("attribute", "written", "value"),
    [("true", "1", "1"), ("false", "1", 1), ("false", '["a"]', ["a"]), ("true", "null", "null")],
)
def test_an_attribute_tells_strings_from_the_rest(
    attribute: str, written: str, value: object
) -> None:
    raw = (
        f'<｜DSML｜invoke name="f">\n<｜DSML｜parameter name="any" string="{attribute}">{written}'
        "</｜DSML｜parameter>\n</｜DSML｜invoke>"
    )
    assert arguments_of(raw, "deepseek_v4") == {"any": value}
