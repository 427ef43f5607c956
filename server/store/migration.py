"""Bringing the schema up to date with the steps in `migrations`."""

from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from antiphon.server.store.errors import StoreUnavailable

STEPS = Path(__file__).parent / "migrations"
POSTGRESQL_LOCK = "SELECT pg_advisory_xact_lock(7022631)"  # any number, but always the same
ALEMBIC = Lock()  # its `op` and `context` are one for the whole process


def migrate(connection: Connection) -> None:
    """Take the missing steps within the connection's transaction: all of them or none.

    Raises StoreUnavailable for a database of a newer version.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(POSTGRESQL_LOCK)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    try:
        with ALEMBIC:
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnavailable(f"a newer version of antiphon wrote it ({error})") from error
