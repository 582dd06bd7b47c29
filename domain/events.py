"""Commands, events, and how an event's id is derived from its cause.

Ids are UUIDv5 of the cause, never random: a repeated command, a rung fired again after a crash, a milestone reported
twice all meet the event that is stored already.
"""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Literal, Union
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, Field

from domain.alerts import AlertOver, AlertReached, CountryChanged
from domain.asylum_filing import AsylumFiling
from domain.case import (
    CaseOpened,
    Milestone,
    MilestoneReached,
    MilestoneWithdrawn,
    NeverContactSet,
    Path,
    PhaseEnded,
    PhaseOpened,
)
from domain.consent import ConsentGiven
from domain.country import AlertSpread, Country
from domain.embassy_contacts import EmbassyContacts
from domain.entry import Entry
from domain.erasure import ENGINE_FACTS as ERASURE_FACTS
from domain.erasure import Erasure
from domain.facts import CountryCode, Decision, Fact, Frozen, Nature, Occurred, Record, StaffId
from domain.references import Phase
from domain.room import SHARED, DatesMoved, DutyCameDue, HistoryImported, LawChanged, Room, kind_of
from domain.safety import Safety
from domain.transit_stay import TransitStay
from domain.vetting import Vetting

ENGINE = "engine"
"""The actor of what Safeconduct itself records."""

ROOMS: dict[Phase, type[Room]] = {
    Phase.SAFETY: Safety,
    Phase.TRANSIT_STAY: TransitStay,
    Phase.EMBASSY_CONTACTS: EmbassyContacts,
    Phase.VETTING: Vetting,
    Phase.ENTRY: Entry,
    Phase.ASYLUM_FILING: AsylumFiling,
}
"""The room of each phase: the one place where a new phase is made known."""

_PLAIN: tuple[type[Fact], ...] = (
    *Path.facts,
    *(fact for room in ROOMS.values() for fact in room.facts),
    *SHARED,
    *(DutyCameDue, DatesMoved, HistoryImported, LawChanged),
    *(MilestoneReached, MilestoneWithdrawn, PhaseOpened, PhaseEnded),
    *(*Erasure.facts, *ERASURE_FACTS),
    *(*Country.facts, AlertSpread, AlertReached, AlertOver, CountryChanged),
)

if TYPE_CHECKING:
    PlainFact = Fact
    AnyFact = Fact
    AnyCommand = Fact
else:
    PlainFact = Annotated[reduce(or_, _PLAIN), Field(discriminator="kind")]


class CorrectionReason(StrEnum):
    """Why a fact is corrected."""

    MISTYPED = "mistyped"
    MISHEARD = "misheard"
    WRONG_CASE = "wrong-case"
    LATER_EVIDENCE = "later-evidence"
    NEVER_HAPPENED = "never-happened"


class Corrected(Decision):
    """Answer a mistake: the old fact stays in the log, and from now on the corrected one counts."""

    kind: Literal["corrected"] = "corrected"
    event: UUID = Field(description="id of the event, as `safeconduct timeline` shows it")
    reason: CorrectionReason = Field(description="why")
    replacement: PlainFact | None = Field(default=None, description="what is true instead")
    occurred: Occurred | None = Field(default=None, description="when it happened instead")

    @property
    def retracts(self) -> bool:
        """Nothing takes the old fact's place: it did not happen."""
        return self.replacement is None and self.occurred is None


class Past(Frozen):
    """One thing that has happened already, or that a script lets happen.

    Attributes:
        fact: what happened.
        occurred: when.
        learned_on: when staff learned of it.
        actor: who decided or reported it.
        phase: the phase, for facts that belong to every phase.
        country: the country concerned, where a report opens a new stay or is about a former one.
    """

    fact: PlainFact
    occurred: Occurred
    learned_on: date
    actor: StaffId
    phase: Phase | None = None
    country: CountryCode | None = None


class Intake(Decision):
    """Begin a case: consent first, and with it the past that an intake file carries. Never stored as such."""

    kind: Literal["intake"] = "intake"
    opened: CaseOpened
    consent: ConsentGiven
    never_contact: NeverContactSet
    history: tuple[Past, ...] = ()


