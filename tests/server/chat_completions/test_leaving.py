"""A client that goes away in the middle of a completion."""

import asyncio

import pytest

from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.leaving_client import GUARD_SECONDS, LeavingClient
from tests.serving import EncodePieces, loopback, make_context


async def post(url: str, **body: object) -> LeavingClient:
    messages = [{"role": "user", "content": "Hi"}]
    return await LeavingClient.post(f"{url}/v1/chat/completions", {"messages": messages, **body})


@pytest.mark.parametrize("stream", [False, True])
async def test_client_that_leaves_aborts_the_sequence_and_harms_no_other(
    stream: bool, language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("Hello"), has_gate=True))
    async with (
        asyncio.timeout(GUARD_SECONDS),
        loopback(make_context(engine, language_side)) as url,
    ):
        client = await post(url, stream=stream)
        generation = await engine.next_generation()
        if stream:
            await client.reader.readuntil(b'"role":"assistant"')
        await client.leave()
        await generation.was_left.wait()
        assert engine.aborted == [0]
        engine.gate.set()
        client = await post(url, stream=True)
        await client.reader.readuntil(b"[DONE]")
        await client.leave()
    assert engine.aborted == [0]
