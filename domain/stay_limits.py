"""From which day on a stay is too long: days of stay as sorted runs, and each kind of limit held against them.

Days are ordinal numbers here, and every question is answered by a search in the runs: nothing walks from day to day.

Invariants:
    1. A day of stay counts once, however many stays touch it.
    2. The first day too many ends a stay, though days that leave a window later would make room again.
    3. What nobody knows is counted by every reading. Planning takes the earliest, an accusation only the latest.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, NamedTuple

from domain.stays import DAYS_OF_A_YEAR, FIRST, LAST, Constraint, Limiting

NEVER = 10_000_000
"""A day beyond every calendar."""


class Presence:
    """The days of stay that count, as runs that do not meet.

    Args:
        stays: first and last counted day of each, in order. They may touch; one that holds no counted day is left out.
    """

    def __init__(self, stays: Iterable[tuple[int, int]]) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self._totals: list[int] = [0]
        reached = total = 0
        for first, last in stays:
            begins = first if first > reached else reached + 1
            if last >= begins:
                total += last - begins + 1
                reached = last
                self.starts.append(begins)
                self.ends.append(last)
                self._totals.append(total)

    @property
    def total(self) -> int:
        """All days that count."""
        return self._totals[-1]

    @property
    def last(self) -> int:
        """The last day that counts; 0 if there is none."""
        return self.ends[-1] if self.ends else 0

    def until(self, day: int) -> int:
        """How many days count up to a day, itself included."""
        run = bisect_right(self.starts, day)
        if not run:
            return 0
        beyond = self.ends[run - 1] - day
        return self._totals[run] - beyond if beyond > 0 else self._totals[run]

    def ends_over(self, window: int, amount: int) -> set[int]:
        """The last days of those runs by whose end more than ``amount`` days of the ``window`` are used."""
        found, low = set(), 0
        for run, end in enumerate(self.ends):
            outside = end - window
            while self.ends[low] <= outside:
                low += 1
            used = self._totals[run + 1] - self._totals[low]
            if used > amount and used - max(outside - self.starts[low] + 1, 0) > amount:
                found.add(end)
        return found

    def from_last(self, number: int) -> int:
        """The day that counts as the first, second, … from the end; a day before all if there are not so many."""
        if number > self.total:
            return -NEVER
        place = self.total - number + 1
        run = bisect_left(self._totals, place) - 1
        return self.starts[run] + place - self._totals[run] - 1


class Entry(NamedTuple):
    """How a stay begins.

    Attributes:
        entered: the day of entry.
        first: the first day that counts: that day, or the next.
        previous_exit: the day on which the stay before it ended; ``None`` if it is the first.
    """

    entered: int
    first: int
    previous_exit: int | None


class Reading(NamedTuple):
    """One way to read a limit.

    Attributes:
        constraint: the limit.
        kind: what is counted. ``carried-on`` is a limit for each entry which leaving does not begin anew.
        says: the reading in words.
        window: in days, for ``rolling``.
    """

    constraint: Constraint
    kind: Literal["rolling", "per-entry", "carried-on", "calendar-year", "rolling-year", "absence"]
    says: str
    window: int = 0

    def begins(self, day: int) -> int:
        """The first day of the window that ends with a day."""
        match self.kind:
            case "rolling":
                return day - self.window + 1
            case "calendar-year":
                return date(date.fromordinal(day).year, 1, 1).toordinal()
            case "rolling-year":
                return _year_before(day) + 1
            case _:
                return FIRST


def readings(constraint: Constraint) -> tuple[Reading, ...]:
    """Every way to read a limit; more than one where nobody knows."""
    match constraint.kind:
        case "rolling":
            assert constraint.window is not None
            return (Reading(constraint, "rolling", constraint.says, constraint.window),)
        case "year":
            ways: tuple[Literal["calendar-year", "rolling-year"], ...] = ("calendar-year", "rolling-year")
            return tuple(
                Reading(constraint, way, f"{constraint.amount_says} in a {way.replace('-', ' ')}") for way in ways
            )
        case "per-entry":
            amount = constraint.amount_says
            begins_anew = Reading(constraint, "per-entry", f"{amount} for each entry, leaving begins anew")
            carries_on = Reading(constraint, "carried-on", f"{amount} for all entries together")
            return {"yes": (begins_anew,), "no": (carries_on,)}.get(constraint.reset, (begins_anew, carries_on))
        case kind:
            return (Reading(constraint, kind, constraint.says),)


class Regime:
    """The limits that hold for one entry: of one version, or of two where the day of entry is not certain.

    Args:
        limits: one version, or both.
        strict: read for planning: whatever may bind, binds. Otherwise read for an accusation: only what is certain.
    """

    def __init__(self, limits: Sequence[Limiting], *, strict: bool) -> None:
        self.limits, self.strict = tuple(limits), strict
        known = [[one for one in limit.constraints if strict or not one.disputed] for limit in limits]
        constraints = dict.fromkeys(one for several in known for one in several)
        self.bounds = [readings(one) for one in constraints if strict or all(one in several for several in known)]
        self.disputed_absences = [
            one for bound in self.bounds for one in bound if one.kind == "absence" and one.constraint.disputed
        ]
        self._of_a_stay = [bound for bound in self.bounds if bound[0] not in self.disputed_absences]
        all_readings = [one for bound in self._of_a_stay for one in bound]
        entries = [one for one in all_readings if one.kind == "per-entry" and one.constraint.unit == "days"]
        self._rolling = [(one.window, one.constraint.amount) for one in all_readings if one.kind == "rolling"]
        self._longest_entry = min((one.constraint.amount for one in entries), default=NEVER)
        self._needs_search = len(self._rolling) + len(entries) < len(all_readings)
        self.entry_counts = self._counts([limit.entry_day_counts for limit in limits])
        self.exit_counts = self._counts([limit.exit_day_counts for limit in limits])

    def _counts(self, known: list[str]) -> bool:
        return any(one != "no" for one in known) if self.strict else all(one == "yes" for one in known)

    @property
    def ends_stays(self) -> bool:
        """Whether anything here limits how long a stay lasts; a gap in a rulebook does not."""
        return any(bound[0].kind != "absence" for bound in self.bounds)

    @property
    def is_certain(self) -> bool:
        """Whether there is one version and one reading of everything."""
        known = [self.limits[0].entry_day_counts, self.limits[0].exit_day_counts]
        several = len(self.limits) > 1 or any(len(bound) > 1 or bound[0].constraint.disputed for bound in self.bounds)
        return not several and "unknown" not in known

    def entry(self, entered: int, previous_exit: int | None) -> Entry:
        return Entry(entered, entered if self.entry_counts else entered + 1, previous_exit)

    def counted(self, entered: int, left: int) -> tuple[int, int]:
        """The first and the last day of a stay that count."""
        return (entered if self.entry_counts else entered + 1), (left if self.exit_counts else left - 1)

    def last_exit(self, entry: Entry, too_many: int) -> int | None:
        """The last day on which the person can leave in time; ``None`` if the entry itself is not possible."""
        last = too_many - 1 if self.exit_counts else too_many
        return last if last >= entry.entered else None

    def first_too_many(self, entry: Entry, presence: Presence, *, planned: bool = False) -> int:
        """The first day that no limit should have let be a day of this stay.

        Args:
            entry: how the stay begins. It may go on without end: later days of ``presence`` are left out.
            presence: the days of all stays.
            planned: hold a disputed time of absence against it too. Once somebody is there, it is only a doubt.
        """
        pick = min if self.strict else max
        return min(
            (
                pick([first_too_many(one, entry, presence, self.entry_counts) for one in bound])
                for bound in (self.bounds if planned else self._of_a_stay)
            ),
            default=NEVER,
        )

    def suspects(self, presence: Presence) -> set[int]:
        """The last days of stays that a rolling limit makes too long."""
        return {end for window, amount in self._rolling for end in presence.ends_over(window, amount)}

    def may_be_too_long(self, first: int, last: int, suspects: set[int]) -> bool:
        """Whether it is worth a search for a day too many in a stay that is over. Quick, for long histories."""
        return last in suspects or last - first >= self._longest_entry or self._needs_search


EMPTY = Presence(())
"""Of somebody who was never there."""


def first_too_many(reading: Reading, entry: Entry, presence: Presence, entry_counts: bool) -> int:
    """The first day of a stay that one limit does not allow, in one reading."""
    amount, first = reading.constraint.amount, entry.first
    match reading.kind:
        case "rolling" | "rolling-year":
            return _first_over(reading, first, presence)
        case "calendar-year":
            last = date(date.fromordinal(first).year, 12, 31).toordinal()
            used = presence.until(first - 1) - presence.until(reading.begins(first) - 1)
            over = first + max(amount - used, 0)
            return over if over <= last else last + 1 + amount
        case "absence":
            outside = NEVER if entry.previous_exit is None else entry.entered - entry.previous_exit - 1
            return NEVER if outside >= amount else first
        case "per-entry":
            return end_of_entry(reading.constraint, entry.entered, entry_counts) + 1
        case "carried-on":
            last = end_of_entry(reading.constraint, entry.entered, entry_counts)
            return max(last + 1 - presence.until(first - 1), first)


def _first_over(reading: Reading, first: int, presence: Presence) -> int:
    """The first day on which too many days of the window are used.

    If no more days left the window than have by some day, that would be ``over``. Until then it is in order, and what
    leaves meanwhile moves ``over`` on. All that can leave lies before the stay: the limit is shorter than the window.
    """
    in_all = first + reading.constraint.amount - presence.until(first - 1)
    day, over = first, in_all + presence.until(reading.begins(first) - 1)
    while day < over:
        day, over = over, in_all + presence.until(reading.begins(over) - 1)
    return day


def end_of_entry(constraint: Constraint, entered: int, entry_counts: bool) -> int:
    """The last day of a period for each entry."""
    if constraint.unit == "days":
        return entered + constraint.amount - entry_counts
    months = constraint.amount * (12 if constraint.unit == "years" else 1)
    end = _months_later(entered, months)
    # Where the month has no such date, its last day ends the period, whether the first day counts or not.
    is_cut = date.fromordinal(end).day < date.fromordinal(entered).day
    return end if is_cut else end - entry_counts


def _months_later(day: int, months: int) -> int:
    begin = date.fromordinal(day)
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    if year > 9000:
        return LAST
    following = date(year + month // 11, (month + 1) % 12 + 1, 1).toordinal()
    return min(date(year, month + 1, 1).toordinal() + begin.day, following) - 1


def _year_before(day: int) -> int:
    return _months_later(day, -12)


def earliest_entry(regime: Regime, presence: Presence, previous_exit: int, days: int) -> int:
    """A day before which no entry can give so many days. It lies after the last exit; ``NEVER`` if none will do.

    Args:
        regime: the limits.
        presence: the days of all stays, which lie before.
        previous_exit: the day of the last exit.
        days: how many are wanted; no limit may be smaller.
    """
    shift, soonest = 0 if regime.entry_counts else 1, previous_exit + 1
    found = [soonest]
    for one in (reading for bound in regime.bounds for reading in bound):
        if one.kind == "absence":
            found.append(soonest + one.constraint.amount)
        else:
            found.append(_earliest(one, presence, soonest + shift, days) - shift)
    return min(max(found), NEVER)


def _earliest(reading: Reading, presence: Presence, first: int, days: int) -> int:
    amount = reading.constraint.amount
    match reading.kind:
        case "rolling" | "rolling-year":
            window = reading.window or DAYS_OF_A_YEAR
            return presence.from_last(amount - days + 1) + window - days + 1
        case "calendar-year":
            last = date(date.fromordinal(first).year, 12, 31).toordinal()
            left = max(amount - presence.until(last) + presence.until(reading.begins(first) - 1), 0)
            return first if left >= days else last - left + 1
        case "carried-on" if reading.constraint.unit == "days" and amount - presence.total < days:
            return NEVER + 1
        case _:
            return first


def smallest(regime: Regime) -> int:
    """How many days the limits give at least to somebody who was never there."""
    shortest = {"days": 1, "months": 28, "years": DAYS_OF_A_YEAR}
    amounts = [
        one.constraint.amount * shortest[one.constraint.unit] - (0 if one.constraint.unit == "days" else 1)
        for bound in regime.bounds
        for one in bound
        if one.kind != "absence"
    ]
    return min(amounts, default=0)
