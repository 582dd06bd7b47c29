"""Stays held against their limits: the law's own examples, the countries of the story, and a slow count day by day."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.deadlines import Place
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.stay_answers import Chance, Reckoning
from domain.stay_reckoning import reckon
from domain.stays import Constraint, Known, Limit, Stay
from tests.support import slow_stays

DAY = timedelta(days=1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def stays(*written: str) -> list[Stay]:
    """``2024-01-01 2024-02-01``, or the entry alone."""
    return [Stay.between(*(day(one) for one in text.split())) for text in written]


def rolling(amount: int, window: int) -> Constraint:
    return Constraint(kind="rolling", amount=amount, window=window)


def limit(*constraints: Constraint, entry: Known = "yes", exit_: Known = "yes") -> Limit:
    return Limit(constraints=constraints, entry_day_counts=entry, exit_day_counts=exit_)


# --- the Schengen rule: Regulation (EU) 2016/399, article 6(1) and (2), as since Regulation (EU) No 610/2013 ---------
# 90 days in any 180, looking back from each day of stay; the days of entry and of exit count. The examples are those of
# the Swiss State Secretariat for Migration on the Commission's short-stay calculator, as at 2014-12-01:
# https://www.sem.admin.ch/sem/en/home/themen/einreise/aufenthaltsrechner.html, pages bsp-1 to bsp-6.

SCHENGEN = limit(rolling(90, 180))


def test_after_47_days_in_autumn_a_new_year_gives_90_days() -> None:
    """bsp-1.html."""
    found = reckon(stays("2014-08-15 2014-09-30"), SCHENGEN, day("2015-01-01"))
    assert found.next_entry == Chance(day("2015-01-01"), day("2015-03-31"), 90)


def test_a_second_stay_gets_what_the_first_has_left() -> None:
    """bsp-2.html: she could have stayed without interruption until 13 December."""
    found = reckon(stays("2014-08-15 2014-09-30", "2014-11-01 2014-11-30"), SCHENGEN, day("2014-11-30"))
    assert found.last_day == day("2014-12-13")
    assert found.overstays == ()


def test_days_that_leave_the_window_during_a_stay_are_given_back() -> None:
    """bsp-4.html: the summer no longer counts, and he could have stayed until 31 March."""
    history = stays("2013-06-01 2013-07-13", "2013-08-15 2013-09-30", "2014-01-01 2014-01-30")
    found = reckon(history, SCHENGEN, day("2014-01-30"))
    assert found.last_day == day("2014-03-31")
    assert [one.entered for one in found.answers[0].counted] == [day("2013-08-15"), day("2014-01-01")]


def test_a_short_overstay_and_the_return_after_it() -> None:
    """bsp-5.html: nine days too many; on 30 August he may come back for up to 50 days."""
    history = stays("2013-09-01 2013-09-30", "2014-02-21 2014-04-20", "2014-05-01 2014-06-09")
    left = reckon(history, SCHENGEN, day("2014-06-09"))
    assert left.overstay
    assert (left.overstay.since, left.overstay.days) == (day("2014-06-01"), 9)
    back = reckon(history, SCHENGEN, day("2014-08-30"))
    assert back.next_entry == Chance(day("2014-08-30"), day("2014-10-18"), 50)


def test_a_long_overstay_is_74_days_beyond_the_90_of_its_window() -> None:
    """bsp-6.html counts the window of the exit alone; the first day that was too much lies further back."""
    found = reckon(stays("2013-06-28 2013-08-09", "2013-09-19 2014-03-01"), SCHENGEN, day("2014-03-01"))
    assert found.answers[0].begins == day("2013-09-03")
    assert found.answers[0].used - found.answers[0].of == 74
    assert found.overstay
    assert found.overstay.since == day("2013-11-05")


def test_an_absence_of_90_days_without_interruption_allows_a_new_stay_of_90() -> None:
    """The Commission's user manual of the calculator, section 1: https://studylib.net/doc/18407872 (a copy)."""
    found = reckon(stays("2014-01-01 2014-03-31"), SCHENGEN, day("2014-04-01"))
    assert found.full_stay == Chance(day("2014-06-30"), day("2014-09-27"), 90)
    assert found.next_entry == found.full_stay


# --- the countries of the story; sources of the values: the rulebook -------------------------------------------------


