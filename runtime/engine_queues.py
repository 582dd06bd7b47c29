"""What the embedded engine still holds of erased cases in its queues, taken away while it stands still.

Whoever deletes a workflow in Temporal deletes its state and its history; its timers stay in a queue until their instant
comes, for months, each with the workflow's id. No call takes them out, and none fires: their workflow is not there. So
the rows are deleted from the engine's file, before the engine opens it.

SQLite's ``secure_delete`` overwrites a row where it last lay; where pages were split or joined, what they held before
may stay in the gap between their rows. So a file whose bytes still name an erased case is written anew.
"""

import re
from collections.abc import Collection
from contextlib import closing, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from sqlite3 import Connection, Error, connect

from domain.references import case_stream
from records.board import Board
from records.database import Reader
from records.fences import fenced_references
from records.sqlite_log import address

QUEUES = ("timer_tasks", "transfer_tasks", "visibility_tasks", "tasks")
"""The engine's tables of what it is still to do. None of it can be done for a workflow that is not there."""

BUSY_SECONDS = 5.0


def sweep(file: Path, references: Collection[str]) -> int:
    """Delete what stands in the queues of these cases, and overwrite all that names them. No engine may have it open.

    Returns:
        How many rows there were; none if the file is not there, or another engine's.
    """
    if not references or not file.exists():
        return 0
    with suppress(Error), closing(connect(address(file), uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")  # else a copy of all lies in a file that is only unlinked
        with connection:
            swept = sum(_swept(connection, queue, references) for queue in QUEUES)
        if _named(file, references):
            connection.execute("VACUUM")
        return swept
    return 0


def _named(file: Path, references: Collection[str]) -> bool:
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as content:
        return re.search("|".join(map(case_stream, references)).encode(), content) is not None


def _swept(connection: Connection, queue: str, references: Collection[str]) -> int:
    held = [
        row
        for row, data in connection.execute(f"SELECT rowid, data FROM {queue}")  # noqa: S608
        if any(case_stream(reference).encode() in data for reference in references)
    ]
    connection.executemany(f"DELETE FROM {queue} WHERE rowid = ?", [(row,) for row in held])  # noqa: S608
    return len(held)


def erased_for_good(database: Reader) -> list[str]:
    """The cases whose erasure is over: nothing of theirs runs, or is being deleted, any more."""
    fenced = fenced_references(database)
    return [one.reference for one in Board(database).erasures() if not one.is_open and one.reference in fenced]
