"""Responses in the background: queued, followed, resumed, cancelled, and left by their server."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from antiphon.engine.errors import EngineDied, EngineOverloaded
from antiphon.models.language_side import LanguageSide
from antiphon.server.context import ServerContext
from antiphon.server.maintenance import RESTARTED, keep_leases
from antiphon.server.store.leases import LEASE_SECONDS
from tests.fake_engine import FakeEngine, Script
from tests.serving import (
    Client,
    EncodePieces,
    StandingClock,
    error_of,
    loopback,
    make_context,
    make_store,
)
from tests.stream_rules import check_stream, parse_stream


@pytest.fixture
def engine(said: EncodePieces) -> FakeEngine:
    return FakeEngine(Script(said("Hello", " world"), has_gate=True))


async def start(client: Client, **body: object) -> dict[str, Any]:
    answer = await client.http.post(
        "/v1/responses", json={"input": "Hi", "background": True, **body}
    )
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()
    assert response["status"] == "queued"
    return response


async def read(client: Client, response_id: str) -> dict[str, Any]:
    answer = await client.http.get(f"/v1/responses/{response_id}")
    response: dict[str, Any] = answer.json()
    return response


async def finished(client: Client, context: ServerContext, response_id: str) -> dict[str, Any]:
    await context.background.drain(None)
    return await read(client, response_id)


async def test_response_is_queued_then_made_without_a_listener(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    queued = await start(client)
    assert (await read(client, queued["id"]))["status"] == "queued"
    engine.gate.set()
    response = await finished(client, context, queued["id"])
    assert response["status"] == "completed"
    assert response["output"][0]["content"][0]["text"] == "Hello world"
    assert response["background"] is True


async def test_all_events_can_be_read_afterwards_and_keep_all_rules(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    engine.gate.set()
    queued = await start(client)
    response = await finished(client, context, queued["id"])
    answer = await client.http.get(f"/v1/responses/{queued['id']}", params={"stream": "true"})
    events = parse_stream(answer.text)
    assert [event["type"] for event in events[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert events[-1]["response"] == response


async def test_client_that_leaves_the_stream_can_resume_it(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    context = make_context(engine, language_side)
    body = {"input": "Hi", "background": True, "stream": True}
    seen: list[dict[str, Any]] = []
    async with loopback(context) as url, httpx.AsyncClient(base_url=url) as http:
        async with http.stream("POST", "/v1/responses", json=body) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line.removeprefix("data: ")))
                if len(seen) == 2:
                    break
        response_id = seen[0]["response"]["id"]
        query = {"stream": "true", "starting_after": "1"}
        resuming = asyncio.create_task(http.get(f"/v1/responses/{response_id}", params=query))
        engine.gate.set()
        rest = (await resuming).text
    events = [json.loads(block.split("\ndata: ")[1]) for block in rest.split("\n\n")[:-2]]
    check_stream([*seen, *events])
    assert events[-1]["response"]["status"] == "completed"
    assert engine.aborted == []


async def test_cancelled_response_ends_at_once_and_stays_so(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    queued = await start(client)
    answer = await client.http.post(f"/v1/responses/{queued['id']}/cancel")
    cancelled = answer.json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["incomplete_details"] == {"reason": "cancelled"}
    assert engine.aborted == [0]
    assert await finished(client, context, queued["id"]) == cancelled
    again = await client.http.post(f"/v1/responses/{queued['id']}/cancel")
    assert again.json() == cancelled
    answer = await client.http.get(f"/v1/responses/{queued['id']}", params={"stream": "true"})
    assert parse_stream(answer.text)[-1]["type"] == "response.incomplete"


async def test_finished_response_is_not_cancelled_any_more(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    engine.gate.set()
    queued = await start(client)
    response = await finished(client, context, queued["id"])
    answer = await client.http.post(f"/v1/responses/{queued['id']}/cancel")
    assert answer.json() == response


async def test_response_in_the_foreground_cannot_be_cancelled(
    client: Client, engine: FakeEngine
) -> None:
    engine.gate.set()
    response = await client.respond()
    answer = await client.http.post(f"/v1/responses/{response['id']}/cancel")
    assert error_of(answer, 400)["code"] == "not_cancellable"
    error_of(await client.http.post("/v1/responses/resp_never/cancel"), 404)


async def test_deleting_a_running_response_ends_it(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    queued = await start(client)
    answer = await client.http.delete(f"/v1/responses/{queued['id']}")
    assert answer.json()["deleted"] is True
    assert engine.aborted == [0]
    error_of(await client.http.get(f"/v1/responses/{queued['id']}"), 404)


async def test_finished_response_can_be_continued(
    client: Client, context: ServerContext, engine: FakeEngine, language_side: LanguageSide
) -> None:
    engine.gate.set()
    first = await start(client, input="One")
    await context.background.drain(None)
    await client.respond(input="Two", previous_response_id=first["id"])
    prompt = language_side.tokenizer.decode(engine.generations[1].prompt_token_ids)
    assert prompt.startswith("user\nOne\nassistant\nHello world\nuser\nTwo")


async def test_response_that_is_still_being_made_cannot_be_continued(client: Client) -> None:
    queued = await start(client)
    error = await client.refusal(400, previous_response_id=queued["id"])
    assert error["param"] == "previous_response_id"
    await client.http.post(f"/v1/responses/{queued['id']}/cancel")


async def test_reader_who_is_slow_misses_nothing(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    queued = await start(client)
    live = context.background.find("", queued["id"])
    assert live is not None
    seen: list[int] = []
    async for events in live.follow():
        seen += [event.sequence_number for event in events]
        engine.gate.set()
        await context.background.drain(None)  # all that comes, comes while this one is read
    answer = await client.http.get(f"/v1/responses/{queued['id']}", params={"stream": "true"})
    assert seen == list(range(len(parse_stream(answer.text))))


async def test_failure_is_what_becomes_of_a_response_whose_engine_dies(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    engine.script = Script([[70, 71]], error=EngineDied("The engine ended."))
    queued = await start(client)
    response = await finished(client, context, queued["id"])
    assert response["status"] == "failed"
    assert response["error"]["code"] == "server_error"


async def test_what_can_be_refused_is_refused_before_anything_is_queued(
    client: Client, engine: FakeEngine
) -> None:
    assert (await client.refusal(400, background=True, store=False))["param"] == "background"
    assert (await client.refusal(400, background=True, temperature=9))["param"] == "temperature"
    engine.refusal = EngineOverloaded("Full.")
    assert (await client.refusal(429, background=True))["code"] == "too_many_requests"


class SteppingClock(StandingClock):
    def __init__(self) -> None:
        self.now = 1_700_000_000

    def unix_seconds(self) -> int:
        return self.now


async def test_response_whose_server_died_has_failed_when_its_lease_is_over(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    clock = SteppingClock()
    store = make_store(clock)
    dead = Client(make_context(engine, language_side, store=store))
    queued = await start(dead)
    restarted = make_context(FakeEngine(), language_side, store=store)
    client = Client(restarted)
    await keep_leases(store, restarted.background)
    assert (await read(client, queued["id"]))["status"] == "queued", "somebody may still make it"
    path = f"/v1/responses/{queued['id']}"
    for answer in (
        await client.http.get(path, params={"stream": "true"}),
        await client.http.post(f"{path}/cancel"),
    ):
        assert error_of(answer, 409)["code"] == "response_in_progress"
    clock.now += LEASE_SECONDS + 1
    await keep_leases(store, restarted.background)
    response = await read(client, queued["id"])
    assert (response["status"], response["error"]) == ("failed", RESTARTED)
    query = {"stream": "true"}
    answer = await client.http.get(f"/v1/responses/{queued['id']}", params=query)
    assert [block.split("\n")[0] for block in answer.text.split("\n\n")[:-2]] == [
        "event: response.created",
        "event: response.queued",
        "event: error",
        "event: response.failed",
    ]
    resumed = await client.http.get(
        f"/v1/responses/{queued['id']}", params={**query, "starting_after": "41"}
    )
    assert '"sequence_number":42' in resumed.text
    assert resumed.text.count("event: ") == 2


async def test_response_that_cannot_be_kept_has_failed_for_everybody(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    made = (await client.http.post("/v1/conversations", json={})).json()
    queued = await start(client, conversation=made["id"])
    await client.http.delete(f"/v1/conversations/{made['id']}")
    engine.gate.set()
    response = await finished(client, context, queued["id"])
    assert response["status"] == "failed"
    assert response["error"]["code"] == "conversation_not_found"
    answer = await client.http.get(f"/v1/responses/{queued['id']}", params={"stream": "true"})
    assert answer.text.count("event: response.failed") == 1


async def test_lease_of_a_running_response_lasts(
    client: Client, context: ServerContext, engine: FakeEngine
) -> None:
    clock = SteppingClock()
    store = make_store(clock)
    living = make_context(engine, context.language_side(), store=store)
    own = Client(living)
    await start(own)
    for _ in range(3):
        clock.now += LEASE_SECONDS - 1
        await keep_leases(store, living.background)
        assert await store.fail_abandoned(RESTARTED) == []
    engine.gate.set()
    await living.background.drain(None)
