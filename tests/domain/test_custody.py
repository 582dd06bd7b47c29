"""Custody, extradition and disappearance: what each asks for at once, and its own path afterwards."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings

from domain.custody import (
    LAWYER_AGAIN,
    WHEREABOUTS_WITHIN,
    Custody,
    Deported,
    Detained,
    Disappeared,
    Found,
    InterimMeasureEnded,
    InterimMeasureGranted,
    LawyerEngaged,
    Released,
)
from domain.extradition import (
    Extradition,
    ExtraditionAppealed,
    ExtraditionDecided,
    ExtraditionRequested,
    RequestOutcome,
    WantedCleared,
    WantedListed,
)
from domain.facts import Fact, Occurred, Record
from domain.references import Phase
from domain.room import StepDone
from domain.safety import Safety
from domain.stay_facts import ExpulsionLifted, ExpulsionOrdered
from tests.domain.strategies import Tale, events_in, noon

NIGHT = Occurred.parse("2024-02-01T22:00+00:00")
HOUR = timedelta(hours=1)


def duties(tale: Tale) -> set[str]:
    return set(tale.duties(Phase.SAFETY))


def detained() -> Tale:
    tale = Tale()
    tale.enter()
    tale.tell(NIGHT, Detained(), now=datetime(2024, 2, 1, 22, 30, tzinfo=UTC))
    return tale


def granted(appeal_until: date) -> Tale:
    tale = Tale()
    tale.tell("2024-02-03", ExtraditionRequested(by="RU"))
    decided = ExtraditionDecided(by="RU", outcome=RequestOutcome.GRANTED, appeal_until=appeal_until)
    tale.tell("2024-03-01", decided)
    return tale


def done(tale: Tale, step: str, day: str) -> None:
    tale.tell(day, StepDone(step=step), phase=Phase.SAFETY)


# --- detention and release -----------------------------------------------------------------------------------------


def test_a_detained_man_gets_a_lawyer_within_the_hour_and_interim_measures_are_decided_on_within_a_day() -> None:
    found = detained().duties(Phase.SAFETY)
    assert found["lawyer"].due == NIGHT.instant + HOUR
    assert found["interim-measures"].due == NIGHT.instant + 24 * HOUR
    assert {found[one].emergency for one in ("lawyer", "interim-measures", "custody-round")} == {True}


def test_what_is_taken_in_hand_and_not_recorded_calls_again_until_it_is() -> None:
    tale, taken_at = Tale(), noon("2024-02-02")
    tale.tell("2024-02-01T10:00+00:00", Detained(), now=noon("2024-02-01"))
    tale.fire_until(taken_at)
    for duty in ("lawyer", "interim-measures"):
        tale.acknowledge(Phase.SAFETY, duty, taken_at)
    duties = tale.duties(Phase.SAFETY)
    assert duties["lawyer"].due == taken_at + LAWYER_AGAIN
    assert duties["interim-measures"].due == taken_at + WHEREABOUTS_WITHIN
    tale.tell("2024-02-02T13:00+00:00", ExtraditionRequested(by="RU"), now=taken_at + timedelta(hours=1))
    due = tale.duties(Phase.SAFETY)["lawyer"].due
    assert due == taken_at + timedelta(hours=2), "what begins after it has an hour of its own"
    fired = {event.fact.model_dump()["duty"] for event in tale.fire_until(taken_at + timedelta(days=1))}
    assert {"lawyer", "interim-measures"} <= fired
    tale.tell("2024-02-03T12:00+00:00", LawyerEngaged(), now=taken_at + timedelta(days=1))
    assert "lawyer" not in tale.duties(Phase.SAFETY)


def test_who_looks_for_a_missing_man_is_called_again_until_he_is_found() -> None:
    tale = Tale()
    tale.tell("2024-02-01T10:00+00:00", Disappeared(), now=noon("2024-02-01"))
    tale.fire_until(noon("2024-02-02"))
    tale.acknowledge(Phase.SAFETY, "whereabouts", noon("2024-02-02"))
    assert tale.duties(Phase.SAFETY)["whereabouts"].due == noon("2024-02-03")


def test_a_lawyer_of_the_morning_does_not_answer_a_detention_of_the_night() -> None:
    tale = Tale()
    tale.tell("2024-02-01T09:00+00:00", LawyerEngaged(), now=noon("2024-02-01"))
    tale.tell(NIGHT, Detained(), now=noon("2024-02-02"))
    assert "lawyer" in duties(tale)
    tale.tell("2024-02-02", LawyerEngaged())
    assert "lawyer" not in duties(tale)


def test_a_release_opens_a_path_of_its_own_each_step_of_which_a_person_ends() -> None:
    tale = detained()
    tale.tell("2024-02-05", Released())
    after = {"after-release", "papers-after-release", "moving-after-release"}
    assert after <= duties(tale)
    assert not duties(tale) & {"lawyer", "interim-measures", "custody-round"}
    for step in sorted(after):
        done(tale, step, "2024-02-06")
    assert not duties(tale) & after
    tale.tell("2024-03-01", Detained())
    tale.tell("2024-03-03", Released())
    assert after <= duties(tale)


def test_a_release_does_not_free_who_may_have_been_taken_again_after_it() -> None:
    tale = detained()
    tale.tell("2024-02-05", Released())
    tale.tell(Occurred.parse("2024-02-04..2024-02-10"), Detained(), now="2024-02-12")
    assert {"lawyer", "custody-round"} <= duties(tale)
    assert tale.story.path.state.in_custody
    tale.tell("2024-02-13", Released())
    assert "custody-round" not in duties(tale)
    assert not tale.story.path.state.in_custody


def test_one_detention_of_which_only_the_month_is_known_ends_with_its_release() -> None:
    tale = Tale()
    tale.tell(Occurred.parse("~2024-02"), Detained(), now="2024-03-01")
    tale.tell("2024-02-05", Released(), now="2024-03-01")
    assert "custody-round" not in duties(tale)


def test_who_may_be_missing_again_since_he_was_found_is_looked_for() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Disappeared())
    tale.tell("2024-02-05", Found())
    tale.tell(Occurred.parse("2024-02-03..2024-02-20"), Disappeared(), now="2024-02-21")
    assert "whereabouts" in duties(tale)
    tale.tell("2024-02-22", Found())
    assert "whereabouts" not in duties(tale)


def test_a_request_for_extradition_outlives_the_release() -> None:
    tale = detained()
    tale.tell("2024-02-03", ExtraditionRequested(by="RU"))
    tale.tell("2024-02-05", Released())
    assert {"extradition.RU", "after-release", "lawyer"} <= duties(tale)


# --- extradition ---------------------------------------------------------------------------------------------------


def test_a_free_man_who_is_asked_for_needs_a_lawyer_and_interim_measures_too() -> None:
    tale = Tale()
    tale.tell("2024-02-03", ExtraditionRequested(by="RU"))
    assert {"extradition.RU", "lawyer", "interim-measures"} <= duties(tale)
    tale.tell("2024-02-03", LawyerEngaged())
    tale.tell("2024-02-04", InterimMeasureGranted(against="KZ"))
    assert not duties(tale) & {"lawyer", "interim-measures"}


def test_only_a_measure_that_binds_the_state_where_he_is_answers_and_each_has_an_end_of_its_own() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", ExpulsionOrdered())
    tale.tell("2024-02-02", InterimMeasureGranted(against="UZ", until=date(2024, 6, 1)))
    assert "interim-measures" in duties(tale)
    tale.tell("2024-02-03", InterimMeasureGranted(against="KZ", until=date(2024, 5, 1)))
    assert "interim-measures" not in duties(tale)
    ends = tale.duties(Phase.SAFETY)["interim-measure-ends.KZ"].due
    assert ends < datetime(2024, 5, 1, 19, tzinfo=UTC) + HOUR  # at midnight in Almaty at the latest
    tale.tell("2024-02-10", InterimMeasureEnded(against="UZ"))
    assert {one for one in duties(tale) if one.startswith("interim-measure-ends")} == {"interim-measure-ends.KZ"}


def test_a_request_that_is_told_again_takes_nothing_from_a_grant_and_its_last_day_to_appeal() -> None:
    tale = granted(appeal_until=date(2024, 3, 11))
    before = tale.duties(Phase.SAFETY)["extradition-appeal.RU"]
    tale.tell("2024-03-02", ExtraditionRequested(by="RU"))
    assert tale.duties(Phase.SAFETY)["extradition-appeal.RU"] == before


def test_of_two_orders_to_expel_the_earlier_dates_are_kept_to_unless_they_had_passed() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", ExpulsionOrdered(appeal_until=date(2024, 2, 11), leave_until=date(2024, 2, 8)))
    tale.tell("2024-02-09", ExpulsionOrdered(appeal_until=date(2024, 2, 19), leave_until=date(2024, 2, 25)))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["removal-order-appeal"].due.date() == date(2024, 2, 11)
    assert found["expulsion-departure"].due.date() == date(2024, 2, 25)


def test_an_extradition_that_is_granted_is_appealed_and_its_interim_measures_decided_anew() -> None:
    tale = Tale()
    tale.tell("2024-02-03", ExtraditionRequested(by="RU"))
    tale.tell("2024-02-04", InterimMeasureGranted(against="KZ"))
    tale.tell("2024-03-01", ExtraditionDecided(by="RU", outcome=RequestOutcome.GRANTED))
    found = tale.duties(Phase.SAFETY)
    assert found["extradition-appeal.RU"].due == noon("2024-03-01") + 12 * HOUR
    assert "interim-measures" in found
    tale.tell("2024-03-02", ExtraditionAppealed(by="RU"))
    assert "extradition-appeal.RU" not in duties(tale)
    assert "extradition.RU" in duties(tale)


def test_a_printed_last_day_to_appeal_against_an_extradition_has_reminders() -> None:
    appeal = granted(appeal_until=date(2024, 3, 11)).duties(Phase.SAFETY)["extradition-appeal.RU"]
    assert (appeal.due, appeal.emergency, len(appeal.reminders)) == (datetime(2024, 3, 11, 10, tzinfo=UTC), True, 3)


@pytest.mark.parametrize("outcome", [RequestOutcome.REFUSED, RequestOutcome.WITHDRAWN])
def test_a_request_ends_when_it_is_refused_or_withdrawn_and_that_of_another_state_goes_on(
    outcome: RequestOutcome,
) -> None:
    tale = Tale()
    tale.tell("2024-02-03", ExtraditionRequested(by="RU"))
    tale.tell("2024-02-03", ExtraditionRequested(by="BY"))
    tale.tell("2024-03-01", ExtraditionDecided(by="RU", outcome=outcome))
    assert "extradition.RU" not in duties(tale)
    assert {"extradition.BY", "lawyer"} <= duties(tale)


def test_a_search_is_looked_at_until_it_is_over() -> None:
    tale = Tale()
    tale.tell("2024-02-03", WantedListed(by="RU"))
    assert "wanted.RU" in duties(tale)
    tale.tell("2024-03-03", WantedCleared(by="RU"))
    assert "wanted.RU" not in duties(tale)


def test_the_hand_over_to_the_state_that_asked_ends_its_request_and_no_other() -> None:
    tale = Tale()
    tale.tell("2024-02-03", ExtraditionRequested(by="RU"))
    tale.tell("2024-02-03", ExtraditionRequested(by="BY"))
    tale.tell("2024-03-01", Deported(to="RU"))
    assert "extradition.RU" not in duties(tale)
    assert {"extradition.BY", "lawyer-there", "whereabouts"} <= duties(tale)


# --- expulsion, hand-over, disappearance ---------------------------------------------------------------------------


def test_an_order_to_expel_asks_safety_for_a_lawyer_and_interim_measures_until_it_is_lifted() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", ExpulsionOrdered())
    found = tale.duties(Phase.SAFETY)
    assert found["lawyer"].due == datetime(2024, 2, 1, 1, tzinfo=UTC)
    assert "interim-measures" in found
    tale.tell("2024-02-02", ExpulsionLifted())
    assert not duties(tale) & {"lawyer", "interim-measures"}


def test_after_a_hand_over_he_is_looked_for_and_gets_a_lawyer_there() -> None:
    tale = detained()
    tale.tell("2024-02-02", LawyerEngaged())
    tale.tell("2024-02-05", Deported(to="RU"))
    assert {"whereabouts", "lawyer-there", "custody-round"} <= duties(tale)
    assert "RU" in tale.duties(Phase.SAFETY)["lawyer-there"].title
    assert tale.tell("2024-02-07", Found())[0].outside_path is None
    assert "whereabouts" not in duties(tale)
    tale.tell("2024-02-08", LawyerEngaged())
    assert "lawyer-there" not in duties(tale)
    assert "custody-round" in duties(tale)


def test_a_disappearance_asks_whom_to_tell_and_who_is_found_is_spoken_with() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Disappeared())
    assert {"whereabouts", "tell-of-disappearance", "custody-round"} <= duties(tale)
    done(tale, "tell-of-disappearance", "2024-02-02")
    assert "tell-of-disappearance" not in duties(tale)
    tale.tell("2024-02-05", Found())
    assert "after-found" in duties(tale)
    done(tale, "after-found", "2024-02-05")
    assert not duties(tale) & {"after-found", "whereabouts", "custody-round"}


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (InterimMeasureEnded(against="KZ"), "no interim measure against this state"),
        (WantedCleared(by="RU"), "not known to look"),
        (ExtraditionAppealed(by="RU"), "no request of this state"),
        (ExtraditionDecided(by="RU", outcome=RequestOutcome.REFUSED), "no request of this state"),
    ],
)
def test_what_ends_nothing_is_recorded_and_flagged(fact: Fact, why: str) -> None:
    flagged = Tale().tell("2024-02-01", fact)[0].outside_path
    assert flagged is not None
    assert why in flagged


_ENDS = ("released", "found", "lawyer-engaged", "interim-measure-granted", "extradition-decided")


@settings(max_examples=60, deadline=None)
@given(events=events_in(Safety))
def test_nothing_of_an_emergency_ends_by_another_fact_than_its_own_end(events: list[Record]) -> None:
    custody, extradition = Custody(), Extradition()
    for event in events:
        before = custody.emergency, set(extradition.requests)
        custody, extradition = custody.after(event), extradition.after(event)
        if event.fact.kind not in _ENDS:
            assert custody.emergency is not None or before[0] is None
            got_him = {event.fact.to} if isinstance(event.fact, Deported) else set()
            assert set(extradition.requests) >= before[1] - got_him
