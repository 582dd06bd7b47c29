"""Clocks that stand, start anew, grow, shrink and revive: by examples, by properties, and against a slow reference."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.clocks import Clock, Length, Reckoning, Remainder, Standing, Standstill, Suspension
from domain.deadlines import NOWHERE, Counting, Deadline, Place, Unit, count
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.running import run

FRANCE = Place(country="FR", time_zone="Europe/Paris")
BERLIN = Place(country="DE", region="Berlin", time_zone="Europe/Berlin")
FREE_DAYS = Counting(free_days=True, rolls_over=True)
ROLLING = Counting(rolls_over=True)
EU = Counting(rolls_over=True, two_working_days=True)

# Calendars are read on first use; read now, no property is slow only because it happens to run first.
assert FRANCE.knows_holidays
assert BERLIN.knows_holidays

days = st.dates(min_value=date(2018, 1, 1), max_value=date(2035, 12, 31))
amounts = st.integers(min_value=1, max_value=60)
day_units = st.sampled_from([unit for unit in Unit if unit is not Unit.HOURS])
places = st.sampled_from([FRANCE, BERLIN, NOWHERE])
countings = st.sampled_from([Counting(), FREE_DAYS, ROLLING, EU, Counting(first_day_counts=True)])


@st.composite
def suspensions_after(
    draw: st.DrawFn, start: date, most: int = 4, *, open_ones: bool = False
) -> tuple[Suspension, ...]:
    """Suspensions around a period, overlapping, adjacent or apart."""
    found = []
    for _ in range(draw(st.integers(min_value=0, max_value=most))):
        since = start + timedelta(days=draw(st.integers(min_value=-20, max_value=90)))
        length = draw(st.integers(min_value=0, max_value=60))
        ends = not (open_ones and draw(st.booleans()))
        found.append(suspension(since, since + timedelta(days=length) if ends else None))
    return tuple(found)


def suspension(since: date | str, until: date | str | None = None) -> Suspension:
    return Suspension(since=occurred(since), until=occurred(until) if until is not None else None)


def occurred(day: date | str) -> Occurred:
    return Occurred.parse(day) if isinstance(day, str) else Occurred.on(day)


def dated(found: Reckoning) -> Deadline:
    assert isinstance(found, Deadline), found
    return found


def standing(found: Reckoning) -> Standing:
    assert isinstance(found, Standing), found
    return found


def appeal(*suspensions: Suspension, start: str = "2019-06-04", place: Place = FRANCE) -> Reckoning:
    """The month for an appeal to the French asylum court."""
    clock = Clock(start=Occurred.parse(start), amount=1, unit=Unit.MONTHS, counting=FREE_DAYS, suspensions=suspensions)
    return run(clock, place)


# --- suspensions -----------------------------------------------------------------------------------------------------


def test_legal_aid_suspends_the_french_month_and_its_remainder_runs_from_the_decision_on_it() -> None:
    # A lawyer's worked example, seen 2026-11-25:
    # https://www.mlgm-avocat.fr/etrangers/intervenant-social/calculer-un-d%C3%A9lai-de-recours/
    # Refusal notified 2019-06-04, legal aid asked for 2019-06-17 and granted 2019-08-06: 18 days are left, which end on
    # Sunday 2019-08-25, so Monday 2019-08-26 is the last day.
    assert dated(appeal(suspension("2019-06-17", "2019-08-06"))).last_day == date(2019, 8, 26)
    assert standing(appeal(suspension("2019-06-17"))).left == Remainder(amount=18, unit=Unit.DAYS)


def test_the_day_on_which_a_suspension_begins_is_read_both_ways_and_the_earlier_one_plans() -> None:
    found = dated(appeal(suspension("2024-02-10", "2024-03-01"), start="2024-01-31"))
    assert found.last_day == date(2024, 3, 21)
    assert found.latest == FRANCE.end_of(date(2024, 3, 22))
    assert found.doubt == (
        "whether the day on which it was suspended still counts is read both ways: it is taken as counted",
    )
    assert found.reckoning == (
        "starts on Wednesday 2024-01-31",
        "1 month, neither the first nor the last day counted: Friday 2024-03-01",
        "stands from Saturday 2024-02-10, with 20 days left",
        "runs on from Friday 2024-03-01",
        "20 days after that: Thursday 2024-03-21",
        "ends with that day in Europe/Paris: 2024-03-21 23:00 UTC",
        "at the latest 2024-03-22",
    )


def test_overlapping_and_adjacent_suspensions_are_one() -> None:
    one = appeal(suspension("2024-02-10", "2024-03-20"), start="2024-01-31")
    overlapping = (suspension("2024-02-15", "2024-03-20"), suspension("2024-02-10", "2024-03-01"))
    adjacent = (suspension("2024-02-10", "2024-03-01"), suspension("2024-03-01", "2024-03-20"))
    assert appeal(*overlapping, start="2024-01-31") == one
    assert appeal(*adjacent, start="2024-01-31") == one


def test_an_open_suspension_gives_no_date_but_what_is_left() -> None:
    found = standing(appeal(suspension("2024-02-10"), start="2024-01-31"))
    assert (found.because, found.since) == (Standstill.SUSPENDED, date(2024, 2, 10))
    assert str(found.left) == "20 days"
    assert found.reckoning[-1] == "it stands: no date can be said until it runs on"
    assert not hasattr(found, "due")


def test_a_suspension_after_the_end_moves_nothing() -> None:
    plain = appeal(start="2024-01-31")
    assert dated(appeal(suspension("2024-03-05"), start="2024-01-31")).due == dated(plain).due


def test_a_suspension_on_the_last_day_may_come_too_late_and_says_so() -> None:
    found = dated(appeal(suspension("2024-03-01"), start="2024-01-31"))
    assert found.last_day == date(2024, 3, 1)
    assert "by another reading of the dates it stands" in found.doubt


def test_a_clock_that_starts_while_it_is_suspended_runs_in_full_from_the_end_of_that() -> None:
    clock = Clock(
        start=occurred("2024-02-01"), amount=10, unit=Unit.DAYS, suspensions=(suspension("2024-01-01", "2024-03-01"),)
    )
    assert dated(run(clock, FRANCE)).last_day == date(2024, 3, 11)


def test_hours_stand_to_the_minute() -> None:
    stopped = suspension("2024-03-31T10:00+02:00", "2024-04-02T08:30+02:00")
    start = occurred("2024-03-30T22:00+01:00")
    found = dated(run(Clock(start=start, amount=48, unit=Unit.HOURS, suspensions=(stopped,)), FRANCE))
    # Eleven hours have run until ten o'clock of summer time, so thirty-seven are left.
    assert found.due == datetime(2024, 4, 3, 19, 30, tzinfo=UTC)
    assert found.doubt == ()
    stands = suspension("2024-03-31T10:15+02:00")
    left = standing(run(Clock(start=start, amount=48, unit=Unit.HOURS, suspensions=(stands,)), FRANCE)).left
    assert str(left) == "36 hours 45 min"


def test_hours_with_days_of_suspension_take_the_shortest_and_say_so() -> None:
    start = occurred("2024-06-03T12:00+02:00")
    clock = Clock(start=start, amount=72, unit=Unit.HOURS, suspensions=(suspension("2024-06-04", "2024-06-06"),))
    found = dated(run(clock, FRANCE))
    assert found.due == datetime(2024, 6, 7, 10, 0, tzinfo=UTC)  # only the fifth is certain
    assert found.latest == datetime(2024, 6, 9, 10, 0, tzinfo=UTC)
    assert found.doubt == ("the hour of a suspension is not known: the shortest is taken",)


def test_working_days_keep_their_remainder_in_working_days() -> None:
    # Monday 2024-07-01 and five working days; one has run when it stops on Tuesday.
    clock = Clock(
        start=occurred("2024-07-01"),
        amount=5,
        unit=Unit.WORKING_DAYS,
        suspensions=(suspension("2024-07-02", "2024-07-10"),),
    )
    assert dated(run(clock, FRANCE)).last_day == date(2024, 7, 16)
    assert str(standing(run(clock.model_copy(update={"suspensions": (suspension("2024-07-02"),)}), FRANCE)).left) == (
        "4 working days"
    )


def test_a_suspension_known_roughly_is_taken_at_its_shortest() -> None:
    rough = suspension("2024-02-08..2024-02-12", "2024-02-28..2024-03-03")
    found = dated(appeal(rough, start="2024-01-31"))
    assert found.due == dated(appeal(suspension("2024-02-12", "2024-02-28"), start="2024-01-31")).due
    assert "a suspension or restart is only known roughly: the earliest result is taken" in found.doubt


def test_a_suspension_that_ends_before_it_begins_is_left_out_and_said() -> None:
    found = dated(appeal(suspension("2024-02-10", "2024-02-01"), start="2024-01-31"))
    assert found.last_day == date(2024, 3, 1)
    assert "a suspension is said to end before it begins: it is left out" in found.doubt


# --- restarts, extensions, revivals ----------------------------------------------------------------------------------


def started(day: str, amount: int, unit: Unit, counting: Counting = ROLLING) -> Clock:
    return Clock(start=Occurred.parse(day), amount=amount, unit=unit, counting=counting)


def test_an_interruption_starts_the_clock_in_full() -> None:
    clock = started("2024-01-31", 1, Unit.MONTHS).model_copy(update={"restarts": (occurred("2024-02-20"),)})
    assert dated(run(clock, FRANCE)).last_day == date(2024, 3, 20)


def test_an_interruption_ends_a_suspension_that_was_still_open() -> None:
    clock = started("2024-01-31", 1, Unit.MONTHS).model_copy(
        update={"suspensions": (suspension("2024-02-10"),), "restarts": (occurred("2024-06-03"),)}
    )
    assert dated(run(clock, FRANCE)).last_day == date(2024, 7, 3)


def test_an_interruption_after_the_end_moves_nothing_and_is_a_doubt() -> None:
    clock = started("2024-01-31", 1, Unit.MONTHS).model_copy(update={"restarts": (occurred("2024-03-20"),)})
    found = dated(run(clock, FRANCE))
    assert found.last_day == date(2024, 2, 29)
    assert found.doubt == ("the restart on 2024-03-20 may have come after it had run out: it moves nothing",)


def test_what_is_added_runs_from_the_end_of_the_old_period() -> None:
    # BGB § 190. The old end is Sunday 2024-06-02, and what is added runs from there, not from where it would roll to.
    clock = started("2024-05-02", 1, Unit.MONTHS).model_copy(update={"extended": (Length(amount=2, unit=Unit.WEEKS),)})
    assert dated(run(clock, BERLIN)).last_day == date(2024, 6, 17)


@pytest.mark.parametrize("anew", ["restarts", "revivals"])
def test_what_was_added_before_a_clock_began_anew_is_taken_as_lost_and_said(anew: str) -> None:
    longer = Length(amount=2, unit=Unit.WEEKS)
    clock = started("2024-05-02", 1, Unit.MONTHS, Counting()).model_copy(
        update={"extended": (longer,), anew: (occurred("2024-05-20"),)}
    )
    found = dated(run(clock, BERLIN))
    assert found.last_day == date(2024, 6, 20)
    assert found.latest == BERLIN.end_of(date(2024, 7, 4))
    assert any("taken as lost" in one for one in found.doubt)
    hours = started("2024-05-02T10:00Z", 48, Unit.HOURS, Counting()).model_copy(
        update={"extended": (Length(amount=24, unit=Unit.HOURS),), anew: (occurred("2024-05-03T10:00Z"),)}
    )
    assert dated(run(hours, BERLIN)).due == datetime(2024, 5, 5, 10, tzinfo=UTC)
    assert dated(run(hours, BERLIN)).latest == datetime(2024, 5, 6, 10, tzinfo=UTC)
    untouched = clock.model_copy(update={anew: ()})
    assert dated(run(untouched, BERLIN)).latest is None


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (Length(amount=1, unit=Unit.WEEKS), date(2024, 5, 8)),
        (Length(amount=5, unit=Unit.DAYS), date(2024, 5, 10)),
        (Length(amount=1, unit=Unit.MONTHS), date(2024, 4, 15)),
        (Length(amount=1, unit=Unit.WORKING_DAYS), date(2024, 5, 14)),
    ],
)
def test_a_notice_can_make_a_period_shorter(length: Length, expected: date) -> None:
    clock = started("2024-03-15", 2, Unit.MONTHS, Counting()).model_copy(update={"shortened": (length,)})
    assert dated(run(clock, BERLIN)).last_day == expected


def test_a_period_shortened_by_all_of_itself_ends_with_its_first_day_and_is_a_doubt() -> None:
    clock = started("2024-03-15", 2, Unit.WEEKS).model_copy(update={"shortened": (Length(amount=1, unit=Unit.MONTHS),)})
    found = dated(run(clock, FRANCE))
    assert found.last_day == date(2024, 3, 15)
    assert "it was shortened by all of itself" in found.doubt


def test_hours_are_not_made_longer_by_days() -> None:
    clock = started("2024-03-15", 48, Unit.HOURS, Counting())
    with pytest.raises(NotUnderstood):
        run(clock.model_copy(update={"extended": (Length(amount=2, unit=Unit.DAYS),)}), FRANCE)
    working = started("2024-03-15", 3, Unit.WORKING_DAYS)
    with pytest.raises(NotUnderstood):
        run(working.model_copy(update={"extended": (Length(amount=1, unit=Unit.MONTHS),)}), FRANCE)
    with pytest.raises(ValidationError):
        Length(amount=1, unit=Unit.MONTH_ENDS)
    longer = clock.model_copy(update={"extended": (Length(amount=24, unit=Unit.HOURS),)})
    assert dated(run(longer, FRANCE)).due == datetime(2024, 3, 17, 23, 0, tzinfo=UTC)


def test_a_clock_is_revived_once_and_a_second_time_gives_no_date() -> None:
    clock = started("2024-01-31", 1, Unit.MONTHS).model_copy(update={"revivals": (occurred("2024-09-02"),)})
    assert dated(run(clock, FRANCE)).last_day == date(2024, 10, 2)
    again = clock.model_copy(update={"revivals": (occurred("2024-09-02"), occurred("2025-03-03"))})
    found = standing(run(again, FRANCE))
    assert found.because is Standstill.REVIVED_TOO_OFTEN
    assert found.doubt == ("it can be revived once, and was revived 2 times: ask counsel what applies",)
    assert isinstance(run(again.model_copy(update={"revivable": 2}), FRANCE), Deadline)


def test_a_clock_that_has_not_started_has_no_date() -> None:
    assert standing(run(Clock(start=None, amount=1, unit=Unit.MONTHS), FRANCE)).because is Standstill.NOT_STARTED


@pytest.mark.parametrize("unit", Unit)
def test_absurd_dates_never_stop_a_clock(unit: Unit) -> None:
    absurd = Occurred(earliest=date.min, latest=date.max)
    longest = {Unit.HOURS: Unit.HOURS, Unit.WORKING_DAYS: Unit.WEEKS}.get(unit, Unit.YEARS)
    clock = Clock(
        start=absurd,
        amount=999,
        unit=unit,
        counting=Counting() if unit is Unit.HOURS else ROLLING,
        extended=(Length(amount=999, unit=longest),),
        suspensions=(Suspension(since=absurd, until=absurd), Suspension(since=Occurred.on(date.max))),
        restarts=(absurd, Occurred.on(date.max)),
        revivals=(Occurred.on(date.max),),
    )
    assert isinstance(run(clock, FRANCE), Deadline | Standing)


# --- properties ----------------------------------------------------------------------------------------------------


@given(start=days, amount=amounts, unit=day_units, counting=countings, place=places)
def test_a_clock_to_which_nothing_happened_is_a_plain_count(
    start: date, amount: int, unit: Unit, counting: Counting, place: Place
) -> None:
    clock = Clock(start=Occurred.on(start), amount=amount, unit=unit, counting=counting)
    plain = count(Occurred.on(start), amount, unit, counting, place)
    assert run(clock, place) == plain
    # The same by the long way: a suspension before the start moves nothing.
    before = suspension(start - timedelta(days=9), start - timedelta(days=5))
    assert dated(run(clock.model_copy(update={"suspensions": (before,)}), place)).due == plain.due


@given(data=st.data(), start=days, amount=amounts, unit=st.sampled_from(Unit), place=places)
def test_a_further_suspension_never_brings_a_date_forward(
    data: st.DataObject, start: date, amount: int, unit: Unit, place: Place
) -> None:
    counting = data.draw(countings) if unit is not Unit.HOURS else Counting()
    stops = data.draw(suspensions_after(start))
    more = data.draw(suspensions_after(start, open_ones=True))
    restarts = data.draw(st.lists(st.integers(min_value=0, max_value=60), max_size=2))
    clock = Clock(
        start=Occurred.on(start),
        amount=amount,
        unit=unit,
        counting=counting,
        suspensions=stops,
        restarts=tuple(Occurred.on(start + timedelta(days=after)) for after in restarts),
    )
    less, with_more = run(clock, place), run(clock.model_copy(update={"suspensions": (*stops, *more)}), place)
    if isinstance(with_more, Deadline):
        assert with_more.due >= dated(less).due
        assert with_more.due > place.start_of(start)
        assert with_more.latest is None or with_more.latest > with_more.due


@given(data=st.data(), start=days, amount=amounts, unit=day_units, place=places)
def test_a_suspended_clock_still_ends_on_a_working_day_where_it_rolls_over(
    data: st.DataObject, start: date, amount: int, unit: Unit, place: Place
) -> None:
    counting = data.draw(st.sampled_from([FREE_DAYS, ROLLING, EU]))
    stops = data.draw(suspensions_after(start))
    clock = Clock(start=Occurred.on(start), amount=amount, unit=unit, counting=counting, suspensions=stops)
    assert place.is_working_day(dated(run(clock, place)).last_day)


@given(data=st.data(), start=days, amount=amounts, unit=day_units, place=places)
def test_free_days_are_never_earlier_than_ordinary_ones(
    data: st.DataObject, start: date, amount: int, unit: Unit, place: Place
) -> None:
    stops = data.draw(suspensions_after(start))
    ordinary, free = (
        dated(
            run(Clock(start=Occurred.on(start), amount=amount, unit=unit, counting=way, suspensions=stops), place)
        ).last_day
        for way in (ROLLING, FREE_DAYS)
    )
    assert free >= ordinary


@given(data=st.data(), start=days, width=st.integers(min_value=0, max_value=30), amount=amounts, unit=day_units)
def test_an_uncertain_start_is_never_planned_later_than_any_day_of_it(
    data: st.DataObject, start: date, width: int, amount: int, unit: Unit
) -> None:
    stops = data.draw(suspensions_after(start))
    latest = start + timedelta(days=width)
    between = start + timedelta(days=data.draw(st.integers(min_value=0, max_value=width)))
    rough, exact = (
        dated(run(Clock(start=one, amount=amount, unit=unit, counting=ROLLING, suspensions=stops), FRANCE))
        for one in (Occurred(earliest=start, latest=latest), Occurred.on(between))
    )
    assert rough.due <= exact.due
    assert (rough.latest or rough.due) >= (exact.latest or exact.due)


@given(data=st.data(), start=days, amount=amounts, place=places)
def test_it_is_what_a_slow_count_day_by_day_finds(data: st.DataObject, start: date, amount: int, place: Place) -> None:
    unit = data.draw(st.sampled_from([Unit.DAYS, Unit.WORKING_DAYS, Unit.WEEKS]))
    counting = data.draw(st.sampled_from([Counting(), ROLLING, FREE_DAYS]))
    stops = data.draw(suspensions_after(start))
    clock = Clock(start=Occurred.on(start), amount=amount, unit=unit, counting=counting, suspensions=stops)
    assert dated(run(clock, place)).last_day == _slowly(clock, start, place)


def _slowly(clock: Clock, start: date, place: Place) -> date:
    """One day after the other: a day counts if the clock does not stand on it, and if it is of the right kind."""
    left = clock.amount * (7 if clock.unit is Unit.WEEKS else 1) + clock.counting.free_days
    day = start
    while left:
        day += timedelta(days=1)
        counts = clock.unit is not Unit.WORKING_DAYS or place.is_working_day(day)
        left -= counts and not _stands(day, clock.suspensions)
    while clock.counting.rolls_over and not place.is_working_day(day):
        day += timedelta(days=1)
    return day


def _stands(day: date, suspensions: Iterable[Suspension]) -> bool:
    return any(one.until is not None and one.since.latest < day <= one.until.earliest for one in suspensions)


@given(data=st.data(), start=days, amount=amounts, unit=st.sampled_from(Unit), place=places)
def test_a_reckoning_survives_being_written_and_read(
    data: st.DataObject, start: date, amount: int, unit: Unit, place: Place
) -> None:
    stops = data.draw(suspensions_after(start, open_ones=True))
    clock = Clock(start=Occurred.on(start), amount=amount, unit=unit, suspensions=stops)
    assert Clock.model_validate_json(clock.model_dump_json()) == clock
    found = run(clock, place)
    assert type(found).model_validate_json(found.model_dump_json()) == found
