"""Records that are locked, gone, or have no room left: commands wait, and then are in the log once.

``make soak`` keeps them away for two minutes. What a clock that was moved does is in ``tests/watch/test_clocks.py``.
"""

import asyncio
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.case import Phase, case_stream, make_reference, phase_stream
from domain.errors import Refused
from domain.events import Command, Receipt
from domain.facts import Occurred
from domain.room import DutyCameDue
from domain.safety import ContactLogged, Detained
from records.board import Board
from records.database import Database
from records.keyring import Purpose
from runtime.keys import existing_ring
from runtime.office import Office
from runtime.settings import NotRunning, Settings, now
from tests.support.intakes import fresh_reference_bits, minimal
from tests.support.keys import keys_in
from tests.support.rehearsal import eventually
from tests.support.servers import Place, new_place, program

OUTAGE_SECONDS = float(os.environ.get("SAFECONDUCT_OUTAGE", "6"))
FILES = ("records.db", "records.db-wal", "records.db-shm")

Outage = Callable[[Path, int], AbstractContextManager[None]]


@contextmanager
def locked(folder: Path, worker: int) -> Iterator[None]:
    """Another program writes, and does not end."""
    del worker
    with closing(sqlite3.connect(folder / "records.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def gone(folder: Path, worker: int) -> Iterator[None]:
    """The files were taken away, as with a drive that was pulled out, and come back."""
    del worker
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in FILES:
        (folder / name).rename(elsewhere / name)
    yield
    assert not (folder / "records.db").exists(), "nobody makes new ones in their place"
    for name in FILES:
        (elsewhere / name).rename(folder / name)


@contextmanager
def full(folder: Path, worker: int) -> Iterator[None]:
    """The system refuses to let any file of the worker grow."""
    del folder
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.prlimit(worker, resource.RLIMIT_FSIZE, before)


@pytest.mark.timeout(120 + 3 * OUTAGE_SECONDS)
@pytest.mark.parametrize("outage", [locked, gone, full], ids=lambda one: one.__name__)
async def test_commands_wait_for_the_records_and_are_in_the_log_once(tmp_path: Path, outage: Outage) -> None:
    place = new_place(tmp_path)
    given = {"SAFECONDUCT_HOME": str(tmp_path), "TEMPORAL_ADDRESS": place.address}
    async with place.server():
        client, database = await place.client(), Database(tmp_path / "records.db")
        store = place.store(database)
        async with program("worker.py", environment=given) as worker:
            office, reference = Office(client, store, now), make_reference(fresh_reference_bits)
            await office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
            safety = phase_stream(reference, Phase.SAFETY, 1)
            await office.send(safety, contact())
            database.close()
            with outage(tmp_path, worker.pid):
                asked = [asyncio.create_task(until_answered(office, safety)) for _ in range(5)]
                done, _ = await asyncio.wait(asked, timeout=OUTAGE_SECONDS)
                acknowledged_meanwhile = len(done)
            receipts = await asyncio.gather(*asked)
            assert worker.poll() is None
            assert acknowledged_meanwhile == 0 or outage is gone
            await detained_and_told(place, office, safety)
        events = store.read(safety)
    answered = [receipt.accepted[0].event_id for receipt in receipts]
    logged = [event.event_id for event in events if isinstance(event.fact, ContactLogged)]
    assert sorted(logged[1:]) == sorted(answered)
    assert len(set(answered)) == 5
    database.close()


def contact() -> Command:
    at = now()
    return Command(
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(at),
        learned_on=at.date(),
        fact=ContactLogged(),
        sent_at=at,
    )


async def until_answered(office: Office, stream: str) -> Receipt:
    """Send one command, and again for as long as nobody answers, as a person would."""
    command = contact()
    while True:
        with suppress(NotRunning):
            return await office.send(stream, command)


async def detained_and_told(place: Place, office: Office, safety: str) -> None:
    """Afterwards duties sound as before."""
    at = now()
    fact = contact().model_copy(update={"fact": Detained(), "occurred": Occurred.at_instant(at - timedelta(hours=2))})
    await office.send(safety, fact)
    await eventually(
        lambda: any(isinstance(event.fact, DutyCameDue) for event in place.store().read(safety)), "the alarm sounds"
    )
    board = Board(Database(place.folder / "records.db"))
    await eventually(lambda: all(notice.sent_at for notice in board.notices()), "every notice is sent")


def test_records_that_are_missing_are_said_and_never_begun_anew(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    keys_in(tmp_path)[0].sealer(case_stream(make_reference(fresh_reference_bits)), Purpose.LOG)
    database.close()
    (tmp_path / "records.db").unlink()
    with pytest.raises(Refused, match=r"records\.db is missing"):
        existing_ring(Settings(home=tmp_path))
    assert not (tmp_path / "records.db").exists()
