"""S15: every open stream has a running workflow. A missing one is noticed without the engine's lists, and started."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.contract import AppendRequest
from activities.records import RecordActivities
from domain.cards import phase_card
from domain.case import Assigned, ClosingReason, PathClosed
from domain.country import AlertRaised
from domain.custody import Detained
from domain.danger import Risk
from domain.embassy_contacts import Approached
from domain.events import Command
from domain.facts import Fact, Occurred
from domain.references import Phase, case_stream, phase_of, phase_stream
from domain.room import DutyCameDue
from domain.rulebook import load
from domain.stay_facts import Entered
from domain.stream import Surroundings, decide
from domain.watching import country_stream, empty_watch
from records.alerts import Members
from records.board import Board
from runtime.audit import audit, kept_runs
from runtime.cases import story_of
from runtime.office import Office
from runtime.revival import restore
from runtime.settings import now
from tests.support.intakes import minimal, past
from tests.support.keys import database_in
from tests.support.rehearsal import Pigeonhole, eventually
from tests.support.servers import Place, new_place
from tests.support.watched import calls_an_operator, outside, watching
from worker import build_worker

BEGAN = date(2026, 9, 2)

_EPOCH = text("SELECT epoch FROM stream WHERE stream = :stream")


@dataclass(frozen=True)
class Living:
    """A case that lives on a real server, in real time."""

    place: Place
    office: Office
    board: Board
    reference: str

    @property
    def client(self) -> Client:
        return self.office.client

    def streams(self) -> list[str]:
        return self.board.open_streams()

    def duties(self) -> list[dict[str, object]]:
        return [duty.model_dump() for duty in self.board.duties(self.reference)]

    def headlines(self) -> list[str]:
        return [phase.headline for phase in self.board.phases(self.reference)]

    async def run_of(self, stream: str) -> str | None:
        """The id of the run that goes on; ``None`` without one."""
        try:
            description = await self.client.get_workflow_handle(stream).describe()
        except RPCError:
            return None
        return description.run_id if description.status is WorkflowExecutionStatus.RUNNING else None

    async def runs(self) -> dict[str, str | None]:
        return {stream: await self.run_of(stream) for stream in self.streams()}

    async def give(self, fact: Fact) -> None:
        await self.tell(case_stream(self.reference), fact)

    async def tell(self, stream: str, fact: Fact) -> None:
        command = Command(
            command_id=uuid4(),
            actor="dana",
            occurred=Occurred.at_instant(now()),
            learned_on=now().date(),
            fact=fact,
            sent_at=now(),
        )
        await self.office.send(stream, command)


@asynccontextmanager
async def living(folder: Path, reference: str) -> AsyncIterator[Living]:
    """A case with a stay and a request, a worker, and a server with a file."""
    place, database = new_place(folder), database_in(folder)
    async with place.server():
        office = Office(await place.client(), place.store(database), now)
        async with build_worker(office.client, office.store, Pigeonhole()):
            await office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
            for fact in (Entered(), Approached(country="FR")):
                await office.record(reference, past(fact, BEGAN), uuid4())
            case = Living(place, office, Board(database), reference)
            await eventually(lambda: all_run(case), "every stream runs")
            await eventually(lambda: not case.board.unfired(now()), "what is due has been told")
            yield case
    database.close()


async def all_run(case: Living) -> bool:
    return all((await case.runs()).values())


async def terminate(client: Client, stream: str) -> None:
    await client.get_workflow_handle(stream).terminate("from outside")


async def cancel(client: Client, stream: str) -> None:
    await client.get_workflow_handle(stream).cancel()


async def first_task(client: Client, stream: str) -> int:
    """The event with which the first task of a run ended; 0 before."""
    history = await client.get_workflow_handle(stream).fetch_history()
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    return next((event.event_id for event in history.events if event.event_type == done), 0)


async def has_worked(client: Client, stream: str) -> bool:
    return await first_task(client, stream) > 0


async def reset(client: Client, stream: str) -> None:
    await eventually(functools.partial(has_worked, client, stream), "its first task is done")
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=stream),
        reason="from outside",
        workflow_task_finish_event_id=await first_task(client, stream),
        request_id=str(uuid4()),
    )
    await client.workflow_service.reset_workflow_execution(request)


async def test_s15_streams_that_were_terminated_cancelled_or_reset_from_outside_run_again_with_the_same_duties(
    tmp_path: Path, reference: str
) -> None:
    async with living(tmp_path, reference) as case:
        duties, headlines, log = case.duties(), case.headlines(), case.office.store.read_case(reference)
        assert len(duties) > 5
        async with watching(tmp_path, case.place.address) as watchdog:
            phases = await struck(case, terminate, [stream for stream in case.streams() if phase_of(stream)])
            assert len(phases) == 4
            assert sorted(watchdog.said("(terminated)")) == [
                f"{one} has no running workflow (terminated)" for one in phases
            ]
            path = await struck(case, cancel, [case_stream(reference)])
            assert watchdog.said("(canceled)") == [f"{path[0]} has no running workflow (canceled)"]
            # a path and its phases at once: the path may have started some before they are missed
            await struck(case, terminate, case.streams())
            told = len(watchdog.lines())
            # a reset gives each workflow a new run at once: there is nothing to start
            await struck(case, reset, case.streams())
            assert len(watchdog.lines()) == told
        # each of them works: a decision reaches the path, all phases hear of it, and nothing has moved
        await case.give(Assigned(coordinator="eli"))
        await eventually(lambda: coordinator(case) == "eli", "the path takes commands")
        await eventually(lambda: case.duties() == duties, "the same duties")
        assert case.headlines() == headlines
        assert case.office.store.read_case(reference)[: len(log)] == log


async def struck(case: Living, blow: Callable[[Client, str], Awaitable[None]], streams: list[str]) -> list[str]:
    """Strike streams from outside, and wait until all of the case run, those in a run of their own."""
    before = await case.runs()
    for stream in streams:
        await blow(case.client, stream)
    gone = {stream: before[stream] for stream in streams}
    await eventually(functools.partial(all_run_anew, case, gone), "every stream runs, in a new run")
    return sorted(streams)


async def all_run_anew(case: Living, gone: dict[str, str | None]) -> bool:
    runs = await case.runs()
    return all(runs.values()) and all(runs[stream] != run for stream, run in gone.items())


def coordinator(case: Living) -> str | None:
    card = case.board.case(case.reference)
    return card.coordinator if card is not None else None


async def test_s15_a_gap_is_told_once_by_notice_and_line_and_the_heartbeat_goes_on_afterwards(
    tmp_path: Path, reference: str
) -> None:
    safety = phase_stream(reference, Phase.SAFETY, 1)
    async with living(tmp_path, reference) as case:
        with outside() as received:
            settings = {**calls_an_operator(received), "heartbeat_url": f"{received.url}/beat/secret-token"}
            async with watching(tmp_path, case.place.address, settings) as watchdog:
                await eventually(lambda: bool(received.beats), "all is well")
                for _ in range(3):
                    gone = await case.run_of(safety)
                    await terminate(case.client, safety)
                    await eventually(functools.partial(runs_anew, case, safety, gone), "it was started again")
                beats = len(received.beats)
                await eventually(lambda: len(received.beats) > beats, "all is well again")
            assert watchdog.said(safety) == [f"{safety} has no running workflow (terminated)"]
            assert "secret-token" not in watchdog.printed.read_text()
    assert len(received.notices) == 1
    assert b"the engine needs an operator" in received.notices[0][1]
    assert reference.encode() not in received.notices[0][1]


async def runs_anew(case: Living, stream: str, gone: str | None) -> bool:
    return await case.run_of(stream) not in (None, gone)


async def test_s15_a_phase_that_a_crash_left_behind_its_stream_sounds_what_is_due_there(
    tmp_path: Path, reference: str
) -> None:
    safety = phase_stream(reference, Phase.SAFETY, 1)
    async with living(tmp_path, reference) as case:
        records = RecordActivities(case.office.store, load())
        written = append_behind_its_back(case, safety, Detained(), now() - timedelta(minutes=59, seconds=58))
        records.append(written)
        await eventually(lambda: bool(case.board.unfired(now())), "it is due")
        async with watching(tmp_path, case.place.address):
            await eventually(lambda: not case.board.unfired(now()), "the lawyer's hour has sounded")
        fired = [event for event in case.office.store.read(safety) if isinstance(event.fact, DutyCameDue)]
        assert "lawyer" in [event.fact.duty for event in fired if isinstance(event.fact, DutyCameDue)]


def append_behind_its_back(case: Living, stream: str, fact: Fact, at: datetime) -> AppendRequest:
    """What a phase would append for a report, as the phase itself would, which is never told of it."""
    story = story_of(case.office.store.read_case(case.reference), case.reference, load())
    ledger, rules = story.ledger(stream), story.rules(stream)
    command = Command(
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(at),
        learned_on=at.date(),
        fact=fact,
        sent_at=now(),
    )
    events = decide(ledger, command, Surroundings(case=story.path.state, rules=rules, now=now()))
    after = ledger.plus(events)
    with case.board._database.reading() as connection:
        epoch = connection.execute(_EPOCH, {"stream": stream}).scalar_one()
    duties = after.state.duties(story.path.state, rules)
    return AppendRequest(
        stream=stream,
        epoch=epoch,
        expected=ledger.version,
        events=events,
        case_seen=story.path.version,
        phase_cards=(phase_card(after, duties, now(), is_open=True),),
    )


async def test_s15_a_case_that_was_closed_in_order_is_left_in_peace(tmp_path: Path, reference: str) -> None:
    async with living(tmp_path, reference) as case:
        before = case.streams()
        with outside() as received:
            settings = {"heartbeat_url": f"{received.url}/beat"}
            async with watching(tmp_path, case.place.address, settings, every=0.2) as watchdog:
                await eventually(lambda: bool(received.beats), "all is well")
                await case.give(PathClosed(reason=ClosingReason.LOST))
                await eventually(lambda: none_runs(case, before), "every workflow has ended")
                beats = len(received.beats)
                await eventually(lambda: len(received.beats) > beats + 2, "the watchdog went on for some rounds")
                assert await none_runs(case, before)
            assert watchdog.said("workflow") == []


async def none_runs(case: Living, streams: list[str]) -> bool:
    return not any([await case.run_of(stream) for stream in streams])


async def test_s15_the_watch_of_a_country_runs_again_and_tells_the_cases_what_they_were_not_told(
    tmp_path: Path, reference: str
) -> None:
    watch, raised = country_stream("KZ"), AlertRaised(source="Radio", level=Risk.HIGH, within_hours=6)
    async with living(tmp_path, reference) as case:
        store = case.office.store
        await case.tell(watch, raised)
        await terminate(case.client, watch)
        async with watching(tmp_path, case.place.address):
            await eventually(functools.partial(all_run, case), "the watch runs, too")
        assert watch in case.streams()
        await eventually(lambda: not empty_watch("KZ").plus(store.read(watch)).state.untold, "it is spread")
        held = Members(store.database)
        await eventually(lambda: bool(held.unanswered([store.read(watch)[0].event_id])), "the case was told")
        found = await audit(case.client, store, case.streams, await kept_runs(case.client))
        assert found.differences == []
        assert (await restore(case.client, case.streams())).adopted == len(case.streams())
