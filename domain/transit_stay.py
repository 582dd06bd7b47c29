"""Transit stay: one stay in one country, lawful or not, with its statuses and its own asylum claim.

A refusal of the claim does not end the stay where another ground extends it. *Lawful stay* (a status with a last day)
and *protection against removal* (a pending claim) are two different fields; actual safety is the safety room's.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.case import Material, Milestone, Path, Purpose, Recipient
from domain.duties import Consequence, Duty
from domain.facts import CountryCode, Decision, Fact, Occurred, Record, Report
from domain.legal import legal_duties
from domain.room import Room, dated_duty
from domain.rulebook import Rules
from domain.rulebook.dated import Word
from domain.stay_duties import stay_duties
from domain.stays import Stay, entered_again, left, stayed_before


class TravelDocument(StrEnum):
    """What a person crosses a border with."""

    INTERNAL_PASSPORT = "internal-passport"
    INTERNATIONAL_PASSPORT = "international-passport"
    LAISSEZ_PASSER = "laissez-passer"
    VISA_ON_SEPARATE_SHEET = "visa-on-separate-sheet"
    LONG_STAY_VISA = "long-stay-visa"
    BORDER_VISA = "border-visa"
    NONE = "none"


class Status(StrEnum):
    """A ground to stay, as a dated token."""

    VISA_FREE = "visa-free"
    ASYLUM_SEEKER_CERTIFICATE = "asylum-seeker-certificate"
    TEMPORARY_RESIDENCE = "temporary-residence"
    EXTENSION = "extension"


class ClaimState(StrEnum):
    """Where the asylum claim in the transit country stands."""

    NONE = "no claim"
    LODGED = "lodged"
    REFUSED = "refused"
    APPEALED = "appealed"
    FINALLY_REFUSED = "finally refused"
    GRANTED = "granted"


class Entered(Report):
    """The person crossed into the country of this stay. A later re-entry is recorded the same way."""

    kind: Literal["entered"] = "entered"
    begins_round = True
    document: TravelDocument = Field(default=TravelDocument.INTERNAL_PASSPORT, description="the document used")
    lawfully: bool = Field(default=True, description="whether the border was crossed lawfully")


class StayedBefore(Report):
    """The person was in this country before: those days count where stays are added up."""

    kind: Literal["stayed-before"] = "stayed-before"
    until: date = Field(description="day of the exit; `--on` is the day of the entry")


class Exited(Report):
    """The person left the country for a while; the stay is not over."""

    kind: Literal["exited"] = "exited"


class Registered(Report):
    """The stay was notified to, or registered with, the authority."""

    kind: Literal["registered"] = "registered"


class StatusGranted(Report):
    """A ground to stay was granted, extended or renewed."""

    kind: Literal["status-granted"] = "status-granted"
    status: Status = Field(description="which ground")
    until: date | None = Field(default=None, description="last day, as printed; computed from the rulebook if left out")


class StatusEnded(Report):
    """A ground to stay was refused, withdrawn, or has run out."""

    kind: Literal["status-ended"] = "status-ended"
    status: Status = Field(description="which ground")


class DangerLearned(Report):
    """The person learned of a danger at home that arose after he left: the clock of a claim *sur place*."""

    kind: Literal["danger-learned"] = "danger-learned"


class ClaimLodged(Report):
    """Asylum was claimed in the transit country."""

    kind: Literal["claim-lodged"] = "claim-lodged"


class ClaimTracked(Report):
    """The claim in the transit country is examined on this track."""

    kind: Literal["claim-tracked"] = "claim-tracked"
    track: Word = Field(description="the track, as the rulebook calls it, such as accelerated")


class Fingerprinted(Report):
    """Fingerprints were taken for the claim."""

    kind: Literal["fingerprinted"] = "fingerprinted"


class ClaimRefused(Report):
    """The claim in the transit country was refused."""

    kind: Literal["claim-refused"] = "claim-refused"
    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the decision")


class ClaimAppealed(Report):
    """An appeal was lodged in the transit country."""

    kind: Literal["claim-appealed"] = "claim-appealed"


class ClaimFinallyRefused(Report):
    """The refusal in the transit country became final: the days to leave are counted."""

    kind: Literal["claim-finally-refused"] = "claim-finally-refused"
    leave_until: date | None = Field(default=None, description="last day to leave, as printed on the decision")


class ClaimGranted(Report):
    """The transit country recognised the person."""

    kind: Literal["claim-granted"] = "claim-granted"


class ExitCleared(Report):
    """An exit is possible: route, document and border practice were looked at."""

    kind: Literal["exit-cleared"] = "exit-cleared"
    document: TravelDocument = Field(default=TravelDocument.LAISSEZ_PASSER, description="the document to leave with")


class ExitBarred(Report):
    """No exit is possible for now: stopped at the border, on a wanted list, or the document was refused."""

    kind: Literal["exit-barred"] = "exit-barred"


class Relocated(Report):
    """The person moved to another transit country. This stay ends, the next one begins there."""

    kind: Literal["relocated"] = "relocated"
    to: CountryCode = Field(description="the country he moved to")


class AuthorityApproached(Decision):
    """Speak with an authority of the transit country on the person's behalf."""

    kind: Literal["authority-approached"] = "authority-approached"


