"""What can be recorded of an asylum claim in the country of refuge.

The words are those of the French procedure, which is the one the rulebook knows in depth. What a served document says
of itself is kept as it stands there: the last day, the period, how it was served. What it means, the rulebook says.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.consent import Material
from domain.facts import Decision, Report
from domain.rulebook.dated import Answer

Amount = Annotated[int, Field(ge=1, le=999)]


class Track(StrEnum):
    """The track on which the claim is examined, in the rulebook's words."""

    NORMAL = "normal"
    ACCELERATED = "accelerated"
    ACCELERATED_WITHOUT_STAY = "accelerated-without-stay"
    MANIFESTLY_UNFOUNDED = "manifestly-unfounded"
    INADMISSIBLE = "inadmissible"
    BORDER = "border"
    DUBLIN = "dublin"
    RE_EXAMINATION = "re-examination"
    CLOSED_AND_REOPENED = "closed-and-reopened"


class Means(StrEnum):
    """How a decision was served, in the rulebook's words."""

    PORTAL = "portal"
    REGISTERED_LETTER = "registered-letter"
    LAST_ADDRESS = "last-address"
    RECEPTION_CENTRE = "reception-centre"
    HAND_OVER = "hand-over"


class PeriodUnit(StrEnum):
    """What a period on a served document is counted in."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working-days"
    WEEKS = "weeks"
    MONTHS = "months"


class Protection(StrEnum):
    """What was granted."""

    REFUGEE = "refugee"
    SUBSIDIARY = "subsidiary"
    HUMANITARIAN = "humanitarian"


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
    REOPENED = "claim opened again"
    FINAL = "finally refused: remedies and departure"
    TRANSFER = "transfer decided"
    TRANSFER_APPEALED = "appeal against the transfer pending"


class Limit(StrEnum):
    """A period that an authority or a court can make longer or shorter."""

    FILE_LODGING = "file-lodging"
    FILE_COMPLETION = "file-completion"
    CLAIM_DECISION = "claim-decision"
    APPEAL = "appeal"
    APPEAL_JUDGMENT = "appeal-judgment"
    DEPARTURE = "departure"
    TRANSFER_APPEAL = "transfer-appeal"


class StatesPeriod(Report):
    """A document that may state a period of its own, instead of a date or beside it. It beats the rulebook's."""

    within: Amount | None = Field(default=None, description="the period as it stands on the document, such as 2")
    within_unit: PeriodUnit | None = Field(default=None, description="what it is counted in; days if left out")


class DecisionServed(StatesPeriod):
    """A decision against which there is a remedy. Its date is the day of the service, the upload or the posting."""

    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the decision")
    means: Means | None = Field(default=None, description="how it was served")
    opened: date | None = Field(default=None, description="when the person opened it, or had it in hand")
    remedies_stated: Answer | None = Field(default=None, description="whether it states the remedies and their period")


class AuthorityContacted(Decision):
    """Speak with an authority of the country of refuge on the person's behalf."""

    kind: Literal["authority-contacted"] = "authority-contacted"
    materials: tuple[Material, ...] = Field(default=(Material.IDENTITY,), min_length=1, description="what is said")


class ClaimPresented(Report):
    """The person presented himself at the first reception."""

    kind: Literal["claim-presented"] = "claim-presented"


class ClaimRegistered(StatesPeriod):
    """The authority registered the claim and handed over the attestation: the days to lodge the file begin."""

    kind: Literal["claim-registered"] = "claim-registered"
    track: Track = Field(default=Track.NORMAL, description="the track")
    attestation_until: date | None = Field(default=None, description="last day of the attestation, as printed")
    lodge_until: date | None = Field(default=None, description="last day to lodge the file, as printed")


class AttestationIssued(Report):
    """The certificate of the claim was issued or renewed."""

    kind: Literal["attestation-issued"] = "attestation-issued"
    until: date | None = Field(default=None, description="last day, as printed")


class TrackChanged(Report):
    """The claim is examined on another track."""

    kind: Literal["track-changed"] = "track-changed"
    track: Track = Field(description="the track")


class FileLodged(Report):
    """The complete file is with the determining authority."""

    kind: Literal["file-lodged"] = "file-lodged"


class CompletionAsked(StatesPeriod):
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


class RefusalServed(DecisionServed):
    """A refusal was served: the days to appeal begin."""

    kind: Literal["refusal-served"] = "refusal-served"


class LegalAidRequested(Report):
    """Legal aid was asked for; in time, it suspends the appeal's clock where the law says so."""

    kind: Literal["legal-aid-requested"] = "legal-aid-requested"


class LegalAidDecided(Report):
    """The request for legal aid was decided: what is left of the appeal's period runs on from a notification of it."""

    kind: Literal["legal-aid-decided"] = "legal-aid-decided"
    to_applicant: date | None = Field(default=None, description="when the applicant was notified; left out if unknown")
    to_lawyer: date | None = Field(default=None, description="when the lawyer was notified; left out if unknown")


class StayRequested(Report):
    """A court was asked to let the person stay until it has decided."""

    kind: Literal["stay-requested"] = "stay-requested"


class GroundsHandedIn(Report):
    """The grounds and the evidence of the appeal are with the court."""

    kind: Literal["grounds-handed-in"] = "grounds-handed-in"


class PeriodChanged(Report):
    """The authority or the court has made a running period longer or shorter, and has said so in writing."""

    kind: Literal["period-changed"] = "period-changed"
    limit: Limit = Field(description="which period")
    longer: Amount | None = Field(default=None, description="by how much longer")
    shorter: Amount | None = Field(default=None, description="by how much shorter")
    unit: PeriodUnit | None = Field(default=None, description="what that is counted in; days if left out")


class AppealLodged(Report):
    """The appeal is with the court."""

    kind: Literal["appeal-lodged"] = "appeal-lodged"


class FinalRefusalServed(Report):
    """The refusal is final: the appeal was dismissed, or its time has run out."""

    kind: Literal["final-refusal-served"] = "final-refusal-served"


class RemovalOrdered(StatesPeriod):
    """An order to leave was served."""

    kind: Literal["removal-ordered"] = "removal-ordered"
    leave_until: date | None = Field(default=None, description="last day to leave, as printed")
    detained: Answer | None = Field(default=None, description="whether it was served in detention")


class RemedyLodged(Report):
    """A further remedy was lodged: a re-examination, or an appeal against the order to leave."""

    kind: Literal["remedy-lodged"] = "remedy-lodged"


class TransferDecided(DecisionServed):
    """Another state is held responsible, and a transfer there was decided."""

    kind: Literal["transfer-decided"] = "transfer-decided"
    detained: Answer | None = Field(default=None, description="whether it was served in detention")


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
