"""Alerts: what the watch of a country tells a case, whether it concerns this person, and whether he has answered.

A part of the safety room. Each alert reaches a case once for each stay there, for its event's id comes from the alert's
own and the arrival: who comes back is in danger anew, and is asked anew. Whether it concerns the person is read from
the state, so it may come later: what nobody has noted counts as danger.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from domain.check_ins import FOUND_WITHIN, Answer, CheckedIn, ContactLogged
from domain.check_ins import Reached as Whom
from domain.danger import Risk
from domain.duties import Duty, emergency_duty
from domain.facts import CountryCode, EngineFact, Fact, Frozen, Record, Report, StaffId
from domain.room import Room, whole_minute

Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$")]
"""ISO 3166-2, such as KZ-ALA."""

ANSWER = "answer-to-alert."
"""How the duty to get an answer begins; the alert's short name follows."""


class Exposure(StrEnum):
    """What makes a person a target in a country."""

    WANTED = "wanted"
    OFFICER = "officer"
    NO_LAWFUL_STAY = "no-lawful-stay"
    CLAIMANT = "claimant"


class RegionNoted(Report):
    """It is known in which region the person lives. Until then every region's alerts concern him."""

    kind: Literal["region-noted"] = "region-noted"
    dated = False  # nobody knew it when an earlier alert came: what that has raised, a person lowers
    region: Region = Field(description="the region, as ISO 3166-2 has it, such as KZ-ALA")


class ExposureNoted(Report):
    """It is known whether an alert for certain people means this person too. Until then it does."""

    kind: Literal["exposure-noted"] = "exposure-noted"
    dated = False  # as above
    exposure: Exposure = Field(description="what")
    applies: bool = Field(default=True, description="whether it is true of the person")


class AlertReached(EngineFact):
    """An alert for the country has reached this case: once for each time that the person is there.

    Attributes:
        arrival: version of the case's event by which he came there.
    """

    kind: Literal["alert-reached"] = "alert-reached"
    alert: UUID
    country: CountryCode
    level: Risk
    region: Region | None = None
    concerns: tuple[Exposure, ...] = ()
    within_hours: int
    arrival: int = 0


class AlertOver(EngineFact):
    """An alert that has reached this case was ended by a person."""

    kind: Literal["alert-over"] = "alert-over"
    alert: UUID


class CountryChanged(EngineFact):
    """The person is in another country than safety knew, while it holds an alert: what is noted of him raises nothing
    in a country that he has left."""

    kind: Literal["country-changed"] = "country-changed"
    country: CountryCode


class Reached(Frozen):
    """An alert as a case holds it.

    Attributes:
        at: when it reached the case, to the minute.
        place: the instant at which it did, and its place in the log: what signs of safety are compared with.
    """

    fact: AlertReached
    at: AwareDatetime
    place: tuple[AwareDatetime, int]

    @property
    def due(self) -> datetime:
        return self.at + timedelta(hours=self.fact.within_hours)


