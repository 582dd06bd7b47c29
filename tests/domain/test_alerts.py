"""Alerts in a case: whom they concern, what they raise, and what alone is an answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.alerts import AlertOver, AlertReached, Exposure, ExposureNoted, RegionNoted, answer_duty
from domain.check_ins import FOUND_WITHIN, Answer, CheckedIn, ContactLogged, Reached
from domain.custody import Detained, Released
from domain.danger import Risk, RiskAssessed, RiskReason
from domain.duties import Level, Urgency
from domain.events import Event, id_from_cause
from domain.facts import EngineFact, Fact, Occurred
from domain.references import Phase, phase_stream
from domain.safety import Safety
from domain.stay_facts import Relocated
from domain.stream import event_of_engine
from domain.watching import moved
from tests.domain.strategies import REFERENCE, Tale, noon

ALERT = UUID("5b6a43bb-32d7-5f5c-8d9f-5f3d9ad3d2a1")
DUTY = answer_duty(ALERT)
DAY, HOUR = noon("2024-02-01"), timedelta(hours=1)
SAFETY = phase_stream(REFERENCE, Phase.SAFETY, 1)


def alert(**fields: object) -> AlertReached:
    given = {"alert": ALERT, "country": "KZ", "level": Risk.HIGH, "within_hours": 6, **fields}
    return AlertReached.model_validate(given)


def reach(tale: Tale, fact: EngineFact, at: datetime = DAY) -> Event:
    """What the watch's news does to a case."""
    ledger = tale.ledger(Phase.SAFETY)
    cause = id_from_cause(ALERT, f"{fact.kind}|{len(ledger.events)}")
    event = event_of_engine(ledger, cause, fact, Occurred.at_instant(at), at)
    tale.story.phases[SAFETY] = ledger.plus([event])
    return event


def told(*facts: Fact, alert_fields: dict[str, object] | None = None) -> Tale:
    """A case in Kazakhstan of which something was noted, and that an alert has reached."""
    tale = Tale()
    for fact in facts:
        tale.tell("2024-01-20", fact)
    reach(tale, alert(**(alert_fields or {})))
    return tale


def room(tale: Tale) -> Safety:
    found = tale.ledger(Phase.SAFETY).state
    assert isinstance(found, Safety)
    return found


def rungs(tale: Tale, until: datetime) -> list[dict[str, object]]:
    """The rungs of the duty to get an answer, as they are climbed by then."""
    found = [event.fact.model_dump() for event in tale.fire_until(until)]
    return [fact for fact in found if fact["duty"] == DUTY]


def risk(tale: Tale) -> Risk | None:
    return room(tale).danger.level


def test_an_alert_raises_the_risk_and_asks_for_a_sign_of_safety_within_its_hours() -> None:
    tale = told()
    duty = tale.duties(Phase.SAFETY)[DUTY]
    assert (duty.due, duty.emergency) == (DAY + 6 * HOUR, True)
    assert risk(tale) is Risk.HIGH
    (first,) = rungs(tale, DAY)
    assert (first["level"], first["urgency"]) == (Level.REMINDER, Urgency.ALARM), "who is responsible hears at once"


@pytest.mark.parametrize(
    ("noted", "fields", "concerned"),
    [
        (RegionNoted(region="KZ-ALA"), {"region": "KZ-ALA"}, True),
        (RegionNoted(region="KZ-ALA"), {"region": "KZ-AST"}, False),
        (RegionNoted(region="GE-TB"), {"region": "KZ-AST"}, True),
        (None, {"region": "KZ-AST"}, True),
        (None, {"concerns": (Exposure.OFFICER,)}, True),
        (ExposureNoted(exposure=Exposure.OFFICER, applies=False), {"concerns": (Exposure.OFFICER,)}, False),
        (ExposureNoted(exposure=Exposure.OFFICER, applies=False), {"concerns": tuple(Exposure)}, True),
        (ExposureNoted(exposure=Exposure.OFFICER, applies=False), {}, True),
    ],
)
def test_what_nobody_has_noted_counts_as_danger(noted: Fact | None, fields: dict[str, object], concerned: bool) -> None:
    tale = told(*([noted] if noted is not None else []), alert_fields=fields)
    assert (DUTY in tale.duties(Phase.SAFETY)) is concerned
    assert risk(tale) is (Risk.HIGH if concerned else None)