if not TYPE_CHECKING:
    AnyFact = Annotated[Union[(*_PLAIN, Corrected)], Field(discriminator="kind")]
    AnyCommand = Annotated[Union[(*_PLAIN, Corrected, Intake)], Field(discriminator="kind")]

_ALL: tuple[type[Fact], ...] = (*_PLAIN, Corrected)

FACTS: dict[str, type[Fact]] = {kind_of(fact): fact for fact in _ALL}
"""Every fact by its kind."""


class Event(Record):
    """A record as the log stores it."""

    fact: AnyFact


def retracted(events: Iterable[Event]) -> frozenset[UUID]:
    """The events that were taken back: nothing stands in their place."""
    return frozenset(one.fact.event for one in events if isinstance(one.fact, Corrected) and one.fact.retracts)


class Command(Frozen):
    """What a member of staff sends to a phase.

    Attributes:
        command_id: its own id, chosen by the sender. Sent again it gets its first answer, for ever.
        actor: who sends it.
        occurred: when it happened.
        learned_on: the day on which staff learned of it.
        note: id of a free note in the vault.
        fact: what is decided or reported.
        sent_at: the sender's clock; only a rehearsal reads it.
    """

    command_id: UUID
    actor: StaffId
    occurred: Occurred
    learned_on: date
    note: UUID | None = None
    fact: AnyCommand
    sent_at: AwareDatetime


def is_answer_to(event: Event, said: Command | Past) -> bool:
    """Whether an event is the answer to these very words. Who says them again may read another clock while doing so."""
    return (event.fact, event.actor, event.occurred) == (said.fact, said.actor, said.occurred)


class Accepted(Frozen):
    """One event of a receipt."""

    event_id: UUID
    stream: str
    version: int
    kind: str
    outside_path: str | None = None


class Receipt(Frozen):
    """The answer to a command: a pure function of its events, so that it is the same for ever."""

    accepted: tuple[Accepted, ...]

    @classmethod
    def of(cls, events: "tuple[Event, ...]") -> "Receipt":
        return cls(
            accepted=tuple(
                Accepted(
                    event_id=event.event_id,
                    stream=event.stream,
                    version=event.version,
                    kind=event.fact.kind,
                    outside_path=event.outside_path,
                )
                for event in events
            )
        )


class Standing(Frozen):
    """A milestone that stands: what a phase tells the path, again and again, as the whole list."""

    source: UUID
    milestone: Milestone
    occurred: Occurred
    country: CountryCode | None = None
    until: date | None = None


class Standings(Frozen):
    """All milestones of one stream that stand now. One the path has heard and that is missing here was withdrawn."""

    stream: str
    standings: tuple[Standing, ...]
    sent_at: AwareDatetime


_NAMESPACE = uuid5(NAMESPACE_URL, "https://safeconduct.invalid/event")


def id_from_command(command_id: UUID, index: int) -> UUID:
    """Id of the event number ``index`` of a command."""
    return uuid5(_NAMESPACE, f"command|{command_id}|{index}")


def id_from_rung(stream: str, duty: str, due: datetime, number: int) -> UUID:
    """Id of the event that a rung of a duty's ladder was reached; also its notice's id."""
    return uuid5(_NAMESPACE, f"rung|{stream}|{duty}|{due.isoformat()}|{number}")


def id_from_cause(cause: UUID, what: str) -> UUID:
    """Id of an event that follows from another one."""
    return uuid5(_NAMESPACE, f"cause|{cause}|{what}")


def id_from_place(stream: str, version: int, what: str) -> UUID:
    """Id of an event that nothing but its own place and content tells from others."""
    return uuid5(_NAMESPACE, f"place|{stream}|{version}|{what}")


def id_of_law(stream: str, edition: int) -> UUID:
    """Id of the event that a phase took over an edition of the law."""
    return uuid5(_NAMESPACE, f"law|{stream}|{edition}")


def id_of_fence(stream: str) -> UUID:
    """Id of the entry that says that a case was erased."""
    return uuid5(_NAMESPACE, f"fence|{stream}")


def is_a_persons(fact: Fact) -> bool:
    """Whether a person decided or reported it."""
    return fact.nature is not Nature.ENGINE
