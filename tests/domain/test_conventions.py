"""The laws' own examples, each with its source; fictions of service; holidays by region; the hour clocks change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.clocks import Clock, Suspension
from domain.conventions import CONVENTIONS, FICTIONS, convention, fiction
from domain.deadlines import Counting, Deadline, Place, Unit, count
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.rulebook.dated import Confidence
from domain.running import run
from domain.starts import deemed_served, earlier_of, later_of

FRANCE = Place(country="FR", time_zone="Europe/Paris")
MOSELLE = Place(country="FR", region="Moselle", time_zone="Europe/Paris")
BERLIN = Place(country="DE", region="Berlin", time_zone="Europe/Berlin")
BAVARIA = Place(country="DE", region="Bayern", time_zone="Europe/Berlin")
LUXEMBOURG = Place(country="LU", time_zone="Europe/Luxembourg")
BELGIUM = Place(country="BE", time_zone="Europe/Brussels")
ALMATY = Place(country="KZ", time_zone="Asia/Almaty")


def last_day(name: str, start: str, amount: int, unit: Unit, place: Place) -> date:
    return count(Occurred.parse(start), amount, unit, convention(name).counting, place).last_day


# --- Regulation 1182/71 --------------------------------------------------------------------------------------------
# Articles 3(1) and 3(4) as quoted in the sources of the convention; 3(2), 3(3) and 3(5) second-hand, not read.


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2024-07-01", 15, Unit.DAYS, date(2024, 7, 16)),  # 3(1): the day of the event does not count
        ("2024-07-01", 1, Unit.WEEKS, date(2024, 7, 8)),  # 3(2)(c): the same day of the week
        ("2024-07-16", 2, Unit.MONTHS, date(2024, 9, 16)),  # 3(2)(c): the same date
        ("2024-07-31", 2, Unit.MONTHS, date(2024, 9, 30)),  # 3(2)(c): no such date, so the month's last day
        ("2024-12-31", 2, Unit.MONTHS, date(2025, 2, 28)),
        ("2024-07-05", 5, Unit.WORKING_DAYS, date(2024, 7, 12)),  # 3(3): working days alone leave out weekends
        ("2024-07-01", 5, Unit.DAYS, date(2024, 7, 8)),  # 3(4): Saturday moves to Monday
        ("2024-04-17", 2, Unit.WEEKS, date(2024, 5, 2)),  # 3(4): Labour Day moves to Thursday
        ("2024-07-05", 2, Unit.DAYS, date(2024, 7, 9)),  # 3(5): from a Friday, Monday and Tuesday
        ("2024-07-04", 3, Unit.DAYS, date(2024, 7, 8)),  # 3(5): Friday and Monday are two
        ("2024-07-05", 1, Unit.DAYS, date(2024, 7, 8)),  # 3(5) is not for a single day
        ("2024-07-05", 1, Unit.WORKING_DAYS, date(2024, 7, 8)),
        ("2024-12-24", 2, Unit.DAYS, date(2024, 12, 30)),  # 3(5): two days of Christmas in Luxembourg, then a weekend
    ],
)
def test_acts_of_the_eu_count_as_regulation_1182_71_says(start: str, amount: int, unit: Unit, expected: date) -> None:
    assert last_day("eu-1182-71", start, amount, unit, LUXEMBOURG) == expected


def test_the_holidays_of_an_act_of_the_eu_are_those_of_the_state() -> None:
    # Luxembourg's national day is no holiday in Belgium.
    assert last_day("eu-1182-71", "2025-06-16", 1, Unit.WEEKS, LUXEMBOURG) == date(2025, 6, 24)
    assert last_day("eu-1182-71", "2025-06-16", 1, Unit.WEEKS, BELGIUM) == date(2025, 6, 23)


def test_a_move_to_the_second_working_day_is_said() -> None:
    found = count(Occurred.parse("2024-07-05"), 2, Unit.DAYS, convention("eu-1182-71").counting, LUXEMBOURG)
    assert "no working day, so it moves to Monday 2024-07-08" in found.reckoning
    assert "it must hold two working days, so it moves to Tuesday 2024-07-09" in found.reckoning


# --- France --------------------------------------------------------------------------------------------------------


def test_two_months_of_free_days() -> None:
    # A lawyer's example, seen 2026-11-25: notified on 1 October 2007, it ends with 2 December, a Sunday, so on Monday.
    # https://consultation.avocat.fr/barreau-poitiers/blog/andre-icard/article-15761-la-difference-entre-delai-franc-et-delai-non-franc.html
    assert last_day("fr-free", "2007-10-01", 2, Unit.MONTHS, FRANCE) == date(2007, 12, 3)


def test_the_period_against_a_dublin_transfer_is_an_ordinary_one() -> None:
    # Conseil d'État, 2020-07-01, no. 438152 (as reported by Lexbase, seen 2026-11-25): no free days, and article 642 of
    # the code of civil procedure moves an end on a Saturday, Sunday or holiday.
    assert last_day("fr-ordinary", "2019-06-07", 15, Unit.DAYS, FRANCE) == date(2019, 6, 24)  # a Saturday
    assert last_day("fr-ordinary", "2019-06-06", 15, Unit.DAYS, FRANCE) == date(2019, 6, 21)
    assert last_day("fr-free", "2019-06-06", 15, Unit.DAYS, FRANCE) == date(2019, 6, 24)


def test_a_month_from_its_last_day() -> None:
    # Code of civil procedure, article 641: no such date, so the last day of the month.
    assert last_day("fr-ordinary", "2025-01-31", 1, Unit.MONTHS, FRANCE) == date(2025, 2, 28)
    assert last_day("fr-ordinary", "2024-01-31", 1, Unit.MONTHS, FRANCE) == date(2024, 2, 29)
    assert last_day("fr-free", "2024-01-31", 1, Unit.MONTHS, FRANCE) == date(2024, 3, 1)


def test_the_remainder_runs_from_the_later_of_the_two_notifications_of_legal_aid() -> None:
    # Law 91-647, article 9-4, as the Toulouse court of appeal reads it: the later notification, to applicant or lawyer.
    applicant, lawyer = Occurred.parse("2019-08-06"), Occurred.parse("2019-08-13")
    asked = Occurred.parse("2019-06-17")

    def month(until: Occurred | None) -> Clock:
        stopped = Suspension(since=asked, until=until)
        counting = convention("fr-free").counting
        return Clock(
            start=Occurred.parse("2019-06-04"),
            amount=1,
            unit=Unit.MONTHS,
            counting=counting,
            suspensions=(stopped,),
        )

    both = run(month(later_of(applicant, lawyer, place=FRANCE)), FRANCE)
    assert isinstance(both, Deadline)
    assert both.last_day == date(2019, 9, 2)
    # While the lawyer has not been told, it stands.
    assert not isinstance(run(month(later_of(applicant, None, place=FRANCE)), FRANCE), Deadline)


# --- Germany, Dublin -----------------------------------------------------------------------------------------------


def test_a_month_of_the_german_civil_code() -> None:
    # Prütting/Wegen/Weinreich, BGB, § 193 no. 4 (haufe.de, seen 2026-11-25): served on 30 November; where 30 December
    # is a Sunday it ends on Monday 31 December, and what runs two months ends on 30 January all the same.
    assert last_day("de-civil", "2012-11-30", 1, Unit.MONTHS, BERLIN) == date(2012, 12, 31)
    assert last_day("de-civil", "2012-11-30", 2, Unit.MONTHS, BERLIN) == date(2013, 1, 30)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2024-07-01", 1, Unit.WEEKS, date(2024, 7, 8)),  # § 188(2): the day of the same name
        ("2024-01-31", 1, Unit.MONTHS, date(2024, 2, 29)),  # § 188(3): no such date
        ("2024-02-29", 1, Unit.YEARS, date(2025, 2, 28)),
        ("2024-05-01", 1, Unit.MONTHS, date(2024, 6, 3)),  # § 193: a Saturday
    ],
)
def test_the_german_civil_code(start: str, amount: int, unit: Unit, expected: date) -> None:
    assert last_day("de-civil", start, amount, unit, BERLIN) == expected


def test_dublin_ends_where_it_ends_also_on_a_sunday() -> None:
    # VG Regensburg, RN 8 E 18.50731 (asyl.net M26709): asked on 12 January 2018 and not answered, acceptance is assumed
    # with the end of two months, and the six months for the transfer run from there.
    assert last_day("dublin-iii", "2018-01-12", 2, Unit.MONTHS, BERLIN) == date(2018, 3, 12)
    assert last_day("dublin-iii", "2018-03-12", 6, Unit.MONTHS, BERLIN) == date(2018, 9, 12)
    assert last_day("dublin-iii", "2018-05-16", 2, Unit.WEEKS, BERLIN) == date(2018, 5, 30)
    assert last_day("dublin-iii", "2018-04-01", 6, Unit.MONTHS, BERLIN) == date(2018, 10, 1)
    assert last_day("dublin-iii", "2018-03-30", 6, Unit.MONTHS, BERLIN) == date(2018, 9, 30)  # a Sunday
    assert last_day("de-civil", "2018-03-30", 6, Unit.MONTHS, BERLIN) == date(2018, 10, 1)


# --- fictions of service -------------------------------------------------------------------------------------------


def served(name: str, begun: str, opened: str | None = None, *, never: bool = False, place: Place = BERLIN) -> str:
    when = Occurred.parse(opened) if opened else None
    return str(deemed_served(fiction(name), Occurred.parse(begun), place, served=when, never_served=never))


def test_the_portal_serves_with_the_first_opening_or_after_fifteen_days() -> None:
    # CESEDA R.531-17
    assert served("fr-portal", "2026-03-02", "2026-03-05", place=FRANCE) == "2026-03-05"
    assert served("fr-portal", "2026-03-02", "2026-03-30", place=FRANCE) == "2026-03-17"
    assert served("fr-portal", "2026-03-02", never=True, place=FRANCE) == "2026-03-17"
    # Not known: from the upload, which is the earliest that is safe.
    assert served("fr-portal", "2026-03-02", place=FRANCE) == "2026-03-02..2026-03-17"


def test_a_reception_centre_serves_with_the_hand_over_or_on_the_third_day() -> None:
    # AsylG § 10(4); the third day of a Friday is a Monday, that of a Thursday a Sunday all the same.
    assert served("de-reception-centre", "2024-07-05", "2024-07-06") == "2024-07-06"
    assert served("de-reception-centre", "2024-07-05", never=True) == "2024-07-08"
    assert served("de-reception-centre", "2024-07-04", never=True) == "2024-07-07"
    assert served("de-reception-centre", "2024-07-05") == "2024-07-05..2024-07-08"


def test_a_letter_to_the_last_address_is_served_when_it_was_posted() -> None:
    # AsylG § 10(2)
    assert served("de-last-address", "2024-07-05") == "2024-07-05"


def test_an_opening_late_in_the_evening_counts_on_the_day_it_has_at_the_place() -> None:
    assert served("fr-portal", "2026-03-02", "2026-03-05T23:30+00:00", place=FRANCE) == "2026-03-05 23:30+0000"
    opened = Occurred.parse("2026-03-05T23:30+00:00")
    start = deemed_served(fiction("fr-portal"), Occurred.parse("2026-03-02"), FRANCE, served=opened)
    assert count(start, 1, Unit.DAYS, Counting(), FRANCE).last_day == date(2026, 3, 7)


# --- the earlier and the later of two ------------------------------------------------------------------------------


def test_the_earlier_of_two_is_known_when_one_has_happened_and_the_later_only_when_both_have() -> None:
    first, second = Occurred.parse("2024-06-01"), Occurred.parse("2024-06-10")
    assert earlier_of(first, None, place=FRANCE) == first
    assert earlier_of(second, first, place=FRANCE) == first
    assert earlier_of(None, None, place=FRANCE) is None
    assert later_of(first, None, place=FRANCE) is None
    assert later_of(first, second, place=FRANCE) == second


def test_of_two_ranges_the_bounds_are_taken_each_by_itself() -> None:
    wide, narrow = Occurred.parse("2024-06-01..2024-06-20"), Occurred.parse("2024-06-05..2024-06-10")
    assert str(earlier_of(wide, narrow, place=FRANCE)) == "2024-06-01..2024-06-10"
    assert str(later_of(wide, narrow, place=FRANCE)) == "2024-06-05..2024-06-20"


@given(
    data=st.lists(
        st.tuples(st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)), st.integers(0, 20)), min_size=2
    )
)
def test_the_earlier_never_lies_after_the_later(data: list[tuple[date, int]]) -> None:
    events = [Occurred(earliest=day, latest=day + timedelta(days=width)) for day, width in data]
    first, last = earlier_of(*events, place=FRANCE), later_of(*events, place=FRANCE)
    assert first is not None
    assert last is not None
    assert first.earliest == min(one.earliest for one in events)
    assert last.latest == max(one.latest for one in events)
    assert (first.earliest, first.latest) <= (last.earliest, last.latest)


def test_of_an_instant_and_a_day_that_may_be_either_the_day_is_taken() -> None:
    instant = Occurred.parse("2024-06-01T20:00+05:00")
    found = earlier_of(instant, Occurred.parse("2024-06-01"), place=ALMATY)
    assert (found, str(found)) == (Occurred.on(date(2024, 6, 1)), "2024-06-01")
    assert earlier_of(instant, Occurred.parse("2024-06-02"), place=ALMATY) == instant


# --- holidays by region, ends of month, clocks that change ---------------------------------------------------------


def test_alsace_and_moselle_have_good_friday_and_the_day_after_christmas() -> None:
    assert last_day("fr-ordinary", "2024-03-22", 1, Unit.WEEKS, FRANCE) == date(2024, 3, 29)
    assert last_day("fr-ordinary", "2024-03-22", 1, Unit.WEEKS, MOSELLE) == date(2024, 4, 2)
    assert last_day("fr-ordinary", "2024-12-19", 1, Unit.WEEKS, FRANCE) == date(2024, 12, 26)
    assert last_day("fr-ordinary", "2024-12-19", 1, Unit.WEEKS, MOSELLE) == date(2024, 12, 27)


def test_each_land_has_holidays_of_its_own() -> None:
    # Epiphany is one in Bavaria, Women's Day in Berlin.
    assert last_day("de-civil", "2024-12-06", 1, Unit.MONTHS, BAVARIA) == date(2025, 1, 7)
    assert last_day("de-civil", "2024-12-06", 1, Unit.MONTHS, BERLIN) == date(2025, 1, 6)
    assert last_day("de-civil", "2024-02-08", 1, Unit.MONTHS, BERLIN) == date(2024, 3, 11)
    assert last_day("de-civil", "2024-02-08", 1, Unit.MONTHS, BAVARIA) == date(2024, 3, 8)


def test_a_day_is_twenty_three_or_twenty_five_hours_where_clocks_change_and_hours_are_not() -> None:
    spring = count(Occurred.parse("2024-03-30"), 1, Unit.DAYS, Counting(), FRANCE)
    assert spring.due == datetime(2024, 3, 31, 22, 0, tzinfo=UTC)
    autumn = count(Occurred.parse("2024-10-26"), 1, Unit.DAYS, Counting(), FRANCE)
    assert autumn.due == datetime(2024, 10, 27, 23, 0, tzinfo=UTC)
    for start in ("2024-03-30T22:00+01:00", "2024-10-26T22:00+02:00"):
        began = Occurred.parse(start)
        assert count(began, 48, Unit.HOURS, Counting(), FRANCE).due - began.instant == timedelta(hours=48)


@pytest.mark.parametrize(
    ("start", "amount", "expected"),
    [
        ("2024-02-01", 1, date(2024, 2, 29)),
        ("2023-02-28", 1, date(2023, 2, 28)),
        ("2024-01-31", 2, date(2024, 2, 29)),
        ("2024-11-05", 3, date(2025, 1, 31)),
    ],
)
def test_an_end_of_month_is_that_of_the_month_in_which_it_began(start: str, amount: int, expected: date) -> None:
    assert count(Occurred.parse(start), amount, Unit.MONTH_ENDS, Counting(), FRANCE).last_day == expected
    first = Counting(first_day_counts=True)
    assert count(Occurred.parse(start), amount, Unit.MONTH_ENDS, first, FRANCE).last_day == expected


@given(
    start=st.dates(min_value=date(2015, 1, 1), max_value=date(2060, 1, 1)),
    days=st.integers(min_value=0, max_value=400),
    amount=st.integers(min_value=1, max_value=120),
    unit=st.sampled_from([Unit.MONTHS, Unit.YEARS, Unit.MONTH_ENDS]),
)
def test_who_starts_later_never_ends_earlier(start: date, days: int, amount: int, unit: Unit) -> None:
    first, later = (
        count(Occurred.on(one), amount, unit, Counting(), FRANCE).last_day
        for one in (start, start + timedelta(days=days))
    )
    assert first <= later


@given(start=st.dates(min_value=date(2015, 1, 1), max_value=date(2060, 1, 1)), amount=st.integers(2, 30))
def test_two_days_or_more_of_the_eu_hold_two_working_days(start: date, amount: int) -> None:
    end = count(Occurred.on(start), amount, Unit.DAYS, convention("eu-1182-71").counting, LUXEMBOURG).last_day
    passed = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
    assert sum(LUXEMBOURG.is_working_day(day) for day in passed) >= 2


# --- the tables themselves -----------------------------------------------------------------------------------------


def test_whoever_claims_to_know_a_convention_names_a_source_and_the_rest_says_that_it_does_not() -> None:
    assert {"eu-1182-71", "fr-free", "fr-ordinary", "de-civil", "dublin-iii", "plain-days"} == {
        one.name for one in CONVENTIONS
    }
    for law in CONVENTIONS:
        assert law.sources or law.confidence is Confidence.UNVERIFIED
    for how in FICTIONS:
        assert how.sources or how.confidence is Confidence.UNVERIFIED
    assert convention("plain-days").doubt == ("plain-days: this rule is not verified",)
    assert convention("dublin-iii").doubt == ("dublin-iii: this rule is not verified",)
    assert convention("de-civil").doubt == ()


def test_a_name_that_nobody_knows_is_answered_with_those_that_are() -> None:
    with pytest.raises(NotUnderstood, match="fr-free"):
        convention("french")
    with pytest.raises(NotUnderstood, match="fr-portal"):
        fiction("pigeon")


def test_no_law_has_both_free_days_and_two_working_days() -> None:
    with pytest.raises(ValidationError):
        Counting(free_days=True, two_working_days=True)
