"""The watch of one country: alerts, its present risk, and changes of the law that are coming.

Its stream, ``country/KZ``, holds what is public of a country and nothing of any case. Texts are sources and names of
laws, for the people at the desk.

Rules:
    1. An alert is in force until a person ends it. After its last day it reaches nobody new: whoever has not answered
       by then is still looked for, and a duty asks what is to become of it.
    2. The country's risk is raised by an alert, and lowered only by a person.
    3. Whatever must be told to the cases (an alert, its end) is *untold* until the engine records that it was spread.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from domain.alerts import AlertReached, Exposure, Region, short
from domain.danger import RISK_HOLDS_AT_MOST, Risk
from domain.duties import LEGAL_ESCALATIONS, LEGAL_REMINDERS, Consequence, Duty, emergency_duty
from domain.facts import Decision, EngineFact, Fact, Frozen, Occurred, Record, Report
from domain.room import Room, end_of_day
from domain.rulebook import Rules

if TYPE_CHECKING:
    from domain.case import Path

WATCH: Literal["country-watch"] = "country-watch"
"""What a watch is called where lists have the phase, and the type of its workflow."""

SPREAD_WITHIN = timedelta(minutes=15)
"""An alert is told to thousands of cases in seconds. After so long something hinders it, and an operator is needed."""

LOOK_AGAIN = timedelta(days=30)
"""After so long an alert that is in force is looked at, and looked at again, however far its last day lies: else a slip
of the year keeps who has not answered in danger, and their risk raised, without anybody asking why."""

CHANGE_AGAIN = timedelta(days=7)
"""So long after it was taken in hand a change of the law that is not said to be in force asks again."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of public text."""


class AlertRaised(Decision):
    """Tell every open case in the country that it has become dangerous there."""

    kind: Literal["alert-raised"] = "alert-raised"
    source: Line = Field(description="where it comes from: an address, or a few words; nothing of any person")
    level: Risk = Field(description="the risk of whom it concerns is raised to this")
    within_hours: int = Field(ge=1, le=168, description="hours within which each is asked for a sign of safety")
    region: Region | None = Field(default=None, description="only there, as ISO 3166-2 has it; everywhere if left out")
    concerns: tuple[Exposure, ...] = Field(default=(), description="whom it concerns; everybody if left out")
    until: date | None = Field(default=None, description="the last day on which it reaches who arrives")


class AlertEnded(Decision):
    """End an alert: nobody is asked to answer it any more."""

    kind: Literal["alert-ended"] = "alert-ended"
    alert: UUID = Field(description="the alert")


class RiskSet(Decision):
    """Say how dangerous the country is now, and when that is looked at again."""

    kind: Literal["risk-set"] = "risk-set"
    level: Risk = Field(description="the level")
    review_on: date = Field(description="when to look again")


class RuleChangeAnnounced(Report):
    """A change of the law was announced."""

    kind: Literal["rule-change-announced"] = "rule-change-announced"
    what: Line = Field(description="what changes, in a few words")
    source: Line = Field(description="where it says so: an address, or a few words")
    in_force_on: date = Field(description="when it comes into force")


class RuleChangeInForce(Report):
    """A change of the law is in force, and the rulebook has it."""

    kind: Literal["rule-change-in-force"] = "rule-change-in-force"
    change: UUID = Field(description="the change")


class AlertSpread(EngineFact):
    """An alert, or its end, was told to every open case in the country.

    Attributes:
        cause: the event that was told.
        told: how many cases were told.
        begin_later: how many did not run: they read the alerts when they begin.
    """

    kind: Literal["alert-spread"] = "alert-spread"
    cause: UUID
    told: int
    begin_later: int


class Alert(Frozen):
    """An alert as it stands.

    Attributes:
        untold: the event of it that has not been spread yet: its raising, or its end.
    """

    id: UUID
    fact: AlertRaised
    raised_at: AwareDatetime
    raised_by: str
    ended_at: AwareDatetime | None = None
    untold: UUID | None
    spread: AlertSpread | None = None

    def reaches_arrivals(self, now: datetime) -> bool:
        """Whether it is told to who looks now. While it is being spread, it is: whoever was there must hear of it."""
        spreads = self.untold == self.id
        return self.ended_at is None and (spreads or self.fact.until is None or now < end_of_day(self.fact.until))

    def reached(self, country: str, arrival: int) -> AlertReached:
        """What a case records of it.

        Args:
            country: the alert's.
            arrival: version of the case's event by which the person came there.
        """
        fact = self.fact
        return AlertReached(
            alert=self.id,
            country=country,
            level=fact.level,
            region=fact.region,
            concerns=fact.concerns,
            within_hours=fact.within_hours,
            arrival=arrival,
        )


class Change(Frozen):
    """A change of the law that is to come."""

    id: UUID
    fact: RuleChangeAnnounced


