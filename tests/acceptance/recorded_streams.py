"""Streams of everything a model may say, by every way that leads to a stream."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from antiphon.models.language_side import LanguageSide
from tests.acceptance.model_outputs import OUTPUTS, TOOLS
from tests.fake_engine import FakeEngine
from tests.serving import Client, EncodePieces, make_context
from tests.stream_rules import Event, parse_stream

ASKED: dict[str, Any] = {"input": "Hi", "tools": TOOLS, "stream": True}


async def posted(client: Client) -> httpx.Response:
    return await client.http.post("/v1/responses", json=ASKED)


async def posted_in_background(client: Client) -> httpx.Response:
    return await client.http.post("/v1/responses", json={**ASKED, "background": True})


async def read_again(client: Client) -> httpx.Response:
    events = parse_stream((await posted(client)).text)
    path = f"/v1/responses/{events[0]['response']['id']}"
    return await client.http.get(path, params={"stream": "true"})


WAYS: Mapping[str, Callable[[Client], Awaitable[httpx.Response]]] = {
    "posted": posted,
    "in the background": posted_in_background,
    "read again": read_again,
}


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """One stream as it was answered. output: the name of what the model said."""

    output: str
    answer: httpx.Response

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def events(self) -> list[Event]:
        return parse_stream(self.text)


async def recorded_streams(
    language_side: LanguageSide, said: EncodePieces
) -> dict[tuple[str, str], RecordedStream]:
    """By way and output."""
    engine = FakeEngine()
    client = Client(make_context(engine, language_side))
    recorded = {}
    for output, script in OUTPUTS.items():
        engine.script = script(said)
        for way, ask in WAYS.items():
            answer = await ask(client)
            assert answer.status_code == 200, answer.text
            recorded[way, output] = RecordedStream(output, answer)
    return recorded
