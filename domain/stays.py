"""Limits of stay, and the stays that they are held against. ``domain.stay_reckoning`` counts with them.

Days are local dates of the country. An entry or exit that is not certain is a range, of which the stay takes the whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple, Protocol, Self

from pydantic import Field, model_validator

from domain.deadlines import Place
from domain.errors import NotUnderstood
from domain.facts import Frozen, Occurred

Days = Annotated[int, Field(ge=1, le=9999)]
Kind = Literal["rolling", "per-entry", "calendar-year", "rolling-year", "year", "absence"]
Known = Literal["yes", "no", "unknown"]

DAYS_OF_A_YEAR = 365


class Constraint(Frozen):
    """One limit among several that must all hold.

    Attributes:
        kind: ``rolling``: at most ``amount`` days in any ``window`` days. ``per-entry``: at most ``amount`` of ``unit``
            from each entry. ``calendar-year``, ``rolling-year``: at most ``amount`` days in one. ``year``: the same,
            where nobody knows which of the two. ``absence``: a new entry only after ``amount`` whole days outside.
        amount: how much.
        unit: what it is counted in; days for all but ``per-entry``.
        window: in days, for ``rolling``.
        reset: for ``per-entry``, whether leaving and entering again begins anew.
        disputed: some sources say it and others do not. It plans the earliest dates, and the doubt is said.
    """

    kind: Kind
    amount: Days
    unit: Literal["days", "months", "years"] = "days"
    window: Days | None = None
    reset: Known = "unknown"
    disputed: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kind == "rolling") != (self.window is not None):
            raise ValueError("a rolling limit has a window in days, and no other has one")
        if self.window is not None and self.amount >= self.window:
            raise ValueError("a rolling limit of so many days never binds in so short a window: write 90 in 180")
        if self.kind.endswith("year") and self.amount >= DAYS_OF_A_YEAR:
            raise ValueError("a year has no more days than that: the limit never binds")
        if self.kind != "per-entry" and (self.unit != "days" or self.reset != "unknown"):
            raise ValueError("only a limit for each entry has months or years, and only it can begin anew")
        return self

    @property
    def says(self) -> str:
        """The limit as one says it."""
        return f"{self._told()} (disputed)" if self.disputed else self._told()

    def _told(self) -> str:
        match self.kind:
            case "rolling":
                return f"{self.amount_says} in any {self.window}"
            case "per-entry":
                return f"{self.amount_says} for each entry, {_RESET[self.reset]}"
            case "calendar-year":
                return f"{self.amount_says} in a calendar year"
            case "rolling-year":
                return f"{self.amount_says} in any year"
            case "year":
                return f"{self.amount_says} in a year, calendar or rolling is not known"
            case "absence":
                return f"a new entry only after {self.amount_says} outside"

    @property
    def amount_says(self) -> str:
        """``1 year``, ``90 days``."""
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"


_RESET = {
    "yes": "leaving begins anew",
    "no": "leaving does not begin anew",
    "unknown": "whether leaving begins anew is not known",
}


class Limiting(Protocol):
    """What a stay is held against: a rulebook's limit of stay, or one that was typed."""

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """All of them must hold."""

    @property
    def entry_day_counts(self) -> str:
        """``yes``, ``no`` or ``unknown``, which is counted: the earlier reading."""

    @property
    def exit_day_counts(self) -> str:
        """The same of the day of exit."""

    @property
    def valid_from(self) -> date | None:
        """First day of entry for which it holds."""

    @property
    def valid_to(self) -> date | None:
        """Last such day."""

    @property
    def doubt(self) -> tuple[str, ...]:
        """Why it may not be relied on alone."""


class Limit(Frozen):
    """A limit of stay outside any rulebook.

    Attributes:
        constraints: all of them must hold.
        entry_day_counts: whether the day of entry is a day of stay.
        exit_day_counts: the same of the day of exit.
        valid_from: first day of entry for which it holds.
        valid_to: last such day.
        doubt: why it may not be relied on alone.
    """

    constraints: tuple[Constraint, ...] = Field(min_length=1)
    entry_day_counts: Known = "unknown"
    exit_day_counts: Known = "unknown"
    valid_from: date | None = None
    valid_to: date | None = None
    doubt: tuple[str, ...] = ()


class Stay(Frozen):
    """One stay, past, present or planned.

    Attributes:
        entered: the day of entry.
        left: the day of exit; ``None`` while the person is there, or when no exit is planned yet.
    """

    entered: Occurred
    left: Occurred | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.left is not None and self.left.latest < self.entered.earliest:
            raise ValueError("the exit lies before the entry: exchange them")
        return self

    @classmethod
    def between(cls, entered: date, left: date | None = None) -> Self:
        """A stay between certain days."""
        return cls(entered=Occurred.on(entered), left=Occurred.on(left) if left is not None else None)

    @classmethod
    def local(cls, entered: Occurred, left: Occurred | None, place: Place) -> Self:
        """A stay of which an hour may be known: its day is the day in the country."""
        return cls(entered=_local(entered, place), left=_local(left, place) if left is not None else None)

    def __str__(self) -> str:
        return f"{self.entered} to {self.left or 'now'}"


