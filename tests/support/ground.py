"""The tables of a fresh PostgreSQL for records and keyring, and what the application may do with them."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, connect
from psycopg.sql import SQL, Identifier
from sqlalchemy import event
from sqlalchemy.pool import Pool
from sqlmodel import SQLModel

import records.models  # noqa: F401 - declares the tables
from records.migrating import KEYRING, as_owner, migrate
from records.ring import Ring
from tests.support.postgres import Databases

LOG_TABLES = ("event", "stream")


def make_tables(databases: Databases) -> None:
    """Make the records' tables, as their owner does."""
    with as_owner(databases.records_owner) as connection:
        migrate(connection, application=databases.app_role)


def empty_tables(databases: Databases) -> None:
    """Take all rows out of them, as only their owner can: a new database takes seconds, this some milliseconds."""
    with connect(databases.records_owner) as connection:
        for table in SQLModel.metadata.sorted_tables:
            schema = "log" if table.name in LOG_TABLES else "app"
            connection.execute(SQL("DELETE FROM {}").format(Identifier(schema, table.name)))


def empty_keyring(databases: Databases) -> None:
    """An empty keyring, its tables made if there are none."""
    with as_owner(databases.keyring) as connection:
        migrate(connection, KEYRING)
        for table in Ring.metadata.sorted_tables:
            connection.execute(table.delete())


@contextmanager
def whatever_opens_is_closed() -> Iterator[None]:
    """Close all connections in the end: keys that a test takes from a keyring, as often as it likes, keep some open."""
    opened: list[Connection] = []

    def note(connection: Connection, _: object) -> None:
        opened.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield
    finally:
        event.remove(Pool, "connect", note)
        for connection in opened:
            connection.close()


def settings_of(databases: Databases) -> dict[str, str]:
    """What the environment of an installation says whose records and keyring are there."""
    return {
        "SAFECONDUCT_RECORDS_URL": databases.records_app,
        "SAFECONDUCT_RECORDS_OWNER_URL": databases.records_owner,
        "SAFECONDUCT_KEYRING_URL": databases.keyring,
    }
