"""The watch of a country: what it takes, what it insists on, and that it never falls silent."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings

from domain.alerts import Exposure, short
from domain.case import ClosingReason, Path, PathClosed, PathReopened
from domain.check_ins import CheckedIn
from domain.country import (
    AlertEnded,
    AlertRaised,
    AlertSpread,
    Country,
    RiskSet,
    RuleChangeAnnounced,
    RuleChangeInForce,
)
from domain.danger import Risk
from domain.duties import Duty
from domain.embassy_contacts import Approached, Pledged
from domain.errors import NotUnderstood, Refused
from domain.events import Command, Event
from domain.facts import Fact, Occurred
from domain.references import Phase
from domain.room import Acknowledged
from domain.rulebook import Rules
from domain.stay_facts import Relocated
from domain.story import must_have_a_place
from domain.stream import Ledger, Surroundings, decide
from domain.watching import arrival, came_at, country_stream, country_typed, empty_watch, heard, spread
from tests.domain.strategies import Tale, events_in, noon

NOW, DAY = noon("2026-09-02"), timedelta(days=1)
NO_RULES = Rules.unknown(None)
ALERT = AlertRaised(source="https://example.org/raids", level=Risk.HIGH, within_hours=6)


def command(fact: Fact, now: datetime = NOW) -> Command:
    return Command(
        command_id=uuid4(),
        actor="anna",
        occurred=Occurred.at_instant(now),
        learned_on=now.date(),
        fact=fact,
        sent_at=now,
    )


def tell(watch: Ledger[Country], fact: Fact, now: datetime = NOW) -> Ledger[Country]:
    return watch.plus(decide(watch, command(fact, now), Surroundings(case=Path(), rules=NO_RULES, now=now)))


def duties(watch: Ledger[Country]) -> dict[str, Duty]:
    return {duty.id: duty for duty in watch.state.duties(Path(), NO_RULES)}


def last(watch: Ledger[Country]) -> UUID:
    return watch.events[-1].event_id


def told(watch: Ledger[Country], now: datetime = NOW) -> Ledger[Country]:
    """After everything that was untold has been spread."""
    done = [AlertSpread(cause=one.untold, told=3, begin_later=1) for one in watch.state.untold if one.untold]
    return watch.plus(spread(watch, done, now))


@settings(max_examples=60, deadline=None)
@given(events=events_in(Country))
def test_a_watch_always_has_a_duty_to_come_whatever_is_recorded_in_whatever_order(events: list[Event]) -> None:
    watch = empty_watch("KZ").plus([event.model_copy(update={"stream": country_stream("KZ")}) for event in events])
    assert "review" in duties(watch)
    assert watch.state.headline()


def test_an_alert_must_be_told_to_all_cases_and_calls_an_operator_where_it_is_not() -> None:
    watch = tell(empty_watch("KZ"), ALERT)
    cause = last(watch)
    assert duties(watch)[f"spread.{short(cause)}"].emergency
    assert watch.state.headline() == "risk high, 1 alert in force"
    watch = told(watch)
    assert f"spread.{short(cause)}" not in duties(watch)
    assert watch.state.alerts[cause].spread == AlertSpread(cause=cause, told=3, begin_later=1)
    assert spread(watch, [AlertSpread(cause=cause, told=9, begin_later=0)], NOW) == (), "told twice, recorded once"


def test_the_end_of_an_alert_must_be_told_too_and_an_older_round_of_telling_does_not_settle_it() -> None:
    watch = tell(empty_watch("KZ"), ALERT)
    alert = last(watch)
    watch = tell(watch, AlertEnded(alert=alert))
    watch = watch.plus(spread(watch, [AlertSpread(cause=alert, told=3, begin_later=0)], NOW))
    assert [one.untold for one in watch.state.untold] == [watch.events[1].event_id]
    assert not told(watch).state.untold
    with pytest.raises(Refused, match="ended already"):
        tell(watch, AlertEnded(alert=alert))


def test_an_alert_whose_last_day_has_passed_reaches_nobody_new_and_asks_what_is_to_become_of_it() -> None:
    watch = tell(empty_watch("KZ"), ALERT.model_copy(update={"until": date(2026, 9, 5)}))
    alert = watch.state.alerts[last(watch)]
    assert alert.reaches_arrivals(noon("2026-09-06")), "whoever was there hears of it, though a crash made it late"
    alert = told(watch).state.alerts[alert.id]
    assert alert.reaches_arrivals(noon("2026-09-05"))
    assert not alert.reaches_arrivals(noon("2026-09-06"))
    duty_id = f"alert.{short(alert.id)}"
    assert duties(watch)[duty_id].due == datetime.fromisoformat("2026-09-06T00:00+00:00")
    later = tell(watch, Acknowledged(duty=duty_id), noon("2026-09-06"))
    assert duties(later)[duty_id].due == noon("2026-09-06") + 30 * DAY


def test_an_alert_is_looked_at_within_a_month_however_far_its_last_day_lies() -> None:
    watch = tell(empty_watch("KZ"), ALERT.model_copy(update={"until": date(9999, 12, 31)}))
    duty_id = f"alert.{short(last(watch))}"
    assert duties(watch)[duty_id].due == NOW + 30 * DAY
    taken = tell(watch, Acknowledged(duty=duty_id), NOW + 30 * DAY)
    assert duties(taken)[duty_id].due == NOW + 60 * DAY
    ends = tell(empty_watch("KZ"), ALERT.model_copy(update={"until": date(2026, 10, 15)}))
    ends = tell(ends, Acknowledged(duty=f"alert.{short(last(ends))}"), NOW + 30 * DAY)
    assert min(one.due for one in duties(ends).values() if one.id.startswith("alert.")) == noon("2026-10-16") - DAY / 2


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (ALERT.model_copy(update={"region": "GE-TB"}), "GE-TB is no region of KZ"),
        (ALERT.model_copy(update={"until": date(2026, 9, 1)}), "past"),
        (AlertEnded(alert=uuid4()), "no such alert"),
        (RiskSet(level=Risk.LOW, review_on=date(2026, 9, 2)), "after today"),
        (RiskSet(level=Risk.LOW, review_on=date(9999, 12, 31)), "90 days ahead at most"),
    ],
)
def test_what_makes_no_sense_is_refused(fact: Fact, why: str) -> None:
    with pytest.raises(Refused, match=why):
        tell(empty_watch("KZ"), fact)


def test_risk_is_raised_by_an_alert_and_lowered_by_a_person_alone() -> None:
    watch = tell(empty_watch("KZ"), RiskSet(level=Risk.MEDIUM, review_on=date(2026, 10, 1)))
    watch = tell(watch, ALERT)
    watch = tell(told(watch), AlertEnded(alert=watch.events[1].event_id))
    assert watch.state.risk is Risk.HIGH
    assert duties(watch)["risk-review"].due == datetime.fromisoformat("2026-10-01T00:00+00:00")
    assert tell(watch, RiskSet(level=Risk.LOW, review_on=date(2026, 10, 1))).state.risk is Risk.LOW


def test_a_change_of_the_law_stands_as_a_duty_until_the_rulebook_has_it() -> None:
    change = RuleChangeAnnounced(what="Ten days instead of thirty", source="Gazette 12", in_force_on=date(2027, 1, 1))
    watch = tell(empty_watch("KZ"), change)
    announced = last(watch)
    name = short(announced)
    assert duties(watch)[f"rule-change.{name}"].due == datetime.fromisoformat("2027-01-01T00:00+00:00")
    watch = tell(watch, Acknowledged(duty=f"rule-change.{name}"), noon("2027-01-01"))
    assert duties(watch)[f"rule-change.{name}"].due == noon("2027-01-08"), "whoever took it in hand is asked again"
    watch = tell(watch, RuleChangeInForce(change=announced), noon("2027-01-02"))
    assert f"rule-change.{name}" not in duties(watch)
    again = tell(watch, RuleChangeInForce(change=announced), noon("2027-01-02"))
    assert again.events[-1].outside_path == "no such change is announced"


def test_a_watch_takes_what_is_told_of_a_country_and_nothing_of_a_case() -> None:
    must_have_a_place(country_stream("KZ"), ALERT)
    must_have_a_place(country_stream("KZ"), Acknowledged(duty="review"))
    with pytest.raises(NotUnderstood, match="watch of a country"):
        must_have_a_place(country_stream("KZ"), CheckedIn())
    with pytest.raises(NotUnderstood):
        country_typed("Kazakhstan")
    assert country_typed(" kz") == "KZ"


def test_what_a_case_records_of_an_alert_has_ids_of_the_alert_and_the_case() -> None:
    watch = tell(empty_watch("KZ"), ALERT.model_copy(update={"concerns": (Exposure.WANTED,)}))
    safety = Tale().ledger(Phase.SAFETY)
    (first,) = heard(safety, list(watch.state.alerts.values()), "KZ", 1, NOW)
    (again,) = heard(safety, list(watch.state.alerts.values()), "KZ", 1, NOW + DAY)
    assert first.event_id == again.event_id
    assert first.fact == watch.state.alerts[last(watch)].reached("KZ", 1)
    ended = tell(watch, AlertEnded(alert=last(watch)))
    (over,) = heard(safety, list(ended.state.alerts.values()), "KZ", 1, NOW)
    assert over.fact.kind == "alert-over"
    assert over.event_id != first.event_id


def test_who_leaves_and_comes_back_or_is_opened_again_looks_at_the_alerts_once_more() -> None:
    tale = Tale()
    tale.enter()
    seen = [(tale.story.path.state.where, came_at(tale.story.path))]

    def looks_again() -> bool:
        seen.append((tale.story.path.state.where, came_at(tale.story.path)))
        return seen[-1] != seen[-2]

    tale.tell("2024-02-01", Relocated(to="GE"))
    [moved] = tale.events("relocated")
    tale.correct(moved, "2024-02-01")
    assert looks_again(), "he is where he was, and may have missed what was spread meanwhile"
    tale.tell("2024-02-02", Relocated(to="GE"))
    tale.tell("2024-02-03", Relocated(to="KZ"))
    assert looks_again()
    tale.tell("2024-02-04", PathClosed(reason=ClosingReason.LOST))
    tale.tell("2024-02-05", PathReopened())
    assert looks_again()
    tale.tell("2024-02-06", Approached(country="FR"))
    tale.tell("2024-02-06", Pledged(country="FR"))
    assert not looks_again(), "that moves nobody"


def test_an_arrival_is_the_last_event_that_changed_where_he_is() -> None:
    tale = Tale()
    tale.enter()
    first = arrival(tale.story.path)
    tale.tell("2024-02-01", Approached(country="FR"))
    tale.tell("2024-02-01", Pledged(country="FR"))
    assert arrival(tale.story.path) == first
    tale.tell("2024-02-02", Relocated(to="GE"))
    tale.tell("2024-02-03", Relocated(to="KZ"))
    assert tale.story.path.state.where == "KZ"
    assert arrival(tale.story.path) > first