def test_an_alert_that_comes_to_concern_a_person_later_raises_the_risk_then() -> None:
    tale = told(RegionNoted(region="KZ-ALA"), alert_fields={"region": "KZ-AST"})
    assert risk(tale) is None
    tale.tell("2024-02-02", RegionNoted(region="KZ-AST"))
    assert DUTY in tale.duties(Phase.SAFETY)
    assert risk(tale) is Risk.HIGH


def test_a_person_lowers_the_risk_and_what_is_noted_of_another_country_does_not_raise_it_again() -> None:
    tale = told(RegionNoted(region="KZ-ALA"), alert_fields={"region": "KZ-AST"})
    tale.tell("2024-02-02", RiskAssessed(level=Risk.LOW, review_on=noon("2024-03-01").date()))
    tale.tell("2024-02-03", RegionNoted(region="GE-TB"))
    assert risk(tale) is Risk.LOW


def test_only_a_sign_of_safety_after_the_alert_is_an_answer() -> None:
    tale = told()
    tale.tell(Occurred.at_instant(DAY - HOUR), CheckedIn(), now=DAY + HOUR)
    tale.tell(Occurred.at_instant(DAY + HOUR), CheckedIn(answer=Answer.DURESS), now=DAY + HOUR)
    tale.tell(Occurred.at_instant(DAY + HOUR), CheckedIn(answer=Answer.UNRECOGNISED), now=DAY + HOUR)
    assert DUTY in tale.duties(Phase.SAFETY)
    tale.tell(Occurred.at_instant(DAY + HOUR), CheckedIn(), now=DAY + HOUR)
    assert DUTY not in tale.duties(Phase.SAFETY)


def test_silence_climbs_until_somebody_takes_it_in_hand() -> None:
    tale = told()
    climbed = [one["level"] for hour in range(48) for one in rungs(tale, DAY + hour * HOUR)]
    assert climbed == [Level.REMINDER, Level.ALARM, *[Level.ESCALATION] * 4]
    tale.acknowledge(Phase.SAFETY, DUTY, DAY + 48 * HOUR)
    assert tale.duties(Phase.SAFETY)[DUTY].due == DAY + 48 * HOUR + FOUND_WITHIN, "who took it in hand is asked again"
    assert not rungs(tale, DAY + 48 * HOUR)


def test_the_end_of_an_alert_ends_the_question_and_leaves_the_risk() -> None:
    tale = told()
    reach(tale, AlertOver(alert=ALERT))
    assert DUTY not in tale.duties(Phase.SAFETY)
    assert risk(tale) is Risk.HIGH


def test_an_end_that_is_read_before_its_alert_counts_all_the_same() -> None:
    tale = Tale()
    reach(tale, AlertOver(alert=ALERT))
    reach(tale, alert())
    assert DUTY not in tale.duties(Phase.SAFETY)
    assert risk(tale) is None


def test_who_has_left_the_country_is_not_asked_any_more() -> None:
    tale = told()
    tale.enter()
    tale.tell("2024-02-02", Relocated(to="GE"))
    assert DUTY not in tale.duties(Phase.SAFETY)


def test_what_is_noted_after_the_person_has_left_an_alerts_country_raises_nothing_until_he_is_back() -> None:
    tale = told(RegionNoted(region="KZ-ALA"), alert_fields={"region": "KZ-AST"})
    tale.enter()
    tale.tell("2024-02-02", Relocated(to="GE"))
    tale.tell("2024-02-03", RegionNoted(region="KZ-AST"))
    assert risk(tale) is None
    [left] = tale.events("relocated")
    tale.correct(left, "2024-02-04")
    assert risk(tale) is Risk.HIGH, "he has never left: the alert concerns him after all"
    assert DUTY in tale.duties(Phase.SAFETY)


def test_that_he_has_left_an_alerts_country_is_recorded_once_for_each_time() -> None:
    tale = told()
    tale.enter()
    tale.tell("2024-02-02", Relocated(to="GE"))
    tale.tell("2024-02-03", CheckedIn())
    [first] = tale.events("country-changed")
    assert not moved(tale.ledger(Phase.SAFETY), tale.story.path, noon("2024-02-03"))
    before = replace(tale.ledger(Phase.SAFETY), state=room(told()))
    [again] = moved(before, tale.story.path, noon("2024-02-05"))
    assert (again.event_id, again.fact) == (first.event_id, first.fact), "after a crash it is the same"
    tale.tell("2024-02-06", Relocated(to="AM"))
    assert [event.fact.model_dump()["country"] for event in tale.events("country-changed")] == ["GE", "AM"]


