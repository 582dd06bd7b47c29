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

_FIRST_DAY, _LAST_START, _LAST_DAY = date(1900, 1, 1), date(8900, 1, 1), date(9990, 1, 1)
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
    """What a period is counted in. Days are calendar days; working days leave out weekends and public holidays."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working-days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


class Counting(Frozen):
    """How days are counted. Hours know none of this.

    Attributes:
        first_day_counts: the day of the event is day one, as with days of presence.
        free_days: French *délai franc*: neither the first nor the last day counts, so the last day is one later.
        rolls_over: an end on a weekend or public holiday moves to the next working day.
    """

    first_day_counts: bool = False
    free_days: bool = False
    rolls_over: bool = False

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        if self.first_day_counts and self.free_days:
            raise ValueError("among free days the first day never counts")
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
    _check(amount, at_most)
    first, last = _bounds(start, unit, place)
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
        doubt=tuple(_doubt(start, unit, counting, place, band)),
        reckoning=(*lines, f"at the latest {latest_day}") if uncertain else lines,
    )


def _check(amount: int, at_most: int | None) -> None:
    for one in (amount, amount if at_most is None else at_most):
        if not 1 <= one <= LONGEST_PERIOD:
            raise NotUnderstood(f"a period is a number from 1 to {LONGEST_PERIOD}")


def _bounds(start: Occurred, unit: Unit, place: Place) -> tuple[datetime, datetime]:
    """The first and the last moment at which the clock can have started."""
    if start.at is not None:
        # The day of an instant is the day at the place, which is not always the day in UTC.
        at = min(max(start.at, place.start_of(_FIRST_DAY)), place.start_of(_LAST_START))
        return at, at
    earliest, latest = min(start.earliest, _LAST_START), min(start.latest, _LAST_START)
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
    counted = _counted(local.date(), amount, unit, counting, place)
    last_day = _rolled(counted, place) if counting.rolls_over else counted
    due = place.end_of(last_day)
    lines = [f"starts on {_named(local.date())}", f"{in_words(amount, unit)}, {_manner(counting)}: {_named(counted)}"]
    if last_day != counted:
        lines.append(f"no working day, so it moves to {_named(last_day)}")
    lines.append(f"ends with that day in {place.time_zone}: {due:%Y-%m-%d %H:%M} UTC")
    return due, last_day, tuple(lines)


def _counted(start: date, amount: int, unit: Unit, counting: Counting, place: Place) -> date:
    """The last day before any roll-over."""
    shift = timedelta(days=counting.free_days - counting.first_day_counts)
    match unit:
        case Unit.WORKING_DAYS:
            return _working_days_later(start, amount, counting, place)
        case Unit.WEEKS:
            return start + timedelta(weeks=amount) + shift
        case Unit.MONTHS:
            return _months_later(start, amount) + shift
        case Unit.YEARS:
            return _months_later(start, 12 * amount) + shift
        case Unit.DAYS | Unit.HOURS:
            return start + timedelta(days=amount) + shift


def _working_days_later(start: date, amount: int, counting: Counting, place: Place) -> date:
    day = start if counting.first_day_counts else start + timedelta(days=1)
    left = amount + counting.free_days
    while True:
        left -= place.is_working_day(day)
        if left == 0:
            return day
        day += timedelta(days=1)


def _months_later(start: date, months: int) -> date:
    """The same date of the later month, or that month's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _rolled(day: date, place: Place) -> date:
    while not place.is_working_day(day):
        day += timedelta(days=1)
    return day


def _doubt(
    start: Occurred, unit: Unit, counting: Counting, place: Place, band: tuple[int, Unit, int, Unit] | None
) -> list[str]:
    doubt = []
    if start.about:
        doubt.append("the start is only known roughly")
    if start.earliest != start.latest and start.at is None:
        doubt.append(f"the start lies between {start.earliest} and {start.latest}: the earliest day is taken")
    if unit is Unit.HOURS and start.at is None:
        doubt.append("the hour of the start is not known: the first minute of its day is taken")
    if band:
        doubt.append(band_in_words(*band))
    if (unit is Unit.WORKING_DAYS or counting.rolls_over) and not place.knows_holidays:
        doubt.append("the public holidays of the country are not known: only weekends are left out")
    return doubt


def _manner(counting: Counting) -> str:
    if counting.free_days:
        return "neither the first nor the last day counted"
    return "the first day counted" if counting.first_day_counts else "the first day not counted"


def _named(day: date) -> str:
    return f"{day:%A} {day}"


def _countable(day: date) -> date:
    return min(max(day, _FIRST_DAY), _LAST_DAY)
