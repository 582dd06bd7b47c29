"""What is known of each country that a person might go to: facts with their sources and doubts, never advice.

Countries stand in the order of their codes, and nothing here says that one is better than another. What is not known is
said to be not known: a border that no source speaks of is neither open nor shut.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TypeVar

from pydantic import Field

from domain.deadlines import Counting, counted_day, in_words
from domain.entry import Entry
from domain.errors import NotUnderstood
from domain.facts import CountryCode, Frozen, Occurred
from domain.room import Room
from domain.rulebook import Country, EntryDocument, Rulebook, StayLimit
from domain.rulebook.dated import Answer, Dated, Status
from domain.rulebook.known import Precondition, Treaty
from domain.rulebook.risk import Risk, reckon_risk
from domain.safety import Safety
from domain.stay_facts import StayedBefore, TravelDocument
from domain.stay_reckoning import reckon
from domain.stays import Stay, with_former
from domain.story import Story
from domain.stream import effective
from domain.transit_stay import TransitStay

Item = TypeVar("Item", bound=Dated)

UNION = "EU"
"""A rulebook of law that its members share: no country that one enters."""

HELD = "held"
"""How a document is known that staff recorded as held."""

WRITTEN_FOR = "RU"
"""Whose citizens the rulebooks' entry documents and limits of stay are about."""


class HeldDocument(Frozen):
    """A document that the person has, or had when he last used it.

    Attributes:
        document: which.
        until: last day of its validity; ``None`` where it is not recorded.
        issued_by: the state that issued it; ``None`` where it is not recorded.
        known_from: how it came into this list, in words.
    """

    document: TravelDocument
    until: date | None = None
    issued_by: CountryCode | None = None
    known_from: str

    def doubts(self, on: date) -> Iterator[str]:
        """What is not certain of the document itself on a day, whatever the border."""
        if self.known_from != HELD:
            yield "whether he still holds it is not recorded"
        if self.issued_by not in (None, WRITTEN_FOR):
            yield f"the rulebook speaks of documents of {WRITTEN_FOR}, and this is one of {self.issued_by}"
        if self.until is None:
            yield "its last day is not recorded"
        elif self.until < on:
            yield f"it ran out on {self.until}"


class Traveller(Frozen):
    """What of a case bears on where the person could go.

    Attributes:
        country: where he is.
        documents: what he holds.
        stays: his stays that are known, by country: their days may count.
        never_contact: the states that must never be contacted.
        asked_for_by: states that have asked for his extradition.
        looked_for_by: states on whose lists of wanted persons he stands.
    """

    country: CountryCode | None
    documents: tuple[HeldDocument, ...] = ()
    stays: Mapping[str, tuple[Stay, ...]] = Field(default_factory=dict)
    never_contact: frozenset[str] = frozenset()
    asked_for_by: tuple[str, ...] = ()
    looked_for_by: tuple[str, ...] = ()


class Way(Frozen):
    """What a border is known to say to one document; ``item`` is ``None`` where no source speaks of it."""

    document: TravelDocument
    accepted: Answer
    item: EntryDocument | None
    doubts: tuple[str, ...]


class Destination(Frozen):
    """One country as far as it is known.

    Attributes:
        marks: what of this case concerns the country itself.
        ways: one for each document that he holds.
        others: what its border accepts that he does not hold.
        limit: how long one may stay without another ground.
        days: how many days an entry on that day would give him, his former stays counted; ``None`` where that is not
            known, and where he is now.
        preconditions: what the border wants beside the document.
        risk: the reports of what happened to people there, newest first.
        treaties: on extradition and search, by which it is bound.
        doubts: why what is said here may not be relied on alone.
        gaps: what nobody has found out.
    """

    code: CountryCode
    name: str
    marks: tuple[str, ...]
    ways: tuple[Way, ...]
    others: tuple[EntryDocument, ...]
    limit: StayLimit | None
    days: int | None
    preconditions: tuple[Precondition, ...]
    risk: Risk
    treaties: tuple[Treaty, ...]
    doubts: tuple[str, ...]
    gaps: tuple[str, ...]


# --- the person ----------------------------------------------------------------------------------------------------


def traveller(story: Story) -> Traveller:
    """What of a case bears on where the person could go."""
    path = story.path.state
    states = [ledger.state for ledger in story.phases.values()]
    safety = next((one for one in states if isinstance(one, Safety)), Safety())
    stays = [one for one in states if isinstance(one, TransitStay)]
    lacks = safety.documents.lacks
    seen = (one for one, since in (*_used(stays), *_issued(states)) if not lacks(one.document, since))
    documents = {one.document: one for one in (*seen, *_held(safety))}
    return Traveller(
        country=path.arrived_in or path.country,
        documents=tuple(documents.values()),
        stays=_stays(story),
        never_contact=path.never_contact,
        asked_for_by=tuple(sorted(safety.extradition.requests)),
        looked_for_by=tuple(sorted(safety.extradition.wanted)),
    )


