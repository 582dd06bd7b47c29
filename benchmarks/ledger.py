"""The log beside the ``eventsourcing`` library, in one run on one disk: the same shapes, bodies of 256 bytes, durable.

Ours are sealed, chained, idempotent and written with a read model; theirs are plain. Both take turns, so that the
machine's noise hits both alike.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from sqlalchemy import make_url

from benchmarks.figures import Figure
from records.database import Database
from records.keys import Keys, Purpose
from records.log import Append, Entry, Log, Statement, header_of
from records.migrating import as_owner, migrate
from tests.support.keys import keys_in
from tests.support.postgres import postgres_server

BODY = bytes(256)
TURNS = 5
SINGLES, BATCHES, BATCH = 400, 10, 100
"""In each turn."""

CASE = "case/00000000000"
AT = "2026-09-01T00:00:00.000000+00:00"
_CARD = (
    "INSERT INTO phase_card (stream, reference, phase, number, country, headline, is_open) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream) DO UPDATE SET headline = excluded.headline"
)


@dataclass
class Ours:
    """One stream of ours."""

    log: Log
    keys: Keys
    stream: str
    version: int = 0
    epoch: int = 0

    def __post_init__(self) -> None:
        self.epoch = self.log.take_over(self.stream, CASE)

    def append(self, number: int) -> None:
        """Append entries in one transaction, with a read model."""
        sealer = self.keys.sealer(CASE, Purpose.LOG)
        entries = []
        for version in range(self.version + 1, self.version + number + 1):
            bare = Entry(str(uuid4()), self.stream, version, 1, sealer.key_id, AT, b"")
            entries.append(bare._replace(body=sealer.seal(header_of(bare), BODY)))
        card = Statement(_CARD, [(self.stream, "00000000000", "safety", 1, "KZ", "well", True)])
        assert self.log.append(Append(self.stream, self.epoch, self.version, CASE, 0, entries, [card]))
        self.version += number


@dataclass
class Theirs:
    """One sequence of theirs."""

    recorder: ApplicationRecorder
    name: str
    version: int = 0

    def append(self, number: int) -> None:
        """Append events in one transaction."""
        versions = range(self.version + 1, self.version + number + 1)
        self.recorder.insert_events([StoredEvent(self.name, version, "topic", BODY) for version in versions])
        self.version += number


def ledger() -> Iterator[Figure]:
    """Appends on both databases."""
    with tempfile.TemporaryDirectory(prefix="safeconduct-bench-") as name:
        folder = Path(name)
        keys = keys_in(folder)[0]
        with _on_sqlite(folder, keys) as (theirs, ours):
            yield from _appends("SQLite", theirs, ours, single=0.9, batch=0.35)
        with _on_postgresql(keys) as (theirs, ours):
            yield from _appends("PostgreSQL", theirs, ours, single=1.0, batch=1.0)


@contextmanager
def _on_sqlite(folder: Path, keys: Keys) -> Iterator[tuple[Theirs, Ours]]:
    datastore = SQLiteDatastore(str(folder / "theirs.db"), originator_id_type="text")
    recorder = SQLiteApplicationRecorder(datastore)
    recorder.create_table()
    with datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone()[0] == 2, "durable, as ours is"
    database = Database(folder / "records.db")
    yield Theirs(recorder, "one"), Ours(database.log, keys, f"{CASE}/safety/1")
    datastore.close()
    database.close()


@contextmanager
def _on_postgresql(keys: Keys) -> Iterator[tuple[Theirs, Ours]]:
    with postgres_server() as server, server.fresh() as databases:
        with as_owner(databases.records_owner) as connection:
            migrate(connection, application=databases.app_role)
        owner = make_url(databases.records_owner)
        datastore = PostgresDatastore(
            str(owner.database),
            str(owner.host),
            int(owner.port or 0),
            str(owner.username),
            str(owner.password),
            originator_id_type="text",
            enable_db_functions=True,
            schema="theirs",
        )
        with as_owner(databases.records_owner) as connection:
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS theirs")
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        database = Database(databases.records_app)
        yield Theirs(recorder, "one"), Ours(database.log, keys, f"{CASE}/safety/1")
        datastore.close()
        database.close()


def _appends(where: str, theirs: Theirs, ours: Ours, *, single: float, batch: float) -> Iterator[Figure]:
    for kind, times, number, aim in (
        ("single appends", SINGLES, 1, single),
        (f"batches of {BATCH}", BATCHES, BATCH, batch),
    ):
        rates = _by_turns([theirs.append, ours.append], times, number)
        ratio = rates[1] / rates[0]
        yield Figure(
            name=f"log on {where}: {kind}, theirs plain",
            bare=rates[0],
            ours=rates[1],
            ratio=ratio,
            unit="events/s",
            aim=f"{aim} or more",
            met=ratio >= aim,
            held_back="each entry is sealed, digested, chained and found by its id; heads and cards move with it",
        )


def _by_turns(appends: Sequence[Callable[[int], None]], times: int, number: int) -> list[float]:
    """The median rate of each, in events a second."""
    rates: list[list[float]] = [[] for _ in appends]
    for append in appends:
        append(number)
    for _ in range(TURNS):
        for found, append in zip(rates, appends, strict=True):
            began = time.perf_counter()
            for _ in range(times):
                append(number)
            found.append(times * number / (time.perf_counter() - began))
    return [statistics.median(found) for found in rates]
