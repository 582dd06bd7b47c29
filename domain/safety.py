"""Safety watches over everything: check-ins, risk, and what happens when a man is taken.

Open from the first day until a person closes the path, in every country. Silence is never safety: a missed check-in
climbs its ladder until a human takes it in hand.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from domain.case import Milestone, Path
from domain.duties import EMERGENCY_ESCALATIONS, LEGAL_ESCALATIONS, Consequence, Duty
from domain.facts import CountryCode, Decision, Fact, Record, Report
from domain.room import DIGEST, Acknowledged, HistoryImported, PastDuty, Room, dated_duty
from domain.rulebook import Rules

LAWYER_WITHIN = timedelta(hours=1)
"""A detained man can be expelled within hours (facts: Kazakhstan, January 2026)."""

WHEREABOUTS_WITHIN = timedelta(hours=24)
"""After a deportation or disappearance: where is he held, and by whom?"""

RELEASE_TALK_WITHIN = timedelta(hours=12)
"""After a release: is he safe, and must he move?"""

CUSTODY_ROUND = timedelta(days=7)
"""While custody lasts, somebody asks after him this often."""

DIGEST_WITHIN = timedelta(days=7)
"""How long staff have to go through what was past at an import."""

RISK_REVIEW_AGAIN = timedelta(days=30)
"""After a risk review was taken in hand without a new assessment."""

DEFAULT_CHECK_IN_DAYS = 14
"""Until a check-in plan is agreed with the person."""


class Risk(StrEnum):
    """How great the present danger is thought to be."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Channel(StrEnum):
    """How staff and person reached each other."""

    MESSAGE = "message"
    CALL = "call"
    RELAY = "relay"
    VISIT = "visit"


class Authority(StrEnum):
    """Who holds, or asks for, a person."""

    POLICE = "police"
    BORDER_GUARD = "border-guard"
    MIGRATION_SERVICE = "migration-service"
    SECURITY_SERVICE = "security-service"
    FOREIGN_MILITARY = "foreign-military"
    UNKNOWN = "unknown"


class Emergency(StrEnum):
    """What kind of emergency is open."""

    DETENTION = "detention"
    DEPORTATION = "deportation"
    DISAPPEARANCE = "disappearance"


class CheckInPlanned(Decision):
    """Agree how often the person lets staff know that he is safe."""

    kind: Literal["check-in-planned"] = "check-in-planned"
    every_days: int = Field(ge=1, le=92, description="days between check-ins")
    grace_hours: int = Field(default=24, ge=1, le=168, description="hours of grace before the alarm")


class CheckedIn(Report):
    """The person let staff know that he is safe."""

    kind: Literal["checked-in"] = "checked-in"
    channel: Channel = Field(default=Channel.MESSAGE, description="how")


class RiskAssessed(Decision):
    """Set the risk level and the day on which it is looked at again."""

    kind: Literal["risk-assessed"] = "risk-assessed"
    level: Risk = Field(description="the level")
    review_on: date = Field(description="when to look again")


class Detained(Report):
    """The person was taken into custody."""

    kind: Literal["detained"] = "detained"
    by: Authority = Field(default=Authority.UNKNOWN, description="by whom")


class ExtraditionRequested(Report):
    """A state asks for the person to be handed over."""

    kind: Literal["extradition-requested"] = "extradition-requested"
    by: CountryCode = Field(description="the state that asks")


class LawyerEngaged(Report):
    """A lawyer has taken the person's defence."""

    kind: Literal["lawyer-engaged"] = "lawyer-engaged"


class InterimMeasureGranted(Report):
    """A court or treaty body told the state not to hand the person over for now."""

    kind: Literal["interim-measure-granted"] = "interim-measure-granted"
    until: date | None = Field(default=None, description="last day, if one is set")


class Released(Report):
    """The person is free again."""

    kind: Literal["released"] = "released"


class Deported(Report):
    """The person was removed to another state: deported, extradited, or simply handed over."""

    kind: Literal["deported"] = "deported"
    to: CountryCode = Field(description="where to")


