"""Custody and disappearance: a man is taken, handed over, lost, found, set free.

A part of the safety room. Each event opens its emergency duties, and has its own path afterwards: after a release, the
talk, the papers, and whether he must move on; after a hand-over, where he is and a lawyer there; after he was found,
what happened. None of them ends but by a fact that a person records.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from domain.duties import Consequence, Duty, emergency_duty
from domain.evidence import Evidenced
from domain.facts import CountryCode, Fact, Frozen, Occurred, Record, Report
from domain.room import Room, dated_duty, first_end_of_day

LAWYER_WITHIN = timedelta(hours=1)
"""A detained man can be expelled within hours (facts: Kazakhstan, January 2026)."""

LAWYER_AGAIN = timedelta(hours=4)
"""Who takes it in hand to get a lawyer has found one within these, or is called again; all else after its own limit."""

WHEREABOUTS_WITHIN = timedelta(hours=24)
"""After a deportation or disappearance: where is he held, and by whom?"""

TALK_WITHIN = timedelta(hours=12)
"""After a release, or when he was found: is he safe, and must he move?"""

PAPERS_WITHIN = timedelta(days=3)
"""After a release: papers that were kept, and a ground that ran out meanwhile, make the next detention."""

MOVING_DECIDED_WITHIN = timedelta(days=7)
"""After a release: who was taken once is known to those who took him."""

CUSTODY_ROUND = timedelta(days=7)
"""While custody lasts, somebody asks after him this often."""

STEPS = frozenset(
    {"after-release", "papers-after-release", "moving-after-release", "after-found", "tell-of-disappearance"}
)
"""The duties that a person ends by saying that the step was done."""


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


class LawyerEngaged(Report):
    """A lawyer has taken the person's defence."""

    kind: Literal["lawyer-engaged"] = "lawyer-engaged"


class InterimMeasureGranted(Report):
    """A court or treaty body told a state not to hand the person over for now. No other state is bound by it."""

    kind: Literal["interim-measure-granted"] = "interim-measure-granted"
    against: CountryCode = Field(description="the state that it binds")
    until: date | None = Field(default=None, description="last day, if one is set")


class InterimMeasureEnded(Report):
    """That measure holds no more."""

    kind: Literal["interim-measure-ended"] = "interim-measure-ended"
    against: CountryCode = Field(description="the state that it bound")


class Released(Report):
    """The person is free again."""

    kind: Literal["released"] = "released"


class Deported(Evidenced):
    """The person was removed to another state: deported, extradited, or simply handed over."""

    kind: Literal["deported"] = "deported"
    to: CountryCode = Field(description="where to")


class Disappeared(Report):
    """Nobody knows where the person is."""

    kind: Literal["disappeared"] = "disappeared"


class Found(Report):
    """It is known again where the person is."""

    kind: Literal["found"] = "found"


class Measure(Frozen):
    """An interim measure against removal by one state."""

    on: Occurred
    until: date | None


