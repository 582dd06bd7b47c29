"""A served paper: how it reached the person, when it counts as served, and what it says of its own period."""

from datetime import date

from domain.asylum_facts import DecisionServed, Means, StatesPeriod
from domain.clocks import Length
from domain.deadlines import Unit
from domain.facts import Frozen, Occurred
from domain.legal_clocks import Happened
from domain.rulebook import Rules
from domain.rulebook.dated import Answer
from domain.starts import deemed_served, local_day

REMEDIES_MISSING = "the paper does not state the remedies: its period may not run at all; it is counted as if it did"
REMEDIES_UNKNOWN = "whether the paper states the remedies is not known"


class Paper(Frozen):
    """What was served.

    Attributes:
        on: the day of the report: of the service, or of the upload or posting from which the law reckons it.
        until: last day, as printed.
        within: the period, as stated.
        means: how it was served.
        opened: when the person opened it, or had it in hand.
        remedies: whether it states the remedies.
    """

    on: Occurred
    until: date | None = None
    within: Length | None = None
    means: Means | None = None
    opened: date | None = None
    remedies: Answer | None = None

    @classmethod
    def of(cls, fact: StatesPeriod, on: Occurred, until: date | None) -> "Paper":
        """What a report says of the paper."""
        within = length(fact.within, fact.within_unit)
        if not isinstance(fact, DecisionServed):
            return cls(on=on, until=until, within=within)
        return cls(
            on=on, until=until, within=within, means=fact.means, opened=fact.opened, remedies=fact.remedies_stated
        )


def length(amount: int | None, unit: str | None) -> Length | None:
    """A length as it was recorded; days if no unit was."""
    return Length(amount=amount, unit=Unit(unit or "days")) if amount is not None else None


def served(paper: Paper, rules: Rules) -> tuple[Occurred, Happened]:
    """When a paper counts as served, and what is doubtful in that."""
    begun, happened = _service(paper, rules)
    if paper.until is not None:
        # a printed day needs no service: only whether its period runs at all may be in doubt
        happened = Happened(notes=happened.notes)
    match paper.remedies:
        case Answer.NO:
            return begun, happened.plus(Happened(doubts=(REMEDIES_MISSING,)))
        case Answer.UNKNOWN:
            return begun, happened.plus(Happened(doubts=(REMEDIES_UNKNOWN,)))
        case _:
            return begun, happened


def _service(paper: Paper, rules: Rules) -> tuple[Occurred, Happened]:
    if paper.means is None:
        return paper.on, Happened()
    fiction = rules.service(paper.means, paper.on.earliest)
    if fiction is None and paper.means is Means.HAND_OVER:
        return paper.on, Happened(notes=("handed over: served at once",))
    if fiction is None:
        unknown = f"when a decision served by {_words(paper.means)} counts as served is not known: its day is taken"
        return paper.on, Happened(doubts=(unknown,))
    in_hand = Occurred.on(max(paper.opened, local_day(paper.on, rules.place))) if paper.opened is not None else None
    begun = deemed_served(fiction, paper.on, rules.place, served=in_hand)
    note = f"served by {_words(paper.means)}, recorded for {paper.on}: counts as served on {begun} ({fiction.title})"
    return begun, Happened(notes=(note,), doubts=tuple(f"the service: {one}" for one in fiction.doubt))


def _words(means: Means) -> str:
    return means.replace("-", " ")
