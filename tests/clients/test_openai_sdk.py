"""The official SDK against a real server."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from antiphon.engine.errors import EngineDied, EngineOverloaded
from antiphon.engine.outputs import FinishReason
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, loopback, make_context


@pytest.fixture
def engine(said: EncodePieces) -> FakeEngine:
    return FakeEngine(Script(said("Hello", " wor", "ld")))


@pytest.fixture
async def client(
    engine: FakeEngine, language_side: LanguageSide
) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        loopback(make_context(engine, language_side)) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


async def test_plain_response(client: openai.AsyncOpenAI) -> None:
    response = await client.responses.create(
        model="tiny",
        instructions="Be brief.",
        input=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": [{"type": "input_text", "text": "Again"}]},
        ],
        extra_body={"top_k": 5, "seed": 1},
    )
    assert response.output_text == "Hello world"
    assert response.status == "completed"
    assert response._request_id is not None
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


async def test_events_of_a_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.responses.create(model="tiny", input="Hi", stream=True)
    events = [event async for event in stream]
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == ["Hello", " wor", "ld"]


async def test_stream_helper_gives_the_final_response(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(model="tiny", input="Hi") as stream:
        snapshots = [
            event.snapshot async for event in stream if event.type == "response.output_text.delta"
        ]
        final = await stream.get_final_response()
    assert snapshots == ["Hello", "Hello wor", "Hello world"]
    assert final.output_text == "Hello world"


async def test_answer_can_be_sent_back_as_input(
    client: openai.AsyncOpenAI, engine: FakeEngine, language_side: LanguageSide
) -> None:
    first = await client.responses.create(model="tiny", input="Hi")
    replayed: list[Any] = [item.model_dump() for item in first.output]
    await client.responses.create(
        model="tiny",
        input=[{"role": "user", "content": "Hi"}, *replayed, {"role": "user", "content": "More"}],
    )
    prompt = language_side.tokenizer.decode(engine.generations[1].prompt_token_ids)
    assert prompt == "user\nHi\nassistant\nHello world\nuser\nMore\nassistant\n"


async def test_cut_off_response_is_incomplete(
    client: openai.AsyncOpenAI, engine: FakeEngine
) -> None:
    engine.script = Script([[70, 71]], FinishReason.LENGTH)
    response = await client.responses.create(model="tiny", input="Hi", max_output_tokens=2)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


async def test_failure_in_the_middle_of_a_stream_is_told(
    client: openai.AsyncOpenAI, engine: FakeEngine
) -> None:
    engine.script = Script([[70, 71]], error=EngineDied("The engine ended."))
    stream = await client.responses.create(model="tiny", input="Hi", stream=True)
    with pytest.raises(openai.APIError, match=r"The engine ended\."):
        [event async for event in stream]


async def test_failed_plain_response_is_an_internal_server_error(
    client: openai.AsyncOpenAI, engine: FakeEngine
) -> None:
    engine.script = Script([[70, 71]], error=EngineDied("The engine ended."))
    with pytest.raises(openai.InternalServerError, match=r"The engine ended\."):
        await client.responses.create(model="tiny", input="Hi")


async def test_errors_are_of_the_types_that_the_sdk_knows(
    client: openai.AsyncOpenAI, engine: FakeEngine
) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.responses.create(model="other", input="Hi")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as unsupported:
        await client.responses.create(model="tiny", input="Hi", background=True)
    assert unsupported.value.param == "background"
    engine.refusal = EngineOverloaded("Full.")
    with pytest.raises(openai.RateLimitError):
        await client.responses.create(model="tiny", input="Hi")


async def test_models_are_listed_and_found(client: openai.AsyncOpenAI) -> None:
    models = await client.models.list()
    assert [model.id for model in models.data] == ["tiny", "org/alias"]
    assert (await client.models.retrieve("org/alias")).owned_by == "antiphon"
