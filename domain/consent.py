"""Consent: to whom what may be said of a person, and what for."""

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.facts import Decision, Frozen, Report


class Recipient(StrEnum):
    """To whom something is said."""

    EMBASSY = "embassy"
    VETTER = "vetter"
    LAWYER = "lawyer"
    HOST_AUTHORITY = "host-authority"
    TRANSIT_AUTHORITY = "transit-authority"
    PARTNER = "partner"


class Purpose(StrEnum):
    """What it is said for."""

    ENTRY = "entry"
    VETTING = "vetting"
    LEGAL_HELP = "legal-help"
    ASYLUM = "asylum"
    SAFETY = "safety"


class Material(StrEnum):
    """What is said."""

    EXISTENCE = "existence"
    IDENTITY = "identity"
    STORY = "story"
    DOCUMENTS = "documents"
    CONTACT = "contact"


class ConsentForm(StrEnum):
    """How consent was given."""

    WRITTEN = "written"
    SPOKEN = "spoken"
    SIGNED_MESSAGE = "signed-message"
    THROUGH_INTERPRETER = "through-interpreter"


class Scope(Frozen):
    """What a person agreed to: to whom, what, and what for."""

    recipient: Recipient
    purpose: Purpose
    materials: tuple[Material, ...]


class ConsentGiven(Decision):
    """Record what the person agrees to. Nothing is said to anybody without it."""

    kind: Literal["consent-given"] = "consent-given"
    scopes: tuple[Scope, ...] = Field(min_length=1, description="recipient:purpose:material+material, once for each")
    language: str = Field(pattern=r"^[a-z]{2,3}$", description="language of the talk, as a code such as ru")
    form: ConsentForm = Field(description="how it was given")
    until: date | None = Field(default=None, description="last day on which it holds")


class ConsentWithdrawn(Report):
    """The person takes consent back: wholly, or towards one recipient. What was not yet said is not said any more."""

    kind: Literal["consent-withdrawn"] = "consent-withdrawn"
    recipient: Recipient | None = Field(default=None, description="towards whom; all if left out")


class Consent(Frozen):
    """One scope a person agreed to, with its end."""

    scope: Scope
    until: date | None
