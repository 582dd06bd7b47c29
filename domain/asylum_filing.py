"""Asylum filing: the claim in the country of refuge, from the first appointment to a card or the last remedy.

The words are those of the French procedure, which is the one the rulebook knows in depth; every date comes from the
rulebook of the country of arrival. The date printed on a served decision beats the computed one.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.case import Material, Milestone, Path, Purpose, Recipient
from domain.duties import Consequence, Duty
from domain.facts import Decision, Fact, Occurred, Record, Report
from domain.legal import legal_duties
from domain.room import Room, dated_duty
from domain.rulebook import Rules

FIRST_STEP_WITHIN = timedelta(days=3)
"""A claim is presented at once: lateness costs the normal track."""


class Track(StrEnum):
    """The track on which the claim is examined."""

    NORMAL = "normal"
    ACCELERATED = "accelerated"
    DUBLIN = "dublin"
    RE_EXAMINATION = "re-examination"


class Step(StrEnum):
    """Where the claim stands."""

    ARRIVED = "arrived"
    PRESENTED = "claim presented"
    REGISTERED = "registered, file to be lodged"
    LODGED = "file lodged"
    REFUSED = "refused, appeal open"
    APPEALED = "appeal pending"
    GRANTED = "protection granted"
    CARD = "card in hand"
    CLOSED = "claim closed"
    FINAL = "finally refused: remedies and departure"
    TRANSFER = "transfer decided"


class Protection(StrEnum):
    """What was granted."""

    REFUGEE = "refugee"
    SUBSIDIARY = "subsidiary"
    HUMANITARIAN = "humanitarian"


class AuthorityContacted(Decision):
    """Speak with an authority of the country of refuge on the person's behalf."""

    kind: Literal["authority-contacted"] = "authority-contacted"
    materials: tuple[Material, ...] = Field(default=(Material.IDENTITY,), min_length=1, description="what is said")


class ClaimPresented(Report):
    """The person presented himself at the first reception."""

    kind: Literal["claim-presented"] = "claim-presented"


class ClaimRegistered(Report):
    """The authority registered the claim and handed over the attestation: the days to lodge the file begin."""

    kind: Literal["claim-registered"] = "claim-registered"
    track: Track = Field(default=Track.NORMAL, description="the track")
    attestation_until: date | None = Field(default=None, description="last day of the attestation, as printed")
    lodge_until: date | None = Field(default=None, description="last day to lodge the file, as printed")


class TrackChanged(Report):
    """The claim is examined on another track."""

    kind: Literal["track-changed"] = "track-changed"
    track: Track = Field(description="the track")


class FileLodged(Report):
    """The complete file is with the determining authority."""

    kind: Literal["file-lodged"] = "file-lodged"


class CompletionAsked(Report):
    """The authority wants something added to the file."""

    kind: Literal["completion-asked"] = "completion-asked"
    until: date | None = Field(default=None, description="last day, as printed")


class FileCompleted(Report):
    """What was asked for has been added."""

    kind: Literal["file-completed"] = "file-completed"


class InterviewSummoned(Report):
    """The person is summoned to an interview."""

    kind: Literal["interview-summoned"] = "interview-summoned"
    day: date = Field(description="day of the interview")


class InterviewHeld(Report):
    """The interview took place."""

    kind: Literal["interview-held"] = "interview-held"


class ProtectionGranted(Report):
    """Protection was granted, by the authority or by the court."""

    kind: Literal["protection-granted"] = "protection-granted"
    protection: Protection = Field(description="what was granted")


class RefusalServed(Report):
    """A refusal was served: the days to appeal begin."""

    kind: Literal["refusal-served"] = "refusal-served"
    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the decision")


class LegalAidRequested(Report):
    """Legal aid was asked for; in time, it suspends the appeal's clock."""

    kind: Literal["legal-aid-requested"] = "legal-aid-requested"


