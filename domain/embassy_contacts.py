"""Embassy contacts: which states were asked for help, what they answered, and the pledge of one of them.

Every act of staff towards a state is checked three times: the state is not on the case's list of states never to be
contacted, consent covers what is said, and the path is open. A report that a contact happened is always accepted.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.case import Milestone, Path
from domain.consent import Material, Purpose, Recipient
from domain.duties import Consequence, Duty
from domain.facts import CountryCode, Decision, Fact, Frozen, Occurred, Record, Report
from domain.room import Room, dated_duty
from domain.rulebook import Rules

ANSWER_EXPECTED = timedelta(days=45)
"""After this long without a word staff ask again. Practice: about a year of advocacy, so silence is the normal case."""

PLEDGE_WATCHED = timedelta(days=30)
"""How often somebody asks how far the promised document is."""


class Answer(StrEnum):
    """What a state said."""

    UNDER_REVIEW = "under-review"
    MORE_WANTED = "more-wanted"
    REFUSED = "refused"


class Instrument(StrEnum):
    """What a state promises to issue."""

    LAISSEZ_PASSER = "laissez-passer"
    LONG_STAY_VISA = "long-stay-visa"
    HUMANITARIAN_VISA = "humanitarian-visa"
    ADMISSION = "admission"


class Approached(Decision):
    """Ask a state for help. Says that such a person exists, and no more."""

    kind: Literal["approached"] = "approached"
    country: CountryCode = Field(description="the state")


class DossierShared(Decision):
    """Give a state the file."""

    kind: Literal["dossier-shared"] = "dossier-shared"
    country: CountryCode = Field(description="the state")
    materials: tuple[Material, ...] = Field(
        default=(Material.IDENTITY, Material.STORY), min_length=1, description="what is given"
    )


class ContactHappened(Report):
    """A contact with a state happened: by the person himself, by a third party, or against the rules."""

    kind: Literal["contact-happened"] = "contact-happened"
    country: CountryCode = Field(description="the state")


class Answered(Report):
    """A state answered."""

    kind: Literal["answered"] = "answered"
    country: CountryCode = Field(description="the state")
    answer: Answer = Field(description="what it said")


class Pledged(Report):
    """A state promised to let the person in."""

    kind: Literal["pledged"] = "pledged"
    country: CountryCode = Field(description="the state")
    instrument: Instrument = Field(default=Instrument.LAISSEZ_PASSER, description="what it will issue")
    until: date | None = Field(default=None, description="last day of the promise, if one was named")


class PledgeLapsed(Report):
    """The promise was withdrawn, or ran out. A new round of asking begins."""

    kind: Literal["pledge-lapsed"] = "pledge-lapsed"
    country: CountryCode = Field(description="the state")


class Contact(Frozen):
    """How far things are with one state."""

    country: CountryCode
    since: Occurred
    answer: Answer | None = None
    forbidden: bool = False


class EmbassyContacts(Room):
    """The state of one round of asking."""

    facts = (Approached, DossierShared, ContactHappened, Answered, Pledged, PledgeLapsed)
    review_title = "Review the embassies: whom to ask next?"

    contacts: tuple[Contact, ...] = ()
    pledge: CountryCode | None = None
    pledged: Occurred | None = None
    instrument: Instrument | None = None
    pledge_until: date | None = None
    lapsed: CountryCode | None = None
    """The state whose pledge lapsed last."""

    def after(self, record: Record) -> dict[str, object]:
        when = record.occurred
        match record.fact:
            case Approached(country=country) | DossierShared(country=country):
                return self._contact(Contact(country=country, since=when))
            case ContactHappened(country=country):
                return self._contact(Contact(country=country, since=when, forbidden=record.outside_path is not None))
            case Answered(country=country, answer=answer):
                return self._contact(Contact(country=country, since=when, answer=answer))
            case Pledged(country=country, instrument=instrument, until=until):
                promise = {"pledge": country, "pledged": when, "instrument": instrument, "pledge_until": until}
                return promise | {"lapsed": None}
            case PledgeLapsed(country=country) if country == self.pledge:
                return {"pledge": None, "pledged": None, "pledge_until": None, "lapsed": country}
            case _:
                return {}

    def _contact(self, contact: Contact) -> dict[str, object]:
        others = tuple(one for one in self.contacts if one.country != contact.country)
        return {"contacts": (*others, contact)}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        match fact:
            case Approached(country=country):
                return case.no_contact(country) or _consent(case, (Material.EXISTENCE,), on)
            case DossierShared(country=country, materials=materials):
                return case.no_contact(country) or _consent(case, materials, on)
            case ContactHappened(country=country) | Answered(country=country):
                return case.no_contact(country)
            case Pledged(country=country):
                return case.no_contact(country) or (None if self._knows(country) else f"{country} was not asked")
            case PledgeLapsed(country=country) if country != self.pledge:
                return f"no pledge of {country} is recorded"
            case _:
                return None

    def _knows(self, country: str) -> bool:
        return any(one.country == country for one in self.contacts)

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Pledged():
                return Milestone.PLEDGED
            case PledgeLapsed(country=country) if country == self.lapsed:
                return Milestone.PLEDGE_LAPSED
            case ContactHappened() if record.outside_path is not None:
                return Milestone.FORBIDDEN_CONTACT
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        yield from case.while_covered(self._askings(), Recipient.EMBASSY, Purpose.ENTRY, Material.EXISTENCE)
        if self.pledge is not None:
            yield from dated_duty(
                "pledge-ends", f"The pledge of {self.pledge} runs out", self.pledge_until, Consequence.PLEDGE_LAPSES
            )

    def _askings(self) -> Iterator[Duty]:
        """The duties to speak with a state."""
        for contact in self.contacts:
            if not contact.forbidden and self.pledge is None and contact.answer is not Answer.REFUSED:
                yield self._answer_expected(contact)
        if self.pledge is None and not self.contacts:
            title = "No state has been asked yet: decide whom to ask first"
            yield Duty(
                id="first-approach", title=title, due=self.since("first-approach", self.anchor) + timedelta(days=14)
            )
        if self.pledge is not None and self.pledged is not None:
            asked = self.since("pledge-follow-up", self.pledged.instant)
            title = f"Ask {self.pledge} how far the promised document is"
            yield Duty(id="pledge-follow-up", title=title, due=asked + PLEDGE_WATCHED)

    def _answer_expected(self, contact: Contact) -> Duty:
        duty_id = f"answer.{contact.country}"
        asked = self.since(duty_id, contact.since.instant)
        wanted = contact.answer is Answer.MORE_WANTED
        title = f"{contact.country} wants more: send it" if wanted else f"No word from {contact.country}: ask again"
        return Duty(id=duty_id, title=title, due=asked + ANSWER_EXPECTED)

    def headline(self) -> str:
        if self.pledge is not None:
            return f"{self.pledge} pledged {self.instrument}"
        asked = ", ".join(sorted(one.country for one in self.contacts))
        return f"asked: {asked}" if asked else "nobody asked yet"


def _consent(case: Path, materials: tuple[Material, ...], on: date) -> str | None:
    if case.covers(Recipient.EMBASSY, Purpose.ENTRY, materials, on):
        return None
    return f"no consent covers giving an embassy: {', '.join(materials)}"
