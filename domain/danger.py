"""How great the present danger is thought to be, and when that is looked at again. A part of the safety room.

Events and alerts raise the level by themselves, and then it is looked at again within days. Only a person lowers it,
with a reason.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from domain.check_ins import Answer, CheckedIn
from domain.custody import Deported, Detained, Disappeared
from domain.duties import Consequence, Duty, Level
from domain.extradition import ExtraditionRequested, WantedListed
from domain.facts import Decision, Fact, Frozen, Record
from domain.room import DutyCameDue, Room

RISK_HOLDS_AT_MOST = timedelta(days=90)
"""How long what a person said of a risk may stand before it is said again: a season changes a country, and a life."""

RISK_REVIEW_AGAIN = timedelta(days=30)
"""After a risk review was taken in hand without a new assessment."""

RISK_REVIEW_WITHIN = timedelta(days=7)
"""After the level was raised by an event: a person looks whether it is right."""


class Risk(StrEnum):
    """How great the present danger is thought to be, from the least on."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_ORDER = tuple(Risk)


class RiskReason(StrEnum):
    """Why the level was set anew."""

    NEW_INFORMATION = "new-information"
    DANGER_PASSED = "danger-passed"
    MOVED_TO_SAFETY = "moved-to-safety"
    PROTECTED_NOW = "protected-now"
    WAS_TOO_HIGH = "was-too-high"


class RiskAssessed(Decision):
    """Set the risk level and the day on which it is looked at again."""

    kind: Literal["risk-assessed"] = "risk-assessed"
    level: Risk = Field(description="the level")
    review_on: date = Field(description="when to look again")
    reason: RiskReason | None = Field(default=None, description="why; needed to lower the level")


class Danger(Frozen):
    """The risk level, and the day on which it is looked at again.

    Attributes:
        raisings: what has raised it since it was assessed, or would have, by its place in the log. Who assesses it
            knows what was recorded by then: what is told later raises it again, whenever it has happened.
    """

    facts: ClassVar[tuple[type[Fact], ...]] = (RiskAssessed,)

    level: Risk | None = None
    review_on: date | None = None
    raisings: Mapping[int, tuple[Risk, date]] = Field(default_factory=dict)

    def after(self, record: Record) -> "Danger":
        match record.fact:
            case RiskAssessed(level=level, review_on=review_on):
                danger = Danger(level=level, review_on=review_on)
                for place, (to, on) in sorted(self.raisings.items()):
                    danger = danger.raised(to, on, place) if place > record.version else danger
                return danger
            case Detained() | Deported() | Disappeared() | ExtraditionRequested():
                return self.raised_by(record, Risk.CRITICAL)
            # the level lies in clear: it does not tell the one from the other
            case CheckedIn(answer=Answer.DURESS | Answer.UNRECOGNISED):
                return self.raised_by(record, Risk.CRITICAL)
            case DutyCameDue(duty="check-in", level=Level.ESCALATION) | WantedListed():
                return self.raised_by(record, Risk.HIGH)
            case _:
                return self

    def raised_by(self, record: Record, level: Risk) -> "Danger":
        """At least this level, because of a record."""
        return self.raised(level, record.occurred.earliest, record.version)

    def raised(self, level: Risk, on: date, place: int) -> "Danger":
        """At least this level from a day on. If it is a new one, it is looked at soon."""
        raisings = {**self.raisings, place: (level, on)}
        if self.level is not None and _ORDER.index(self.level) >= _ORDER.index(level):
            return self.model_copy(update={"raisings": raisings})
        soon = on + RISK_REVIEW_WITHIN
        is_sooner = self.review_on is not None and on < self.review_on < soon
        return Danger(level=level, review_on=self.review_on if is_sooner else soon, raisings=raisings)

    def objection(self, fact: Fact, on: date) -> str | None:
        if not isinstance(fact, RiskAssessed):
            return None
        if fact.review_on <= on:
            return "the day to look again must lie after the day of the assessment"
        if fact.reason is None and self.level is not None and _ORDER.index(fact.level) < _ORDER.index(self.level):
            return f"the level is {self.level}: say why it is lower (`--reason`)"
        return None

    def duties(self, room: Room) -> Iterator[Duty]:
        """The review of the level.

        Args:
            room: the safety room, which knows what was acknowledged when.
        """
        if self.review_on is not None:
            day = datetime.combine(self.review_on, time(), UTC)
            due = room.again("risk-review", day, RISK_REVIEW_AGAIN)
            title = "Assess this person's risk again"
            yield Duty(id="risk-review", title=title, due=due, consequence=Consequence.DANGER)
