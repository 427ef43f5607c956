"""Large and hostile bodies: read beside the event loop, and refused before they cost much."""

import asyncio
import json

import pytest

from antiphon.models.language_side import LanguageSide
from antiphon.server.request_body import LARGE_BODY_BYTES
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, error_of, make_context


async def ticks_during(work: asyncio.Task[object]) -> int:
    """How often the event loop came round meanwhile."""
    ticks = 0
    while not work.done():
        ticks += 1
        await asyncio.sleep(0)
    return ticks


@pytest.mark.parametrize("item", [1, {}, {"role": "user", "content": ["x"]}])
async def test_list_that_is_too_long_is_refused_as_a_whole(
    language_side: LanguageSide, item: object
) -> None:
    client = Client(make_context(FakeEngine(), language_side))
    body = json.dumps({"input": [item] * 300_000})
    asking = asyncio.create_task(client.http.post("/v1/responses", content=body))
    ticks = await ticks_during(asking)
    assert error_of(await asking, 400)["param"].startswith("input")
    assert ticks > 10, "others had their turn while it was read"


async def test_large_body_is_answered_like_a_small_one(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = Client(make_context(FakeEngine(Script(said("Hello"))), language_side))
    metadata = {"a": "b"}
    response = await client.respond(unknown="x" * LARGE_BODY_BYTES, metadata=metadata)
    assert response["metadata"] == metadata
    error = await client.refusal(400, unknown="x" * LARGE_BODY_BYTES, temperature="hot")
    assert error["param"] == "temperature"