class Custody(Frozen):
    """What is known of custody and disappearance now.

    Attributes:
        held: whether he is held, and how it came to that.
        held_since: since when.
        removed_to: where he was removed to.
        missing_since: since when nobody knows where he is.
        lawyer: when a lawyer was last engaged. Who is taken again needs him again.
        measures: the interim measures that stand, by the state that each binds.
        released: when he was last set free.
        found: when it was last known again where he is.
        taken_again: a detention was told while he was held: of the release before it, or after it, only the dates tell.
        missed_again: the same of a disappearance.
    """

    facts: ClassVar[tuple[type[Fact], ...]] = (
        Detained,
        LawyerEngaged,
        InterimMeasureGranted,
        InterimMeasureEnded,
        Released,
        Deported,
        Disappeared,
        Found,
    )

    held: Emergency | None = None
    held_since: Occurred | None = None
    removed_to: CountryCode | None = None
    missing_since: Occurred | None = None
    lawyer: Occurred | None = None
    measures: Mapping[str, Measure] = Field(default_factory=dict)
    released: Occurred | None = None
    found: Occurred | None = None
    taken_again: bool = False
    missed_again: bool = False

    def after(self, record: Record) -> "Custody":
        when = record.occurred
        match record.fact:
            case Detained():
                again = self.held is not None
                taken = self._with(held=Emergency.DETENTION, held_since=when, released=None, found=None)
                return taken._with(taken_again=again)
            case Deported(to=state):
                taken = self._with(held=Emergency.DEPORTATION, held_since=when, released=None, found=None)
                return taken._with(removed_to=state)
            case Disappeared():
                again = self.missing_since is not None
                return self._with(missing_since=when, released=None, found=None, missed_again=again)
            case LawyerEngaged():
                return self._with(lawyer=when)
            case InterimMeasureGranted(against=state, until=until):
                return self._with(measures={**self.measures, state: Measure(on=when, until=until)})
            case InterimMeasureEnded(against=state):
                return self._with(measures={one: kept for one, kept in self.measures.items() if one != state})
            case Released() if self.taken_again and _may_follow(self.held_since, when):
                return self._with(taken_again=False)
            case Found() if self.missed_again and _may_follow(self.missing_since, when):
                return self._with(missed_again=False)
            case Released():
                free = {"held": None, "held_since": None, "missing_since": None, "found": None}
                return self._with(**free, released=when)
            case Found():
                return self._with(missing_since=None, found=when)
            case _:
                return self

    def _with(self, **changes: object) -> "Custody":
        return self.model_copy(update=changes)

    @property
    def emergency(self) -> Emergency | None:
        """The gravest emergency that is open."""
        return self.held or (Emergency.DISAPPEARANCE if self.missing_since is not None else None)

    def objection(self, fact: Fact) -> str | None:
        match fact:
            case Released() if self.held is None:
                return "no custody is recorded"
            case Found() if self.missing_since is None and self.held is not Emergency.DEPORTATION:
                return "no disappearance is recorded"
            case InterimMeasureEnded(against=state) if state not in self.measures:
                return "no interim measure against this state is recorded"
            case _:
                return None

    def duties(
        self, room: Room, here: CountryCode | None, defended: Sequence[Occurred], stopped: Sequence[Occurred]
    ) -> Iterator[Duty]:
        """The emergency duties.

        Args:
            room: the safety room, which knows what was acknowledged and done when.
            here: where the person is: a measure that binds another state stops nobody there.
            defended: against what else a lawyer is needed: since when removals have been asked for or ordered.
            stopped: against what else an interim measure is decided on, by the latest step of each removal.
        """
        yield from self._defence(room, here, defended, stopped)
        yield from self._whereabouts(room)
        yield from (duty.model_copy(update={"aftermath": True}) for duty in self._afterwards(room))
        for state, measure in sorted(self.measures.items()):
            ends, title = f"interim-measure-ends.{state}", f"The interim measure against removal by {state} ends"
            yield from dated_duty(ends, title, measure.until, Consequence.REMOVAL, first_end_of_day)

    def _defence(
        self, room: Room, here: CountryCode | None, defended: Sequence[Occurred], stopped: Sequence[Occurred]
    ) -> Iterator[Duty]:
        own = [self.held_since] if self.held_since is not None and self.held is not None else []
        detained = own if self.held is Emergency.DETENTION else []
        if undefended := _unanswered(self.lawyer, [*detained, *defended]):
            title = "Get a lawyer to the person: detained, asked for, or to be expelled"
            yield _until_recorded(room, "lawyer", title, undefended, LAWYER_WITHIN, LAWYER_AGAIN)
        if self.held is Emergency.DEPORTATION and (handed_over := _unanswered(self.lawyer, own)):
            title = f"Find a lawyer where the person was taken: {self.removed_to}"
            yield _until_recorded(room, "lawyer-there", title, handed_over, WHEREABOUTS_WITHIN)
        measure = self.measures.get(here) if here is not None else None
        if unstopped := _unanswered(measure.on if measure is not None else None, [*own, *stopped]):
            title = "Decide on interim measures before a court or treaty body"
            yield _until_recorded(room, "interim-measures", title, unstopped, WHEREABOUTS_WITHIN)

    def _whereabouts(self, room: Room) -> Iterator[Duty]:
        since = self.held_since or self.missing_since
        if since is None:
            return
        lost = self.missing_since or (since if self.held is Emergency.DEPORTATION and self.found is None else None)
        if lost is not None:
            title = "Find out where the person is held, and by whom"
            yield _until_recorded(room, "whereabouts", title, [lost], WHEREABOUTS_WITHIN)
        if self.missing_since is not None:
            title = "Decide whom to tell of the disappearance, of those whom consent covers"
            yield from _step(room, "tell-of-disappearance", title, self.missing_since, WHEREABOUTS_WITHIN)
        again = room.since("custody-round", since.instant) + CUSTODY_ROUND
        yield emergency_duty("custody-round", "Ask after the person: custody or disappearance goes on", again)

    def _afterwards(self, room: Room) -> Iterator[Duty]:
        """What follows a release, or a return; each ends with `step-done`."""
        if self.released is not None:
            title = "Speak with the person after the release: is he safe, must he move?"
            yield from _step(room, "after-release", title, self.released, TALK_WITHIN)
            title = "Is the stay still lawful after the release: papers given back, ground still valid?"
            yield from _step(room, "papers-after-release", title, self.released, PAPERS_WITHIN)
            title = "Decide with the person whether he must move on after the release"
            yield from _step(room, "moving-after-release", title, self.released, MOVING_DECIDED_WITHIN)
        elif self.found is not None and self.held is None:
            title = "Speak with the person who was found: what happened, is he safe?"
            yield from _step(room, "after-found", title, self.found, TALK_WITHIN)


def _may_follow(emergency: Occurred | None, end: Occurred) -> bool:
    """Whether an emergency whose day is not certain may have begun after an end: then that ended the one before."""
    return emergency is not None and emergency.latest > end.latest


def _unanswered(answer: Occurred | None, starts: Sequence[Occurred]) -> list[Occurred]:
    """What has begun since it was last answered, the earliest first; on one day without hours the answer counts."""
    found = [start for start in starts if answer is None or not _follows(answer, start)]
    return sorted(found, key=lambda start: start.instant)


def _follows(answer: Occurred, start: Occurred) -> bool:
    if answer.at is not None and start.at is not None:
        return answer.at >= start.at
    return answer.latest >= start.earliest


def _until_recorded(
    room: Room,
    duty_id: str,
    title: str,
    starts: Sequence[Occurred],
    within: timedelta,
    again: timedelta = WHEREABOUTS_WITHIN,
) -> Duty:
    """An emergency duty that only a record ends: taken in hand, it calls again for what has begun by then.

    What begins after that has a limit of its own.
    """
    due = min(room.again(duty_id, start.instant + within, again) for start in starts)
    return emergency_duty(duty_id, title, due)


def _step(room: Room, duty_id: str, title: str, since: Occurred, within: timedelta) -> Iterator[Duty]:
    """An emergency duty that is done when a person says so."""
    done = room.steps_done.get(duty_id)
    if done is None or not _follows(done, since):
        yield emergency_duty(duty_id, title, since.instant + within)
