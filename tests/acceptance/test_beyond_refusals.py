"""Refusals where the official suite does not look: all in one shape, and none harms another."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import pytest

from antiphon.engine.errors import EngineOverloaded, EngineUnavailable
from antiphon.models.language_side import LanguageSide
from antiphon.server.context import Limits, ServerContext
from tests.acceptance.model_outputs import TOOLS
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, error_of, make_context

pytestmark = pytest.mark.slow

MAX_BODY_BYTES = 10_000

Http = httpx.AsyncClient


@pytest.fixture
def context(engine: FakeEngine, language_side: LanguageSide) -> ServerContext:
    limits = Limits(max_body_bytes=MAX_BODY_BYTES, retry_after_seconds=7)
    return make_context(engine, language_side, limits)


@pytest.fixture
def http(client: Client) -> Http:
    return client.http


class Refusal(NamedTuple):
    """What is posted, as httpx takes it; and what is answered."""

    posted: dict[str, Any]
    status: int = 400
    type: str = "invalid_request"
    code: str = "invalid_parameter"
    param: str | None = None


def asking(**body: object) -> dict[str, Any]:
    return {"json": {"input": "Hi", **body}}


REFUSALS: Mapping[str, Refusal] = {
    "broken JSON": Refusal({"content": b"{"}, code="invalid_json"),
    "not an object": Refusal({"json": [1]}),
    "a wrong type": Refusal(asking(temperature="hot"), param="temperature"),
    "an unknown model": Refusal(
        asking(model="other"), 404, "not_found", "model_not_found", "model"
    ),
    "a prompt that does not fit": Refusal(
        asking(input="word " * 1900), code="context_length_exceeded", param="input"
    ),
    "a body that is too large": Refusal(
        asking(input="x" * MAX_BODY_BYTES), 413, code="request_too_large"
    ),
    "a body of another type": Refusal(
        {"content": b"Hi", "headers": {"Content-Type": "text/plain"}},
        415,
        code="unsupported_media_type",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_request_is_refused_for(name: str, http: Http, engine: FakeEngine) -> None:
    expected = REFUSALS[name]
    answer = await http.post("/v1/responses", **expected.posted)
    error = error_of(answer, expected.status)
    assert (error["type"], error["code"], error["param"]) == expected[2:]
    assert error["message"].endswith(".")
    assert not engine.generations


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("in_background", [False, True])
@pytest.mark.parametrize(
    ("refusal", "status", "kind"),
    [
        (EngineOverloaded("Full."), 429, "too_many_requests"),
        (EngineUnavailable("Restarting."), 503, "server_error"),
    ],
)
async def test_what_may_be_tried_again_says_when(
    refusal: Exception,
    status: int,
    kind: str,
    stream: bool,
    in_background: bool,
    http: Http,
    engine: FakeEngine,
) -> None:
    engine.refusal = refusal
    posted = {"input": "Hi", "stream": stream, "background": in_background}
    answer = await http.post("/v1/responses", json=posted)
    assert error_of(answer, status)["type"] == kind
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_path"),
        ("GET", "/v1/responses/resp_never", 404, "response_not_found"),
        ("GET", "/v1/models/other", 404, "model_not_found"),
        ("GET", "/v1/responses", 405, "method_not_allowed"),
        ("PUT", "/v1/responses", 405, "method_not_allowed"),
        ("PATCH", "/v1/responses/resp_1", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_refused_in_the_same_shape(
    method: str, path: str, status: int, code: str, http: Http
) -> None:
    answer = await http.request(method, path)
    assert error_of(answer, status)["code"] == code
    assert ("allow" in answer.headers) == (status == 405)


async def test_second_response_in_a_conversation_is_a_409_while_the_first_is_made(
    http: Http, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("Hello"), has_gate=True)
    conversation = (await http.post("/v1/conversations", json={})).json()
    posted = {"input": "Hi", "conversation": conversation["id"]}
    first = asyncio.create_task(http.post("/v1/responses", json=posted))
    await engine.next_generation()
    error = error_of(await http.post("/v1/responses", json=posted), 409)
    assert (error["code"], error["param"]) == ("conversation_locked", "conversation")
    engine.gate.set()
    assert (await first).status_code == 200
    assert (await http.post("/v1/responses", json=posted)).status_code == 200


def chosen(*names: str) -> list[dict[str, str]]:
    return [{"type": "function", "name": name} for name in names]


@pytest.mark.parametrize(
    ("tools", "choice", "param"),
    [
        ([], "required", "tool_choice"),
        ([], chosen("get_weather")[0], "tool_choice"),
        (TOOLS, "always", "tool_choice"),
        (TOOLS, chosen("rm")[0], "tool_choice.name"),
        (
            TOOLS,
            {"type": "allowed_tools", "tools": chosen("get_time", "rm")},
            "tool_choice.tools[1].name",
        ),
        (TOOLS, {"type": "allowed_tools", "tools": []}, "tool_choice.tools"),
        (
            TOOLS,
            {"type": "allowed_tools", "tools": chosen("get_time"), "mode": "always"},
            "tool_choice.mode",
        ),
    ],
)
async def test_choice_that_cannot_be_made_is_refused_by_its_place(
    tools: object, choice: object, param: str, http: Http
) -> None:
    answer = await http.post("/v1/responses", **asking(tools=tools, tool_choice=choice))
    assert error_of(answer, 400)["param"] == param


async def test_refused_requests_harm_no_other(
    http: Http, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("Hello"), has_gate=True)
    running = asyncio.create_task(http.post("/v1/responses", json={"input": "Hi"}))
    await engine.next_generation()
    for refusal in REFUSALS.values():
        answer = await http.post("/v1/responses", **refusal.posted)
        assert answer.status_code == refusal.status
    engine.gate.set()
    assert (await running).json()["status"] == "completed"
    assert engine.aborted == []
