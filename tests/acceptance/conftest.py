"""What these tests share: a model that thinks and calls tools, and a server around it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from antiphon.server.context import ServerContext
from tests.acceptance.model_outputs import OUTPUTS
from tests.acceptance.recorded_streams import RecordedStream, recorded_streams
from tests.fake_engine import FakeEngine
from tests.language_fixtures import language_side as plain_language_side
from tests.language_fixtures import said
from tests.server_fixtures import client, context, engine
from tests.serving import EncodePieces, loopback

__all__ = ["client", "context", "engine", "plain_language_side", "said"]


@pytest.fixture(scope="session")
def language_side(plain_language_side: LanguageSide) -> LanguageSide:
    return replace(plain_language_side, dialect=dialect_named("qwen3"))


@pytest.fixture(params=OUTPUTS)
def output(request: pytest.FixtureRequest, engine: FakeEngine, said: EncodePieces) -> str:
    """The name of what the model is going to say: a test runs once for each."""
    name: str = request.param
    engine.script = OUTPUTS[name](said)
    return name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def streams(
    language_side: LanguageSide, said: EncodePieces
) -> dict[tuple[str, str], RecordedStream]:
    """Made once, for the many tests that only look at them."""
    return await recorded_streams(language_side, said)


@pytest.fixture
async def url(context: ServerContext) -> AsyncIterator[str]:
    """Of the same server on loopback."""
    async with loopback(context) as url:
        yield url
