"""What starts a clock: one event, the earlier or the later of several, or a fiction of service.

A law often says when a decision counts as served although nobody has seen the person read it. Such a fiction is data;
here is only how it is counted. What is not known gives a range of days, of which the earliest plans.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Protocol

from domain.deadlines import FIRST_DAY, LAST_START, Counting, Place, Unit, bounds, count
from domain.facts import Occurred

LONGEST_LOOKED_THROUGH = timedelta(days=400)
"""Of a start that is a range. A wider one says so little that its bounds are enough."""


class Fiction(Protocol):
    """When a decision counts as served. A rulebook's ``Service`` is one.

    Attributes:
        amount: how long after its beginning; ``None`` where it does at once.
        unit: what ``amount`` is counted in.
        unless: the event that serves it earlier, such as the first opening; ``None`` where there is none.
    """

    @property
    def amount(self) -> int | None: ...
    @property
    def unit(self) -> Unit: ...
    @property
    def unless(self) -> str | None: ...


def earlier_of(*events: Occurred | None, place: Place) -> Occurred | None:
    """The earlier of two or more events, some of which may not have happened yet; ``None`` while none has."""
    known = [event for event in events if event is not None]
    return _first(known, place) if known else None


def later_of(*events: Occurred | None, place: Place) -> Occurred | None:
    """The later of two or more events; ``None`` until all have happened, for the clock has not started before."""
    known = [event for event in events if event is not None]
    if not known or len(known) < len(events):
        return None
    # An instant is known to be the last only when it lies after every other event.
    certain = max(known, key=lambda one: bounds(one, Unit.HOURS, place)[0])
    if all(
        bounds(one, Unit.HOURS, place)[1] <= bounds(certain, Unit.HOURS, place)[0] for one in known if one != certain
    ):
        return certain
    days = [_days(one, place) for one in known]
    return _between(max(first for first, _ in days), max(last for _, last in days), known)


def _first(known: list[Occurred], place: Place) -> Occurred:
    certain = min(known, key=lambda one: bounds(one, Unit.HOURS, place)[1])
    if all(
        bounds(certain, Unit.HOURS, place)[1] <= bounds(one, Unit.HOURS, place)[0] for one in known if one != certain
    ):
        return certain
    days = [_days(one, place) for one in known]
    return _between(min(first for first, _ in days), min(last for _, last in days), known)


def _days(event: Occurred, place: Place) -> tuple[date, date]:
    """The first and the last day on which it can have happened, at the place."""
    return local_day(event, place), local_day(event, place, latest=True)


def local_day(event: Occurred, place: Place, *, latest: bool = False) -> date:
    """The day of an event at a place: the earliest that is possible, or the latest."""
    if event.at is not None:
        return bounds(event, Unit.DAYS, place)[0].astimezone(place.zone).date()
    day = event.latest if latest else event.earliest
    return min(max(day, FIRST_DAY), LAST_START)


def instant_of(event: Occurred, place: Place, *, latest: bool = False) -> datetime:
    """The instant of an event at a place, in UTC: the earliest that is possible, or the latest."""
    return bounds(event, Unit.HOURS, place)[1 if latest else 0]


def telling_starts(start: Occurred, turns: Iterable[Occurred], place: Place) -> Iterator[Occurred]:
    """The days of an uncertain start on which the earliest and the latest end of a suspended clock can lie.

    Mostly its bounds. But two starts may have one end of month in common, and only the earlier of them be suspended:
    then it ends later than the later one. So the days about the turns of months and of suspensions are told too.

    Args:
        start: when the clock started.
        turns: when suspensions begin and end.
        place: the authority's.
    """
    yield start
    if start.at is not None or start.latest - start.earliest > LONGEST_LOOKED_THROUGH:
        return
    near = {local_day(event, place, latest=latest).toordinal() for event in turns for latest in (False, True)}
    for number in range(start.earliest.toordinal(), start.latest.toordinal() + 1):
        day = date.fromordinal(number)
        turns_here = {number - 1, number, number + 1} & near or day.day in (1, monthrange(day.year, day.month)[1])
        if turns_here or day in (start.earliest, start.latest):
            yield Occurred.on(day)


def _between(first: date, last: date, known: list[Occurred]) -> Occurred:
    return Occurred(earliest=first, latest=last, about=any(one.about for one in known))


def deemed_served(
    fiction: Fiction,
    begun: Occurred,
    place: Place,
    *,
    served: Occurred | None = None,
    never_served: bool = False,
) -> Occurred:
    """When a decision counts as served.

    Args:
        fiction: what the law says.
        begun: the event that the fiction is counted from, such as the upload, the posting or the hand-over to a centre.
        place: the authority's.
        served: the event that serves it earlier, such as the first opening; ``None`` where it is not known.
        never_served: whether it is certain that this has not happened. If it is neither known nor certain, the result
            is a range from the beginning to the fiction, and the earliest day plans.
    """
    if fiction.amount is None:
        return begun
    first, last = (
        count(
            Occurred.on(local_day(begun, place, latest=late)), fiction.amount, fiction.unit, Counting(), place
        ).last_day
        for late in (False, True)
    )
    at_the_latest = Occurred(earliest=first, latest=last, about=begun.about)
    if served is not None:
        return earlier_of(served, at_the_latest, place=place) or at_the_latest
    if fiction.unless is None or never_served:
        return at_the_latest
    return Occurred(earliest=local_day(begun, place), latest=last, about=begun.about)
