"""LangChain for Python: langchain-openai, told to use the Responses API."""
# Its own environment has it, this one does not.
# mypy: disable-error-code="import-not-found"

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI

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


class LangChain:
    def __init__(self, base_url: str, model: str) -> None:
        self._settings: Json = {
            "model": model,
            "base_url": base_url,
            "api_key": API_KEY,
            "use_responses_api": True,
            "max_retries": 0,
            "temperature": 0,
            "max_tokens": MAX_OUTPUT_TOKENS,
        }

    def _chat(self, **changes: object) -> ChatOpenAI:
        return ChatOpenAI(**self._settings | changes)

    async def text(self) -> Json:
        message = await self._chat().ainvoke(CAPITAL)
        return {"text": message.text, "output_tokens": message.usage_metadata["output_tokens"]}

    async def stream(self) -> Json:
        chunks = [chunk async for chunk in self._chat().astream(CAPITAL)]
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        return {
            "deltas": [chunk.text for chunk in chunks if chunk.text],
            "text": whole.text,
            "output_tokens": whole.usage_metadata["output_tokens"],
        }

    async def turns(self) -> Json:
        return await self._two_turns(self._chat())

    async def chain(self) -> Json:
        return await self._two_turns(self._chat(store=True, use_previous_response_id=True))

    async def _two_turns(self, chat: ChatOpenAI) -> Json:
        first = await chat.ainvoke(CAPITAL)
        history = [HumanMessage(CAPITAL), first, HumanMessage(FOLLOW_UP)]
        second = await chat.ainvoke(history)
        return {"texts": [first.text, second.text]}

    async def tool(self) -> Json:
        tools = [{"type": "function", "function": TOOL}]
        forced = self._chat().bind_tools(tools, tool_choice=TOOL["name"])
        # Streamed, as this client builds the arguments from their deltas then.
        first = None
        async for chunk in forced.astream(WEATHER):
            first = chunk if first is None else first + chunk
        assert first is not None
        [call] = first.tool_calls
        output = ToolMessage(WEATHER_REPORT, tool_call_id=call["id"])
        history = [HumanMessage(WEATHER), first, output]
        second = await self._chat().bind_tools(tools).ainvoke(history)
        return {"name": call["name"], "arguments": call["args"], "answer": second.text}

    async def form(self) -> Json:
        values = []
        for method in ("json_schema", "function_calling"):
            chat = self._chat().with_structured_output(Capital, method=method)
            values.append((await chat.ainvoke(FOLLOW_UP)).model_dump())
        return {"values": values}

    async def errors(self) -> Json:
        unknown = self._chat(model=UNKNOWN_MODEL)
        bad = self._chat(temperature=BAD_TEMPERATURE)
        return {
            "unknown_model": await raised(unknown.ainvoke(CAPITAL)),
            "bad_parameter": await raised(bad.ainvoke(CAPITAL)),
        }

    async def departure(self) -> Json:
        stream = self._chat(max_tokens=None).astream(STORY)
        deltas = 0
        async for chunk in stream:
            deltas += bool(chunk.text)
            if deltas == ENOUGH_OF_A_STORY:
                break
        await stream.aclose()
        return {"deltas": deltas}


if __name__ == "__main__":
    run(LangChain)
