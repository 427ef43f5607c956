"""The official SDK's chat completions against a real server."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import openai
import pydantic
import pytest

from antiphon.engine.errors import EngineDied, EngineOverloaded
from antiphon.engine.outputs import FinishReason, TokenLogprobs
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, loopback, make_context

USER: Any = {"role": "user", "content": "Hi"}
# Strict, as the SDK's stream helper demands it.
FUNCTION: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CUSTOM: Any = {"type": "custom", "custom": {"name": "patch", "format": {"type": "text"}}}
CALL = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
CUSTOM_CALL = '<tool_call>{"name": "patch", "arguments": {"input": "a\\nb"}}</tool_call>'


class City(pydantic.BaseModel):
    name: str


@pytest.fixture
def engine(said: EncodePieces) -> FakeEngine:
    return FakeEngine(Script(said("Hello", " wor", "ld")))


@pytest.fixture
async def client(
    engine: FakeEngine, language_side: LanguageSide
) -> AsyncIterator[openai.AsyncOpenAI]:
    thinking = replace(language_side, dialect=dialect_named("qwen3"))
    async with (
        loopback(make_context(engine, thinking)) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


async def test_plain_completion(client: openai.AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="tiny",
        messages=[{"role": "system", "content": "Be brief."}, USER],
        extra_body={"top_k": 5},
    )
    assert completion.choices[0].message.content == "Hello world"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens > 0


async def test_chunks_of_a_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="tiny", messages=[USER], stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Hello world"
    assert chunks[-1].usage is not None


async def test_stream_helper_gives_thinking_and_calls(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("<think>Hm.</think>", "Let me see.", CALL))
    async with client.chat.completions.stream(
        model="tiny", messages=[USER], tools=[FUNCTION]
    ) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Let me see."
    assert message.tool_calls is not None
    call = message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Oslo"}')
    assert final.choices[0].finish_reason == "tool_calls"
    done = [e for e in events if e.type == "tool_calls.function.arguments.done"]
    assert [event.parsed_arguments for event in done] == [{"city": "Oslo"}]


async def test_turns_with_tools_can_be_sent_back(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("<think>Hm.</think>", CALL, CUSTOM_CALL))
    first = await client.chat.completions.create(
        model="tiny", messages=[USER], tools=[FUNCTION, CUSTOM]
    )
    message = first.choices[0].message
    assert message.tool_calls is not None
    function, custom = message.tool_calls
    assert custom.type == "custom"
    assert custom.custom.input == "a\nb"
    outputs: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in (function, custom)
    ]
    replayed: Any = message.model_dump()
    engine.script = Script(said("Done."))
    second = await client.chat.completions.create(
        model="tiny",
        messages=[USER, replayed, *outputs],
        tools=[FUNCTION, CUSTOM],
        tool_choice="none",
    )
    assert second.choices[0].message.content == "Done."


async def test_parsed_output_is_of_its_type(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said('{"name": "Oslo"}'))
    completion = await client.chat.completions.parse(
        model="tiny", messages=[USER], response_format=City
    )
    assert completion.choices[0].message.parsed == City(name="Oslo")
    assert engine.generations[0].params.grammar is not None


async def test_log_probabilities_are_parsed(
    client: openai.AsyncOpenAI, engine: FakeEngine, said: EncodePieces
) -> None:
    token_ids = said("Hello")
    likely = TokenLogprobs(-0.25, ((70, -0.25), (71, -2.5)))
    engine.script = Script(token_ids, logprobs=[[likely] * len(ids) for ids in token_ids])
    completion = await client.chat.completions.create(
        model="tiny", messages=[USER], logprobs=True, top_logprobs=2
    )
    logprobs = completion.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert "".join(entry.token for entry in logprobs.content) == "Hello"
    assert [top.logprob for top in logprobs.content[0].top_logprobs] == [-0.25, -2.5]


async def test_cut_off_completion_says_so(client: openai.AsyncOpenAI, engine: FakeEngine) -> None:
    engine.script = Script([[70, 71]], FinishReason.LENGTH)
    completion = await client.chat.completions.create(
        model="tiny", messages=[USER], max_completion_tokens=2
    )
    assert completion.choices[0].finish_reason == "length"
    assert engine.generations[0].params.max_tokens == 2


async def test_failures_are_told(client: openai.AsyncOpenAI, engine: FakeEngine) -> None:
    engine.script = Script([[70, 71]], error=EngineDied("The engine ended."))
    stream = await client.chat.completions.create(model="tiny", messages=[USER], stream=True)
    with pytest.raises(openai.APIError, match=r"The engine ended\."):
        [chunk async for chunk in stream]
    with pytest.raises(openai.InternalServerError, match=r"The engine ended\."):
        await client.chat.completions.create(model="tiny", messages=[USER])


async def test_errors_are_of_the_types_that_the_sdk_knows(
    client: openai.AsyncOpenAI, engine: FakeEngine
) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.chat.completions.create(model="other", messages=[USER])
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as unsupported:
        await client.chat.completions.create(model="tiny", messages=[USER], n=2)
    assert unsupported.value.param == "n"
    engine.refusal = EngineOverloaded("Full.")
    with pytest.raises(openai.RateLimitError):
        await client.chat.completions.create(model="tiny", messages=[USER])
