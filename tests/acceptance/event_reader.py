"""Events as they come over a connection that is open, one at a time."""

import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from tests.stream_rules import Event


class EventReader:
    """Reads one stream: of a response that is stored, or of one that `body` asks for."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        method = "GET" if body is None else "POST"
        self._exchange = http.stream(method, path, params=query, json=body)
        self._lines: AsyncIterator[str]

    async def __aenter__(self) -> Self:
        answer = await self._exchange.__aenter__()
        assert answer.status_code == 200
        self._lines = answer.aiter_lines()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exchange.__aexit__(kind, error, traceback)

    async def next(self) -> Event:
        """The next one, as soon as it is there."""
        async for line in self._lines:
            if line.startswith("data: {"):
                event: Event = json.loads(line.removeprefix("data: "))
                return event
        raise AssertionError("the stream has ended")

    async def rest(self) -> list[Event]:
        """All that are still to come."""
        text = "\n".join([line async for line in self._lines])
        return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]


def read_events(text: str) -> list[Event]:
    """Of a whole stream, or of the end of one: any number, then `[DONE]`."""
    assert text.endswith("data: [DONE]\n\n")
    blocks = text.split("\n\n")[:-2]
    return [json.loads(block.split("\ndata: ")[1]) for block in blocks]
