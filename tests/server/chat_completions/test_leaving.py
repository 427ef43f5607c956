"""A client that goes away in the middle of a completion."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, loopback, make_context

# A guard against hanging for ever, not a measurement.
GUARD_SECONDS = 30


async def post(url: str, **body: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request on a connection of its own, which the test can cut."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    content = json.dumps({"messages": [{"role": "user", "content": "Hi"}], **body}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("stream", [False, True])
async def test_client_that_leaves_aborts_the_sequence_and_harms_no_other(
    stream: bool, language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("Hello"), has_gate=True))
    async with (
        asyncio.timeout(GUARD_SECONDS),
        loopback(make_context(engine, language_side)) as url,
    ):
        reader, writer = await post(url, stream=stream)
        generation = await engine.next_generation()
        if stream:
            await reader.readuntil(b'"role":"assistant"')
        writer.close()
        await writer.wait_closed()
        await generation.was_left.wait()
        assert engine.aborted == [0]
        engine.gate.set()
        reader, writer = await post(url, stream=True)
        await reader.readuntil(b"[DONE]")
        writer.close()
        await writer.wait_closed()
    assert engine.aborted == [0]
