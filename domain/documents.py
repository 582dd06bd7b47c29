"""The travel documents a person holds. A part of the safety room, which is open in every country."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from domain.duties import Consequence, Duty
from domain.facts import CountryCode, Fact, Frozen, Occurred, Record, Report
from domain.room import dated_duty
from domain.stay_facts import TravelDocument


class Loss(StrEnum):
    """How a document went."""

    LOST = "lost"
    TAKEN = "taken"
    ANNULLED = "annulled"
    REPLACED = "replaced"


class DocumentHeld(Report):
    """The person holds a travel document."""

    kind: Literal["document-held"] = "document-held"
    document: TravelDocument = Field(description="which")
    until: date | None = Field(default=None, description="last day of its validity, as printed")
    issued_by: CountryCode | None = Field(default=None, description="the state that issued it")


class DocumentGone(Report):
    """The person holds it no more."""

    kind: Literal["document-gone"] = "document-gone"
    document: TravelDocument = Field(description="which")
    how: Loss = Field(default=Loss.LOST, description="how")


class Documents(Frozen):
    """The documents that are held, each as it was last recorded, and since when others are gone."""

    facts: ClassVar[tuple[type[Fact], ...]] = (DocumentHeld, DocumentGone)

    held: Mapping[TravelDocument, DocumentHeld] = Field(default_factory=dict)
    gone: Mapping[TravelDocument, Occurred] = Field(default_factory=dict)

    def after(self, record: Record) -> "Documents":
        match record.fact:
            case DocumentHeld(document=document) as fact:
                return Documents(held={**self.held, document: fact}, gone=self.gone)
            case DocumentGone(document=document):
                held = {one: fact for one, fact in self.held.items() if one is not document}
                return Documents(held=held, gone={**self.gone, document: record.occurred})
            case _:
                return self

    def lacks(self, document: TravelDocument, since: Occurred) -> bool:
        """Whether a document that was there on a day is gone since."""
        return document in self.gone and self.gone[document].latest >= since.earliest

    def duties(self) -> Iterator[Duty]:
        """A document is renewed before it runs out: later it opens no border."""
        for document, fact in self.held.items():
            title = f"A travel document runs out: {document.replace('-', ' ')}"
            yield from dated_duty(f"held-document.{document}", title, fact.until, Consequence.DOCUMENT_EXPIRES)
