"""Clients of a server that is killed under them, and what they were told before."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.stream_rules import TERMINAL, Event

Json = dict[str, Any]

NUM_CLIENTS = 8
MAX_ENDLESS = 3  # more of them would slow down a real engine
# What a client of a server that is killed meets. A timeout is none of them.
CUT_OFF = (httpx.NetworkError, httpx.RemoteProtocolError)
FINISHED = frozenset({"completed", "incomplete", "failed", "cancelled"})
CONTINUABLE = ("completed", "incomplete")
URL = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Told:
    """A response whose end has reached a client; with its events, where it was streamed."""

    response: Json
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """told     by id.
    begun    in the background; nobody was told of their end yet.
    endless  those of them that cannot have ended.
    """

    told: dict[str, Told] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    endless: set[str] = field(default_factory=set)

    def note(self, response: Json, events: tuple[Event, ...] = ()) -> None:
        self.told[response["id"]] = Told(response, events)
        self.begun.discard(response["id"])

    @property
    def continuable(self) -> list[str]:
        return [
            response_id
            for response_id, told in self.told.items()
            if told.response["status"] in CONTINUABLE
        ]


@dataclass(slots=True)
class Traffic:
    """Clients that ask one thing after the other, until they have killed the server.

    ending, endless  what the requests hold that end, and those that do not.
    num_news         so many answers and events reach the clients before `kill` is called.
    num_endless      so many of them were started.
    """

    ledger: Ledger
    chance: random.Random
    ending: Json
    endless: Json
    num_news: int
    kill: Callable[[], None]
    num_endless: int = 0

    async def run(self, url: str) -> None:
        """Returns when the server is gone."""
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            await asyncio.gather(*(self._client(http) for _ in range(NUM_CLIENTS)))

    async def _client(self, http: httpx.AsyncClient) -> None:
        asking = (self._ask_plainly, self._stream, self._start, self._start_streaming)
        with suppress(*CUT_OFF):
            while True:
                await self.chance.choice((*asking, *asking, self._start_endless))(http)

    async def _ask_plainly(self, http: httpx.AsyncClient) -> None:
        self.ledger.note(await self._post(http, self._body()))

    async def _stream(self, http: httpx.AsyncClient) -> None:
        events = [event async for event in self._events(http, self._body())]
        self.ledger.note(events[-1]["response"], tuple(events))

    async def _start(self, http: httpx.AsyncClient) -> None:
        response = await self._post(http, {**self._body(), "background": True})
        self.ledger.begun.add(response["id"])
        while response["status"] not in FINISHED:
            response = (await http.get(f"{URL}/{response['id']}")).json()
        self.ledger.note(response)

    async def _start_streaming(self, http: httpx.AsyncClient) -> None:
        events: list[Event] = []
        async for event in self._events(http, {**self._body(), "background": True}):
            events.append(event)
            self.ledger.begun.add(events[0]["response"]["id"])
        self.ledger.note(events[-1]["response"], tuple(events))

    async def _start_endless(self, http: httpx.AsyncClient) -> None:
        if self.num_endless == MAX_ENDLESS:
            return
        self.num_endless += 1
        response = await self._post(http, {**self.endless, "background": True})
        self.ledger.begun.add(response["id"])
        self.ledger.endless.add(response["id"])

    def _body(self) -> Json:
        body = {"input": f"Say {self.chance.random()}.", **self.ending}
        known = self.ledger.continuable
        if known and self.chance.random() < 0.5:
            body["previous_response_id"] = self.chance.choice(known)
        return body

    async def _post(self, http: httpx.AsyncClient, body: Json) -> Json:
        answer = await http.post(URL, json=body)
        response: Json = answer.json()
        assert "id" in response, response
        self._count()
        return response

    async def _events(self, http: httpx.AsyncClient, body: Json) -> AsyncIterator[Event]:
        async with http.stream("POST", URL, json={**body, "stream": True}) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    event = json.loads(line.removeprefix("data: "))
                    self._count()
                    yield event
                    if event["type"] in TERMINAL:
                        return

    def _count(self) -> None:
        self.num_news -= 1
        if self.num_news == 0:
            self.kill()
