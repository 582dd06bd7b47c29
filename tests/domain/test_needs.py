"""Needs and to-dos: each is a duty with reminders until it is met or declined, under an id that nothing changes."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.check_ins import CheckedIn
from domain.duties import Duty, Level
from domain.errors import Refused
from domain.events import Event
from domain.facts import Fact
from domain.needs import (
    DeclineReason,
    NeedDeclined,
    NeedKind,
    NeedMet,
    NeedNoted,
    NeedPromised,
    Needs,
    NeedUrgency,
    Promiser,
    TodoSet,
)
from domain.references import Phase
from domain.room import DutyCameDue
from domain.safety import Safety
from tests.domain.strategies import Tale, events_in, noon

DOCTOR = NeedNoted(need=NeedKind.MEDICAL, by=date(2024, 2, 1))
TODO = TodoSet(by=date(2024, 2, 10), urgency=NeedUrgency.CAN_WAIT)
DAY = timedelta(days=1)


def needs(tale: Tale) -> Needs:
    state = tale.ledger(Phase.SAFETY).state
    assert isinstance(state, Safety)
    return state.needs


def duty(tale: Tale, which: str) -> Duty:
    return tale.duties(Phase.SAFETY)[which]


def rungs(events: list[Event], which: str) -> list[Level]:
    return [one.fact.level for one in events if isinstance(one.fact, DutyCameDue) and one.fact.duty == which]


def climbed(tale: Tale, since: datetime, days: int) -> list[Event]:
    return [event for day in range(days) for event in tale.fire_until(since + day * DAY)]


def told(*facts: Fact) -> Tale:
    tale = Tale()
    for fact in facts:
        tale.tell("2024-01-02", fact)
    return tale


def test_a_need_and_a_to_do_are_duties_with_reminders_until_they_end() -> None:
    tale = told(DOCTOR, TODO)
    assert duty(tale, "need-1").title == "A need: safeconduct needs says what"
    assert duty(tale, "need-1").due == datetime(2024, 2, 2, tzinfo=noon("2024-02-02").tzinfo)
    fired = climbed(tale, noon("2024-01-03"), 40)
    assert rungs(fired, "need-1")[:4] == [*[Level.REMINDER] * 3, Level.ALARM]
    assert rungs(fired, "todo-2")[:4] == [*[Level.REMINDER] * 3, Level.ALARM]
    tale.tell("2024-02-12", NeedMet(id="need-1"))
    tale.tell("2024-02-12", NeedDeclined(id="todo-2", reason=DeclineReason.OVERTAKEN))
    assert not {"need-1", "todo-2"} & set(tale.duties(Phase.SAFETY))


def test_a_need_that_is_taken_in_hand_comes_again() -> None:
    tale = told(DOCTOR)
    due = duty(tale, "need-1").due
    tale.fire_until(due)
    tale.acknowledge(Phase.SAFETY, "need-1", due + timedelta(hours=1))
    assert duty(tale, "need-1").due == due + timedelta(hours=1) + 3 * DAY


def test_what_is_needed_stands_in_no_list() -> None:
    tales = [told(NeedNoted(need=kind, by=date(2024, 2, 1))) for kind in NeedKind]
    assert len({duty(tale, "need-1") for tale in tales}) == 1


def test_an_emergency_calls_at_once() -> None:
    tale = told(NeedNoted(need=NeedKind.MEDICAL, by=date(2024, 1, 3), urgency=NeedUrgency.EMERGENCY))
    assert duty(tale, "need-1").emergency
    assert rungs(tale.fire_until(noon("2024-01-02")), "need-1")


def test_a_promise_that_was_not_kept_is_a_duty_on_its_day() -> None:
    tale = told(DOCTOR, NeedPromised(id="need-1", by=Promiser.PARTNER, until=date(2024, 1, 20)))
    promise = duty(tale, "need-1.promise")
    assert promise.due == noon("2024-01-20") - timedelta(hours=12)
    assert "promised by partner" in promise.title
    assert "need-1" in tale.duties(Phase.SAFETY), "a promise meets nothing"
    tale.tell("2024-01-21", NeedMet(id="need-1"))
    assert "need-1.promise" not in tale.duties(Phase.SAFETY)


def test_an_id_stays_whatever_comes_late_or_is_taken_back() -> None:
    tale = told(DOCTOR, CheckedIn(), TODO)
    tale.tell("2024-01-01", NeedNoted(need=NeedKind.MONEY, by=date(2024, 3, 1)), now="2024-01-05")
    assert set(needs(tale).open) == {"need-1", "todo-3", "need-4"}
    tale.correct(tale.events("need-noted")[0], "2024-01-06")
    assert set(needs(tale).open) == {"todo-3", "need-4"}
    later = NeedNoted(need=NeedKind.MONEY, by=date(2024, 4, 1))
    tale.correct(tale.events("need-noted")[-1], "2024-01-07", replacement=later)
    assert needs(tale).open["need-4"].by == date(2024, 4, 1)


def test_whoever_names_none_is_told_so() -> None:
    tale = told(DOCTOR)
    with pytest.raises(Refused, match="there is no open need-9: `safeconduct needs CASE` lists them"):
        tale.tell("2024-01-03", NeedDeclined(id="need-9", reason=DeclineReason.NOT_OURS))
    [event] = tale.tell("2024-01-03", NeedMet(id="need-4"))
    assert "no open need-4" in (event.outside_path or "")
    tale.tell("2024-01-03", CheckedIn())
    tale.tell("2024-01-04", DOCTOR)
    assert set(needs(tale).open) == {"need-1", "need-4"}, "the number that meant nothing then was given later"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_only_to_meet_or_to_decline_ends_a_need(data: st.DataObject) -> None:
    state = Safety()
    for event in data.draw(events_in(Safety)):
        before, state = state.needs.open, state.apply(event)
        gone = set(before) - set(state.needs.open)
        assert not gone or (isinstance(event.fact, NeedMet | NeedDeclined) and gone == {event.fact.id})
        standing = {one.id for one in state.needs.duties(state)}
        assert set(state.needs.open) <= standing


@pytest.mark.parametrize("by", [date.min, date.max])
def test_a_slip_in_a_date_does_not_stop_the_phase_for_ever(by: date) -> None:
    tale = Tale()
    tale.tell("2024-01-02", NeedNoted(need=NeedKind.MONEY, by=by))
    fired = {event.fact.duty for event in tale.fire_until(noon("2024-01-03")) if isinstance(event.fact, DutyCameDue)}
    assert ("need-1" in fired) == (by == date.min)