class AppealLodged(Report):
    """The appeal is with the court."""

    kind: Literal["appeal-lodged"] = "appeal-lodged"


class FinalRefusalServed(Report):
    """The refusal is final: the appeal was dismissed, or its time has run out."""

    kind: Literal["final-refusal-served"] = "final-refusal-served"


class RemovalOrdered(Report):
    """An order to leave was served."""

    kind: Literal["removal-ordered"] = "removal-ordered"
    leave_until: date | None = Field(default=None, description="last day to leave, as printed")


class RemedyLodged(Report):
    """A further remedy was lodged: a re-examination, or an appeal against the order to leave."""

    kind: Literal["remedy-lodged"] = "remedy-lodged"


class TransferDecided(Report):
    """Another state is held responsible, and a transfer there was decided."""

    kind: Literal["transfer-decided"] = "transfer-decided"
    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the decision")


class ClaimClosed(Report):
    """The authority closed the claim without deciding it."""

    kind: Literal["claim-closed"] = "claim-closed"


class ClaimReopened(Report):
    """A closed claim was opened again."""

    kind: Literal["claim-reopened"] = "claim-reopened"


class CardIssued(Report):
    """The residence card is in the person's hand."""

    kind: Literal["card-issued"] = "card-issued"
    until: date | None = Field(default=None, description="last day, as printed")