class Alerts(Frozen):
    """The alerts that have reached this case, and what is noted of whom they concern.

    Attributes:
        country: where he is, as far as an alert or his leaving its country has told; ``None`` while nothing has.
        answered: the latest instant at which he can have given a sign of safety, and its place in the log.
    """

    facts: ClassVar[tuple[type[Fact], ...]] = (RegionNoted, ExposureNoted)

    region: Region | None = None
    exposures: Mapping[Exposure, bool] = Field(default_factory=dict)
    reached: Mapping[UUID, Reached] = Field(default_factory=dict)
    over: frozenset[UUID] = frozenset()
    country: CountryCode | None = None
    answered: tuple[AwareDatetime, int] | None = None

    def after(self, record: Record) -> "Alerts":
        match record.fact:
            case RegionNoted(region=region):
                return self.model_copy(update={"region": region})
            case ExposureNoted(exposure=exposure, applies=applies):
                return self.model_copy(update={"exposures": {**self.exposures, exposure: applies}})
            case AlertReached(alert=alert) as fact if not self.has_reached(alert, fact.arrival):
                place = (record.recorded_at, record.version)
                one = Reached(fact=fact, at=whole_minute(record.recorded_at), place=place)
                return self.model_copy(update={"reached": {**self.reached, alert: one}, "country": fact.country})
            case CountryChanged(country=country):
                return self.model_copy(update={"country": country})
            case AlertOver(alert=alert):
                return self.model_copy(update={"over": self.over | {alert}})
            case CheckedIn(answer=Answer.WELL) | ContactLogged(reached=Whom.PERSON):
                sign = (_latest(record), record.version)
                return self.model_copy(update={"answered": max(self.answered or sign, sign)})
            case _:
                return self

    def has_reached(self, alert: UUID, arrival: int) -> bool:
        """Whether an alert has reached the case since the person came to where he is."""
        return alert in self.reached and self.reached[alert].fact.arrival >= arrival

    @property
    def in_force(self) -> dict[UUID, Reached]:
        """Those that nobody has ended, wherever the person may be now."""
        return {alert: one for alert, one in self.reached.items() if alert not in self.over}

    def concern(self, alert: AlertReached) -> bool:
        """Whether an alert means this person, once he is in its country. Doubt counts as danger."""
        # a region of another country says nothing about where he lives in this one
        elsewhere = self.region is not None and self.region.startswith(f"{alert.country}-")
        is_there = alert.region is None or not elsewhere or self.region == alert.region
        is_meant = not alert.concerns or any(self.exposures.get(one, True) for one in alert.concerns)
        return is_there and is_meant

    def _endanger(self, alert: AlertReached) -> bool:
        """Whether an alert concerns the person where he is, as far as is known. Doubt counts as danger."""
        return self.country in (None, alert.country) and self.concern(alert)

    def raised_by(self, record: Record) -> Risk | None:
        """The level to which one more fact raises the risk: of the alerts that concern the person because of it."""
        before = {alert for alert, one in self.in_force.items() if self._endanger(one.fact)}
        then = self.after(record)
        if isinstance(record.fact, AlertReached) and then is not self:
            before.discard(record.fact.alert)
        noted = record.fact.region[:2] if isinstance(record.fact, RegionNoted) else None
        levels = [
            one.fact.level
            for alert, one in then.in_force.items()
            if alert not in before and then._endanger(one.fact) and noted in (None, one.fact.country)
        ]
        return max(levels, key=list(Risk).index, default=None)

    def duties(self, room: Room, where: str | None, told: tuple[StaffId, ...]) -> Iterator[Duty]:
        """A sign of safety, for each alert that concerns the person where he is. Silence is none.

        Args:
            room: the safety room, which knows what was acknowledged when.
            where: the country where he is.
            told: staff, in the order they are called.
        """
        for alert, one in self.in_force.items():
            is_answered = self.answered is not None and self.answered > one.place
            if one.fact.country == where and self.concern(one.fact) and not is_answered:
                hours = one.fact.within_hours
                title = f"An alert for {where} asks for a sign of safety within {hours} h: reach the person"
                due = room.again(answer_duty(alert), one.due, FOUND_WITHIN)
                duty = emergency_duty(answer_duty(alert), title, due, told)
                # the first rung is told at once, and is one message for all cases of a coordinator
                yield duty.model_copy(update={"reminders": (due - one.at,) if due == one.due else ()})


def _latest(sign: Record) -> datetime:
    """The latest instant at which a sign of safety can have been given: never later than it was recorded.

    So nothing answers an alert that comes after it, even a sign that is dated ahead by a slip.
    """
    instant = sign.occurred.instant
    is_told_to_the_minute = instant == whole_minute(instant)
    return min(instant + timedelta(minutes=1) if is_told_to_the_minute else instant, sign.recorded_at)


def short(alert: UUID) -> str:
    """What an alert is called where people type it, and in the names of duties."""
    return alert.hex[:12]


def answer_duty(alert: UUID) -> str:
    """The duty to get an answer to an alert."""
    return f"{ANSWER}{short(alert)}"
