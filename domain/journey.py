"""The journey log: every leg with its dates and how it is known, across all phases, and what in it does not fit.

Nothing here judges anybody: a gap or an overlap is something to ask about, and dates told from memory are ranges.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from domain.custody import Deported
from domain.entry import Arrived, Departed, Failure, JourneyFailed
from domain.events import Event
from domain.evidence import Evidence
from domain.facts import CountryCode, Frozen, Occurred
from domain.stay_facts import Entered, Exited, Relocated, StayedBefore, TravelDocument
from domain.story import Story
from domain.stream import told

GAP_DAYS = 2
"""So many days between an exit and the next entry are a journey; more must be accounted for."""


class Move(StrEnum):
    """What kind of leg it is."""

    STAYED = "stayed"
    EXITED = "exited"
    RELOCATED = "relocated"
    DEPARTED = "departed"
    FAILED = "journey failed"
    ENTERED = "entered"
    ARRIVED = "arrived"
    REMOVED = "removed"


_ORDER = tuple(Move)
"""Of one day and one moment of recording: who goes and comes on one day goes first."""


_LEAVING = (Move.EXITED, Move.RELOCATED, Move.DEPARTED)
_COMING = (Move.ENTERED, Move.ARRIVED)


class Leg(Frozen):
    """One leg.

    Attributes:
        when: its day; of a stay the first.
        move: what it is.
        country: where it happened; ``None`` where no phase says it.
        until: of a stay, the last day.
        to: where it led.
        place: the border crossing or town.
        failure: why a journey failed.
        document: what the border was crossed with.
        lawfully: whether it was.
        known_by: how it is known.
        event: id of the event, as `correct` takes it.
        recorded_at: when it was recorded.
    """

    when: Occurred
    move: Move
    country: CountryCode | None
    until: date | None = None
    to: CountryCode | None = None
    place: str | None = None
    failure: Failure | None = None
    document: TravelDocument | None = None
    lawfully: bool | None = None
    known_by: tuple[Evidence, ...] = ()
    event: UUID
    recorded_at: datetime


class Misfit(StrEnum):
    """What does not fit."""

    GAP = "gap"
    OVERLAP = "overlap"
    CONTRADICTION = "contradiction"
    STATEMENT_ONLY = "statement only"


class Finding(Frozen):
    """Something to ask about."""

    misfit: Misfit
    says: str


class Journey(Frozen):
    """All legs in order, and what does not fit."""

    legs: tuple[Leg, ...]
    findings: tuple[Finding, ...]


class _Presence(NamedTuple):
    """A time in one country. ``None`` is a day that nobody has recorded."""

    country: str
    since: Occurred | None
    until: Occurred | None
    is_former: bool = False
    """Whether it was told as a whole, beside the entries and exits."""

    def __str__(self) -> str:
        return f"{self.country} ({self.since or 'not recorded'} to {self.until or 'not recorded'})"


def journey(story: Story) -> Journey:
    """The journey of a case, corrected, in order."""
    found = [
        leg
        for ledger in story.phases.values()
        for _, event in told(ledger.events)
        if (leg := _leg(event, ledger.state.country)) is not None
    ]
    legs = _in_step(sorted(found, key=lambda leg: (leg.when.instant, leg.recorded_at, _ORDER.index(leg.move))))
    return Journey(legs=tuple(legs), findings=tuple(findings(legs)))


def _in_step(legs: Sequence[Leg]) -> list[Leg]:
    """The same legs, where those of one day follow on each other as far as their hours allow it.

    Nobody says in which order a day's exit and entry are told: who is in a country leaves it first.
    """
    found, waiting, is_inside = list[Leg](), list(legs), False
    while waiting:
        day = [leg for leg in waiting if leg.when.earliest == waiting[0].when.earliest]
        timed = next((leg for leg in day if leg.when.at is not None), None)
        free = (leg for leg in day if leg.when.at is None or leg is timed)
        following = next((leg for leg in free if _fits(leg.move, is_inside=is_inside)), waiting[0])
        waiting.remove(following)
        found.append(following)
        is_inside = following.move in _COMING or (is_inside and following.move not in _LEAVING)
    return found


def _fits(move: Move, *, is_inside: bool) -> bool:
    return move not in (_COMING if is_inside else _LEAVING)


def _leg(event: Event, country: str | None) -> Leg | None:
    """An event as a leg; ``None`` if it is none."""
    fields: dict[str, object]
    match event.fact:
        case Entered(document=document, lawfully=lawfully, place=place):
            fields = {"move": Move.ENTERED, "document": document, "lawfully": lawfully, "place": place}
        case StayedBefore(until=until, where=where):
            fields = {"move": Move.STAYED, "until": until, "country": where or country}
        case Exited(place=place):
            fields = {"move": Move.EXITED, "place": place}
        case Relocated(to=to):
            fields = {"move": Move.RELOCATED, "to": to}
        case Departed():
            fields = {"move": Move.DEPARTED, "country": None}
        case JourneyFailed(why=why):
            fields = {"move": Move.FAILED, "country": None, "failure": why}
        case Arrived(country=arrived_in):
            fields = {"move": Move.ARRIVED, "country": arrived_in}
        case Deported(to=to):
            fields = {"move": Move.REMOVED, "country": to}
        case _:
            return None
    known_by = getattr(event.fact, "known_by", ())
    common = {"when": event.occurred, "country": country, "known_by": known_by, "event": event.event_id}
    return Leg.model_validate({**common, "recorded_at": event.recorded_at, **fields})


def findings(legs: Sequence[Leg]) -> Iterator[Finding]:
    """What does not fit in legs that are in order."""
    presences, found = _walk(legs)
    yield from found
    yield from _between(presences)
    yield from _without_exit(presences)
    for leg in legs:
        if leg.lawfully and leg.document is TravelDocument.NONE:
            yield _contradicts(f"entered {leg.country} lawfully on {leg.when} without a document")
    unproved = [leg for leg in legs if leg.known_by == (Evidence.STATEMENT,)]
    if unproved:
        says = f"{len(unproved)} of {len(legs)} legs are known by the person's statement alone"
        yield Finding(misfit=Misfit.STATEMENT_ONLY, says=says)


def _contradicts(says: str) -> Finding:
    return Finding(misfit=Misfit.CONTRADICTION, says=says)


def _walk(legs: Iterable[Leg]) -> tuple[list[_Presence], list[Finding]]:
    """Where the person was when, as the legs tell it, and where one leg does not follow on another."""
    presences: list[_Presence] = []
    found: list[Finding] = []
    here: _Presence | None = None
    last: Leg | None = None
    for leg in legs:
        last = leg
        match leg.move:
            case Move.STAYED if leg.until is not None and leg.until < leg.when.earliest:
                found.append(_contradicts(f"stayed in {leg.country} from {leg.when}, but only until {leg.until}"))
            case Move.STAYED:
                until = Occurred.on(leg.until) if leg.until is not None else None
                presences.append(_Presence(leg.country or "?", leg.when, until, is_former=True))
            case Move.FAILED:
                if here is None and presences and leg.failure is Failure.STOPPED_AT_EXIT:
                    here = presences.pop()._replace(until=None)
            case Move.EXITED | Move.RELOCATED | Move.DEPARTED:
                if here is not None and leg.country in (None, here.country):
                    presences.append(here._replace(until=leg.when))
                    here = None
                else:
                    found.append(_contradicts(f"{leg.move} on {leg.when}, but no entry before it is recorded"))
            case Move.ENTERED | Move.ARRIVED | Move.REMOVED:
                if here is not None:
                    removed = leg.move is Move.REMOVED
                    presences.append(here._replace(until=leg.when if removed else None))
                    if not removed:
                        says = f"{leg.move} in {leg.country} on {leg.when}, but no exit from {here}"
                        found.append(_contradicts(says))
                here = _Presence(leg.country or "?", leg.when, None)
    if here is not None:
        presences.append(here)
    elif last is not None and last.move in _LEAVING:
        found.append(Finding(misfit=Misfit.GAP, says=f"{last.move} on {last.when}, and nothing after it is recorded"))
    return presences, found


def _between(presences: Sequence[_Presence]) -> Iterator[Finding]:
    """Gaps and overlaps between times in countries."""
    dated = sorted((one for one in presences if one.since is not None), key=_begins)
    furthest: _Presence | None = None
    for one in dated:
        if furthest is not None and furthest.until is not None and one.since is not None:
            yield from _pair(furthest, furthest.until, one, one.since)
        if furthest is None or one.until is None or furthest.until is None or one.until.latest >= furthest.until.latest:
            furthest = one


def _without_exit(presences: Sequence[_Presence]) -> Iterator[Finding]:
    """Former stays elsewhere that go on after an entry whose exit nobody has recorded."""
    here: _Presence | None = None
    for one in sorted((one for one in presences if one.since is not None), key=_begins):
        if not one.is_former:
            here = one if one.until is None else None
        elif here is not None and here.country != one.country and _is_after(one, here):
            yield _contradicts(f"in {one.country} from {one.since} to {one.until}, but no exit from {here}")


def _is_after(stay: _Presence, here: _Presence) -> bool:
    """Whether some of a stay lies after an entry for certain, whatever days are meant."""
    return stay.until is not None and here.since is not None and stay.until.earliest > here.since.latest


def _begins(presence: _Presence) -> date:
    return presence.since.earliest if presence.since is not None else date.min


def _pair(one: _Presence, ends: Occurred, other: _Presence, begins: Occurred) -> Iterator[Finding]:
    if ends.earliest > begins.latest:
        yield Finding(misfit=Misfit.OVERLAP, says=f"in two places at once: {one} and {other}")
    elif ends.latest > begins.earliest:
        yield Finding(misfit=Misfit.OVERLAP, says=f"may overlap, the dates are not certain: {one} and {other}")
    elif (days := (begins.earliest - ends.latest).days) > GAP_DAYS:
        yield Finding(misfit=Misfit.GAP, says=f"{days} days without a record between {one} and {other}")
