"""LiteLLM's own Responses call."""
# Its own environment has it, this one does not.
# mypy: disable-error-code="import-not-found"

import json

import litellm
from litellm.responses.streaming_iterator import BaseResponsesAPIStreamingIterator
from litellm.types.llms.openai import ResponsesAPIResponse

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

FUNCTION: Json = {"type": "function", "strict": True, **TOOL}


def register(model: str) -> None:
    """LiteLLM only plays at streaming where it does not know the model."""
    card = {
        "litellm_provider": "openai",
        "mode": "responses",
        "supports_native_streaming": True,
        "supports_response_schema": True,
    }
    litellm.register_model({model: card, f"openai/{model}": card})


def user(text: str) -> Json:
    return {"role": "user", "content": text}


class LiteLLMResponses:
    def __init__(self, base_url: str, model: str) -> None:
        register(model)
        self._settings: Json = {
            "model": f"openai/{model}",
            "api_base": base_url,
            "api_key": API_KEY,
            "num_retries": 0,
            "temperature": 0,
            "max_output_tokens": MAX_OUTPUT_TOKENS,
        }

    async def _respond(self, **changes: object) -> ResponsesAPIResponse:
        return await litellm.aresponses(**self._settings | changes)

    async def _stream(self, **changes: object) -> BaseResponsesAPIStreamingIterator:
        return await litellm.aresponses(**self._settings | changes, stream=True)

    async def text(self) -> Json:
        response = await self._respond(input=CAPITAL)
        return {"text": response.output_text, "output_tokens": response.usage.output_tokens}

    async def stream(self) -> Json:
        deltas, final = [], None
        async for event in await self._stream(input=CAPITAL):
            if event.type == "response.output_text.delta":
                deltas.append(event.delta)
            if event.type == "response.completed":
                final = event.response
        assert final is not None
        return {
            "deltas": deltas,
            "text": final.output_text,
            "output_tokens": final.usage.output_tokens,
        }

    async def turns(self) -> Json:
        first = await self._respond(input=CAPITAL)
        items = [item.model_dump(exclude_none=True) for item in first.output]
        second = await self._respond(input=[user(CAPITAL), *items, user(FOLLOW_UP)])
        return {"texts": [first.output_text, second.output_text]}

    async def chain(self) -> Json:
        first = await self._respond(input=CAPITAL, store=True)
        second = await self._respond(input=FOLLOW_UP, previous_response_id=first.id)
        return {"texts": [first.output_text, second.output_text]}

    async def tool(self) -> Json:
        choice = {"type": "function", "name": TOOL["name"]}
        first = await self._respond(input=WEATHER, tools=[FUNCTION], tool_choice=choice)
        [call] = [item.model_dump(exclude_none=True) for item in first.output]
        output = {
            "type": "function_call_output",
            "call_id": call["call_id"],
            "output": WEATHER_REPORT,
        }
        second = await self._respond(input=[user(WEATHER), call, output], tools=[FUNCTION])
        return {
            "name": call["name"],
            "arguments": json.loads(call["arguments"]),
            "answer": second.output_text,
        }

    async def form(self) -> Json:
        response = await self._respond(input=FOLLOW_UP, text_format=Capital)
        return {"values": [json.loads(response.output_text)]}

    async def errors(self) -> Json:
        unknown = self._respond(input=CAPITAL, model=f"openai/{UNKNOWN_MODEL}")
        bad = self._respond(input=CAPITAL, temperature=BAD_TEMPERATURE)
        return {"unknown_model": await raised(unknown), "bad_parameter": await raised(bad)}

    async def departure(self) -> Json:
        stream = await self._stream(input=STORY, max_output_tokens=4000)
        deltas = 0
        async for event in stream:
            deltas += event.type == "response.output_text.delta"
            if deltas == ENOUGH_OF_A_STORY:
                break
        await stream.aclose()
        return {"deltas": deltas}


if __name__ == "__main__":
    run(LiteLLMResponses)
