"""What no grammar can be made of is refused by name, not written down wrongly."""

from typing import Any

import pytest

from antiphon.models.dialects.demand import (
    CallableTool,
    CallDemand,
    Demand,
    InputGrammar,
    InputSyntax,
)
from antiphon.models.dialects.output_grammar import output_grammar
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.errors import UnsupportedGrammar


def grammar_for(dialect: str, tool: CallableTool) -> str:
    demand = Demand((tool,), CallDemand.REQUIRED)
    return output_grammar(
        dialect_named(dialect), demand, special_tokens={"<|end|>": 7}, opens_reasoning=False
    )


def with_parameter(name: str) -> CallableTool:
    schema: dict[str, Any] = {"type": "object", "properties": {name: {"type": "string"}}}
    return CallableTool("f", schema)


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        ("qwen3_coder", "a>b"),
        ("qwen3_coder", "a\nb"),
        ("minimax_m2", 'a"b'),
        ("glm45", "a<b"),
        ("kimi_k3", "a&amp;b"),
        ("lfm2", "not an identifier"),
        ("gemma4", "a:b"),
    ],
)
def test_a_parameter_that_would_not_be_read_back_is_refused(dialect: str, name: str) -> None:
    with pytest.raises(UnsupportedGrammar, match="cannot be written"):
        grammar_for(dialect, with_parameter(name))


@pytest.mark.parametrize("name", ["{string}", "{type}", "{key}", "{name}"])
def test_a_parameter_may_be_named_like_a_placeholder(name: str) -> None:
    assert f'"{name}"' in grammar_for("deepseek_v32", with_parameter(name))


def test_a_special_token_in_a_parameters_name_is_ordinary_text() -> None:
    grammar = grammar_for("deepseek_v32", with_parameter("<|end|>"))
    assert '"<|end|>"' in grammar
    assert "<[7]>" not in grammar


@pytest.mark.parametrize("dialect", ["qwen25", "qwen3_coder", "lfm2", "gemma4"])
@pytest.mark.parametrize("definition", [")|(", "(a", "[a"])
def test_half_a_regular_expression_is_refused(dialect: str, definition: str) -> None:
    tool = CallableTool("f", input=InputGrammar(InputSyntax.REGEX, definition))
    with pytest.raises(UnsupportedGrammar, match="broken"):
        grammar_for(dialect, tool)


@pytest.mark.parametrize("definition", ["", " \n", "# nothing\n"])
def test_an_empty_lark_grammar_is_refused(definition: str) -> None:
    tool = CallableTool("f", input=InputGrammar(InputSyntax.LARK, definition))
    with pytest.raises(UnsupportedGrammar):
        grammar_for("qwen25", tool)