def test_turkey_60_days_for_each_entry_and_90_in_180() -> None:
    turkey = limit(rolling(90, 180), Constraint(kind="per-entry", amount=60, reset="yes"))
    first = reckon(stays("2024-01-01"), turkey, day("2024-01-10"))
    assert first.last_day == day("2024-02-29")
    second = reckon(stays("2024-01-01 2024-02-29", "2024-03-10"), turkey, day("2024-03-20"))
    assert second.last_day == day("2024-04-08")
    assert [one.binds for one in second.answers] == [True, False]


def test_mongolia_30_days_for_each_stay_and_90_in_180() -> None:
    mongolia = limit(rolling(90, 180), Constraint(kind="per-entry", amount=30, reset="yes"))
    thrice = stays("2024-01-01 2024-01-30", "2024-02-10 2024-03-10", "2024-03-20 2024-04-18")
    found = reckon(thrice, mongolia, day("2024-04-18"))
    assert found.overstays == ()
    assert found.next_entry == Chance(day("2024-06-29"), day("2024-07-28"), 30)


BEFORE = Limit(
    constraints=(Constraint(kind="per-entry", amount=90, reset="yes"),), valid_to=day("2023-01-26"), doubt=()
)
SINCE = Limit(constraints=(rolling(90, 180),), valid_from=day("2023-01-27"))


def kazakhstan(entered: date) -> Limit:
    """As the rulebook has it: the version by the day of entry."""
    return BEFORE if entered <= day("2023-01-26") else SINCE


def test_kazakhstan_each_stay_keeps_the_version_of_its_entry() -> None:
    history = stays("2022-09-28 2022-12-20", "2022-12-20 2023-03-15", "2023-03-15")
    found = reckon(history, kazakhstan, day("2023-03-20"))
    assert [one.entered for one in found.overstays] == [day("2023-03-15")]
    assert found.last_day is None
    assert any("rule's first day" in one for one in found.doubt)
    before = reckon(history[:2], kazakhstan, day("2023-01-10"))
    assert before.last_day == day("2023-03-19")


def test_kazakhstan_a_new_entry_after_the_switch_is_reckoned_by_the_new_rule() -> None:
    found = reckon(stays("2022-11-01 2023-01-20"), kazakhstan, day("2023-01-20"))
    assert found.next_entry == Chance(day("2023-01-20"), day("2023-04-19"), 90)
    later = reckon(stays("2022-11-01 2023-01-20"), kazakhstan, day("2023-01-27"))
    assert later.next_entry == Chance(day("2023-01-27"), day("2023-02-04"), 9)


def test_an_entry_that_may_lie_before_or_after_the_switch_is_held_to_both_versions() -> None:
    uncertain = Stay(entered=Occurred.parse("2023-01-20..2023-01-30"))
    found = reckon([*stays("2022-11-01 2023-01-10"), uncertain], kazakhstan, day("2023-02-01"))
    assert found.last_day == day("2023-02-07")
    assert any("both versions" in one for one in found.doubt)


def test_armenia_180_in_a_year_in_both_readings() -> None:
    armenia = limit(Constraint(kind="year", amount=180))
    found = reckon(stays("2023-09-01 2023-12-31", "2024-01-10"), armenia, day("2024-02-01"))
    calendar, any_year = found.answers
    assert calendar.last_day == day("2024-07-07")
    assert any_year.last_day == found.last_day == day("2024-03-07")
    assert (calendar.binds, any_year.binds) == (False, True)
    assert any("both readings" in one for one in found.doubt)


def test_an_overstay_by_one_reading_alone_is_not_certain() -> None:
    armenia = limit(Constraint(kind="year", amount=180))
    found = reckon(stays("2023-09-01 2023-12-31", "2024-01-10"), armenia, day("2024-04-01"))
    assert found.overstay
    assert found.overstay.since == day("2024-03-08")
    assert found.overstay.certain_since is None
    assert any("ask counsel" in one for one in found.doubt)


def test_georgia_a_year_for_each_entry() -> None:
    georgia = limit(Constraint(kind="per-entry", amount=1, unit="years", reset="yes"))
    assert reckon(stays("2024-02-29"), georgia, day("2024-03-01")).last_day == day("2025-02-28")
    assert reckon(stays("2023-03-01"), georgia, day("2023-03-01")).last_day == day("2024-02-29")
    month = limit(Constraint(kind="per-entry", amount=1, unit="months", reset="yes"))
    for entry, last in (("2024-03-31", "2024-04-30"), ("2024-01-31", "2024-02-29"), ("2024-03-30", "2024-04-29")):
        assert reckon(stays(entry), month, day(entry)).last_day == day(last)
    run = reckon(stays("2023-05-10 2024-05-09", "2024-05-09"), georgia, day("2024-06-01"))
    assert run.last_day == day("2025-05-08")
    assert run.overstays == ()


