"""The kinds of database that a store is tested with.

PostgreSQL is among them where TEST_POSTGRES_URL names a database, such as
`postgresql+psycopg://postgres@127.0.0.1/test`.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL")
LASTING = ["file"] if POSTGRES_URL is None else ["file", "postgresql"]
KINDS = ["memory", *LASTING]

lasting = pytest.mark.parametrize("url", LASTING, indirect=True)
"""For a test that opens the same database twice."""


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new one."""
    if kind == "memory":
        yield "sqlite://"
    elif kind == "file":
        yield f"sqlite:///{folder}/store.db"
    else:
        assert POSTGRES_URL is not None, "the kind is there because it is"
        with _schema(POSTGRES_URL) as url:
            yield url


@contextmanager
def _schema(url: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(8)}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    within = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
    yield within.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()