def _stays(story: Story) -> dict[str, tuple[Stay, ...]]:
    """Every stay that is known, by country: those of its own rounds, and those told in a round of another country."""
    found: dict[str, tuple[Stay, ...]] = {}
    for ledger in story.phases.values():
        room = ledger.state
        if isinstance(room, TransitStay) and room.country is not None:
            found[room.country] = (*found.get(room.country, ()), *room.stays)
    for ledger in story.phases.values():
        for event in effective(ledger.events):
            fact = event.fact
            if isinstance(fact, StayedBefore) and fact.where not in (None, ledger.state.country):
                found[fact.where] = with_former(found.get(fact.where, ()), event.occurred, fact.until)
    return found


def _used(stays: list[TransitStay]) -> Iterator[tuple[HeldDocument, Occurred]]:
    for stay in stays:
        if stay.document not in (None, TravelDocument.NONE) and stay.entered is not None:
            used = f"used for the entry into {stay.country} on {stay.entered}"
            yield HeldDocument(document=stay.document, known_from=used), stay.entered


def _issued(states: list[Room]) -> Iterator[tuple[HeldDocument, Occurred]]:
    for entry in states:
        if isinstance(entry, Entry) and entry.document is not None and entry.issued is not None:
            found = HeldDocument(
                document=entry.document, until=entry.document_until, known_from=f"issued on {entry.issued}"
            )
            yield found, entry.issued


def _held(safety: Safety) -> Iterator[HeldDocument]:
    for document, fact in safety.documents.held.items():
        yield HeldDocument(document=document, until=fact.until, issued_by=fact.issued_by, known_from=HELD)


# --- the countries -------------------------------------------------------------------------------------------------


def destinations(book: Rulebook, person: Traveller, on: date) -> tuple[Destination, ...]:
    """What is known of every country of the rulebook on a day, for one person, in the order of their codes."""
    found = sorted(book.countries, key=lambda country: country.code)
    return tuple(_destination(country, person, on) for country in found if country.code != UNION)


def _destination(country: Country, person: Traveller, on: date) -> Destination:
    documents = _holding(country.entry_documents, on)
    held = {one.document for one in person.documents}
    limit = country.stay_limit(on)
    preconditions = _holding(country.preconditions, on)
    days, counted = _days(country, person, on)
    doubts = [*counted, *(limit.doubt if limit is not None else ("no limit of stay is known",))]
    return Destination(
        code=country.code,
        name=country.name,
        marks=tuple(_marks(country.code, person)),
        ways=tuple(way for one in person.documents for way in _ways(one, documents, country, on)),
        others=tuple(one for one in documents if one.accepted is Answer.YES and one.document not in held),
        limit=limit,
        days=days,
        preconditions=preconditions,
        risk=reckon_risk(country.risks, on),
        treaties=tuple(one for one in _holding(country.treaties, on) if one.bound is not Answer.NO),
        doubts=tuple(dict.fromkeys(doubts)),
        gaps=country.gaps,
    )


def _holding(items: tuple[Item, ...], on: date) -> tuple[Item, ...]:
    return tuple(one for one in items if one.holds_on(on) and one.status is not Status.REPEALED)


def _marks(code: str, person: Traveller) -> Iterator[str]:
    for concerned, words in (
        (code == person.country, "he is here"),
        (code in person.never_contact, "NEVER to be contacted"),
        (code in person.asked_for_by, "has asked for his EXTRADITION"),
        (code in person.looked_for_by, "LOOKS FOR him"),
    ):
        if concerned:
            yield words


def _ways(held: HeldDocument, items: tuple[EntryDocument, ...], country: Country, on: date) -> Iterator[Way]:
    spoken_of = [one for one in items if one.document == held.document]
    if not spoken_of:
        unknown = ("no source speaks of it",)
        yield Way(document=held.document, accepted=Answer.UNKNOWN, item=None, doubts=unknown)
    for item in spoken_of:
        doubts = (*item.doubt, *_doubts_of(held, item, country, on))
        yield Way(document=held.document, accepted=item.accepted, item=item, doubts=doubts)


def _doubts_of(held: HeldDocument, item: EntryDocument, country: Country, on: date) -> Iterator[str]:
    if held.until is None or held.until < on or item.valid_for_at_least is None:
        return
    wanted = counted_day(on, item.valid_for_at_least, item.margin_unit, Counting(), country.place)
    if held.until < wanted:
        margin = in_words(item.valid_for_at_least, item.margin_unit)
        yield f"valid until {held.until}, and the border wants {margin} more"


def _days(country: Country, person: Traveller, on: date) -> tuple[int | None, tuple[str, ...]]:
    """The days an entry on that day would give, and the doubts of the count."""
    if country.code == person.country:
        return None, ()
    history = [Stay.local(one.entered, one.left, country.place) for one in person.stays.get(country.code, ())]
    try:
        found = reckon(history, country.stay_limit, on)
    except NotUnderstood as error:
        return None, (f"the days cannot be reckoned: {error}",)
    return found.days_left, found.doubt
