"""The six cases while the records are locked, gone, or have no room left: commands wait, and then are in the log once.

``make soak`` keeps them away for two minutes. And what a clock that was set back does to duties; what the watchdog says
of it is in ``tests/watch/test_clocks.py``.
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

from domain.check_ins import ContactLogged
from domain.custody import Detained
from domain.errors import Refused
from domain.events import Command, Event, Receipt
from domain.facts import Fact, Occurred
from domain.references import Phase, case_stream, make_reference, phase_stream
from domain.room import DutyCameDue
from domain.rulebook import load
from records.database import Database
from records.errors import Unreachable
from records.keys import Purpose
from records.store import Store
from runtime.codec import sealing_converter
from runtime.desk import Desk, read_intake_file
from runtime.keys import existing_ring
from runtime.local import EXAMPLES
from runtime.office import Office
from runtime.settings import NotRunning, Settings, now
from tests.support import agreement
from tests.support.agreement import Records
from tests.support.intakes import fresh_reference_bits, minimal
from tests.support.keys import keys_in, settings_in
from tests.support.rehearsal import Pigeonhole, eventually, skipping_server
from tests.support.rounds import HEALED_SECONDS
from tests.support.servers import new_place, program
from worker import build_worker

OUTAGE_SECONDS = float(os.environ.get("SAFECONDUCT_OUTAGE", "6"))
FALLS_DUE = timedelta(seconds=3)
"""After so long, in the midst of an outage, a duty of the first case falls due."""

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
    place, desk = new_place(tmp_path), Desk(settings_in(tmp_path), "dana")
    records = Records(desk.database, desk.store, desk.files)
    place.announce()
    async with place.server(), program("worker.py", environment=place.environment) as worker:
        office = Office(await place.client(), desk.store, now)
        cases = [(await desk.take_in(*read_intake_file(file)))[0] for file in sorted(EXAMPLES.glob("*.toml"))]
        streams = [phase_stream(case, Phase.SAFETY, 1) for case in cases]
        await office.send(streams[0], command(Detained(), timedelta(hours=1) - FALLS_DUE))
        desk.database.close()
        with outage(tmp_path, worker.pid):
            given = {stream: command(ContactLogged()) for stream in streams}
            asked = [asyncio.create_task(until_answered(office, *one)) for one in given.items()]
            await asyncio.sleep(OUTAGE_SECONDS)
            # files that were moved away can still be written by who has them open
            assert outage is gone or not any(one.done() for one in asked)
        receipts = dict(zip((one.command_id for one in given.values()), await asyncio.gather(*asked), strict=True))
        assert worker.poll() is None
        await agreed(office, records)
        assert agreement.receipt_faults(receipts, records) == []
        assert await agreement.history_faults(office.client, records) == []
        assert [event for event in desk.store.read(streams[0]) if isinstance(event.fact, DutyCameDue)]
    desk.database.close()


async def agreed(office: Office, records: Records) -> None:
    """Wait until every duty is fired or stands, and log, read models and engine say the same."""
    found = ["nobody has looked"]

    async def look() -> bool:
        found[:] = await agreement.faults(office.client, records, now())
        return not found

    with suppress(AssertionError):
        await eventually(look, "everything agrees", HEALED_SECONDS)
    assert found == []


async def test_a_clock_that_is_set_back_fires_nothing_twice_and_lets_no_duty_fall_silent(
    tmp_path: Path, reference: str
) -> None:
    place, safety = new_place(tmp_path), phase_stream(reference, Phase.SAFETY, 1)
    database, channel = Database(tmp_path / "records.db"), Pigeonhole()
    store, records = place.store(database), Records(database, place.store(database), load())
    async with skipping_server(sealing_converter(keys_in(tmp_path)[0], is_worker=True)) as environment:
        office, engine = Office(environment.client, store, now), environment.client
        async with build_worker(engine, store, channel):
            await office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
            await office.send(safety, command(Detained()))
            # each workflow has a clock of its own: this one's goes ahead
            await environment.fast_forward(engine.get_workflow_handle(safety), timedelta(hours=5))
            await eventually(lambda: len(rungs(store, safety)) >= 2, "alarm and escalation have sounded")
            sounded = rungs(store, safety)
            assert sounded[-1].recorded_at > now() + timedelta(hours=2)
            await engine.get_workflow_handle(safety).terminate()
            # the next run begins by a clock that stands hours before what the log holds
            receipt = await office.send(safety, command(ContactLogged()))
            written = next(one for one in store.read(safety) if one.event_id == receipt.accepted[0].event_id)
            assert written.recorded_at < sounded[-1].recorded_at - timedelta(hours=1)
            assert [duty for duty in records.board.duties(reference) if duty.stream == safety and duty.next_at]
            await environment.fast_forward(engine.get_workflow_handle(safety), timedelta(hours=30))
            await eventually(lambda: len(rungs(store, safety)) > len(sounded), "it goes on to sound")
    told = [one.fact for one in rungs(store, safety)]
    numbers = [(fact.duty, fact.due, fact.number) for fact in told if isinstance(fact, DutyCameDue)]
    assert len(set(numbers)) == len(numbers)
    database.close()


def rungs(store: Store, stream: str) -> list[Event]:
    return [event for event in store.read(stream) if isinstance(event.fact, DutyCameDue)]


def command(fact: Fact, ago: timedelta = timedelta()) -> Command:
    at = now()
    return Command(
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(at - ago),
        learned_on=at.date(),
        note=uuid4(),
        fact=fact,
        sent_at=at,
    )


async def until_answered(office: Office, stream: str, asked: Command) -> Receipt:
    """Send one command, and again for as long as nobody answers, as a person would."""
    while True:
        with suppress(NotRunning, Unreachable):
            return await office.send(stream, asked)


def test_records_that_are_missing_are_said_and_never_begun_anew(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    keys_in(tmp_path)[0].sealer(case_stream(make_reference(fresh_reference_bits)), Purpose.LOG)
    database.close()
    (tmp_path / "records.db").unlink()
    with pytest.raises(Refused, match=r"records\.db is missing"):
        existing_ring(Settings(home=tmp_path))
    assert not (tmp_path / "records.db").exists()
