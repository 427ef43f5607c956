"""What the standard demands of WebSocket connections, by the numbers of its checklist."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from antiphon.engine.errors import EngineOverloaded, EngineUnavailable
from antiphon.models.language_side import LanguageSide
from antiphon.server.context import Limits
from tests.acceptance.attachments import png_url
from tests.acceptance.model_outputs import OUTPUTS, TOOLS, failed
from tests.acceptance.socket_client import SocketClient, open_socket
from tests.acceptance.speaking_engine import SpeakingEngine
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, loopback, make_context

pytestmark = pytest.mark.slow

NOT_FOUND = "previous_response_not_found"
UNMATCHED = [{"type": "function_call_output", "call_id": "call_missing", "output": "5"}]
IMAGE = [{"role": "user", "content": [{"type": "input_image", "image_url": png_url(1)}]}]


def prompts(engine: FakeEngine, language_side: LanguageSide) -> list[str]:
    decode = language_side.tokenizer.decode
    return [decode(generation.prompt_token_ids) for generation in engine.generations]


async def test_09_websocket_is_at_the_path_that_http_posts_to(url: str) -> None:
    async with open_socket(url) as socket, httpx.AsyncClient(base_url=url) as http:
        response = await socket.respond()
        posted = await http.post("/v1/responses", json={"input": "Hi"})
    assert response["output"][0]["content"] == posted.json()["output"][0]["content"]


async def test_12_response_create_asks_for_what_a_posted_body_asks_for(
    url: str, engine: FakeEngine
) -> None:
    body = {"input": "Hi", "instructions": "Be brief.", "temperature": 0.5, "tools": TOOLS}
    async with open_socket(url) as socket, httpx.AsyncClient(base_url=url) as http:
        response = await socket.respond(**body)
        posted = (await http.post("/v1/responses", json=body)).json()
    first, second = engine.generations
    assert first.prompt_token_ids == second.prompt_token_ids
    assert first.params == second.params
    made = {"id", "output"}
    assert {k: v for k, v in response.items() if k not in made} == {
        k: v for k, v in posted.items() if k not in made
    }


@pytest.mark.parametrize("output", OUTPUTS)
async def test_13_socket_sends_the_very_events_of_a_stream(
    output: str, language_side: LanguageSide, said: EncodePieces
) -> None:
    """From two servers whose ids are counted alike; one message ends a turn on a socket."""
    script = OUTPUTS[output](said)
    async with (
        loopback(make_context(FakeEngine(script), language_side)) as url,
        open_socket(url) as socket,
    ):
        events = await socket.turn(tools=TOOLS)
    client = Client(make_context(FakeEngine(script), language_side))
    streamed = await client.stream(tools=TOOLS)
    if streamed[-2]["type"] == "error":
        number = streamed.pop(-2)["sequence_number"]
        streamed[-1] = {**streamed[-1], "sequence_number": number}
    assert events == streamed


async def test_14_no_response_begins_while_another_is_in_flight(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    engine.script = Script(said("Hello"), has_gate=True)
    async with open_socket(url) as socket:
        await socket.send()
        await socket.send()
        await (await socket.connection.ping())  # the server has read both
        assert (await socket.receive())["type"] == "response.created"
        assert len(engine.generations) == 1
        engine.gate.set()
        await socket.connection.close()


async def test_15_requests_that_come_at_once_are_answered_in_their_order(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    def reply(prompt: str) -> Script:
        assert all(earlier.was_left.is_set() for earlier in engine.generations)
        return Script(said(next(word for word in words if word in prompt)))

    words = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    engine = SpeakingEngine(language_side, reply)
    async with loopback(make_context(engine, language_side)) as url, open_socket(url) as socket:
        for word in words:
            await socket.send(input=f"Say {word}.")
        said_words = [text_of((await socket.receive_turn())[-1]["response"]) for _ in words]
    assert said_words == list(words)


async def test_16_events_of_two_responses_never_mix(url: str) -> None:
    """`receive_turn` would stumble over any event of another response."""
    async with open_socket(url) as socket:
        for _ in range(5):
            await socket.send()
        turns = [await socket.receive_turn() for _ in range(5)]
    assert len({turn[-1]["response"]["id"] for turn in turns}) == 5


async def test_19_newest_unstored_response_can_be_continued_on_its_connection(
    url: str, engine: FakeEngine, language_side: LanguageSide
) -> None:
    async with open_socket(url) as socket:
        first = await socket.respond(store=False, input="I am Bob.")
        second = await socket.respond(
            store=False, previous_response_id=first["id"], input="Who am I?"
        )
        await socket.respond(store=False, previous_response_id=second["id"], input="Sure?")
    assert prompts(engine, language_side)[-1] == (
        "user\nI am Bob.\nassistant\nHello world\nuser\nWho am I?\nassistant\nHello world\n"
        "user\nSure?\nassistant\n"
    )


async def test_20_stored_response_of_another_connection_can_be_continued(
    url: str, engine: FakeEngine, language_side: LanguageSide
) -> None:
    async with open_socket(url) as socket:
        first = await socket.respond(store=True, input="I am Bob.")
    async with open_socket(url) as socket:
        await socket.respond(previous_response_id=first["id"], input="Who am I?")
    assert "I am Bob." in prompts(engine, language_side)[-1]


@pytest.mark.parametrize("store", [True, False])
async def test_21_unstored_response_of_another_connection_is_not_found(
    store: bool, url: str
) -> None:
    async with open_socket(url) as socket:
        first = await socket.respond(store=False)
        async with open_socket(url) as other:
            error = await other.refusal(400, store=store, previous_response_id=first["id"])
    assert (error["code"], error["param"]) == (NOT_FOUND, "previous_response_id")
    assert error["message"] == f"Previous response with id '{first['id']}' not found."


async def test_21_response_that_never_was_is_not_found(url: str) -> None:
    async with open_socket(url) as socket:
        error = await socket.refusal(400, store=False, previous_response_id="resp_missing")
        assert error["code"] == NOT_FOUND
        assert (await socket.respond())["status"] == "completed"


# Continuations that fail: what is wrong, and the status of the failure.
FAULTS: Mapping[str, tuple[dict[str, Any], Exception | None, int]] = {
    "output of no call": ({"input": UNMATCHED}, None, 400),
    "field of a wrong type": ({"temperature": "hot"}, None, 400),
    "field that is not served": ({"input": IMAGE}, None, 400),
    "field that is for HTTP": ({"background": True}, None, 400),
    "unknown model": ({"model": "other"}, None, 404),
    "engine that is full": ({}, EngineOverloaded("Full."), 429),
    "engine that is not there": ({}, EngineUnavailable("Restarting."), 503),
    "unexpected error": ({}, ZeroDivisionError(), 500),
}


async def check_evicted(socket: SocketClient, response_id: str) -> None:
    error = await socket.refusal(400, store=False, previous_response_id=response_id)
    assert error["code"] == NOT_FOUND


@pytest.mark.parametrize("fault", FAULTS)
async def test_22_and_23_failed_continuation_evicts_what_it_continued(
    fault: str, url: str, engine: FakeEngine
) -> None:
    body, refusal, status = FAULTS[fault]
    async with open_socket(url) as socket:
        first = await socket.respond(store=False)
        other = await socket.respond(store=False)
        engine.refusal = refusal
        await socket.refusal(status, store=False, previous_response_id=first["id"], **body)
        engine.refusal = None
        await check_evicted(socket, first["id"])
        assert await socket.respond(store=False, previous_response_id=other["id"])


async def test_22_and_23_continuation_that_fails_midway_evicts_what_it_continued(
    url: str, engine: FakeEngine, said: EncodePieces
) -> None:
    async with open_socket(url) as socket:
        first = await socket.respond(store=False)
        engine.script = failed("Hello")(said)
        broken = await socket.respond(store=False, previous_response_id=first["id"])
        assert broken["status"] == "failed"
        await check_evicted(socket, first["id"])
        await check_evicted(socket, broken["id"])


async def test_25_connection_that_lasted_long_enough_is_told_so_and_closed(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    limits = Limits(websocket_max_seconds=0.01)
    context = make_context(engine, language_side, limits)
    async with loopback(context) as url, open_socket(url) as socket:
        error = await socket.receive_error(400)
        await socket.connection.wait_closed()
    assert error["code"] == "websocket_connection_limit_reached"
    assert error["type"] == "invalid_request"


@pytest.mark.parametrize("fault", FAULTS)
async def test_27_failure_is_an_envelope_with_the_status_and_error_of_http(
    fault: str, engine: FakeEngine, url: str
) -> None:
    body, engine.refusal, status = FAULTS[fault]
    async with open_socket(url) as socket, httpx.AsyncClient(base_url=url) as http:
        error = await socket.refusal(status, **body)
        assert error["code"]
        posted = await http.post("/v1/responses", json={"input": "Hi", **body})
    if "background" not in body:  # which HTTP takes
        assert posted.status_code == status
        assert posted.json()["error"] == error


async def test_27_message_that_is_no_request_is_answered_with_an_envelope(url: str) -> None:
    messages = ("", "{", "[]", "null", '"response.create"', "{}", '{"type": "response.cancel"}')
    async with open_socket(url) as socket:
        for message in messages:
            await socket.connection.send(message)
            assert (await socket.receive_error(400))["code"] in (
                "invalid_json",
                "invalid_parameter",
            )
        assert (await socket.respond())["status"] == "completed"


async def test_27_binary_message_is_read_as_text_and_answered_alike(url: str) -> None:
    async with open_socket(url) as socket:
        await socket.connection.send(b"\xff")
        assert (await socket.receive_error(400))["code"] == "invalid_json"
        await socket.connection.send(b'{"type": "response.create", "input": "Hi"}')
        assert (await socket.receive_turn())[-1]["response"]["status"] == "completed"


def text_of(response: Mapping[str, Any]) -> str:
    text: str = response["output"][-1]["content"][0]["text"]
    return text
