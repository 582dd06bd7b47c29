"""What everything in a rulebook has in common: an id, a source, a day on which it was verified, and its doubt.

Invariants:
    1. Every item has a source, the day it was verified, and a confidence. No source, no item.
    2. What is unknown or weak says so in ``doubt``.
    3. Old and new versions stand side by side.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.deadlines import LONGEST_PERIOD
from domain.facts import Frozen

ItemId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(\.[a-z0-9]+(-[a-z0-9]+)*)+$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Period = Annotated[int, Field(ge=1, le=LONGEST_PERIOD)]
Conditions = dict[Word, Annotated[tuple[Word, ...], Field(min_length=1)]]


def fulfils(facts: Mapping[str, str], when: Conditions) -> bool:
    """Whether every condition holds. A fact that is not given fulfils none."""
    return all(facts.get(name) in wanted for name, wanted in when.items())


class Confidence(StrEnum):
    """How well an item is known.

    ``high``: an official text, or two independent good sources. ``medium``: one good source, or several weak ones.
    ``low``: one weak or old source, or sources in conflict. ``unverified``: no source read for this value at this time.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNVERIFIED = "unverified"


class Status(StrEnum):
    """Whether an item is law."""

    IN_FORCE = "in-force"
    ANNOUNCED = "announced"
    DISPUTED = "disputed"
    REPEALED = "repealed"


class Answer(StrEnum):
    """A question that nobody may have answered yet."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


WEAK = {
    Confidence.LOW: "the source of this rule is weak",
    Confidence.UNVERIFIED: "this rule is not verified",
    Status.ANNOUNCED: "this rule was announced, and nobody has seen whether it is applied",
    Status.DISPUTED: "the sources disagree on this rule",
}


class Source(Frozen):
    """Where an item stands. Never a quotation: texts have owners.

    Attributes:
        url: the page.
        cites: the article or section in it.
        seen: the date of the page, or of the text it showed.
    """

    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    cites: str | None = None
    seen: date | None = None


class Reading(Frozen):
    """Another reading of the same item, by a source that disagrees. It is shown, and nothing is counted with it.

    Attributes:
        says: the other reading, in our own words.
        sources: who says so.
        confidence: how well that is known.
    """

    says: Words
    sources: tuple[Source, ...] = Field(min_length=1)
    confidence: Confidence = Confidence.LOW


class Dated(Frozen):
    """Base of everything in a rulebook: where it comes from, how sure it is, and from when to when it holds.

    Attributes:
        id: names the item; its versions share it.
        sources: where it stands; at least one.
        verified: the day on which somebody last checked it.
        confidence: how well it is known.
        status: whether it is law.
        valid_from: first day of its validity; ``None`` when that is not known, or long ago.
        valid_to: last day of its validity; ``None`` while it has no end.
        note: what a reader must know beside it.
        contested: what other sources say.
        layer: the organisation's own file it comes from; ``None`` for what is installed.
        corrects: what the installed item of this id said, in short, where the organisation's own file replaces it.
    """

    id: ItemId
    sources: tuple[Source, ...] = Field(min_length=1)
    verified: date
    confidence: Confidence
    status: Status = Status.IN_FORCE
    valid_from: date | None = None
    valid_to: date | None = None
    note: str | None = None
    contested: tuple[Reading, ...] = ()
    layer: str | None = None
    corrects: str | None = None

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

    def overlaps(self, other: "Dated") -> bool:
        """Whether some day lies within the validity of both."""
        begins = max(self.valid_from or date.min, other.valid_from or date.min)
        return begins <= min(self.valid_to or date.max, other.valid_to or date.max)

    @property
    def doubt(self) -> tuple[str, ...]:
        """Why this may not be relied on alone, in short sentences; empty when it may."""
        return tuple(self._doubts())

    def _doubts(self) -> Iterator[str]:
        for weakness in (self.confidence, self.status):
            if weakness in WEAK:
                yield WEAK[weakness]
