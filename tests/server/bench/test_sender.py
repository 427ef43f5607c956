"""One request: what is recorded of it, and how it can fail."""

import itertools
from collections.abc import AsyncIterator

import httpx
import pytest

from antiphon.server.bench.endpoint import ChatEndpoint, Endpoint, ResponsesEndpoint
from antiphon.server.bench.errors import RequestRefused
from antiphon.server.bench.measurement import TokenSource
from antiphon.server.bench.sender import Clock, RequestSender
from tests.server.bench.fake_server import Answer, Body, FakeServer, answer_all, refuse, sse

DELTA = sse({"type": "response.output_text.delta", "delta": "x"})
COMPLETED = sse({"type": "response.completed", "response": {}})


def ticks() -> Clock:
    """A clock that goes on by one second whenever it is read."""
    return itertools.count().__next__


def sender(client: httpx.AsyncClient, endpoint: Endpoint) -> RequestSender:
    return RequestSender(client, endpoint, "fake-model", 0.0, {"ignore_eos": True}, ticks())


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("endpoint", [ResponsesEndpoint(), ChatEndpoint()])
async def test_a_complete_answer_is_counted_by_the_servers_usage(
    endpoint: Endpoint, server: FakeServer, client: httpx.AsyncClient
) -> None:
    measurement = await sender(client, endpoint).measure("two words", 7)
    assert measurement.error is None
    assert (measurement.input_tokens, measurement.output_tokens) == (14, 7)
    assert measurement.token_source is TokenSource.USAGE
    assert len(measurement.text_times) == 7
    assert server.requests[0][0] == endpoint.path


async def test_the_request_asks_for_a_stream_of_the_wanted_length(
    server: FakeServer, client: httpx.AsyncClient
) -> None:
    await sender(client, ResponsesEndpoint()).measure("two words", 7)
    await sender(client, ChatEndpoint()).measure("two words", 7)
    assert server.bodies() == [
        {
            "model": "fake-model",
            "input": "two words",
            "max_output_tokens": 7,
            "temperature": 0.0,
            "stream": True,
            "store": False,
            "ignore_eos": True,
        },
        {
            "model": "fake-model",
            "messages": [{"role": "user", "content": "two words"}],
            "max_tokens": 7,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "ignore_eos": True,
        },
    ]


async def test_an_answer_cut_into_single_bytes_is_read_alike(
    server: FakeServer, client: httpx.AsyncClient
) -> None:
    def respond(path: str, body: Body) -> Answer:
        [whole] = answer_all(path, body).chunks
        return Answer(tuple(whole[i : i + 1] for i in range(len(whole))))

    server.respond = respond
    measurement = await sender(client, ResponsesEndpoint()).measure("two words", 3)
    assert (measurement.error, len(measurement.text_times)) == (None, 3)


async def test_without_usage_text_deltas_are_counted(
    server: FakeServer, client: httpx.AsyncClient
) -> None:
    server.respond = lambda path, body: Answer((DELTA * 5 + COMPLETED,))
    measurement = await sender(client, ResponsesEndpoint()).measure("hello", 9)
    assert (measurement.output_tokens, measurement.token_source) == (5, TokenSource.DELTAS)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refuse(429, "too many\nrequests"), "HTTP 429: too many requests"),
        (Answer((b"<h1>Bad gateway</h1>",), status=502), "HTTP 502: <h1>Bad gateway</h1>"),
        (Answer((), status=500), "HTTP 500"),
        (Answer((DELTA,)), "the stream ended before the answer was complete"),
        (Answer(()), "the stream ended before the answer was complete"),
        (
            Answer((DELTA + sse({"type": "error", "message": "engine died"}),)),
            "error: engine died",
        ),
        (Answer((b"data: {\n\n",)), "an event is not JSON: '{'"),
    ],
)
async def test_a_failure_is_measured_with_its_reason(
    answer: Answer, reason: str, server: FakeServer, client: httpx.AsyncClient
) -> None:
    server.respond = lambda path, body: answer
    measurement = await sender(client, ResponsesEndpoint()).measure("hello", 9)
    assert measurement.error == reason
    assert measurement.ended_at > measurement.started_at


async def test_a_broken_connection_is_a_failure() -> None:
    def refuse_connection(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    transport = httpx.MockTransport(refuse_connection)
    async with httpx.AsyncClient(base_url="http://nowhere", transport=transport) as client:
        measurement = await sender(client, ResponsesEndpoint()).measure("hello", 9)
    assert measurement.error == "ConnectError: refused"


async def test_a_refusal_can_be_caught_with_its_status(
    server: FakeServer, client: httpx.AsyncClient
) -> None:
    server.respond = lambda path, body: refuse(422, "unknown field")
    with pytest.raises(RequestRefused, match="unknown field") as caught:
        await sender(client, ResponsesEndpoint()).stream("hello", 9)
    assert caught.value.status == 422