class Country(Room):
    """The state of a country's watch."""

    facts = (AlertRaised, AlertEnded, RiskSet, RuleChangeAnnounced, RuleChangeInForce)
    review_title = "Look at this country: nothing has been recorded of it for a while"

    alerts: Mapping[UUID, Alert] = Field(default_factory=dict)
    risk: Risk | None = None
    review_on: date | None = None
    changes: Mapping[UUID, Change] = Field(default_factory=dict)
    began: bool = False

    def apply(self, record: Record) -> "Country":
        applied = super().apply(record)
        if self.began:
            return applied
        return applied.model_copy(update={"began": True, "opened": Occurred.at_instant(record.recorded_at)})

    def after(self, record: Record) -> dict[str, object]:
        match record.fact:
            case AlertRaised(level=level) as fact:
                alert = Alert(
                    id=record.event_id,
                    fact=fact,
                    raised_at=record.recorded_at,
                    raised_by=record.actor,
                    untold=record.event_id,
                )
                return {"alerts": {**self.alerts, alert.id: alert}, "risk": _higher(self.risk, level)}
            case AlertEnded(alert=alert_id) if alert_id in self.alerts:
                ended = {"ended_at": record.recorded_at, "untold": record.event_id}
                return self._with_alert(alert_id, ended)
            case AlertSpread(cause=cause) as spread:
                told = next((one.id for one in self.alerts.values() if one.untold == cause), None)
                return self._with_alert(told, {"untold": None, "spread": spread}) if told is not None else {}
            case RiskSet(level=level, review_on=review_on):
                return {"risk": level, "review_on": review_on}
            case RuleChangeAnnounced() as fact:
                return {"changes": {**self.changes, record.event_id: Change(id=record.event_id, fact=fact)}}
            case RuleChangeInForce(change=change):
                return {"changes": {key: one for key, one in self.changes.items() if key != change}}
            case _:
                return {}

    def _with_alert(self, alert: UUID, changes: dict[str, object]) -> dict[str, object]:
        return {"alerts": {**self.alerts, alert: self.alerts[alert].model_copy(update=changes)}}

    @property
    def in_force(self) -> tuple[Alert, ...]:
        """The alerts that nobody has ended, the oldest first."""
        return tuple(one for one in self.alerts.values() if one.ended_at is None)

    @property
    def untold(self) -> tuple[Alert, ...]:
        """What the cases have not been told yet."""
        return tuple(one for one in self.alerts.values() if one.untold is not None)

    def objection(self, fact: Fact, actor: str, on: date, case: "Path") -> str | None:
        match fact:
            case AlertRaised(region=region) if region is not None and not region.startswith(f"{self.country}-"):
                return f"{region} is no region of {self.country}"
            case AlertRaised(until=until) if until is not None and until < on:
                return "the last day of the alert is past"
            case AlertEnded(alert=alert) if alert not in {one.id for one in self.in_force}:
                return "there is no such alert, or it was ended already"
            case RiskSet(review_on=review_on) if review_on <= on:
                return "the day to look again must lie after today"
            case RiskSet(review_on=review_on) if review_on > on + RISK_HOLDS_AT_MOST:
                return f"the day to look again lies {RISK_HOLDS_AT_MOST.days} days ahead at most"
            case RuleChangeInForce(change=change) if change not in self.changes:
                return "no such change is announced"
            case _:
                return None

    def own_duties(self, case: "Path", rules: Rules) -> Iterator[Duty]:
        for alert in self.untold:
            began = alert.ended_at or alert.raised_at
            title = f"An alert for {self.country} has not been told to all cases yet: see worker.log"
            yield emergency_duty(f"spread.{short(alert.id)}", title, began + SPREAD_WITHIN)
        for alert in self.in_force:
            yield self._look_at(alert)
        for change in self.changes.values():
            duty_id, first = f"rule-change.{short(change.id)}", datetime.combine(change.fact.in_force_on, time(), UTC)
            yield Duty(
                id=duty_id,
                title="A change of the law comes into force: see that the rulebook has it (`safeconduct rules --diff`)",
                due=self.again(duty_id, first, CHANGE_AGAIN),
                consequence=Consequence.UNKNOWN,
                reminders=LEGAL_REMINDERS,
                escalations=LEGAL_ESCALATIONS,
            )
        if self.review_on is not None:
            due = self.again("risk-review", datetime.combine(self.review_on, time(), UTC), LOOK_AGAIN)
            title = f"Say again how dangerous {self.country} is"
            yield Duty(id="risk-review", title=title, due=due, consequence=Consequence.DANGER)

    def _look_at(self, alert: Alert) -> Duty:
        """What becomes of an alert whose last day has passed, or that nobody has looked at for long."""
        duty_id, first, until = f"alert.{short(alert.id)}", alert.raised_at + LOOK_AGAIN, alert.fact.until
        ends = end_of_day(until) if until is not None else None
        due = self.again(duty_id, first if ends is None else min(first, ends), LOOK_AGAIN)
        if ends is not None and due - LOOK_AGAIN < ends:  # it was not looked at since its last day
            due = min(due, ends)
        title = f"Look at the alert for {self.country}: end it, or raise it anew"
        return Duty(id=duty_id, title=title, due=due, consequence=Consequence.DANGER, escalations=LEGAL_ESCALATIONS)

    def headline(self) -> str:
        alerts = len(self.in_force)
        risk = f"risk {self.risk}" if self.risk is not None else "watched"
        return f"{risk}, {alerts} {'alert' if alerts == 1 else 'alerts'} in force" if alerts else risk


def _higher(one: Risk | None, other: Risk) -> Risk:
    return other if one is None else max(one, other, key=list(Risk).index)
