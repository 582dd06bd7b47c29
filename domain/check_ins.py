"""Check-ins: how often the person lets staff know that he is safe, and what silence does.

A part of the safety room. Silence is never consent, refusal or safety.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.custody import Found, Released
from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty, emergency_duty
from domain.facts import Decision, Fact, Frozen, Record, Report
from domain.room import Room

DEFAULT_CHECK_IN_DAYS = 14
"""Until a check-in plan is agreed with the person."""


class Channel(StrEnum):
    """How staff and person reach each other."""

    LINK = "link"
    MESSAGE = "message"
    CALL = "call"
    RELAY = "relay"
    VISIT = "visit"


class Answer(StrEnum):
    """What a check-in said. Whoever looks over the person's shoulder sees no difference."""

    WELL = "well"
    DURESS = "duress"
    """He used the word that was agreed for being forced."""
    UNRECOGNISED = "unrecognised"
    """Words were agreed, and none of them was used: it counts as no sign of safety."""


class CheckInPlanned(Decision):
    """Agree how often the person lets staff know that he is safe."""

    kind: Literal["check-in-planned"] = "check-in-planned"
    every_days: int = Field(ge=1, le=92, description="days between check-ins")
    grace_hours: int = Field(default=24, ge=1, le=168, description="hours of grace before the alarm")


class CheckedIn(Report):
    """The person let staff know how he is."""

    kind: Literal["checked-in"] = "checked-in"
    channel: Channel = Field(default=Channel.MESSAGE, description="how")
    answer: Answer = Field(default=Answer.WELL, description="what was said")


class ContactLogged(Report):
    """Staff and the person spoke. What was said goes into the note."""

    kind: Literal["contact-logged"] = "contact-logged"
    channel: Channel = Field(default=Channel.MESSAGE, description="how")


class DuressEnded(Decision):
    """The person spoke freely with somebody who knows him: the duress is over."""

    kind: Literal["duress-ended"] = "duress-ended"


class CheckIns(Frozen):
    """What is agreed about check-ins, and when the last sign of safety came."""

    facts: ClassVar[tuple[type[Fact], ...]] = (CheckInPlanned, CheckedIn, ContactLogged, DuressEnded)

    every_days: int = DEFAULT_CHECK_IN_DAYS
    grace_hours: int = 24
    last: AwareDatetime | None = None
    duress_at: AwareDatetime | None = None
    unrecognised_at: AwareDatetime | None = None

    def after(self, record: Record) -> "CheckIns":
        instant = record.occurred.instant
        match record.fact:
            case CheckInPlanned(every_days=days, grace_hours=hours):
                return self._with(every_days=days, grace_hours=hours)
            case CheckedIn(answer=Answer.DURESS):
                return self._with(duress_at=self.duress_at or instant)
            case CheckedIn(answer=Answer.UNRECOGNISED):
                return self._with(unrecognised_at=self.unrecognised_at or instant)
            case CheckedIn() | ContactLogged() | Found() | Released():
                return self._with(last=max(self.last or instant, instant), unrecognised_at=None)
            case DuressEnded():
                return self._with(duress_at=None)
            case _:
                return self

    def _with(self, **changes: object) -> "CheckIns":
        return self.model_copy(update=changes)

    def objection(self, fact: Fact) -> str | None:
        if isinstance(fact, DuressEnded) and self.duress_at is None:
            return "no duress is recorded"
        return None

    def duties(self, room: Room, *, is_free: bool) -> Iterator[Duty]:
        """The duties of check-ins.

        Args:
            room: the safety room, which knows what was acknowledged when.
            is_free: whether a check-in can be expected: not while custody or disappearance lasts.
        """
        if is_free:
            yield self._check_in(room)
        if self.duress_at is not None:
            title = "The person answered under duress: act as agreed with him, and answer him as always"
            yield emergency_duty("duress", title, self.duress_at)
        if self.unrecognised_at is not None:
            title = "A check-in came without the agreed word: reach the person in another way"
            yield emergency_duty("unrecognised-answer", title, self.unrecognised_at)

    def _check_in(self, room: Room) -> Duty:
        opened: datetime = room.opened.instant
        last = room.since("check-in", max(self.last or opened, opened))
        return Duty(
            id="check-in",
            title="The person has not checked in: find out whether he is safe",
            due=last + timedelta(days=self.every_days, hours=self.grace_hours),
            consequence=Consequence.DANGER,
            escalations=LEGAL_ESCALATIONS,
        )
