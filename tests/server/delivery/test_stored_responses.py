"""Responses that are kept: read again, continued, listed, deleted, and nobody else's."""

from typing import Any

import httpx
import pytest

from antiphon.engine.errors import EngineDied
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from antiphon.server.caller import ApiKeys, Reception
from antiphon.server.store.errors import StoreUnavailable
from antiphon.server.store.records import RecordedEvent
from antiphon.server.store.store import Store
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, error_of, make_context, make_store
from tests.stream_rules import parse_stream


async def get(client: Client, path: str, **query: Any) -> Any:  # noqa: ANN401
    answer = await client.http.get(f"/v1/responses/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def prompt_of(engine: FakeEngine, language_side: LanguageSide, index: int = -1) -> str:
    return language_side.tokenizer.decode(engine.generations[index].prompt_token_ids)


async def test_response_is_read_again_as_it_was_answered(client: Client) -> None:
    response = await client.respond(metadata={"a": "b"}, instructions="Sys")
    assert response["store"] is True
    assert await get(client, response["id"]) == response


async def test_streamed_response_is_read_again_event_by_event(client: Client) -> None:
    events = await client.stream()
    response_id = events[-1]["response"]["id"]
    answer = await client.http.get(f"/v1/responses/{response_id}", params={"stream": "true"})
    assert parse_stream(answer.text) == events
    for seen in range(len(events)):
        query = {"stream": "true", "starting_after": str(seen)}
        answer = await client.http.get(f"/v1/responses/{response_id}", params=query)
        blocks = answer.text.split("\n\n")[:-2]
        assert len(blocks) == len(events) - seen - 1


async def test_plain_response_can_be_streamed_later(client: Client) -> None:
    response = await client.respond()
    answer = await client.http.get(f"/v1/responses/{response['id']}", params={"stream": "true"})
    assert parse_stream(answer.text)[-1]["response"] == response


async def test_response_that_is_not_to_be_stored_is_not(client: Client) -> None:
    response = await client.respond(store=False)
    assert response["store"] is False
    answer = await client.http.get(f"/v1/responses/{response['id']}")
    assert error_of(answer, 404)["code"] == "response_not_found"
    error = await client.refusal(400, previous_response_id=response["id"])
    assert (error["code"], error["param"]) == (
        "previous_response_not_found",
        "previous_response_id",
    )


async def test_failed_response_is_stored_as_failed(engine: FakeEngine, client: Client) -> None:
    engine.script = Script([[70, 71]], error=EngineDied("The engine ended."))
    response = await client.respond()
    assert (await get(client, response["id"]))["status"] == "failed"


async def test_continued_response_stands_on_all_before_it(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    first = await client.respond(input="One", instructions="Forget these.")
    second = await client.respond(input="Two", previous_response_id=first["id"])
    third = await client.respond(input="Three", previous_response_id=second["id"])
    assert third["previous_response_id"] == second["id"]
    assert prompt_of(engine, language_side) == (
        "user\nOne\nassistant\nHello world\nuser\nTwo\nassistant\nHello world\n"
        "user\nThree\nassistant\n"
    )


async def test_chain_with_a_deleted_response_cannot_be_continued(client: Client) -> None:
    first = await client.respond(input="One")
    second = await client.respond(input="Two", previous_response_id=first["id"])
    answer = await client.http.delete(f"/v1/responses/{first['id']}")
    assert answer.json() == {"id": first["id"], "object": "response", "deleted": True}
    assert error_of(await client.http.get(f"/v1/responses/{first['id']}"), 404)
    assert error_of(await client.http.delete(f"/v1/responses/{first['id']}"), 404)
    assert (await get(client, second["id"]))["status"] == "completed"
    error = await client.refusal(400, input="Three", previous_response_id=second["id"])
    assert error["code"] == "previous_response_not_found"
    assert first["id"] in error["message"]


async def test_input_items_are_listed_page_by_page(client: Client) -> None:
    items = [{"role": "user", "content": str(index)} for index in range(5)]
    response = await client.respond(input=items)
    path = f"{response['id']}/input_items"
    whole = await get(client, path, order="asc")
    assert [item["content"][0]["text"] for item in whole["data"]] == list("01234")
    assert whole["has_more"] is False
    assert (whole["first_id"], whole["last_id"]) == (
        whole["data"][0]["id"],
        whole["data"][-1]["id"],
    )
    page = await get(client, path, limit=2)
    assert [item["content"][0]["text"] for item in page["data"]] == ["4", "3"]
    assert page["has_more"] is True
    page = await get(client, path, limit=2, after=page["last_id"])
    assert [item["content"][0]["text"] for item in page["data"]] == ["2", "1"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"order": "up"}, "order"),
        ({"after": "msg_never"}, "after"),
    ],
)
async def test_wrong_page_is_refused(client: Client, query: dict[str, str], param: str) -> None:
    response = await client.respond()
    answer = await client.http.get(f"/v1/responses/{response['id']}/input_items", params=query)
    assert error_of(answer, 400)["param"] == param


