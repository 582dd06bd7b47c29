"""What a reckoning of stays finds, and how it is told line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from domain.stays import Stay

# They are made often and hold what was reckoned, so there is nothing to validate: plain values, no models.


@dataclass(frozen=True, slots=True)
class Counted:
    """A stay, and how many of its days were counted in a window."""

    entered: date
    left: date
    days: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What one limit says, in one reading.

    Attributes:
        says: the reading in words.
        doubtful: nobody knows whether it is this one that holds.
        used: days used in the window.
        of: days that it gives; for a time of absence the days that it demands.
        begins: first day of the window that ends on the day of the reckoning; ``None`` without one.
        counted: the stays in the window.
        last_day: the last lawful day of the stay by this limit alone; ``None`` if the entry was not possible.
        unlimited: this limit never ends the stay.
        binds: no other limit ends the stay earlier.
    """

    says: str
    doubtful: bool
    used: int
    of: int
    begins: date | None
    counted: tuple[Counted, ...]
    last_day: date | None
    unlimited: bool
    binds: bool


@dataclass(frozen=True, slots=True)
class Overstay:
    """A stay, or a plan, that is too long.

    Attributes:
        entered: when that stay began.
        since: the first day that was not allowed.
        until: the last day that is counted: the exit, or the day of the reckoning.
        days: how many that are.
        certain_since: the same first day where every doubt is read in favour of the person; ``None`` if there is none.
    """

    entered: date
    since: date
    until: date
    days: int
    certain_since: date | None


@dataclass(frozen=True, slots=True)
class Chance:
    """A new entry: the day, the last lawful day of that stay, and how many days of stay it has."""

    entry: date
    last_day: date
    days: int


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a history means on a day.

    Attributes:
        on: the day.
        stay: the stay in question: the present one, or the next that is planned; ``None`` if there is none.
        present: whether the person is there on that day.
        last_day: the last lawful day of that stay; ``None`` if the entry was not possible, or nothing is known.
        days_left: how many days of stay are left: after the day for a present stay, in all for one that is planned; if
            there is none, as many as an entry on that day would give. ``None`` if nothing is known.
        overstays: every stay that was, is or would be too long, in order.
        leaves: the exit after which a new entry is reckoned; where none is recorded, it is supposed to be the last
            lawful day, or the day of the reckoning if that has passed.
        next_entry: the earliest new entry after all these stays; ``None`` if none is possible or nothing is known.
        full_stay: the earliest new entry that former stays shorten no more.
        answers: what each limit says, in each reading.
        doubt: why this is not certain, in short sentences.
    """

    on: date
    stay: Stay | None
    present: bool
    last_day: date | None
    days_left: int | None
    overstays: tuple[Overstay, ...]
    leaves: date | None
    next_entry: Chance | None
    full_stay: Chance | None
    answers: tuple[Answer, ...]
    doubt: tuple[str, ...]

    @property
    def overstay(self) -> Overstay | None:
        """That of the stay in question."""
        entered = self.stay.entered.earliest if self.stay is not None else None
        return next((one for one in reversed(self.overstays) if one.entered == entered), None)

    @property
    def lines(self) -> tuple[str, ...]:
        """The count, line by line, for a person to check."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        for answer in self.answers:
            doubtful = ", if that is how it is read" if answer.doubtful else ""
            yield f"{answer.says}{doubtful}:"
            if answer.begins is not None:
                yield f"  window from {answer.begins} to {self.on}: {answer.used} of {answer.of} days used"
            for one in answer.counted:
                yield f"    {one.entered} to {one.left}: {days_in_words(one.days)} of it in the window"
            yield f"  {self._ends(answer)}"

    def _ends(self, answer: Answer) -> str:
        """Until when a limit lets the stay in question last, or else the next one."""
        if self.stay is not None:
            what = f"the stay from {self.stay.entered}"
        elif self.next_entry is not None:
            what = f"a stay from {self.next_entry.entry}"
        else:
            what = f"a stay from {self.on}"
        if answer.unlimited:
            return f"does not limit {what}"
        if answer.last_day is None:
            return f"does not allow {what}"
        return f"allows {what} until {answer.last_day}{', and no other limit ends it earlier' if answer.binds else ''}"


def days_in_words(number: int) -> str:
    """``1 day``, ``12 days``."""
    return f"{number} {'day' if number == 1 else 'days'}"
