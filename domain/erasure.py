"""The erasure of one case: who asks for it, who approves it, what can stop it, and the steps until nothing is left.

Its stream, ``erasure/REF``, has a key of its own and outlives the case. It holds who, why and when, and nothing of the
case.

Rules:
    1. Two persons decide: who has asked does not approve. The engine may ask, at the erase-by date; it never approves.
    2. A hold stops an erasure until the fence. One that is placed after the approval takes the approval back.
    3. Between approval and fence lies a waiting period. Only the person the case is about can have it waived, and only
       where it was they who asked.
    4. What the engine asks for is not withdrawn: a hold keeps the case, with its reason and its end.
    5. After the fence there is no way back, and the steps follow in one order. Each is a fact, so whoever goes on after
       a crash begins with the first that is missing.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field

from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty
from domain.facts import Decision, EngineFact, Fact, Frozen, Record
from domain.room import Room, end_of_day
from domain.rulebook import Rules

if TYPE_CHECKING:
    from domain.case import Path

ENGINE_ASKS = "engine"
"""Who has asked, when it was the engine. The same word as ``domain.events.ENGINE``, which this module can't import."""

WAITING_PERIOD = timedelta(days=7)
"""From the approval to the fence: a week in which a colleague who was away can still say no. Shorter, and nobody sees
the notice in time; longer, and a person who wants to be forgotten waits without need."""

WARNINGS = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
"""How long before the engine asks for an erasure it says so."""

APPROVE_WITHIN = timedelta(days=3)
"""After that nobody has approved, and it is said louder. The law wants an answer within a month (GDPR, article 12)."""

FINISH_WITHIN = timedelta(days=1)
"""A begun erasure takes minutes. One that is not over after a day needs an operator."""

KEYS_ARE_DROPPED_AFTER = timedelta(seconds=30)
"""After so long no process that is awake can still have a destroyed key in memory: each keeps one for half of that at
most, and then asks the keyring (``records.keys.KEPT_SECONDS``). Before it nothing is certified."""


class ErasureReason(StrEnum):
    """Why a case is erased."""

    PERSON_ASKED = "person-asked"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    RETENTION_OVER = "retention-over"
    RECORDED_IN_ERROR = "recorded-in-error"
    DUPLICATE = "duplicate"


class Step(StrEnum):
    """What is done after the approval, in this order. The last one is certified by the others."""

    FENCED = "fenced"
    WORKFLOWS_ENDED = "workflows-ended"
    KEY_DESTROYED = "key-destroyed"
    RECORDS_FORGOTTEN = "records-forgotten"
    HISTORIES_DELETED = "histories-deleted"
    CERTIFIED = "certified"


class Standing(StrEnum):
    """Where an erasure stands, in words for a list."""

    NOT_ASKED = "not asked for"
    FORESEEN = "foreseen"
    REQUESTED = "waits for approval"
    APPROVED = "approved, waiting"
    RUNNING = "being erased"
    DONE = "erased"


class ErasureForeseen(EngineFact):
    """The erase-by date of a closed case comes near."""

    kind: Literal["erasure-foreseen"] = "erasure-foreseen"
    erase_by: date
    ask_on: date
    """The engine asks when this day has ended: the erase-by date, or as long after today as the first warning takes."""


class ErasureRequested(Decision):
    """Ask for the erasure of a case."""

    kind: Literal["erasure-requested"] = "erasure-requested"
    reason: ErasureReason = Field(description="why")
    waived: bool = Field(default=False, description="the person the case is about does not want to wait")


class ErasureApproved(Decision):
    """Approve an erasure that somebody else has asked for."""

    kind: Literal["erasure-approved"] = "erasure-approved"


class ErasureWithdrawn(Decision):
    """Take a request back, or refuse it."""

    kind: Literal["erasure-withdrawn"] = "erasure-withdrawn"


class ErasureHeld(EngineFact):
    """A hold keeps the case until a day; ``None`` when it is not held any more."""

    kind: Literal["erasure-held"] = "erasure-held"
    until: date | None


class ErasureDropped(EngineFact):
    """The engine does not ask any more: the case is open again, or is kept for longer."""

    kind: Literal["erasure-dropped"] = "erasure-dropped"


class Count(Frozen):
    """How much of something a step has done away with."""

    what: str
    number: int


class ErasureStepDone(EngineFact):
    """One step is done, and how much there was to do in it."""

    kind: Literal["erasure-step-done"] = "erasure-step-done"
    step: Step
    counts: tuple[Count, ...] = ()


class ErasureCertified(EngineFact):
    """The signed certificate, as text."""

    kind: Literal["erasure-certified"] = "erasure-certified"
    certificate: str


