"""From what is demanded to a grammar that was checked, or a refusal by name."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from antiphon.engine.errors import InvalidGrammar
from antiphon.models.language_side import LanguageSide
from antiphon.server import constraint
from antiphon.server.constraint import Constraint
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.tool_menu import tool_menu
from tests.serving import grammar_check

Check = Callable[[str], Awaitable[None]]

ODD = {"type": "object", "properties": {"odd": {"not": {"type": "string"}}}}
PLAIN = {"type": "object", "properties": {"plain": {"type": "integer"}}}


def function(name: str, parameters: object, *, strict: bool = False) -> dict[str, object]:
    return {"type": "function", "name": name, "parameters": parameters, "strict": strict}


async def grammar_of(
    language_side: LanguageSide, check: Check | None = None, **fields: object
) -> str | None:
    body = CreateResponseBody.model_validate({"tool_choice": "required", **fields})
    demanded = Constraint(language_side, "", check or grammar_check(language_side))
    return await demanded.grammar(tool_menu(body), body.text)


async def refusal(language_side: LanguageSide, check: Check | None = None, **fields: object) -> str:
    with pytest.raises(InvalidParameter) as caught:
        await grammar_of(language_side, check, **fields)
    return f"{caught.value.param}: {caught.value}"


async def test_schema_that_cannot_be_followed_is_given_up_unless_it_is_strict(
    language_side: LanguageSide,
) -> None:
    grammar = await grammar_of(language_side, tools=[function("f", ODD), function("g", PLAIN)])
    assert grammar is not None
    assert "odd" not in grammar
    assert "plain" in grammar
    tools = [function("g", PLAIN), function("f", ODD, strict=True)]
    assert (await refusal(language_side, tools=tools)).startswith("tools[1].parameters: ")


async def test_refusal_of_a_regular_expression_says_what_is_wrong_with_it(
    language_side: LanguageSide,
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=a)b"}}}
    said = await refusal(language_side, tools=[function("f", schema, strict=True)])
    assert said.startswith("tools[0].parameters: ")
    assert "look-ahead" in said
    assert "\n" not in said


async def test_what_is_left_of_the_schemas_is_checked_as_a_whole(
    language_side: LanguageSide,
) -> None:
    async def check(source: str) -> None:
        if "odd" in source:
            raise InvalidGrammar("It is odd.")
        if "call_f" in source and "call_g" in source:
            raise InvalidGrammar("It is too large.")

    tools = [function("call_f", ODD), function("call_g", PLAIN)]
    said = await refusal(language_side, check, tools=tools)
    assert said == "tools: The tools make no grammar: It is too large."


async def test_schemas_that_take_long_one_by_one_are_refused_together(
    language_side: LanguageSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constraint, "MAX_LOOSENING_SECONDS", 0.0)

    async def check(source: str) -> None:
        if "call_f" in source and "call_g" in source:
            raise InvalidGrammar("It is too hard.")
        await asyncio.Event().wait()

    tools = [function("call_f", ODD), function("call_g", PLAIN)]
    assert "smaller or fewer" in await refusal(language_side, check, tools=tools)


async def test_form_of_the_text_is_refused_after_one_look(language_side: LanguageSide) -> None:
    checked: list[str] = []

    async def check(source: str) -> None:
        checked.append(source)
        raise InvalidGrammar("It is odd.")

    text = {"format": {"type": "json_schema", "name": "x", "schema": ODD}}
    said = await refusal(language_side, check, tool_choice="auto", text=text)
    assert said.startswith("text.format.schema: ")
    assert len(checked) == 1
