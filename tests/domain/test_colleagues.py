"""Whom a rung calls: the coordinator, then the second, then the whole desk; in an emergency whoever is on the rota."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.colleagues import WHOLE_DESK, Address, Call, Colleague, Role, Turn, addressees, call_of, is_taken_in_hand
from domain.duties import Duty, Level, Urgency, rungs
from domain.errors import NotUnderstood
from domain.events import ENGINE, Corrected, CorrectionReason, Event
from domain.facts import Fact, Occurred
from domain.room import Acknowledged, DutyCameDue

DUE = datetime(2026, 12, 1, 9, tzinfo=UTC)
DAY = DUE.date()
WAY = (Address(channel="signal", to="+4915200000000"),)
LADDER = Duty(id="stay-limit", title="t", due=DUE, reminders=(timedelta(days=3), timedelta(days=1)))


def event(fact: Fact, version: int) -> Event:
    return Event(
        event_id=uuid4(),
        stream="case/00000000000/transit-stay/1",
        version=version,
        actor=ENGINE,
        occurred=Occurred.at_instant(DUE),
        learned_on=DAY,
        recorded_at=DUE,
        fact=fact,
    )


def climbed(*which: int) -> list[Event]:
    """The ladder's rungs of these numbers, as the log holds them."""
    found = [rung for rung, _ in zip(rungs(LADDER), range(max(which) + 1), strict=False)]
    return [
        event(
            DutyCameDue(
                duty=LADDER.id,
                title="t",
                due=DUE,
                level=found[number].level,
                number=number,
                at=found[number].at,
                urgency=found[number].urgency,
            ),
            version,
        )
        for version, number in enumerate(which, start=1)
    ]


@pytest.mark.parametrize(
    ("which", "step"),
    [
        ((0,), 0),
        ((0, 1), 0),
        ((0, 1, 2), 0),
        ((0, 1, 2, 3), 1),
        ((2, 3), 1),
        ((0, 1, 2, 3, 4), 2),
        ((2, 4), 2),
        ((1, 3), 2),
        ((3,), 2),
        ((2, 3, 4, 9), 2),
    ],
)
def test_each_rung_calls_the_next_wider_circle_and_what_was_slept_through_counts(
    which: tuple[int, ...], step: int
) -> None:
    events = climbed(*which)
    found = call_of(events, events[-1].event_id)
    assert min(found.step, 2) == step
    assert found.plan == ()


def test_what_is_no_rung_is_the_coordinators() -> None:
    events = climbed(2)
    assert call_of(events, uuid4()) == Call()


def test_taking_the_duty_in_hand_stops_what_was_written_before_and_nothing_that_is_written_after() -> None:
    before, after = climbed(2), climbed(3)
    events = [*before, event(Acknowledged(duty=LADDER.id), 2), *after, event(Acknowledged(duty="other"), 4)]
    assert is_taken_in_hand(events, before[0].event_id)
    assert not is_taken_in_hand(events, after[0].event_id)
    taken_back = Corrected(event=events[len(before)].event_id, reason=CorrectionReason.MISTYPED)
    assert not is_taken_in_hand([*events, event(taken_back, 5)], before[0].event_id)


def colleague(name: str, role: Role = Role.DESK, *turns: Turn) -> Colleague:
    return Colleague(name=name, role=role, channels=WAY, turns=turns)


DANA, ELI = colleague("dana", Role.COORDINATOR), colleague("eli", Role.SECOND)
NOA, TIM = colleague("noa", Role.DESK, Turn(first=DAY, last=DAY)), colleague("tim")
EVERYBODY = (DANA, ELI, NOA, TIM)


@pytest.mark.parametrize(
    ("step", "urgency", "called"),
    [
        (0, Urgency.REMINDER, {DANA}),
        (0, Urgency.ALARM, {DANA}),
        (1, Urgency.ALARM, {ELI}),
        (2, Urgency.ALARM, set(EVERYBODY)),
        (0, Urgency.EMERGENCY, {DANA, NOA}),
        (1, Urgency.EMERGENCY, {ELI, NOA}),
        (2, Urgency.EMERGENCY, set(EVERYBODY)),
    ],
)
def test_first_the_coordinator_then_the_second_then_all(step: int, urgency: Urgency, called: set[Colleague]) -> None:
    assert set(addressees(EVERYBODY, Call(step=step), urgency, "dana", DAY)) == called


def test_a_plan_names_who_is_called_one_after_the_other_and_then_the_whole_desk() -> None:
    plan = ("tim", "gone", "eli")
    called = [addressees(EVERYBODY, Call(step=step, plan=plan), Urgency.ALARM, "dana", DAY) for step in range(4)]
    assert called == [(TIM,), (ELI,), EVERYBODY, EVERYBODY]
    assert set(addressees(EVERYBODY, Call(plan=plan), Urgency.EMERGENCY, "dana", DAY)) == {TIM, NOA}
    assert addressees(EVERYBODY, WHOLE_DESK, Urgency.ALARM, "dana", DAY) == EVERYBODY


def test_a_plan_that_names_nobody_who_is_at_the_desk_gives_way_to_the_usual_ladder() -> None:
    assert addressees(EVERYBODY, Call(plan=("gone",)), Urgency.ALARM, "dana", DAY) == (DANA,)


def test_an_emergency_for_which_nobody_is_on_the_rota_is_everybodys() -> None:
    found = addressees(EVERYBODY, Call(), Urgency.EMERGENCY, "dana", DAY + timedelta(days=1))
    assert found == EVERYBODY


def test_a_coordinator_who_is_not_at_the_desk_gives_way_to_the_second_and_then_to_all() -> None:
    assert addressees(EVERYBODY, Call(), Urgency.ALARM, "gone", DAY) == (ELI,)
    assert addressees((NOA, TIM), Call(), Urgency.ALARM, None, DAY) == (NOA, TIM)


@given(st.data())
def test_where_there_is_anybody_every_notice_has_somebody(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcdef"), unique=True))
    desk = tuple(
        colleague(
            name, data.draw(st.sampled_from(Role)), *data.draw(st.sampled_from([(), (Turn(first=DAY, last=DAY),)]))
        )
        for name in names
    )
    plan = tuple(data.draw(st.lists(st.sampled_from("abcz"), unique=True)))
    for step, urgency in product((0, 1, 2, 99), Urgency):
        found = addressees(desk, Call(step=step, plan=plan), urgency, data.draw(st.sampled_from(["a", "z", None])), DAY)
        assert bool(found) == bool(desk)
        assert set(found) <= set(desk)
        assert len(set(found)) == len(found)


@pytest.mark.parametrize("text", ["", "2026-13-01", "2026-12-07..2026-12-01", "soon"])
def test_days_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        Turn.parse(text)


def test_a_turn_holds_its_last_day() -> None:
    turn = Turn.parse("2026-12-01..2026-12-07")
    assert colleague("x", Role.DESK, turn).is_on_rota(date(2026, 12, 7))
    assert not colleague("x", Role.DESK, turn).is_on_rota(date(2026, 12, 8))
    assert Turn.parse("2026-12-01").last == date(2026, 12, 1)


def test_an_address_does_not_show_itself() -> None:
    assert "+49" not in repr(DANA)


def test_the_ladder_of_these_tests_is_as_they_think() -> None:
    levels = [rung.level for rung, _ in zip(rungs(LADDER), range(4), strict=False)]
    assert levels == [Level.REMINDER, Level.REMINDER, Level.ALARM, Level.ESCALATION]