def _local(occurred: Occurred, place: Place) -> Occurred:
    if occurred.at is None:
        return occurred
    day = occurred.at.astimezone(place.zone).date()
    return Occurred(earliest=day, latest=day, about=occurred.about)


FIRST, LAST = date(1900, 1, 1).toordinal(), date(8900, 1, 1).toordinal()
"""Days outside are counted as these: a mistyped year in a recorded report must never stop a case."""


class Span(NamedTuple):
    """A stay as the days it may have lasted, in ordinal numbers.

    Attributes:
        entered: the earliest day of entry.
        left: the latest day of exit; of a stay without one, the day of the reckoning.
        stay: the stay itself.
        is_open: whether it has no exit.
        is_certain: whether both days are.
    """

    entered: int
    left: int
    stay: Stay
    is_open: bool
    is_certain: bool

    @property
    def narrow(self) -> tuple[int, int]:
        """The days it lasted for certain: from the latest entry to the earliest exit; the second may lie before."""
        left = _ordinal(self.stay.left.earliest) if self.stay.left is not None else self.left
        return max(self.entered, _ordinal(self.stay.entered.latest)), min(self.left, left)

    @property
    def doubts(self) -> Iterator[str]:
        """What is not certain about it."""
        for what, occurred, taken in (("entry", self.stay.entered, "earliest"), ("exit", self.stay.left, "latest")):
            if occurred is not None and not _is_certain(occurred):
                yield f"the {what} on {occurred} is not certain: the {taken} day is taken"


def spans(history: Sequence[Stay], on: date) -> list[Span]:
    """A history in order; out and in on one day are no overlap.

    Raises:
        NotUnderstood: two stays lie over each other, or one before the last has no exit.
    """
    found: list[Span] = []
    for stay in sorted(history, key=_order):
        entry, exit_ = stay.entered, stay.left
        entered = _ordinal(entry.earliest)
        if found:
            _check_order(found[-1].stay, stay)
            if found[-1].left > entered:  # not certain, or it would overlap
                found[-1] = found[-1]._replace(left=entered)
        is_certain = _is_certain(entry) and (exit_ is None or _is_certain(exit_))
        left = max(_ordinal(on), entered) if exit_ is None else _ordinal(exit_.latest)
        found.append(Span(entered, left, stay, exit_ is None, is_certain))
    return found


def _order(stay: Stay) -> tuple[date, date]:
    return stay.entered.earliest, stay.left.latest if stay.left is not None else date.max


def _check_order(one: Stay, following: Stay) -> None:
    if one.left is None:
        raise NotUnderstood(f"the stay from {one.entered} has no exit, and a later one begins: give its exit")
    if one.left.earliest > following.entered.latest:
        raise NotUnderstood(f"two stays lie over each other, {one} and {following}: mend one of them")


def _is_certain(occurred: Occurred) -> bool:
    return occurred.earliest == occurred.latest and not occurred.about


def _ordinal(day: date) -> int:
    number = day.toordinal()
    return number if FIRST <= number <= LAST else FIRST if number < FIRST else LAST


def entered_again(stays: tuple[Stay, ...], when: Occurred) -> tuple[Stay, ...]:
    """A history with one more entry. Where the exit before it is not known, he is taken to have stayed until then."""
    return (*left(stays, when), Stay(entered=when))


def left(stays: tuple[Stay, ...], when: Occurred) -> tuple[Stay, ...]:
    """A history whose last stay has ended. An exit that lies before its entry ends it on the day of the entry."""
    if not stays or stays[-1].left is not None:
        return stays
    last = stays[-1]
    ended = when if when.latest >= last.entered.earliest else last.entered
    return (*stays[:-1], Stay(entered=last.entered, left=ended))


def beside(stays: tuple[Stay, ...], others: Iterable[tuple[Occurred, Occurred]]) -> tuple[Stay, ...]:
    """Those of other times that lie over no stay of a history, as stays: what is recorded in detail beats them."""
    found = (Stay(entered=begin, left=end if end.latest >= begin.earliest else begin) for begin, end in others)
    return tuple(one for one in found if not any(_lies_over(one, stay) for stay in stays))


def _lies_over(one: Stay, stay: Stay) -> bool:
    begins_before = stay.left is None or one.entered.earliest < stay.left.latest
    return begins_before and (one.left is None or one.left.latest > stay.entered.earliest)


def stayed_before(stays: tuple[Stay, ...], entered: Occurred, until: date) -> tuple[Stay, ...]:
    """A history with a stay of former times, in its place."""
    former = Stay(entered=entered, left=Occurred.on(max(until, entered.latest)))
    return tuple(sorted((former, *stays), key=lambda one: (one.entered.earliest, one.left is None)))


def with_former(stays: tuple[Stay, ...], entered: Occurred, until: date) -> tuple[Stay, ...]:
    """A history with a stay of former times that was told elsewhere, unless one of its own holds every day of it.

    One that only lies over another is kept: a count that cannot be made is better than one with too few days.
    """
    last = max(until, entered.latest)
    is_held = any(
        one.entered.earliest <= entered.earliest and (one.left is None or one.left.latest >= last) for one in stays
    )
    return stays if is_held else stayed_before(stays, entered, until)
