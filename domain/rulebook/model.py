"""What a rulebook holds: rules of law with their source, validity, confidence and doubt.

Invariants:
    1. Every rule has a source, the day it was verified, and a confidence. No source, no rule.
    2. A rule that is unknown or weak says so in ``doubt``; it never gives a date in silence.
    3. Old and new versions stand side by side. For one step under one set of conditions, no day has two.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.deadlines import LONGEST_PERIOD, NOWHERE, Counting, Deadline, Place, Unit, band_in_words, count
from domain.duties import LEGAL_REMINDERS, Bound, Consequence
from domain.facts import CountryCode, Frozen, Occurred

PhaseName = Literal["safety", "transit-stay", "embassy-contacts", "vetting", "entry", "asylum-filing"]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(\.[a-z0-9]+(-[a-z0-9]+)*)+$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Period = Annotated[int, Field(ge=1, le=LONGEST_PERIOD)]
Conditions = dict[Word, Annotated[tuple[Word, ...], Field(min_length=1)]]

_NOMINAL_DAYS = {
    Unit.HOURS: 1 / 24,
    Unit.DAYS: 1,
    Unit.WORKING_DAYS: 1,
    Unit.WEEKS: 7,
    Unit.MONTHS: 30,
    Unit.YEARS: 365,
}
"""Only for comparing periods; nothing is counted with it."""


class Confidence(StrEnum):
    """How well a rule is known.

    ``high``: an official text, or two independent good sources. ``medium``: one good source, or several weak ones.
    ``low``: one weak or old source, or sources in conflict. ``unverified``: no source read for this value at this time.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNVERIFIED = "unverified"


class Status(StrEnum):
    """Whether a rule is law."""

    IN_FORCE = "in-force"
    ANNOUNCED = "announced"
    DISPUTED = "disputed"
    REPEALED = "repealed"


_WEAK = {
    Confidence.LOW: "the source of this rule is weak",
    Confidence.UNVERIFIED: "this rule is not verified",
    Status.ANNOUNCED: "this rule was announced, and nobody has seen whether it is applied",
    Status.DISPUTED: "the sources disagree on this rule",
}


class Source(Frozen):
    """Where a rule stands. Never a quotation: texts have owners.

    Attributes:
        url: the page.
        cites: the article or section in it.
        seen: the date of the page, or of the text it showed.
    """

    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    cites: str | None = None
    seen: date | None = None


class Dated(Frozen):
    """What everything in a rulebook has: where it comes from, how sure it is, and from when to when it holds.

    Attributes:
        sources: where it stands; at least one.
        verified: the day on which somebody last checked it.
        confidence: how well it is known.
        status: whether it is law.
        valid_from: first day of its validity; ``None`` when that is not known, or long ago.
        valid_to: last day of its validity; ``None`` while it has no end.
        note: what a reader must know beside it.
    """

    sources: tuple[Source, ...] = Field(min_length=1)
    verified: date
    confidence: Confidence
    status: Status = Status.IN_FORCE
    valid_from: date | None = None
    valid_to: date | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from: exchange them")
        if self.status is Status.REPEALED and self.valid_to is None:
            raise ValueError("a repealed rule needs valid_to, its last day")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether a day lies within the validity, its first and last day included."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


class EntryDocument(Dated):
    """A document a border accepts. Good for entry only: a later step may need another one.

    Attributes:
        document: what it is.
        valid_for_at_least: margin in days that it must still be valid; ``None`` when no margin is known.
    """

    document: Word
    valid_for_at_least: Period | None = None


def _reminders(validated: dict[str, Any]) -> tuple[int, ...]:
    """The usual reminders that lie within the period; all of them when it is not known."""
    usual = tuple(ahead.days for ahead in LEGAL_REMINDERS)
    amount, unit = validated.get("amount"), validated.get("unit")
    if amount is None or unit is None:
        return usual
    return tuple(days for days in usual if days < amount * _NOMINAL_DAYS[unit])


