"""Counting days, by examples from law and by properties that hold for every count."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.deadlines import NOWHERE, Counting, Deadline, Place, Unit, count, in_words
from domain.errors import NotUnderstood
from domain.facts import Occurred

KAZAKHSTAN = Place(country="KZ", time_zone="Asia/Almaty")
FRANCE = Place(country="FR", time_zone="Europe/Paris")
PLAIN = Counting()
FREE_DAYS = Counting(free_days=True)

# Calendars are read on first use; read now, no property is slow only because it happens to run first.
assert KAZAKHSTAN.knows_holidays
assert FRANCE.knows_holidays
assert not NOWHERE.knows_holidays

days = st.dates(min_value=date(2015, 1, 1), max_value=date(2060, 12, 31))
units = st.sampled_from(Unit)
calendar_units = st.sampled_from([unit for unit in Unit if unit is not Unit.HOURS])
amounts = st.integers(min_value=1, max_value=120)
places = st.sampled_from([KAZAKHSTAN, FRANCE, NOWHERE])
countings = st.builds(
    Counting, first_day_counts=st.booleans(), free_days=st.just(False), rolls_over=st.booleans()
) | st.builds(Counting, free_days=st.just(True), rolls_over=st.booleans())


def last_day(start: str, amount: int, unit: Unit, counting: Counting = PLAIN, place: Place = FRANCE) -> date:
    return count(Occurred.parse(start), amount, unit, counting, place).last_day


# --- examples from law ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2023-01-31", 1, Unit.MONTHS, date(2023, 2, 28)),
        ("2024-01-31", 1, Unit.MONTHS, date(2024, 2, 29)),
        ("2024-03-31", 6, Unit.MONTHS, date(2024, 9, 30)),
        ("2024-11-30", 3, Unit.MONTHS, date(2025, 2, 28)),
        ("2024-12-15", 1, Unit.MONTHS, date(2025, 1, 15)),
        ("2024-02-29", 1, Unit.YEARS, date(2025, 2, 28)),
        ("2024-02-29", 4, Unit.YEARS, date(2028, 2, 29)),
        ("2024-03-05", 2, Unit.WEEKS, date(2024, 3, 19)),
        ("2024-02-20", 21, Unit.DAYS, date(2024, 3, 12)),
    ],
)
def test_a_month_ends_on_the_same_date_or_on_the_last_of_its_month(
    start: str, amount: int, unit: Unit, expected: date
) -> None:
    assert last_day(start, amount, unit) == expected


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2024-03-31", 1, Unit.MONTHS, date(2024, 4, 30)),
        ("2024-01-31", 1, Unit.MONTHS, date(2024, 2, 29)),
        ("2024-01-30", 1, Unit.MONTHS, date(2024, 2, 29)),
        ("2024-01-29", 1, Unit.MONTHS, date(2024, 2, 28)),
        ("2024-02-29", 1, Unit.YEARS, date(2025, 2, 28)),
        ("2024-02-01", 1, Unit.MONTHS, date(2024, 2, 29)),
        ("2024-03-15", 1, Unit.MONTHS, date(2024, 4, 14)),
    ],
)
def test_a_month_whose_first_day_counts_ends_the_day_before_or_where_there_is_none_with_its_month(
    start: str, amount: int, unit: Unit, expected: date
) -> None:
    # BGB § 188(2) and (3): https://www.gesetze-im-internet.de/bgb/__188.html
    assert last_day(start, amount, unit, Counting(first_day_counts=True)) == expected


def test_free_days_leave_out_the_first_and_the_last_day() -> None:
    assert last_day("2024-03-05", 1, Unit.MONTHS, FREE_DAYS) == date(2024, 4, 6)


def test_an_end_on_a_saturday_moves_to_monday_only_where_the_rule_says_so() -> None:
    rolling = Counting(free_days=True, rolls_over=True)
    assert last_day("2024-03-05", 1, Unit.MONTHS, rolling) == date(2024, 4, 8)


def test_an_end_on_easter_monday_moves_to_tuesday() -> None:
    assert last_day("2024-03-25", 1, Unit.WEEKS, Counting(rolls_over=True)) == date(2024, 4, 2)


def test_forty_eight_hours_run_to_the_minute_and_over_a_weekend() -> None:
    deadline = count(Occurred.parse("2024-03-29T17:45+01:00"), 48, Unit.HOURS, PLAIN, FRANCE)
    assert deadline.due == datetime(2024, 3, 31, 16, 45, tzinfo=UTC)
    assert deadline.last_day == date(2024, 3, 31)
    assert deadline.doubt == ()


def test_hours_never_roll() -> None:
    start = Occurred.parse("2024-03-29T17:45+01:00")
    assert count(start, 48, Unit.HOURS, Counting(rolls_over=True), FRANCE) == count(
        start, 48, Unit.HOURS, PLAIN, FRANCE
    )


def test_three_working_days_leave_out_the_weekend() -> None:
    assert last_day("2026-06-04", 3, Unit.WORKING_DAYS, PLAIN, KAZAKHSTAN) == date(2026, 6, 9)


def test_three_working_days_leave_out_a_kazakh_holiday_and_its_observed_day() -> None:
    # Women's Day 2026 is a Sunday, so the Monday after it is off.
    assert last_day("2026-03-05", 3, Unit.WORKING_DAYS, PLAIN, KAZAKHSTAN) == date(2026, 3, 11)


def test_a_working_saturday_by_decree_is_a_working_day() -> None:
    assert last_day("2024-05-03", 1, Unit.WORKING_DAYS, PLAIN, KAZAKHSTAN) == date(2024, 5, 4)


def test_a_holiday_that_is_only_estimated_does_not_prolong() -> None:
    assert KAZAKHSTAN.is_working_day(date(2026, 5, 27))
    assert not KAZAKHSTAN.is_working_day(date(2027, 5, 16))  # estimated too, but a Sunday all the same


def test_the_day_of_entry_is_the_first_of_a_stay_where_it_counts() -> None:
    assert last_day("2024-01-01", 90, Unit.DAYS, Counting(first_day_counts=True), KAZAKHSTAN) == date(2024, 3, 30)


def test_a_region_has_holidays_of_its_own() -> None:
    alsace = Place(country="FR", region="57", time_zone="Europe/Paris")
    good_friday = date(2024, 3, 29)
    assert FRANCE.is_working_day(good_friday)
    assert not alsace.is_working_day(good_friday)


# --- when a day ends -----------------------------------------------------------------------------------------------


def test_a_last_day_ends_at_the_authoritys_midnight() -> None:
    deadline = count(Occurred.parse("2024-06-01"), 5, Unit.DAYS, PLAIN, KAZAKHSTAN)
    assert deadline.last_day == date(2024, 6, 6)
    assert deadline.due == datetime(2024, 6, 6, 19, 0, tzinfo=UTC)


def test_a_day_ends_right_where_clocks_change_at_midnight() -> None:
    # On 2024-03-01 the clocks of Almaty went back from midnight to 23:00.
    assert KAZAKHSTAN.end_of(date(2024, 2, 28)) == datetime(2024, 2, 28, 18, 0, tzinfo=UTC)
    assert KAZAKHSTAN.end_of(date(2024, 2, 29)) == datetime(2024, 2, 29, 19, 0, tzinfo=UTC)


def test_an_instant_starts_on_the_day_it_has_at_the_place() -> None:
    just_after_midnight = Occurred.at_instant(datetime(2024, 5, 31, 19, 30, tzinfo=UTC))
    assert count(just_after_midnight, 5, Unit.DAYS, PLAIN, KAZAKHSTAN).last_day == date(2024, 6, 6)


# --- doubt ---------------------------------------------------------------------------------------------------------


def test_an_exact_start_and_a_plain_period_leave_no_doubt() -> None:
    deadline = count(Occurred.parse("2024-06-01"), 5, Unit.DAYS, PLAIN, KAZAKHSTAN)
    assert (deadline.doubt, deadline.latest) == ((), None)


def test_a_range_plans_from_its_first_day_and_says_until_when_it_may_be() -> None:
    deadline = count(Occurred.parse("2024-06-01..2024-06-10"), 5, Unit.DAYS, PLAIN, NOWHERE)
    assert deadline.last_day == date(2024, 6, 6)
    assert deadline.latest == datetime(2024, 6, 16, tzinfo=UTC)
    assert deadline.doubt == ("the start lies between 2024-06-01 and 2024-06-10: the earliest day is taken",)


def test_a_start_known_roughly_is_doubtful_even_with_one_day() -> None:
    deadline = count(Occurred.parse("~2024-06-01"), 5, Unit.DAYS, PLAIN, NOWHERE)
    assert deadline.doubt == ("the start is only known roughly",)


def test_hours_from_a_bare_day_run_from_its_first_minute_at_the_place() -> None:
    deadline = count(Occurred.parse("2024-06-01"), 48, Unit.HOURS, PLAIN, KAZAKHSTAN)
    assert deadline.due == datetime(2024, 6, 2, 19, 0, tzinfo=UTC)
    assert deadline.latest == deadline.due + timedelta(days=1)
    assert deadline.doubt == ("the hour of the start is not known: the first minute of its day is taken",)


def test_a_band_from_weeks_to_a_month_plans_the_weeks() -> None:
    deadline = count(Occurred.parse("2026-07-01"), 2, Unit.WEEKS, PLAIN, NOWHERE, at_most=1, at_most_unit=Unit.MONTHS)
    assert deadline.last_day == date(2026, 7, 15)
    assert deadline.latest == datetime(2026, 8, 2, tzinfo=UTC)
    assert deadline.doubt == ("the period lies between 2 weeks and 1 month: the shortest is taken",)


def test_unknown_holidays_are_said() -> None:
    deadline = count(Occurred.parse("2024-06-01"), 3, Unit.WORKING_DAYS, PLAIN, NOWHERE)
    assert deadline.doubt == ("the public holidays of the country are not known: only weekends are left out",)


def test_the_reckoning_shows_every_step() -> None:
    deadline = count(Occurred.parse("2024-03-05"), 1, Unit.MONTHS, Counting(free_days=True, rolls_over=True), FRANCE)
    assert deadline.reckoning == (
        "starts on Tuesday 2024-03-05",
        "1 month, neither the first nor the last day counted: Saturday 2024-04-06",
        "no working day, so it moves to Monday 2024-04-08",
        "ends with that day in Europe/Paris: 2024-04-08 22:00 UTC",
    )


# --- what is refused, and what must never stop a case ----------------------------------------------------------------


@pytest.mark.parametrize(("amount", "at_most"), [(0, None), (-1, None), (1000, None), (5, 4), (5, 0), (5, 1000)])
def test_a_senseless_period_is_refused_in_words(amount: int, at_most: int | None) -> None:
    with pytest.raises(NotUnderstood):
        count(Occurred.parse("2024-06-01"), amount, Unit.DAYS, PLAIN, FRANCE, at_most=at_most)


@pytest.mark.parametrize("unit", Unit)
def test_a_mistyped_year_never_stops_a_count(unit: Unit) -> None:
    absurd = Occurred(earliest=date.min, latest=date.max)
    assert count(absurd, 999, unit, Counting(rolls_over=True), KAZAKHSTAN).latest is not None
    far = Occurred.at_instant(datetime.max.replace(tzinfo=UTC))
    assert count(far, 999, unit, PLAIN, FRANCE).due.year < 10_000
    assert FRANCE.end_of(date.max) > FRANCE.end_of(date.min)


@pytest.mark.parametrize(
    "fields",
    [
        {"country": "FR", "time_zone": "Europe/Nowhere"},
        {"country": "FR", "time_zone": "../etc/passwd"},
        {"country": "FR", "time_zone": "Europe/Paris", "region": "Atlantis"},
        {"country": "France", "time_zone": "Europe/Paris"},
    ],
)
def test_a_place_that_does_not_exist_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Place.model_validate(fields)


def test_free_days_never_count_the_first() -> None:
    with pytest.raises(ValidationError):
        Counting(free_days=True, first_day_counts=True)


def test_periods_are_said_as_one_says_them() -> None:
    assert in_words(1, Unit.MONTHS) == "1 month"
    assert in_words(3, Unit.WORKING_DAYS) == "3 working days"


# --- properties ----------------------------------------------------------------------------------------------------


@given(start=days, amount=amounts, unit=units, counting=countings, place=places)
def test_a_deadline_never_lies_before_its_start(
    start: date, amount: int, unit: Unit, counting: Counting, place: Place
) -> None:
    deadline = count(Occurred.on(start), amount, unit, counting, place)
    assert deadline.last_day >= start
    assert deadline.due > place.start_of(start)


@given(start=days, amount=amounts, unit=calendar_units, counting=countings, place=places)
def test_a_roll_over_ends_on_a_working_day_and_never_earlier(
    start: date, amount: int, unit: Unit, counting: Counting, place: Place
) -> None:
    rolling, still = (counting.model_copy(update={"rolls_over": rolls}) for rolls in (True, False))
    rolled = count(Occurred.on(start), amount, unit, rolling, place)
    assert place.is_working_day(rolled.last_day)
    assert rolled.last_day >= count(Occurred.on(start), amount, unit, still, place).last_day


@given(start=days, amount=amounts)
def test_months_land_on_the_same_date_or_the_months_last_day(start: date, amount: int) -> None:
    end = count(Occurred.on(start), amount, Unit.MONTHS, PLAIN, FRANCE).last_day
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == amount
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


@given(start=days, amount=st.integers(min_value=1, max_value=30))
def test_a_month_whose_first_day_counts_is_what_a_slow_count_finds(start: date, amount: int) -> None:
    day, later = start, 0
    while True:
        following = day + timedelta(days=1)
        later += following.month != day.month
        if later > amount or (later == amount and following.day == start.day):
            break
        day = following
    assert count(Occurred.on(start), amount, Unit.MONTHS, Counting(first_day_counts=True), FRANCE).last_day == day


@given(start=days, amount=amounts, place=places)
def test_as_many_working_days_lie_in_the_period_as_it_names(start: date, amount: int, place: Place) -> None:
    end = count(Occurred.on(start), amount, Unit.WORKING_DAYS, PLAIN, place).last_day
    passed = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
    assert sum(place.is_working_day(day) for day in passed) == amount
    assert place.is_working_day(end)


@given(start=days, amount=amounts, more=st.integers(min_value=0, max_value=120), unit=units, place=places)
def test_a_band_plans_its_shortest_and_ends_with_its_longest(
    start: date, amount: int, more: int, unit: Unit, place: Place
) -> None:
    at_most = amount + more
    band = count(Occurred.on(start), amount, unit, PLAIN, place, at_most=at_most)
    shortest, longest = (count(Occurred.on(start), one, unit, PLAIN, place) for one in (amount, at_most))
    assert (band.due, band.last_day) == (shortest.due, shortest.last_day)
    assert band.latest == (longest.latest or longest.due)
    assert band.doubt


@given(start=days, width=st.integers(min_value=0, max_value=60), amount=amounts, unit=units, place=places)
def test_an_uncertain_start_never_moves_the_date_later(
    start: date, width: int, amount: int, unit: Unit, place: Place
) -> None:
    uncertain = Occurred(earliest=start, latest=start + timedelta(days=width), about=True)
    deadline = count(uncertain, amount, unit, PLAIN, place)
    assert deadline.due == count(Occurred.on(start), amount, unit, PLAIN, place).due
    assert deadline.latest is None or deadline.latest >= deadline.due
    assert deadline.doubt


@given(start=days, amount=amounts, unit=calendar_units, counting=countings, place=places)
def test_due_is_the_end_of_the_last_day_at_the_place(
    start: date, amount: int, unit: Unit, counting: Counting, place: Place
) -> None:
    deadline = count(Occurred.on(start), amount, unit, counting, place)
    assert deadline.due == place.end_of(deadline.last_day)
    last_minute = (deadline.due - timedelta(minutes=1)).astimezone(place.zone)
    assert last_minute.date() == deadline.last_day


@given(start=days, amount=amounts, unit=calendar_units, place=places)
def test_free_days_are_one_day_or_one_working_day_longer(start: date, amount: int, unit: Unit, place: Place) -> None:
    plain, free = (count(Occurred.on(start), amount, unit, way, place).last_day for way in (PLAIN, FREE_DAYS))
    assert free > plain
    assert unit is Unit.WORKING_DAYS or free == plain + timedelta(days=1)


@given(start=days, amount=amounts, unit=units, counting=countings, place=places)
def test_a_deadline_survives_being_written_and_read(
    start: date, amount: int, unit: Unit, counting: Counting, place: Place
) -> None:
    deadline = count(Occurred.on(start), amount, unit, counting, place)
    assert Deadline.model_validate_json(deadline.model_dump_json()) == deadline
