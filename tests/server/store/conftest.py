"""A store in each kind of database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from antiphon.server.store.store import Store, StoreConfig
from tests.server.store.databases import KINDS, database_of
from tests.server.store.examples import FakeClock

MAX_BYTES = 50_000_000
DAY_SECONDS = 86_400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with database_of(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def config(url: str) -> StoreConfig:
    return StoreConfig(url, MAX_BYTES, max_age_seconds=DAY_SECONDS)


@pytest.fixture
async def store(config: StoreConfig, clock: FakeClock) -> AsyncIterator[Store]:
    opened = await Store.open(config, clock)
    yield opened
    await opened.close()
