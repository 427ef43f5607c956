"""Long conversations: compacted by their client, compacted on the way, or truncated."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from antiphon.engine.outputs import FinishReason
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script, engine_card
from tests.schema import check_compaction
from tests.serving import Client, EncodePieces, error_of, make_context

TURNS = [
    {"role": "user", "content": "My name is Bob."},
    {"role": "assistant", "content": "Hello Bob."},
    {"role": "user", "content": "What is my name?"},
]
SUMMARY = "Summary of the conversation so far:\n\n"


@pytest.fixture
def engine(said: EncodePieces) -> FakeEngine:
    return FakeEngine(Script(said("Bob", " introduced himself.")))


async def compact(client: Client, **body: object) -> httpx.Response:
    return await client.http.post("/v1/responses/compact", json={"model": "tiny", **body})


def prompt_of(engine: FakeEngine, language_side: LanguageSide, index: int = -1) -> str:
    return language_side.tokenizer.decode(engine.generations[index].prompt_token_ids)


async def test_older_turns_become_a_summary_and_recent_ones_stay(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    resource = (await compact(client, input=TURNS)).json()
    check_compaction(resource)
    item, kept = resource["output"]
    assert item["type"] == "compaction"
    assert kept["content"][0]["text"] == "What is my name?"
    asked = prompt_of(engine, language_side)
    assert "User: My name is Bob.\n\nAssistant: Hello Bob." in asked
    assert "What is my name?" not in asked
    assert resource["usage"]["output_tokens"] > 0


async def test_output_is_taken_back_as_input_as_it_is(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    resource = (await compact(client, input=TURNS)).json()
    more = {"role": "user", "content": "Tell me."}
    await client.respond(input=[{"role": "user", "content": "Gone"}, *resource["output"], more])
    prompt = prompt_of(engine, language_side)
    assert f"user\n{SUMMARY}Bob introduced himself." in prompt
    assert "What is my name?" in prompt
    assert "Gone" not in prompt


async def test_system_messages_are_carried_along(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    system = {"role": "system", "content": "Be kind."}
    resource = (await compact(client, input=[system, *TURNS])).json()
    await client.respond(input=resource["output"])
    assert prompt_of(engine, language_side).startswith("system\nBe kind.")


async def test_single_turn_is_summarised_whole(client: Client) -> None:
    resource = (await compact(client, input=TURNS[:2], prompt_cache_key="k")).json()
    assert [item["type"] for item in resource["output"]] == ["compaction"]


async def test_stored_response_can_be_compacted(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    first = await client.respond(input="One")
    await compact(client, previous_response_id=first["id"], input="Two")
    assert "User: One" in prompt_of(engine, language_side)


async def test_conversation_longer_than_the_context_is_summarised_piece_by_piece(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    small = FakeEngine(engine.script, card=engine_card(max_model_len=1024))
    client = Client(make_context(small, language_side))
    turns = [{"role": role, "content": "word " * 200} for role in ("user", "assistant")] * 5
    resource = (await compact(client, input=turns)).json()
    assert resource["output"][0]["type"] == "compaction"
    assert len(small.generations) > 2
    assert "Summary so far:\nBob introduced himself." in prompt_of(small, language_side)


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": None, "input": "Hi"}, 400, "model"),
        ({"model": "other", "input": "Hi"}, 404, "model"),
        ({}, 400, "input"),
        ({"input": []}, 400, "input"),
        ({"input": "Hi", "previous_response_id": "resp_never"}, 400, "previous_response_id"),
        ({"input": [{"type": "compaction"}]}, 400, "input[0].encrypted_content"),
    ],
)
async def test_what_cannot_be_compacted_is_refused(
    client: Client, body: dict[str, Any], status: int, param: str
) -> None:
    assert error_of(await compact(client, **body), status)["param"] == param


async def test_missing_model_is_refused(client: Client) -> None:
    answer = await client.http.post("/v1/responses/compact", json={"input": "Hi"})
    assert error_of(answer, 400)["param"] == "model"


LONG = [{"role": role, "content": f"{role} " + "word " * 60} for role in ("user", "assistant")] * 6
LAST = {"role": "user", "content": "Well?"}
RULE = {"type": "compaction", "compact_threshold": 400}


async def test_conversation_is_compacted_on_its_way_when_it_is_too_long(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    events = await client.stream(input=[*LONG, LAST], context_management=[RULE])
    final = events[-1]["response"]
    assert [item["type"] for item in final["output"]] == ["compaction", "message"]
    prompt = prompt_of(engine, language_side)
    assert f"{SUMMARY}Bob introduced himself." in prompt
    assert prompt.count("assistant word") < 6
    summary_prompt = len(engine.generations[0].prompt_token_ids)
    assert final["usage"]["input_tokens"] > summary_prompt, "what compacting cost is in the usage"


async def test_chain_goes_on_from_its_compaction(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    first = await client.respond(input=[*LONG, LAST], context_management=[RULE])
    await client.respond(input="More", previous_response_id=first["id"], context_management=[RULE])
    prompt = prompt_of(engine, language_side)
    assert prompt.count(SUMMARY) == 1
    assert "Well?" in prompt
    assert "More" in prompt


async def test_short_conversation_is_left_alone(client: Client, engine: FakeEngine) -> None:
    response = await client.respond(input=TURNS, context_management=[RULE])
    assert [item["type"] for item in response["output"]] == ["message"]
    assert len(engine.generations) == 1


async def test_single_long_turn_has_nothing_to_be_compacted(
    client: Client, engine: FakeEngine
) -> None:
    response = await client.respond(input="word " * 500, context_management=[RULE])
    assert [item["type"] for item in response["output"]] == ["message"]


async def test_output_of_an_earlier_turn_s_call_keeps_its_call(
    client: Client, engine: FakeEngine
) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "ok"}
    items = [*LONG, {"role": "user", "content": "Go"}, call, LAST, output, LAST]
    response = await client.respond(input=items, context_management=[RULE])
    assert response["output"][0]["type"] == "compaction"
    compacted = (await compact(client, input=items)).json()
    await client.respond(input=[*compacted["output"], LAST])


async def test_history_is_never_lost_for_an_empty_summary(
    client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said(" "))
    error = error_of(await compact(client, input=TURNS), 500)
    assert (error["type"], error["code"]) == ("model_error", "nothing_summarised")
    response = await client.respond(input=[*LONG, LAST], context_management=[RULE])
    assert [item["type"] for item in response["output"]] == ["message"]


async def test_model_that_always_thinks_comes_to_its_summary(
    engine: FakeEngine, language_side: LanguageSide, said: EncodePieces
) -> None:
    engine.script = Script(said("<think>Long thoughts.</think>They met."))
    thinking = replace(language_side, dialect=dialect_named("qwen3"))
    client = Client(make_context(engine, thinking))
    resource = (await compact(client, input=TURNS)).json()
    await client.respond(input=[*resource["output"], LAST])
    assert f"{SUMMARY}They met." in prompt_of(engine, language_side)


async def test_ten_thousand_items_are_compacted_within_reason(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    client = Client(make_context(engine, language_side))
    items = [{"role": "user", "content": "word"}] * 10_000
    async with asyncio.timeout(60):  # it was hours: a guard, not a measurement
        assert (await compact(client, input=items)).status_code == 200


async def test_counting_tokens_summarises_nothing(client: Client, engine: FakeEngine) -> None:
    body = {"input": [*LONG, LAST], "context_management": [RULE]}
    answer = await client.http.post("/v1/responses/input_tokens", json=body)
    assert answer.json()["input_tokens"] > RULE["compact_threshold"]
    assert engine.generations == []


@pytest.fixture
def small(engine: FakeEngine) -> FakeEngine:
    return FakeEngine(engine.script, card=engine_card(max_model_len=512))


async def test_conversation_that_is_too_long_is_a_400_if_it_may_not_be_truncated(
    small: FakeEngine, language_side: LanguageSide
) -> None:
    client = Client(make_context(small, language_side))
    for truncation in (None, "disabled"):
        error = await client.refusal(400, input=[*LONG, LAST], truncation=truncation)
        assert error["code"] == "context_length_exceeded"
    assert small.generations == []


async def test_truncation_leaves_out_the_oldest_turns_and_no_more_than_it_must(
    small: FakeEngine, language_side: LanguageSide
) -> None:
    client = Client(make_context(small, language_side))
    system = {"role": "system", "content": "Be kind."}
    short = [{**turn, "content": turn["content"][:30]} for turn in LONG] * 3
    body: dict[str, Any] = {"input": [system, *short, LAST], "truncation": "auto"}
    response = await client.respond(**body)
    assert response["truncation"] == "auto"
    prompt = prompt_of(small, language_side)
    assert prompt.startswith("system\nBe kind.")
    assert prompt.endswith("user\nWell?\nassistant\n")
    num_tokens = len(small.generations[0].prompt_token_ids)
    one_turn = num_tokens // prompt.count("user\nuser word")
    assert 512 - 512 // 4 - one_turn < num_tokens <= 512 - 512 // 4


async def test_last_thing_said_is_never_truncated(
    small: FakeEngine, language_side: LanguageSide
) -> None:
    client = Client(make_context(small, language_side))
    error = await client.refusal(400, input="word " * 2000, truncation="auto")
    assert error["code"] == "context_length_exceeded"


async def test_conversation_that_fits_is_not_truncated(
    small: FakeEngine, language_side: LanguageSide
) -> None:
    client = Client(make_context(small, language_side))
    await client.respond(input=TURNS, truncation="auto")
    assert "My name is Bob." in prompt_of(small, language_side)


async def test_compaction_that_fails_fails_the_request_before_it_begins(
    client: Client, engine: FakeEngine
) -> None:
    engine.script = Script([[70]], FinishReason.LENGTH, error=ZeroDivisionError())
    assert (await compact(client, input=TURNS)).status_code == 500
