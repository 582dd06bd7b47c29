"""How great the present danger is thought to be, and when that is looked at again. A part of the safety room.

Events and alerts raise the level by themselves; only a person lowers it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from domain.custody import Deported, Detained, Disappeared, ExtraditionRequested
from domain.duties import Consequence, Duty
from domain.facts import Decision, Fact, Frozen, Record
from domain.room import Room

RISK_REVIEW_AGAIN = timedelta(days=30)
"""After a risk review was taken in hand without a new assessment."""


class Risk(StrEnum):
    """How great the present danger is thought to be."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class RiskAssessed(Decision):
    """Set the risk level and the day on which it is looked at again."""

    kind: Literal["risk-assessed"] = "risk-assessed"
    level: Risk = Field(description="the level")
    review_on: date = Field(description="when to look again")


class Danger(Frozen):
    """The risk level, and the day on which it is looked at again."""

    facts: ClassVar[tuple[type[Fact], ...]] = (RiskAssessed,)

    level: Risk | None = None
    review_on: date | None = None

    def after(self, record: Record) -> "Danger":
        match record.fact:
            case RiskAssessed(level=level, review_on=review_on):
                return Danger(level=level, review_on=review_on)
            case Detained() | Deported() | Disappeared() | ExtraditionRequested():
                return self.model_copy(update={"level": Risk.CRITICAL})
            case _:
                return self

    def objection(self, fact: Fact, on: date) -> str | None:
        if isinstance(fact, RiskAssessed) and fact.review_on <= on:
            return "the day to look again must lie after the day of the assessment"
        return None

    def duties(self, room: Room) -> Iterator[Duty]:
        """The review of the level.

        Args:
            room: the safety room, which knows what was acknowledged when.
        """
        if self.review_on is None:
            return
        due = datetime.combine(self.review_on, time(), UTC)
        taken = room.acknowledged_at.get("risk-review")
        if taken is not None and taken >= due:
            due = taken + RISK_REVIEW_AGAIN
        yield Duty(id="risk-review", title="Assess this person's risk again", due=due, consequence=Consequence.DANGER)
