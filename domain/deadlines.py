"""Counting days: from an event, a period and a way of counting to the last day and the instant it ends.

Pure: no clock and no rulebook. What is not certain is counted to the earliest safe instant, and said in words.

Invariants:
    1. A deadline never lies before its start.
    2. An uncertain start, an unknown hour and a band are all counted from their earliest, with the shortest.
    3. Hours run to the minute and are never moved; a last day moves only where the rule says so, and only later.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from threading import Lock
from typing import Self
from zoneinfo import ZoneInfo

import holidays
from pydantic import AwareDatetime, field_validator, model_validator

from domain.errors import NotUnderstood
from domain.facts import CountryCode, Frozen, Occurred

LONGEST_PERIOD = 999
"""Of any unit. More is a mistyped period, and would count beyond the calendar."""

FIRST_DAY, LAST_START, LAST_DAY = date(1900, 1, 1), date(8900, 1, 1), date(9990, 1, 1)
"""Days outside are counted as these: a mistyped year in a recorded report must never stop a case."""

_FILLING = Lock()
"""A calendar fills itself year by year: unguarded, it could answer one thread while another one fills it."""

_ESTIMATED = "(estimated)"
"""How the calendar marks a holiday whose day is only foreseen, such as a feast of the lunar year."""


@cache
def _calendar(country: str, region: str | None) -> holidays.HolidayBase | None:
    try:
        # English, because the mark of an estimated day is translated with the holiday's name.
        return holidays.country_holidays(country, subdiv=region, language="en_US")
    except NotImplementedError:
        return None


class Unit(StrEnum):
    """What a period is counted in.

    Days are calendar days; working days leave out weekends and public holidays. One month-end is the end of the month
    in which the clock started, two are the end of the next one.
    """

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working-days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"
    MONTH_ENDS = "month-ends"


class Counting(Frozen):
    """How days are counted. Hours know none of this.

    Attributes:
        first_day_counts: the day of the event is day one, as with days of presence.
        free_days: French *délai franc*: neither the first nor the last day counts, so the last day is one later.
        rolls_over: an end on a weekend or public holiday moves to the next working day.
        two_working_days: a period of two days or more holds at least two working days, as in article 3(5) of
            Regulation 1182/71.
    """

    first_day_counts: bool = False
    free_days: bool = False
    rolls_over: bool = False
    two_working_days: bool = False

    @property
    def needs_holidays(self) -> bool:
        """Whether the last day may depend on public holidays, whatever the period is counted in."""
        return self.rolls_over or self.two_working_days

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        if self.first_day_counts and self.free_days:
            raise ValueError("among free days the first day never counts")
        if self.two_working_days and self.free_days:
            raise ValueError("no law knows both free days and two working days: leave one out")
        return self


class Place(Frozen):
    """Where a period runs: whose holidays hold, and when a day ends.

    Attributes:
        country: ISO 3166-1 alpha-2; ``ZZ`` for nowhere in particular.
        region: the part of the country with holidays of its own, by the name the ``holidays`` library gives it.
        time_zone: the authority's, by its IANA name.
    """

    country: CountryCode
    region: str | None = None
    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("there is no such time zone: write an IANA name such as Asia/Almaty") from None
        return name

    @model_validator(mode="after")
    def _knows_its_region(self) -> Self:
        if self.region is not None and _calendar(self.country, self.region) is None:
            raise ValueError("there is no such region with holidays of its own: leave it out")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone's rules."""
        return ZoneInfo(self.time_zone)

    @property
    def knows_holidays(self) -> bool:
        """Whether the calendar of public holidays is known here."""
        return _calendar(self.country, self.region) is not None

    def start_of(self, day: date) -> datetime:
        """The first instant of a day here, in UTC."""
        return datetime.combine(_countable(day), time(), self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """The instant at which a day has ended here, in UTC: the midnight that begins the next one."""
        return self.start_of(_countable(day) + timedelta(days=1))

    def is_working_day(self, day: date) -> bool:
        """Whether offices are open. A holiday that is only estimated counts as a working day: the earlier reading."""
        calendar = _calendar(self.country, self.region)
        if calendar is None:
            return day.weekday() < 5
        with _FILLING:
            if _ESTIMATED in calendar.get(day, ""):
                return not calendar.is_weekend(day)
            return calendar.is_working_day(day)


NOWHERE = Place(country="ZZ", time_zone="UTC")
"""Stands for a country of which nothing is known."""


class Deadline(Frozen):
    """Until when something must have happened.

    Attributes:
        due: the earliest safe instant, in UTC, on which planning relies. For every unit but hours it is the end of
            ``last_day``: the midnight, in the authority's time zone, that begins the next day. It is no longer in time.
        last_day: the local day on which it can still be done.
        latest: the instant at which it ends at the latest, where the start is a range or the period a band.
        doubt: why it is not certain, in short sentences; empty when it is.
        reckoning: the count, line by line, for a person to check.
    """

    due: AwareDatetime
    last_day: date
    latest: AwareDatetime | None = None
    doubt: tuple[str, ...] = ()
    reckoning: tuple[str, ...] = ()


def in_words(amount: int, unit: Unit) -> str:
    """A period as one says it: ``1 month``, ``3 working days``."""
    name = unit.replace("-", " ")
    return f"{amount} {name.removesuffix('s') if amount == 1 else name}"


def band_in_words(amount: int, unit: Unit, at_most: int, at_most_unit: Unit) -> str:
    """Why a band is no certain period."""
    longest = in_words(at_most, at_most_unit)
    return f"the period lies between {in_words(amount, unit)} and {longest}: the shortest is taken"


def count(
    start: Occurred,
    amount: int,
    unit: Unit,
    counting: Counting,
    place: Place,
    *,
    at_most: int | None = None,
    at_most_unit: Unit | None = None,
) -> Deadline:
    """Count a period from an event.

    Args:
        start: when the clock started; its earliest moment is taken. A bare day starts at its first minute in ``place``.
        amount: the period; of a band the shortest, which plans the date.
        unit: what ``amount`` is counted in.
        counting: how days are counted.
        place: the authority's.
        at_most: the longest of a band.
        at_most_unit: what ``at_most`` is counted in; ``unit`` if not given (the EU's bands run from weeks to a month).

    Raises:
        NotUnderstood: a period outside 1 to 999, or a band that ends before it begins.
    """
    check_period(amount, at_most)
    first, last = bounds(start, unit, place)
    due, last_day, lines = _run(first, amount, unit, counting, place)
    longest, longest_unit = at_most or amount, at_most_unit or unit
    latest, latest_day, _ = _run(last, longest, longest_unit, counting, place)
    if latest < due:
        raise NotUnderstood("a band of periods ends before it begins: write the shortest first")
    band = (amount, unit, longest, longest_unit) if at_most is not None else None
    uncertain = band is not None or last != first
    return Deadline(
        due=due,
        last_day=last_day,
        latest=latest if uncertain else None,
        doubt=tuple(doubts(start, unit, counting, place, band)),
        reckoning=(*lines, f"at the latest {latest_day}") if uncertain else lines,
    )


def check_period(amount: int, at_most: int | None = None) -> None:
    """Refuse a period, or a band, that nobody can mean.

    Raises:
        NotUnderstood: it is not from 1 to 999.
    """
    for one in (amount, amount if at_most is None else at_most):
        if not 1 <= one <= LONGEST_PERIOD:
            raise NotUnderstood(f"a period is a number from 1 to {LONGEST_PERIOD}")


def bounds(start: Occurred, unit: Unit, place: Place) -> tuple[datetime, datetime]:
    """The first and the last moment at which the clock can have started."""
    if start.at is not None:
        # The day of an instant is the day at the place, which is not always the day in UTC.
        at = min(max(start.at, place.start_of(FIRST_DAY)), place.start_of(LAST_START))
        return at, at
    earliest, latest = min(start.earliest, LAST_START), min(start.latest, LAST_START)
    return place.start_of(earliest), place.end_of(latest) if unit is Unit.HOURS else place.start_of(latest)


def _run(
    start: datetime, amount: int, unit: Unit, counting: Counting, place: Place
) -> tuple[datetime, date, tuple[str, ...]]:
    """The instant at which the period has run out, its local day, and the count in words."""
    local = start.astimezone(place.zone)
    if unit is Unit.HOURS:
        due = start.astimezone(UTC) + timedelta(hours=amount)
        day = due.astimezone(place.zone).date()
        began = f"starts at {local:%Y-%m-%d %H:%M} in {place.time_zone}"
        return due, day, (began, f"{in_words(amount, unit)} to the minute: {due:%Y-%m-%d %H:%M} UTC")
    counted = counted_day(local.date(), amount, unit, counting, place)
    last_day, settling = settled(local.date(), counted, counting, place, two_days=is_two_days(amount, unit))
    due = place.end_of(last_day)
    lines = (
        f"starts on {named(local.date())}",
        f"{in_words(amount, unit)}, {manner(counting)}: {named(counted)}",
        *settling,
        f"ends with that day in {place.time_zone}: {due:%Y-%m-%d %H:%M} UTC",
    )
    return due, last_day, lines


def is_two_days(amount: int, unit: Unit) -> bool:
    """Whether a period is one of two days or more."""
    return unit is not Unit.HOURS and (amount > 1 or unit in (Unit.WEEKS, Unit.MONTHS, Unit.YEARS))


def settled(
    start: date, counted: date, counting: Counting, place: Place, *, two_days: bool
) -> tuple[date, tuple[str, ...]]:
    """The last day after roll-over, where the rule has one, and why it moved, in words.

    Args:
        start: the day on which the clock started.
        counted: the last day before any roll-over.
        counting: how days are counted.
        place: the authority's.
        two_days: whether the period is one of two days or more.
    """
    last_day, lines = counted, list[str]()
    if counting.rolls_over and (rolled := _rolled(counted, place)) != counted:
        lines.append(f"no working day, so it moves to {named(rolled)}")
        last_day = rolled
    if counting.two_working_days and two_days:
        second = working_days_later(start, 2, counting, place)
        if second > last_day:
            lines.append(f"it must hold two working days, so it moves to {named(second)}")
            last_day = second
    return last_day, tuple(lines)


def counted_day(start: date, amount: int, unit: Unit, counting: Counting, place: Place) -> date:
    """The last day before any roll-over."""
    shift = timedelta(days=counting.free_days - counting.first_day_counts)
    match unit:
        case Unit.WORKING_DAYS:
            return working_days_later(start, amount, counting, place)
        case Unit.WEEKS:
            return start + timedelta(weeks=amount) + shift
        case Unit.MONTHS | Unit.YEARS:
            end = months_later(start, amount * (12 if unit is Unit.YEARS else 1))
            # Where the month has no such date, its last day ends the period, whether the first day counts or not.
            return end if counting.first_day_counts and end.day < start.day else end + shift
        case Unit.MONTH_ENDS:
            # Whether the first day counts changes nothing for a month that ends anyway.
            return months_later(start.replace(day=1), amount) - timedelta(days=1 - counting.free_days)
        case Unit.DAYS | Unit.HOURS:
            return start + timedelta(days=amount) + shift


def working_days_later(start: date, amount: int, counting: Counting, place: Place) -> date:
    """The working day with which so many have passed."""
    day = start if counting.first_day_counts else start + timedelta(days=1)
    left = amount + counting.free_days
    while True:
        left -= place.is_working_day(day)
        if left == 0:
            return day
        day += timedelta(days=1)


def months_later(start: date, months: int) -> date:
    """The same date of the later month, or that month's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _rolled(day: date, place: Place) -> date:
    while not place.is_working_day(day):
        day += timedelta(days=1)
    return day


def doubts(
    start: Occurred, unit: Unit, counting: Counting, place: Place, band: tuple[int, Unit, int, Unit] | None
) -> list[str]:
    """Why a count is not certain, in short sentences."""
    doubt = []
    if start.about:
        doubt.append("the start is only known roughly")
    if start.earliest != start.latest and start.at is None:
        doubt.append(f"the start lies between {start.earliest} and {start.latest}: the earliest day is taken")
    if unit is Unit.HOURS and start.at is None:
        doubt.append("the hour of the start is not known: the first minute of its day is taken")
    if band:
        doubt.append(band_in_words(*band))
    if (unit is Unit.WORKING_DAYS or counting.needs_holidays) and not place.knows_holidays:
        doubt.append("the public holidays of the country are not known: only weekends are left out")
    return doubt


def manner(counting: Counting) -> str:
    """Which of the first and the last day count, as one says it."""
    if counting.free_days:
        return "neither the first nor the last day counted"
    return "the first day counted" if counting.first_day_counts else "the first day not counted"


def named(day: date) -> str:
    """A day with its name."""
    return f"{day:%A} {day}"


def _countable(day: date) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY)
