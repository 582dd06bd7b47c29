"""The shape of everything that is recorded: when it happened, and what kind of statement it is.

A *decision* is what staff intend; it can be refused. A *report* is what has happened; it is never refused for being
unwelcome, early, late or out of order. An *engine* fact is what Safeconduct itself writes: a duty that came due, a
milestone, a phase that opened.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, model_validator

from domain.errors import NotUnderstood


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields and never shows its input in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __deepcopy__(self, memo: object = None) -> Self:
        """Itself: nothing in it changes. Else each room would copy all of its parts when it begins empty."""
        return self


CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

StaffId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
"""A staff member's short sign-in name: lower-case letters, digits, dot, dash, underscore."""


class Nature(StrEnum):
    """What kind of statement a fact is, and so whether it can be refused."""

    DECISION = "decision"
    REPORT = "report"
    ENGINE = "engine"


class Fact(Frozen):
    """One thing that was decided, reported or noticed. Its ``kind`` is stable for ever and stands in the log."""

    kind: str
    nature: ClassVar[Nature]
    dated: ClassVar[bool] = False
    """Whether the fact takes its place in the story by its own date, or by when it was recorded."""
    begins_round: ClassVar[bool] = False
    """Whether it can be the first thing known of a new round of its phase, when no round is open."""


class Decision(Fact):
    """What staff intend. Gated: a room may object, and then nothing is recorded."""

    nature = Nature.DECISION


class Report(Fact):
    """What has happened. Always recorded; an objection only flags it as outside the path."""

    nature = Nature.REPORT
    dated = True


class EngineFact(Fact):
    """What the engine itself records."""

    nature = Nature.ENGINE


_DAY = r"\d{4}-\d{2}-\d{2}"
_WRONG_DATE = "write a date as 2024-05-31, 2024-05-01..2024-05-31, ~2024-05, or with its hour 2024-05-31T14:30+05:00"


class Occurred(Frozen):
    """When something happened: an exact day, an instant, a range of days, or *about*.

    Attributes:
        earliest: first day on which it can have happened. Deadlines start here: the safe reading.
        latest: last such day.
        about: the bounds themselves are a guess.
        at: the instant, where it is known to the minute.
    """

    earliest: date
    latest: date
    about: bool = False
    at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.latest < self.earliest:
            raise ValueError("the end of the range lies before its beginning")
        return self

    @classmethod
    def on(cls, day: date) -> "Occurred":
        return cls(earliest=day, latest=day)

    @classmethod
    def at_instant(cls, instant: datetime) -> "Occurred":
        return cls(earliest=instant.astimezone(UTC).date(), latest=instant.astimezone(UTC).date(), at=instant)

    @classmethod
    def parse(cls, text: str) -> "Occurred":
        """Read what a coordinator typed.

        Raises:
            NotUnderstood: the text is no date, range, month or instant.
        """
        body, about = text.strip(), False
        if body.startswith("~"):
            body, about = body[1:].strip(), True
        try:
            return cls._parse_exactly(body, about=about)
        except (ValueError, OverflowError):
            raise NotUnderstood(f"this is not a date: {_WRONG_DATE}") from None

    @classmethod
    def _parse_exactly(cls, body: str, *, about: bool) -> "Occurred":
        if match := re.fullmatch(rf"({_DAY})\.\.({_DAY})", body):
            return cls(earliest=date.fromisoformat(match[1]), latest=date.fromisoformat(match[2]), about=about)
        if match := re.fullmatch(r"(\d{4})-(\d{2})", body):
            first = date(int(match[1]), int(match[2]), 1)
            return cls(earliest=first, latest=_end_of_month(first), about=about)
        if re.fullmatch(_DAY, body):
            day = date.fromisoformat(body)
            return cls(earliest=day, latest=day, about=about)
        instant = datetime.fromisoformat(body)
        if instant.tzinfo is None:
            raise ValueError("an hour needs its time zone")
        return cls.at_instant(instant).model_copy(update={"about": about})

    @property
    def instant(self) -> datetime:
        """The earliest instant at which it can have happened, in UTC; a bare day counts from its first minute."""
        return self.at or datetime.combine(self.earliest, time(), UTC)

    def __str__(self) -> str:
        if self.at is not None:
            return self.at.strftime("%Y-%m-%d %H:%M%z")
        days = str(self.earliest) if self.earliest == self.latest else f"{self.earliest}..{self.latest}"
        return f"~{days}" if self.about else days


def _end_of_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


SCHEMA = 1
"""The version of the facts' shape that this release writes; see ``domain.upcasting``."""


class Record(Frozen):
    """One accepted fact as it stands in the log. Immutable; a mistake is answered by a correction, never by a change.

    Attributes:
        event_id: derived from its cause (see ``domain.events``), so that a repetition is recognised for ever.
        stream: the stream it belongs to; also the workflow's id.
        version: its place in the stream, from 1.
        schema_version: version of the fact's shape.
        command_id: the command that caused it; ``None`` for what the engine noticed by itself.
        actor: the staff member, or ``engine``.
        occurred: when it happened.
        learned_on: the day on which staff learned of it.
        recorded_at: when it was accepted, on the case clock.
        outside_path: why a report lies outside the path; ``None`` when it does not.
        note: id of a free note in the vault.
        fact: what happened.
    """

    event_id: UUID
    stream: str
    version: int
    schema_version: int = SCHEMA
    command_id: UUID | None = None
    actor: str
    occurred: Occurred
    learned_on: date
    recorded_at: AwareDatetime
    outside_path: str | None = None
    note: UUID | None = None
    fact: Fact
