"""Opening the records' database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import connect
from urllib.parse import quote

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool
from sqlmodel import SQLModel

import records.models  # noqa: F401 - declares the tables
from records.errors import Unreachable

BUSY_SECONDS = 5
"""How long a writer waits for another one. Longer would only hold up a workflow task, which retries anyway."""


class Reader:
    """The records for somebody who only looks: it makes no file, and takes a missing one for no empty one.

    Each reading opens the file anew: a connection that is kept would go on reading a file that has been taken away.
    """

    def __init__(self, path: Path) -> None:
        self._reader = create_engine(
            "sqlite://",
            creator=lambda: connect(_address(path), uri=True, timeout=BUSY_SECONDS),
            poolclass=NullPool,
            hide_parameters=True,
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that reads.

        Raises:
            Unreachable: the database is locked or gone.
        """
        with _answering(), self._reader.begin() as connection:
            yield connection

    def close(self) -> None:
        self._reader.dispose()


LOG_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")
"""Readers never wait for the writer, and a commit is on the disk."""


class Database(Reader):
    """One SQLite file, by default the one with the log, the read models and the vault.

    Readers and writers have engines of their own: a writer takes the write lock with its first statement, because a
    deferred transaction fails when it upgrades.
    """

    def __init__(
        self, path: Path, tables: MetaData = SQLModel.metadata, pragmas: tuple[str, ...] = LOG_PRAGMAS
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._writer = _engine(path, "BEGIN IMMEDIATE", pragmas)
        self._reader = _engine(path, "BEGIN", pragmas)
        with self.writing() as connection:
            tables.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes.

        Raises:
            Unreachable: the database is locked, full or gone.
        """
        with _answering(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self._writer.dispose()
        super().close()


def _address(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=rw"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise Unreachable(f"the records do not answer: {type(error.orig).__name__}") from None


def _engine(path: Path, begin: str, pragmas: tuple[str, ...]) -> Engine:
    # never "create if missing": a file that was taken away must not be begun anew by the next connection
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(_address(path), uri=True, timeout=BUSY_SECONDS, check_same_thread=False),
        poolclass=QueuePool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: SqliteConnection, _: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in (*pragmas, "secure_delete=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
