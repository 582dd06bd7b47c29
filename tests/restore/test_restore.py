"""Temporal is gone, and its database with it: every open case goes on from the records, as if nothing had been."""

import asyncio
import gc
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

import worker
from activities.notifications import telling
from domain.check_ins import CheckedIn, ContactLogged
from domain.custody import Detained
from domain.events import Event, Past, Receipt
from domain.facts import Fact, Occurred
from domain.references import phase_of
from domain.room import DutyCameDue
from records.board import Board, text
from records.database import Database
from records.models import DutyRow
from records.store import Store
from runtime.audit import audit, kept_runs
from runtime.office import Office
from runtime.revival import Restored, restore, some_at_once
from runtime.settings import now
from tests.support.keys import database_in
from tests.support.many_cases import many_cases, write
from tests.support.rehearsal import MARGIN, Pigeonhole, converter_in, eventually, skipping_server
from tests.support.servers import Place, new_place
from tests.watch.test_s15_missing_workflows import Living, living, terminate
from worker import build_worker

CASES = int(os.environ.get("SAFECONDUCT_CASES", "16"))
"""One at each point of its path. ``make soak`` restores two hundred."""

SPOKEN_TO = 6
"""So many of the cases run on the engine that is lost, and are told things there."""

AGO = timedelta(hours=2)
"""When that had happened: after a detention a lawyer is due within the hour, so an alarm sounds at once."""

LONG_SECONDS = 120.0
"""Of a poll that waits for the work of nine hundred workflows."""

LATEST = timedelta(minutes=2)
"""So long after its instant a rung may be written down, on a machine that has many others to write."""

LOOK_AGAIN_SECONDS = 0.5

SOON = timedelta(minutes=30)
"""What is due so soon may sound while the test is still getting ready."""


@dataclass
class Charity:
    """The records of many cases, and all that was sent and answered."""

    place: Place
    database: Database
    channel: Pigeonhole = field(default_factory=Pigeonhole)
    told: list[tuple[str, Past, UUID, Receipt]] = field(default_factory=list)

    @cached_property
    def store(self) -> Store:
        return self.place.store(self.database)

    @property
    def board(self) -> Board:
        return Board(self.database)

    def duties(self) -> dict[tuple[str, str], DutyRow]:
        return {(duty.stream, duty.duty): duty for duty in self.board.duties()}

    def next_duties(self) -> dict[str, DutyRow]:
        """Of each open phase the duty that speaks next."""
        found: dict[str, DutyRow] = {}
        for duty in self.board.duties():
            if duty.next_at is not None:
                found[duty.stream] = min(found.get(duty.stream, duty), duty, key=lambda one: one.next_at or "")
        return found

    def fired(self) -> list[Event]:
        """All that has come due in an open phase."""
        events = (event for stream in self.streams() for event in self.store.read(stream))
        return [event for event in events if isinstance(event.fact, DutyCameDue)]

    def all_is_told(self) -> bool:
        return all(row.sent_at is not None for row in self.board.notices(10_000))

    def streams(self) -> list[str]:
        return self.board.open_streams()


@asynccontextmanager
async def an_engine_that_is_lost(charity: Charity, references: Sequence[str]) -> AsyncIterator[Office]:
    """A server on which some of the cases live; it is killed with its worker at work, and its file deleted."""
    async with charity.place.server() as server:
        office = Office(await charity.place.client(), charity.store, now)
        async with build_worker(office.client, office.store, charity.channel):
            await restore(office.client, [one for one in charity.streams() if one.split("/")[1] in references])
            yield office
            server.kill()
            server.wait()
    charity.place.settings.engine_path.unlink()


async def tell(charity: Charity, office: Office, reference: str, fact: Fact) -> None:
    moment = now() - AGO
    past = Past(fact=fact, occurred=Occurred.at_instant(moment), learned_on=moment.date(), actor="dana")
    command_id = uuid4()
    charity.told.append((reference, past, command_id, await office.record(reference, past, command_id)))


async def interrupted(work: Callable[[Callable[[], None]], Any], after: int) -> None:
    """Let a restore begin, and break off after so many streams."""
    calls = iter(range(after))

    def done() -> None:
        if next(calls, None) is None:
            raise KeyError("interrupted")

    with pytest.raises(ExceptionGroup):
        await work(done)


async def forward(environment: WorkflowEnvironment, duties: dict[str, DutyRow]) -> None:
    """Move each phase's own clock on to its next duty."""

    async def one(stream: str) -> None:
        handle = environment.client.get_workflow_handle(stream)
        info = await environment.get_time_skipping_info(handle)
        clock = info.current_time.ToDatetime(UTC) if info is not None else now()
        await environment.fast_forward(handle, datetime.fromisoformat(str(duties[stream].next_at)) - clock + MARGIN)

    await some_at_once(one, duties)


