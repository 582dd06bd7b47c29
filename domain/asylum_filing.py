"""Asylum filing: the claim in the country of refuge, from the first appointment to a card or the last remedy.

Here is what is true of the claim; ``domain.asylum_facts`` says what can be recorded of it, and
``domain.asylum_duties`` what must happen by when. Every date comes from the rulebook of the country of arrival, or from
a served paper.
"""

from collections.abc import Iterator
from datetime import date

from domain.asylum_duties import ClaimDuties
from domain.asylum_facts import (
    AppealLodged,
    AttestationIssued,
    AuthorityContacted,
    CardIssued,
    ClaimClosed,
    ClaimPresented,
    ClaimRegistered,
    ClaimReopened,
    CompletionAsked,
    FileCompleted,
    FileLodged,
    FinalRefusalServed,
    GroundsHandedIn,
    InterviewHeld,
    InterviewSummoned,
    LegalAidDecided,
    LegalAidRequested,
    PeriodChanged,
    Protection,
    ProtectionGranted,
    RefusalServed,
    RemedyLodged,
    RemovalOrdered,
    StayRequested,
    Step,
    Track,
    TrackChanged,
    TransferDecided,
)
from domain.case import Milestone, Path
from domain.consent import Material, Purpose, Recipient
from domain.duties import Duty
from domain.facts import Fact, Frozen, Occurred, Record
from domain.legal_aid import AidDecision
from domain.papers import Paper
from domain.room import Room
from domain.rulebook import Rules
from domain.rulebook.dated import Answer

_COURT_CAN_BE_ASKED = (Step.REFUSED, Step.APPEALED, Step.TRANSFER, Step.TRANSFER_APPEALED)


class Changed(Frozen):
    """A period that was made longer or shorter."""

    on: Occurred
    fact: PeriodChanged