ENGINE_FACTS = (ErasureForeseen, ErasureHeld, ErasureDropped, ErasureStepDone, ErasureCertified)


class Erasure(Room):
    """The state of one case's erasure."""

    facts = (ErasureRequested, ErasureApproved, ErasureWithdrawn)

    standing: Standing = Standing.NOT_ASKED
    foreseen: ErasureForeseen | None = None
    reason: ErasureReason | None = None
    waived: bool = False
    requested_by: str | None = None
    requested_at: AwareDatetime | None = None
    approved_by: str | None = None
    approved_at: AwareDatetime | None = None
    held_until: date | None = None
    done: Mapping[Step, AwareDatetime] = Field(default_factory=dict)
    counts: tuple[Count, ...] = ()
    certificate: str | None = None

    def after(self, record: Record) -> dict[str, object]:
        if self.has_begun:
            return self._after_a_step(record)
        match record.fact:
            case ErasureForeseen() as foreseen if not self.is_requested:
                return {"standing": Standing.FORESEEN, "foreseen": foreseen}
            case ErasureRequested(reason=reason, waived=waived) if not self.is_requested:
                return {
                    "standing": Standing.REQUESTED,
                    "reason": reason,
                    "waived": waived,
                    "requested_by": record.actor,
                    "requested_at": record.recorded_at,
                    "held_until": None,
                }
            case ErasureApproved() if self.standing is Standing.REQUESTED and record.actor != self.requested_by:
                return {
                    "standing": Standing.APPROVED,
                    "approved_by": record.actor,
                    "approved_at": record.recorded_at,
                    "held_until": None,
                }
            case ErasureHeld(until=until) if self.is_requested:
                return {"standing": Standing.REQUESTED, "approved_by": None, "approved_at": None, "held_until": until}
            case ErasureWithdrawn() | ErasureDropped():
                return {name: Erasure.model_fields[name].default for name in _ASKED}
            case ErasureStepDone(step=Step.FENCED) if self.standing is Standing.APPROVED:
                return {"standing": Standing.RUNNING, "done": {Step.FENCED: record.recorded_at}}
            case _:
                return {}

    def _after_a_step(self, record: Record) -> dict[str, object]:
        match record.fact:
            case ErasureStepDone(step=step, counts=counts) if step is self.next_step and step is not Step.CERTIFIED:
                return {"done": {**self.done, step: record.recorded_at}, "counts": (*self.counts, *counts)}
            case ErasureCertified(certificate=text) if self.next_step is Step.CERTIFIED:
                done = {**self.done, Step.CERTIFIED: record.recorded_at}
                return {"standing": Standing.DONE, "done": done, "certificate": text}
            case _:
                return {}

    @property
    def is_requested(self) -> bool:
        return self.standing in (Standing.REQUESTED, Standing.APPROVED)

    @property
    def has_begun(self) -> bool:
        """The fence stands: there is no way back."""
        return self.standing in (Standing.RUNNING, Standing.DONE)

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.standing not in (Standing.NOT_ASKED, Standing.DONE)

    @property
    def is_the_engines(self) -> bool:
        """Whether it was the engine that asked, or will ask."""
        return self.standing is Standing.FORESEEN or (self.is_requested and self.requested_by == ENGINE_ASKS)

    @property
    def next_step(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in Step if step not in self.done), None)

    def acts_at(self) -> datetime | None:
        """When the engine itself does the next thing; ``None`` while it waits for persons."""
        match self.standing:
            case Standing.FORESEEN:
                assert self.foreseen is not None
                return end_of_day(self.foreseen.ask_on)
            case Standing.APPROVED:
                assert self.approved_at is not None
                return self.approved_at + (timedelta() if self.waived else WAITING_PERIOD)
            case Standing.RUNNING if self.next_step is Step.CERTIFIED:
                return self.done[Step.KEY_DESTROYED] + KEYS_ARE_DROPPED_AFTER
            case Standing.RUNNING:
                return max(self.done.values())
            case _:
                return None

    def objection(self, fact: Fact, actor: str, on: date, case: "Path") -> str | None:
        if self.has_begun:
            return "the erasure of this case has begun: nothing stops it any more"
        if not case.began:
            return "there is no such case, or it can't be read"
        match fact:
            case ErasureRequested() as asked:
                return self._no_request(asked, actor, on, case)
            case ErasureApproved():
                return self._no_approval(actor, on, case)
            case ErasureWithdrawn():
                return self._no_withdrawal()
            case _:
                return "only the engine records this"

    def _no_request(self, asked: ErasureRequested, actor: str, on: date, case: "Path") -> str | None:
        if self.is_requested:
            return "this erasure has been asked for already"
        if asked.waived and asked.reason is not ErasureReason.PERSON_ASKED:
            return "only the person the case is about can do without the waiting period, where it was they who asked"
        if asked.reason is ErasureReason.RETENTION_OVER and (case.erase_by is None or case.erase_by > on):
            return "the time for keeping this case is not over"
        return _held(on, case) or _no_person(actor)

    def _no_approval(self, actor: str, on: date, case: "Path") -> str | None:
        if self.standing is Standing.APPROVED:
            return "this erasure has been approved already"
        if self.standing is not Standing.REQUESTED:
            return "nobody has asked for this erasure"
        if actor == self.requested_by:
            return "who has asked for an erasure does not approve it: a second person does"
        return _held(on, case) or _no_person(actor)

    def _no_withdrawal(self) -> str | None:
        if self.is_the_engines:
            return "its time is over: to keep it, place a hold (`safeconduct record CASE hold-placed`)"
        return None if self.is_requested else "nobody has asked for this erasure"

    def duties(self, case: "Path", rules: Rules) -> tuple[Duty, ...]:
        """Without a review: nobody looks after an erasure as after a person."""
        return tuple(self.own_duties(case, rules))

    def own_duties(self, case: "Path", rules: Rules) -> Iterator[Duty]:
        acts_at = self.acts_at()
        match self.standing:
            case Standing.FORESEEN:
                title = (
                    "The time for keeping this closed case ends: it will be asked to be erased, unless a hold is placed"
                )
                yield _duty("erase-by", title, acts_at, WARNINGS)
            case Standing.REQUESTED:
                assert self.requested_at is not None
                held = end_of_day(self.held_until) if self.held_until is not None else self.requested_at
                due = max(self.requested_at, held) + APPROVE_WITHIN
                title = "The erasure of this case waits for a second person: `safeconduct erase status CASE`"
                yield _duty("approve-erasure", title, due, (APPROVE_WITHIN,))
            case Standing.APPROVED:
                title = "This case is about to be erased: who objects withdraws it, or places a hold"
                yield _duty("erasure-begins", title, acts_at, () if self.waived else (WAITING_PERIOD, WARNINGS[-1]))
            case Standing.RUNNING:
                title = "The erasure of this case has begun, and is not over: see worker.log"
                yield _duty("erasure-unfinished", title, self.done[Step.FENCED] + FINISH_WITHIN, ())
            case Standing.NOT_ASKED | Standing.DONE:
                return

    def headline(self) -> str:
        return str(self.standing)


