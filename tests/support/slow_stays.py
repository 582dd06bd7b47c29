"""The same reckoning as ``domain.stay_reckoning``, day by day on sets of dates: slow, and easy to see through."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from domain.stays import Constraint, Limit

DAY = timedelta(days=1)
Visit = tuple[date, date]


def days_of(visit: Visit, limit: Limit) -> set[date]:
    """The days of one visit that count; what nobody knows is counted."""
    entered, left = visit
    days = {entered + DAY * number for number in range((left - entered).days + 1)}
    if limit.entry_day_counts == "no":
        days.discard(entered)
    if limit.exit_day_counts == "no":
        days.discard(left)
    return days


def months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, min(day.day, monthrange(day.year + years, month + 1)[1]))


def readings(constraint: Constraint) -> list[str]:
    if constraint.kind == "year":
        return ["calendar-year", "rolling-year"]
    if constraint.kind == "per-entry":
        return {"yes": ["anew"], "no": ["onwards"], "unknown": ["anew", "onwards"]}[constraint.reset]
    return [constraint.kind]


def allows(
    reading: str, constraint: Constraint, day: date, own: set[date], former: set[date], visit: Visit, limit: Limit
) -> bool:
    """Whether one day of a visit is allowed, by one reading of one constraint."""
    amount, so_far = constraint.amount, {one for one in own | former if one <= day}
    match reading:
        case "rolling":
            assert constraint.window
            return sum(day - DAY * constraint.window < one for one in so_far) <= amount
        case "calendar-year":
            return sum(one.year == day.year for one in so_far) <= amount
        case "rolling-year":
            return sum(months_later(day, -12) < one for one in so_far) <= amount
        case "absence":
            return True
    gives = amount
    if constraint.unit != "days":
        begins = visit[0] + DAY * (limit.entry_day_counts == "no")
        ends = months_later(visit[0], amount * (12 if constraint.unit == "years" else 1))
        # a month without such a date ends with its last day
        is_first_counted_or_cut = limit.entry_day_counts == "no" or ends.day < visit[0].day
        gives = (ends - begins).days + is_first_counted_or_cut
    return sum(one <= day for one in (own if reading == "anew" else own | former)) <= gives


def first_too_many(visit: Visit, before: Sequence[Visit], limit: Limit, *, planned: bool = False) -> date | None:
    """The first counted day of a visit that is not allowed."""
    own = days_of(visit, limit)
    former = {day for one in before for day in days_of(one, limit)} - own
    outside = (visit[0] - max(left for _, left in before)).days - 1 if before else None
    for day in sorted(own):
        for constraint in limit.constraints:
            too_early = constraint.kind == "absence" and outside is not None and outside < constraint.amount
            if too_early and (planned or not constraint.disputed):
                return day
            for reading in readings(constraint):
                if not allows(reading, constraint, day, own, former, visit, limit):
                    return day
    return None


def last_lawful(
    entered: date, before: Sequence[Visit], limit: Limit, *, planned: bool = False
) -> tuple[date | None, int]:
    """The last day on which a visit can end in time, and its counted days. It must end: give a limit that binds."""
    last, days = None, 0
    for number in range(3000):
        visit = (entered, entered + DAY * number)
        if first_too_many(visit, before, limit, planned=planned) is not None:
            return last, days
        last, days = visit[1], len(days_of(visit, limit))
    raise AssertionError("this limit never binds")


def overstays(visits: Sequence[Visit], limit: Limit) -> Iterable[tuple[date, date, int]]:
    """Entry, first day that is too much, and how many days follow in that stay."""
    for place, visit in enumerate(visits):
        since = first_too_many(visit, visits[:place], limit)
        if since is not None:
            yield visit[0], since, sum(day >= since for day in days_of(visit, limit))


def next_entry(
    visits: Sequence[Visit], limit: Limit, soonest: date, *, full: bool, within: int
) -> tuple[date, date, int] | None:
    """The first entry that gives a new day; or, if wanted, as many as to somebody who was never there."""
    former = {day for one in visits for day in days_of(one, limit)}
    for number in range(within):
        entered = soonest + DAY * number
        last, days = last_lawful(entered, visits, limit, planned=True)
        if (
            last is not None
            and days_of((entered, last), limit) - former
            and (not full or days == last_lawful(entered, [], limit, planned=True)[1])
        ):
            return entered, last, days
    return None
