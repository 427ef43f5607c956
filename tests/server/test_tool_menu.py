"""What is offered to the model, and what it may choose from it."""

from typing import Any

import pytest

from antiphon.models.dialects.demand import CallDemand
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.tool_menu import ToolMenu, tool_menu

FUNCTION = {"type": "function", "name": "f"}
OTHER = {"type": "function", "name": "g"}
CUSTOM = {"type": "custom", "name": "c"}
UNKNOWN = {"type": "function", "name": "x"}
NO_OBJECT = {"$ref": "#/$defs/n", "$defs": {"n": {"type": ["integer", "null"]}}}
AN_OBJECT = {"$ref": "#/$defs/o", "$defs": {"o": {"properties": {"a": {"type": "string"}}}}}
TOOLS = [FUNCTION, OTHER, CUSTOM]


def menu_of(**fields: object) -> ToolMenu:
    return tool_menu(CreateResponseBody.model_validate(fields))


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        (None, "auto", {"f", "g", "c"}),
        ("auto", "auto", {"f", "g", "c"}),
        ("required", "required", {"f", "g", "c"}),
        ("none", "none", set()),
        (FUNCTION, "required", {"f"}),
        (CUSTOM, "required", {"c"}),
        ({"type": "allowed_tools", "tools": [FUNCTION, CUSTOM]}, "auto", {"f", "c"}),
        ({"type": "allowed_tools", "tools": [OTHER], "mode": "required"}, "required", {"g"}),
        ({"type": "allowed_tools", "tools": [OTHER], "mode": "none"}, "none", set()),
    ],
)
def test_choice_says_whether_and_what_may_be_called(
    choice: object, mode: str, names: set[str]
) -> None:
    menu = menu_of(tools=TOOLS, tool_choice=choice)
    assert menu.calls is CallDemand(mode)
    assert menu.callable_names == names
    assert [tool.name for tool in menu.callable_tools] == [n for n in "fgc" if n in names]
    assert len(menu.for_template()) == len(TOOLS), "the model sees all of them"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [FUNCTION, OTHER, FUNCTION]}, "tools[2].name"),
        ({"tools": [FUNCTION, {**CUSTOM, "name": "f"}]}, "tools[1].name"),
        ({"tools": [{**FUNCTION, "parameters": {"type": "array"}}]}, "tools[0].parameters"),
        ({"tools": [OTHER, {**FUNCTION, "parameters": NO_OBJECT}]}, "tools[1].parameters"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [], "tool_choice": FUNCTION}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "tools": [FUNCTION]}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": UNKNOWN}, "tool_choice.name"),
        ({"tools": TOOLS, "tool_choice": {**FUNCTION, "name": "c"}}, "tool_choice.name"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "allowed_tools", "tools": [OTHER, UNKNOWN]}},
            "tool_choice.tools[1].name",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        menu_of(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize("parameters", [None, {}, AN_OBJECT, {"anyOf": [NO_OBJECT, AN_OBJECT]}])
def test_parameters_need_not_say_that_they_are_an_object(parameters: object) -> None:
    assert menu_of(tools=[{**FUNCTION, "parameters": parameters}]).callable_names == {"f"}


def test_choices_that_need_no_tools_are_fine_without_any() -> None:
    assert menu_of(tool_choice="auto").calls is CallDemand.ALLOWED
    assert menu_of(tool_choice="none", tools=[]).calls is CallDemand.FORBIDDEN
    assert menu_of().for_template() == []


def test_template_is_given_what_was_said_and_a_description_in_any_case() -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}}
    tool = {**FUNCTION, "description": "Does.", "parameters": parameters, "strict": True}
    shown = [shown["function"] for shown in menu_of(tools=[tool, OTHER]).for_template()]
    assert shown == [
        {"name": "f", "description": "Does.", "parameters": parameters},
        {"name": "g", "description": "", "parameters": {"type": "object", "properties": {}}},
    ]


def test_custom_tool_is_a_function_of_one_text() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    menu = menu_of(tools=[{**CUSTOM, "format": grammar}, FUNCTION], parallel_tool_calls=False)
    custom = menu.tools[0]
    schema: Any = custom.parameters
    assert list(schema["properties"]) == schema["required"] == ["input"]
    assert "start: /a/" in schema["properties"]["input"]["description"]
    assert custom.grammar is not None
    assert custom.grammar.definition == "start: /a/"
    assert not menu.allows_parallel
    assert menu.schemas()["c"] == schema
