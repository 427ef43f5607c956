"""The official SDK against a real server."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import openai
import pytest

from antiphon.engine.errors import EngineDied, EngineOverloaded
from antiphon.engine.outputs import FinishReason, TokenLogprobs
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, loopback, make_context

FUNCTION: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
CUSTOM: Any = {"type": "custom", "name": "patch", "format": {"type": "text"}}
CALL = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
CUSTOM_CALL = '<tool_call>{"name": "patch", "arguments": {"input": "a\\nb"}}</tool_call>'


@pytest.fixture(scope="session")
def language_side(language_side: LanguageSide) -> LanguageSide:
    """A model that thinks and calls tools."""
    return replace(language_side, dialect=dialect_named("qwen3"))


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


async def test_stream_helper_gives_reasoning_and_calls(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("<think>Hm.</think>", "Let me see.", CALL, CUSTOM_CALL))
    tools = [FUNCTION, CUSTOM]
    async with client.responses.stream(model="tiny", input="Hi", tools=tools) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()
    reasoning, message, call, custom = final.output
    assert reasoning.type == "reasoning"
    assert reasoning.content is not None
    assert reasoning.content[0].text == "Hm."
    assert message.type == "message"
    assert final.output_text == "Let me see."
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Oslo"}')
    assert custom.type == "custom_tool_call"
    assert (custom.name, custom.input) == ("patch", "a\nb")
    done = [e for e in events if e.type == "response.function_call_arguments.done"]
    assert [event.arguments for event in done] == [call.arguments]
    inputs = [e.delta for e in events if e.type == "response.custom_tool_call_input.delta"]
    assert "".join(inputs) == custom.input


async def test_turns_with_tools_can_be_sent_back_as_input(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("<think>Hm.</think>", CALL, CUSTOM_CALL))
    include: list[Any] = ["reasoning.encrypted_content"]
    first = await client.responses.create(
        model="tiny", input="Hi", tools=[FUNCTION, CUSTOM], include=include
    )
    replayed: list[Any] = [{"role": "user", "content": "Hi"}]
    replayed += [item.model_dump() for item in first.output]
    for item in first.output:
        if item.type == "function_call" or item.type == "custom_tool_call":
            kind = f"{item.type}_output"
            replayed.append({"type": kind, "call_id": item.call_id, "output": "ok"})
    engine.script = Script(said("Done."))
    second = await client.responses.create(
        model="tiny", input=replayed, tools=[FUNCTION, CUSTOM], tool_choice="none"
    )
    assert second.output_text == "Done."


async def test_log_probabilities_are_parsed(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    token_ids = said("Hello")
    likely = TokenLogprobs(-0.25, ((70, -0.25), (71, -2.5)))
    engine.script = Script(token_ids, logprobs=[[likely] * len(ids) for ids in token_ids])
    async with client.responses.stream(
        model="tiny", input="Hi", top_logprobs=2, include=["message.output_text.logprobs"]
    ) as stream:
        final = await stream.get_final_response()
    message = final.output[0]
    assert message.type == "message"
    part = message.content[0]
    assert part.type == "output_text"
    assert part.logprobs
    assert "".join(entry.token for entry in part.logprobs) == "Hello"
    assert [top.logprob for top in part.logprobs[0].top_logprobs] == [-0.25, -2.5]


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
        await client.responses.create(model="tiny", input="Hi", prompt={"id": "pmpt_1"})
    assert unsupported.value.param == "prompt"
    engine.refusal = EngineOverloaded("Full.")
    with pytest.raises(openai.RateLimitError):
        await client.responses.create(model="tiny", input="Hi")


async def test_models_are_listed_and_found(client: openai.AsyncOpenAI) -> None:
    models = await client.models.list()
    assert [model.id for model in models.data] == ["tiny", "org/alias"]
    assert (await client.models.retrieve("org/alias")).owned_by == "antiphon"
