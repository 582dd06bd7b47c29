"""A clock and what may happen to it: it stands and keeps its remainder, starts anew, is made longer or shorter, is
revived. How it runs is in ``domain.running``.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from domain.deadlines import LONGEST_PERIOD, Counting, Deadline, Unit, in_words
from domain.facts import Frozen, Occurred


class Length(Frozen):
    """By how much a period is made longer or shorter."""

    amount: Annotated[int, Field(ge=1, le=LONGEST_PERIOD)]
    unit: Unit

    @model_validator(mode="after")
    def _can_be_added(self) -> "Length":
        if self.unit is Unit.MONTH_ENDS:
            raise ValueError("nothing is made longer or shorter by an end of month: write days, weeks or months")
        return self

    def __str__(self) -> str:
        return in_words(self.amount, self.unit)


class Suspension(Frozen):
    """A time in which a clock stands and keeps its remainder.

    Attributes:
        since: what let it stand, such as the request for legal aid.
        until: what let it run on, such as the notification of the aid decision; ``None`` while it stands.
    """

    since: Occurred
    until: Occurred | None = None


class Clock(Frozen):
    """A period of law as it runs for one person.

    Attributes:
        start: when it started; ``None`` while it has not. See ``domain.starts`` for the earlier or later of two.
        amount: the period; of a band the shortest.
        unit: what ``amount`` is counted in.
        counting: how days are counted.
        at_most: the longest of a band.
        at_most_unit: what ``at_most`` is counted in; ``unit`` if not given.
        extended: by how much an authority has made the period longer, counted from its end.
        shortened: by how much shorter.
        suspensions: when it stood. They may overlap.
        restarts: when it started anew in full. One that came after the clock had run out moves nothing.
        revivals: when it began anew although it had run out, such as by a re-opening.
        revivable: how often the law allows that.
    """

    start: Occurred | None
    amount: int
    unit: Unit
    counting: Counting = Counting()
    at_most: int | None = None
    at_most_unit: Unit | None = None
    extended: tuple[Length, ...] = ()
    shortened: tuple[Length, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    restarts: tuple[Occurred, ...] = ()
    revivals: tuple[Occurred, ...] = ()
    revivable: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether nothing has happened to it since it started."""
        return not (self.extended or self.shortened or self.suspensions or self.restarts or self.revivals)


class Standstill(StrEnum):
    """Why a clock has no date."""

    NOT_STARTED = "not-started"
    SUSPENDED = "suspended"
    REVIVED_TOO_OFTEN = "revived-too-often"


class Remainder(Frozen):
    """What is left of a period while its clock stands.

    Attributes:
        amount: in ``unit``; of hours the full ones.
        unit: hours, days or working days.
        minutes: beside the full hours.
    """

    amount: int
    unit: Unit
    minutes: int = 0

    def __str__(self) -> str:
        minutes = f" {self.minutes} min" if self.minutes else ""
        return f"{in_words(self.amount, self.unit)}{minutes}"


class Standing(Frozen):
    """A clock that has no date: nobody may plan on one until a person has looked.

    Attributes:
        because: why.
        since: the local day since when.
        left: what is left of the period, by the shortest reading; ``None`` where nothing can be said.
        doubt: what is not certain, in short sentences.
        reckoning: the count, line by line.
    """

    because: Standstill
    since: date | None = None
    left: Remainder | None = None
    doubt: tuple[str, ...] = ()
    reckoning: tuple[str, ...] = ()


Reckoning: TypeAlias = Deadline | Standing
"""A date, or none. Only a ``Deadline`` has ``due``: whoever forgets the other case is told so by the type checker."""
