"""Bringing a database to the tables that this version of the program knows, and back.

Two databases, two trees of revisions: the records, and the keyring. Rules:
    1. A migration is one transaction, the caller's: it is done whole or not at all, and a second one waits for it.
    2. Alembic is imported only when something has to be migrated: a command that looks must not wait for it.
    3. A database of a newer program is left alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from records.errors import TooNew

if TYPE_CHECKING:
    from sqlite3 import Connection as SqliteConnection

    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"

_TURN = 7_233_326
"""PostgreSQL's advisory lock: whose turn it is to migrate. It means nothing outside a database."""


@dataclass(frozen=True)
class Tree:
    """The revisions of one database."""

    folder: Path
    head: str
    """The newest revision; a test holds it against the folder."""


RECORDS = Tree(_MIGRATIONS, head="0001")
KEYRING = Tree(_MIGRATIONS / "keyring", head="0001")


@contextmanager
def migrating(url: str) -> Iterator[Connection]:
    """A transaction in which a database can be migrated, whoever else has it open. For PostgreSQL: as its owner."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        # the driver begins transactions only before it changes rows: tables would be made outside of one
        @event.listens_for(engine, "connect")
        def _on_connect(connection: "SqliteConnection", _: object) -> None:
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def _on_begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        yield connection


def revision_of(connection: Connection) -> str | None:
    """Where a database stands; None, if nothing was ever migrated there."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def is_current(connection: Connection, tree: Tree = RECORDS) -> bool:
    """Whether a database has the tables that this program knows."""
    return revision_of(connection) == tree.head


def migrate(connection: Connection, tree: Tree = RECORDS, to: str = "head", application: str | None = None) -> None:
    """Bring a database up to a revision, in the connection's transaction.

    Args:
        application: PostgreSQL's role that the application connects with, if it is another one than the owner's.

    Raises:
        TooNew: a newer program has migrated it.
    """
    from alembic import command

    config = _prepared(connection, tree, application)
    command.upgrade(config, to)
    if application is not None and connection.dialect.name == "postgresql":
        role = connection.dialect.identifier_preparer.quote(application)
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {role}"))


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
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    config = Config(attributes={"connection": connection, "application": application})
    config.set_main_option("script_location", str(tree.folder).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision_of(connection) not in known | {None}:
        raise TooNew(
            "these records were last opened by a newer version of Safeconduct: install that one, or a later one"
        )
    return config