class Rule(Dated):
    """One period of law, in one of its versions.

    Attributes:
        id: names the rule; its versions share it.
        phase: the phase it belongs to.
        step: what the phase looks it up by.
        title: the duty as one sentence in the words of the field; never a personal value.
        local_name: what the authority calls it.
        amount: the period; of a band the shortest. ``None`` is a gap: nothing is known that could be counted.
        at_most: the longest of a band.
        unit: what ``amount`` is counted in; ``None`` for a gap.
        at_most_unit: what ``at_most`` is counted in, where that is another unit.
        up_to: the law names only the longest period, and the authority prints the one that holds.
        counting: how days are counted.
        starts_on: which event starts the clock.
        bound: who is bound.
        consequence: what a miss costs.
        curable: whether doing it late still helps. Yes, where the sources are silent.
        reminders: how many days before to remind; if not given, the usual ones that lie within the period.
        when: conditions that must all hold: facts of the case, and the values each may have.
        pivot: the event whose date decides which version applies.
    """

    id: RuleId
    phase: PhaseName
    step: Word
    title: Words
    local_name: str | None = None
    amount: Period | None = None
    at_most: Period | None = None
    unit: Unit | None = None
    at_most_unit: Unit | None = None
    up_to: bool = False
    counting: Counting = Counting()
    starts_on: Words
    bound: Bound
    consequence: Consequence
    curable: bool = True
    reminders: tuple[Period, ...] = Field(default_factory=_reminders)
    when: Conditions = Field(default_factory=dict)
    pivot: Words

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if self.amount is None:
            if self.unit or self.at_most or self.up_to:
                raise ValueError("without an amount there is no unit, at_most or up_to: leave them out")
            return self
        if self.unit is None:
            raise ValueError("an amount needs its unit")
        if self.unit is Unit.HOURS and self.counting != Counting():
            raise ValueError("hours are counted to the minute: leave counting out")
        self._check_band(self.amount, self.unit)
        return self

    def _check_band(self, amount: int, unit: Unit) -> None:
        if self.at_most is None:
            if self.at_most_unit:
                raise ValueError("at_most_unit needs at_most")
            return
        if self.at_most * _NOMINAL_DAYS[self.at_most_unit or unit] <= amount * _NOMINAL_DAYS[unit]:
            raise ValueError("at_most is not more than amount: write the shortest as amount")

    @property
    def doubt(self) -> tuple[str, ...]:
        """Why no date of this rule may be relied on alone, in short sentences; empty when it may."""
        return tuple(self._doubts())

    def _doubts(self) -> Iterator[str]:
        for weakness in (self.confidence, self.status):
            if weakness in _WEAK:
                yield _WEAK[weakness]
        if self.amount is None or self.unit is None:
            yield "no period is known"
        elif self.at_most is not None:
            yield band_in_words(self.amount, self.unit, self.at_most, self.at_most_unit or self.unit)
        if self.up_to:
            yield "the law names only the longest period: the printed date may be earlier"

    @property
    def rank(self) -> tuple[int, float]:
        """Orders rules that fit a case: the most specific first, then the shortest; a gap last."""
        known = self.amount is not None and self.unit is not None
        length = self.amount * _NOMINAL_DAYS[self.unit] if self.amount and self.unit and known else float("inf")
        return -len(self.when), length

    def fits(self, facts: dict[str, str]) -> bool:
        """Whether every condition holds. A fact that is not given fulfils none."""
        return all(facts.get(name) in wanted for name, wanted in self.when.items())


class Rules(Frozen):
    """What one phase gets of one country.

    Attributes:
        country: the country; ``None`` when the phase lies in none.
        place: where its periods run; ``NOWHERE`` for an unknown country.
        rules: its rules, all versions.
        known: whether there is a rulebook for the country.
    """

    country: str | None
    place: Place = NOWHERE
    rules: tuple[Rule, ...] = ()
    known: bool = True

    @classmethod
    def unknown(cls, country: str | None) -> "Rules":
        """The rules of a country of which nothing is known: none. Not an error: people get there all the same."""
        return cls(country=country, known=False)

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

    def deadline(self, rule: Rule, start: Occurred) -> Deadline | None:
        """The rule's deadline, with the rule's own doubt; ``None`` when the rule is a gap."""
        if rule.amount is None or rule.unit is None:
            return None
        counted = count(
            start,
            rule.amount,
            rule.unit,
            rule.counting,
            self.place,
            at_most=rule.at_most,
            at_most_unit=rule.at_most_unit,
        )
        # A band is doubtful both as a rule and as a count: say it once.
        return counted.model_copy(update={"doubt": tuple(dict.fromkeys((*rule.doubt, *counted.doubt)))})


class Country(Frozen):
    """All that the rulebook holds of one country.

    Attributes:
        code: ISO 3166-1 alpha-2.
        name: in English.
        place: the authority's calendar and time zone.
        entry_documents: what the border accepts.
        rules: all rules, all versions.
        gaps: questions that nobody has answered yet, each worth a lawyer's time.
    """

    code: CountryCode
    name: Words
    place: Place
    entry_documents: tuple[EntryDocument, ...] = ()
    rules: tuple[Rule, ...] = Field(min_length=1)
    gaps: tuple[Words, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.place.country != self.code:
            raise ValueError("the place lies in another country")
        if strange := next((rule.id for rule in self.rules if not rule.id.startswith(f"{self.code.lower()}.")), None):
            raise ValueError(f"{strange} does not begin with the country's code")
        for one, other in combinations(self.rules, 2):
            if _collide(one, other):
                raise ValueError(f"{one.id} and {other.id} hold for one step, condition and day: let one end")
        return self


def _collide(one: Rule, other: Rule) -> bool:
    same = (one.phase, one.step) == (other.phase, other.step) and one.when.keys() == other.when.keys()
    if not same or not all(set(one.when[name]) & set(other.when[name]) for name in one.when):
        return False
    begins = max(one.valid_from or date.min, other.valid_from or date.min)
    return begins <= min(one.valid_to or date.max, other.valid_to or date.max)


class Rulebook(Frozen):
    """The rulebooks of all countries."""

    countries: tuple[Country, ...]

    def country(self, code: str | None) -> Country | None:
        """A country by its code; ``None`` if there is no rulebook for it."""
        return next((one for one in self.countries if one.code == code), None)

    def for_phase(self, country_code: str | None, phase: str) -> Rules:
        """What a phase gets: the country's rules for it. An unknown country gives rules that are not ``known``."""
        country = self.country(country_code)
        if country is None:
            return Rules.unknown(country_code)
        mine = tuple(rule for rule in country.rules if rule.phase == phase)
        return Rules(country=country.code, place=country.place, rules=mine)
