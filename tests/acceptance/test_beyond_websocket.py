"""WebSockets where the official suite does not look: options, limits, departures, slow readers."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import PerMessageDeflate

from antiphon.models.language_side import LanguageSide
from antiphon.server.caller import ApiKeys, Reception
from antiphon.server.context import Limits
from tests.acceptance.event_reader import EventReader
from tests.acceptance.model_outputs import TOOLS, WEATHER
from tests.acceptance.socket_client import SocketClient, open_socket
from tests.acceptance.turnstile import Turnstile
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, loopback, make_context
from tests.stream_rules import TERMINAL, check_stream

pytestmark = pytest.mark.slow

# A guard against hanging for ever, not a measurement.
GUARD_SECONDS = 60
# Each of three events has so many: more than fits between a server and a client who does not read.
MANY_BYTES = 6 * 1024 * 1024
RECEIVE_BUFFER = (sockets.SOL_SOCKET, sockets.SO_RCVBUF, 64 * 1024)


@pytest.fixture
async def socket(url: str) -> AsyncIterator[SocketClient]:
    async with open_socket(url) as socket:
        yield socket


def prompt_of(engine: FakeEngine, language_side: LanguageSide) -> str:
    return language_side.tokenizer.decode(engine.generations[-1].prompt_token_ids)


@pytest.mark.parametrize(
    "ignored",
    [
        {"stream": True},
        {"stream": False},
        {"stream": None},
        {"stream_options": {"include_obfuscation": True}},
        {"background": False},
    ],
)
async def test_what_http_clients_send_out_of_habit_is_ignored(
    ignored: dict[str, Any], socket: SocketClient
) -> None:
    events = await socket.turn(**ignored)
    assert events[-1]["response"]["status"] == "completed"
    assert not any("obfuscation" in event for event in events)


async def test_background_is_refused_by_name(socket: SocketClient, engine: FakeEngine) -> None:
    error = await socket.refusal(400, background=True)
    assert (error["code"], error["param"]) == ("unsupported_parameter", "background")
    assert not engine.generations


async def prefilled(socket: SocketClient, **body: object) -> dict[str, Any]:
    """The response that nothing was generated for."""
    await socket.send(generate=False, **body)
    events = [await socket.receive() for _ in range(3)]
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds == ["created", "in_progress", "completed"]
    response: dict[str, Any] = events[-1]["response"]
    assert (response["status"], response["output"]) == ("completed", [])
    assert response["usage"]["output_tokens"] == 0
    return response


@pytest.mark.parametrize("store", [True, False])
async def test_prompt_can_be_prefilled_and_continued(
    store: bool, socket: SocketClient, engine: FakeEngine, language_side: LanguageSide
) -> None:
    warm = await prefilled(socket, store=store, input="I am Bob.")
    assert engine.generations[0].params.max_tokens == 1
    await socket.respond(store=store, input="Who am I?", previous_response_id=warm["id"])
    assert prompt_of(engine, language_side) == "user\nI am Bob.\nuser\nWho am I?\nassistant\n"


async def test_instructions_and_tools_alone_can_be_prefilled(
    socket: SocketClient, engine: FakeEngine, language_side: LanguageSide
) -> None:
    """As Codex begins."""
    start = {"instructions": "Be brief.", "tools": TOOLS, "store": False}
    warm = await prefilled(socket, **start, input=[])
    said = [{"role": "user", "content": "Hi"}]
    response = await socket.respond(**start, input=said, previous_response_id=warm["id"])
    assert response["output"]
    assert "Be brief." in prompt_of(engine, language_side)


async def test_turn_with_calls_is_continued_with_their_outputs_alone(
    socket: SocketClient, engine: FakeEngine, language_side: LanguageSide, said: EncodePieces
) -> None:
    engine.script = Script(said(WEATHER))
    first = await socket.respond(store=False, tools=TOOLS)
    call_id = first["output"][0]["call_id"]
    engine.script = Script(said("Cold."))
    output = {"type": "function_call_output", "call_id": call_id, "output": "-3 degrees"}
    second = await socket.respond(store=False, input=[output], previous_response_id=first["id"])
    assert second["status"] == "completed"
    assert "-3 degrees" in prompt_of(engine, language_side)


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_are_compressed_where_the_client_can(
    compression: str | None, url: str
) -> None:
    async with open_socket(url, compression=compression) as socket:
        extensions = socket.connection.protocol.extensions
        assert any(isinstance(e, PerMessageDeflate) for e in extensions) == (
            compression is not None
        )
        events = await socket.turn(instructions="Be brief. " * 100)
    assert events[-1]["response"]["instructions"] == "Be brief. " * 100


async def test_wrong_key_is_a_401_at_the_handshake(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    reception = Reception(ApiKeys(["right"]))
    async with loopback(make_context(engine, language_side, reception=reception)) as url:
        async with open_socket(url, key="right") as socket:
            assert await socket.respond()
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(url, key="wrong"):
                pass
    answer = refused.value.response
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body is not None
    assert json.loads(answer.body)["error"]["code"] == "invalid_api_key"


async def test_handshake_is_a_426_where_websockets_are_off(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    context = make_context(engine, language_side, Limits(websocket_max_seconds=None))
    async with loopback(context) as url:
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(url):
                pass
        async with httpx.AsyncClient(base_url=url) as http:
            assert (await http.post("/v1/responses", json={"input": "Hi"})).status_code == 200
    answer = refused.value.response
    assert answer.status_code == 426
    assert answer.body is not None
    assert json.loads(answer.body)["error"]["code"] == "websocket_disabled"


async def test_turn_that_has_begun_ends_before_its_connection_does(
    engine: FakeEngine, language_side: LanguageSide, said: EncodePieces
) -> None:
    """A second connection, opened later, tells when the first has had its time."""
    engine.script = Script(said("Hello"), has_gate=True)
    context = make_context(engine, language_side, Limits(websocket_max_seconds=0.5))
    async with loopback(context) as url, open_socket(url) as busy:
        await busy.send()
        await engine.next_generation()
        async with open_socket(url) as idle:
            error = await idle.receive_error(400)
            assert error["code"] == "websocket_connection_limit_reached"
        engine.gate.set()
        events = await busy.receive_turn()
        assert events[-1]["response"]["status"] == "completed"
        error = await busy.receive_error(400)
        assert error["code"] == "websocket_connection_limit_reached"
        await busy.connection.wait_closed()


@pytest.mark.parametrize("num_waiting", [0, 1, 20])
@pytest.mark.parametrize("is_polite", [True, False])
async def test_client_that_leaves_in_mid_turn_aborts_the_sequence_and_all_that_waits(
    is_polite: bool, num_waiting: int, url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("One", " two"), has_gate=True)
    engine.gate = Turnstile()
    async with asyncio.timeout(GUARD_SECONDS), open_socket(url) as socket:
        for _ in range(1 + num_waiting):
            await socket.send()
        generation = await engine.next_generation()
        engine.gate.set()
        while (await socket.receive())["type"] != "response.output_text.delta":
            pass
        if is_polite:
            await socket.connection.close()
        else:
            socket.connection.transport.abort()
        await generation.was_left.wait()
    assert engine.aborted == [0]
    assert len(engine.generations) == 1


async def test_more_requests_than_can_wait_are_refused_and_all_others_answered(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    """A client that reads nothing until it has sent everything."""
    engine.script = Script(said("Hello"), has_gate=True)
    num_sent = 100
    async with asyncio.timeout(GUARD_SECONDS), open_socket(url) as socket:
        for _ in range(num_sent):
            await socket.send()
        messages = [await socket.receive()]
        while "status" not in messages[-1]:
            messages.append(await socket.receive())
        assert messages[-1]["status"] == 429
        engine.gate.set()
        while len(endings := [m for m in messages if is_ending(m)]) < num_sent:
            messages.append(await socket.receive())
    kinds = [message["type"] for message in endings]
    assert kinds.count("response.completed") == len(engine.generations)
    assert set(kinds) == {"response.completed", "error"}


def is_ending(message: dict[str, Any]) -> bool:
    return message["type"] in {*TERMINAL, "error"}


async def test_server_goes_on_when_a_client_has_left(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("Hello"), has_gate=True)
    async with open_socket(url) as socket:
        await socket.send()
        generation = await engine.next_generation()
        socket.connection.transport.abort()
        await generation.was_left.wait()
        engine.script = Script(said("Hello"))
        async with open_socket(url) as other:
            assert (await other.respond())["status"] == "completed"


def narrow_socket(url: str) -> sockets.socket:
    """One whose system holds little of what is not read."""
    address = httpx.URL(url)
    narrow = sockets.socket()
    narrow.setsockopt(*RECEIVE_BUFFER)
    narrow.connect((address.host, address.port))
    narrow.setblocking(False)
    return narrow


def large_request(num_bytes: int) -> dict[str, Any]:
    """One that events repeat, and that costs the model nothing."""
    text_format = {
        "type": "json_schema",
        "name": "answer",
        "description": "x" * num_bytes,
        "schema": {"type": "string", "enum": ["Hello"]},
    }
    return {"input": "Hi", "text": {"format": text_format}}


async def test_reader_who_is_slow_on_a_websocket_holds_up_nobody(
    url: str, engine: FakeEngine
) -> None:
    options: dict[str, Any] = {"sock": narrow_socket(url), "compression": None}
    async with asyncio.timeout(GUARD_SECONDS), open_socket(url, **options) as slow:
        slow.connection.transport.pause_reading()
        await slow.send(**large_request(MANY_BYTES))
        stuck = await engine.next_generation()
        await others_are_served(url)
        assert not stuck.has_ended
        slow.connection.transport.resume_reading()
        events = await slow.receive_turn()
    assert events[-1]["response"]["status"] == "completed"


async def test_reader_who_is_slow_on_a_stream_holds_up_nobody(url: str, engine: FakeEngine) -> None:
    body = {**large_request(MANY_BYTES), "stream": True}
    transport = httpx.AsyncHTTPTransport(socket_options=[RECEIVE_BUFFER])
    async with (
        asyncio.timeout(GUARD_SECONDS),
        httpx.AsyncClient(base_url=url, transport=transport, timeout=GUARD_SECONDS) as http,
        EventReader(http, "/v1/responses", body=body) as slow,
    ):
        stuck = await engine.next_generation()
        await others_are_served(url)
        assert not stuck.has_ended
        check_stream(await slow.rest())


async def others_are_served(url: str) -> None:
    """On both transports, more than once."""
    async with httpx.AsyncClient(base_url=url) as http, open_socket(url) as socket:
        for _ in range(5):
            answer = await http.post("/v1/responses", json={"input": "Hi"})
            assert answer.json()["status"] == "completed"
            assert (await socket.respond())["status"] == "completed"