def test_a_disputed_time_of_absence_plans_a_new_entry_and_ends_no_stay() -> None:
    disputed = Constraint(kind="absence", amount=90, disputed=True)
    contested = limit(rolling(90, 180), disputed)
    found = reckon(stays("2024-01-01 2024-01-20"), contested, day("2024-02-01"))
    assert found.next_entry
    assert found.next_entry.entry == day("2024-04-20")
    inside = reckon(stays("2024-01-01 2024-01-20", "2024-02-01"), contested, day("2024-02-05"))
    assert inside.last_day == day("2024-04-10")
    assert inside.overstays == ()
    assert any("too early" in one for one in inside.doubt)


# --- histories -------------------------------------------------------------------------------------------------------


def test_out_and_in_on_one_day_is_one_day() -> None:
    found = reckon(stays("2024-02-01 2024-02-10", "2024-02-10 2024-02-20"), SCHENGEN, day("2024-02-20"))
    assert found.answers[0].used == 20


def test_a_history_needs_no_order() -> None:
    history = stays("2024-05-01 2024-05-10", "2024-01-01 2024-01-10", "2024-03-01 2024-03-10")
    assert reckon(history, SCHENGEN, day("2024-05-05")) == reckon(sorted(history, key=str), SCHENGEN, day("2024-05-05"))


@pytest.mark.parametrize(
    ("history", "says"),
    [
        (("2024-01-01 2024-02-01", "2024-01-31 2024-03-01"), "two stays lie over each other"),
        (("2024-01-01", "2024-01-31 2024-03-01"), "has no exit"),
        (("2024-01-01 2024-02-01", "2024-01-01 2024-02-01"), "two stays lie over each other"),
    ],
)
def test_what_cannot_have_been_is_refused_in_one_line(history: tuple[str, ...], says: str) -> None:
    with pytest.raises(NotUnderstood, match=says) as error:
        reckon(stays(*history), SCHENGEN, day("2024-03-01"))
    assert "\n" not in str(error.value)


def test_an_uncertain_stay_is_counted_whole_and_the_doubt_is_said() -> None:
    uncertain = Stay(entered=Occurred.parse("2024-01-05..2024-01-10"), left=Occurred.parse("2024-02"))
    found = reckon([uncertain], SCHENGEN, day("2024-03-01"))
    assert found.answers[0].used == (day("2024-02-29") - day("2024-01-05")).days + 1
    assert sum("not certain" in one for one in found.doubt) == 2


def test_an_overstay_that_only_an_uncertain_date_makes_is_not_certain() -> None:
    stay = Stay(entered=Occurred.parse("2024-01-01..2024-01-20"), left=Occurred.parse("2024-04-05"))
    found = reckon([stay], SCHENGEN, day("2024-04-05"))
    assert [(one.since, one.certain_since) for one in found.overstays] == [(day("2024-03-31"), None)]


def test_the_day_of_an_hour_is_the_day_in_the_country() -> None:
    late = Occurred.parse("2024-01-01T22:30+00:00")
    place = Place(country="KZ", time_zone="Asia/Almaty")
    assert Stay.local(late, None, place).entered.earliest == day("2024-01-02")


def test_a_planned_stay_is_told_to_be_too_long_before_it_begins() -> None:
    found = reckon(stays("2024-01-01 2024-02-29", "2024-04-01 2024-05-15"), SCHENGEN, day("2024-03-10"))
    assert not found.present
    assert found.last_day == day("2024-04-30")
    assert [(one.entered, one.days) for one in found.overstays] == [(day("2024-04-01"), 15)]


def test_without_any_stay_the_whole_limit_is_left() -> None:
    found = reckon([], SCHENGEN, day("2024-01-01"))
    assert found.days_left == 90
    assert found.next_entry == found.full_stay == Chance(day("2024-01-01"), day("2024-03-30"), 90)


