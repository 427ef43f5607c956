"""Streams where the official suite does not look: how they end, and how they are read again."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from antiphon.models.language_side import LanguageSide
from tests.acceptance.event_reader import EventReader, read_events
from tests.acceptance.model_outputs import (
    ENDED_WELL,
    FAILED,
    INCOMPLETE,
    OUTPUTS,
    TIME,
    TOOLS,
    WEATHER,
    failed,
)
from tests.acceptance.recorded_streams import RecordedStream
from tests.acceptance.turnstile import Turnstile
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces
from tests.stream_rules import TERMINAL, check_stream

pytestmark = pytest.mark.slow

STATUSES = {
    **dict.fromkeys(ENDED_WELL, "completed"),
    **dict.fromkeys(INCOMPLETE, "incomplete"),
    **dict.fromkeys(FAILED, "failed"),
}
REASONS = {
    **dict.fromkeys(INCOMPLETE, "max_output_tokens"),
    "call that breaks off": "incomplete_tool_call",
}


def test_every_output_is_of_one_kind() -> None:
    assert STATUSES.keys() == OUTPUTS.keys()


def test_items_come_one_after_the_other(
    streams: Mapping[tuple[str, str], RecordedStream],
) -> None:
    for stream in streams.values():
        places = [e["output_index"] for e in stream.events if "output_index" in e]
        assert places == sorted(places)


async def test_ending_is_told_alike_plain_streamed_and_stored(output: str, client: Client) -> None:
    plain = await client.respond(tools=TOOLS)
    events = await client.stream(tools=TOOLS)
    streamed = events[-1]["response"]
    details = {"reason": REASONS[output]} if output in REASONS else None
    for response in (plain, streamed):
        assert response["status"] == STATUSES[output]
        assert response["incomplete_details"] == details
        stored = (await client.http.get(f"/v1/responses/{response['id']}")).json()
        assert stored == response
    assert events[-1]["type"] == f"response.{STATUSES[output]}"


@pytest.mark.parametrize("output", ["text that is cut off", "call that is cut off"], indirect=True)
async def test_incomplete_response_can_be_continued(
    output: str, client: Client, engine: FakeEngine, language_side: LanguageSide, said: EncodePieces
) -> None:
    first = await client.respond(tools=TOOLS)
    spoken = next(item for item in first["output"] if item["type"] == "message")
    engine.script = Script(said("More"))
    second = await client.respond(input="Go on.", previous_response_id=first["id"])
    assert second["status"] == "completed"
    prompt = language_side.tokenizer.decode(engine.generations[-1].prompt_token_ids)
    assert spoken["content"][0]["text"] in prompt
    assert "get_weather" not in prompt, "a call that was cut off was never made"


async def test_failure_in_a_stream_is_an_error_then_the_failed_response_then_done(
    client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = failed("Hello")(said)
    posted = {"input": "Hi", "stream": True}
    text = (await client.http.post("/v1/responses", json=posted)).text
    kinds = [block.split("\n")[0] for block in text.split("\n\n")[-4:]]
    assert kinds == ["event: error", "event: response.failed", "data: [DONE]", ""]


@pytest.mark.parametrize(
    "limit", [{"parallel_tool_calls": False}, {"max_tool_calls": 1}, {"max_tool_calls": 2}]
)
async def test_calls_beyond_the_limit_are_not_made(
    limit: dict[str, Any], client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    num_calls = limit.get("max_tool_calls", 1)
    engine.script = Script(said(WEATHER, "\n", TIME, "\n", WEATHER))
    response = await client.respond(tools=TOOLS, **limit)
    assert [item["type"] for item in response["output"]] == ["function_call"] * num_calls
    assert response["status"] == "completed"
    assert engine.aborted == [0], "nobody waits for the rest"


@pytest.mark.parametrize("in_background", [False, True])
async def test_stream_can_be_resumed_behind_every_event(
    in_background: bool, output: str, client: Client
) -> None:
    posted = {"input": "Hi", "tools": TOOLS, "stream": True, "background": in_background}
    events = read_events((await client.http.post("/v1/responses", json=posted)).text)
    path = f"/v1/responses/{events[0]['response']['id']}"
    for number in range(len(events)):
        query = {"stream": "true", "starting_after": str(number)}
        answer = await client.http.get(path, params=query)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert read_events(answer.text) == events[number + 1 :]
    whole = await client.http.get(path, params={"stream": "true"})
    assert read_events(whole.text) == events


async def test_stream_can_be_resumed_behind_every_event_while_it_is_made(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    """Its readers begin before it has begun, and hear of each event as it comes."""
    engine.script = Script(said("One", " two", " three"), has_gate=True)
    async with httpx.AsyncClient(base_url=url) as http:
        queued = (await http.post("/v1/responses", json={"input": "Hi", "background": True})).json()
        path = f"/v1/responses/{queued['id']}"
        readers = [
            asyncio.create_task(http.get(path, params={"stream": "true", "starting_after": number}))
            for number in range(4)
        ]
        async with EventReader(http, path, {"stream": "true"}) as reader:
            events = [await reader.next(), await reader.next()]
            assert [event["type"] for event in events] == ["response.created", "response.queued"]
            engine.gate.set()
            events += await reader.rest()
        resumed = [read_events((await reader).text) for reader in readers]
    check_stream(events)
    assert resumed == [events[number + 1 :] for number in range(4)]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"stream": "true", "starting_after": "-1"}, "starting_after"),
        ({"stream": "true", "starting_after": "x"}, "starting_after"),
        ({"stream": "maybe"}, "stream"),
    ],
)
async def test_wrong_query_is_a_400_that_names_it(
    query: dict[str, str], param: str, client: Client
) -> None:
    response = await client.respond()
    answer = await client.http.get(f"/v1/responses/{response['id']}", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_cancel_ends_a_response_in_the_background_and_all_its_streams(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("One", " two"), has_gate=True)
    body = {"input": "Hi", "background": True, "stream": True}
    async with httpx.AsyncClient(base_url=url) as http:
        async with EventReader(http, "/v1/responses", body=body) as posted:
            events = [await posted.next()]
            path = f"/v1/responses/{events[0]['response']['id']}"
            async with EventReader(http, path, {"stream": "true"}) as second:
                await second.next()
                cancelled = (await http.post(f"{path}/cancel")).json()
                events += await posted.rest()
                assert (await second.rest())[-1] == events[-1]
        assert (await http.get(path)).json() == cancelled == events[-1]["response"]
    check_stream(events)
    assert cancelled["status"] == "cancelled"
    assert cancelled["incomplete_details"] == {"reason": "cancelled"}
    assert events[-1]["type"] in TERMINAL
    assert engine.aborted == [0]


async def test_cancel_in_the_middle_keeps_what_was_said(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("One", " two"), has_gate=True)
    engine.gate = Turnstile()
    body = {"input": "Hi", "background": True, "stream": True}
    async with (
        httpx.AsyncClient(base_url=url) as http,
        EventReader(http, "/v1/responses", body=body) as reader,
    ):
        engine.gate.set()
        events = [await reader.next()]
        while events[-1]["type"] != "response.output_text.delta":
            events.append(await reader.next())
        response_id = events[0]["response"]["id"]
        cancelled = (await http.post(f"/v1/responses/{response_id}/cancel")).json()
        check_stream([*events, *await reader.rest()])
    (message,) = cancelled["output"]
    assert (message["status"], message["content"][0]["text"]) == ("incomplete", "One")
