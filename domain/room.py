"""What every phase's room shares: a state that is only ever the fold of its stream, gates, and duties.

A *room* is one phase's state, commands, events, decisions and duties in one file. Rules of every room:
    1. ``apply`` is total: any fact in any order leaves a legal state. It never raises.
    2. ``objection`` says why a fact does not fit. A decision is then refused, a report is recorded and flagged.
    3. An open room always has a duty to come: at least ``review``.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, Self, get_args
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.duties import LEGAL_ESCALATIONS, LEGAL_REMINDERS, Consequence, Duty, Level, Urgency
from domain.facts import CountryCode, Decision, EngineFact, Fact, Frozen, Occurred, Record, Report, StaffId
from domain.further_duties import further_duties
from domain.rulebook import Rules
from domain.rulebook.dated import Word

if TYPE_CHECKING:
    from domain.case import Milestone, Path

REVIEW_PERIOD = timedelta(days=45)
"""A room untouched for one to two of these asks for a review. Whole periods, so that the timer seldom moves."""

DIGEST = "check-imported-past"
"""The duty to go through what was past at an import. It needs a human from the start, and sounds no alarm then."""


class Acknowledged(Decision):
    """Take a duty in hand: its ladder stops insisting. A reminder taken in hand never silences the alarm."""

    kind: Literal["acknowledged"] = "acknowledged"
    duty: str = Field(description="id of the duty, as `safeconduct duties` shows it")


class EventNoted(Report):
    """Something happened that starts a clock of the rulebook, and that has no report of its own."""

    kind: Literal["event-noted"] = "event-noted"
    event: Word = Field(description="its name in the rulebook, such as address-change")


class StepDone(Report):
    """What a rule of the rulebook asks for was done. When its clock starts again, it is asked for again."""

    kind: Literal["step-done"] = "step-done"
    step: Word = Field(description="the rule's step, which is the duty's id")


SHARED: tuple[type[Fact], ...] = (Acknowledged, EventNoted, StepDone)
"""Facts that every room takes."""


class DutyCameDue(EngineFact):
    """A rung of a duty's ladder was reached. Its notice is written with it."""

    kind: Literal["duty-came-due"] = "duty-came-due"
    duty: str
    title: str
    due: AwareDatetime
    level: Level
    number: int
    at: AwareDatetime
    urgency: Urgency
    told: tuple[StaffId, ...] = ()


class MovedDate(Frozen):
    """A duty whose date is another one than before; ``None`` where there was, or is, no such duty."""

    duty: str
    before: AwareDatetime | None
    after: AwareDatetime | None


class DatesMoved(EngineFact):
    """A correction moved dates. Every moved date is announced."""

    kind: Literal["dates-moved"] = "dates-moved"
    moved: tuple[MovedDate, ...]


class LawChanged(EngineFact):
    """A person applied another edition of the law: what this phase computes comes from it from now on."""

    kind: Literal["law-changed"] = "law-changed"
    edition: int
    applied_by: str
    moved: tuple[MovedDate, ...] = ()


class PastDuty(Frozen):
    """A duty that was already past when the case was imported."""

    stream: str
    duty: str
    title: str
    due: AwareDatetime
    curable: bool


class HistoryImported(EngineFact):
    """The facts before this one were imported. Nothing that was due before it sounds an alarm, but a danger that lasts.

    In the stream of safety ``past`` lists the whole case's past duties: the digest that a person checks. ``sounding``
    are the duties of this stream that were due, and whose danger lasts: their alarms sound at the import.
    """

    kind: Literal["history-imported"] = "history-imported"
    at: AwareDatetime
    past: tuple[PastDuty, ...] = ()
    sounding: tuple[PastDuty, ...] = ()


