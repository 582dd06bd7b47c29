"""A country's rulebook: its periods of law, and all else that is known of it.

Invariants:
    1. Every item has a source, the day it was verified, and a confidence. No source, no item.
    2. What is unknown or weak says so in ``doubt``; it never gives a date in silence.
    3. Old and new versions stand side by side. For one step under one set of conditions, no day has two.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from hashlib import sha256
from itertools import combinations
from typing import Any

from domain.deadlines import NOWHERE, Place
from domain.errors import UnknownRule
from domain.facts import CountryCode, Frozen
from domain.rulebook.dated import Dated, Words, fulfils
from domain.rulebook.known import (
    Authority,
    EntryDocument,
    Outcome,
    Penalty,
    Practice,
    Precondition,
    RiskRecord,
    Service,
    StayLimit,
    Token,
    Track,
    Treaty,
)
from domain.rulebook.rule import Rule

Misfit = tuple[Dated | None, str, str]
"""What does not fit together: the item, what to do about it in words, and the field; empty for the whole item."""

_BESIDE = {"sources", "verified", "note", "contested", "layer", "corrects"}
"""Fields of an item that move no date."""

_OF_A_PHASE = ("rules", "stay_limits", "tracks", "services", "penalties")
"""What a phase gets of a country beside its place."""

_MOVES_NO_DATE = {"edition": True, "penalties": True}


class Rules(Frozen):
    """What one phase gets of one country.

    Attributes:
        country: the country; ``None`` when the phase lies in none.
        place: where its periods run; ``NOWHERE`` for an unknown country.
        rules: its rules, all versions.
        stay_limits: its limits of stay, all versions, for the phase of the stay.
        tracks: the ways through its asylum procedure.
        services: how its decisions are served.
        penalties: what an offence costs, for the phase of the stay.
        known: whether there is a rulebook for the country.
        edition: of the law; see ``domain.rulebook.editions``.
    """

    country: str | None
    place: Place = NOWHERE
    rules: tuple[Rule, ...] = ()
    stay_limits: tuple[StayLimit, ...] = ()
    tracks: tuple[Track, ...] = ()
    services: tuple[Service, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    known: bool = True
    edition: int = 0

    @classmethod
    def unknown(cls, country: str | None) -> "Rules":
        """The rules of a country of which nothing is known: none. Not an error: people get there all the same."""
        return cls(country=country, known=False)

    @cached_property
    def digest(self) -> str:
        """Names what moves dates in these rules: sixteen characters, the same for the same law."""
        beside: Any = {**{kind: {"__all__": _BESIDE} for kind in _OF_A_PHASE}, **_MOVES_NO_DATE}
        content = self.model_dump_json(exclude=beside)
        return sha256(content.encode()).hexdigest()[:16]

    def lean(self) -> "Rules":
        """The same without what moves no date, for a workflow's history: of the sources only the first is kept."""
        beside = {"note": None, "contested": ()}

        def light(items: tuple[Dated, ...]) -> tuple[Dated, ...]:
            return tuple(one.model_copy(update={**beside, "sources": one.sources[:1]}) for one in items)

        return self.model_copy(update={kind: light(getattr(self, kind)) for kind in _OF_A_PHASE})

    def find(self, step: str, on: date, **facts: str) -> Rule | None:
        """The rule for a step, in the version of a day; ``None`` if there is none.

        Args:
            step: the step of the procedure.
            on: the day of the rule's pivot event.
            facts: what is known of the case, such as ``track`` or ``entry``. A rule whose condition is about a fact
                that is not given does not fit. Of several that fit, the most specific is taken, then the shortest.
        """
        fitting = (rule for rule in self.rules if rule.step == step and rule.holds_on(on) and rule.fits(facts))
        return min(fitting, key=lambda rule: rule.rank, default=None)

    def stay_limit(self, on: date, **facts: str) -> StayLimit | None:
        """The limit of stay, in the version of a day of entry; of several that fit the most specific."""
        return _limit(self.stay_limits, on, facts)

    def track(self, name: str, on: date) -> Track | None:
        """A way through the procedure, in the version of a day."""
        return next((one for one in self.tracks if one.track == name and one.holds_on(on)), None)

    def service(self, means: str, on: date) -> Service | None:
        """A way of serving a decision, in the version of a day."""
        return next((one for one in self.services if one.means == means and one.holds_on(on)), None)