class AsylumFiling(Room):
    """The state of one claim in a country of refuge.

    Attributes:
        paper: what was served at this step, and speaks of a period.
        tracks: the tracks that have held the claim, each since when; the last one holds it.
        registered: what was handed over at the registration.
        lodged: when the file was lodged, or lodged again.
        refusal: the refusal that stands; kept while the appeal is pending.
        reopened: when the claim was opened again. The law counts how often.
        changed: periods that were made longer or shorter; each counts for the clock that ran on that day.
    """

    facts = (
        AuthorityContacted,
        ClaimPresented,
        ClaimRegistered,
        AttestationIssued,
        TrackChanged,
        FileLodged,
        CompletionAsked,
        FileCompleted,
        InterviewSummoned,
        InterviewHeld,
        ProtectionGranted,
        RefusalServed,
        LegalAidRequested,
        LegalAidDecided,
        StayRequested,
        AppealLodged,
        GroundsHandedIn,
        FinalRefusalServed,
        RemovalOrdered,
        RemedyLodged,
        TransferDecided,
        ClaimClosed,
        ClaimReopened,
        PeriodChanged,
        CardIssued,
    )
    review_title = "Review this claim: what has the authority not answered?"

    step: Step = Step.ARRIVED
    since_step: Occurred | None = None
    paper: Paper | None = None
    tracks: tuple[tuple[Track, Occurred], ...] = ()
    registered: Paper | None = None
    attested: bool = False
    attestation_until: date | None = None
    lodged: Occurred | None = None
    completion: Paper | None = None
    interview_on: date | None = None
    refusal: Paper | None = None
    legal_aid: Occurred | None = None
    aid_decision: AidDecision | None = None
    stay_requested: bool = False
    grounds_in: bool = False
    served_in_detention: bool = False
    removal: Paper | None = None
    removal_in_detention: bool = False
    reopened: tuple[Occurred, ...] = ()
    changed: tuple[Changed, ...] = ()
    protection: Protection | None = None
    card_until: date | None = None

    @property
    def track(self) -> Track:
        """The track that holds the claim."""
        return self.tracks[-1][0] if self.tracks else Track.NORMAL

    def after(self, record: Record) -> dict[str, object]:
        when, fact = record.occurred, record.fact
        match fact:
            case ClaimPresented():
                return self._to(Step.PRESENTED, when)
            case ClaimRegistered():
                return self._after_registration(fact, when)
            case FileLodged():
                return self._to(Step.LODGED, when) | {"lodged": when}
            case ProtectionGranted(protection=protection):
                return self._to(Step.GRANTED, when) | {"protection": protection, "removal": None}
            case FinalRefusalServed():
                return self._to(Step.FINAL, when) | {"interview_on": None}
            case ClaimClosed():
                return self._to(Step.CLOSED, when)
            case ClaimReopened():
                return self._to(Step.REOPENED, when) | {"reopened": (*self.reopened, when)}
            case RemedyLodged():
                return self._to(Step.LODGED, when)
            case CardIssued(until=until):
                return self._to(Step.CARD, when) | {"card_until": until}
            case _:
                return self._after_service(record)

    def _after_registration(self, fact: ClaimRegistered, when: Occurred) -> dict[str, object]:
        paper = Paper.of(fact, when, fact.lodge_until)
        anew = {"reopened": (), "lodged": None} if fact.track is Track.RE_EXAMINATION else {}
        return (
            self._to(Step.REGISTERED, when, paper)
            | anew
            | {
                "tracks": ((fact.track, when),),
                "registered": paper,
                "attested": fact.attestation_until is not None,
                "attestation_until": fact.attestation_until,
            }
        )

    def _after_service(self, record: Record) -> dict[str, object]:
        """Decisions that are served, and what is asked of a court against them."""
        when, fact = record.occurred, record.fact
        match fact:
            case RefusalServed():
                paper = Paper.of(fact, when, fact.appeal_until)
                fresh = {"legal_aid": None, "aid_decision": None, "stay_requested": False, "grounds_in": False}
                return self._to(Step.REFUSED, when, paper) | fresh | {"refusal": paper, "interview_on": None}
            case TransferDecided():
                paper = Paper.of(fact, when, fact.appeal_until)
                detained = fact.detained is Answer.YES
                return self._to(Step.TRANSFER, when, paper) | {"stay_requested": False, "served_in_detention": detained}
            case AppealLodged() if self.step is Step.TRANSFER:
                return self._to(Step.TRANSFER_APPEALED, when)
            case AppealLodged():
                return self._to(Step.APPEALED, when)
            case LegalAidRequested():
                return {"legal_aid": when, "aid_decision": None}
            case LegalAidDecided(to_applicant=to_applicant, to_lawyer=to_lawyer):
                return {"aid_decision": AidDecision(on=when, to_applicant=to_applicant, to_lawyer=to_lawyer)}
            case RemovalOrdered(leave_until=until, detained=detained_then):
                return {
                    "removal": Paper.of(fact, when, until),
                    "removal_in_detention": detained_then is Answer.YES,
                }
            case _:
                return self._aside(record)

    def _aside(self, record: Record) -> dict[str, object]:
        """Facts that move no step."""
        when, fact = record.occurred, record.fact
        match fact:
            case TrackChanged(track=track):
                return self._back_from_transfer(track) | {"tracks": (*self.tracks, (track, when))}
            case AttestationIssued(until=until):
                return {"attested": True, "attestation_until": until}
            case CompletionAsked(until=until):
                return {"completion": Paper.of(fact, when, until)}
            case FileCompleted():
                return {"completion": None}
            case InterviewSummoned(day=day):
                return {"interview_on": day}
            case InterviewHeld():
                return {"interview_on": None}
            case StayRequested():
                return {"stay_requested": True}
            case GroundsHandedIn():
                return {"grounds_in": True}
            case PeriodChanged():
                return {"changed": (*self.changed, Changed(on=when, fact=fact))}
            case _:
                return {}

    def _back_from_transfer(self, track: Track) -> dict[str, object]:
        """A claim that comes back from the Dublin track stands where it stood before the transfer was decided."""
        if track is Track.DUBLIN or self.step not in (Step.TRANSFER, Step.TRANSFER_APPEALED):
            return {}
        if self.lodged is not None:
            return self._to(Step.LODGED, self.lodged)
        return self._to(Step.REGISTERED, self.registered.on, self.registered) if self.registered is not None else {}

    def _to(self, step: Step, when: Occurred, paper: Paper | None = None) -> dict[str, object]:
        return {"step": step, "since_step": when, "paper": paper}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        match fact:
            case AuthorityContacted(materials=materials):
                return self._may_speak(materials, on, case)
            case FileLodged() if self.step not in (Step.REGISTERED, Step.REOPENED):
                return "no registration is recorded that the file could follow"
            case AppealLodged() if self.step not in (Step.REFUSED, Step.TRANSFER):
                return "no refusal is recorded that could be appealed"
            case LegalAidRequested() if self.step is not Step.REFUSED:
                return "no refusal is recorded that could be appealed"
            case LegalAidDecided() if self.legal_aid is None:
                return "no request for legal aid is recorded"
            case StayRequested() if self.step not in _COURT_CAN_BE_ASKED:
                return "no decision is recorded against which a court could be asked"
            case GroundsHandedIn() if self.refusal is None:
                return "no refusal is recorded that could be appealed"
            case ClaimReopened() if self.step is not Step.CLOSED:
                return "no closed claim is recorded"
            case CardIssued() if self.protection is None:
                return "no protection is recorded"
            case _:
                return None if case.arrived_in else "no arrival is recorded"

    def _may_speak(self, materials: tuple[Material, ...], on: date, case: Path) -> str | None:
        if self.country is not None and (barred := case.no_contact(self.country)):
            return barred
        if case.covers(Recipient.HOST_AUTHORITY, Purpose.ASYLUM, materials, on):
            return None
        return f"no consent covers giving the host authority: {', '.join(materials)}"

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case ProtectionGranted():
                return Milestone.PROTECTED
            case FinalRefusalServed():
                return Milestone.FINALLY_REFUSED
            case RemedyLodged() | ClaimReopened():
                return Milestone.REMEDY_OPENED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        yield from ClaimDuties(self, rules, in_custody=case.in_custody).all()

    def conditions(self) -> dict[str, str]:
        return {"track": str(self.track)}

    def events(self) -> dict[str, Occurred | None]:
        papers = {"registration": self.registered, "refusal": self.refusal, "removal-order": self.removal}
        served = {name: paper.on if paper is not None else None for name, paper in papers.items()}
        return {"arrival": self.opened, "lodging": self.lodged, **served, **self.noted}

    def headline(self) -> str:
        return f"{self.step}" if self.step is not Step.GRANTED else f"{self.step}: {self.protection}"
