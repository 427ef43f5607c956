"""pydantic-ai with its model for the Responses API."""
# Its own environment has it, this one does not.
# mypy: disable-error-code="import-not-found"

from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolReturnPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

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

FUNCTION = ToolDefinition(
    name=TOOL["name"],
    description=TOOL["description"],
    parameters_json_schema=TOOL["parameters"],
    strict=True,
)


class PydanticAI:
    def __init__(self, base_url: str, model: str) -> None:
        self._provider = OpenAIProvider(base_url=base_url, api_key=API_KEY)
        self._model = model
        self._settings: Json = {
            "temperature": 0,
            "max_tokens": MAX_OUTPUT_TOKENS,
            "parallel_tool_calls": False,
        }

    def _responses_model(self, name: str | None = None) -> OpenAIResponsesModel:
        return OpenAIResponsesModel(name or self._model, provider=self._provider)

    def _agent(
        self, *, model: str | None = None, output_type: object = str, **settings: object
    ) -> Agent:
        return Agent(
            self._responses_model(model),
            output_type=output_type,
            model_settings=self._settings | settings,
        )

    async def text(self) -> Json:
        result = await self._agent().run(CAPITAL)
        return {"text": result.output, "output_tokens": result.usage.output_tokens}

    async def stream(self) -> Json:
        async with self._agent().run_stream(CAPITAL) as result:
            deltas = [text async for text in result.stream_text(delta=True, debounce_by=None)]
        return {
            "deltas": deltas,
            "text": await result.get_output(),
            "output_tokens": result.usage.output_tokens,
        }

    async def turns(self) -> Json:
        first = await self._agent().run(CAPITAL)
        second = await self._agent().run(FOLLOW_UP, message_history=first.all_messages())
        return {"texts": [first.output, second.output]}

    async def chain(self) -> Json:
        first = await self._agent(openai_store=True).run(CAPITAL)
        previous = first.response.provider_response_id
        second = await self._agent(openai_previous_response_id=previous).run(FOLLOW_UP)
        return {"texts": [first.output, second.output]}

    async def tool(self) -> Json:
        history: list[ModelMessage] = [ModelRequest.user_text_prompt(WEATHER)]
        first = await self._request(history, [TOOL["name"]])
        [call] = first.tool_calls
        output = ToolReturnPart(call.tool_name, WEATHER_REPORT, call.tool_call_id)
        history += [first, ModelRequest(parts=[output])]
        second = await self._request(history, "auto")
        return {
            "name": call.tool_name,
            "arguments": call.args_as_dict(),
            "answer": second.text,
        }

    async def _request(self, history: list[ModelMessage], tool_choice: object) -> ModelResponse:
        return await model_request(
            self._responses_model(),
            history,
            model_settings=self._settings | {"tool_choice": tool_choice},
            model_request_parameters=ModelRequestParameters(function_tools=[FUNCTION]),
        )

    async def form(self) -> Json:
        kinds = (NativeOutput(Capital), ToolOutput(Capital))
        results = [await self._agent(output_type=kind).run(FOLLOW_UP) for kind in kinds]
        return {"values": [result.output.model_dump() for result in results]}

    async def errors(self) -> Json:
        unknown = self._agent(model=UNKNOWN_MODEL)
        bad = self._agent(temperature=BAD_TEMPERATURE)
        return {
            "unknown_model": await raised(unknown.run(CAPITAL)),
            "bad_parameter": await raised(bad.run(CAPITAL)),
        }

    async def departure(self) -> Json:
        deltas = 0
        async with self._agent(max_tokens=4000).run_stream(STORY) as result:
            async for _ in result.stream_text(delta=True, debounce_by=None):
                deltas += 1
                if deltas == ENOUGH_OF_A_STORY:
                    break
            await result.cancel()
        return {"deltas": deltas}


if __name__ == "__main__":
    run(PydanticAI)