class TransitStay(Room):
    """The state of one stay."""

    facts = (
        Entered,
        StayedBefore,
        Exited,
        Registered,
        StatusGranted,
        StatusEnded,
        DangerLearned,
        ClaimLodged,
        ClaimTracked,
        Fingerprinted,
        ClaimRefused,
        ClaimAppealed,
        ClaimFinallyRefused,
        ClaimGranted,
        ExitCleared,
        ExitBarred,
        Relocated,
        AuthorityApproached,
    )
    review_title = "Review this stay: is it still lawful, and is it still safe?"

    entered: Occurred | None = None
    stays: tuple[Stay, ...] = ()
    lawfully: bool = True
    document: TravelDocument | None = None
    inside: bool = True
    registered: bool = False
    status: Status | None = None
    status_since: Occurred | None = None
    status_until: date | None = None
    danger_learned: Occurred | None = None
    claim: ClaimState = ClaimState.NONE
    claim_lodged: Occurred | None = None
    claim_track: str | None = None
    fingerprinted: bool = False
    refused: Occurred | None = None
    appeal_until: date | None = None
    finally_refused: Occurred | None = None
    leave_until: date | None = None
    exit_possible: bool = False
    moved_to: CountryCode | None = None

    def after(self, record: Record) -> dict[str, object]:
        when = record.occurred
        match record.fact:
            case Entered(document=document, lawfully=lawfully):
                return {
                    "entered": when,
                    "stays": entered_again(self.stays, when),
                    "document": document,
                    "lawfully": lawfully,
                    "inside": True,
                    "registered": False,
                }
            case StayedBefore(until=until):
                return {"stays": stayed_before(self.stays, when, until)}
            case Exited():
                return {"inside": False, "stays": left(self.stays, when)}
            case Registered():
                return {"registered": True}
            case StatusGranted(status=status, until=until):
                return {"status": status, "status_since": when, "status_until": until, "finally_refused": None}
            case StatusEnded(status=status) if status is self.status:
                return {"status": None, "status_since": None, "status_until": None}
            case DangerLearned():
                return {"danger_learned": when}
            case ClaimLodged():
                return {"claim": ClaimState.LODGED, "claim_lodged": when, "fingerprinted": False}
            case ClaimTracked(track=track):
                return {"claim_track": track}
            case Fingerprinted():
                return {"fingerprinted": True}
            case ClaimRefused(appeal_until=until):
                return {"claim": ClaimState.REFUSED, "refused": when, "appeal_until": until}
            case ClaimAppealed():
                return {"claim": ClaimState.APPEALED}
            case ClaimFinallyRefused(leave_until=until):
                return {"claim": ClaimState.FINALLY_REFUSED, "finally_refused": when, "leave_until": until}
            case ClaimGranted():
                return {"claim": ClaimState.GRANTED}
            case ExitCleared():
                return {"exit_possible": True}
            case ExitBarred():
                return {"exit_possible": False}
            case Relocated(to=to):
                return {"moved_to": to, "inside": False, "stays": left(self.stays, when)}
            case _:
                return {}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        if isinstance(fact, AuthorityApproached):
            return self._may_approach(on, case)
        if isinstance(fact, Entered | StayedBefore):
            return None
        if self.entered is None:
            return "no entry into the country is recorded"
        match fact:
            case ClaimTracked() | Fingerprinted() | ClaimRefused() | ClaimGranted() if self.claim is ClaimState.NONE:
                return "no claim is recorded in this country"
            case ClaimAppealed() if self.claim is not ClaimState.REFUSED:
                return "no refusal is recorded that could be appealed"
            case StatusEnded(status=status) if status is not self.status:
                return "this ground to stay is not the present one"
            case _:
                return None

    def _may_approach(self, on: date, case: Path) -> str | None:
        if self.country is not None and (barred := case.no_contact(self.country)):
            return barred
        if case.covers(Recipient.TRANSIT_AUTHORITY, Purpose.SAFETY, (Material.EXISTENCE,), on):
            return None
        return "no consent covers speaking with an authority of the transit country"

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Relocated():
                return Milestone.RELOCATED
            case ExitCleared():
                return Milestone.EXIT_CLEARED
            case ExitBarred():
                return Milestone.EXIT_BARRED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if self.entered is None or not self.inside:
            return
        facts = self.conditions()
        yield from self._first_duties(rules, facts)
        yield from self._stay_duties(rules)
        yield from self._claim_duties(rules, facts)

    def conditions(self) -> dict[str, str]:
        track = {"track": self.claim_track} if self.claim_track is not None else {}
        ground = self.status if self.status is not None else Status.VISA_FREE
        registered = "yes" if self.registered else "no"
        return {
            "entry": "regular" if self.lawfully else "irregular",
            "ground": str(ground),
            "registered": registered,
            **track,
        }

    def events(self) -> dict[str, Occurred | None]:
        if not self.inside:
            return {}
        certified = self.status_since if self.status is Status.ASYLUM_SEEKER_CERTIFICATE else None
        permitted = self.status_since if self.status is Status.TEMPORARY_RESIDENCE else None
        return {
            "entry": self.entered,
            "danger": self.danger_learned,
            "claim": self.claim_lodged,
            "certificate": certified,
            "residence": permitted,
            "refusal": self.refused,
            "final-refusal": self.finally_refused,
            **self.noted,
        }

    def _first_duties(self, rules: Rules, facts: dict[str, str]) -> Iterator[Duty]:
        if not self.registered:
            yield from legal_duties(rules, "registration", self.entered, facts=facts)

    def _stay_duties(self, rules: Rules) -> Iterator[Duty]:
        match self.status:
            case None | Status.VISA_FREE:
                yield from stay_duties(rules, self.stays, self.status_until)
            case Status.ASYLUM_SEEKER_CERTIFICATE:
                yield from legal_duties(rules, "certificate-renewal", self.status_since, printed=self.status_until)
            case Status.TEMPORARY_RESIDENCE:
                yield from legal_duties(rules, "residence-renewal", self.status_since, printed=self.status_until)
            case Status.EXTENSION:
                title = "The extension of the stay ends: renew it or move"
                yield from dated_duty("extension-ends", title, self.status_until, Consequence.LOSS_OF_LAWFUL_STAY)

    def _claim_duties(self, rules: Rules, facts: dict[str, str]) -> Iterator[Duty]:
        match self.claim:
            case ClaimState.NONE if self.status not in (None, Status.VISA_FREE):
                return  # another ground to stay was chosen
            case ClaimState.NONE:
                start = self.danger_learned or self.entered
                yield from legal_duties(rules, "claim-lodging", start, required=False, facts=facts)
            case ClaimState.LODGED:
                if not self.fingerprinted:
                    yield from legal_duties(rules, "fingerprinting", self.claim_lodged, required=False, facts=facts)
                yield from legal_duties(rules, "claim-decision", self.claim_lodged, required=False, facts=facts)
            case ClaimState.REFUSED:
                yield from legal_duties(rules, "claim-appeal", self.refused, printed=self.appeal_until, facts=facts)
            case ClaimState.FINALLY_REFUSED:
                until = self.leave_until
                yield from legal_duties(rules, "leave-after-refusal", self.finally_refused, printed=until, facts=facts)
            case ClaimState.APPEALED | ClaimState.GRANTED:
                return

    def headline(self) -> str:
        if self.moved_to is not None:
            return f"moved on to {self.moved_to}"
        if self.entered is None:
            return "entry not recorded"
        ground = str(self.status) if self.status is not None else "no status recorded"
        claim = "" if self.claim is ClaimState.NONE else f", claim {self.claim}"
        return f"{ground}{claim}{', exit possible' if self.exit_possible else ''}"
