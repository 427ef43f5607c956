"""What the standard demands of tool choices, earlier turns, truncation and extensions, by number.

Tool choices are held by the sampler: asked is whether the grammar that the engine gets lets a text
through. That the engine keeps to its grammars is tested on models, in tests/engine and tests/e2e.
"""

from typing import Any

import pytest

from antiphon.models.language_side import LanguageSide
from tests.acceptance.demanded_output import DemandedOutput
from tests.acceptance.model_outputs import THOUGHT, TIME, TOOLS, WEATHER
from tests.fake_engine import FakeEngine, Script, engine_card
from tests.serving import Client, EncodePieces, make_context

pytestmark = pytest.mark.slow

GET_WEATHER = {"type": "function", "name": "get_weather"}
TEXT = "Hello"


def allowed_tools(mode: str | None) -> dict[str, Any]:
    choice: dict[str, Any] = {"type": "allowed_tools", "tools": [GET_WEATHER]}
    return choice if mode is None else {**choice, "mode": mode}


async def demanded(
    client: Client, engine: FakeEngine, language_side: LanguageSide, tool_choice: object
) -> DemandedOutput:
    response = await client.respond(tools=TOOLS, tool_choice=tool_choice)
    assert response["tool_choice"]
    return DemandedOutput(engine.generations[-1], language_side)


def prompt_of(engine: FakeEngine, language_side: LanguageSide) -> str:
    return language_side.tokenizer.decode(engine.generations[-1].prompt_token_ids)


