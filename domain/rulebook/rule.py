"""One period of law, in one of its versions. A rule that is unknown or weak never gives a date in silence."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.deadlines import Counting, Unit, band_in_words
from domain.duties import LEGAL_REMINDERS, Bound, Consequence
from domain.rulebook.dated import Conditions, Dated, Period, Word, Words, fulfils

Step = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,24}(-[a-z0-9]{1,24}){0,4}$")]
"""Becomes a duty's id, which operators see in Temporal's lists: short words alone."""

PhaseName = Literal["safety", "transit-stay", "embassy-contacts", "vetting", "entry", "asylum-filing"]

_NOMINAL_DAYS = {
    Unit.HOURS: 1 / 24,
    Unit.DAYS: 1,
    Unit.WORKING_DAYS: 1,
    Unit.WEEKS: 7,
    Unit.MONTHS: 30,
    Unit.YEARS: 365,
    Unit.MONTH_ENDS: 30,
}
"""Only for comparing periods; nothing is counted with it."""


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
        begins: the event that starts it, by the name that the phase gives it: then the rule makes a duty of its own,
            whatever its step, until the step is recorded as done. See ``domain.further_duties``.
        earlier_of: the events of which the earlier starts it, by the names that the phase gives them.
        later_of: the events of which the later starts it.
        suspended_by: events that let the clock stand and keep the remainder.
        restarted_by: events that start it anew in full.
        revivable: how often a miss can be cured by beginning anew; ``None`` where that is not regulated.
        extendable: in which steps it can be prolonged, each in words.
        margin: how many days before its end the organisation wants it done.
        bound: who is bound.
        consequence: what a miss costs.
        curable: whether doing it late still helps. Yes, where the sources are silent.
        reminders: how many days before to remind; if not given, the usual ones that lie within the period.
        when: conditions that must all hold: facts of the case, and the values each may have.
        pivot: the event whose date decides which version applies.
    """

    phase: PhaseName
    step: Step
    title: Words
    local_name: str | None = None
    amount: Period | None = None
    at_most: Period | None = None
    unit: Unit | None = None
    at_most_unit: Unit | None = None
    up_to: bool = False
    counting: Counting = Counting()
    starts_on: Words
    begins: Word | None = None
    earlier_of: tuple[Word, ...] = ()
    later_of: tuple[Word, ...] = ()
    suspended_by: tuple[Word, ...] = ()
    restarted_by: tuple[Word, ...] = ()
    revivable: Period | None = None
    extendable: tuple[Words, ...] = ()
    margin: Period | None = None
    bound: Bound
    consequence: Consequence
    curable: bool = True
    reminders: tuple[Period, ...] = Field(default_factory=_reminders)
    when: Conditions = Field(default_factory=dict)
    pivot: Words

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if self.earlier_of and self.later_of:
            raise ValueError("a clock starts with the earlier or with the later of its events: leave one list out")
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

    def _doubts(self) -> Iterator[str]:
        yield from super()._doubts()
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

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Whether every condition holds. A fact that is not given fulfils none."""
        return fulfils(facts, self.when)
