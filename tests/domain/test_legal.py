"""A rule, its clock and what has happened to it: the duty that follows, and what a person must find out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.clocks import Length, Suspension
from domain.deadlines import Place, Unit
from domain.duties import Duty
from domain.facts import Occurred
from domain.legal import legal_duties
from domain.legal_clocks import Happened
from domain.rulebook import Rule, Rules

BERLIN = Place(country="DE", time_zone="UTC")
START = Occurred.on(date(2024, 5, 1))


def rule(**fields: Any) -> Rule:
    """Ten days from an event, of a made-up country."""
    known = {
        "id": "de.test.appeal",
        "phase": "asylum-filing",
        "step": "appeal",
        "title": "Appeal",
        "amount": 10,
        "unit": "days",
        "starts_on": "the decision",
        "bound": "person",
        "consequence": "loss-of-appeal",
        "pivot": "the decision",
        "sources": [{"url": "https://example.org/act"}],
        "verified": date(2026, 11, 23),
        "confidence": "high",
    }
    return Rule.model_validate({**known, **fields})


def duties(one: Rule, **how: Any) -> dict[str, Duty]:
    rules = Rules(country="DE", place=BERLIN, rules=(one,))
    return {duty.id: duty for duty in legal_duties(rules, "appeal", START, **how)}


def last_day(found: dict[str, Duty]) -> date:
    return (found["appeal"].due - timedelta(minutes=1)).date()


def on(month: int, day: int) -> Occurred:
    return Occurred.on(date(2024, month, day))


TWO = {"to-him": on(5, 3), "to-counsel": on(5, 7)}


@pytest.mark.parametrize(
    ("names", "expected"), [({"earlier_of": tuple(TWO)}, 13), ({"later_of": tuple(TWO)}, 17), ({}, 11)]
)
def test_a_rule_takes_its_start_from_the_events_it_names(names: dict[str, tuple[str, ...]], expected: int) -> None:
    assert last_day(duties(rule(**names), happened=Happened(events=TWO))) == date(2024, 5, expected)


def test_a_clock_that_waits_for_the_later_event_has_no_date_and_asks() -> None:
    waits = Happened(events={"to-him": on(5, 3)})
    found = duties(rule(later_of=tuple(TWO)), happened=waits)
    assert found.keys() == {"stands.appeal"}
    assert found["stands.appeal"].title.startswith("The clock has not begun")


def test_where_none_of_its_events_is_known_the_phase_gives_the_start() -> None:
    assert last_day(duties(rule(later_of=tuple(TWO)))) == date(2024, 5, 11)


def test_only_what_the_rule_names_lets_its_clock_stand() -> None:
    stood = Happened(suspensions={"aid": (Suspension(since=on(5, 4), until=on(5, 14)),)})
    assert last_day(duties(rule(suspended_by=("aid",)), happened=stood)) == date(2024, 5, 21)
    runs_on = duties(rule(), happened=stood)
    assert last_day(runs_on) == date(2024, 5, 11)
    assert runs_on["appeal"].reckoning[-1] == "aid: this rule does not say that its clock stands for that: it runs on"


def test_an_event_that_begins_it_anew_gives_the_whole_period_again() -> None:
    anew = Happened(events={"complaint": on(5, 6)})
    assert last_day(duties(rule(restarted_by=("complaint",)), happened=anew)) == date(2024, 5, 16)


def test_it_is_revived_as_often_as_the_law_says_and_then_counsel_is_asked() -> None:
    once, twice = Happened(revivals=(on(6, 1),)), Happened(revivals=(on(6, 1), on(7, 1)))
    assert last_day(duties(rule(revivable=1), happened=once)) == date(2024, 6, 11)
    assert last_day(duties(rule(revivable=2), happened=twice)) == date(2024, 7, 11)
    found = duties(rule(revivable=1), happened=twice)
    assert found.keys() == {"stands.appeal"}
    assert found["stands.appeal"].title == "Ask counsel, for the law allows it only so often: Appeal"


def test_it_is_made_longer_and_shorter() -> None:
    changed = Happened(extended=(Length(amount=1, unit=Unit.WEEKS),), shortened=(Length(amount=2, unit=Unit.DAYS),))
    assert last_day(duties(rule(), happened=changed)) == date(2024, 5, 16)


def test_what_is_doubtful_in_what_happened_is_to_be_verified() -> None:
    found = duties(rule(), happened=Happened(doubts=("nobody saw it",)))
    assert found["appeal"].doubt == "nobody saw it"
    assert "verify.appeal" in found


def test_a_version_that_stands_never_hides_one_that_has_a_date() -> None:
    old = rule(valid_to=date(2024, 5, 1), suspended_by=("aid",))
    new = rule(valid_from=date(2024, 5, 2))
    rules = Rules(country="DE", place=BERLIN, rules=(old, new))
    stands = Happened(suspensions={"aid": (Suspension(since=on(5, 4)),)})
    some_day = Occurred(earliest=date(2024, 5, 1), latest=date(2024, 5, 3))
    found = {duty.id: duty for duty in legal_duties(rules, "appeal", some_day, happened=stands)}
    assert last_day(found) == date(2024, 5, 11)
    assert "the law changed" in found["appeal"].doubt


def test_a_stated_period_without_a_rule_is_counted_and_its_doubt_is_said() -> None:
    rules = Rules(country="DE", place=BERLIN)
    stated = Length(amount=2, unit=Unit.WEEKS)
    found = {duty.id: duty for duty in legal_duties(rules, "appeal", START, stated=stated)}
    assert last_day(found) == date(2024, 5, 15)
    assert found["appeal"].doubt == "how the stated period is counted is not known"


def test_a_printed_day_within_what_may_be_computed_is_no_difference() -> None:
    band = rule(at_most=30, confidence="unverified")
    assert "mismatch.appeal" not in duties(band, printed=date(2024, 5, 20))
    assert "mismatch.appeal" in duties(band, printed=date(2024, 6, 20))
    longest = rule(up_to=True)
    assert "mismatch.appeal" not in duties(longest, printed=date(2024, 5, 5))
    assert "mismatch.appeal" in duties(longest, printed=date(2024, 5, 20))


def test_the_margin_of_the_organisation_is_one_more_reminder() -> None:
    assert timedelta(days=5) in duties(rule(margin=5))["appeal"].reminders


def test_the_question_after_a_standing_clock_begins_anew_when_it_was_answered() -> None:
    stands = Happened(suspensions={"aid": (Suspension(since=on(5, 4)),)})
    answered = datetime(2024, 6, 1, tzinfo=UTC)
    found = duties(rule(suspended_by=("aid",)), happened=stands, asked=lambda _, instant: max(instant, answered))
    assert found["stands.appeal"].due == datetime(2024, 6, 15, tzinfo=UTC)
