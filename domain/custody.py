"""Custody and disappearance: a man is taken, handed over, lost, found, set free.

A part of the safety room. Each event opens its emergency duties; none of them ends but by a fact that a person records.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.duties import Consequence, Duty, emergency_duty
from domain.facts import CountryCode, Fact, Frozen, Record, Report
from domain.room import Room, dated_duty

LAWYER_WITHIN = timedelta(hours=1)
"""A detained man can be expelled within hours (facts: Kazakhstan, January 2026)."""

WHEREABOUTS_WITHIN = timedelta(hours=24)
"""After a deportation or disappearance: where is he held, and by whom?"""

RELEASE_TALK_WITHIN = timedelta(hours=12)
"""After a release: is he safe, and must he move?"""

CUSTODY_ROUND = timedelta(days=7)
"""While custody lasts, somebody asks after him this often."""


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


class Custody(Frozen):
    """What is known of custody and disappearance now."""

    facts: ClassVar[tuple[type[Fact], ...]] = (
        Detained,
        ExtraditionRequested,
        LawyerEngaged,
        InterimMeasureGranted,
        Released,
        Deported,
        Disappeared,
        Found,
    )

    held: Emergency | None = None
    held_since: AwareDatetime | None = None
    missing_since: AwareDatetime | None = None
    extradition_by: CountryCode | None = None
    lawyer: bool = False
    interim_measure: bool = False
    interim_measure_until: date | None = None
    released_at: AwareDatetime | None = None

    def after(self, record: Record) -> "Custody":
        instant = record.occurred.instant
        match record.fact:
            case Detained():
                return self._taken(Emergency.DETENTION, instant)
            case Deported():
                return self._taken(Emergency.DEPORTATION, instant)
            case Disappeared():
                return self._with(missing_since=instant, released_at=None)
            case ExtraditionRequested(by=state):
                return self._with(extradition_by=state)
            case LawyerEngaged():
                return self._with(lawyer=True)
            case InterimMeasureGranted(until=until):
                return self._with(interim_measure=True, interim_measure_until=until)
            case Released():
                # what was arranged for this custody holds for no later one; a request for extradition stands
                return Custody(extradition_by=self.extradition_by, released_at=instant)
            case Found():
                return self._with(missing_since=None)
            case _:
                return self

    def _with(self, **changes: object) -> "Custody":
        return self.model_copy(update=changes)

    def _taken(self, held: Emergency, since: datetime) -> "Custody":
        return self._with(held=held, held_since=since, released_at=None)

    @property
    def emergency(self) -> Emergency | None:
        """The gravest emergency that is open."""
        return self.held or (Emergency.DISAPPEARANCE if self.missing_since is not None else None)

    def objection(self, fact: Fact) -> str | None:
        match fact:
            case Released() if self.held is None:
                return "no custody is recorded"
            case Found() if self.missing_since is None:
                return "no disappearance is recorded"
            case _:
                return None

    def duties(self, room: Room) -> Iterator[Duty]:
        """The emergency duties.

        Args:
            room: the safety room, which knows what was acknowledged when.
        """
        yield from self._while_it_lasts(room)
        if self.released_at is not None:
            yield emergency_duty(
                "after-release",
                "Speak with the person after the release: is he safe, must he move?",
                self.released_at + RELEASE_TALK_WITHIN,
            )
        yield from dated_duty(
            "interim-measure-ends",
            "The interim measure against removal ends",
            self.interim_measure_until,
            Consequence.REMOVAL,
        )

    def _while_it_lasts(self, room: Room) -> Iterator[Duty]:
        since = self.held_since or self.missing_since
        if since is None:
            return
        if self.held is Emergency.DETENTION and not self.lawyer:
            yield emergency_duty("lawyer", "Get a lawyer to the detained person", since + LAWYER_WITHIN)
        if self.held is Emergency.DEPORTATION or self.missing_since is not None:
            lost = self.missing_since or since
            title = "Find out where the person is held, and by whom"
            yield emergency_duty("whereabouts", title, lost + WHEREABOUTS_WITHIN)
        if self.held is not None and not self.interim_measure:
            title = "Decide on interim measures before a court or treaty body"
            yield emergency_duty("interim-measures", title, since + WHEREABOUTS_WITHIN)
        again = room.since("custody-round", since) + CUSTODY_ROUND
        yield emergency_duty("custody-round", "Ask after the person: custody or disappearance goes on", again)
