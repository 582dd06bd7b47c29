"""One stream: its fold, its answers to repeated commands, its events as text."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.case import Assigned, Milestone, Path, Stage
from domain.check_ins import Channel, CheckedIn
from domain.custody import Detained, Released
from domain.danger import Risk, RiskAssessed, RiskReason
from domain.errors import NotUnderstood, Refused
from domain.events import FACTS, ROOMS, Event, id_from_command
from domain.extradition import WantedCleared
from domain.facts import Fact, Occurred, Report
from domain.references import Phase, phase_stream
from domain.room import Acknowledged, Room
from domain.safety import Safety
from domain.stay_facts import Entered, Status, StatusGranted
from domain.story import events_of
from domain.stream import Ledger, decide, fold
from domain.vetting import Check, CheckRecorded, Finding, FindingProposed, Result
from tests.domain.strategies import (
    REFERENCE,
    RULEBOOK,
    Tale,
    events_in,
    events_of_kind,
    facts,
    noon,
    occasions,
    occasions_until,
    reports,
    staff,
)

NOW = noon(date(2023, 3, 1))
"""Soon after the first facts: every rung of a ladder is climbed anew, and a long ladder is slow."""

mostly_past = occasions_until(NOW.date()) | occasions_until(NOW.date()) | occasions
told = st.lists(st.tuples(facts, mostly_past, staff, st.sampled_from(Phase)), max_size=8)


@pytest.mark.parametrize("phase", list(Phase))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_state_is_the_fold_of_its_stream(phase: Phase, data: st.DataObject) -> None:
    room = ROOMS[phase]
    events = data.draw(events_in(room))
    blank: Room = room(stream=phase_stream(REFERENCE, phase, 1), country="KZ")
    ledger = Ledger.empty(blank.stream, blank)
    for event in events:
        ledger = ledger.plus([event])
    assert ledger.state == fold(blank, events)


@settings(max_examples=60, deadline=None)
@given(told, st.lists(st.integers(min_value=0, max_value=30), max_size=3))
def test_every_state_of_a_story_is_the_fold_of_its_stream(
    script: list[tuple[Fact, Occurred, str, Phase]], retracted: list[int]
) -> None:
    tale = _told(script)
    for which in retracted:
        wrong = [event for event in events_of(tale.story) if isinstance(event.fact, Report)]
        if wrong:
            tale.correct(wrong[which % len(wrong)], NOW)
        ledgers: list[Ledger[Path] | Ledger[Room]] = [tale.story.path, *tale.story.phases.values()]
        for ledger in ledgers:
            assert ledger.state == fold(ledger.blank, ledger.events)


def _told(script: list[tuple[Fact, Occurred, str, Phase]]) -> Tale:
    tale = Tale("2022-01-01")
    for fact, occurred, by, phase in script:
        try:
            tale.tell(occurred, fact, by=by, phase=phase, now=NOW)
        except (Refused, NotUnderstood):
            continue
    return tale


def test_a_report_from_before_a_date_that_was_moved_forward_is_folded_before_it() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-01-03", StatusGranted(status=Status.VISA_FREE, until=date(2024, 5, 1)))
    tale.correct(tale.event("status-granted"), "2024-01-10", occurred=Occurred.parse("2024-01-11"))
    extended = StatusGranted(status=Status.EXTENSION, until=date(2024, 6, 1))
    tale.tell("2024-01-10", extended, now="2024-01-12")
    ledger = tale.ledger(Phase.TRANSIT_STAY)
    assert ledger.state == fold(ledger.blank, ledger.events)


def test_reports_of_one_day_are_folded_by_their_hours() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Detained())
    taken_again = Occurred.parse("2024-02-02T20:00+00:00")
    tale.tell(taken_again, Detained(), now="2024-02-03")
    tale.tell(Occurred.parse("2024-02-02T09:00+00:00"), Released(), now="2024-02-03")
    ledger = tale.ledger(Phase.SAFETY)
    assert isinstance(ledger.state, Safety)
    assert ledger.state.custody.held_since == taken_again
    assert ledger.state == fold(ledger.blank, ledger.events)
    assert tale.story.path.state.in_custody


def test_a_late_report_of_an_earlier_hour_leaves_a_decision_after_what_was_known_by_then() -> None:
    tale = Tale()
    tale.tell(Occurred.parse("2024-02-02T20:00+00:00"), Detained(), now="2024-02-03")
    soon = date(2024, 3, 1)
    lower = RiskAssessed(level=Risk.MEDIUM, review_on=soon, reason=RiskReason.NEW_INFORMATION)
    tale.tell("2024-02-02", lower, now="2024-02-03")
    tale.tell(Occurred.parse("2024-02-02T09:00+00:00"), WantedCleared(by="BY"), now="2024-02-03")
    state = tale.ledger(Phase.SAFETY).state
    assert isinstance(state, Safety)
    assert state.danger.level is Risk.MEDIUM


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(reports, mostly_past), max_size=14))
def test_a_report_is_never_refused_in_whatever_order(script: list[tuple[Fact, Occurred]]) -> None:
    tale = Tale("2022-01-01")
    for fact, occurred in script:
        future = occurred.earliest > NOW.date() + timedelta(days=1)
        try:
            events = tale.tell(occurred, fact, now=NOW)
        except NotUnderstood:
            assert future, fact.kind
        else:
            assert not future
            assert any(event.fact == fact for event in events)


@settings(max_examples=20, deadline=None)
@given(told)
def test_an_events_id_is_its_own_within_a_story(script: list[tuple[Fact, Occurred, str, Phase]]) -> None:
    tale = _told(script)
    tale.fire_until(NOW)
    tale.fire_until(NOW + timedelta(days=10))
    ids = [event.event_id for event in events_of(tale.story)]
    assert len(ids) == len(set(ids))


@settings(max_examples=60, deadline=None)
@given(told)
def test_versions_of_a_stream_have_no_gap(script: list[tuple[Fact, Occurred, str, Phase]]) -> None:
    story = _told(script).story
    for ledger in (story.path.events, *(one.events for one in story.phases.values())):
        assert [event.version for event in ledger] == list(range(1, len(ledger) + 1))


@pytest.mark.parametrize("kind", sorted(FACTS))
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_an_event_of_every_kind_survives_its_way_through_text(kind: str, data: st.DataObject) -> None:
    event = data.draw(events_of_kind(kind))
    again = Event.model_validate_json(event.model_dump_json())
    assert again == event
    assert type(again.fact) is FACTS[kind]


def test_there_are_kinds_to_send_through_text() -> None:
    assert len(FACTS) > 70


def test_a_repeated_command_gets_its_first_answer() -> None:
    tale = Tale()
    command = tale.command(CheckedIn(), Occurred.parse("2024-01-02"), noon("2024-01-02"))
    ledger = tale.ledger(Phase.SAFETY)
    around = tale.story.around(ledger.stream, noon("2024-01-02"))
    first = decide(ledger, command, around)
    later = tale.story.around(ledger.stream, noon("2024-06-02"))
    detained = tale.command(Detained(), Occurred.parse("2024-02-01"), noon("2024-02-01"))
    after = ledger.plus(first).plus(decide(ledger.plus(first), detained, later))
    assert decide(after, command, later) == first
    assert first[0].event_id == id_from_command(command.command_id, 0)


def test_a_decision_that_was_accepted_is_not_refused_when_it_is_repeated() -> None:
    tale = Tale()
    proposed = FindingProposed(finding=Finding.CLEARED)
    command = tale.command(proposed, Occurred.parse("2024-01-02"), noon("2024-01-02"))
    ledger = tale.ledger(Phase.VETTING)
    around = tale.story.around(ledger.stream, noon("2024-01-02"))
    first = decide(ledger, command, around)
    assert decide(ledger.plus(first), command, around) == first


def test_a_command_to_the_path_repeated_opens_nothing_twice() -> None:
    tale = Tale()
    before = tale.story.path.version
    command_id = tale.next_id()
    first = tale.tell("2024-01-02", Assigned(coordinator="boris"), command_id=command_id)
    assert tale.tell("2024-01-02", Assigned(coordinator="boris"), command_id=command_id) == first
    assert tale.story.path.version == before + 1


def test_a_command_id_serves_one_command() -> None:
    tale = Tale()
    command_id = tale.next_id()
    tale.tell("2024-01-02", CheckedIn(), command_id=command_id)
    for day, fact in (
        ("2024-01-02", Detained()),
        ("2024-01-02", CheckedIn(channel=Channel.CALL)),
        ("2024-01-03", CheckedIn()),
    ):
        with pytest.raises(NotUnderstood, match="used for another command"):
            tale.tell(day, fact, command_id=command_id)


def test_a_repeated_command_to_a_phase_adds_nothing_to_a_story() -> None:
    tale = Tale()
    command_id = tale.next_id()
    tale.tell("2024-01-02", Entered(), command_id=command_id)
    tale.tell("2024-01-02", Entered(), command_id=command_id)
    assert tale.ledger(Phase.TRANSIT_STAY).version == 1


def test_a_milestone_that_stands_again_is_heard_again() -> None:
    tale = Tale()
    tale.find(Finding.CLEARED)
    wrong = tale.event("finding-proposed")
    tale.correct(wrong, "2024-01-10")
    assert tale.stage() is Stage.TRANSIT
    tale.correct(wrong, "2024-01-11", replacement=FindingProposed(finding=Finding.CLEARED))
    tale.tell("2024-01-12", CheckRecorded(check=Check.IDENTITY, result=Result.DOUBT))
    ids = [event.event_id for event in events_of(tale.story)]
    assert len(ids) == len(set(ids))
    assert tale.stage() is Stage.CLEARED
    assert [one.milestone for one in tale.story.path.state.heard] == [Milestone.CLEARED]


def test_the_engines_own_facts_do_not_touch_a_phase() -> None:
    tale = Tale()
    touched = tale.ledger(Phase.SAFETY).state.touched_at
    assert tale.fire_until(noon("2024-03-01"))
    assert tale.ledger(Phase.SAFETY).state.touched_at == touched


def test_a_fact_of_another_phase_has_no_meaning_in_a_stream() -> None:
    tale = Tale()
    ledger = tale.ledger(Phase.SAFETY)
    command = tale.command(Entered(), Occurred.parse("2024-01-02"), noon("2024-01-02"))
    with pytest.raises(NotUnderstood, match="does not belong"):
        decide(ledger, command, tale.story.around(ledger.stream, noon("2024-01-02")))


def test_what_belongs_to_every_phase_needs_its_phase_named() -> None:
    with pytest.raises(NotUnderstood, match="name the phase"):
        Tale().tell("2024-01-02", Acknowledged(duty="review"))


def test_a_country_without_a_rulebook_has_no_rules() -> None:
    assert not RULEBOOK.for_phase(None, Phase.SAFETY).rules
