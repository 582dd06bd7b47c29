"""Records the histories that later releases must still replay: ``make golden``.

A short story is lived on the real server, unsealed; each workflow's history is written to ``tests/engine/golden``. A
recorded file is never changed: a new release adds a folder of its own.
"""

import asyncio
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from temporalio.contrib.pydantic import pydantic_data_converter

from domain.check_ins import CheckInPlanned
from domain.country import AlertEnded, AlertRaised
from domain.danger import Risk
from domain.embassy_contacts import Approached, Pledged
from domain.entry import Arrived, Departed, DocumentIssued
from domain.erasing import erasure_stream
from domain.facts import Fact
from domain.references import Phase, phase_stream
from domain.stay_facts import Entered, ExitCleared, Registered, TravelDocument
from domain.vetting import Finding, FindingApproved, FindingProposed, VettingRequested
from domain.watching import country_stream
from runtime.retention import begin_looking
from tests.support.alerting import alerts_in, tell_watch, watch_in
from tests.support.erasures import AFTER_A_WEEK, approved, erased
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server
from workflows.retention import RETENTION

GOLDEN = Path(__file__).parents[1] / "engine" / "golden"
RELEASE = "0.1.0"
WATCH = country_stream("FR")
BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)

STORY: tuple[tuple[Fact, date, str], ...] = (
    (Entered(), date(2026, 9, 2), "dana"),
    (CheckInPlanned(every_days=30), date(2026, 9, 2), "dana"),
    (Registered(), date(2026, 9, 3), "dana"),
    (Approached(country="FR"), date(2026, 9, 4), "dana"),
    (VettingRequested(), date(2026, 9, 5), "dana"),
    (FindingProposed(finding=Finding.CLEARED), date(2026, 9, 8), "vera"),
    (FindingApproved(), date(2026, 9, 9), "timur"),
    (Pledged(country="FR"), date(2026, 9, 10), "dana"),
    (ExitCleared(), date(2026, 9, 11), "dana"),
    (DocumentIssued(document=TravelDocument.LAISSEZ_PASSER), date(2026, 9, 14), "dana"),
    (Departed(), date(2026, 9, 15), "dana"),
    (Arrived(country="FR"), date(2026, 9, 16), "dana"),
)


async def live_and_fetch() -> dict[str, str]:
    """Live the story, and fetch every history."""
    reference, histories = "0" * 11, dict[str, str]()
    with tempfile.TemporaryDirectory() as records:
        async with (
            skipping_server(pydantic_data_converter) as environment,
            rehearsal(environment, Path(records), BEGAN, reference) as played,
        ):
            await played.start(minimal(), command_id=uuid4())
            await played.play([past(fact, day, actor) for fact, day, actor in STORY])
            await played.move_to(datetime(2026, 9, 20, tzinfo=UTC))
            streams = [f"case/{reference}", *(phase_stream(reference, phase, 1) for phase in Phase)]
            await alert(played)
            for stream in streams:
                history = await environment.client.get_workflow_handle(stream).fetch_history()
                name = stream.split("/")[2] if stream.count("/") > 1 else "case-path"
                histories[name] = history.to_json()
            await look_and_erase(played)
            others = (RETENTION, "retention"), (erasure_stream(reference), "erasure"), (WATCH, "country-watch")
            for stream, name in others:
                history = await environment.client.get_workflow_handle(stream).fetch_history()
                histories[name] = history.to_json()
    return histories


async def alert(played: Rehearsal) -> None:
    """An alert that reaches the case where it has arrived, and its end."""
    raised = await tell_watch(played, "FR", AlertRaised(source="Radio", level=Risk.HIGH, within_hours=6))
    await eventually(lambda: alerts_in(played, played.reference) == ["alert-reached"], "it is heard")
    await eventually(lambda: not watch_in(played, "FR").untold, "it is spread")
    await tell_watch(played, "FR", AlertEnded(alert=raised.accepted[0].event_id))
    await eventually(lambda: not watch_in(played, "FR").untold, "its end is spread")
    await eventually(lambda: played.is_quiet(WATCH), "the watch is quiet")


async def look_and_erase(played: Rehearsal) -> None:
    """Three days of looking at what must be erased; then two persons, a week, and every step."""
    await begin_looking(played.environment.client, task_queue=played.task_queue, shift=played.shift)
    await eventually(lambda: played.is_quiet(RETENTION), "the daily look has begun")
    played.clock += timedelta(days=3)
    await played._forward(RETENTION)
    await approved(played, AFTER_A_WEEK)
    await erased(played)


def record(folder: Path) -> None:
    """Write the histories of a release into its folder; those that are there stay as they are."""
    histories = asyncio.run(live_and_fetch())
    folder.mkdir(parents=True, exist_ok=True)
    for name, history in histories.items():
        if not (folder / f"{name}.json").exists():
            (folder / f"{name}.json").write_text(history)


if __name__ == "__main__":
    record(GOLDEN / RELEASE)
    print(f"recorded in {GOLDEN / RELEASE}")
