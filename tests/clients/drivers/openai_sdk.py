"""OpenAI's Python SDK."""

import json
from typing import Any

from openai import AsyncOpenAI
from openai.resources.responses.responses import AsyncResponsesConnection
from openai.types.responses import Response

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

FUNCTION: Any = {"type": "function", "strict": True, **TOOL}


def user(text: str) -> Json:
    return {"role": "user", "content": text}


class OpenAISdk:
    def __init__(self, base_url: str, model: str) -> None:
        client = AsyncOpenAI(base_url=base_url, api_key=API_KEY, max_retries=0)
        self._responses = client.responses
        self._request: Json = {
            "model": model,
            "temperature": 0,
            "max_output_tokens": MAX_OUTPUT_TOKENS,
        }

    async def text(self) -> Json:
        response = await self._responses.create(**self._request, input=CAPITAL)
        assert response.usage is not None
        return {"text": response.output_text, "output_tokens": response.usage.output_tokens}

    async def stream(self) -> Json:
        async with self._responses.stream(**self._request, input=CAPITAL) as stream:
            deltas = [e.delta async for e in stream if e.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        assert final.usage is not None
        return {
            "deltas": deltas,
            "text": final.output_text,
            "output_tokens": final.usage.output_tokens,
        }

    async def turns(self) -> Json:
        first = await self._responses.create(**self._request, input=CAPITAL)
        history: Any = [user(CAPITAL), *first.output, user(FOLLOW_UP)]
        second = await self._responses.create(**self._request, input=history)
        return {"texts": [first.output_text, second.output_text]}

    async def chain(self) -> Json:
        first = await self._responses.create(**self._request, input=CAPITAL, store=True)
        second = await self._responses.create(
            **self._request, input=FOLLOW_UP, previous_response_id=first.id
        )
        return {"texts": [first.output_text, second.output_text]}

    async def socket(self) -> Json:
        async with self._responses.connect() as connection:
            first = await self._turn(connection, input=CAPITAL)
            second = await self._turn(connection, input=FOLLOW_UP, previous_response_id=first.id)
        return {"texts": [first.output_text, second.output_text]}

    async def _turn(self, connection: AsyncResponsesConnection, **fields: object) -> Response:
        await connection.response.create(**self._request | fields)
        async for event in connection:
            if event.type == "error":
                raise ValueError(event)
            if event.type == "response.completed":
                return event.response
        raise EOFError

    async def tool(self) -> Json:
        request = self._request | {"tools": [FUNCTION]}
        choice: Any = {"type": "function", "name": TOOL["name"]}
        async with self._responses.stream(**request, input=WEATHER, tool_choice=choice) as stream:
            first = await stream.get_final_response()
        [call] = first.output
        assert call.type == "function_call"
        output = {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": WEATHER_REPORT,
        }
        history: Any = [user(WEATHER), *first.output, output]
        second = await self._responses.create(**request, input=history)
        return {
            "name": call.name,
            "arguments": json.loads(call.arguments),
            "answer": second.output_text,
        }

    async def form(self) -> Json:
        response = await self._responses.parse(
            **self._request, input=FOLLOW_UP, text_format=Capital
        )
        assert response.output_parsed is not None
        return {"values": [response.output_parsed.model_dump()]}

    async def errors(self) -> Json:
        unknown = self._request | {"model": UNKNOWN_MODEL}
        bad = self._request | {"temperature": BAD_TEMPERATURE}
        return {
            "unknown_model": await raised(self._responses.create(**unknown, input=CAPITAL)),
            "bad_parameter": await raised(self._responses.create(**bad, input=CAPITAL)),
        }

    async def departure(self) -> Json:
        request = self._request | {"max_output_tokens": None}
        stream = await self._responses.create(**request, input=STORY, stream=True)
        deltas = 0
        async for event in stream:
            deltas += event.type == "response.output_text.delta"
            if deltas == ENOUGH_OF_A_STORY:
                break
        await stream.close()
        return {"deltas": deltas}


if __name__ == "__main__":
    run(OpenAISdk)
