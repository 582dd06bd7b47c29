"""The case: its path, and the gates between phases.

The path is a pure function of what is recorded on the stream ``case/<ref>``: consent, the states never to be
contacted, who is responsible, which phases were opened, and the milestones the phases reported.

Invariants:
    1. ``wanted`` depends on nothing but the recorded facts, so a forecast and the running engine open the same phases.
    2. Entry is wanted only with a pledge and a clearance and a possible exit.
    3. An adverse vetting closes the gate to entry; it never ends safety or transit stay.
    4. Only a person closes a path.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.consent import Consent, ConsentGiven, ConsentWithdrawn, Material, Purpose, Recipient
from domain.duties import Duty
from domain.facts import CountryCode, Decision, EngineFact, Fact, Frozen, Occurred, Record, StaffId
from domain.references import Phase, phase_of
from domain.retention import Hold, HoldLifted, HoldPlaced, HoldReason, erase_by, longest
from domain.room import Room
from domain.rulebook import Rules
from domain.rulebook.editions import Held


class Milestone(StrEnum):
    """What a phase tells the path."""

    RELOCATED = "relocated"
    EXIT_CLEARED = "exit-cleared"
    EXIT_BARRED = "exit-barred"
    DETAINED = "detained"
    RELEASED = "released"
    DEPORTED = "deported"
    EXPULSION_ORDERED = "expulsion-ordered"
    EXPULSION_LIFTED = "expulsion-lifted"
    PLEDGED = "pledged"
    PLEDGE_LAPSED = "pledge-lapsed"
    CLEARED = "cleared"
    CLEARANCE_LAPSED = "clearance-lapsed"
    ADVERSE = "adverse"
    DEPARTED = "departed"
    JOURNEY_FAILED = "journey-failed"
    ARRIVED = "arrived"
    PROTECTED = "protected"
    FINALLY_REFUSED = "finally-refused"
    REMEDY_OPENED = "remedy-opened"
    FORBIDDEN_CONTACT = "forbidden-contact"
    ENTERED = "entered"
    STAYED_BEFORE = "stayed-before"


class Stage(StrEnum):
    """Where a path stands, in one word for a list."""

    TRANSIT = "in transit"
    CLEARED = "cleared, waiting"
    ENTRY = "entry"
    ASYLUM = "asylum claim"
    PROTECTED = "protected"
    REMEDIES = "remedies and departure"
    CUSTODY = "custody"
    CLOSED = "closed"


class ClosingReason(StrEnum):
    """Why a person closed a path."""

    PROTECTED = "protected"
    WITHDREW = "withdrew"
    RETURNED_BY_CHOICE = "returned-by-choice"
    LOST = "lost"
    DIED = "died"
    REFERRED_ON = "referred-on"


class CaseOpened(Decision):
    """The case begins. It is recorded together with the first consent."""

    kind: Literal["case-opened"] = "case-opened"
    coordinator: StaffId = Field(description="the staff member responsible")
    country: CountryCode = Field(description="where the person is, as a country code")


class NeverContactSet(Decision):
    """Name the states that must never be contacted. No act of staff towards one is accepted, without override."""

    kind: Literal["never-contact-set"] = "never-contact-set"
    states: tuple[CountryCode, ...] = Field(description="the whole list, as country codes")


class Assigned(Decision):
    """Make a staff member responsible for the case."""

    kind: Literal["assigned"] = "assigned"
    coordinator: StaffId = Field(description="the staff member")


class PathClosed(Decision):
    """Close the path. Only a person does this."""

    kind: Literal["path-closed"] = "path-closed"
    reason: ClosingReason = Field(description="why")
    retention_days: int | None = Field(
        default=None,
        ge=1,
        le=36500,
        description="days until it is to be erased; the installation's if left out",
    )


class PathReopened(Decision):
    """Open a closed path again: it goes on where it stood."""

    kind: Literal["path-reopened"] = "path-reopened"


class RoomOpenedForReport(Decision):
    """Open a phase whose gate is shut, because something has happened there that must be recorded."""

    kind: Literal["room-opened-for-report"] = "room-opened-for-report"
    phase: Phase = Field(description="the phase")
    country: CountryCode | None = Field(default=None, description="the country concerned; the present one if left out")


class MilestoneReached(EngineFact):
    """A phase told the path what happened."""

    kind: Literal["milestone-reached"] = "milestone-reached"
    dated = True
    milestone: Milestone
    source: UUID
    stream: str
    country: CountryCode | None = None
    until: date | None = None
    """The last day of a stay, if it is over."""


class MilestoneWithdrawn(EngineFact):
    """A correction took a milestone back."""

    kind: Literal["milestone-withdrawn"] = "milestone-withdrawn"
    source: UUID


class PhaseOpened(EngineFact):
    """The path opened a round of a phase."""

    kind: Literal["phase-opened"] = "phase-opened"
    phase: Phase
    number: int
    country: CountryCode | None = None
    outside_path: bool = False


class PhaseEnded(EngineFact):
    """The path ended a round of a phase."""

    kind: Literal["phase-ended"] = "phase-ended"
    phase: Phase
    number: int


class Round(Frozen):
    """One round of a phase, as the path has opened it."""

    phase: Phase
    number: int
    country: CountryCode | None
    opened: Occurred
    ended: Occurred | None = None
    outside_path: bool = False
    opened_at: AwareDatetime | None = None
    """When it was opened, on the case clock: tells which edition of the law it began with."""


class FormerStay(Frozen):
    """A stay that a round was told of. Later rounds in its country count it.

    Attributes:
        until: its last day. One that is told without it may be told again with it.
    """

    stream: str
    country: CountryCode
    entered: Occurred
    until: date | None


class Path(Room):
    """The state of a case's own stream: consent, responsibility, milestones, and which phases are open."""

    coordinator: str | None = None
    consents: tuple[Consent, ...] = ()
    withdrawn: bool = False
    never_contact: frozenset[str] = frozenset()
    rounds: tuple[Round, ...] = ()
    heard: tuple[MilestoneReached, ...] = ()
    closed: ClosingReason | None = None
    forbidden_contacts: Mapping[str, Occurred] = Field(default_factory=dict)
    former_stays: tuple[FormerStay, ...] = ()
    began: bool = False
    erase_by: date | None = None
    holds: tuple[Hold, ...] = ()

    stay: int = 1
    round_of_asking: int = 1
    journey: int = 1
    pledge: CountryCode | None = None
    cleared: bool = False
    adverse: bool = False
    exit_possible: bool = False
    arrived_in: CountryCode | None = None
    in_custody: bool = False
    deported: bool = False
    expulsion: Occurred | None = None
    """When the order to expel that stands was made."""
    outcome: Milestone | None = None

    def after(self, record: Record) -> dict[str, object]:
        match record.fact:
            case CaseOpened(coordinator=coordinator, country=country):
                return {"began": True, "coordinator": coordinator, "country": country, "opened": record.occurred}
            case ConsentGiven(scopes=scopes, until=until):
                kept = tuple(one for one in self.consents if one.scope not in scopes)
                given = tuple(Consent(scope=scope, until=until) for scope in scopes)
                return {"consents": kept + given, "withdrawn": False}
            case ConsentWithdrawn(recipient=recipient):
                kept = tuple(one for one in self.consents if recipient is not None and one.scope.recipient != recipient)
                return {"consents": kept, "withdrawn": True}
            case NeverContactSet(states=states):
                return {"never_contact": frozenset(states)}
            case Assigned(coordinator=coordinator):
                return {"coordinator": coordinator}
            case PathClosed(reason=reason, retention_days=days):
                return {"closed": reason, "erase_by": erase_by(record.occurred.latest, days)}
            case PathReopened():
                return {"closed": None, "erase_by": None}
            case HoldPlaced(reason=reason, until=until):
                return {"holds": (*self._holds_without(reason), Hold(reason=reason, until=until))}
            case HoldLifted(reason=reason):
                return {"holds": self._holds_without(reason)}
            case PhaseOpened() as opened:
                return self._opened(opened, record)
            case PhaseEnded(phase=phase, number=number):
                return {"rounds": tuple(_ended(one, phase, number, record.occurred) for one in self.rounds)}
            case MilestoneReached(milestone=Milestone.FORBIDDEN_CONTACT, country=state) as reached if state is not None:
                forbidden = {**self.forbidden_contacts, state: record.occurred}
                return {"heard": (*self.heard, reached), "forbidden_contacts": forbidden}
            case MilestoneReached(milestone=Milestone.EXPULSION_ORDERED) as reached:
                return {"heard": (*self.heard, reached), "expulsion": record.occurred}
            case MilestoneReached(milestone=Milestone.ENTERED | Milestone.STAYED_BEFORE) as reached:
                return {"heard": (*self.heard, reached), **self._stayed_before(reached, record.occurred)}
            case MilestoneReached() as reached:
                return {"heard": (*self.heard, reached), **self._heard(reached)}
            case _:
                return {}

    def _opened(self, fact: PhaseOpened, record: Record) -> dict[str, object]:
        one = Round(
            phase=fact.phase,
            number=fact.number,
            country=fact.country,
            opened=record.occurred,
            outside_path=fact.outside_path,
            opened_at=record.recorded_at,
        )
        same = [other for other in self.rounds if (other.phase, other.number) == (fact.phase, fact.number)]
        if same:
            one = one.model_copy(update={"opened": same[0].opened, "opened_at": same[0].opened_at})
        changes: dict[str, object] = {"rounds": (*(other for other in self.rounds if other not in same), one)}
        if fact.outside_path and fact.phase is Phase.TRANSIT_STAY:
            changes |= {"stay": fact.number, "country": fact.country, "deported": False}
        if fact.outside_path and fact.phase is Phase.ENTRY:
            changes["journey"] = fact.number
        return changes

    def stayed_before(self, country: str | None, *, but: str) -> Iterator[tuple[Occurred, date]]:
        """The stays in a country of which its rounds have told, except one: their entries and last days.

        One of which no exit is known lasts until the next entry, else until its round ended.
        """
        told = [one for one in self.former_stays if one.country == country and one.stream != but]
        closed = {(one.stream, one.entered) for one in told if one.until is not None}
        ended = {(one.phase, one.number): one.ended for one in self.rounds}
        for one in told:
            if one.until is None and (one.stream, one.entered) in closed:
                continue
            parts, day = phase_of(one.stream), one.entered.earliest
            later = [two.entered.latest for two in told if two.stream == one.stream and two.entered.earliest > day]
            end = ended.get(parts) if parts is not None else None
            until = one.until or min(later, default=end.latest if end is not None else None)
            if until is not None:
                yield one.entered, until

    def _stayed_before(self, reached: MilestoneReached, entered: Occurred) -> dict[str, object]:
        if reached.country is None:
            return {}
        one = FormerStay(stream=reached.stream, country=reached.country, entered=entered, until=reached.until)
        return {"former_stays": (*self.former_stays, one)}

    def _heard(self, reached: MilestoneReached) -> dict[str, object]:
        from_phase = phase_of(reached.stream)
        following = from_phase[1] + 1 if from_phase else 1
        match reached.milestone:
            case Milestone.RELOCATED:
                return {"stay": following, "country": reached.country, "exit_possible": False, "expulsion": None}
            case Milestone.EXIT_CLEARED:
                return {"exit_possible": True}
            case Milestone.EXIT_BARRED:
                return {"exit_possible": False}
            case Milestone.DETAINED:
                return {"in_custody": True, "exit_possible": False}
            case Milestone.RELEASED:
                return {"in_custody": False}
            case Milestone.DEPORTED:
                gone = {"deported": True, "in_custody": True, "arrived_in": None, "exit_possible": False}
                return gone | {"country": reached.country, "expulsion": None}
            case Milestone.EXPULSION_LIFTED:
                return {"expulsion": None}
            case Milestone.PLEDGED:
                return {"pledge": reached.country}
            case Milestone.PLEDGE_LAPSED:
                return {"pledge": None, "round_of_asking": following, **self._journey_over()}
            case Milestone.CLEARED:
                return {"cleared": True, "adverse": False}
            case Milestone.CLEARANCE_LAPSED:
                return {"cleared": False}
            case Milestone.ADVERSE:
                return {"cleared": False, "adverse": True}
            case Milestone.JOURNEY_FAILED:
                return {"journey": following}
            case Milestone.ARRIVED:
                return {"arrived_in": reached.country, "deported": False, "outcome": None, "expulsion": None}
            case Milestone.PROTECTED | Milestone.FINALLY_REFUSED:
                return {"outcome": reached.milestone}
            case Milestone.REMEDY_OPENED:
                return {"outcome": None}
            case Milestone.DEPARTED | Milestone.FORBIDDEN_CONTACT | Milestone.EXPULSION_ORDERED:
                return {}
            case Milestone.ENTERED | Milestone.STAYED_BEFORE:
                return {}

    def _journey_over(self) -> dict[str, object]:
        """A journey needs its pledge: when that lapses, the round of entry that was opened for it is over."""
        opened = any(one.phase is Phase.ENTRY and one.number == self.journey for one in self.rounds)
        return {"journey": self.journey + 1 if opened else self.journey}

    def objection(self, fact: Fact, actor: str, on: date, case: "Path") -> str | None:
        if isinstance(fact, CaseOpened):
            return "this case has begun already" if self.began else None
        if not self.began:
            return "this case has not begun: start it first"
        if isinstance(fact, PathReopened):
            return None if self.closed else "this path is open"
        if isinstance(fact, HoldPlaced):
            return "a hold ends later than the day on which it is placed" if fact.until <= on else None
        if isinstance(fact, HoldLifted):
            return None if any(hold.reason == fact.reason for hold in self.holds) else "there is no such hold"
        if self.closed and not isinstance(fact, RoomOpenedForReport):
            return self.why_closed()
        if isinstance(fact, RoomOpenedForReport) and self.running(fact.phase) is not None:
            return f"{fact.phase} is open already"
        return None

    def _holds_without(self, reason: HoldReason) -> tuple[Hold, ...]:
        return tuple(hold for hold in self.holds if hold.reason is not reason)

    def held(self, on: date) -> Hold | None:
        """What keeps this case from being erased on a day."""
        return longest(self.holds, on)

    def why_closed(self) -> str | None:
        """Why nothing is decided on this path now; ``None`` while it is open."""
        return f"this path is closed ({self.closed}): reopen it first" if self.closed else None

    @property
    def where(self) -> CountryCode | None:
        """The country where the person is."""
        return self.arrived_in or self.country

    @property
    def watched(self) -> tuple[CountryCode | None, Occurred | None]:
        """What safety must hear of at once: where he is, for the alerts there, and an order to expel him."""
        return self.where, self.expulsion

    def running(self, phase: Phase) -> Round | None:
        """The open round of a phase."""
        return next((one for one in self.rounds if one.phase is phase and one.ended is None), None)

    def latest(self, phase: Phase) -> Round | None:
        """The last round of a phase, open or ended."""
        return max((one for one in self.rounds if one.phase is phase), key=lambda one: one.number, default=None)

    def is_running(self, phase: Phase, number: int) -> bool:
        running = self.running(phase)
        return running is not None and running.number == number

    def covers(self, recipient: Recipient, purpose: Purpose, materials: tuple[Material, ...], on: date) -> bool:
        """Whether consent covers saying these things to this recipient for this purpose on this day."""
        allowed = {
            material
            for one in self.consents
            if (one.scope.recipient, one.scope.purpose) == (recipient, purpose)
            and (one.until is None or on <= one.until)
            for material in one.scope.materials
        }
        return set(materials) <= allowed

    def may_hear(self, recipient: Recipient, purposes: Iterable[Purpose], on: date) -> bool:
        """Whether consent covers asking this recipient after the person on this day, for one of these purposes.

        Who may hear anything of him may hear that he exists, and to ask after him says no more.
        """
        return any(self.covers(recipient, purpose, (one,), on) for purpose in purposes for one in Material)

    def while_covered(
        self, duties: Iterable[Duty], recipient: Recipient, purpose: Purpose, *materials: Material
    ) -> Iterator[Duty]:
        """The duties to speak with a recipient, as long as consent covers it on their day.

        A withdrawal stops what is pending: staff are not reminded of what they may not do. That consent is lacking is
        a duty of the safety room.
        """
        return (duty for duty in duties if self.covers(recipient, purpose, materials, duty.due.date()))

    def no_contact(self, state: str) -> str | None:
        """Why a state may not be contacted at all; ``None`` when it may."""
        return (
            f"{state} stands on this case's list of states never to be contacted"
            if state in self.never_contact
            else None
        )

    def missing_for_entry(self) -> tuple[str, ...]:
        """What still bars the gate to entry, in words; empty when it is open."""
        return tuple(
            words
            for holds, words in (
                (self.pledge is not None, "no country has pledged"),
                (self.cleared, "vetting was adverse" if self.adverse else "vetting has not cleared"),
                (self.exit_possible, "no exit is possible"),
            )
            if not holds
        )

    def gate_to_entry(self) -> str | None:
        """Why the gate to entry is shut; ``None`` when it is open."""
        missing = self.missing_for_entry()
        return f"the gate to entry is shut: {', '.join(missing)}" if missing else None

    def gate(self, phase: Phase) -> str | None:
        """Why a phase is not open; ``None`` when nothing bars it."""
        if self.closed:
            return self.why_closed()
        match phase:
            case Phase.ENTRY:
                return self.gate_to_entry()
            case Phase.ASYLUM_FILING:
                return None if self.arrived_in else "asylum filing is not open: no arrival is recorded"
            case _:
                return None if phase in self.wanted() else f"{phase} is over on this path"

    def why_over(self, phase: Phase, number: int) -> str | None:
        """Why nothing is decided in this round now; ``None`` while it is open."""
        if self.is_running(phase, number):
            return None
        return self.gate(phase) or f"round {number} of {phase} is over"

    def wanted(self) -> dict[Phase, tuple[int, CountryCode | None]]:
        """Which phases should be open now: for each its round and its country."""
        if self.closed or not self.began:
            return {}
        wanted: dict[Phase, tuple[int, CountryCode | None]] = {Phase.SAFETY: (1, None)}
        if self.arrived_in is not None:
            wanted[Phase.ASYLUM_FILING] = (self._claim(), self.arrived_in)
        else:
            claim = self.running(Phase.ASYLUM_FILING)
            if claim is not None and self.deported:
                wanted[Phase.ASYLUM_FILING] = (claim.number, claim.country)  # an appeal goes on without him
            if not self.deported:
                wanted[Phase.TRANSIT_STAY] = (self.stay, self.country)
            wanted[Phase.EMBASSY_CONTACTS] = (self.round_of_asking, None)
            if not self.missing_for_entry():
                wanted[Phase.ENTRY] = (self.journey, self.pledge)
        if self.arrived_in is None or not self.cleared:
            wanted[Phase.VETTING] = (1, None)
        return wanted

    def _claim(self) -> int:
        """Each country of arrival has its own round of asylum filing; who comes back there finds his claim again."""
        claims = {one.country: one.number for one in self.rounds if one.phase is Phase.ASYLUM_FILING}
        return claims.get(self.arrived_in, max(claims.values(), default=0) + 1)

    def runs_on(self, phase: Phase, number: int, edition: int | None = None) -> Held:
        """What tells which edition of the law a round runs on."""
        opened = (one.opened_at for one in self.rounds if (one.phase, one.number) == (phase, number))
        return Held(next(opened, None), edition)

    def next_steps(self) -> Iterator[PhaseOpened | PhaseEnded]:
        """What the path opens and ends to come from where it is to where it should be."""
        wanted = self.wanted()
        for one in self.rounds:
            unwanted = wanted.get(one.phase, (None, None))[0] != one.number
            if one.ended is None and unwanted and not self._kept_for_report(one):
                yield PhaseEnded(phase=one.phase, number=one.number)
        for phase, (number, country) in wanted.items():
            if not self.is_running(phase, number):
                yield PhaseOpened(phase=phase, number=number, country=country)

    def _kept_for_report(self, one: Round) -> bool:
        """A room opened for a report outside the path stays open until the path itself moves past it."""
        if self.closed or not one.outside_path:
            return False
        match one.phase:
            case Phase.ENTRY:
                return one.number == self.journey and not self._arrived_by(one)
            case Phase.ASYLUM_FILING:
                return self.arrived_in is None
            case _:
                return one.phase not in self.wanted()

    def _arrived_by(self, journey: Round) -> bool:
        ends = (Milestone.ARRIVED, (Phase.ENTRY, journey.number))
        return any((fact.milestone, phase_of(fact.stream)) == ends for fact in self.heard)

    @property
    def stage(self) -> Stage:
        if self.closed:
            return Stage.CLOSED
        if self.in_custody:
            return Stage.CUSTODY
        if self.arrived_in is not None:
            match self.outcome:
                case Milestone.PROTECTED:
                    return Stage.PROTECTED
                case Milestone.FINALLY_REFUSED:
                    return Stage.REMEDIES
                case _:
                    return Stage.ASYLUM
        if self.running(Phase.ENTRY) is not None:
            return Stage.ENTRY
        return Stage.CLEARED if self.cleared else Stage.TRANSIT

    def headline(self) -> str:
        return str(self.stage)

    def own_duties(self, case: "Path", rules: Rules) -> Iterator[Duty]:
        """The path itself waits for nobody: safety, which is open as long as it is, holds its duties."""
        return iter(())


def _ended(one: Round, phase: Phase, number: int, occurred: Occurred) -> Round:
    return one.model_copy(update={"ended": occurred}) if (one.phase, one.number) == (phase, number) else one


Path.facts = (
    CaseOpened,
    ConsentGiven,
    ConsentWithdrawn,
    NeverContactSet,
    Assigned,
    PathClosed,
    PathReopened,
    RoomOpenedForReport,
    HoldPlaced,
    HoldLifted,
)