async def test_reference_to_a_stored_item_is_resolved(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    first = await client.respond(input="One")
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    await client.respond(input=[{"role": "user", "content": "One"}, reference], store=False)
    assert "assistant\nHello world\nassistant" in prompt_of(engine, language_side)
    error = await client.refusal(404, input=[{**reference, "id": "msg_never"}])
    assert (error["code"], error["param"]) == ("item_not_found", "input[0].id")


async def test_no_key_reads_what_another_has_stored(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    context = make_context(engine, language_side, reception=Reception(ApiKeys(["alpha", "beta"])))
    transport = httpx.ASGITransport(app=create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as http:
        alpha, beta = ({"Authorization": f"Bearer {key}"} for key in ("alpha", "beta"))
        made = await http.post("/responses", json={"input": "Hi"}, headers=alpha)
        response_id, item_id = made.json()["id"], made.json()["output"][0]["id"]
        path = f"/responses/{response_id}"
        assert (await http.get(path, headers=alpha)).status_code == 200
        for answer in (
            await http.get(path, headers=beta),
            await http.get(f"{path}/input_items", headers=beta),
            await http.get(path, params={"stream": "true"}, headers=beta),
            await http.delete(path, headers=beta),
            await http.post(f"{path}/cancel", headers=beta),
        ):
            error_of(answer, 404)
        for body in (
            {"input": "Hi", "previous_response_id": response_id},
            {"input": [{"type": "item_reference", "id": item_id}]},
        ):
            assert (await http.post("/responses", json=body, headers=beta)).status_code in (
                400,
                404,
            )
        for answer in (
            await http.get(path),
            await http.get("/models"),
            await http.post("/responses", json={"input": "Hi"}),
            await http.post("/conversations", json={}),
        ):
            assert error_of(answer, 401)["type"] == "authentication_error"
            assert answer.headers["www-authenticate"] == "Bearer"


class FullStore(Store):
    """Keeps nothing."""

    async def save(self, *_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")


async def test_response_that_cannot_be_stored_has_failed(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    full = object.__new__(FullStore)
    client = Client(make_context(engine, language_side, store=full))
    events = await client.stream()
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert events[-1]["response"]["error"]["code"] == "store_unavailable"
    plain = await client.respond()
    assert plain["status"] == "failed"
    assert (await client.respond(store=False))["status"] == "completed"


async def test_terminal_event_is_stored_before_it_is_told(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    told: list[str] = []

    class WatchedStore(Store):
        async def save(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
            events: list[RecordedEvent] = arguments[1]
            told.append(events[-1].type)
            await Store.save(self, *arguments, **named)

    store = make_store()
    store.__class__ = WatchedStore
    client = Client(make_context(engine, language_side, store=store))
    events = await client.stream()
    assert told == ["response.completed"]
    assert len(await store.events("", events[-1]["response"]["id"])) == len(events)


async def test_input_tokens_are_counted_as_they_would_be_used(client: Client) -> None:
    first = await client.respond(input="One")
    body = {"input": "Two", "previous_response_id": first["id"]}
    answer = await client.http.post("/v1/responses/input_tokens", json=body)
    counted = answer.json()
    assert counted["object"] == "response.input_tokens"
    used = (await client.respond(**body))["usage"]["input_tokens"]
    assert counted["input_tokens"] == used
    error_of(await client.http.post("/v1/responses/input_tokens", json={}), 400)
