"""Reasoning, calls and log probabilities over HTTP, through the model's dialect."""

from dataclasses import replace
from typing import Any

import pytest

from antiphon.engine.outputs import FinishReason, TokenLogprobs
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script, engine_card
from tests.serving import Client, EncodePieces, make_context

FUNCTION = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
LOGPROBS = "message.output_text.logprobs"
CUSTOM = {"type": "custom", "name": "patch"}
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city":"Oslo"}}\n</tool_call>'


@pytest.fixture
def thinking(language_side: LanguageSide) -> LanguageSide:
    return replace(language_side, dialect=dialect_named("qwen3"))


def client_of(script: Script, language_side: LanguageSide) -> Client:
    return Client(make_context(FakeEngine(script), language_side))


async def answered(script: Script, language_side: LanguageSide, **body: object) -> dict[str, Any]:
    """The response, the same streamed and plain."""
    plain = await client_of(script, language_side).respond(**body)
    events = await client_of(script, language_side).stream(**body)
    assert without_seals(events[-1]["response"]) == without_seals(plain)
    return plain


def without_seals(response: dict[str, Any]) -> dict[str, Any]:
    """No two of them are alike."""
    seal = "encrypted_content"
    items = [{k: v for k, v in item.items() if k != seal} for item in response["output"]]
    return {**response, "output": items}


async def test_thought_text_and_call_are_items(thinking: LanguageSide, said: EncodePieces) -> None:
    script = Script(said("<think>\nWeather", "?\n</thi", "nk>\n\nOne moment.\n", CALL))
    response = await answered(script, thinking, tools=[FUNCTION])
    reasoning, message, call = response["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Weather?"}]
    assert message["content"][0]["text"] == "One moment."
    assert (call["name"], call["arguments"]) == ("get_weather", '{"city":"Oslo"}')
    assert response["status"] == "completed"
    used = response["usage"]["output_tokens_details"]["reasoning_tokens"]
    assert 0 < used < response["usage"]["output_tokens"]


