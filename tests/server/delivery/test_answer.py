"""Whole answers over HTTP: streamed, plain, and the same in both."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.engine.errors import EngineDied, EngineUnavailable
from antiphon.engine.outputs import FinishReason
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.schema import SCHEMA_FILE, has_published_schema
from tests.serving import MODEL, Client, EncodePieces, make_context

GOLDEN = Path(__file__).parent / "golden"


def client_of(script: Script, language_side: LanguageSide) -> Client:
    return Client(make_context(FakeEngine(script), language_side))


def text_of(response: dict[str, object]) -> str:
    output = response["output"]
    assert isinstance(output, list)
    text: str = output[0]["content"][0]["text"]
    return text


@pytest.mark.skipif(not has_published_schema(), reason=f"{SCHEMA_FILE} is absent")
def test_published_schema_is_at_hand_so_that_all_tests_check_against_it() -> None:
    assert has_published_schema()


async def test_streamed_answer_is_the_golden_one_byte_for_byte(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(Script(said("Hello", " world"), num_cached_tokens=3), language_side)
    answer = await client.http.post(
        "/v1/responses",
        json={"input": "Hi", "stream": True, "metadata": {"who": "Ægir"}, "temperature": 0},
    )
    assert answer.text == (GOLDEN / "hello_world.sse").read_text(encoding="utf-8")
    assert answer.headers["cache-control"].startswith("no-cache")
    assert answer.headers["x-accel-buffering"] == "no"


async def test_plain_answer_is_what_the_last_streamed_event_says(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    script = Script(said("Hello", " world"))
    plain = await client_of(script, language_side).respond()
    streamed = await client_of(script, language_side).stream()
    assert plain == streamed[-1]["response"]
    assert text_of(plain) == "Hello world"


async def test_stop_token_is_counted_but_not_shown(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    response = await client_of(Script(said("Hi")), language_side).respond()
    assert text_of(response) == "Hi"
    assert response["usage"]["output_tokens"] == len(said("Hi")[0])


async def test_usage_counts_prompt_cached_and_output_tokens(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("Hello", " world"), num_cached_tokens=7))
    response = await Client(make_context(engine, language_side)).respond()
    num_prompt_tokens = len(engine.generations[0].prompt_token_ids)
    num_output_tokens = sum(map(len, said("Hello", " world")))
    assert response["usage"] == {
        "input_tokens": num_prompt_tokens,
        "input_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 0},
        "output_tokens": num_output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": num_prompt_tokens + num_output_tokens,
    }


async def test_used_up_tokens_make_the_response_and_its_item_incomplete(
    language_side: LanguageSide,
) -> None:
    token_ids = [language_side.tokenizer.encode("Hello wor")]
    client = client_of(Script(token_ids, FinishReason.LENGTH), language_side)
    response = await client.respond(max_output_tokens=3)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert text_of(response) == "Hello wor"


async def test_character_that_was_cut_off_is_shown_as_a_replacement(
    language_side: LanguageSide,
) -> None:
    token_ids = language_side.tokenizer.encode("€")
    first_bytes = [token_ids[0]] if len(token_ids) > 1 else token_ids
    client = client_of(Script([first_bytes], FinishReason.LENGTH), language_side)
    assert text_of(await client.respond()) in ("\ufffd", "€")


async def test_model_that_says_nothing_still_gives_a_message(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    events = await client_of(Script(said("")), language_side).stream()
    assert text_of(events[-1]["response"]) == ""
    assert not [event for event in events if event["type"] == "response.output_text.delta"]


async def test_stop_string_completes_the_response_and_aborts_the_sequence(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("one, t", "wo, three", ", four")))
    client = Client(make_context(engine, language_side))
    response = await client.respond(stop=["three", "two"])
    assert response["status"] == "completed"
    assert text_of(response) == "one, "
    assert engine.aborted == [0]


async def test_stop_string_in_the_very_last_tokens_wins_over_used_up_tokens(
    language_side: LanguageSide,
) -> None:
    token_ids = [language_side.tokenizer.encode("one END")]
    client = client_of(Script(token_ids, FinishReason.LENGTH), language_side)
    response = await client.respond(stop="END")
    assert response["status"] == "completed"
    assert text_of(response) == "one "


async def test_text_held_back_for_a_stop_string_that_never_comes_is_shown_at_the_end(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    response = await client_of(Script(said("one EN")), language_side).respond(stop="END")
    assert text_of(response) == "one EN"


async def test_finished_sequence_is_not_aborted(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("Hi")))
    await Client(make_context(engine, language_side)).respond()
    assert engine.generations[0].was_left.is_set()
    assert engine.aborted == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (EngineDied("The engine ended."), "The engine ended."),
        (EngineUnavailable("The server is shutting down."), "The server is shutting down."),
        (ZeroDivisionError("secret"), "The server failed unexpectedly; its log says why."),
    ],
)
async def test_failure_in_the_middle_ends_the_stream_with_error_and_failed(
    error: Exception, message: str, language_side: LanguageSide
) -> None:
    token_ids = [language_side.tokenizer.encode("Hello")]
    events = await client_of(Script(token_ids, error=error), language_side).stream()
    response = events[-1]["response"]
    assert response["error"] == {"code": "server_error", "message": message}
    assert events[-2]["error"]["type"] == "server_error"
    assert text_of(response) == "Hello"
    assert response["output"][0]["status"] == "incomplete"


async def test_failure_before_any_text_has_no_item(language_side: LanguageSide) -> None:
    client = client_of(Script(error=EngineDied("The engine ended.")), language_side)
    assert (await client.stream())[-1]["response"]["output"] == []


async def test_plain_answer_that_failed_is_a_500_with_the_same_response(
    language_side: LanguageSide,
) -> None:
    script = Script(error=EngineDied("The engine ended."))
    plain = await client_of(script, language_side).respond()
    streamed = await client_of(script, language_side).stream()
    assert plain == streamed[-1]["response"]


async def test_sequence_that_the_engine_drops_is_a_failure(language_side: LanguageSide) -> None:
    token_ids = [language_side.tokenizer.encode("Hello")]
    response = await client_of(Script(token_ids, None), language_side).respond()
    assert response["status"] == "failed"


async def test_answer_names_the_model_as_it_was_asked_for(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(Script(said("Hi")), language_side)
    assert (await client.respond())["model"] == MODEL
    assert (await client.respond(model=None))["model"] == MODEL
    assert (await client.respond(model="org/alias"))["model"] == "org/alias"


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(script=st.data())
def test_any_tokens_cut_anywhere_and_ended_anyhow_give_the_same_streamed_and_plain(
    script: st.DataObject, language_side: LanguageSide
) -> None:
    """The rules of `stream_rules` and the published schema are checked on the way."""
    token_id = st.integers(0, language_side.tokenizer.vocab_size - 1)
    token_ids = script.draw(st.lists(st.lists(token_id, max_size=4), max_size=6))
    reason = script.draw(st.sampled_from([*FinishReason, None]))
    error = script.draw(st.sampled_from([None, EngineDied("The engine ended.")]))
    stop = script.draw(st.sampled_from([None, "e", ["the", "\ufffd"]]))
    if reason is FinishReason.STOP and token_ids:
        token_ids[-1].append(2)
    engine_script = Script(token_ids, reason, error)

    async def check() -> None:
        plain = await client_of(engine_script, language_side).respond(stop=stop)
        streamed = await client_of(engine_script, language_side).stream(stop=stop)
        assert plain == streamed[-1]["response"]

    asyncio.run(check())
