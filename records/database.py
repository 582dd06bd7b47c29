"""Opening the records' database: an SQLite file, or a PostgreSQL.

A file is made, and brought up to date, by whoever opens it for writing. A PostgreSQL's tables belong to another role:
``safeconduct migrate``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import connect

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool
from sqlmodel import SQLModel

import records.models  # noqa: F401 - declares the tables
from records.errors import Unreachable, why
from records.log import Log, Where
from records.migrating import (
    RECORDS,
    SEARCH_PATH,
    Tree,
    is_current,
    make_or_migrate,
    must_be_current,
    revision_of,
    url_of,
)
from records.sqlite_log import BUSY_SECONDS, LOG_PRAGMAS, SqliteLog, address

CONNECT_SECONDS = 5
"""How long a PostgreSQL may take to answer at all."""

CONNECTIONS = 10
"""To a PostgreSQL, at most: as many as a worker has threads for its records, and two for who looks."""


class Reader:
    """The records for somebody who only looks: it makes no file, and takes a missing one for no empty one.

    Each reading opens the file anew: a connection that is kept would go on reading a file that has been taken away.
    """

    def __init__(self, where: Where) -> None:
        self.where = where
        self._reader = postgresql(where) if isinstance(where, str) else _looking_at(where)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that reads.

        Raises:
            Unreachable: the database is locked or gone.
        """
        with answering(), self._reader.connect() as connection:
            connection.begin()
            try:
                yield connection  # and then let go: there is nothing to commit, which would fail on a damaged file
            except BaseException:
                # a question that was cut off stays open, and with it what this connection sees: the past
                connection.invalidate()
                raise

    def close(self) -> None:
        self._reader.dispose()


def is_there(where: Where, tree: Tree) -> bool:
    """Whether a database has been made: a file that holds tables, or a PostgreSQL that its owner has migrated.

    Raises:
        Unreachable: it does not say.
    """
    if isinstance(where, Path) and not where.exists():
        return False
    reader = Reader(where)
    try:
        with reader.reading() as connection:
            return revision_of(connection, tree) is not None
    finally:
        reader.close()


class Database(Reader):
    """One database, by default the one with the log, the read models and the vault.

    Readers and writers of a file have engines of their own: a writer takes the write lock with its first statement,
    because a deferred transaction fails when it upgrades.
    """

    def __init__(
        self,
        where: Where,
        tables: MetaData = SQLModel.metadata,
        pragmas: tuple[str, ...] = LOG_PRAGMAS,
        tree: Tree = RECORDS,
    ) -> None:
        self.where = where
        self._pragmas = pragmas
        if isinstance(where, str):
            self._reader = self._writer = postgresql(where)
            with self.reading() as connection:
                must_be_current(connection, tree)
            return
        try:
            where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            where.touch(mode=0o600)
        except OSError as error:
            raise Unreachable(f"{where} can't be made: {(error.strerror or 'no folder').lower()}") from None
        self._writer = _sqlite(where, "BEGIN IMMEDIATE", pragmas)
        self._reader = _sqlite(where, "BEGIN", pragmas)
        with self.reading() as connection:
            is_as_wanted = is_current(connection, tree)
        if not is_as_wanted:
            with self.writing() as connection:
                make_or_migrate(connection, tree, tables)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes.

        Raises:
            Unreachable: the database is locked, full or gone.
        """
        with answering(), self._writer.begin() as connection:
            yield connection

    @cached_property
    def log(self) -> Log:
        """The log that this database holds."""
        if isinstance(self.where, str):
            from records.postgresql_log import PostgresqlLog  # its driver is not needed where records are a file

            return PostgresqlLog(self._writer)
        return SqliteLog(self.where, self._pragmas)

    def close(self) -> None:
        if "log" in self.__dict__:
            self.log.close()
        self._writer.dispose()
        super().close()


@contextmanager
def answering() -> Iterator[None]:
    """What a database's driver says becomes the records' own error."""
    try:
        yield
    except DBAPIError as error:
        raise Unreachable(f"the records do not answer: {why(error.orig)}") from None


def _looking_at(path: Path) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(address(path), uri=True, timeout=BUSY_SECONDS, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: SqliteConnection, _: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # else each question would see a moment of its own

    return engine


def postgresql(url: str) -> Engine:
    """Connections to a PostgreSQL; the log's tables and the others' are found in either schema.

    Raises:
        NoAddress: the address is none.
    """
    return create_engine(
        url_of(url),
        # nothing is prepared by the driver: after a rollback it would forget what the log has prepared as well
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": SEARCH_PATH, "prepare_threshold": None},
        pool_size=CONNECTIONS,
        max_overflow=0,
        hide_parameters=True,
    )


def _sqlite(path: Path, begin: str, pragmas: tuple[str, ...]) -> Engine:
    # never "create if missing": a file that was taken away must not be begun anew by the next connection
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(address(path), uri=True, timeout=BUSY_SECONDS, check_same_thread=False),
        poolclass=QueuePool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: SqliteConnection, _: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in (*pragmas, "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