async def test_call_of_a_custom_tool_is_its_text(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    script = Script(
        said('<tool_call>{"name": "patch", "argu', 'ments": {"input": "a\\n', 'b"}}</tool_call>')
    )
    response = await answered(script, thinking, tools=[CUSTOM, FUNCTION])
    (call,) = response["output"]
    assert (call["type"], call["input"]) == ("custom_tool_call", "a\nb")


async def test_output_of_a_call_can_be_sent_back(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    first = await answered(Script(said(CALL)), thinking, tools=[FUNCTION])
    (call,) = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "-3 °C"}
    question = {"role": "user", "content": "Hi"}
    engine = FakeEngine(Script(said("Cold.")))
    client = Client(make_context(engine, thinking))
    await client.respond(input=[question, call, output], tools=[FUNCTION])
    prompt = thinking.tokenizer.decode(engine.generations[0].prompt_token_ids)
    assert '{"name": "get_weather", "arguments": {"city":"Oslo"}}' in prompt
    assert "-3 °C" in prompt


async def test_call_that_is_cut_off_makes_the_response_incomplete(thinking: LanguageSide) -> None:
    token_ids = thinking.tokenizer.encode(CALL[: CALL.index("slo")])
    script = Script([token_ids], FinishReason.LENGTH)
    response = await answered(script, thinking, tools=[FUNCTION])
    assert [item["status"] for item in response["output"]] == ["incomplete"]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_call_that_breaks_off_ends_the_response_and_the_sequence(
    thinking: LanguageSide,
) -> None:
    pieces = ['<tool_call>{"name": "get_weather", "arguments": {"city": ]', "}", "and so on"]
    script = Script([thinking.tokenizer.encode(piece) for piece in pieces])
    engine = FakeEngine(script)
    response = await Client(make_context(engine, thinking)).respond(tools=[FUNCTION])
    assert response["incomplete_details"] == {"reason": "incomplete_tool_call"}
    assert [item["status"] for item in response["output"]] == ["incomplete"]
    assert engine.aborted == [0]


async def test_output_that_its_grammar_ends_is_complete(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    token_ids = [thinking.tokenizer.encode("{}")]
    response = await answered(Script(token_ids, FinishReason.GRAMMAR_END), thinking)
    assert response["status"] == "completed"
    assert response["output"][0]["content"][0]["text"] == "{}"


async def test_reasoning_that_was_sealed_reaches_the_next_prompt(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    script = Script(said("<think>Hm.</think>Hi"))
    first = await answered(script, thinking, include=["reasoning.encrypted_content"])
    sealed = first["output"][0]
    del sealed["content"]
    await answered(script, thinking, input=[{"role": "user", "content": "a"}, sealed])
    error = await client_of(script, thinking).refusal(
        400, input=[{**sealed, "encrypted_content": "gAAAAAB"}]
    )
    assert error["param"] == "input[0].encrypted_content"


def with_logprobs(token_ids: list[list[int]]) -> Script:
    """Every token's log probability is its id below zero; the likeliest is token 65."""
    reported = [[TokenLogprobs(-float(i), ((65, -0.5),)) for i in ids] for ids in token_ids]
    return Script(token_ids, logprobs=reported)


@pytest.mark.parametrize(
    "asked", [{"top_logprobs": 1}, {"include": ["message.output_text.logprobs"]}]
)
async def test_log_probabilities_are_those_of_the_messages_own_tokens(
    asked: dict[str, object], thinking: LanguageSide, said: EncodePieces
) -> None:
    script = with_logprobs(said("<think>Hm.</think>", "Hello, Ægir 👋", CALL))
    response = await answered(script, thinking, tools=[FUNCTION], **asked)
    entries = response["output"][1]["content"][0]["logprobs"]
    expected = thinking.tokenizer.encode("Hello, Ægir 👋")
    assert [entry["logprob"] for entry in entries] == [-float(i) for i in expected]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == "Hello, Ægir 👋"
    assert {top["logprob"] for entry in entries for top in entry["top_logprobs"]} == {-0.5}


async def test_how_much_is_reported_is_asked_of_the_engine(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    for asked, expected in (
        ({}, None),
        ({"top_logprobs": 0}, None),
        ({"top_logprobs": 3}, 3),
        ({"include": [LOGPROBS]}, 0),
    ):
        engine = FakeEngine(with_logprobs(said("Hi")))
        response = await Client(make_context(engine, thinking)).respond(**asked)
        assert engine.generations[0].params.num_top_logprobs == expected
        assert bool(response["output"][0]["content"][0]["logprobs"]) == (expected is not None)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"tool_choice": "required"}, "tool_choice", "invalid_parameter"),
        ({"tools": [FUNCTION, FUNCTION]}, "tools[1].name", "invalid_parameter"),
        ({"reasoning": {"effort": "high"}}, "reasoning.effort", "unsupported_parameter"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": ""}]},
            "input[0].call_id",
            "invalid_parameter",
        ),
    ],
)
async def test_what_cannot_be_served_is_a_400_that_names_it(
    body: dict[str, object], param: str, code: str, language_side: LanguageSide
) -> None:
    error = await client_of(Script(), language_side).refusal(400, **body)
    assert (error["param"], error["code"]) == (param, code)


async def test_prompt_that_does_not_fit_is_refused_before_any_grammar_is_checked(
    language_side: LanguageSide,
) -> None:
    checked: list[str] = []

    async def check(source: str) -> None:
        checked.append(source)

    context = make_context(FakeEngine(card=engine_card(max_model_len=8)), language_side)
    body = {"tools": [FUNCTION], "tool_choice": "required"}
    error = await Client(replace(context, check_grammar=check)).refusal(400, **body)
    assert error["code"] == "context_length_exceeded"
    assert checked == []
