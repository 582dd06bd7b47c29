"""What an alert costs: cases told a second, against bare signals of a client; and alerts a second that reach the log.

Only the safety of each case runs: it is all that an alert concerns. The activity is run as a worker runs it.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from itertools import count
from uuid import UUID

from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities.alerts import PAGE, AlertActivities
from benchmarks.figures import Figure
from domain.country import AlertRaised
from domain.danger import Risk
from domain.intake import IntakeFile
from domain.references import Phase, make_reference, phase_stream
from records.alerts import Members
from records.store import Store
from runtime.office import Office
from runtime.revival import revive, some_at_once
from runtime.settings import now
from tests.support.alerting import told_at
from tests.support.intakes import fresh_reference_bits
from tests.support.many_cases import write
from tests.support.rehearsal import eventually

TURNS, AIM = 3, 0.7
COUNTRY = "GE"
"""Where none of the other cases are that are measured here."""

Workflows = Sequence[WorkflowHandle[object, object]]


async def alerting(office: Office, intake: IntakeFile, bare: Workflows) -> list[Figure]:
    """By turns, bare signals and those of the activity; then one alert, until it stands in every case's log.

    Args:
        office: of the installation, whose worker runs.
        intake: of every case.
        bare: as many bare workflows as there will be cases.
    """
    members = Members(office.store.database)
    references = [make_reference(fresh_reference_bits) for _ in bare]
    await _all_run(office, intake, references)
    spread, told, signalled = AlertActivities(office.store, office.client).spread_alert, 0.0, 0.0
    for _ in range(TURNS):
        signalled += await _seconds(_signals(bare))
        told += await _seconds(ActivityEnvironment().run(spread, COUNTRY))
    alert = await _raised(office)
    stored = await _seconds(_stands_everywhere(members, alert, len(references)))
    number, signals = len(references), TURNS * len(references)
    ratio = signalled / told
    held_back = "each page of cases is read from the records, and waits for its last signal"
    return [
        Figure(
            f"cases told of an alert, {number} in all",
            signals / signalled,
            signals / told,
            ratio,
            "/s",
            f"{AIM} or more",
            ratio >= AIM,
            held_back,
        ),
        Figure("alerts that reach the log", None, number / stored, None, "/s"),
    ]


async def _all_run(office: Office, intake: IntakeFile, references: Sequence[str]) -> None:
    """Put cases into the records, and let the safety of each run."""
    opened = intake.intake.opened.model_copy(update={"country": COUNTRY})
    file = intake.model_copy(update={"intake": intake.intake.model_copy(update={"opened": opened})})
    await asyncio.to_thread(write, [(one, file) for one in references], office.store, now())

    async def begin(stream: str) -> None:
        await revive(office.client, stream)

    streams = [phase_stream(one, Phase.SAFETY, 1) for one in references]
    await some_at_once(begin, streams)
    await eventually(lambda: all(_runs(office.store, one) for one in streams), "all of them run")


def _runs(store: Store, stream: str) -> bool:
    """Whether a workflow has taken a stream over."""
    with store.database.reading() as connection:
        query = "SELECT count(*) FROM stream WHERE stream = ? AND epoch > 0"
        return bool(connection.exec_driver_sql(query, (stream,)).scalar_one())


async def _signals(bare: Workflows) -> None:
    """A signal to each of them, as many side by side as the activity sends."""
    for begins in range(0, len(bare), PAGE):
        await asyncio.gather(*(one.signal("nudge") for one in bare[begins : begins + PAGE]))


async def _raised(office: Office) -> UUID:
    alert = AlertRaised(source="benchmark", level=Risk.HIGH, within_hours=6)
    return (await told_at(office, COUNTRY, alert, now())).accepted[0].event_id


async def _stands_everywhere(members: Members, alert: UUID, number: int) -> None:
    """Wait until so many cases have recorded an alert. To ask more often would cost what is measured."""
    for _ in count():
        if members.reached_there(alert, COUNTRY) == number:
            return
        await asyncio.sleep(0.1)


async def _seconds(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began