class Disappeared(Report):
    """Nobody knows where the person is."""

    kind: Literal["disappeared"] = "disappeared"


class Found(Report):
    """It is known again where the person is."""

    kind: Literal["found"] = "found"


class ContactLogged(Report):
    """Staff and the person spoke. What was said goes into the note."""

    kind: Literal["contact-logged"] = "contact-logged"
    channel: Channel = Field(default=Channel.MESSAGE, description="how")


class Safety(Room):
    """The state of one person's safety."""

    facts = (
        CheckInPlanned,
        CheckedIn,
        RiskAssessed,
        Detained,
        ExtraditionRequested,
        LawyerEngaged,
        InterimMeasureGranted,
        Released,
        Deported,
        Disappeared,
        Found,
        ContactLogged,
    )
    review_title = "Review this person's safety"

    every_days: int = DEFAULT_CHECK_IN_DAYS
    grace_hours: int = 24
    checked_in_at: AwareDatetime | None = None
    risk: Risk | None = None
    risk_review_on: date | None = None
    custody: Emergency | None = None
    custody_since: AwareDatetime | None = None
    missing_since: AwareDatetime | None = None
    extradition_by: CountryCode | None = None
    lawyer: bool = False
    interim_measure: bool = False
    interim_measure_until: date | None = None
    released_at: AwareDatetime | None = None
    past: tuple[PastDuty, ...] = ()

    def apply(self, record: Record) -> "Safety":
        applied = super().apply(record)
        match record.fact:
            case HistoryImported(past=past):
                return applied.model_copy(update={"past": past})
            case Acknowledged(duty=duty) if duty == DIGEST:
                return applied.model_copy(update={"past": ()})
            case _:
                return applied

    def after(self, record: Record) -> dict[str, object]:
        instant = record.occurred.instant
        match record.fact:
            case CheckInPlanned(every_days=days, grace_hours=hours):
                return {"every_days": days, "grace_hours": hours}
            case CheckedIn() | ContactLogged():
                return {"checked_in_at": max(self.checked_in_at or instant, instant)}
            case RiskAssessed(level=level, review_on=review_on):
                return {"risk": level, "risk_review_on": review_on}
            case Detained():
                return self._custody(Emergency.DETENTION, instant)
            case Deported():
                return self._custody(Emergency.DEPORTATION, instant)
            case Disappeared():
                return {"missing_since": instant, "risk": Risk.CRITICAL, "released_at": None}
            case ExtraditionRequested(by=state):
                return {"extradition_by": state, "risk": Risk.CRITICAL}
            case LawyerEngaged():
                return {"lawyer": True}
            case InterimMeasureGranted(until=until):
                return {"interim_measure": True, "interim_measure_until": until}
            case Released():
                return self._free(instant)
            case Found():
                return {"missing_since": None, "checked_in_at": max(self.checked_in_at or instant, instant)}
            case _:
                return {}

    def _custody(self, custody: Emergency, since: datetime) -> dict[str, object]:
        return {"custody": custody, "custody_since": since, "risk": Risk.CRITICAL, "released_at": None}

    def _free(self, since: datetime) -> dict[str, object]:
        """Free again: what was arranged for this custody holds for no later one."""
        over = {"custody": None, "custody_since": None, "missing_since": None, "lawyer": False}
        measures = {"interim_measure": False, "interim_measure_until": None}
        return over | measures | {"released_at": since, "checked_in_at": max(self.checked_in_at or since, since)}

    @property
    def emergency(self) -> Emergency | None:
        """The gravest emergency that is open."""
        return self.custody or (Emergency.DISAPPEARANCE if self.missing_since is not None else None)

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        match fact:
            case Released() if self.custody is None:
                return "no custody is recorded"
            case Found() if self.missing_since is None:
                return "no disappearance is recorded"
            case RiskAssessed(review_on=review_on) if review_on <= on:
                return "the day to look again must lie after the day of the assessment"
            case _:
                return None

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Detained():
                return Milestone.DETAINED
            case Released():
                return Milestone.RELEASED
            case Deported():
                return Milestone.DEPORTED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if self.emergency is None:
            yield self._check_in()
        yield from self._emergency_duties()
        for state, when in sorted(case.forbidden_contacts.items()):
            title = f"A contact with {state}, which must never be contacted, is reported: protect the person"
            yield _urgent(f"forbidden-contact.{state}", title, when.instant)
        if self.released_at is not None:
            yield _urgent(
                "after-release",
                "Speak with the person after the release: is he safe, must he move?",
                self.released_at + RELEASE_TALK_WITHIN,
            )
        if self.past:
            listed = ", ".join(sorted({one.duty for one in self.past}))
            yield Duty(
                id=DIGEST,
                title=f"To be checked by a person, past at the import: {listed}",
                due=self.anchor + DIGEST_WITHIN,
                escalations=LEGAL_ESCALATIONS,
            )
        if self.risk_review_on is not None:
            yield self._risk_review(self.risk_review_on)
        yield from dated_duty(
            "interim-measure-ends",
            "The interim measure against removal ends",
            self.interim_measure_until,
            Consequence.REMOVAL,
        )
        yield from _consent_duties(self, case)

    def _check_in(self) -> Duty:
        last = self.since("check-in", max(self.checked_in_at or self.opened.instant, self.opened.instant))
        due = last + timedelta(days=self.every_days, hours=self.grace_hours)
        return Duty(
            id="check-in",
            title="The person has not checked in: find out whether he is safe",
            due=due,
            consequence=Consequence.DANGER,
            escalations=LEGAL_ESCALATIONS,
        )

    def _risk_review(self, review_on: date) -> Duty:
        due = datetime.combine(review_on, time(), UTC)
        taken = self.acknowledged_at.get("risk-review")
        if taken is not None and taken >= due:
            due = taken + RISK_REVIEW_AGAIN
        return Duty(id="risk-review", title="Assess this person's risk again", due=due, consequence=Consequence.DANGER)

    def _emergency_duties(self) -> Iterator[Duty]:
        since = self.custody_since or self.missing_since
        if since is None:
            return
        if self.custody is Emergency.DETENTION and not self.lawyer:
            yield _urgent("lawyer", "Get a lawyer to the detained person", since + LAWYER_WITHIN)
        if self.custody is Emergency.DEPORTATION or self.missing_since is not None:
            lost = self.missing_since or since
            yield _urgent("whereabouts", "Find out where the person is held, and by whom", lost + WHEREABOUTS_WITHIN)
        if self.custody is not None and not self.interim_measure:
            title = "Decide on interim measures before a court or treaty body"
            yield _urgent("interim-measures", title, since + WHEREABOUTS_WITHIN)
        again = self.since("custody-round", since) + CUSTODY_ROUND
        yield _urgent("custody-round", "Ask after the person: custody or disappearance goes on", again)

    def headline(self) -> str:
        if self.emergency is not None:
            return f"{self.emergency}: emergency"
        return f"watched, risk {self.risk}" if self.risk is not None else "watched"


def _urgent(duty_id: str, title: str, due: datetime) -> Duty:
    return Duty(
        id=duty_id,
        title=title,
        due=due,
        consequence=Consequence.DANGER,
        escalations=EMERGENCY_ESCALATIONS,
        emergency=True,
    )


def _consent_duties(safety: Safety, case: Path) -> Iterator[Duty]:
    """Consent is asked for again before it ends; a withdrawal is talked over."""
    ends = min((one.until for one in case.consents if one.until is not None), default=None)
    yield from dated_duty("consent-ends", "Consent ends: ask the person again", ends, Consequence.CONSENT_ENDS)
    if case.withdrawn:
        asked = safety.since("consent-withdrawn", safety.anchor)
        title = "Consent was withdrawn: stop what is pending, and ask the person what he wishes"
        yield Duty(
            id="consent-withdrawn", title=title, due=asked + timedelta(days=1), consequence=Consequence.CONSENT_ENDS
        )
