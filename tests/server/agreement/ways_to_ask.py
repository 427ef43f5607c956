"""All ways to ask a server for a response, each of them read to its end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from tests.memory_websocket import MemoryWebSocket
from tests.schema import check_response
from tests.serving import error_of
from tests.stream_rules import TERMINAL, Event, check_stream, parse_stream

Json = dict[str, Any]

WAYS = ("plain", "streamed", "background", "streamed background", "websocket")
URL = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that has ended, or the error with which it was refused.

    events  none for a plain answer, and none for a refusal.
    """

    status: int
    told: Json
    events: tuple[Event, ...] = ()

    @property
    def is_response(self) -> bool:
        return "id" in self.told


class Asker:
    """Asks one server; all that is streamed is checked on its way."""

    def __init__(self, http: httpx.AsyncClient, socket: MemoryWebSocket) -> None:
        self.http = http
        self._socket = socket
        self._by_way = {
            "plain": self._plainly,
            "streamed": self._streaming,
            "background": self._in_background,
            "streamed background": self._streaming_in_background,
            "websocket": self._on_websocket,
        }

    async def ask(self, way: str, body: Json) -> Answer:
        return await self._by_way[way](body)

    async def ask_and_cancel(self, body: Json, is_time: asyncio.Event) -> Answer:
        """In the background; a response that ends before its time is left alone."""
        answer = await self.http.post(URL, json=_for_background(body))
        path = f"{URL}/{answer.json()['id']}"
        ending = asyncio.create_task(self.http.get(path, params={"stream": "true"}))
        waiting = asyncio.create_task(is_time.wait())
        await asyncio.wait((ending, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        cancelled: Json = (await self.http.post(f"{path}/cancel")).json()
        ended = _ended(parse_stream((await ending).text))
        assert cancelled == ended.told == await self.stored(cancelled["id"])
        return ended

    async def new_conversation(self, items: list[Json] | None) -> str | None:
        """Its id. None makes none."""
        if items is None:
            return None
        answer = await self.http.post("/v1/conversations", json={"items": items})
        conversation_id: str = answer.json()["id"]
        return conversation_id

    async def conversation_items(self, conversation_id: str | None) -> list[Json]:
        """All of them; none of no conversation."""
        if conversation_id is None:
            return []
        path = f"/v1/conversations/{conversation_id}/items"
        page: Json = (await self.http.get(path, params={"limit": 100})).json()
        assert not page["has_more"]
        items: list[Json] = page["data"]
        return items

    async def stored(self, response_id: str) -> Json:
        response: Json = (await self._get(response_id)).json()
        return response

    async def stored_events(self, response_id: str, after: int | None = None) -> list[Event]:
        """All of them, or those behind one number; not checked again."""
        query = {} if after is None else {"starting_after": after}
        text = (await self._get(response_id, stream="true", **query)).text
        return [json.loads(block.split("\ndata: ")[1]) for block in text.split("\n\n")[:-2]]

    async def input_items(self, response_id: str) -> list[Json]:
        items: list[Json] = (await self._get(f"{response_id}/input_items")).json()["data"]
        return items

    async def _plainly(self, body: Json) -> Answer:
        answer = await self.http.post(URL, json=body)
        told: Json = answer.json()
        if "id" not in told:
            return _refused(answer)
        check_response(told)
        assert (answer.status_code == 500) == (told["status"] == "failed")
        return Answer(answer.status_code, told)

    async def _streaming(self, body: Json) -> Answer:
        answer = await self.http.post(URL, json={**body, "stream": True})
        return _refused(answer) if answer.is_error else _ended(parse_stream(answer.text))

    async def _in_background(self, body: Json) -> Answer:
        answer = await self.http.post(URL, json=_for_background(body))
        if answer.is_error:
            return _refused(answer)
        queued: Json = answer.json()
        check_response(queued)
        assert queued["status"] == "queued"
        return _ended(parse_stream((await self._get(queued["id"], stream="true")).text))

    async def _streaming_in_background(self, body: Json) -> Answer:
        answer = await self.http.post(URL, json={**_for_background(body), "stream": True})
        return _refused(answer) if answer.is_error else _ended(parse_stream(answer.text))

    async def _on_websocket(self, body: Json) -> Answer:
        await self._socket.send({"type": "response.create", **body})
        events = [await self._socket.receive()]
        if events[0]["type"] == "error":
            return Answer(events[0]["status"], {"error": events[0]["error"]})
        while events[-1]["type"] not in TERMINAL:
            events.append(await self._socket.receive())
        check_stream(events, is_on_socket=True)
        return _ended(events)

    async def _get(self, path: str, **query: str | int) -> httpx.Response:
        answer = await self.http.get(f"{URL}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer


@asynccontextmanager
async def asker_of(app: ASGIApp) -> AsyncIterator[Asker]:
    """With a WebSocket of its own."""
    transport = httpx.ASGITransport(app=app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
        MemoryWebSocket(app, URL) as socket,
    ):
        yield Asker(http, socket)


def _for_background(body: Json) -> Json:
    """What is made in the background is always stored."""
    return {**body, "background": True, "store": True}


def _refused(answer: httpx.Response) -> Answer:
    return Answer(answer.status_code, {"error": error_of(answer, answer.status_code)})


def _ended(events: list[Event]) -> Answer:
    response = events[-1]["response"]
    return Answer(500 if response["status"] == "failed" else 200, response, tuple(events))