class Room(Frozen):
    """Base of all phase states. See the module's rules."""

    facts: ClassVar[tuple[type[Fact], ...]] = ()
    """The facts that belong to this room, beside the shared ones."""
    own_steps: ClassVar[frozenset[str]] = frozenset()
    """What ends a duty of this room by ``step-done``, beside the steps that the rulebook asks for."""
    review_title: ClassVar[str] = "Review this phase: nothing has been recorded for a while"

    stream: str = ""
    country: CountryCode | None = None
    opened: Occurred = Occurred.on(date(1970, 1, 1))
    touched_at: AwareDatetime | None = None
    imported_at: AwareDatetime | None = None
    edition: int | None = None
    acknowledged_at: Mapping[str, AwareDatetime] = Field(default_factory=dict)
    noted: Mapping[str, Occurred] = Field(default_factory=dict)
    steps_done: Mapping[str, Occurred] = Field(default_factory=dict)

    def apply(self, record: Record) -> Self:
        """The state after one more record. Total: no fact is impossible."""
        fact, recorded_at, changes = record.fact, whole_minute(record.recorded_at), dict[str, object]()
        if fact.nature != "engine":
            changes["touched_at"] = max(self.touched_at or recorded_at, recorded_at)
        if isinstance(fact, Acknowledged):
            changes["acknowledged_at"] = {**self.acknowledged_at, fact.duty: recorded_at}
        elif isinstance(fact, EventNoted):
            changes["noted"] = {**self.noted, fact.event: record.occurred}
        elif isinstance(fact, StepDone):
            changes["steps_done"] = {**self.steps_done, fact.step: record.occurred}
        elif isinstance(fact, HistoryImported):
            changes["imported_at"] = whole_minute(fact.at)
        elif isinstance(fact, LawChanged):
            changes["edition"] = fact.edition
        else:
            changes |= self.after(record)
        return self.model_copy(update=changes) if changes else self

    def after(self, record: Record) -> dict[str, object]:
        """The fields that a fact of this room changes."""
        raise NotImplementedError

    def objection(self, fact: Fact, actor: str, on: date, case: "Path") -> str | None:
        """Why this fact does not fit now; ``None`` when it does."""
        raise NotImplementedError

    def milestone(self, record: Record) -> "Milestone | None":
        """What the path must hear of this fact."""
        return None

    def own_duties(self, case: "Path", rules: Rules) -> Iterator[Duty]:
        """The duties of this room, without the review."""
        raise NotImplementedError

    def alerted(self) -> Mapping[UUID, datetime]:
        """The alerts that this phase holds, each with when it reached it."""
        return {}

    def headline(self) -> str:
        """Where this phase stands, in a few words from a closed vocabulary."""
        raise NotImplementedError

    def duties(self, case: "Path", rules: Rules) -> tuple[Duty, ...]:
        """All duties of this room as it stands, the review among them, soonest first."""
        own = tuple(self.own_duties(case, rules))
        taken = {duty.id for duty in own}
        further = further_duties(rules, self.events(), self.steps_taken(), self.conditions())
        added = (self.bounded(duty, own) for duty in further if duty.id not in taken)
        return tuple(sorted([*own, *added, self.review()], key=lambda duty: (duty.due, duty.id)))

    def bounded(self, duty: Duty, own: tuple[Duty, ...]) -> Duty:
        """A duty that a country's file makes by itself, no later than what it serves, among this room's own duties."""
        return duty

    def events(self) -> Mapping[str, Occurred | None]:
        """What has happened, by the names that rules with ``begins`` use; ``None`` for what has not."""
        return self.noted

    def steps_taken(self) -> Mapping[str, Occurred]:
        """When each step of the rulebook was last done: as was said, or as another report tells."""
        return self.steps_done

    def conditions(self) -> Mapping[str, str]:
        """What selects a rule, such as ``track`` or ``entry``."""
        return {}

    def review(self) -> Duty:
        """Somebody looks at every open phase, even when nothing happens in it."""
        periods = (self.last_touch - self.anchor) // REVIEW_PERIOD
        return Duty(id="review", title=self.review_title, due=self.anchor + (periods + 2) * REVIEW_PERIOD)

    @property
    def anchor(self) -> datetime:
        """Where routine periods are counted from: the import, or the opening."""
        return max(self.opened.instant, self.imported_at or self.opened.instant)

    @property
    def last_touch(self) -> datetime:
        return max(self.touched_at or self.anchor, self.anchor)

    def since(self, duty_id: str, instant: datetime) -> datetime:
        """The later of an instant, the import, and the last acknowledgement of a duty: where a routine starts anew."""
        return max(instant, self.imported_at or instant, self.acknowledged_at.get(duty_id, instant))

    def again(self, duty_id: str, due: datetime, after: timedelta) -> datetime:
        """When a duty is due that only a fact ends: once taken in hand it comes again, so long after that."""
        due, taken = whole_minute(due), self.acknowledged_at.get(duty_id)
        return due if taken is None or taken < due else taken + after


def whole_minute(instant: datetime) -> datetime:
    """The minute of an instant: routines are counted from minutes, so that nobody reads fractions of seconds."""
    return instant.replace(second=0, microsecond=0)


def belongs(room: type[Room], fact: Fact) -> bool:
    """Whether a fact may be recorded in a room."""
    return isinstance(fact, (*room.facts, *SHARED))


def kind_of(fact: type[Fact]) -> str:
    """The stable kind of a fact's type."""
    return str(get_args(fact.model_fields["kind"].annotation)[0])


def end_of_day(day: date) -> datetime:
    """The instant at which a printed last day has ended, in UTC; one without an end is cut off at the year 9000."""
    return datetime.combine(min(day, date(9000, 1, 1)) + timedelta(days=1), time(), UTC)


def first_end_of_day(day: date) -> datetime:
    """The instant at which a day has ended in the first country of the world: where nobody says which one is meant."""
    return end_of_day(day) - timedelta(hours=14)


def dated_duty(
    duty_id: str,
    title: str,
    until: date | None,
    consequence: Consequence,
    ends: Callable[[date], datetime] = end_of_day,
) -> Iterator[Duty]:
    """A duty from a printed validity (a document, a pledge, a clearance): act before its last day ends.

    Args:
        duty_id: its id.
        title: what is to be done.
        until: the last day; without one there is no duty.
        consequence: what a miss costs.
        ends: when a day has ended, for a paper of one country; in UTC if left out.
    """
    if until is not None:
        yield Duty(
            id=duty_id,
            title=title,
            due=ends(until),
            consequence=consequence,
            reminders=LEGAL_REMINDERS,
            escalations=LEGAL_ESCALATIONS,
        )
