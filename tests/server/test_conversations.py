"""/v1/conversations, and responses that are made in one."""

import asyncio
from typing import Any

import pytest

from antiphon.engine.outputs import FinishReason
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, error_of

HI = {"role": "user", "content": "Hi"}


async def create(client: Client, **body: object) -> str:
    answer = await client.http.post("/v1/conversations", json=body)
    assert answer.status_code == 200, answer.text
    conversation_id: str = answer.json()["id"]
    return conversation_id


async def texts(client: Client, conversation_id: str) -> list[str]:
    path = f"/v1/conversations/{conversation_id}/items"
    page = (await client.http.get(path, params={"order": "asc"})).json()
    return [item["content"][0]["text"] for item in page["data"]]


async def test_conversation_is_made_changed_and_deleted(client: Client) -> None:
    answer = await client.http.post("/v1/conversations", json={"metadata": {"a": "b"}})
    made = answer.json()
    assert made["object"] == "conversation"
    path = f"/v1/conversations/{made['id']}"
    assert (await client.http.get(path)).json() == made
    changed = (await client.http.post(path, json={"metadata": {"c": "d"}})).json()
    assert changed == {**made, "metadata": {"c": "d"}}
    deleted = (await client.http.delete(path)).json()
    assert deleted == {"id": made["id"], "object": "conversation.deleted", "deleted": True}
    for answer in (
        await client.http.get(path),
        await client.http.post(path, json={}),
        await client.http.delete(path),
        await client.http.get(f"{path}/items"),
        await client.http.post(f"{path}/items", json={"items": [HI]}),
    ):
        assert error_of(answer, 404)["code"] == "conversation_not_found"


async def test_items_are_added_read_and_deleted_one_by_one(client: Client) -> None:
    conversation_id = await create(client, items=[HI])
    path = f"/v1/conversations/{conversation_id}/items"
    added = (await client.http.post(path, json={"items": [{**HI, "content": "More"}]})).json()
    (item,) = added["data"]
    assert await texts(client, conversation_id) == ["Hi", "More"]
    assert (await client.http.get(f"{path}/{item['id']}")).json() == item
    answer = await client.http.delete(f"{path}/{item['id']}")
    assert answer.json()["id"] == conversation_id
    assert await texts(client, conversation_id) == ["Hi"]
    error_of(await client.http.get(f"{path}/{item['id']}"), 404)
    error_of(await client.http.delete(f"{path}/{item['id']}"), 404)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"items": [{"role": "judge", "content": "Hi"}]}, "items[0].role"),
        ({"items": [{"type": "web_search_call", "id": "ws"}]}, "items[0].type"),
        ({"items": [{"role": "user", "content": [{"type": "input_image"}]}]}, None),
        ({"items": [HI] * 21}, "items"),
        ({"metadata": {"a": 1}}, "metadata.a"),
    ],
)
async def test_wrong_items_are_refused_by_name(
    client: Client, body: dict[str, Any], param: str | None
) -> None:
    error = error_of(await client.http.post("/v1/conversations", json=body), 400)
    assert error["param"] == (param or "items[0].content[0].type")


async def test_response_stands_on_its_conversation_and_adds_to_it(
    client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    conversation_id = await create(client, items=[{**HI, "content": "One"}])
    response = await client.respond(input="Two", conversation=conversation_id)
    assert response["conversation"] == {"id": conversation_id}
    assert await texts(client, conversation_id) == ["One", "Two", "Hello world"]
    await client.respond(input="Three", conversation={"id": conversation_id}, store=False)
    prompt = language_side.tokenizer.decode(engine.generations[1].prompt_token_ids)
    assert "user\nOne" in prompt
    assert "user\nTwo\nassistant\nHello world\nuser\nThree" in prompt
    assert len(await texts(client, conversation_id)) == 5


async def test_output_item_keeps_its_id_in_the_conversation(client: Client) -> None:
    conversation_id = await create(client)
    response = await client.respond(conversation=conversation_id)
    path = f"/v1/conversations/{conversation_id}/items/{response['output'][0]['id']}"
    assert (await client.http.get(path)).json() == response["output"][0]


async def test_failed_response_adds_nothing(
    client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    conversation_id = await create(client)
    engine.script = Script([[70]], error=ZeroDivisionError())
    assert (await client.respond(conversation=conversation_id))["status"] == "failed"
    assert await texts(client, conversation_id) == []
    engine.script = Script([[70]], FinishReason.LENGTH)
    assert (await client.respond(conversation=conversation_id))["status"] == "incomplete"
    assert len(await texts(client, conversation_id)) == 2


async def test_unknown_conversation_is_a_404_and_two_pasts_are_a_400(client: Client) -> None:
    error = await client.refusal(404, conversation="conv_never")
    assert (error["code"], error["param"]) == ("conversation_not_found", "conversation")
    first = await client.respond()
    conversation_id = await create(client)
    error = await client.refusal(
        400, conversation=conversation_id, previous_response_id=first["id"]
    )
    assert error["param"] == "conversation"


async def test_second_response_in_a_conversation_waits_for_nothing_and_is_refused(
    client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    conversation_id = await create(client)
    engine.script = Script(said("Hello"), has_gate=True)
    first = asyncio.create_task(client.respond(conversation=conversation_id))
    await engine.next_generation()
    error = await client.refusal(409, conversation=conversation_id)
    assert error["code"] == "conversation_locked"
    path = f"/v1/conversations/{conversation_id}/items"
    error_of(await client.http.post(path, json={"items": [HI]}), 409)
    engine.gate.set()
    assert (await first)["status"] == "completed"
    assert (await client.respond(conversation=conversation_id))["status"] == "completed"


async def test_refused_request_leaves_its_conversation_free(client: Client) -> None:
    conversation_id = await create(client)
    await client.refusal(400, conversation=conversation_id, temperature=9)
    assert (await client.respond(conversation=conversation_id))["status"] == "completed"
