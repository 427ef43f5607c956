"""A client that goes away: its sequence is aborted, wherever the answer was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from fastapi import FastAPI

from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from antiphon.server.delivery.disconnect import while_connected
from tests.fake_engine import FakeEngine, Script
from tests.leaving_client import GUARD_SECONDS, LeavingClient
from tests.serving import EncodePieces, loopback, make_context


@pytest.fixture
def engine(said: EncodePieces) -> FakeEngine:
    return FakeEngine(Script(said("Hello", " world"), has_gate=True))


@pytest.fixture
async def base_url(engine: FakeEngine, language_side: LanguageSide) -> AsyncIterator[str]:
    async with loopback(make_context(engine, language_side)) as url:
        yield url


async def post(url: str, **body: object) -> LeavingClient:
    return await LeavingClient.post(f"{url}/v1/responses", {"input": "Hi", **body})


@pytest.mark.parametrize("stream", [False, True])
async def test_client_that_leaves_before_any_text_aborts_the_sequence(
    stream: bool, base_url: str, engine: FakeEngine
) -> None:
    async with asyncio.timeout(GUARD_SECONDS):
        client = await post(base_url, stream=stream)
        generation = await engine.next_generation()
        await client.leave()
        await generation.was_left.wait()
    assert engine.aborted == [0]


async def test_client_that_leaves_in_the_middle_of_a_stream_aborts_the_sequence(
    base_url: str, engine: FakeEngine
) -> None:
    async with asyncio.timeout(GUARD_SECONDS):
        client = await post(base_url, stream=True)
        await client.reader.readuntil(b"event: response.in_progress")
        generation = await engine.next_generation()
        await client.leave()
        await generation.was_left.wait()
    assert engine.aborted == [0]


async def test_server_goes_on_after_a_client_has_left(base_url: str, engine: FakeEngine) -> None:
    async with asyncio.timeout(GUARD_SECONDS):
        client = await post(base_url)
        generation = await engine.next_generation()
        await client.leave()
        await generation.was_left.wait()
        engine.gate.set()
        client = await post(base_url, stream=True)
        text = await client.reader.readuntil(b"[DONE]")
        await client.leave()
    assert b"event: response.completed" in text
    assert engine.aborted == [0]


async def test_event_reaches_the_client_before_the_next_token_exists(
    base_url: str, engine: FakeEngine
) -> None:
    async with asyncio.timeout(GUARD_SECONDS):
        client = await post(base_url, stream=True)
        received = await client.reader.readuntil(b"event: response.in_progress")
        assert b"response.output_text.delta" not in received
        engine.gate.set()
        await client.reader.readuntil(b"[DONE]")
        await client.leave()
    assert engine.aborted == []


async def call_and_leave(
    app: FastAPI, *messages: dict[str, object], stays_while: Callable[[], bool] = bool
) -> None:
    """Post these messages, then be gone; nobody is there to be answered."""
    incoming = iter(messages)

    async def receive() -> dict[str, object]:
        message = next(incoming, None)
        while message is None and stays_while():
            await asyncio.sleep(0)
        return message or {"type": "http.disconnect"}

    async def send(message: object) -> None:
        raise AssertionError("nobody is there to be answered")

    scope = {"type": "http", "method": "POST", "path": "/v1/responses", "headers": []}
    await app({**scope, "query_string": b"", "http_version": "1.1"}, receive, send)


async def test_client_that_is_gone_before_the_work_begins_leaves_nothing_behind(
    language_side: LanguageSide, engine: FakeEngine
) -> None:
    """The work may be cancelled before its first step; the sequence has to go all the same."""
    app = create_app(make_context(engine, language_side))
    posted: dict[str, object] = {"type": "http.request", "body": b'{"input": "Hi"}'}
    await call_and_leave(app, posted, stays_while=lambda: not engine.generations)
    assert engine.aborted == [0]


async def test_client_that_is_gone_while_its_prompt_is_built_leaves_no_sequence_running(
    language_side: LanguageSide, engine: FakeEngine
) -> None:
    """A short prompt may be built by the time its client is seen to be gone."""
    app = create_app(make_context(engine, language_side))
    await call_and_leave(app, {"type": "http.request", "body": b'{"input": "Hi"}'})
    assert engine.aborted == [generation.sequence_id for generation in engine.generations]


async def test_client_that_leaves_within_its_body_is_no_error(
    language_side: LanguageSide, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(make_context(engine, language_side))
    await call_and_leave(app, {"type": "http.request", "body": b'{"input', "more_body": True})
    assert engine.generations == []
    assert caplog.text == ""


async def test_error_of_the_work_is_raised_and_the_watch_is_over() -> None:
    async def stay() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await while_connected(stay, fail())
    assert len(asyncio.all_tasks()) == 1


async def test_client_that_leaves_while_its_grammar_is_checked_leaves_nothing_behind(
    engine: FakeEngine, language_side: LanguageSide
) -> None:
    has_begun, was_cancelled = asyncio.Event(), asyncio.Event()

    async def check(source: str) -> None:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    context = replace(make_context(engine, language_side), check_grammar=check)
    async with asyncio.timeout(GUARD_SECONDS), loopback(context) as url:
        client = await post(url, text={"format": {"type": "json_object"}})
        await has_begun.wait()
        await client.leave()
        await was_cancelled.wait()
    assert engine.generations == []
