"""Keys where the official suite does not look: who is let in, and that nobody sees another's."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import pytest

from antiphon.models.language_side import LanguageSide
from antiphon.server.caller import ApiKeys, Reception
from antiphon.server.context import ServerContext
from tests.acceptance.socket_client import open_socket
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, error_of, make_context

pytestmark = pytest.mark.slow

ALICE, BOB = "key-of-alice", "key-of-bob"
USER = {"role": "user", "content": "Hi"}

Http = httpx.AsyncClient


@pytest.fixture
def context(engine: FakeEngine, language_side: LanguageSide) -> ServerContext:
    keys = ApiKeys([ALICE, BOB])
    return make_context(engine, language_side, reception=Reception(keys))


@pytest.fixture
def alice(context: ServerContext) -> Http:
    return caller(context, ALICE)


@pytest.fixture
def bob(context: ServerContext) -> Http:
    return caller(context, BOB)


def caller(context: ServerContext, key: str) -> Http:
    http = Client(context).http
    http.headers["Authorization"] = f"Bearer {key}"
    return http


async def respond(http: Http, **body: object) -> dict[str, Any]:
    answer = await http.post("/v1/responses", json={"input": "Hi", **body})
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()
    return response


class Attempt(NamedTuple):
    """What somebody may try with a response or an item of somebody else; and what is answered.

    RESPONSE and ITEM stand for the ids, in the path and in the body.
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    status: int = 404
    code: str = "response_not_found"


CONTINUING = {"model": "tiny", "input": "And?", "previous_response_id": "RESPONSE"}
NO_PAST = (CONTINUING, 400, "previous_response_not_found")
REFERRING = {"input": [USER, {"type": "item_reference", "id": "ITEM"}]}
ATTEMPTS: Mapping[str, Attempt] = {
    "read": Attempt("GET", "/RESPONSE"),
    "follow": Attempt("GET", "/RESPONSE?stream=true"),
    "list": Attempt("GET", "/RESPONSE/input_items"),
    "cancel": Attempt("POST", "/RESPONSE/cancel"),
    "delete": Attempt("DELETE", "/RESPONSE"),
    "continue": Attempt("POST", "", *NO_PAST),
    "count": Attempt("POST", "/input_tokens", *NO_PAST),
    "compact": Attempt("POST", "/compact", *NO_PAST),
    "refer": Attempt("POST", "", REFERRING, 404, "item_not_found"),
}


@pytest.mark.parametrize("is_running", [False, True])
@pytest.mark.parametrize("name", ATTEMPTS)
async def test_response_of_one_key_is_not_there_for_another_to(
    name: str, is_running: bool, alice: Http, bob: Http, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("Secret"), has_gate=is_running)
    response = await respond(alice, background=is_running)
    item_id = "msg_to_come" if is_running else response["output"][0]["id"]
    attempt = ATTEMPTS[name]
    path = f"/v1/responses{attempt.path}".replace("RESPONSE", response["id"])
    body = json.dumps(attempt.body).replace("RESPONSE", response["id"]).replace("ITEM", item_id)
    answer = await bob.request(attempt.method, path, json=json.loads(body))
    assert error_of(answer, attempt.status)["code"] == attempt.code
    assert "Secret" not in answer.text
    found = await alice.get(f"/v1/responses/{response['id']}")
    assert found.json() == response, "nothing has come of the attempt"
    engine.gate.set()


async def test_response_of_one_key_cannot_be_continued_by_another_on_a_websocket(
    url: str, alice: Http
) -> None:
    response = await respond(alice)
    async with open_socket(url, key=BOB) as socket:
        error = await socket.refusal(400, previous_response_id=response["id"])
    assert error["code"] == "previous_response_not_found"
    async with open_socket(url, key=ALICE) as socket:
        assert await socket.respond(previous_response_id=response["id"])


async def test_conversation_of_one_key_is_not_there_for_another(alice: Http, bob: Http) -> None:
    made = (await alice.post("/v1/conversations", json={"items": [USER]})).json()
    path = f"/v1/conversations/{made['id']}"
    for answer in (
        await bob.get(path),
        await bob.get(f"{path}/items"),
        await bob.post(path, json={"metadata": {}}),
        await bob.post(f"{path}/items", json={"items": [USER]}),
        await bob.delete(path),
        await bob.post("/v1/responses", json={"input": "Hi", "conversation": made["id"]}),
    ):
        assert error_of(answer, 404)["code"] == "conversation_not_found"
    assert len((await alice.get(f"{path}/items")).json()["data"]) == 1


PROTECTED = (
    ("POST", "/v1/responses"),
    ("POST", "/v1/responses/compact"),
    ("POST", "/v1/responses/input_tokens"),
    ("GET", "/v1/responses/resp_1"),
    ("GET", "/v1/responses/resp_1?stream=true"),
    ("GET", "/v1/responses/resp_1/input_items"),
    ("POST", "/v1/responses/resp_1/cancel"),
    ("DELETE", "/v1/responses/resp_1"),
    ("POST", "/v1/conversations"),
    ("GET", "/v1/conversations/conv_1"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/tiny"),
)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_without_a_key_nothing_is_served(
    method: str, path: str, client: Client, engine: FakeEngine
) -> None:
    answer = await client.http.request(method, path, json={"input": "Hi"})
    error = error_of(answer, 401)
    assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not engine.generations


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", f"Basic {ALICE}", ALICE])
async def test_wrong_key_is_a_401(authorization: str, client: Client) -> None:
    headers = {"Authorization": authorization}
    answer = await client.http.post("/v1/responses", json={"input": "Hi"}, headers=headers)
    error_of(answer, 401)
    assert ALICE not in answer.text


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_whether_the_server_lives_can_be_asked_without_a_key(
    path: str, client: Client
) -> None:
    assert (await client.http.get(path)).status_code == 200
