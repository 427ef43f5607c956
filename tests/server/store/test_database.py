"""Opening, migrating, sharing and losing a database."""

import asyncio
import resource
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from antiphon.server.store.database import open_database
from antiphon.server.store.errors import ResponseNotFound, StoreUnavailable
from antiphon.server.store.store import Store, StoreConfig
from antiphon.server.store.tables import METADATA
from tests.server.store.accounts import check_accounts, size_on_disk
from tests.server.store.databases import lasting
from tests.server.store.examples import OWNER, FakeClock, response

MAX_BYTES = 10**8


def config_of(path: Path) -> StoreConfig:
    return StoreConfig(f"sqlite:///{path}", MAX_BYTES, 10_000)


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@contextmanager
def full_disk(num_bytes: int) -> Iterator[None]:
    """No file may grow beyond that many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    database = open_database(url)
    with database.writing() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    database.close()


async def test_file_and_its_folder_are_made_for_the_user_alone(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "new" / "store 100%.db"
    store = await Store.open(config_of(path), clock)
    await store.save(response("a"))
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://localhost/x",
        "sqlite:////dev/null/store.db",
        "sqlite:////proc/store.db",
        "sqlite:////",
        "postgresql+psycopg://user:secret@127.0.0.1:1/x",
    ],
)
async def test_database_that_can_not_be_opened_is_refused_in_one_line(
    url: str, clock: FakeClock
) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        await Store.open(StoreConfig(url, MAX_BYTES, 10_000), clock)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


async def test_database_of_a_newer_version_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "store.db"
    store = await Store.open(config_of(path), clock)
    await store.save(response("a"))
    await store.close()
    change(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match=r"a newer version of antiphon .*9999") as raised:
        await Store.open(config_of(path), clock)
    assert "\n" not in str(raised.value)
    change(path, "UPDATE alembic_version SET version_num = '0001'")
    store = await Store.open(config_of(path), clock)
    assert await store.response(OWNER, "resp_a") == response("a")
    await store.close()


async def test_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "store.db"
    path.write_text("A letter to my mother.\n" * 100)
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        await Store.open(config_of(path), clock)
    assert path.read_text().startswith("A letter to my mother.")


async def test_full_disk_is_unavailable_and_loses_nothing(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "store.db"
    store = await Store.open(config_of(path), clock)
    await store.save(response("before"))
    num_bytes = store.num_bytes
    saves = [store.save(response(str(number), text="x" * 20_000)) for number in range(100)]
    with full_disk(size_on_disk(path) + 1_000_000):
        outcomes = await asyncio.gather(*saves, return_exceptions=True)
        assert await store.response(OWNER, "resp_before") == response("before")
    failed = [number for number, outcome in enumerate(outcomes) if outcome is not None]
    assert failed
    for number, outcome in enumerate(outcomes):
        if outcome is None:
            await store.response(OWNER, f"resp_{number}")
            continue
        assert isinstance(outcome, StoreUnavailable)
        with pytest.raises(ResponseNotFound):
            await store.response(OWNER, f"resp_{number}")
    await store.save(response("after"))
    assert await store.response(OWNER, "resp_after") == response("after")
    assert store.num_bytes > num_bytes
    check_accounts(path, store.num_bytes)
    await store.close()


async def test_file_becomes_shorter_when_much_is_swept(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "store.db"
    store = await Store.open(config_of(path), clock)
    for number in range(100):
        await store.save(response(str(number), text="x" * 50_000))
    clock.now += 10_001
    await store.sweep()
    await store.close()
    assert size_on_disk(path) < 500_000


async def test_several_stores_open_one_new_database_at_once(
    config: StoreConfig, clock: FakeClock
) -> None:
    stores = await asyncio.gather(*(Store.open(config, clock) for _ in range(4)))
    for store in stores:
        await store.close()


@lasting
async def test_two_stores_share_a_database(config: StoreConfig, clock: FakeClock) -> None:
    first, second = await Store.open(config, clock), await Store.open(config, clock)
    await asyncio.gather(
        *(
            store.save(response(f"{n}{store is first}"))
            for store in (first, second)
            for n in "abcdef"
        )
    )
    assert await second.response(OWNER, "resp_aTrue") == response("aTrue")
    assert await first.response(OWNER, "resp_aFalse") == response("aFalse")
    await first.save(response("next", "aFalse"))
    assert len(await second.chain(OWNER, "resp_next")) == 4
    await first.sweep()
    await second.sweep()
    assert first.num_bytes == second.num_bytes
    await first.close()
    await second.close()


@lasting
async def test_two_stores_keep_one_bound(config: StoreConfig, clock: FakeClock) -> None:
    small = StoreConfig(config.url, 100_000, config.max_age_seconds)
    first, second = await Store.open(small, clock), await Store.open(small, clock)

    async def talk(store: Store, name: str) -> None:
        await store.save(response(f"{name}0"))
        for turn in range(1, 10):
            await store.save(response(f"{name}{turn}", f"{name}{turn - 1}", "x" * 500))

    await asyncio.gather(
        *(
            talk(store, f"{n}{who}")
            for n in range(20)
            for who, store in (("a", first), ("b", second))
        )
    )
    await first.sweep()
    await second.sweep()
    assert 0 < first.num_bytes == second.num_bytes <= small.max_bytes
    await first.close()
    await second.close()