_APPROVAL = ("approved_by", "approved_at", "held_until")
_ASKED = ("standing", "foreseen", "reason", "waived", "requested_by", "requested_at", *_APPROVAL)
"""What is as before the first request, once that is withdrawn."""


def _duty(duty_id: str, title: str, due: datetime | None, reminders: tuple[timedelta, ...]) -> Duty:
    assert due is not None
    none = Consequence.NONE
    return Duty(id=duty_id, title=title, due=due, reminders=reminders, escalations=LEGAL_ESCALATIONS, consequence=none)


def _held(on: date, case: "Path") -> str | None:
    hold = case.held(on)
    return f"a hold keeps this case until {hold.until} ({hold.reason}): it is not erased before" if hold else None


def _no_person(actor: str) -> str | None:
    return "only persons decide about an erasure" if actor == ENGINE_ASKS else None


def due_on(case: "Path", today: date) -> date | None:
    """Until when a closed case is kept, with all that holds it; ``None`` while it is open."""
    if case.erase_by is None:
        return None
    hold = case.held(today)
    return max(case.erase_by, hold.until) if hold is not None else case.erase_by


def noticed(erasure: Erasure, case: "Path", today: date) -> ErasureForeseen | ErasureHeld | ErasureDropped | None:
    """What the engine records when it looks at a case: what has changed for its erasure, if anything has."""
    if erasure.has_begun:
        return None
    due = due_on(case, today)
    if erasure.is_requested:
        if erasure.is_the_engines and due is None:
            return ErasureDropped()
        hold, before = case.held(today), erasure.held_until
        until, known = hold.until if hold else None, before if before is not None and before >= today else None
        return ErasureHeld(until=until) if until != known else None
    if due is None or due - today > WARNINGS[0]:
        return ErasureDropped() if erasure.standing is Standing.FORESEEN else None
    if erasure.foreseen is not None and erasure.foreseen.erase_by == due:
        return None
    return ErasureForeseen(erase_by=due, ask_on=max(due, today + WARNINGS[0]))
