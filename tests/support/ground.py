"""The tables of a fresh PostgreSQL for the records, and what the application may do with them."""

from psycopg import connect
from psycopg.sql import SQL, Identifier
from sqlmodel import SQLModel

import records.models  # noqa: F401 - declares the tables
from records.migrating import as_owner, migrate
from tests.support.postgres import Databases

LOG_TABLES = ("event", "stream")


def make_tables(databases: Databases) -> None:
    """Make them, as their owner does."""
    with as_owner(databases.records_owner) as connection:
        migrate(connection, application=databases.app_role)


def empty_tables(databases: Databases) -> None:
    """Take all rows out of them, as only their owner can: a new database takes seconds, this some milliseconds."""
    with connect(databases.records_owner) as connection:
        for table in SQLModel.metadata.sorted_tables:
            schema = "log" if table.name in LOG_TABLES else "app"
            connection.execute(SQL("DELETE FROM {}").format(Identifier(schema, table.name)))
