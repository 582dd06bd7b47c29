"""An alert for many cases, while worker and server are killed half-way, one case begins and another one arrives.

``make soak`` alerts two thousand. Only the safety of each runs here: it is all that an alert concerns.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from domain.alerts import ANSWER
from domain.country import Alert, AlertRaised
from domain.danger import Risk
from domain.duties import Level
from domain.intake import IntakeFile, read_intake
from domain.references import Phase, make_reference, phase_stream
from domain.room import DutyCameDue
from domain.stay_facts import Entered, Relocated
from domain.watching import country_stream, empty_watch
from records.alerts import Members
from records.database import Database
from records.store import Store
from records.verifying import verify
from runtime.office import Office
from runtime.revival import revive, some_at_once
from runtime.settings import NotRunning, now
from tests.support.alerting import told_at
from tests.support.intakes import MINIMAL, fresh_reference_bits, past
from tests.support.many_cases import write
from tests.support.rehearsal import eventually
from tests.support.servers import new_place, program

CASES = int(os.environ.get("SAFECONDUCT_ALERTED", "60"))
PAGES = 6
"""In so many pages they are told; both are killed after half of them."""

PATIENCE_SECONDS = 60.0 + CASES
ALERT = AlertRaised(source="https://example.org/raids", level=Risk.HIGH, within_hours=6)


def in_country(country: str) -> IntakeFile:
    """A case that begins today, so that nothing else falls due."""
    text = MINIMAL.replace("2026-09-01", str(now().date())).replace('country = "KZ"', f'country = "{country}"')
    return read_intake(text)


def safety_of(reference: str) -> str:
    return phase_stream(reference, Phase.SAFETY, 1)


def fresh(number: int) -> list[str]:
    return sorted(make_reference(fresh_reference_bits) for _ in range(number))


async def begun(client: Client, database: Database, references: Sequence[str]) -> None:
    """Let the safety of cases run, and wait until each has taken its stream over."""

    async def begin(stream: str) -> None:
        await revive(client, stream)

    await some_at_once(begin, map(safety_of, references))

    def all_run() -> bool:
        with database.reading() as connection:
            query = "SELECT count(*) FROM stream WHERE stream LIKE '%/safety/1' AND epoch > 0"
            return int(connection.exec_driver_sql(query).scalar_one()) >= len(references)

    await eventually(all_run, "all of them run", PATIENCE_SECONDS)


@pytest.mark.timeout(240 + 3 * CASES)
async def test_every_case_is_alerted_once_though_worker_and_server_are_killed_half_way(tmp_path: Path) -> None:
    place, database, began = new_place(tmp_path), Database(tmp_path / "records.db"), time.monotonic()
    store, members, (later, comes, *there) = place.store(database), Members(database), fresh(CASES + 2)
    write(((one, in_country("KZ")) for one in (later, *there)), store, now())

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    async with place.server() as server:
        office = Office(await place.client(), store, now)
        working = await asyncio.to_thread(place.start_worker)
        await begun(office.client, database, there)
        await office.start_case(comes, in_country("GE").intake, "dana", in_country("GE").since, uuid4())
        await office.record(comes, past(Entered(), now().date()), uuid4())
        tell(f"{len(there)} cases run")
        working.kill()
        working.join()
        page = (CASES + 1) // PAGES + 1
        arguments = (place.address, str(tmp_path), str(server.pid), str(page), str(PAGES // 2))
        async with program("-m", "tests.support.dying_spreader", *arguments) as worker:
            await told_at(office, "KZ", ALERT, now())
            await eventually(lambda: worker.poll() is not None and server.poll() is not None, "both have died")
    assert alert_in(store).untold
    tell(f"killed; {members.reached_there(alert_in(store).id, 'KZ')} have recorded it")

    async with place.server():
        office = Office(await place.client(), store, now)
        working = await asyncio.to_thread(place.start_worker)
        starts = make_reference(fresh_reference_bits)
        # worker and path have thousands of others to wake first: what is sent waits, and then arrives
        with suppress(NotRunning):
            await office.start_case(starts, in_country("KZ").intake, "dana", in_country("KZ").since, uuid4())
        with suppress(NotRunning):
            await office.record(comes, past(Relocated(to="KZ"), now().date()), uuid4())
        still = alert_in(store).untold is not None
        everybody = [*there, starts, comes]
        alert = alert_in(store).id
        await eventually(lambda: members.reached_there(alert, "KZ") == len(everybody), "all have it", PATIENCE_SECONDS)
        tell(f"all have recorded it; two came {'while it was' if still else 'after it had been'} spread")
        await eventually(lambda: alert_in(store).untold is None, "it is spread", PATIENCE_SECONDS)
        await revive(office.client, safety_of(later))
        everybody.append(later)
        await eventually(lambda: members.reached_there(alert, "KZ") == len(everybody), "who begins has it too")
        await eventually(lambda: all(rungs(store, one) for one in everybody), "each was told", PATIENCE_SECONDS)
        tell("each coordinator was told")
        working.kill()
        working.join()
    spread = alert_in(store).spread
    assert spread is not None
    assert spread.told >= len(there)
    assert spread.begin_later >= 1
    assert Counter(kinds(store, one) for one in everybody) == {("alert-reached",): len(everybody)}
    assert {len(rungs(store, one)) for one in everybody} == {1}
    assert verify(database).fault is None
    database.close()


def alert_in(store: Store) -> Alert:
    (alert,) = empty_watch("KZ").plus(store.read(country_stream("KZ"))).state.alerts.values()
    return alert


def kinds(store: Store, reference: str) -> tuple[str, ...]:
    """What a case has recorded of alerts."""
    found = (event.fact.kind for event in store.read(safety_of(reference)))
    return tuple(kind for kind in found if kind.startswith("alert-"))


def rungs(store: Store, reference: str) -> list[Level]:
    """How often the coordinator was told to get an answer."""
    facts = [event.fact for event in store.read(safety_of(reference))]
    return [fact.level for fact in facts if isinstance(fact, DutyCameDue) and fact.duty.startswith(ANSWER)]