@pytest.mark.parametrize("store", [True, None])
async def test_43_and_44_prompt_is_earlier_input_then_earlier_output_then_input(
    store: bool | None, client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    first = await client.respond(input="I am Bob.", store=store)
    second = await client.respond(input="Who am I?", previous_response_id=first["id"])
    third = await client.respond(input="Sure?", previous_response_id=second["id"])
    assert third["previous_response_id"] == second["id"]
    assert prompt_of(engine, language_side) == (
        "user\nI am Bob.\nassistant\nHello world\nuser\nWho am I?\nassistant\nHello world\n"
        "user\nSure?\nassistant\n"
    )


async def test_43_earlier_calls_and_their_outputs_are_part_of_the_context(
    client: Client, engine: FakeEngine, language_side: LanguageSide, said: EncodePieces
) -> None:
    engine.script = Script(said(WEATHER))
    first = await client.respond(input="Oslo?", tools=TOOLS)
    call_id = first["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "-3 degrees"}
    engine.script = Script(said("Cold."))
    second = await client.respond(input=[output], previous_response_id=first["id"])
    await client.respond(input="Why?", previous_response_id=second["id"])
    prompt = prompt_of(engine, language_side)
    pieces = ["Oslo?", '{"city": "Oslo"}', "-3 degrees", "Cold.", "Why?"]
    places = [prompt.index(piece) for piece in pieces]
    assert places == sorted(places)


@pytest.mark.parametrize("choice", [None, "auto"])
async def test_45_by_default_the_model_may_call_or_not(
    choice: str | None, client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, choice)
    assert output.allows(TEXT)
    assert output.allows(WEATHER)
    assert output.allows(TIME)


async def test_45_required_lets_nothing_through_but_calls(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, "required")
    assert output.allows(WEATHER)
    assert output.allows(TIME)
    assert output.allows(f"{WEATHER}\n{TIME}")
    assert output.allows(THOUGHT + WEATHER)
    assert not output.allows(TEXT)
    assert not output.allows("")
    assert not output.allows(THOUGHT)


async def test_46_none_lets_no_call_through(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, "none")
    assert output.allows(TEXT)
    assert not output.allows(WEATHER)
    assert "get_weather" in prompt_of(engine, language_side)


async def test_46_none_takes_what_looks_like_a_call_for_text(
    client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("Hello ", WEATHER))
    response = await client.respond(tools=TOOLS, tool_choice="none")
    assert [item["type"] for item in response["output"]] == ["message"]


async def test_47_named_function_is_what_is_called(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, GET_WEATHER)
    assert output.allows(WEATHER)
    assert output.allows(THOUGHT + WEATHER)
    for other in (TEXT, TIME, f"{WEATHER}\n{TIME}", f"{WEATHER}\n{WEATHER}", "", THOUGHT):
        assert not output.allows(other)


@pytest.mark.parametrize("mode", [None, "auto", "required"])
async def test_48_49_and_51_only_allowed_tools_are_called_and_all_are_shown(
    mode: str | None, client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, allowed_tools(mode))
    assert output.allows(WEATHER)
    assert output.allows(TEXT) == (mode != "required")
    for name in ("get_weather", "get_time"):
        assert name in prompt_of(engine, language_side)


@pytest.mark.parametrize("mode", [None, "auto", "required"])
async def test_50_call_of_another_tool_cannot_be_written(
    mode: str | None, client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, allowed_tools(mode))
    unlisted = WEATHER.replace("get_weather", "rm")
    for other in (TIME, unlisted, f"{WEATHER}\n{TIME}", f"{TEXT}\n{TIME}", THOUGHT + TIME):
        assert not output.allows(other)


async def test_50_allowed_tools_of_mode_none_allow_no_call(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    output = await demanded(client, engine, language_side, allowed_tools("none"))
    assert output.allows(TEXT)
    assert not output.allows(WEATHER)


OLD = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "old " * 80},
    {"role": "assistant", "content": "OK."},
    {"role": "user", "content": "What is new?"},
]


def small_client(language_side: LanguageSide, said: EncodePieces) -> tuple[Client, FakeEngine]:
    """A context of 128 tokens."""
    engine = FakeEngine(Script(said("Hello")), card=engine_card(max_model_len=128))
    return Client(make_context(engine, language_side)), engine


async def test_52_truncation_keeps_system_messages_and_recent_turns(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client, engine = small_client(language_side, said)
    response = await client.respond(input=OLD, truncation="auto")
    assert response["truncation"] == "auto"
    prompt = prompt_of(engine, language_side)
    assert prompt == "system\nBe kind.\nuser\nWhat is new?\nassistant\n"


async def test_53_without_truncation_nothing_is_left_out(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    for asked in ({}, {"truncation": "disabled"}, {"truncation": None}):
        response = await client.respond(input=OLD, **asked)
        assert response["truncation"] == "disabled"
        assert prompt_of(engine, language_side).count("old") == 80


@pytest.mark.parametrize("stream", [True, False])
async def test_54_without_truncation_what_is_too_long_is_refused(
    stream: bool, language_side: LanguageSide, said: EncodePieces
) -> None:
    client, engine = small_client(language_side, said)
    error = await client.refusal(400, input=OLD, truncation="disabled", stream=stream)
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")
    assert not engine.generations


async def test_55_every_published_tier_is_served_and_others_are_refused_by_name(
    client: Client,
) -> None:
    for tier in (None, "auto", "default"):
        assert (await client.respond(service_tier=tier))["service_tier"] == "default"
    for tier in ("flex", "priority"):
        assert (await client.respond(service_tier=tier))["service_tier"] == tier
    assert (await client.refusal(400, service_tier="batch"))["param"] == "service_tier"


async def test_65_and_70_unknown_fields_change_nothing(client: Client, engine: FakeEngine) -> None:
    plain = await client.respond()
    extended = await client.respond(acme_field={"a": [1]}, client_metadata={"b": "c"})
    changing = ("id", "output")
    assert {k: v for k, v in plain.items() if k not in changing} == {
        k: v for k, v in extended.items() if k not in changing
    }
    first, second = engine.generations
    assert (first.prompt_token_ids, first.params) == (second.prompt_token_ids, second.params)


async def test_70_our_own_fields_may_all_be_left_out_and_are_not_repeated(
    client: Client, engine: FakeEngine
) -> None:
    ours = {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.1, "seed": 1, "logit_bias": {"5": 1}}
    extended = await client.respond(**ours, stop="x", ignore_eos=False)
    assert extended.keys() == (await client.respond()).keys()
    params = engine.generations[0].params
    assert (params.top_k, params.min_p, params.seed) == (5, 0.1, 1)
