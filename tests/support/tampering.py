"""Somebody who has the records' file and a program of their own, which asks nobody's leave."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, connect


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
