"""Who works at the desk, and whom a rung of a ladder calls. Pure: no clock, no addresses looked up.

A ladder climbs by time without acknowledgement, not by what a channel says: first the case's coordinator, then the
second, then the whole desk; or first those whom the case's plan names, one after the other, then the whole desk. In an
emergency everybody who is on the rota is called from the alarm on.

Rules:
    1. Where there is anybody at all, a notice has somebody: a circle that is empty gives way to the next wider one.
    2. A later rung never calls fewer than the ladder promises: what was slept through counts as climbed.
    3. The whole desk is every ladder's end, whatever a plan says.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from domain.duties import Level, Urgency
from domain.errors import NotUnderstood
from domain.events import Event, retracted
from domain.facts import Frozen, StaffId
from domain.room import Acknowledged, DutyCameDue


class Role(StrEnum):
    """What somebody is at the desk."""

    COORDINATOR = "coordinator"
    SECOND = "second"
    DESK = "desk"


class Language(StrEnum):
    """In which notices are written."""

    ENGLISH = "en"
    RUSSIAN = "ru"
    FRENCH = "fr"
    GERMAN = "de"


class Address(Frozen):
    """One way to reach a colleague.

    Attributes:
        channel: the name of the channel, such as ``signal``.
        to: the address there. It is personal: never in a log, an error or a span.
    """

    channel: str = Field(pattern=r"[a-z][a-z0-9-]{0,23}")
    to: str = Field(min_length=1, max_length=320, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """An address as it is typed: ``signal:+4915200000000``.

        Raises:
            NotUnderstood: it has no channel in front. What was typed is not repeated.
        """
        channel, colon, to = text.strip().partition(":")
        try:
            if not colon:
                raise ValueError
            return cls(channel=channel.strip(), to=to.strip())
        except ValueError:
            raise NotUnderstood("write an address with its channel in front, such as signal:+4915200000000") from None


class Turn(Frozen):
    """Days on the rota, the last one included. Days are those of UTC, as in all lists."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> "Turn":
        """Days as they are typed: ``2026-12-01..2026-12-07``, or one alone.

        Raises:
            NotUnderstood: they are no days, or end before they begin.
        """
        first, _, last = text.strip().partition("..")
        try:
            turn = cls(first=date.fromisoformat(first), last=date.fromisoformat(last or first))
        except ValueError:
            raise NotUnderstood("write days on the rota as 2026-12-01..2026-12-07") from None
        if turn.last < turn.first:
            raise NotUnderstood("these days end before they begin")
        return turn


class Colleague(Frozen):
    """Somebody at the desk.

    Attributes:
        name: their sign-in name, as in ``--as``.
        channels: in the order in which they are tried.
        turns: their days on the rota.
        passphrase: what proves the passphrase by which they sign in on a phone; none, if they can't.
    """

    name: str
    role: Role
    language: Language = Language.ENGLISH
    channels: tuple[Address, ...] = Field(min_length=1)
    turns: tuple[Turn, ...] = ()
    passphrase: str | None = Field(default=None, repr=False)

    def is_on_rota(self, day: date) -> bool:
        return any(turn.first <= day <= turn.last for turn in self.turns)


class Call(Frozen):
    """Whom a rung calls.

    Attributes:
        step: how many escalations up it stands: 0 for a reminder and the alarm.
        plan: who is told in which order, where that was agreed for the case.
    """

    step: int = 0
    plan: tuple[StaffId, ...] = ()


WHOLE_DESK = Call(step=99)
"""Above every plan."""


def call_of(events: Sequence[Event], notice: UUID) -> Call:
    """Whom the rung behind a notice calls.

    Args:
        events: of the rung's stream; the notice has the id of one of them.
    """
    rung = _rung(events, notice)
    if rung is None or rung.level is not Level.ESCALATION:
        return Call(plan=rung.told if rung is not None else ())
    earlier = [one for one in _ladder(events, rung) if one.number < rung.number]
    numbers = [one.number for one in earlier if one.level is not Level.ESCALATION]
    # a rung between that never sounded was slept through: the ladder has climbed past it all the same
    return Call(step=rung.number - max(numbers), plan=rung.told) if numbers else WHOLE_DESK


def is_taken_in_hand(events: Sequence[Event], notice: UUID) -> bool:
    """Whether somebody has acknowledged the duty behind a notice since it was written, and has not taken that back."""
    rung = _rung(events, notice)
    if rung is None:
        return False
    since = next(place for place, event in enumerate(events) if event.event_id == notice)
    taken_back = retracted(events)
    later = (one for one in events[since + 1 :] if one.event_id not in taken_back)
    return any(isinstance(one.fact, Acknowledged) and one.fact.duty == rung.duty for one in later)


def addressees(
    desk: tuple[Colleague, ...], call: Call, urgency: Urgency, coordinator: str | None, day: date
) -> tuple[Colleague, ...]:
    """Whom a notice goes to; nobody only where nobody is at the desk.

    Args:
        desk: everybody.
        coordinator: the sign-in name of whoever is responsible for the case.
        day: whose rota counts.
    """
    second = [one for one in desk if one.role is Role.SECOND]
    usual = [[one for one in desk if one.name == coordinator] or second, second]
    planned = [[one] for name in call.plan for one in desk if one.name == name]
    circles = planned or usual
    if call.step >= len(circles):
        return desk
    called = circles[call.step]
    if urgency is Urgency.EMERGENCY:
        on_rota = [one for one in desk if one.is_on_rota(day)]
        called = [*called, *on_rota] if on_rota else []
    return tuple(one for one in desk if one in called) or desk


def _rung(events: Sequence[Event], notice: UUID) -> DutyCameDue | None:
    found = next((event.fact for event in events if event.event_id == notice), None)
    return found if isinstance(found, DutyCameDue) else None


def _ladder(events: Sequence[Event], rung: DutyCameDue) -> list[DutyCameDue]:
    facts = [event.fact for event in events if isinstance(event.fact, DutyCameDue)]
    return [fact for fact in facts if (fact.duty, fact.due) == (rung.duty, rung.due)]
