"""Entry: the document, the journey, and the arrival in the country that pledged.

Open only with a pledge *and* a clearance *and* a possible exit. An arrival is a report: a man who arrives unvetted, or
elsewhere, is recorded all the same and flagged.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.case import Milestone, Path
from domain.consent import Material, Purpose, Recipient
from domain.duties import EMERGENCY_ESCALATIONS, LEGAL_REMINDERS, Consequence, Duty
from domain.evidence import Evidenced
from domain.facts import CountryCode, Decision, Fact, Occurred, Record, Report
from domain.legal import legal_duties
from domain.room import Room, dated_duty, end_of_day
from domain.rulebook import Rules
from domain.stay_facts import TravelDocument

DOCUMENT_EXPECTED = timedelta(days=30)
"""How often somebody asks after the promised document."""

ARRIVAL_EXPECTED = timedelta(hours=24)
"""After a departure nobody may fall silent: airports are where people were stopped (facts: Kazakhstan, cases)."""


class Failure(StrEnum):
    """Why a journey failed."""

    STOPPED_AT_EXIT = "stopped-at-exit"
    STOPPED_IN_TRANSIT = "stopped-in-transit"
    REFUSED_AT_ENTRY = "refused-at-entry"
    DOCUMENT_EXPIRED = "document-expired"
    PERSON_TURNED_BACK = "person-turned-back"


class DocumentRequested(Decision):
    """Ask the pledging state for the travel document or visa."""

    kind: Literal["document-requested"] = "document-requested"
    country: CountryCode = Field(description="the state")
    document: TravelDocument = Field(default=TravelDocument.LAISSEZ_PASSER, description="what is asked for")


class DocumentRefused(Report):
    """The state refused the document."""

    kind: Literal["document-refused"] = "document-refused"


class DocumentIssued(Report):
    """The document is in hand."""

    kind: Literal["document-issued"] = "document-issued"
    document: TravelDocument = Field(description="what it is")
    until: date | None = Field(default=None, description="last day, as printed")


class JourneyPlanned(Decision):
    """Fix the day and the route."""

    kind: Literal["journey-planned"] = "journey-planned"
    departs_on: date = Field(description="day of departure")
    through: tuple[CountryCode, ...] = Field(default=(), description="countries of transfer")


class Departed(Evidenced):
    """The person has left."""

    kind: Literal["departed"] = "departed"
    begins_round = True


class JourneyFailed(Evidenced):
    """The journey did not end where it should."""

    kind: Literal["journey-failed"] = "journey-failed"
    why: Failure = Field(description="why")


class Arrived(Evidenced):
    """The person has arrived in a country of refuge."""

    kind: Literal["arrived"] = "arrived"
    begins_round = True
    country: CountryCode = Field(description="the country")


class Entry(Room):
    """The state of one journey."""

    facts = (DocumentRequested, DocumentRefused, DocumentIssued, JourneyPlanned, Departed, JourneyFailed, Arrived)
    review_title = "Review this journey: what holds it up?"

    requested: Occurred | None = None
    asked_for: TravelDocument | None = None
    refused: Occurred | None = None
    document: TravelDocument | None = None
    issued: Occurred | None = None
    document_until: date | None = None
    departs_on: date | None = None
    through: tuple[CountryCode, ...] = ()
    departed: Occurred | None = None
    failed: Failure | None = None
    arrived_in: CountryCode | None = None

    def after(self, record: Record) -> dict[str, object]:
        when = record.occurred
        match record.fact:
            case DocumentRequested(document=document):
                return {"requested": when, "asked_for": document, "refused": None}
            case DocumentRefused():
                return {"refused": when}
            case DocumentIssued(document=document, until=until):
                return {"document": document, "issued": when, "document_until": until, "refused": None}
            case JourneyPlanned(departs_on=day, through=through):
                return {"departs_on": day, "through": through}
            case Departed():
                return {"departed": when}
            case JourneyFailed(why=why):
                return {"failed": why, "departed": None, "departs_on": None}
            case Arrived(country=country):
                return {"arrived_in": country, "failed": None}
            case _:
                return {}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        barred = case.gate_to_entry()
        match fact:
            case DocumentRequested(country=country):
                return case.no_contact(country) or barred or _consent(case, on)
            case JourneyPlanned(through=through):
                return barred or _route(case, through) or (None if self.document else "no travel document is in hand")
            case Departed() | Arrived() if self.document is None:
                return barred or "no travel document is recorded"
            case _:
                return barred

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Departed():
                return Milestone.DEPARTED
            case JourneyFailed():
                return Milestone.JOURNEY_FAILED
            case Arrived():
                return Milestone.ARRIVED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if self.arrived_in is not None:
            return
        if self.departed is not None:
            yield self._arrival()
            return
        yield from self._document_duties(case, rules)
        if self.departs_on is not None:
            yield Duty(
                id="departure",
                title="Day of departure: confirm that the person has left and is through the border",
                due=end_of_day(self.departs_on),
                consequence=Consequence.DANGER,
                reminders=LEGAL_REMINDERS[2:],
                escalations=EMERGENCY_ESCALATIONS,
                emergency=True,
            )

    def _document_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if self.issued is not None:
            step = _VALIDITY.get(self.document)
            if step is not None:
                yield from legal_duties(rules, step, self.issued, printed=self.document_until)
            else:
                yield from dated_duty(
                    "document-ends", "The travel document runs out", self.document_until, Consequence.DOCUMENT_EXPIRES
                )
        elif self.refused is not None:
            yield from legal_duties(rules, "visa-refusal-appeal", self.refused, required=False)
        else:
            start = self.requested.instant if self.requested is not None else self.anchor
            title = (
                "Ask after the travel document" if self.requested else "Ask the pledging state for the travel document"
            )
            asking = Duty(id="document", title=title, due=self.since("document", start) + DOCUMENT_EXPECTED)
            yield from case.while_covered([asking], Recipient.EMBASSY, Purpose.ENTRY, Material.IDENTITY)
            if self.asked_for is TravelDocument.LONG_STAY_VISA:
                yield from legal_duties(rules, "visa-silence", self.requested, required=False)

    def _arrival(self) -> Duty:
        assert self.departed is not None
        return Duty(
            id="arrival",
            title="No word of an arrival: find out where the person is",
            due=self.since("arrival", self.departed.instant) + ARRIVAL_EXPECTED,
            consequence=Consequence.DANGER,
            escalations=EMERGENCY_ESCALATIONS,
            emergency=True,
        )

    def headline(self) -> str:
        if self.arrived_in is not None:
            return f"arrived in {self.arrived_in}"
        if self.failed is not None:
            return f"journey failed: {self.failed}"
        if self.departed is not None:
            return "on the way"
        return f"{self.document} in hand" if self.document is not None else "waiting for a document"


_VALIDITY: dict[TravelDocument | None, str] = {
    TravelDocument.LONG_STAY_VISA: "visa-validity",
    TravelDocument.BORDER_VISA: "border-visa",
}
"""Documents whose validity the law itself limits; the others end when they say so."""


def _consent(case: Path, on: date) -> str | None:
    materials = (Material.IDENTITY,)
    if case.covers(Recipient.EMBASSY, Purpose.ENTRY, materials, on):
        return None
    return "no consent covers giving an embassy: identity"


def _route(case: Path, through: tuple[str, ...]) -> str | None:
    """A transfer hands the person to a state's border guards: the list of states never to contact holds there."""
    return next((words for state in through if (words := case.no_contact(state))), None)
