"""A request's tier and cache key reach the engine, for all that it does for the request."""

import pytest

from antiphon.engine.priority import Priority
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, make_context

SAID = Script([[1, 2]])


@pytest.mark.parametrize(
    ("tier", "priority"),
    [
        (None, Priority.DEFAULT),
        ("auto", Priority.DEFAULT),
        ("default", Priority.DEFAULT),
        ("flex", Priority.FLEX),
        ("priority", Priority.PRIORITY),
    ],
)
async def test_the_tier_is_how_urgent_the_sequence_is(
    tier: str | None, priority: Priority, language_side: LanguageSide
) -> None:
    engine = FakeEngine(SAID)
    response = await Client(make_context(engine, language_side)).respond(service_tier=tier)
    assert response["service_tier"] == priority
    assert engine.generations[0].priority is priority


@pytest.mark.parametrize(("key", "salt"), [(None, ""), ("mine", "mine")])
async def test_the_cache_key_says_whose_prefixes_are_shared(
    key: str | None, salt: str, language_side: LanguageSide
) -> None:
    engine = FakeEngine(SAID)
    await Client(make_context(engine, language_side)).respond(prompt_cache_key=key)
    assert engine.generations[0].cache_salt == salt


async def test_summaries_stand_where_their_request_stands(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("In short.")))
    client = Client(make_context(engine, language_side))
    turns = [{"role": "user", "content": f"Turn {index}"} for index in range(3)]
    body = {"model": "tiny", "input": turns, "prompt_cache_key": "mine"}
    answer = await client.http.post("/v1/responses/compact", json=body)
    assert answer.status_code == 200
    assert {generation.cache_salt for generation in engine.generations} == {"mine"}
