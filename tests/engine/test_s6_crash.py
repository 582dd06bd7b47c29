"""S6: what survives when worker and server die between the commit and the answer of a command."""

import asyncio
import os
import signal
from datetime import date
from pathlib import Path
from uuid import uuid4

from domain.check_ins import ContactLogged
from domain.custody import Detained
from domain.events import Command, Past, id_from_command
from domain.references import Phase, case_stream, phase_stream
from records.database import Database
from records.log import Where
from records.store import Store
from records.verifying import verify
from runtime.embedded import answers, free_port, is_alive, lasting_server, pid_file
from runtime.office import Office
from runtime.settings import now
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Pigeonhole, eventually
from tests.support.servers import new_place, program
from worker import build_worker

TODAY = date(2026, 9, 2)


def command_of(told: Past) -> Command:
    return Command(
        command_id=uuid4(),
        actor=told.actor,
        occurred=told.occurred,
        learned_on=told.learned_on,
        fact=told.fact,
        sent_at=now(),
    )


async def test_s6_a_command_that_was_committed_but_never_answered_is_there_once_and_so_is_another_one_after_it(
    tmp_path: Path, reference: str, where: Where
) -> None:
    place, database = new_place(tmp_path), Database(where)
    place.settings.records_path.touch()  # a keyring beside no file of records is not opened
    store, safety = place.store(database), phase_stream(reference, Phase.SAFETY, 1)
    lost, other = command_of(past(Detained(), TODAY)), command_of(past(ContactLogged(), TODAY))

    async with place.server() as server:
        office = Office(await place.client(), store, now)
        async with build_worker(office.client, store, Pigeonhole()):
            await office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
            await eventually(lambda: bool(store.read(case_stream(reference))), "the case has begun")
        arguments = (place.address, str(tmp_path), str(where), str(server.pid), "detained")
        async with program("-m", "tests.support.crashing_worker", *arguments) as worker:
            sending = asyncio.create_task(office.send(safety, lost))
            await eventually(lambda: worker.poll() is not None and server.poll() is not None, "both have died")
            sending.cancel()
    assert commanded(store, safety) == ["detained"]

    async with place.server():
        office = Office(await place.client(), store, now)
        async with build_worker(office.client, store, Pigeonhole()):
            answer = await office.send(safety, other)
            again = await office.send(safety, lost)
            headline = await office.client.get_workflow_handle(safety).query("headline")
    assert commanded(store, safety) == ["detained", "contact-logged"]
    assert answer.accepted[0].event_id == id_from_command(other.command_id, 0)
    assert again.accepted[0].event_id == id_from_command(lost.command_id, 0)
    assert [event.version for event in store.read(safety)] == list(range(1, len(store.read(safety)) + 1))
    assert headline == "detention: emergency, risk critical"
    assert verify(database).fault is None
    database.close()


def commanded(store: Store, stream: str) -> list[str]:
    """What persons have told. A duty may have come due besides: the case began months ago."""
    return [event.fact.kind for event in store.read(stream) if event.command_id is not None]


async def test_an_engine_that_dies_is_started_again_at_the_same_place_and_stops_with_its_installation(
    tmp_path: Path,
) -> None:
    database, port = tmp_path / "temporal.db", free_port()
    async with lasting_server(database, port, free_port()):
        first = int(pid_file(database).read_text())
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: _pid(database) not in (None, first), "another one runs")
        await eventually(lambda: answers(port), "it answers")
        second = _pid(database)
    assert second is not None
    assert not is_alive(second)


def _pid(database: Path) -> int | None:
    return int(pid_file(database).read_text() or 0) or None if pid_file(database).exists() else None