class AsylumFiling(Room):
    """The state of one claim in a country of refuge."""

    facts = (
        AuthorityContacted,
        ClaimPresented,
        ClaimRegistered,
        TrackChanged,
        FileLodged,
        CompletionAsked,
        FileCompleted,
        InterviewSummoned,
        InterviewHeld,
        ProtectionGranted,
        RefusalServed,
        LegalAidRequested,
        AppealLodged,
        FinalRefusalServed,
        RemovalOrdered,
        RemedyLodged,
        TransferDecided,
        ClaimClosed,
        ClaimReopened,
        CardIssued,
    )
    review_title = "Review this claim: what has the authority not answered?"

    step: Step = Step.ARRIVED
    track: Track = Track.NORMAL
    since_step: Occurred | None = None
    attestation_until: date | None = None
    printed: date | None = None
    lodged: Occurred | None = None
    completion: Occurred | None = None
    completion_until: date | None = None
    interview_on: date | None = None
    legal_aid: Occurred | None = None
    removal: Occurred | None = None
    leave_until: date | None = None
    protection: Protection | None = None
    card_until: date | None = None

    def after(self, record: Record) -> dict[str, object]:
        when = record.occurred
        match record.fact:
            case ClaimPresented():
                return self._to(Step.PRESENTED, when)
            case ClaimRegistered(track=track, attestation_until=until, lodge_until=printed):
                return self._to(Step.REGISTERED, when, printed) | {"track": track, "attestation_until": until}
            case TrackChanged(track=track):
                return {"track": track}
            case FileLodged():
                return self._to(Step.LODGED, when) | {"lodged": when}
            case ProtectionGranted(protection=protection):
                return self._to(Step.GRANTED, when) | {"protection": protection, "removal": None}
            case RefusalServed(appeal_until=printed):
                return self._to(Step.REFUSED, when, printed) | {"legal_aid": None, "interview_on": None}
            case AppealLodged():
                return self._to(Step.APPEALED, when)
            case FinalRefusalServed():
                return self._to(Step.FINAL, when) | {"interview_on": None}
            case TransferDecided(appeal_until=printed):
                return self._to(Step.TRANSFER, when, printed)
            case ClaimClosed():
                return self._to(Step.CLOSED, when)
            case ClaimReopened() | RemedyLodged():
                return self._to(Step.LODGED, when) | {"lodged": when}
            case CardIssued(until=until):
                return self._to(Step.CARD, when) | {"card_until": until}
            case _:
                return self._aside(record)

    def _aside(self, record: Record) -> dict[str, object]:
        """Facts that move no step."""
        when = record.occurred
        match record.fact:
            case CompletionAsked(until=until):
                return {"completion": when, "completion_until": until}
            case FileCompleted():
                return {"completion": None, "completion_until": None}
            case InterviewSummoned(day=day):
                return {"interview_on": day}
            case InterviewHeld():
                return {"interview_on": None}
            case LegalAidRequested():
                return {"legal_aid": when}
            case RemovalOrdered(leave_until=until):
                return {"removal": when, "leave_until": until}
            case _:
                return {}

    def _to(self, step: Step, when: Occurred, printed: date | None = None) -> dict[str, object]:
        return {"step": step, "since_step": when, "printed": printed}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        match fact:
            case AuthorityContacted(materials=materials):
                return self._may_speak(materials, on, case)
            case FileLodged() if self.step is not Step.REGISTERED:
                return "no registration is recorded that the file could follow"
            case AppealLodged() | LegalAidRequested() if self.step is not Step.REFUSED:
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
        yield from self._step_duties(rules, {"track": str(self.track)})
        yield from legal_duties(
            rules, "file-completion", self.completion, printed=self.completion_until, facts={"track": str(self.track)}
        )
        yield from dated_duty(
            "interview", "Interview: a no-show can close the claim", self.interview_on, Consequence.CLAIM_CLOSED
        )
        if self.step not in (Step.GRANTED, Step.CARD):
            yield from dated_duty(
                "attestation-ends",
                "The attestation runs out: renew it",
                self.attestation_until,
                Consequence.LOSS_OF_LAWFUL_STAY,
            )
        yield from dated_duty(
            "card-ends", "The residence card runs out: renew it", self.card_until, Consequence.LOSS_OF_LAWFUL_STAY
        )
        if self.removal is not None:
            yield from legal_duties(rules, "departure", self.removal, printed=self.leave_until)
            yield from legal_duties(rules, "removal-order-appeal", self.removal)

    def _step_duties(self, rules: Rules, track: dict[str, str]) -> Iterator[Duty]:
        start = self.since_step
        match self.step:
            case Step.ARRIVED:
                due = self.since("present-claim", self.anchor) + FIRST_STEP_WITHIN
                yield Duty(id="present-claim", title="Present the claim at the first reception", due=due)
                # only an irregular entry starts this clock; how he entered is argued later, so it is counted for all
                irregular = {"entry": "irregular"}
                yield from legal_duties(rules, "claim-not-late", self.opened, required=False, facts=irregular)
            case Step.PRESENTED:
                yield from legal_duties(rules, "appointment", start)
            case Step.REGISTERED:
                yield from legal_duties(rules, "file-lodging", start, printed=self.printed, facts=track)
            case Step.LODGED:
                yield from legal_duties(rules, "claim-decision", start, facts=track)
                yield from legal_duties(rules, "work-access", start, required=False)
            case Step.REFUSED:
                yield from legal_duties(rules, "appeal", start, printed=self.printed, facts=track)
                if self.legal_aid is None:
                    yield from legal_duties(rules, "legal-aid", start)
            case Step.APPEALED:
                yield from legal_duties(rules, "appeal-judgment", start, facts=track)
            case Step.GRANTED:
                yield from legal_duties(rules, "residence-card", start)
            case Step.CLOSED:
                yield from legal_duties(rules, "reopening", start)
            case Step.TRANSFER:
                yield from legal_duties(rules, "transfer-appeal", start, printed=self.printed)
            case Step.FINAL:
                due = self.since("remedies", start.instant if start else self.anchor) + FIRST_STEP_WITHIN
                title = "Decide with counsel on remedies: re-examination, interim measures, another country"
                yield Duty(id="remedies", title=title, due=due, consequence=Consequence.REMOVAL)
            case Step.CARD:
                return

    def headline(self) -> str:
        return f"{self.step}" if self.step is not Step.GRANTED else f"{self.step}: {self.protection}"
