"""openai-agents for Python."""
# Its own environment has it, this one does not.
# mypy: disable-error-code="import-not-found"

from typing import Literal

from agents import (
    Agent,
    ModelSettings,
    OpenAIResponsesModel,
    OpenAIResponsesWSModel,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI

from tests.clients.drivers.harness import (
    API_KEY,
    BAD_TEMPERATURE,
    CAPITAL,
    ENOUGH_OF_A_STORY,
    FOLLOW_UP,
    MAX_OUTPUT_TOKENS,
    STORY,
    UNKNOWN_MODEL,
    WEATHER,
    WEATHER_REPORT,
    Capital,
    Json,
    raised,
    run,
)


class AgentsSdk:
    def __init__(self, base_url: str, model: str) -> None:
        self._client = AsyncOpenAI(base_url=base_url, api_key=API_KEY, max_retries=0)
        self._model = model

    def _agent(
        self,
        *,
        model: str | None = None,
        settings: ModelSettings | None = None,
        **fields: object,
    ) -> Agent:
        usual = ModelSettings(temperature=0, max_tokens=MAX_OUTPUT_TOKENS)
        return Agent(
            name="tester",
            model=OpenAIResponsesModel(model or self._model, self._client),
            model_settings=usual.resolve(settings),
            **fields,
        )

    async def text(self) -> Json:
        result = await Runner.run(self._agent(), CAPITAL)
        [response] = result.raw_responses
        return {"text": result.final_output, "output_tokens": response.usage.output_tokens}

    async def stream(self) -> Json:
        result = Runner.run_streamed(self._agent(), CAPITAL)
        deltas = [
            event.data.delta
            async for event in result.stream_events()
            if event.type == "raw_response_event"
            and event.data.type == "response.output_text.delta"
        ]
        [response] = result.raw_responses
        return {
            "deltas": deltas,
            "text": result.final_output,
            "output_tokens": response.usage.output_tokens,
        }

    async def turns(self) -> Json:
        first = await Runner.run(self._agent(), CAPITAL)
        history = [*first.to_input_list(), {"role": "user", "content": FOLLOW_UP}]
        second = await Runner.run(self._agent(), history)
        return {"texts": [first.final_output, second.final_output]}

    async def chain(self) -> Json:
        agent = self._agent(settings=ModelSettings(store=True))
        first = await Runner.run(agent, CAPITAL)
        second = await Runner.run(agent, FOLLOW_UP, previous_response_id=first.last_response_id)
        return {"texts": [first.final_output, second.final_output]}

    async def socket(self) -> Json:
        agent = self._agent()
        agent.model = OpenAIResponsesWSModel(self._model, self._client)
        first = await Runner.run(agent, CAPITAL)
        history = [*first.to_input_list(), {"role": "user", "content": FOLLOW_UP}]
        second = await Runner.run(agent, history)
        await agent.model.close()
        return {"texts": [first.final_output, second.final_output]}

    async def tool(self) -> Json:
        calls: list[Json] = []

        def get_weather(city: Literal["Oslo", "Paris"]) -> str:
            """The weather in a city."""
            calls.append({"city": city})
            return WEATHER_REPORT

        settings = ModelSettings(tool_choice="get_weather", parallel_tool_calls=False)
        agent = self._agent(settings=settings, tools=[function_tool(get_weather)])
        result = await Runner.run(agent, WEATHER)
        [arguments] = calls
        return {
            "name": result.raw_responses[0].output[0].name,
            "arguments": arguments,
            "answer": result.final_output,
        }

    async def form(self) -> Json:
        result = await Runner.run(self._agent(output_type=Capital), FOLLOW_UP)
        return {"values": [result.final_output.model_dump()]}

    async def errors(self) -> Json:
        unknown = self._agent(model=UNKNOWN_MODEL)
        bad = self._agent(settings=ModelSettings(temperature=BAD_TEMPERATURE))
        return {
            "unknown_model": await raised(Runner.run(unknown, CAPITAL)),
            "bad_parameter": await raised(Runner.run(bad, CAPITAL)),
        }

    async def departure(self) -> Json:
        agent = self._agent(settings=ModelSettings(max_tokens=4000))
        result = Runner.run_streamed(agent, STORY)
        deltas = 0
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                deltas += event.data.type == "response.output_text.delta"
            if deltas == ENOUGH_OF_A_STORY:
                result.cancel()
        return {"deltas": deltas}


if __name__ == "__main__":
    run(AgentsSdk)
