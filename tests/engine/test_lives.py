"""A phase's many lives: continued as new, terminated from outside, revived alone, with and without a cache."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from domain.case import Assigned, ClosingReason, PathClosed, PathReopened
from domain.check_ins import ANSWER, Answer, Channel, CheckedIn, CheckInPlanned
from domain.colleagues import WHOLE_DESK, call_of
from domain.custody import LawyerEngaged
from domain.embassy_contacts import Approached, Pledged
from domain.errors import NotUnderstood
from domain.events import Command, Event, id_from_command
from domain.facts import Fact, Occurred
from domain.forecast import forecast
from domain.references import Phase, phase_stream
from domain.retention import HoldPlaced, HoldReason
from domain.room import Acknowledged, DutyCameDue
from domain.rulebook import load
from domain.stay_facts import Entered, ExitCleared, Registered, Relocated
from domain.story import begin, decide_path, events_of
from domain.stream import Surroundings, came_due, decide
from domain.vetting import Finding, FindingApproved, FindingProposed
from records.store import Store
from runtime.cases import story_of
from runtime.rebuilding import rebuild
from tests.records.test_rebuilding import cards
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, chronology, eventually, rehearsal, skipping_server
from tests.support.telling import RULEBOOK

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


def command(played: Rehearsal, fact: Fact, actor: str = "dana") -> Command:
    return Command(
        command_id=uuid4(),
        actor=actor,
        occurred=Occurred.at_instant(played.clock),
        learned_on=played.clock.date(),
        fact=fact,
        sent_at=played.clock,
    )


async def run_of(played: Rehearsal, stream: str) -> str:
    return (await played.environment.client.get_workflow_handle(stream).describe()).run_id


async def test_continue_as_new_with_updates_and_a_due_duty_in_flight_loses_nothing(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        safety = phase_stream(reference, Phase.SAFETY, 1)
        await played.office.send(safety, command(played, CheckInPlanned(every_days=1, grace_hours=1)))
        first = await run_of(played, safety)
        handle = environment.client.get_workflow_handle(safety)

        async def one(number: int) -> str:
            if number % 5 == 0:
                await handle.signal("renew")
            receipt = await played.office.send(safety, command(played, LawyerEngaged()))
            return str(receipt.accepted[0].event_id)

        answered: list[str] = []
        for _ in range(3):
            moving = asyncio.create_task(played.move_to(played.clock + timedelta(days=2)))
            answered += await asyncio.gather(*(one(number) for number in range(10)))
            await handle.signal("renew")
            await moving
        await eventually(lambda: renewed(played, safety, first), "the phase continued as new")
        logged = [event for event in played.store.read(safety) if isinstance(event.fact, LawyerEngaged)]
        rungs = [event.event_id for event in played.store.read(safety) if isinstance(event.fact, DutyCameDue)]
    assert sorted(answered) == sorted(str(event.event_id) for event in logged)
    assert len(answered) == len(set(answered)) == 30
    assert rungs
    assert len(rungs) == len(set(rungs))


async def renewed(played: Rehearsal, stream: str, first: str) -> bool:
    return await run_of(played, stream) != first


async def test_a_terminated_phase_and_then_its_parent_begin_again_from_the_log_at_the_same_step(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        for fact in (Approached(country="FR"), Pledged(country="FR")):
            await played.office.record(reference, past(fact, date(2026, 9, 1)), uuid4())
        await played.office.record(reference, past(Entered(), date(2026, 9, 1)), uuid4())
        await played.settled()
        before = untouched(played)
        stay, safety = (phase_stream(reference, phase, 1) for phase in (Phase.TRANSIT_STAY, Phase.SAFETY))

        await environment.client.get_workflow_handle(stay).terminate("from outside")
        await played.office.send(stay, command(played, Registered()))
        assert [event.fact.kind for event in played.store.read(stay)] == ["entered", "registered"]

        await environment.client.get_workflow_handle(played.office_path).terminate("from outside")
        safety_run = await run_of(played, safety)
        found: tuple[tuple[Fact, str], ...] = (
            (FindingProposed(finding=Finding.CLEARED), "vera"),
            (FindingApproved(), "timur"),
        )
        for finding, actor in found:
            await played.office.send(phase_stream(reference, Phase.VETTING, 1), command(played, finding, actor))
        await played.office.send(stay, command(played, ExitCleared()))
        assert phase_stream(reference, Phase.ENTRY, 1) not in played.open_streams()

        await played.office.send(played.office_path, command(played, Assigned(coordinator="eli")))
        await eventually(lambda: phase_stream(reference, Phase.ENTRY, 1) in played.open_streams(), "entry has opened")
        await played.settled()
        assert await run_of(played, safety) == safety_run
        assert untouched(played) == before


def untouched(played: Rehearsal) -> dict[str, str]:
    """The duties that nothing in that story moves."""
    kept = ("check-in", "pledge-follow-up", "stay-limit")
    found = {duty.duty: duty.due for duty in played.board.duties(played.reference) if duty.duty in kept}
    assert len(found) == len(kept)
    return found


async def test_a_closed_path_ends_every_phase_and_a_reopened_one_goes_on_where_it_stood(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        open_before = played.open_streams()
        await played.office.send(played.office_path, command(played, PathClosed(reason=ClosingReason.LOST)))
        for stream in [*open_before, played.office_path]:
            await eventually(lambda stream=stream: ended(played, stream), f"{stream} has ended")  # type: ignore[misc]
        assert played.open_streams() == []
        assert played.board.duties(reference) == []
        await played.office.send(played.office_path, command(played, PathReopened()))
        await played.settled()
        assert played.open_streams() == open_before


async def test_an_alarming_answer_on_a_closed_path_calls_the_desk_and_stays_listed_until_it_is_open_again(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        safety = phase_stream(reference, Phase.SAFETY, 1)
        await played.office.send(played.office_path, command(played, PathClosed(reason=ClosingReason.LOST)))
        await eventually(lambda: ended(played, safety), "safety has ended")
        duress = past(CheckedIn(answer=Answer.DURESS), date(2026, 9, 1), "check-in-link")
        await played.office.record(reference, duress, uuid4())
        await eventually(lambda: ended(played, safety), "safety has ended again")
        (notice,) = played.board.notices()
        assert notice.urgency == "emergency"
        for answer, actor in ((Answer.UNRECOGNISED, "check-in-link"), (Answer.DURESS, "dana")):
            heard = {one.notice_id for one in played.board.notices()}
            await played.office.record(reference, past(CheckedIn(answer=answer), date(2026, 9, 1), actor), uuid4())
            await eventually(lambda: ended(played, safety), "safety has ended again")
            (again,) = (one for one in played.board.notices() if one.notice_id not in heard)
            assert again.urgency == "emergency", "nobody has taken the first in hand, and this one calls all the same"
            assert call_of(played.store.read(safety), UUID(again.notice_id)) == WHOLE_DESK

        def needed() -> list[str]:
            return [need.duty.duty for need in played.board.needs_a_human(played.clock)]

        assert needed() == [ANSWER]
        before = cards(played.database)
        rebuild(played.database, played.store, RULEBOOK, lambda: played.clock, lambda _done, _of: None)
        assert cards(played.database) == before
        hold = HoldPlaced(reason=HoldReason.LEGAL_CLAIM, until=date(2027, 9, 1))
        await played.office.send(played.office_path, command(played, hold))
        assert needed() == [ANSWER], "whatever else is recorded of the path"
        await played.office.send(played.office_path, command(played, PathReopened()))
        await played.settled()
        (row,) = (one for one in played.board.duties(reference) if one.duty == ANSWER)
        assert row.next_at is not None, "its ladder climbs again"


async def ended(played: Rehearsal, stream: str) -> bool:
    return not await played.is_running(stream)


async def test_without_a_cache_every_task_replays_its_history_and_the_same_story_is_lived(
    tmp_path: Path, reference: str
) -> None:
    script = [past(Entered(), date(2026, 9, 2)), past(Approached(country="FR"), date(2026, 9, 5))]
    until = datetime(2026, 9, 6, tzinfo=UTC)
    async with (
        skipping_server() as environment,
        rehearsal(environment, tmp_path, BEGAN, reference, cached_workflows=0) as played,
    ):
        receipt = await played.start(minimal())
        await played.play(script)
        await played.move_to(until)
        lived = chronology(played.events())
    opening = Command(
        command_id=receipt.accepted[0].event_id,
        actor="dana",
        occurred=minimal().since,
        learned_on=BEGAN.date(),
        fact=minimal().intake,
        sent_at=BEGAN,
    )
    story = begin(reference, opening, minimal().intake, load().for_phase, BEGAN)
    first = events_of(story)
    assert lived == chronology([*first, *(line.event for line in forecast(story, script, BEGAN, until))])


async def test_a_command_that_was_taken_in_another_phase_is_refused_and_the_phase_lives_on(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        safety, vetting = (phase_stream(reference, phase, 1) for phase in (Phase.SAFETY, Phase.VETTING))
        seen = command(played, Acknowledged(duty="review"))
        await played.office.send(safety, seen)
        await eventually(lambda: played.is_running(vetting), "the other phase runs")
        lives = await run_of(played, vetting)
        with pytest.raises(NotUnderstood, match="used for another command"):
            await played.office.send(vetting, seen)
        # the engine answers an id that it knows by itself: whatever is sent under it
        called = command(played, CheckedIn(channel=Channel.CALL))
        receipt = await played.office.send(safety, called)
        assert await played.office.send(safety, called.model_copy(update={"sent_at": played.clock})) == receipt
        for other in ({"fact": CheckedIn()}, {"actor": "timur"}):
            with pytest.raises(NotUnderstood, match="used for another command"):
                await played.office.send(safety, called.model_copy(update=other))
        await played.office.send(vetting, command(played, Acknowledged(duty="review")))
        assert await run_of(played, vetting) == lives


async def test_a_command_that_overtook_itself_into_another_round_gets_its_first_answer(
    tmp_path: Path, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        told, command_id = past(Registered(), BEGAN.date()), uuid4()
        first = await played.office.record(reference, told, command_id)
        await played.office.record(reference, past(Relocated(to="KG"), BEGAN.date()), uuid4())
        ended, opened = (phase_stream(reference, Phase.TRANSIT_STAY, number) for number in (1, 2))
        await eventually(lambda: opened in played.open_streams() and ended not in played.open_streams(), "he moved on")
        early = tuple(event for event in played.events() if event.command_id != command_id)
        readings = [early]  # as the case was read while the first sending was still under way
        read_case = Store.read_case
        monkeypatch.setattr(Store, "read_case", lambda *case: readings.pop() if readings else read_case(*case))
        assert await played.office.record(reference, told, command_id) == first


@pytest.mark.parametrize("phase", [Phase.VETTING, None], ids=["phase", "path"])
async def test_a_command_that_a_crash_left_in_the_log_is_answered_even_where_it_would_be_refused_without_it(
    tmp_path: Path, reference: str, phase: Phase | None
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        stream = phase_stream(reference, phase, 1) if phase is not None else played.office_path
        before, asked = _refused_without_the_other(phase)
        await played.office.send(
            stream, command(played, Acknowledged(duty="review") if phase else Assigned(coordinator="eli"))
        )
        story = story_of(played.events(), reference, load())
        commands = command(played, before), command(played, asked, "timur")
        events: tuple[Event, ...] = ()
        for one in commands:
            if phase is None:
                events += decide_path(story.path.plus(events), one, played.clock)
            else:
                around = Surroundings(case=story.path.state, rules=story.rules(stream), now=played.clock)
                events += decide(story.ledger(stream).plus(events), one, around)
        version = (story.path if phase is None else story.ledger(stream)).version
        with played.database.reading() as connection:
            epoch = connection.exec_driver_sql("SELECT epoch FROM stream WHERE stream = ?", (stream,)).scalar_one()
        played.store.append(stream, epoch, version, events)
        answer = await played.office.send(stream, commands[1])
        assert answer.accepted[0].event_id == id_from_command(commands[1].command_id, 0)


def _refused_without_the_other(phase: Phase | None) -> tuple[Fact, Fact]:
    if phase is None:
        return PathClosed(reason=ClosingReason.LOST), PathReopened()
    return FindingProposed(finding=Finding.CLEARED), FindingApproved()


async def test_a_rung_that_the_log_holds_in_other_words_is_read_from_it_and_the_next_one_sounds(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        safety = phase_stream(reference, Phase.SAFETY, 1)
        await played.office.send(safety, command(played, LawyerEngaged()))
        await eventually(lambda: played.is_quiet(safety), "the phase waits")
        story = story_of(played.events(), reference, load())
        ledger, rules = story.ledger(safety), story.rules(safety)
        due = ledger.next_rung(ledger.state.duties(story.path.state, rules), played.clock)
        assert due is not None
        written = came_due(ledger, *due, due[1].at)
        other = written.model_copy(update={"fact": written.fact.model_copy(update={"title": "As it was said before"})})
        with played.database.reading() as connection:
            asked = "SELECT epoch FROM stream WHERE stream = ?"
            epoch = connection.exec_driver_sql(asked, (safety,)).scalar_one()
        played.store.append(safety, epoch, ledger.version, (other,))
        await played.move_to(due[1].at + timedelta(days=8))
        sounded = [event.fact for event in played.store.read(safety) if isinstance(event.fact, DutyCameDue)]
        assert sounded[0].title == "As it was said before"
        assert len(sounded) > 1
        assert await played.is_running(safety)


async def test_what_no_state_of_a_phase_could_take_is_refused_before_it_is_history(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        safety = phase_stream(reference, Phase.SAFETY, 1)
        handle = environment.client.get_workflow_handle(safety)
        await played.office.send(safety, command(played, LawyerEngaged()))
        await eventually(lambda: played.is_quiet(safety), "the phase waits")
        before = len((await handle.fetch_history()).events)
        with pytest.raises(NotUnderstood, match="entered does not belong to safety/1"):
            await played.office.send(safety, command(played, Entered()))
        with pytest.raises(NotUnderstood, match="does not belong to"):
            await played.office.send(played.office_path, command(played, LawyerEngaged()))
        assert len((await handle.fetch_history()).events) == before
