"""How a clock runs, through all that has happened to it, to a date or to a standstill.

Pure. Everything is read twice: once with the earliest and shortest of all that is uncertain, which plans, and once with
the latest and longest, which says how far off the plan may be.

Invariants:
    1. The result is never before the clock's start, and one more suspension never brings a date forward.
    2. An open suspension gives no date: the clock stands, and says what is left.
    3. The day on which a suspension begins counts as run, the day on which it ends does not count. The law often does
       not say the first, and this is its earlier reading; the other one is shown as the latest.
    4. What comes after a clock has run out does not move it, except a revival.
    5. Whether what was added to a clock outlives its beginning anew is not known: the plan takes it as lost, the latest
       as kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from domain.clocks import Clock, Length, Reckoning, Remainder, Standing, Standstill
from domain.deadlines import (
    LAST_DAY,
    LAST_START,
    Counting,
    Deadline,
    Place,
    Unit,
    check_period,
    count,
    counted_day,
    doubts,
    in_words,
    is_two_days,
    manner,
    months_later,
    named,
    settled,
)
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.starts import instant_of, local_day, telling_starts

_LOST = "whether what made it longer still holds after it began anew is not known: it is taken as lost"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def run(clock: Clock, place: Place) -> Reckoning:
    """Let a clock run with all that has happened to it.

    Raises:
        NotUnderstood: a period outside 1 to 999, a band that ends before it begins, or hours made longer by days.
    """
    _check(clock)
    if clock.start is None:
        return Standing(because=Standstill.NOT_STARTED, reckoning=("has not started",))
    if clock.is_plain:
        return count(
            clock.start,
            clock.amount,
            clock.unit,
            clock.counting,
            place,
            at_most=clock.at_most,
            at_most_unit=clock.at_most_unit,
        )
    if len(clock.revivals) > clock.revivable:
        return _revived_too_often(clock)
    turns = [event for one in clock.suspensions for event in (one.since, one.until) if event is not None]
    starts = list(telling_starts(clock.start, turns, place)) if clock.unit is not Unit.HOURS else [clock.start]
    early = min((_Reading(clock, one, place, late=False).run() for one in starts), key=_order)
    late = max((_Reading(clock, one, place, late=True).run() for one in starts), key=_order)
    return _standing(clock, place, early) if early.left is not None else _deadline(clock, place, early, late)


def _order(found: "_Result") -> tuple[bool, int]:
    """The earliest first; a clock that stands ends later than any that has a date."""
    return (False, found.end) if found.left is None else (True, found.left)


def _check(clock: Clock) -> None:
    check_period(clock.amount, clock.at_most)
    hours, changes = clock.unit is Unit.HOURS, (*clock.extended, *clock.shortened)
    if any((one.unit is Unit.HOURS) != hours for one in changes):
        raise NotUnderstood("hours are made longer or shorter by hours, and days by days, weeks, months or years")
    if clock.unit is Unit.WORKING_DAYS and any(one.unit in (Unit.MONTHS, Unit.YEARS) for one in changes):
        raise NotUnderstood("working days are made longer or shorter by days, working days or weeks")
    if not clock.is_plain and clock.at_most_unit is not None and (clock.at_most_unit is Unit.HOURS) != hours:
        raise NotUnderstood("a band from hours to days cannot be suspended here: count its hours and its days apart")


def _revived_too_often(clock: Clock) -> Standing:
    allowed = "once" if clock.revivable == 1 else f"{clock.revivable} times"
    doubt = f"it can be revived {allowed}, and was revived {len(clock.revivals)} times: ask counsel what applies"
    lines = (f"starts on {clock.start}", *(f"is revived on {one}" for one in clock.revivals), doubt)
    return Standing(because=Standstill.REVIVED_TOO_OFTEN, doubt=(doubt,), reckoning=lines)


@dataclass(frozen=True)
class _Result:
    """What one reading gives: an end, or what is left while the clock stands."""

    end: int
    origin: date
    lines: tuple[str, ...]
    doubt: tuple[str, ...]
    stopped: bool
    nominal_days: int = 0
    left: int | None = None
    since: int = 0


@dataclass(frozen=True)
class _Reading:
    """One reading of all that is uncertain.

    Positions are whole numbers: of days their ordinal, meaning the end of that day; of hours microseconds since 1970.
    """

    clock: Clock
    start: Occurred
    place: Place
    late: bool

    @property
    def hours(self) -> bool:
        return self.clock.unit is Unit.HOURS

    def run(self) -> _Result:
        found = self._from(self.start, ())
        changes = [(one, False) for one in self.clock.restarts] + [(one, True) for one in self.clock.revivals]
        for event, revives in sorted(changes, key=lambda one: self._at(one[0])):
            found = self._changed(found, event, revives=revives)
        return found

    def _changed(self, before: _Result, event: Occurred, *, revives: bool) -> _Result:
        """The clock after a restart or a revival; it stays what it was where that came too late or too early."""
        # For the earliest date, a restart is in time only if the latest day on which it can have come is.
        seen = self._at(event, late=not self.late)
        if self._at(event) < self._at(self.start):
            return replace(
                before, doubt=(*before.doubt, f"what is said to restart it on {event} lies before its start")
            )
        if not revives and before.left is None and seen > before.end:
            said = f"the restart on {event} may have come after it had run out: it moves nothing"
            return replace(before, doubt=(*before.doubt, said))
        found = self._from(event, before.doubt, began="is revived" if revives else "starts anew")
        return replace(found, lines=(*before.lines, *found.lines))

    def _from(self, start: Occurred, doubt: tuple[str, ...], *, began: str = "starts") -> _Result:
        """The clock in full from an event, through all suspensions."""
        at, origin = self._at(start), local_day(start, self.place, latest=self.late)
        nominal, lines, more = self._nominal(start, began)
        position = at if self.hours else at - self.clock.counting.first_day_counts
        left = self._used(position, nominal)
        stopped = False
        for since, until in self._stops(cut=at if start is not self.start else None):
            stop = max(since, position)
            if (until is not None and until <= position) or stop >= self._ahead(position, left):
                continue
            left -= self._used(position, stop)
            stopped = True
            lines += (f"stands from {self._said(stop)}, with {self._remainder(left)} left",)
            result = _Result(0, origin, lines, (*doubt, *more), stopped, self._days(nominal, at))
            if until is None:
                return replace(result, left=left, since=stop)
            lines += (f"runs on from {self._said(until)}",)
            position = until
        end = self._ahead(position, left)
        if stopped:
            lines += (f"{self._remainder(left)} after that: {self._said(end)}",)
        return _Result(end, origin, lines, (*doubt, *more), stopped, self._days(nominal, at))

    def _nominal(self, start: Occurred, began: str) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        """The end if the clock never stood, how it was counted, and what is doubtful in it."""
        end, lines, doubt = self._nominal_hours(start, began) if self.hours else self._nominal_days(start, began)
        return end, lines, (*doubt, *((_LOST,) if self.clock.extended and start is not self.start else ()))

    def _extended(self, start: Occurred) -> tuple[Length, ...]:
        """What makes it longer; of a clock that began anew only by the later reading."""
        return self.clock.extended if start is self.start or self.late else ()

    def _nominal_days(self, start: Occurred, began: str) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        clock = self.clock
        longest = self.late and clock.at_most is not None
        amount = clock.at_most if longest and clock.at_most is not None else clock.amount
        unit = clock.at_most_unit or clock.unit if longest else clock.unit
        first = local_day(start, self.place, latest=self.late)
        end = counted_day(first, amount, unit, clock.counting, self.place)
        lines = [f"{began} on {named(first)}", f"{in_words(amount, unit)}, {manner(clock.counting)}: {named(end)}"]
        for more in self._extended(start):
            end = counted_day(min(end, LAST_START), more.amount, more.unit, Counting(), self.place)
            lines.append(f"longer by {more}: {named(end)}")
        for less in clock.shortened:
            end = _earlier(end, less, self.place)
            lines.append(f"shorter by {less}: {named(max(end, first))}")
        doubt = ("it was shortened by all of itself",) if end < first else ()
        return max(end, first).toordinal(), tuple(lines), doubt

    def _nominal_hours(self, start: Occurred, began: str) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        at, clock = self._at(start), self.clock
        amount = clock.at_most if self.late and clock.at_most is not None else clock.amount
        more = sum(one.amount for one in self._extended(start))
        less = sum(one.amount for one in self.clock.shortened)
        hours = max(amount + more - less, 0)
        end = at + hours * (timedelta(hours=1) // _TICK)
        lines = [f"{began} at {self._said(at)}", f"{in_words(amount, Unit.HOURS)} to the minute: {self._said(end)}"]
        if more or less:
            lines[1] = f"{in_words(amount, Unit.HOURS)}, made longer by {more} and shorter by {less}: {self._said(end)}"
        return end, tuple(lines), ("it was shortened by all of itself",) if amount + more <= less else ()

    def _stops(self, cut: int | None) -> Iterator[tuple[int, int | None]]:
        """The times in which the clock stands, in order and merged. A restart ends an open one that began before it."""
        spans = sorted(self._spans(cut), key=lambda one: one[0])
        merged: list[tuple[int, int | None]] = []
        for since, until in spans:
            if merged and (merged[-1][1] is None or since <= merged[-1][1]):
                begun, ended = merged[-1]
                merged[-1] = (begun, None if ended is None or until is None else max(ended, until))
            else:
                merged.append((since, until))
        yield from merged

    def _spans(self, cut: int | None) -> Iterator[tuple[int, int | None]]:
        for one in self.clock.suspensions:
            since = self._at(one.since, late=not self.late)
            if self.late and not self.hours:
                since -= 1
            until = cut if one.until is None and cut is not None and since < cut else None
            if one.until is not None:
                until = self._at(one.until)
                until -= not self.hours and not self.late and self.clock.counting.first_day_counts
            if until is None or until > since:
                yield since, until

    def _at(self, event: Occurred, *, late: bool | None = None) -> int:
        """The position of an event, in this reading or in the other."""
        latest = self.late if late is None else late
        if self.hours:
            return (instant_of(event, self.place, latest=latest) - _EPOCH) // _TICK
        return local_day(event, self.place, latest=latest).toordinal()

    def _days(self, nominal: int, at: int) -> int:
        return 0 if self.hours else nominal - at + self.clock.counting.first_day_counts

    def _used(self, position: int, until: int) -> int:
        """How much of the period passes between two positions."""
        if self.clock.unit is not Unit.WORKING_DAYS:
            return until - position
        days = (date.fromordinal(one) for one in range(position + 1, until + 1))
        return sum(self.place.is_working_day(day) for day in days)

    def _ahead(self, position: int, left: int) -> int:
        """The position at which the remainder has passed, if nothing comes between."""
        if self.clock.unit is not Unit.WORKING_DAYS:
            return position + left
        while left > 0 and position < LAST_DAY.toordinal():
            position += 1
            left -= self.place.is_working_day(date.fromordinal(position))
        return position

    def _said(self, position: int) -> str:
        if self.hours:
            return f"{_instant(position).astimezone(self.place.zone):%Y-%m-%d %H:%M} in {self.place.time_zone}"
        return named(_date(position))

    def _remainder(self, left: int) -> Remainder:
        return _remainder(left, self.clock.unit)


def _date(position: int) -> date:
    return date.fromordinal(min(position, LAST_DAY.toordinal()))


def _instant(position: int) -> datetime:
    last = datetime.combine(LAST_DAY, datetime.min.time(), UTC)
    return min(_EPOCH + timedelta(microseconds=position), last)


def _remainder(left: int, unit: Unit) -> Remainder:
    if unit is Unit.HOURS:
        minutes = left // (timedelta(minutes=1) // _TICK)
        return Remainder(amount=minutes // 60, unit=unit, minutes=minutes % 60)
    return Remainder(amount=left, unit=unit if unit is Unit.WORKING_DAYS else Unit.DAYS)


def _earlier(end: date, less: Length, place: Place) -> date:
    """A day so much earlier."""
    match less.unit:
        case Unit.MONTHS | Unit.YEARS:
            return months_later(end, -less.amount * (12 if less.unit is Unit.YEARS else 1))
        case Unit.WORKING_DAYS:
            for _ in range(less.amount):
                end -= timedelta(days=1)
                while not place.is_working_day(end):
                    end -= timedelta(days=1)
            return end
        case Unit.WEEKS:
            return end - timedelta(weeks=less.amount)
        case _:
            return end - timedelta(days=less.amount)


def _deadline(clock: Clock, place: Place, early: _Result, late: _Result) -> Deadline:
    due, last_day, lines = _ended(clock, place, early)
    latest = None if late.left is not None else _ended(clock, place, late)
    if clock.at_most is not None and latest is not None and latest[0] < due:
        raise NotUnderstood("a band of periods ends before it begins: write the shortest first")
    if latest is not None and latest[0] > due:
        lines += (f"at the latest {latest[1]}",)
    return Deadline(
        due=due,
        last_day=last_day,
        latest=latest[0] if latest is not None and latest[0] > due else None,
        doubt=tuple(dict.fromkeys(_doubts(clock, place, early, late, moved=latest is None or latest[0] > due))),
        reckoning=lines,
    )


def _ended(clock: Clock, place: Place, found: _Result) -> tuple[datetime, date, tuple[str, ...]]:
    if clock.unit is Unit.HOURS:
        due = _instant(found.end)
        return due, due.astimezone(place.zone).date(), (*found.lines, f"ends at {due:%Y-%m-%d %H:%M} UTC")
    two_days = is_two_days(clock.amount, clock.unit) and found.nominal_days > 1
    last_day, settling = settled(found.origin, _date(found.end), clock.counting, place, two_days=two_days)
    due = place.end_of(last_day)
    ends = f"ends with that day in {place.time_zone}: {due:%Y-%m-%d %H:%M} UTC"
    return due, last_day, (*found.lines, *settling, ends)


def _standing(clock: Clock, place: Place, found: _Result) -> Standing:
    since = _instant(found.since).astimezone(place.zone).date() if clock.unit is Unit.HOURS else _date(found.since)
    return Standing(
        because=Standstill.SUSPENDED,
        since=since,
        left=_remainder(found.left or 0, clock.unit),
        doubt=tuple(dict.fromkeys(_doubts(clock, place, found, found, moved=False))),
        reckoning=(*found.lines, "it stands: no date can be said until it runs on"),
    )


def _doubts(clock: Clock, place: Place, early: _Result, late: _Result, *, moved: bool) -> Iterator[str]:
    band = None
    if clock.at_most is not None:
        band = (clock.amount, clock.unit, clock.at_most, clock.at_most_unit or clock.unit)
    if clock.start is not None:
        yield from doubts(clock.start, clock.unit, clock.counting, place, band)
    yield from early.doubt
    yield from late.doubt
    ends = [event for one in clock.suspensions for event in (one.since, one.until) if event is not None]
    if any(one.until is not None and one.until.latest < one.since.earliest for one in clock.suspensions):
        yield "a suspension is said to end before it begins: it is left out"
    if any(one.at is None and (one.about or one.earliest != one.latest) for one in (*ends, *clock.restarts)):
        yield "a suspension or restart is only known roughly: the earliest result is taken"
    if late.left is not None and early.left is None:
        yield "by another reading of the dates it stands"
    if moved and (early.stopped or late.stopped):
        if clock.unit is not Unit.HOURS:
            yield "whether the day on which it was suspended still counts is read both ways: it is taken as counted"
        elif any(one.at is None for one in ends):
            yield "the hour of a suspension is not known: the shortest is taken"
