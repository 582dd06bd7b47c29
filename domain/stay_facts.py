"""What can be recorded of a stay in a country of transit: the border, the statuses, the claim, an expulsion."""

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.evidence import Evidenced, PlaceName
from domain.facts import CountryCode, Decision, Report
from domain.rulebook.dated import Word


class TravelDocument(StrEnum):
    """What a person crosses a border with."""

    INTERNAL_PASSPORT = "internal-passport"
    INTERNATIONAL_PASSPORT = "international-passport"
    LAISSEZ_PASSER = "laissez-passer"
    EMERGENCY_TRAVEL_DOCUMENT = "emergency-travel-document"
    REFUGEE_TRAVEL_DOCUMENT = "refugee-travel-document"
    VISA_ON_SEPARATE_SHEET = "visa-on-separate-sheet"
    LONG_STAY_VISA = "long-stay-visa"
    BORDER_VISA = "border-visa"
    NONE = "none"


class Registrar(StrEnum):
    """Who registered a stay."""

    PERSON = "person"
    HOST = "host"


class Status(StrEnum):
    """A ground to stay, as a dated token."""

    VISA_FREE = "visa-free"
    ASYLUM_SEEKER_CERTIFICATE = "asylum-seeker-certificate"
    TEMPORARY_RESIDENCE = "temporary-residence"
    EXTENSION = "extension"


class Ending(StrEnum):
    """How a ground to stay ended before, or at, its last day."""

    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    GIVEN_UP = "given-up"


class Blocker(StrEnum):
    """What stands in the way of a status."""

    WANTED_LIST = "wanted-list"
    EMPLOYER = "employer"
    FORMER_EMPLOYERS_PERMIT = "permit-of-a-former-employer"
    HOSTS_CONSENT = "host-consent"
    ADDRESS = "address-registration"
    TRAVEL_DOCUMENT = "travel-document"
    SECURITY_OPINION = "security-opinion"
    CONVICTION = "conviction"


class AppealOutcome(StrEnum):
    """How an appeal against the refusal of a claim ended."""

    DISMISSED = "dismissed"
    SENT_BACK = "sent-back"
    """The authority must examine the claim again."""
    GRANTED = "granted"


# --- the border and the registration -------------------------------------------------------------------------------


class Entered(Evidenced):
    """The person crossed into the country of this stay. A later re-entry is recorded the same way."""

    kind: Literal["entered"] = "entered"
    begins_round = True
    document: TravelDocument = Field(default=TravelDocument.INTERNAL_PASSPORT, description="the document used")
    lawfully: bool = Field(default=True, description="whether the border was crossed lawfully")
    place: PlaceName | None = Field(default=None, description="where, such as almaty-airport")


class StayedBefore(Evidenced):
    """The person was in a country before: in that of this stay those days count where stays are added up."""

    kind: Literal["stayed-before"] = "stayed-before"
    until: date = Field(description="day of the exit; `--on` is the day of the entry")
    where: CountryCode | None = Field(default=None, description="the country; that of this stay if left out")


class Exited(Evidenced):
    """The person left the country for a while; the stay is not over."""

    kind: Literal["exited"] = "exited"
    place: PlaceName | None = Field(default=None, description="where, such as almaty-airport")


class Registered(Evidenced):
    """The stay was notified to, or registered with, the authority."""

    kind: Literal["registered"] = "registered"
    by: Registrar = Field(default=Registrar.PERSON, description="who did it")


class ExitCleared(Report):
    """An exit is possible: route, document and border practice were looked at."""

    kind: Literal["exit-cleared"] = "exit-cleared"
    document: TravelDocument = Field(default=TravelDocument.LAISSEZ_PASSER, description="the document to leave with")


class ExitBarred(Report):
    """No exit is possible for now: stopped at the border, on a wanted list, or the document was refused."""

    kind: Literal["exit-barred"] = "exit-barred"


class Relocated(Evidenced):
    """The person moved to another transit country. This stay ends, the next one begins there."""

    kind: Literal["relocated"] = "relocated"
    to: CountryCode = Field(description="the country he moved to")


class AuthorityApproached(Decision):
    """Speak with an authority of the transit country on the person's behalf."""

    kind: Literal["authority-approached"] = "authority-approached"


# --- statuses ------------------------------------------------------------------------------------------------------


class StatusRequested(Report):
    """A ground to stay, or its renewal, was asked for."""

    kind: Literal["status-requested"] = "status-requested"
    status: Status = Field(description="which ground")


class StatusGranted(Report):
    """A ground to stay was granted, or renewed."""

    kind: Literal["status-granted"] = "status-granted"
    status: Status = Field(description="which ground")
    until: date | None = Field(default=None, description="last day, as printed; computed from the rulebook if left out")


class StatusRefused(Report):
    """A ground to stay that was asked for was refused. What the person holds goes on."""

    kind: Literal["status-refused"] = "status-refused"
    status: Status = Field(description="which ground")
    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the decision")


class StatusEnded(Report):
    """A ground to stay was withdrawn or given up, or has run out. One whose last day has passed runs out by itself."""

    kind: Literal["status-ended"] = "status-ended"
    status: Status = Field(description="which ground")
    how: Ending = Field(default=Ending.WITHDRAWN, description="how")


class BlockerFound(Report):
    """Something stands in the way of a status."""

    kind: Literal["blocker-found"] = "blocker-found"
    blocker: Blocker = Field(description="what")
    status: Status | None = Field(default=None, description="of which ground; of any if left out")


class BlockerCleared(Report):
    """It stands in the way no more."""

    kind: Literal["blocker-cleared"] = "blocker-cleared"
    blocker: Blocker = Field(description="what")


# --- the claim -----------------------------------------------------------------------------------------------------


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


class ClaimAppealDecided(Report):
    """The appeal was decided. Only `claim-finally-refused` begins the days to leave."""

    kind: Literal["claim-appeal-decided"] = "claim-appeal-decided"
    outcome: AppealOutcome = Field(description="how")
    appeal_until: date | None = Field(default=None, description="last day of a further appeal, as printed")


class ClaimFinallyRefused(Report):
    """The refusal in the transit country became final: the days to leave are counted."""

    kind: Literal["claim-finally-refused"] = "claim-finally-refused"
    leave_until: date | None = Field(default=None, description="last day to leave, as printed on the decision")


class ClaimGranted(Report):
    """The transit country recognised the person."""

    kind: Literal["claim-granted"] = "claim-granted"


# --- an expulsion --------------------------------------------------------------------------------------------------


class ExpulsionOrdered(Report):
    """The country ordered the person to be expelled. That it was carried out is `deported`, in safety."""

    kind: Literal["expulsion-ordered"] = "expulsion-ordered"
    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the order")
    leave_until: date | None = Field(default=None, description="last day to leave by oneself, as printed on it")


class ExpulsionAppealed(Report):
    """An appeal against the expulsion was lodged."""

    kind: Literal["expulsion-appealed"] = "expulsion-appealed"


class ExpulsionLifted(Report):
    """The order to expel stands no more: it was quashed or withdrawn."""

    kind: Literal["expulsion-lifted"] = "expulsion-lifted"
