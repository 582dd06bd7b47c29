"""Ladders: reminders, the alarm, and an insistence that ends only where a human takes it in hand."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.custody import Detained, LawyerEngaged
from domain.danger import Risk, RiskAssessed
from domain.duties import (
    EMERGENCY_ESCALATIONS,
    LEGAL_ESCALATIONS,
    LEGAL_REMINDERS,
    ROUTINE_ESCALATIONS,
    Duty,
    Ladder,
    Level,
    Rung,
    Urgency,
    next_rung,
    rungs,
)
from domain.errors import NotFound, NotUnderstood
from domain.events import Event
from domain.references import Phase
from domain.room import Acknowledged, DutyCameDue
from domain.stay_facts import ClaimLodged, ClaimRefused
from domain.stream import Ledger
from tests.domain.strategies import Tale, instants, noon

DUE = datetime(2024, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)

steps = st.lists(st.integers(min_value=1, max_value=2000), max_size=5, unique=True).map(
    lambda hours: tuple(timedelta(hours=hour) for hour in sorted(hours))
)
duties = st.builds(
    Duty,
    id=st.just("appeal"),
    title=st.just("Appeal"),
    due=instants,
    reminders=steps,
    escalations=steps,
    curable=st.booleans(),
    emergency=st.booleans(),
)


def legal(*, emergency: bool = False, curable: bool = True) -> Duty:
    return Duty(
        id="appeal",
        title="Appeal",
        due=DUE,
        reminders=LEGAL_REMINDERS,
        escalations=LEGAL_ESCALATIONS,
        emergency=emergency,
        curable=curable,
    )


def rung_of(duty: Duty, ladder: Ladder | None, now: datetime, silent_until: datetime | None = None) -> Rung:
    found = next_rung(duty, ladder, now, silent_until=silent_until)
    assert found is not None
    return found


@given(duties)
def test_the_rungs_of_a_ladder_ascend_and_never_end(duty: Duty) -> None:
    climbed = list(islice(rungs(duty), 40))
    assert len(climbed) == 40
    assert all(one.at < other.at for one, other in pairwise(climbed))
    assert [one.number for one in climbed] == list(range(40))
    assert [one.at for one in climbed if one.level is Level.ALARM] == [duty.due]
    assert all((one.at < duty.due) == (one.level is Level.REMINDER) for one in climbed)


@pytest.mark.parametrize("escalations", [LEGAL_ESCALATIONS, EMERGENCY_ESCALATIONS, ROUTINE_ESCALATIONS, ()])
def test_the_last_escalation_repeats_for_ever(escalations: tuple[timedelta, ...]) -> None:
    duty = legal().model_copy(update={"reminders": (), "escalations": escalations})
    climbed = list(islice(rungs(duty), len(escalations) + 4))
    pauses = {other.at - one.at for one, other in pairwise(climbed[len(escalations) :])}
    assert len(pauses) == 1
    assert climbed[0].at == DUE


def test_a_reminder_speaks_less_loudly_than_the_alarm_and_waits_unless_it_is_of_an_emergency() -> None:
    for emergency in (False, True):
        for rung in islice(rungs(legal(emergency=emergency)), 12):
            quiet = Urgency.ALARM if emergency else Urgency.REMINDER
            loud = Urgency.EMERGENCY if emergency else Urgency.ALARM
            assert rung.urgency is (quiet if rung.level is Level.REMINDER else loud)


@settings(max_examples=100, deadline=None)
@given(duties, st.integers(min_value=-3000, max_value=20_000))
def test_after_a_silence_only_the_highest_missed_rung_is_reached(duty: Duty, hours: int) -> None:
    now = duty.due + timedelta(hours=hours)
    rung = rung_of(duty, None, now)
    after = rung_of(duty, Ladder(due=duty.due, fired=rung), now)
    assert after.number == rung.number + 1
    assert after.at > now
    missed = [one for one in islice(rungs(duty), rung.number + 1) if one.at <= now]
    assert not missed or missed[-1] == rung


@given(duties, st.data())
def test_an_acknowledged_reminder_never_silences_the_alarm(duty: Duty, data: st.DataObject) -> None:
    reminders = list(islice(rungs(duty), len(duty.reminders)))
    if not reminders:
        return
    reminder = data.draw(st.sampled_from(reminders))
    ladder = Ladder(due=duty.due, fired=reminder, acknowledged=True)
    assert not ladder.is_over
    rung = rung_of(duty, ladder, duty.due)
    assert (rung.level, rung.at) == (Level.ALARM, duty.due)


@given(duties, st.integers(min_value=0, max_value=8))
def test_an_acknowledged_alarm_or_escalation_ends_the_ladder(duty: Duty, further: int) -> None:
    fired = list(islice(rungs(duty), len(duty.reminders) + 1 + further))[-1]
    ladder = Ladder(due=duty.due, fired=fired, acknowledged=True)
    assert ladder.is_over
    assert next_rung(duty, ladder, duty.due + 1000 * DAY) is None


def test_an_alarm_that_nobody_takes_in_hand_insists() -> None:
    alarm = rung_of(legal(), None, DUE)
    ladder = Ladder(due=DUE, fired=alarm)
    assert ladder.needs_a_human
    assert rung_of(legal(), ladder, DUE).level is Level.ESCALATION
    assert rung_of(legal(), ladder, DUE).at == DUE + DAY


def test_no_rung_at_or_before_an_import_sounds() -> None:
    rung = rung_of(legal(), None, DUE + DAY, silent_until=DUE + DAY)
    assert rung.at > DUE + DAY


def test_what_was_past_at_an_import_and_cannot_be_cured_never_sounds() -> None:
    passed = Ladder(due=DUE, passed_over=True)
    assert next_rung(legal(curable=False), passed, DUE + 500 * DAY, silent_until=DUE + DAY) is None
    assert next_rung(legal(curable=True), passed, DUE + 500 * DAY, silent_until=DUE + DAY) is not None


# --- in a story ----------------------------------------------------------------------------------------------------


def fired_of(events: list[Event], duty: str) -> list[DutyCameDue]:
    return [event.fact for event in events if isinstance(event.fact, DutyCameDue) and event.fact.duty == duty]


def told_of_a_refusal() -> Tale:
    tale = Tale()
    tale.enter()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-02-01", ClaimRefused(appeal_until=datetime(2024, 5, 1, tzinfo=UTC).date()))
    return tale


def test_a_reminder_taken_in_hand_in_a_story_leaves_the_alarm_standing() -> None:
    tale = told_of_a_refusal()
    due = tale.duties(Phase.TRANSIT_STAY)["claim-appeal"].due
    [reminder] = fired_of(tale.fire_until(due - 29 * DAY), "claim-appeal")
    assert reminder.level is Level.REMINDER
    tale.acknowledge(Phase.TRANSIT_STAY, "claim-appeal", due - 28 * DAY)
    assert Level.ALARM in [fact.level for fact in fired_of(tale.fire_until(due), "claim-appeal")]


def test_an_alarm_taken_in_hand_in_a_story_is_the_last_of_its_ladder() -> None:
    tale = told_of_a_refusal()
    due = tale.duties(Phase.TRANSIT_STAY)["claim-appeal"].due
    tale.fire_until(due)
    tale.acknowledge(Phase.TRANSIT_STAY, "claim-appeal", due + timedelta(hours=1))
    assert fired_of(tale.fire_until(due + 60 * DAY), "claim-appeal") == []


def test_what_was_taken_in_hand_by_mistake_is_taken_back_and_its_ladder_goes_on() -> None:
    tale = Tale()
    tale.tell("2024-02-01T10:00+00:00", Detained(), now=noon("2024-02-01"))
    tale.fire_until(noon("2024-02-01"))
    [wrong] = tale.acknowledge(Phase.SAFETY, "lawyer", noon("2024-02-01"))
    assert fired_of(tale.fire_until(noon("2024-02-01") + timedelta(hours=2)), "lawyer") == []
    with pytest.raises(NotUnderstood, match="--retract"):
        tale.correct(wrong, noon("2024-02-01"), replacement=Acknowledged(duty="review"))
    tale.correct(wrong, noon("2024-02-01") + timedelta(hours=2))
    ledger = tale.ledger(Phase.SAFETY)
    assert not any(ladder.acknowledged for ladder in ledger.ladders.values())
    assert ledger == Ledger.empty(ledger.stream, ledger.blank).plus(ledger.events)
    rungs_after = fired_of(tale.fire_until(noon("2024-02-01") + timedelta(hours=2)), "lawyer")
    assert [fact.level for fact in rungs_after] == [Level.ESCALATION], "that which was missed, once"
    tale.acknowledge(Phase.SAFETY, "lawyer", noon("2024-02-01") + timedelta(hours=3))
    assert fired_of(tale.fire_until(noon("2024-02-01") + timedelta(hours=3)), "lawyer") == []


def test_a_duty_whose_date_moves_has_a_new_ladder() -> None:
    tale = told_of_a_refusal()
    due = tale.duties(Phase.TRANSIT_STAY)["claim-appeal"].due
    tale.fire_until(due)
    tale.acknowledge(Phase.TRANSIT_STAY, "claim-appeal", due + timedelta(hours=1))
    later = ClaimRefused(appeal_until=datetime(2024, 6, 1, tzinfo=UTC).date())
    tale.correct(tale.event("claim-refused"), due + timedelta(hours=2), replacement=later)
    moved = tale.duties(Phase.TRANSIT_STAY)["claim-appeal"].due
    assert moved == due + 31 * DAY
    assert [fact.level for fact in fired_of(tale.fire_until(moved), "claim-appeal")][-1] is Level.ALARM


def test_a_detained_man_needs_a_lawyer_within_the_hour_until_one_is_engaged() -> None:
    tale = Tale()
    tale.tell("2024-02-01T10:00+00:00", Detained(), now=noon("2024-02-01"))
    lawyer = tale.duties(Phase.SAFETY)["lawyer"]
    assert lawyer.due == datetime(2024, 2, 1, 11, tzinfo=UTC)
    assert lawyer.emergency
    [fired] = fired_of(tale.fire_until(noon("2024-02-01")), "lawyer")
    assert fired.urgency is Urgency.EMERGENCY
    tale.tell("2024-02-01T13:00+00:00", LawyerEngaged(), now=noon("2024-02-02"))
    assert fired_of(tale.fire_until(noon("2024-02-09")), "lawyer") == []


def test_only_a_duty_that_stands_is_taken_in_hand() -> None:
    with pytest.raises(NotFound, match="there is no such duty"):
        Tale().acknowledge(Phase.SAFETY, "lawyer", noon("2024-01-02"))


def test_a_review_taken_in_hand_comes_again() -> None:
    tale = Tale()
    review = tale.duties(Phase.VETTING)["review"]
    tale.fire_until(review.due)
    tale.acknowledge(Phase.VETTING, "review", review.due + DAY)
    assert tale.duties(Phase.VETTING)["review"].due > review.due + DAY


def test_a_risk_review_taken_in_hand_does_not_alarm_at_once() -> None:
    tale = Tale()
    tale.tell("2024-01-02", RiskAssessed(level=Risk.HIGH, review_on=datetime(2024, 1, 10, tzinfo=UTC).date()))
    tale.fire_until(noon("2024-01-10"))
    tale.acknowledge(Phase.SAFETY, "risk-review", noon("2024-01-11"))
    assert fired_of(tale.fire_until(noon("2024-01-11")), "risk-review") == []
