"""Editions of the law: which rulebook a case runs on, although the files have changed since.

Invariants:
    1. An edition never changes. A case runs on the edition that was applied when its phase was opened, until a person
       applies a later one and the phase has recorded that.
    2. An edition whose rules for a phase have the same digest moves nothing there, and nothing is recorded.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pydantic import AwareDatetime

from domain.facts import Frozen
from domain.rulebook.model import Rulebook, Rules

BEFORE_ALL = 0
"""The edition of an installation that has kept none yet."""


class Held(NamedTuple):
    """What tells which edition a phase runs on.

    Attributes:
        opened_at: when the phase was opened; ``None`` for one that is opened now.
        edition: the edition that it has recorded since; ``None`` if it has recorded none.
    """

    opened_at: datetime | None = None
    edition: int | None = None


NEW = Held()
"""Of a phase that is opened now: it runs on the latest edition."""


class RulesFor(Protocol):
    """Gives the rules of a country for a phase; an unknown country gives one without rules."""

    def __call__(self, country_code: str | None, phase: str, held: Held = NEW, /) -> Rules: ...


class Lawbook(Protocol):
    """What gives the rules: one rulebook, or the law with all its editions."""

    def for_phase(self, country_code: str | None, phase: str, held: Held = NEW, /) -> Rules:
        """The rules that a phase runs on."""
        ...


class Edition(Frozen):
    """One edition, without its content.

    Attributes:
        number: from one, in order.
        applied_at: when it became the law that phases run on.
        applied_by: who applied it.
        digest: of its content.
    """

    number: int
    applied_at: AwareDatetime
    applied_by: str
    digest: str


class Law:
    """All editions of an installation.

    Args:
        editions: oldest first; none for an installation that has kept none yet.
        content: gives the rulebook of an edition; each is asked for once.
    """

    def __init__(self, editions: Sequence[Edition], content: Callable[[int], Rulebook]) -> None:
        self.editions = tuple(editions)
        self._content = content
        self._read: dict[int, Rulebook] = {}

    @classmethod
    def of(cls, rulebook: Rulebook) -> "Law":
        """The law of an installation that has kept no edition: its files."""
        return cls((), lambda _: rulebook)

    @property
    def latest(self) -> int:
        """The number of the latest edition."""
        return self.editions[-1].number if self.editions else BEFORE_ALL

    @property
    def rulebook(self) -> Rulebook:
        """The latest edition."""
        return self.of_edition(self.latest)

    def of_edition(self, number: int) -> Rulebook:
        """One edition."""
        if number not in self._read:
            self._read[number] = self._content(number)
        return self._read[number]

    def number_for(self, held: Held) -> int:
        """The edition that a phase runs on."""
        numbers = [one.number for one in self.editions]
        if held.edition is not None:
            return max((one for one in numbers if one <= held.edition), default=self.latest)
        if held.opened_at is None or not numbers:
            return self.latest
        applied = [one.number for one in self.editions if one.applied_at <= held.opened_at]
        return applied[-1] if applied else numbers[0]

    def for_phase(self, country_code: str | None, phase: str, held: Held = NEW, /) -> Rules:
        """The rules that a phase runs on."""
        number = self.number_for(held)
        return self.of_edition(number).for_phase(country_code, phase).model_copy(update={"edition": number})