@pytest.fixture
def no_garbage_is_collected() -> Iterator[None]:
    """A thousand workflows in one process: looking through all their objects again and again is a fifth of the work."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()  # now, and not in the middle of something else


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("no_garbage_is_collected")
async def test_all_cases_go_on_when_temporal_and_its_database_are_lost_and_every_next_duty_fires_on_its_date(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the sandbox imports the workflows anew for each of them: a third of all work here, and other tests live in it
    monkeypatch.setattr(worker, "PURE", (*worker.PURE, "workflows"))
    monkeypatch.setattr(telling, "jitter", lambda _: timedelta())  # in no skipped time
    charity = Charity(new_place(home), database_in(home))
    cases = list(many_cases(CASES, now().date()))
    write(cases, charity.store, now())
    spoken_to = [reference for reference, _ in cases[:SPOKEN_TO]]
    async with an_engine_that_is_lost(charity, spoken_to) as office:
        for reference in spoken_to:
            for fact in (CheckedIn(), Detained(), ContactLogged()):
                await tell(charity, office, reference, fact)
        await until(lambda: len(charity.channel.notices) >= SPOKEN_TO and charity.all_is_told(), "some were told of it")
        sent_before = Counter(notice for notice, _ in charity.channel.notices)
    streams, duties = charity.streams(), charity.duties()
    headlines = {one.stream: one.headline for reference, _ in cases for one in charity.board.phases(reference)}
    async with skipping_server(converter_in(home)) as environment:
        await interrupted(lambda done: restore(environment.client, streams, done), after=CASES // 2)
        restored = await restore(environment.client, streams)
        assert restored.adopted >= CASES // 2
        assert (restored.started + restored.entrusted + restored.adopted, restored.failed) == (len(streams), {})
        async with build_worker(environment.client, charity.store, charity.channel):
            await some_at_once(lambda stream: has_begun(environment, stream), streams)
            assert await restore(environment.client, streams) == Restored(adopted=len(streams))
            found = charity.duties()
            assert {key: found[key] for key in duties if is_later(duties[key])} == {
                key: duty for key, duty in duties.items() if is_later(duty)
            }
            assert {key: duty.due for key, duty in found.items()} == {key: duty.due for key, duty in duties.items()}
            for reference, _ in cases:
                for phase in charity.board.phases(reference):
                    assert phase.headline == headlines[phase.stream]
            office = Office(environment.client, charity.store, now)
            for reference, past, command_id, receipt in charity.told:
                assert await office.record(reference, past, command_id) == receipt
            coming = charity.next_duties()
            assert set(coming) == {stream for stream in streams if phase_of(stream) is not None}
            before = {event.event_id for event in charity.fired()}
            await forward(environment, coming)
            await until(lambda: all_fired(charity, coming) and charity.all_is_told(), "every next duty has fired")
    fired = charity.fired()
    assert set(Counter(rung(event) for event in fired).values()) == {1}
    anew = {rung(event): event.recorded_at for event in fired if event.event_id not in before}
    for stream, duty in coming.items():
        (at,) = [key[-1] for key in anew if key[:2] == (stream, duty.duty) and text(key[-1]) == duty.next_at]
        assert at <= anew[(stream, duty.duty, datetime.fromisoformat(duty.due), at)] < at + LATEST
    sent = Counter(notice for notice, _ in charity.channel.notices)
    assert set(sent_before) <= set(sent)
    assert set(sent.values()) == {1}
    charity.database.close()


def rung(event: Event) -> tuple[str, str, datetime, datetime]:
    assert isinstance(event.fact, DutyCameDue)
    return event.stream, event.fact.duty, event.fact.due, event.fact.at


def is_later(duty: DutyRow) -> bool:
    return duty.next_at is not None and duty.next_at > text(now() + SOON)


async def has_begun(environment: WorkflowEnvironment, stream: str) -> None:
    """Wait until a workflow has read its stream, and waits for nothing but its timer."""

    async def is_quiet() -> bool:
        try:
            raw = (await environment.client.get_workflow_handle(stream).describe()).raw_description
        except RPCError:  # its path has not started it yet
            return False
        return raw.workflow_execution_info.history_length > 3 and not (
            raw.pending_activities or raw.HasField("pending_workflow_task")
        )

    await until(is_quiet, f"{stream} waits")


async def until(holds: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Poll, but rarely: whoever asks a thousand workflows all the time keeps them from their work."""
    deadline = asyncio.get_running_loop().time() + LONG_SECONDS
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def all_fired(charity: Charity, coming: dict[str, DutyRow]) -> bool:
    """Whether none of these rungs is still to come."""
    duties = charity.duties()
    return not any(
        (found := duties.get((stream, duty.duty))) is not None and found.next_at == duty.next_at
        for stream, duty in coming.items()
    )


async def test_what_is_alive_is_adopted_and_only_what_is_missing_is_started(home: Path, reference: str) -> None:
    async with living(home, reference) as case:
        before = await case.runs()
        log = case.office.store.read_case(reference)
        gone = [stream for stream in case.streams() if phase_of(stream) is not None][::2]
        for stream in gone:
            await terminate(case.client, stream)
        restored = await restore(case.client, case.streams())
        assert restored == Restored(started=len(gone), adopted=len(before) - len(gone))
        after = await case.runs()
        assert {stream for stream, run in after.items() if run != before[stream]} == set(gone)
        await eventually(lambda: agrees(case), "both ledgers agree")
        assert case.office.store.read_case(reference) == log
        running = [run.id async for run in case.client.list_workflows("ExecutionStatus = 'Running'")]
        assert sorted(running) == sorted(case.streams())


async def agrees(case: Living) -> bool:
    found = await audit(case.client, case.office.store, case.streams, await kept_runs(case.client))
    return not found.differences
