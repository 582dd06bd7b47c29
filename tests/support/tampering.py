"""Somebody who has the records, and a program of their own which asks nobody's leave."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, connect

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection as SqlConnection
from sqlalchemy.pool import NullPool

from records.database import Reader
from records.log import Where


@contextmanager
def tampering(path: Path) -> Iterator[Connection]:
    """The file without its triggers, for as long as the context lasts."""
    with closing(connect(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()


@contextmanager
def owning(where: Where) -> Iterator[SqlConnection]:
    """One transaction of whoever owns the tables: of a file without its triggers, or of PostgreSQL's owner."""
    if isinstance(where, Path):
        engine = create_engine(f"sqlite:///{where}", poolclass=NullPool)
    else:
        engine = create_engine(
            where.replace("postgresql://", "postgresql+psycopg://"),
            connect_args={"options": "-c search_path=app,log"},
            isolation_level="REPEATABLE READ",
            poolclass=NullPool,
        )
    with engine.connect() as connection:
        if isinstance(where, Path):
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.commit()
        yield connection
    engine.dispose()


class AsItStands(Reader):
    """The records as one transaction sees them that was never committed: nobody else does."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[SqlConnection]:
        yield self._connection
