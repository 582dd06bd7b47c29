"""Workers as processes: told to stop, killed, and side by side."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from uuid import uuid4

from temporalio.api.enums.v1 import EventType

from domain.check_ins import ContactLogged
from domain.custody import Detained
from domain.references import Phase, make_reference, phase_stream
from domain.room import DutyCameDue
from records.board import Board
from records.database import Database
from records.store import Store
from runtime.office import Office
from runtime.settings import now
from tests.support.intakes import fresh_reference_bits, minimal, past
from tests.support.rehearsal import eventually
from tests.support.servers import Place, new_place, program
from tests.support.watched import Outside, calls_an_operator, outside
from workflows.beside import NOTICE_BEAT

TODAY = date(2026, 9, 2)
STOPS_SECONDS = 20.0


def environment(place: Place, received: Outside) -> dict[str, str]:
    """What a worker beside this server is given."""
    ours = {"home": str(place.folder), **calls_an_operator(received)}
    return {"TEMPORAL_ADDRESS": place.address} | {f"SAFECONDUCT_{name.upper()}": one for name, one in ours.items()}


async def started(office: Office) -> str:
    """The reference of a new case."""
    reference = make_reference(fresh_reference_bits)
    await office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
    return reference


async def test_told_to_stop_a_worker_ends_what_is_under_way_and_its_answer_arrives(tmp_path: Path) -> None:
    place, database = new_place(tmp_path), Database(tmp_path / "records.db")
    said = tmp_path / "worker.txt"
    with outside() as received, said.open("wb") as stderr:
        given = environment(place, received)
        async with place.server(), program("worker.py", environment=given, stderr=stderr) as worker:
            office = Office(await place.client(), place.store(database), now)
            reference = await started(office)
            safety = phase_stream(reference, Phase.SAFETY, 1)
            received.may_answer.clear()
            await office.record(reference, past(Detained(), TODAY), uuid4())
            await eventually(lambda: safety in told_of(database, received), "a notice of it is under way")

            worker.send_signal(signal.SIGTERM)
            await eventually(lambda: "stopping" in said.read_text(), "the worker has heard it")
            assert worker.poll() is None
            assert not any(notice.sent_at for notice in Board(database).notices())
            received.may_answer.set()
            assert await asyncio.to_thread(worker.wait, STOPS_SECONDS) == 0

            posted = received.ids()
            sent = [notice for notice in Board(database).notices() if notice.sent_at is not None]
            history = await office.client.get_workflow_handle(safety).fetch_history()
    assert sorted(notice.notice_id for notice in sent) == sorted(posted)
    done = [event for event in history.events if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED]
    assert len(done) == len([notice for notice in sent if notice.stream == safety]) > 0
    database.close()


async def test_two_workers_share_the_work_and_when_one_is_killed_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    place, database = new_place(tmp_path), Database(tmp_path / "records.db")
    store = place.store(database)
    with outside() as received:
        async with place.server(), AsyncExitStack() as running:
            given = environment(place, received)
            first = await running.enter_async_context(program("worker.py", environment=given))
            office = Office(await place.client(), store, now)
            references = [await started(office) for _ in range(3)]  # these lie in the memory of the first
            second = await running.enter_async_context(program("worker.py", environment=given))

            async def one(reference: str, number: int) -> str:
                if number == 2:
                    os.kill(first.pid, signal.SIGKILL)
                fact = Detained() if number == 3 else ContactLogged()
                receipt = await office.record(reference, past(fact, TODAY), uuid4())
                return str(receipt.accepted[0].event_id)

            numbers = range(5)
            answered = await asyncio.gather(*(one(reference, number) for reference in references for number in numbers))
            references.append(await started(office))
            await eventually(lambda: len(alarmed(store, references)) == 3, "every detention has raised its alarms")
            # the engine gives a notice that the dead worker held to the other one when it has heard nothing of it
            await eventually(
                lambda: all(notice.sent_at for notice in Board(database).notices()),
                "every notice has been sent",
                seconds=3 * NOTICE_BEAT.total_seconds(),
            )
            assert first.poll() == -signal.SIGKILL
            second.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(second.wait, STOPS_SECONDS) == 0

    for reference in references:
        events = store.read(phase_stream(reference, Phase.SAFETY, 1))
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        rungs = [(fact.duty, fact.due, fact.level) for event in events if isinstance(fact := event.fact, DutyCameDue)]
        assert len(rungs) == len(set(rungs))
    commanded = [
        str(event.event_id)
        for reference in references
        for event in store.read(phase_stream(reference, Phase.SAFETY, 1))
        if isinstance(event.fact, Detained | ContactLogged)
    ]
    assert sorted(commanded) == sorted(answered)
    assert len(set(answered)) == len(answered) == 15
    database.close()


def told_of(database: Database, received: Outside) -> set[str]:
    """The streams whose notices have come outside."""
    return {notice.stream for notice in Board(database).notices() if notice.notice_id in received.ids()}


def alarmed(store: Store, references: list[str]) -> list[str]:
    """The cases in which a duty of the detention has sounded."""
    return [
        reference
        for reference in references
        for event in store.read(phase_stream(reference, Phase.SAFETY, 1))
        if isinstance(event.fact, DutyCameDue) and event.fact.duty == "lawyer"
    ]
