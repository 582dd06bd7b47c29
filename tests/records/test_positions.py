"""Positions have no gaps and appear in their order, so that a reader can follow while many write."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import text

from records.database import Database, Reader
from records.log import Append, Entry, Where
from records.verifying import verify
from tests.support.mutating import AT

WRITERS, BATCHES = 8, 12
"""Each writer appends batches of one to four entries."""

_FURTHER = text("SELECT position, stream FROM event WHERE position > :last ORDER BY position")


def write(where: Where, number: int) -> int:
    """Append some batches to a stream of one's own; returns how many entries."""
    database, stream, version = Database(where), f"case/{number:011d}", 0
    for batch in range(BATCHES):
        entries = [
            Entry(str(uuid4()), stream, version + at, 1, "key", AT, b"body" * 20) for at in range(1, batch % 4 + 2)
        ]
        assert database.log.append(Append(stream, 1, version, stream, None, entries, ()))
        version += len(entries)
    database.close()
    return version


def followed(where: Where, writers: Sequence[Future[int]]) -> list[int]:
    """All positions, as somebody sees them who reads on and on from the last one, until all writers have ended."""
    reader, seen = Reader(where), list[int]()
    while True:
        have_ended = all(writer.done() for writer in writers)
        with reader.reading() as connection:
            found = connection.execute(_FURTHER, {"last": seen[-1] if seen else 0}).all()
        seen += [row.position for row in found]
        if have_ended and not found:
            reader.close()
            return seen


def test_a_reader_sees_each_position_once_and_in_order_while_eight_threads_write(database: Database) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, database.where, number) for number in range(WRITERS)]
        seen = followed(database.where, writers)
    assert seen == list(range(1, sum(writer.result() for writer in writers) + 1))
    assert verify(database).fault is None


def test_a_reader_sees_each_position_once_and_in_order_while_two_processes_write(database: Database) -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        writers = [pool.submit(write, database.where, number) for number in range(2)]
        seen = followed(database.where, writers)
    assert seen == list(range(1, sum(writer.result() for writer in writers) + 1))
    assert verify(database).fault is None
