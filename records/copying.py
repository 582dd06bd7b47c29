"""Copies of a database, as one SQLite file whatever it was: for a backup, and for the way back."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Error as SqliteError
from sqlite3 import connect

from sqlalchemy import Connection, MetaData, Table, create_engine, insert, select, text
from sqlmodel import SQLModel

from records.database import answering, postgresql
from records.errors import Unreachable, why
from records.log import Where
from records.migrating import KEYRING, RECORDS, Tree, as_owner, make_or_migrate
from records.ring import Ring
from records.sqlite_log import BUSY_SECONDS, address

ROWS = 1000
"""Written at a time."""


@dataclass(frozen=True)
class Kind:
    """What a database holds: its tables, and the revisions that made them."""

    tables: MetaData
    tree: Tree


RECORDS_KIND = Kind(SQLModel.metadata, RECORDS)
KEYRING_KIND = Kind(Ring.metadata, KEYRING)


def copy_to_file(source: Where, kind: Kind, target: Path) -> None:
    """Copy a database as it is at one moment, while others write it. What was deleted there is not in the copy.

    Args:
        source: a file, or a PostgreSQL.
        kind: what it holds.
        target: a file that does not exist yet.

    Raises:
        Unreachable: the database, or the disk, does not answer.
        FileExistsError: the target exists.
    """
    target.touch(mode=0o600, exist_ok=False)
    if isinstance(source, Path):
        _copy_file(source, target)
        return
    with answering(), _reading(source) as reader, _file(target, kind) as writer:
        _copy_rows(reader, writer, kind.tables)


def copy_from_file(source: Path, kind: Kind, target: Where) -> None:
    """The way back, into a file that does not exist yet or a PostgreSQL whose tables are empty, as their owner.

    Raises:
        Unreachable: the database, or the disk, does not answer; or it holds something already.
        FileExistsError: the target is a file that exists.
    """
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.touch(mode=0o600, exist_ok=False)
        _copy_file(source, target)
        return
    with answering(), _file(source, kind) as reader, as_owner(target) as writer:
        _copy_rows(reader, writer, kind.tables)
        _count_on(writer, kind.tables)


def _copy_file(source: Path, target: Path) -> None:
    try:
        with closing(connect(address(source), uri=True, timeout=BUSY_SECONDS)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except SqliteError as error:
        target.unlink()
        raise Unreachable(f"{source} could not be copied: {why(error)}") from None


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    """All that was committed before, and nothing after: one view for all tables."""
    engine = postgresql(url).execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@contextmanager
def _file(path: Path, kind: Kind) -> Iterator[Connection]:
    """A file, its tables made if there are none; only its owner may read it."""
    engine = create_engine("sqlite://", creator=lambda: connect(address(path), uri=True), hide_parameters=True)
    with engine.begin() as connection:
        make_or_migrate(connection, kind.tree, kind.tables)
        yield connection
    engine.dispose()


def _copy_rows(reader: Connection, writer: Connection, tables: MetaData) -> None:
    for table in tables.sorted_tables:
        for rows in _portions(reader, table):
            writer.execute(insert(table), rows)


def _portions(reader: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    found = reader.execution_options(yield_per=ROWS).execute(select(table).order_by(*table.primary_key))
    for rows in found.mappings().partitions():
        yield [dict(row) for row in rows]


def _count_on(writer: Connection, tables: MetaData) -> None:
    """Numbers that PostgreSQL gives by itself go on after those that were copied."""
    for table in tables.sorted_tables:
        counted = table.autoincrement_column
        if counted is not None:
            writer.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{counted.name}'), "  # noqa: S608
                    f"(SELECT coalesce(max({counted.name}), 0) + 1 FROM {table.name}), false)"
                )
            )