def test_where_no_limit_is_known_nothing_is_reckoned_in_silence() -> None:
    found = reckon(stays("2024-01-01"), lambda _: None, day("2024-03-01"))
    assert found.last_day is None
    assert found.days_left is None
    assert any("no limit of stay is known" in one for one in found.doubt)


@pytest.mark.parametrize("known", [(), (Constraint(kind="absence", amount=30),)])
def test_a_gap_in_the_rulebook_gives_no_date_in_silence(known: tuple[Constraint, ...]) -> None:
    gap = Limit.model_construct(
        constraints=known, entry_day_counts="yes", exit_day_counts="yes", valid_from=None, valid_to=None, doubt=()
    )
    for history in ([], stays("2024-01-01"), stays("2024-01-01 2024-02-01")):
        found = reckon(history, gap, day("2024-03-01"))
        assert (found.last_day, found.days_left, found.next_entry, found.overstays) == (None, None, None, ())
        assert any("nothing is known that would end this stay" in one for one in found.doubt)


def test_a_mistyped_year_stops_nothing() -> None:
    for history in (stays("0001-01-01 0001-01-05", "9999-12-30"), stays("9990-01-01 9999-12-31")):
        for one in (
            SCHENGEN,
            limit(Constraint(kind="year", amount=180)),
            limit(Constraint(kind="per-entry", amount=9999, unit="years")),
        ):
            reckon(history, one, day("2024-01-01"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "rolling", "amount": 90}, "has a window"),
        ({"kind": "rolling", "amount": 180, "window": 90}, "never binds"),
        ({"kind": "calendar-year", "amount": 365}, "never binds"),
        ({"kind": "year", "amount": 6, "unit": "months"}, "only a limit for each entry"),
        ({"kind": "per-entry", "amount": 0}, "greater than or equal to 1"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Constraint.model_validate(fields)


# --- as a slow count day by day --------------------------------------------------------------------------------------

known = st.sampled_from(["yes", "no", "unknown"])
small = st.integers(min_value=1, max_value=10)
constraints = st.one_of(
    st.builds(lambda amount, more: rolling(amount, amount + more), small, st.integers(min_value=1, max_value=25)),
    st.builds(lambda amount, reset: Constraint(kind="per-entry", amount=amount, reset=reset), small, known),
    st.builds(
        lambda amount, reset: Constraint(kind="per-entry", amount=amount, unit="months", reset=reset),
        st.just(1),
        known,
    ),
    st.builds(
        lambda kind, amount: Constraint(kind=kind, amount=amount),
        st.sampled_from(["calendar-year", "rolling-year", "year"]),
        st.integers(min_value=1, max_value=20),
    ),
    st.builds(
        lambda amount, disputed: Constraint(kind="absence", amount=amount, disputed=disputed), small, st.booleans()
    ),
)
binding = constraints.filter(lambda one: one.kind != "absence")
limits = st.builds(
    lambda one, more, entry, exit_: limit(one, *more, entry=entry, exit_=exit_),
    *(binding, st.lists(constraints, max_size=2), known, known),
)


@st.composite
def visits(draw: st.DrawFn) -> list[slow_stays.Visit]:
    """Some visits around a leap day and the first of March after it, some of them touching."""
    found = []
    begins = date(2023, 12, 1) + DAY * draw(st.integers(min_value=0, max_value=440))
    for _ in range(draw(st.integers(min_value=0, max_value=5))):
        begins += DAY * draw(st.integers(min_value=0, max_value=25))
        left = begins + DAY * draw(st.integers(min_value=0, max_value=14))
        found.append((begins, left))
        begins = left
    return found


def reckoned(history: Sequence[slow_stays.Visit], held: Limit, on: date) -> Reckoning:
    return reckon([Stay.between(*visit) for visit in history], held, on)


def days_too_many(found: Reckoning) -> set[date]:
    return {one.since + DAY * number for one in found.overstays for number in range(one.days)}


def chance(found: Chance | None) -> tuple[date, date, int] | None:
    return (found.entry, found.last_day, found.days) if found is not None else None


@given(visits(), limits)
def test_overstays_are_those_of_a_slow_count(history: list[slow_stays.Visit], held: Limit) -> None:
    found = reckoned(history, held, date(2023, 1, 1))
    assert [(one.entered, one.since, one.days) for one in found.overstays] == list(slow_stays.overstays(history, held))


@given(visits(), limits)
def test_the_last_lawful_day_is_that_of_a_slow_count(history: list[slow_stays.Visit], held: Limit) -> None:
    assume(history)
    entered = history[-1][0]
    last, _ = slow_stays.last_lawful(entered, history[:-1], held)
    found = reckon([*(Stay.between(*one) for one in history[:-1]), Stay.between(entered)], held, entered)
    assert found.last_day == last


@given(visits(), limits, st.integers(min_value=0, max_value=60))
def test_a_new_entry_is_that_of_a_slow_count(history: list[slow_stays.Visit], held: Limit, later: int) -> None:
    on = (history[-1][1] if history else date(2024, 2, 1)) + DAY * later
    assume(not history or later)
    found = reckoned(history, held, on)
    # A search for one that never comes would count for hours.
    for one, full in ((found.next_entry, False), (found.full_stay, True)):
        within = (one.entry - on).days + 1 if one is not None else 10
        assert chance(one) == slow_stays.next_entry(history, held, on, full=full, within=within)


@given(visits(), limits, st.integers(min_value=-30, max_value=200))
def test_used_days_are_those_of_a_slow_count(history: list[slow_stays.Visit], held: Limit, shift: int) -> None:
    on = date(2024, 6, 1) + DAY * shift
    for answer in reckoned(history, held, on).answers:
        if answer.begins is None:
            assert answer.used == 0
        elif "for each entry" not in answer.says:
            days = {one for visit in history for one in slow_stays.days_of(visit, held)}
            assert answer.used == sum(answer.begins <= one <= on for one in days)


# --- what holds for every history ------------------------------------------------------------------------------------


@given(visits(), limits)
def test_leaving_on_the_last_lawful_day_is_no_overstay_and_a_day_later_is(
    history: list[slow_stays.Visit], held: Limit
) -> None:
    assume(history)
    *before, (entered, _) = history
    last = reckon([*(Stay.between(*one) for one in before), Stay.between(entered)], held, entered).last_day
    if last is None:
        assert (
            entered in [one.entered for one in reckoned(history, held, entered).overstays] or history[-1][1] == entered
        )
        return
    assert last >= entered
    assert reckoned([*before, (entered, last)], held, last).overstay is None
    assert reckoned([*before, (entered, last + DAY)], held, last + DAY).overstay is not None


@given(
    visits(),
    st.builds(rolling, st.integers(min_value=1, max_value=10), st.integers(min_value=11, max_value=40)),
    st.data(),
)
def test_splitting_a_stay_never_adds_lawful_days_under_a_rolling_limit(
    history: list[slow_stays.Visit], constraint: Constraint, data: st.DataObject
) -> None:
    assume(history)
    held = limit(constraint)
    place = data.draw(st.integers(min_value=0, max_value=len(history) - 1))
    entered, left = history[place]
    middle = entered + DAY * data.draw(st.integers(min_value=0, max_value=(left - entered).days))
    split = [*history[:place], (entered, middle), (middle, left), *history[place + 1 :]]
    one, other = (reckoned(each, held, history[-1][1]) for each in (history, split))
    assert days_too_many(other) >= days_too_many(one)
    assert (other.next_entry, other.full_stay) == (one.next_entry, one.full_stay)
    assert other.last_day is None or one.last_day is None or other.last_day <= one.last_day


@given(visits(), limits)
def test_a_former_stay_never_gives_more_days(history: list[slow_stays.Visit], held: Limit) -> None:
    assume(len(history) > 1)
    on = history[-1][1]
    with_it, without = reckoned(history, held, on), reckoned(history[1:], held, on)
    assert with_it.last_day is None or (without.last_day is not None and with_it.last_day <= without.last_day)


@given(visits(), limits)
def test_an_accusation_never_begins_before_the_plan(history: list[slow_stays.Visit], held: Limit) -> None:
    for one in reckoned(history, held, date(2025, 12, 1)).overstays:
        assert one.certain_since is None or one.since <= one.certain_since <= one.until


def test_the_slow_count_is_one_of_days() -> None:
    """The yardstick itself, on a history that is seen through at once."""
    held = limit(rolling(2, 5))
    history = [(date(2024, 1, 1), date(2024, 1, 2)), (date(2024, 1, 5), date(2024, 1, 6))]
    assert list(slow_stays.overstays(history, held)) == [(date(2024, 1, 5), date(2024, 1, 5), 2)]
    assert all(one[1] <= other[0] for one, other in pairwise(history))
