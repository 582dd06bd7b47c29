"""Bringing a database to the tables that this version of the program knows, and back.

Two databases, two trees of revisions: the records, and the keyring. Rules:
    1. A migration is one transaction, the caller's: it is done whole or not at all, and a second one waits for it.
    2. Alembic is imported only when something has to be migrated: a command that looks must not wait for it.
    3. A database of a newer program is left alone.

On PostgreSQL the tables lie in two schemas: ``log``, which the application can only read, and ``app``, its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, MetaData, create_engine, inspect, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from records.errors import NoAddress, Outdated, TooNew
from records.sqlite_log import TRIGGERS

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"

SEARCH_PATH = "-c search_path=app,log"
"""What is made without a schema's name is the application's."""

_TURN = 7_233_326
"""PostgreSQL's advisory lock: whose turn it is to migrate. It means nothing outside a database."""


@dataclass(frozen=True)
class Tree:
    """The revisions of one database."""

    folder: Path
    head: str
    """The newest revision; a test holds it against the folder."""
    schema: str
    """PostgreSQL's schema with the table that says where a database stands."""


RECORDS = Tree(_MIGRATIONS, head="0001", schema="log")
KEYRING = Tree(_MIGRATIONS / "keyring", head="0001", schema="app")


def url_of(text: str) -> URL:
    """A PostgreSQL's address, taken apart.

    Raises:
        NoAddress: it is none.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise NoAddress from None
    if url.drivername != "postgresql" or not (url.host and url.database):
        raise NoAddress
    return url.set(drivername="postgresql+psycopg")


@contextmanager
def as_owner(url: str) -> Iterator[Connection]:
    """A transaction of the role that owns a PostgreSQL's tables. (A file is migrated by whoever writes it.)

    Raises:
        NoAddress: the address is none.
    """
    engine = create_engine(url_of(url), poolclass=NullPool, hide_parameters=True, connect_args={"options": SEARCH_PATH})
    with engine.begin() as connection:
        yield connection


def revision_of(connection: Connection, tree: Tree = RECORDS) -> str | None:
    """Where a database stands; None, if nothing was ever migrated there."""
    schema = _schema(connection, tree)
    if not inspect(connection).has_table("alembic_version", schema=schema):
        return None
    table = "alembic_version" if schema is None else f"{schema}.alembic_version"
    found: str | None = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608 - our own
    return found


def is_current(connection: Connection, tree: Tree = RECORDS) -> bool:
    """Whether a database has the tables that this program knows."""
    return revision_of(connection, tree) == tree.head


def migrate(connection: Connection, tree: Tree = RECORDS, to: str = "head", application: str | None = None) -> None:
    """Bring a database up to a revision, in the connection's transaction.

    Args:
        application: PostgreSQL's role that the application connects with, if it is another one than the owner's.

    Raises:
        TooNew: a newer program has migrated it.
    """
    from alembic import command

    command.upgrade(_prepared(connection, tree, application), to)


def make_or_migrate(connection: Connection, tree: Tree, tables: MetaData) -> None:
    """Make the tables of a new file, or bring an old one up to date, in its transaction. Somebody may have done so.

    Raises:
        TooNew: a newer program has migrated it.
    """
    if is_current(connection, tree):
        return
    if inspect(connection).get_table_names():
        migrate(connection, tree)
        return
    # what all revisions come to, at once and without Alembic: a test compares the two
    tables.create_all(connection)
    for trigger in TRIGGERS if tree is RECORDS else ():
        connection.exec_driver_sql(trigger)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (tree.head,))


def must_be_current(connection: Connection, tree: Tree) -> None:
    """
    Raises:
        Outdated: its owner has not migrated it, or a newer program has.
    """
    if not is_current(connection, tree):
        raise Outdated("this PostgreSQL has not the tables of this version: its owner runs `safeconduct migrate`")


def step_back(connection: Connection, tree: Tree = RECORDS, to: str = "base") -> None:
    """Take a database back to an earlier revision, in its transaction: what only later tables hold is lost.

    Raises:
        TooNew: a newer program has migrated it.
    """
    from alembic import command

    command.downgrade(_prepared(connection, tree, None), to)


def _prepared(connection: Connection, tree: Tree, application: str | None) -> "Config":
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        _must_sort_by_bytes(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS app"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS log"))
        connection.execute(text("SET LOCAL search_path = app, log"))
    schema = _schema(connection, tree)
    config = Config(attributes={"connection": connection, "version_table_schema": schema, "application": application})
    config.set_main_option("script_location", str(tree.folder).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision_of(connection, tree) not in known | {None}:
        raise TooNew(
            "these records were last opened by a newer version of Safeconduct: install that one, or a later one"
        )
    return config


def _must_sort_by_bytes(connection: Connection) -> None:
    """Streams of one case are read as one range, and instants are text: a language's order would tear both apart.

    Raises:
        Outdated: the database was made with a language's order.
    """
    found = connection.execute(text("SELECT datcollate FROM pg_database WHERE datname = current_database()")).scalar()
    if str(found).partition(".")[0] not in ("C", "POSIX"):
        raise Outdated(
            "this PostgreSQL sorts text by a language: make its database anew with TEMPLATE template0 LOCALE 'C'"
        )


def _schema(connection: Connection, tree: Tree) -> str | None:
    return tree.schema if connection.dialect.name == "postgresql" else None
