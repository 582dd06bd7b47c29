"""What the person needs, and what staff have set themselves to do. A part of the safety room.

Each need and each to-do is a duty with reminders, until it is met or declined. Its id is the number of its event in
the stream of safety, which no correction and no report that comes late ever changes: ``need-12``, ``todo-15``. Titles
of duties lie in clear, so they do not say what is needed.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from domain.duties import LEGAL_ESCALATIONS, ROUTINE_ESCALATIONS, Consequence, Duty, emergency_duty
from domain.facts import Decision, Fact, Frozen, Record, Report
from domain.room import Room, end_of_day

NeedId = Annotated[str, StringConstraints(pattern=r"^(need|todo)-[1-9]\d{0,5}$")]
"""A need or a to-do, as ``safeconduct needs`` shows it."""


class NeedKind(StrEnum):
    """What kind of help is needed."""

    MEDICAL = "medical"
    MONEY = "money"
    HOUSING = "housing"
    INTERPRETER = "interpreter"
    DOCUMENT = "document"
    PSYCHOLOGICAL = "psychological"
    OTHER = "other"


class NeedUrgency(StrEnum):
    """How loudly it insists, and how soon again once it was taken in hand. An emergency does so at once."""

    EMERGENCY = "emergency"
    SOON = "soon"
    CAN_WAIT = "can-wait"


class Promiser(StrEnum):
    """Who has promised something."""

    STAFF = "staff"
    PARTNER = "partner"
    LAWYER = "lawyer"
    DOCTOR = "doctor"
    HOST = "host"
    EMBASSY = "embassy"
    AUTHORITY = "authority"
    OTHER = "other"


class DeclineReason(StrEnum):
    """Why a need is not met, or a to-do not done."""

    NOT_WANTED = "not-wanted"
    NO_MEANS = "no-means"
    NOT_OURS = "not-ours"
    NOT_ALLOWED = "not-allowed"
    UNSAFE = "unsafe"
    OVERTAKEN = "overtaken"


class NeedNoted(Report):
    """The person needs something. What exactly goes into the note."""

    kind: Literal["need-noted"] = "need-noted"
    need: NeedKind = Field(description="what")
    by: date = Field(description="by which day")
    urgency: NeedUrgency = Field(default=NeedUrgency.SOON, description="how urgent")


class TodoSet(Decision):
    """Staff set themselves something to do. What exactly goes into the note."""

    kind: Literal["todo-set"] = "todo-set"
    by: date = Field(description="by which day")
    urgency: NeedUrgency = Field(default=NeedUrgency.SOON, description="how urgent")


class NeedPromised(Report):
    """Somebody promised to meet a need. What was promised goes into the note."""

    kind: Literal["need-promised"] = "need-promised"
    id: NeedId = Field(description="which, such as need-12")
    by: Promiser = Field(description="who promised it")
    until: date = Field(description="until when")


class NeedMet(Report):
    """A need was met, or a to-do done."""

    kind: Literal["need-met"] = "need-met"
    id: NeedId = Field(description="which, such as need-12")


class NeedDeclined(Decision):
    """A need will not be met, or a to-do not be done."""

    kind: Literal["need-declined"] = "need-declined"
    id: NeedId = Field(description="which, such as need-12")
    reason: DeclineReason = Field(description="why")


class Need(Frozen):
    """One need or to-do.

    Attributes:
        since: when it arose.
        what: nothing for a to-do.
        note: id of the note that says what exactly.
    """

    since: AwareDatetime
    what: NeedKind | None
    by: date
    urgency: NeedUrgency
    note: UUID | None = None

    def __str__(self) -> str:
        return "To do" if self.what is None else "A need"


_AGAIN = {
    NeedUrgency.EMERGENCY: timedelta(hours=12),
    NeedUrgency.SOON: timedelta(days=3),
    NeedUrgency.CAN_WAIT: timedelta(days=14),
}
"""Once it was taken in hand and is still not met: a need ends only when it is met or declined."""

PROMISE_AGAIN = timedelta(days=3)
"""The same for a promise that was not kept."""

_REMINDERS = (timedelta(days=7), timedelta(days=3), timedelta(days=1))
_A_DAY = timedelta(days=1)
_SEE = ": safeconduct needs says what"


class Needs(Frozen):
    """All needs and to-dos by their id, and what has become of them."""

    facts: ClassVar[tuple[type[Fact], ...]] = (NeedNoted, TodoSet, NeedPromised, NeedMet, NeedDeclined)

    known: Mapping[str, Need] = Field(default_factory=dict)
    promised: Mapping[str, NeedPromised] = Field(default_factory=dict)
    ended: Mapping[str, NeedMet | NeedDeclined] = Field(default_factory=dict)

    def after(self, record: Record) -> "Needs":
        fact = record.fact
        match fact:
            case NeedNoted(need=what, by=by, urgency=urgency):
                return self._with_need(record, what, by, urgency)
            case TodoSet(by=by, urgency=urgency):
                return self._with_need(record, None, by, urgency)
            # what names a number that was given only later meant none: reports are taken as they come
            case NeedPromised() if _number(fact.id) < record.version:
                return self.model_copy(update={"promised": {**self.promised, fact.id: fact}})
            case NeedMet() | NeedDeclined() if _number(fact.id) < record.version:
                return self.model_copy(update={"ended": {**self.ended, fact.id: fact}})
            case _:
                return self

    def _with_need(self, record: Record, what: NeedKind | None, by: date, urgency: NeedUrgency) -> "Needs":
        need = Need(since=record.occurred.instant, what=what, by=by, urgency=urgency, note=record.note)
        return self.model_copy(update={"known": {**self.known, need_id(record.fact.kind, record.version): need}})

    @property
    def open(self) -> dict[str, Need]:
        """Those that are neither met nor declined."""
        return {name: need for name, need in self.known.items() if name not in self.ended}

    def objection(self, fact: Fact) -> str | None:
        if isinstance(fact, NeedPromised | NeedMet | NeedDeclined) and fact.id not in self.open:
            return f"there is no open {fact.id}: `safeconduct needs CASE` lists them"
        return None

    def duties(self, room: Room) -> Iterator[Duty]:
        """A duty for each that is open, and one for each promise.

        Args:
            room: the safety room, which knows what was acknowledged when.
        """
        for name, need in self.open.items():
            yield _duty(room, name, need)
            if (promise := self.promised.get(name)) is not None:
                title = f"{need} that was promised by {promise.by}: ask whether it was kept"
                due = room.again(f"{name}.promise", end_of_day(promise.until) - _A_DAY, PROMISE_AGAIN)
                yield Duty(id=f"{name}.promise", title=title, due=due, escalations=LEGAL_ESCALATIONS)


def _duty(room: Room, name: str, need: Need) -> Duty:
    if need.urgency is NeedUrgency.EMERGENCY:
        return emergency_duty(name, f"{need}, urgent{_SEE}", room.again(name, need.since, _AGAIN[need.urgency]))
    ends = end_of_day(need.by)
    due = room.again(name, ends, _AGAIN[need.urgency])
    return Duty(
        id=name,
        title=f"{need}{_SEE}",
        due=due,
        consequence=Consequence.NONE,
        reminders=_REMINDERS if due == ends else (),
        escalations=LEGAL_ESCALATIONS if need.urgency is NeedUrgency.SOON else ROUTINE_ESCALATIONS,
    )


def need_id(kind: str, version: int) -> str:
    """The id of what an event of this kind noted, by its number in the stream of safety."""
    return f"{'todo' if kind == 'todo-set' else 'need'}-{version}"


def _number(name: str) -> int:
    return int(name.partition("-")[2])
