"""LiteLLM's chat completions, which it carries over the Responses API."""
# Its own environment has it, this one does not.
# mypy: disable-error-code="import-not-found"

import json

import litellm

from tests.clients.drivers.harness import (
    API_KEY,
    BAD_TEMPERATURE,
    CAPITAL,
    ENOUGH_OF_A_STORY,
    FOLLOW_UP,
    MAX_OUTPUT_TOKENS,
    STORY,
    TOOL,
    UNKNOWN_MODEL,
    WEATHER,
    WEATHER_REPORT,
    Capital,
    Json,
    raised,
    run,
)
from tests.clients.drivers.litellm_responses import register, user

FUNCTION: Json = {"type": "function", "function": {"strict": True, **TOOL}}


class LiteLLMBridge:
    def __init__(self, base_url: str, model: str) -> None:
        register(model)
        self._settings: Json = {
            "model": f"openai/responses/{model}",
            "api_base": base_url,
            "api_key": API_KEY,
            "num_retries": 0,
            "max_retries": 0,
            "temperature": 0,
            "max_tokens": MAX_OUTPUT_TOKENS,
        }

    async def _complete(self, *messages: object, **changes: object) -> litellm.ModelResponse:
        return await litellm.acompletion(**self._settings | changes, messages=list(messages))

    async def _stream(self, message: Json, **changes: object) -> litellm.CustomStreamWrapper:
        return await litellm.acompletion(
            **self._settings | changes, messages=[message], stream=True
        )

    async def text(self) -> Json:
        completion = await self._complete(user(CAPITAL))
        return {
            "text": completion.choices[0].message.content,
            "output_tokens": completion.usage.completion_tokens,
        }

    async def stream(self) -> Json:
        options = {"include_usage": True}
        stream = await self._stream(user(CAPITAL), stream_options=options)
        chunks = [chunk async for chunk in stream]
        deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        whole = litellm.stream_chunk_builder(chunks)
        return {
            "deltas": [delta for delta in deltas if delta],
            "text": whole.choices[0].message.content,
            "output_tokens": whole.usage.completion_tokens,
        }

    async def turns(self) -> Json:
        first = (await self._complete(user(CAPITAL))).choices[0].message
        second = (await self._complete(user(CAPITAL), first, user(FOLLOW_UP))).choices[0].message
        return {"texts": [first.content, second.content]}

    async def tool(self) -> Json:
        choice = {"type": "function", "function": {"name": TOOL["name"]}}
        first = await self._complete(user(WEATHER), tools=[FUNCTION], tool_choice=choice)
        message = first.choices[0].message
        [call] = message.tool_calls
        output = {"role": "tool", "tool_call_id": call.id, "content": WEATHER_REPORT}
        second = await self._complete(user(WEATHER), message, output, tools=[FUNCTION])
        return {
            "name": call.function.name,
            "arguments": json.loads(call.function.arguments),
            "answer": second.choices[0].message.content,
        }

    async def form(self) -> Json:
        completion = await self._complete(user(FOLLOW_UP), response_format=Capital)
        return {"values": [json.loads(completion.choices[0].message.content)]}

    async def errors(self) -> Json:
        unknown = self._complete(user(CAPITAL), model=f"openai/responses/{UNKNOWN_MODEL}")
        bad = self._complete(user(CAPITAL), temperature=BAD_TEMPERATURE)
        return {"unknown_model": await raised(unknown), "bad_parameter": await raised(bad)}

    async def departure(self) -> Json:
        stream = await self._stream(user(STORY), max_tokens=4000)
        deltas = 0
        async for chunk in stream:
            deltas += bool(chunk.choices and chunk.choices[0].delta.content)
            if deltas == ENOUGH_OF_A_STORY:
                break
        await stream.aclose()
        return {"deltas": deltas}


if __name__ == "__main__":
    run(LiteLLMBridge)