class Country(Frozen):
    """All that the rulebook holds of one country, or of a union of countries.

    Attributes:
        code: ISO 3166-1 alpha-2; ``EU`` for the law of the union.
        name: in English.
        place: the authority's calendar and time zone.
        entry_documents: what the border accepts, and what it does not.
        preconditions: what it wants beside the document.
        stay_limits: how long a person may stay without another ground.
        tokens: its statuses.
        rules: all periods, all versions.
        tracks: the ways through its asylum procedure.
        services: how its decisions are served.
        outcomes: the ends of its procedure.
        penalties: what an offence costs.
        authorities: who decides.
        treaties: on extradition and search.
        practices: what is done beside the law.
        risks: reports of what happened to people there.
        gaps: questions that nobody has answered yet, each worth a lawyer's time.
    """

    code: CountryCode
    name: Words
    place: Place
    entry_documents: tuple[EntryDocument, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    stay_limits: tuple[StayLimit, ...] = ()
    tokens: tuple[Token, ...] = ()
    rules: tuple[Rule, ...] = ()
    tracks: tuple[Track, ...] = ()
    services: tuple[Service, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    authorities: tuple[Authority, ...] = ()
    treaties: tuple[Treaty, ...] = ()
    practices: tuple[Practice, ...] = ()
    risks: tuple[RiskRecord, ...] = ()
    gaps: tuple[Words, ...] = ()

    @property
    def items(self) -> tuple[Dated, ...]:
        """Everything with a source."""
        return tuple(one for many, _ in KINDS.values() for one in getattr(self, many))

    def stay_limit(self, on: date, **facts: str) -> StayLimit | None:
        """The limit of stay, in the version of a day of entry; of several that fit the most specific."""
        return _limit(self.stay_limits, on, facts)

    def misfits(self, *, is_whole: bool = True) -> Iterator[Misfit]:
        """What does not fit together.

        Args:
            is_whole: whether every item of the file is here. Otherwise nothing is said of what may be missing.
        """
        if self.place.country != self.code:
            yield None, "the place lies in another country: leave its country out, or write the code", "place"
        if is_whole and not self.items and not self.gaps:
            yield None, "it holds nothing: write at least what nobody knows yet, as gaps", "gaps"
        yield from self._strange_ids()
        yield from self._collisions()
        if is_whole:
            for track in self.tracks:
                yield from self._lost_of(track)

    def _lost_of(self, track: Track) -> Iterator[Misfit]:
        """What a track names in vain."""
        known = {rule.id for rule in self.rules}
        names = {one.track for one in self.tracks} | {one.outcome for one in self.outcomes}
        if set(track.steps) - known:
            yield track, "a step is the id of no rule here: add the rule, or mend the id", "steps"
        if set(track.leads_to) - names:
            yield track, "it leads to a track or outcome that is not here: add it, or leave it out", "leads_to"
        for step in track.steps:
            versions = [rule for rule in self.rules if rule.id == step]
            if versions and not any(track.track in rule.when.get("track", (track.track,)) for rule in versions):
                yield track, f"{step} can never run on this track: add the track to that rule's when", "steps"

    def _strange_ids(self) -> Iterator[Misfit]:
        for one in self.items:
            if not one.id.startswith(f"{self.code.lower()}."):
                yield one, f"{one.id} does not begin with the country's code", "id"

    def _collisions(self) -> Iterator[Misfit]:
        for one, other in combinations(self.rules, 2):
            if (one.phase, one.step) == (other.phase, other.step) and _meet(one, other):
                yield other, f"{one.id} and {other.id} hold for one step, condition and day: let one end", ""
        for many, _ in KINDS.values():
            if many not in ("rules", "penalties"):
                yield from self._doubled(getattr(self, many))

    def _doubled(self, items: Sequence[Dated]) -> Iterator[Misfit]:
        for one, other in combinations(items, 2):
            if one.id == other.id and one.overlaps(other):
                yield other, f"two versions of {one.id} hold on one day: let one end", ""


KINDS: Mapping[str, tuple[str, type[Dated]]] = {
    "entry_document": ("entry_documents", EntryDocument),
    "precondition": ("preconditions", Precondition),
    "stay_limit": ("stay_limits", StayLimit),
    "token": ("tokens", Token),
    "rule": ("rules", Rule),
    "track": ("tracks", Track),
    "service": ("services", Service),
    "outcome": ("outcomes", Outcome),
    "penalty": ("penalties", Penalty),
    "authority": ("authorities", Authority),
    "treaty": ("treaties", Treaty),
    "practice": ("practices", Practice),
    "risk": ("risks", RiskRecord),
}
"""What a file's tables are called, where a country keeps them, and what each is."""


def _limit(limits: tuple[StayLimit, ...], on: date, facts: Mapping[str, str]) -> StayLimit | None:
    fitting = (one for one in limits if one.holds_on(on) and fulfils(facts, one.when))
    return min(fitting, key=lambda one: -len(one.when), default=None)


def _meet(one: Rule, other: Rule) -> bool:
    """Whether both could hold for one case on one day, and neither is more specific."""
    if one.when.keys() != other.when.keys() or not all(
        set(one.when[name]) & set(other.when[name]) for name in one.when
    ):
        return False
    return one.overlaps(other)


class Rulebook(Frozen):
    """The rulebooks of all countries.

    Attributes:
        countries: one each.
    """

    countries: tuple[Country, ...]

    def country(self, code: str | None) -> Country | None:
        """A country by its code; ``None`` if there is no rulebook for it."""
        return next((one for one in self.countries if one.code == code), None)

    def must_have(self, code: str) -> Country:
        """
        Raises:
            UnknownRule: there is no rulebook for this country.
        """
        country = self.country(code.upper())
        if country is None:
            known = ", ".join(one.code for one in self.countries)
            raise UnknownRule(f"there is no rulebook for this country: {known} have one")
        return country

    def for_phase(self, country_code: str | None, phase: str, held: object = None, /) -> Rules:
        """What a phase gets: the country's rules for it. An unknown country gives rules that are not ``known``.

        A rulebook alone is one edition, whatever edition is ``held``: see ``domain.rulebook.editions``.
        """
        country = self.country(country_code)
        if country is None:
            return Rules.unknown(country_code)
        wanted: dict[str, Any] = {"rules": tuple(rule for rule in country.rules if rule.phase == phase)}
        if phase == "transit-stay":
            wanted |= {"stay_limits": country.stay_limits, "penalties": country.penalties}
        if phase in ("transit-stay", "asylum-filing"):
            wanted |= {"tracks": country.tracks, "services": country.services}
        return Rules(country=country.code, place=country.place, **wanted)