def test_without_an_alert_in_force_nothing_is_recorded_of_a_move() -> None:
    tale = told()
    reach(tale, AlertOver(alert=ALERT))
    tale.enter()
    tale.tell("2024-02-02", Relocated(to="GE"))
    assert not tale.events("country-changed")


def test_nobody_waits_for_a_sign_of_who_is_in_custody_and_a_release_alone_is_none() -> None:
    tale = told()
    tale.tell("2024-02-02", Detained())
    assert DUTY not in tale.duties(Phase.SAFETY)
    tale.tell("2024-02-03", Released())
    tale.tell("2024-02-03", ContactLogged(reached=Reached.THIRD_PARTY))
    assert DUTY in tale.duties(Phase.SAFETY)
    tale.tell("2024-02-03", ContactLogged(reached=Reached.PERSON))
    assert DUTY not in tale.duties(Phase.SAFETY)


def test_a_sign_that_is_dated_ahead_answers_no_alert_that_comes_after_it_was_told() -> None:
    tale = Tale()
    tale.tell(Occurred.at_instant(DAY + timedelta(hours=20)), CheckedIn(), now=DAY - HOUR)
    reach(tale, alert())
    assert DUTY in tale.duties(Phase.SAFETY)


@pytest.mark.parametrize(
    ("typed", "recorded", "answers"),
    [
        (20, 20, False),
        (0, 20, False),
        (22, 22, False),
        (20, 40, False),
        (40, 40, True),
        (0, 40, True),
    ],
)
def test_within_one_minute_a_sign_before_the_alert_is_no_answer_and_one_after_it_is(
    typed: int, recorded: int, answers: bool
) -> None:
    tale, at = Tale(), [DAY + timedelta(seconds=second) for second in range(60)]
    if recorded > 22:
        reach(tale, alert(), at[22])
    tale.tell(Occurred.at_instant(at[typed]), CheckedIn(), now=at[recorded])
    if recorded <= 22:
        reach(tale, alert(), at[22])
    assert (DUTY not in tale.duties(Phase.SAFETY)) is answers


def test_a_sign_that_is_recorded_at_the_instant_of_the_alert_and_after_it_is_an_answer() -> None:
    tale, at = Tale(), DAY + timedelta(seconds=22)
    reach(tale, alert(), at)
    tale.tell(Occurred.at_instant(at), CheckedIn(), now=at)
    assert DUTY not in tale.duties(Phase.SAFETY)


@pytest.mark.parametrize(
    "noted", [RegionNoted(region="KZ-ALA"), ExposureNoted(exposure=Exposure.OFFICER, applies=False)]
)
def test_what_is_told_later_of_an_earlier_day_lowers_no_risk(noted: Fact) -> None:
    tale = told(alert_fields={"region": "KZ-AST", "concerns": (Exposure.OFFICER,)})
    assert risk(tale) is Risk.HIGH
    tale.tell("2024-01-20", noted, now=DAY + HOUR)
    assert risk(tale) is Risk.HIGH, "a person lowers it"
    assert DUTY not in tale.duties(Phase.SAFETY), "nobody is asked whom it does not concern"


def test_who_comes_back_while_the_alert_is_in_force_is_in_danger_and_asked_anew() -> None:
    tale = told(CheckedIn())
    tale.enter()
    tale.tell("2024-02-02", Relocated(to="GE"))
    lower = RiskAssessed(level=Risk.LOW, review_on=(DAY + timedelta(days=60)).date(), reason=RiskReason.MOVED_TO_SAFETY)
    tale.tell("2024-02-03", lower)
    tale.tell("2024-02-10", Relocated(to="KZ"))
    back = noon("2024-02-10")
    reach(tale, alert(arrival=9), back)
    assert risk(tale) is Risk.HIGH
    assert tale.duties(Phase.SAFETY)[DUTY].due == back + 6 * HOUR
    tale.tell("2024-02-11", CheckedIn())
    assert DUTY not in tale.duties(Phase.SAFETY)
