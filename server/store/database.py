"""The database behind the store: SQLite or PostgreSQL, brought up to date when it is opened."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from antiphon.server.store.errors import StoreUnavailable
from antiphon.server.store.migration import migrate
from antiphon.server.store.transaction import Transaction

CONNECT_SECONDS = "10"
LOCK_WAIT = "SET LOCAL lock_timeout = '5s'"  # as long as SQLite's driver waits on its own
VACUUM_PAGES = 1000
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {4 * 2**20}",
)


def unavailable(error: Exception) -> StoreUnavailable:
    """The one line that says what the database has against it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return StoreUnavailable(lines[0].rstrip("."))


@dataclass(frozen=True, slots=True)
class Database:
    """Connections to read with and to write with, each with one transaction.

    turn:  held during each; it excludes something only where all share one connection.
    """

    _reader: Engine
    _writer: Engine
    _turn: AbstractContextManager[object]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging state of the database. Raises StoreUnavailable."""
        with _translated(), self._turn, self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Commits at the end, or rolls back and raises StoreUnavailable."""
        with _translated(), self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self._writer.dispose()


def open_database(url: str) -> Database:
    """Connect and migrate; blocks. Raises StoreUnavailable."""
    with _translated():
        parsed = make_url(url)
    try:
        return _migrated(_connect(parsed))
    except (StoreUnavailable, OSError, ImportError, SQLAlchemyError) as error:
        reason = error.reason if isinstance(error, StoreUnavailable) else unavailable(error).reason
        raise StoreUnavailable(f"{parsed}: {reason}") from error  # the URL hides its password


def give_back_pages(transaction: Transaction) -> bool:
    """Shorten SQLite's file by some of the pages that nothing uses; whether more should follow.

    A tenth may stay unused: what is saved next goes there.
    """
    if transaction.connection.dialect.name != "sqlite":
        return False
    num_free = _pragma(transaction.connection, "freelist_count")
    if num_free * 10 <= _pragma(transaction.connection, "page_count"):
        return False
    for _ in range(min(num_free, VACUUM_PAGES)):
        # One page each: Python's driver takes a single step of it, whatever number is asked for.
        transaction.connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return _pragma(transaction.connection, "freelist_count") < num_free


def _migrated(database: Database) -> Database:
    try:
        with database.writing() as connection:
            migrate(connection)
    except BaseException:
        database.close()
        raise
    return database


def _connect(url: URL) -> Database:
    if url.get_backend_name() == "sqlite":
        return _connect_sqlite(url)
    if url.get_backend_name() == "postgresql":
        return _connect_postgresql(url)
    raise StoreUnavailable("only sqlite:// and postgresql+psycopg:// are served")


def _connect_sqlite(url: URL) -> Database:
    is_in_memory = url.database in (None, "", ":memory:")
    if is_in_memory:
        engine = create_engine(
            url,
            poolclass=StaticPool,
            hide_parameters=True,
            connect_args={"check_same_thread": False},
        )
    else:
        _make_private_file(Path(str(url.database)))
        engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return Database(
        # The driver would begin by itself, and only before a write: reads would not be of one
        # state, and a write could find that another process was faster since its first read.
        engine.execution_options(begin="BEGIN"),
        engine.execution_options(begin="BEGIN IMMEDIATE"),
        Lock() if is_in_memory else nullcontext(),
    )


def _connect_postgresql(url: URL) -> Database:
    url = url.set(drivername="postgresql+psycopg")
    url = url.set(query={"connect_timeout": CONNECT_SECONDS, **url.query})
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return Database(
        engine.execution_options(isolation_level="REPEATABLE READ"),
        engine.execution_options(begin=LOCK_WAIT),
        nullcontext(),
    )


def _make_private_file(path: Path) -> None:
    """What people said to a model is nobody else's; SQLite's other files take its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401  the driver's own
    connection.isolation_level = None
    if connection.execute("PRAGMA page_count").fetchone() == (0,):  # not later, it takes a lock
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    for pragma in PRAGMAS:
        connection.execute(pragma).fetchall()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("begin")
    if statement is not None:
        connection.exec_driver_sql(statement)


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise unavailable(error) from error
