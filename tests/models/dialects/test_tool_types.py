"""Which JSON types a tool's parameters may have, and what a bare word then stands for."""

import pytest

from antiphon.models.dialects.tool_types import ToolTypes, is_certainly_string, to_json


def types_of(schema: object) -> set[str]:
    tools = ToolTypes.from_schemas({"f": {"type": "object", "properties": {"p": schema}}})
    return set(tools.parameters("f")["p"])


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "string"}, {"string"}),
        ({"type": ["integer", "null"]}, {"integer", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"type": "int"}, {"integer"}),
        ({"const": 3}, {"integer"}),
        ({"enum": ["a", None, 2.5]}, {"string", "null", "number"}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"integer", "string"}),
        ({"oneOf": [{"type": "integer"}, {}]}, set()),
        ({"properties": {}}, {"object"}),
        ({}, set()),
        (True, set()),
        ({"$ref": "#/nowhere"}, set()),
    ],
)
def test_a_schema_tells_its_types(schema: object, types: set[str]) -> None:
    assert types_of(schema) == types


def test_a_reference_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"p": {"$ref": "#/$defs/a~1b"}},
        "$defs": {"a/b": {"type": "number"}},
    }
    assert ToolTypes.from_schemas({"f": schema}).parameters("f") == {"p": {"number"}}


def test_references_in_a_circle_say_nothing() -> None:
    schema = {
        "type": "object",
        "properties": {"p": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"$ref": "#/$defs/a"}},
    }
    assert ToolTypes.from_schemas({"f": schema}).parameters("f") == {"p": set()}


def test_parameters_may_be_given_by_their_types_alone() -> None:
    tools = ToolTypes.from_schemas({"f": {"a": "integer", "b": ["string", "null"]}, "g": None})
    assert tools.parameters("f") == {"a": {"integer"}, "b": {"string", "null"}}
    assert (tools.parameters("g"), tools.parameters("unknown")) == ({}, {})
    assert "g" in tools
    assert "unknown" not in tools


def test_parameters_keep_their_order() -> None:
    tools = ToolTypes.from_schemas({"f": {"z": "string", "a": "string", "m": "string"}})
    assert list(tools.parameters("f")) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("raw", "types", "json_text"),
    [
        ("7", {"integer"}, "7"),
        ("7", {"number"}, "7"),
        ("7.0", {"integer"}, "7.0"),
        ("1.10", {"number"}, "1.10"),
        ("7", {"integer", "string"}, "7"),
        ("7a", {"integer", "string"}, '"7a"'),
        ("7", {"string", "null"}, '"7"'),
        ("null", {"string", "null"}, "null"),
        ('"x"', {"string", "null"}, '"\\"x\\""'),
        ("TRUE", {"boolean"}, "true"),
        ("None", {"integer", "null"}, "null"),
        ("{'a': (1, None)}", {"object"}, '{"a": [1, null]}'),
        ("word", set(), '"word"'),
        ("[1]", set(), "[1]"),
        ("many", {"integer"}, '"many"'),
        ("NaN", {"number"}, '"NaN"'),
        (" x ", {"string", "integer"}, '" x "'),
    ],
)
def test_a_bare_value_becomes_json_of_one_of_its_types(
    raw: str, types: set[str], json_text: str
) -> None:
    assert to_json(raw, frozenset(types)) == json_text


def test_only_strings_and_undeclared_values_need_no_look() -> None:
    assert is_certainly_string(None)
    assert is_certainly_string(frozenset({"string"}))
    assert not is_certainly_string(frozenset({"string", "null"}))
    assert not is_certainly_string(frozenset())
