"""Grounds to stay: each a dated token that is asked for, granted, renewed, refused, and that ends.

A part of the transit stay. Nothing here knows what day it is: that a last day has passed is said by ``on`` a day.

Invariants:
    1. A refusal of what was asked for ends nothing that the person holds.
    2. The ground that reaches furthest carries the stay: of the others nobody is reminded, but of one that no end is
       known of, and of the certificate while the claim that it belongs to is pending.
    3. Every open blocker is a duty.
    4. A new entry begins without what had run out before it, and without an old stamp: neither hides its own limit.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar, TypeVar

from pydantic import Field

from domain.duties import LEGAL_ESCALATIONS, LEGAL_REMINDERS, Bound, Consequence, Duty
from domain.facts import Fact, Frozen, Occurred, Record
from domain.legal import legal_duties
from domain.legal_clocks import Reckoned, reckoned
from domain.room import Room
from domain.rulebook import Rules
from domain.stay_facts import (
    Blocker,
    BlockerCleared,
    BlockerFound,
    Ending,
    Entered,
    Status,
    StatusEnded,
    StatusGranted,
    StatusRefused,
    StatusRequested,
)

Key = TypeVar("Key", bound=StrEnum)
Value = TypeVar("Value")

ANSWER_EXPECTED = timedelta(days=30)
"""How often somebody asks what became of a request."""

BLOCKER_WITHIN = timedelta(days=14)
"""How often somebody looks whether a blocker can be cleared."""

_SHORT = {
    Status.VISA_FREE: "visa-free",
    Status.ASYLUM_SEEKER_CERTIFICATE: "certificate",
    Status.TEMPORARY_RESIDENCE: "residence",
    Status.EXTENSION: "extension",
}
"""How the steps of the rulebook begin: ``residence-renewal``, ``residence-refusal-appeal``."""


class Turn(StrEnum):
    """What happened to a ground to stay."""

    ASKED = "asked for"
    GRANTED = "granted"
    RENEWED = "renewed"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    GIVEN_UP = "given up"


_ENDINGS = {
    Ending.EXPIRED: Turn.EXPIRED,
    Ending.WITHDRAWN: Turn.WITHDRAWN,
    Ending.GIVEN_UP: Turn.GIVEN_UP,
}


class Chapter(Frozen):
    """One line of the history of grounds.

    Attributes:
        status: which ground.
        turn: what happened.
        on: when.
        until: last day of what was granted, as printed.
    """

    status: Status
    turn: Turn
    on: Occurred
    until: date | None = None


class Token(Frozen):
    """A ground that was granted: since when, and its last day as printed."""

    since: Occurred
    until: date | None


class Refusal(Frozen):
    """A ground that was refused, and the last day to appeal as printed."""

    on: Occurred
    appeal_until: date | None


class OpenBlocker(Frozen):
    """What stands in the way, of which ground, since when."""

    status: Status | None
    since: Occurred


class Grounds(Frozen):
    """All grounds to stay in one country, with their history."""

    facts: ClassVar[tuple[type[Fact], ...]] = (
        StatusRequested,
        StatusGranted,
        StatusRefused,
        StatusEnded,
        BlockerFound,
        BlockerCleared,
    )

    chapters: tuple[Chapter, ...] = ()
    held: Mapping[Status, Token] = Field(default_factory=dict)
    """Granted and not ended by a report, the latest last. Their last day may have passed."""
    asked: Mapping[Status, Occurred] = Field(default_factory=dict)
    refused: Mapping[Status, Refusal] = Field(default_factory=dict)
    blockers: Mapping[Blocker, OpenBlocker] = Field(default_factory=dict)

    def after(self, record: Record) -> "Grounds":
        when = record.occurred
        match record.fact:
            case StatusRequested(status=status):
                return self._turned(status, Turn.ASKED, when)._with(
                    asked={**self.asked, status: when}, refused=_without(self.refused, status)
                )
            case StatusGranted(status=status, until=until):
                token = Token(since=when, until=until)
                return self._turned(status, self._granted_or_renewed(status, when), when, until)._with(
                    held={**_without(self.held, status), status: token},
                    asked=_without(self.asked, status),
                    refused=_without(self.refused, status),
                )
            case StatusRefused(status=status, appeal_until=until):
                return self._turned(status, Turn.REFUSED, when)._with(
                    asked=_without(self.asked, status),
                    refused={**self.refused, status: Refusal(on=when, appeal_until=until)},
                )
            case StatusEnded(status=status, how=how):
                return self._turned(status, _ENDINGS[how], when)._with(held=_without(self.held, status))
            case Entered():
                return self._with(
                    held={status: one for status, one in self.held.items() if _outlasts(status, one, when)}
                )
            case BlockerFound(blocker=blocker, status=of):
                return self._with(blockers={**self.blockers, blocker: OpenBlocker(status=of, since=when)})
            case BlockerCleared(blocker=blocker):
                return self._with(blockers=_without(self.blockers, blocker))
            case _:
                return self

    def _with(self, **changes: object) -> "Grounds":
        return self.model_copy(update=changes)

    def _turned(self, status: Status, turn: Turn, on: Occurred, until: date | None = None) -> "Grounds":
        return self._with(chapters=(*self.chapters, Chapter(status=status, turn=turn, on=on, until=until)))

    def _granted_or_renewed(self, status: Status, when: Occurred) -> Turn:
        """What has run out, or was never held, is granted anew."""
        token = self.held.get(status)
        lasts = token is not None and (token.until is None or token.until >= when.earliest)
        return Turn.RENEWED if lasts else Turn.GRANTED

    def objection(self, fact: Fact) -> str | None:
        match fact:
            case StatusEnded(status=status) if status not in self.held and not self._is_visa_free(status):
                return "this ground to stay is not held"
            case StatusRefused(status=status) if status not in self.asked:
                return "this ground to stay was not asked for"
            case BlockerCleared(blocker=blocker) if blocker not in self.blockers:
                return "no such blocker is open"
            case _:
                return None

    def _is_visa_free(self, status: Status) -> bool:
        """Nobody grants the days without a visa: they are held by whoever holds nothing else."""
        return status is Status.VISA_FREE and not self.held

    @property
    def latest(self) -> Status | None:
        """The ground that was granted last, of those that are held."""
        return next(reversed(list(self.held)), None)

    @property
    def granted(self) -> Mapping[Status, Token]:
        """What is held beside the days without a visa."""
        return _without(self.held, Status.VISA_FREE)

    def carries(self, rules: Rules, entered: date) -> bool:
        """Whether anything was granted that did not run out before the day of the present entry."""
        return any((until := self.reach(one, rules)) is None or until >= entered for one in self.granted)

    def last_asked(self, status: Status) -> Occurred | None:
        """When a ground was last asked for, whatever became of it."""
        told = (one.on for one in reversed(self.chapters) if (one.status, one.turn) == (status, Turn.ASKED))
        return next(told, None)

    def visa_free_ended(self, entered: Occurred | None) -> Occurred | None:
        """When the days without a visa of the present entry were ended by a report, before their last day or at it."""
        told = (one for one in reversed(self.chapters) if one.status is Status.VISA_FREE)
        last = next(told, None)
        if last is None or last.turn not in _ENDINGS.values():
            return None
        return last.on if entered is None or last.on.latest >= entered.earliest else None

    def printed_visa_free(self) -> date | None:
        """Last day of the stay without a visa, as a stamp or card says."""
        token = self.held.get(Status.VISA_FREE)
        return token.until if token is not None else None

    def history(self, on: date, rules: Rules) -> tuple[Chapter, ...]:
        """What happened to all grounds up to a day: what has run out since, on paper or by the law, is told as well."""
        told = [one for one in self.chapters if one.on.earliest <= on]
        for place, one in enumerate(self.chapters):
            if one.turn not in (Turn.GRANTED, Turn.RENEWED):
                continue
            until = _last_day(one.status, one.on, one.until, rules)
            if until is not None and until < on and not self._followed(place, until):
                told.append(Chapter(status=one.status, turn=Turn.EXPIRED, on=Occurred.on(until)))
        return tuple(sorted(told, key=lambda one: one.on.earliest))

    def _followed(self, place: int, until: date) -> bool:
        """Whether a ground was renewed or ended on or before its last day."""
        token = self.chapters[place]
        ends = (Turn.RENEWED, Turn.EXPIRED, Turn.WITHDRAWN, Turn.GIVEN_UP)
        later = (one for one in self.chapters[place + 1 :] if one.status is token.status and one.turn in ends)
        return any(one.on.earliest <= until or one.turn is not Turn.RENEWED for one in later)

    def reach(self, status: Status, rules: Rules) -> date | None:
        """The last day of a ground: as printed, or as the law counts it; ``None`` where neither is known."""
        token = self.held[status]
        return _last_day(status, token.since, token.until, rules)

    def furthest(self, rules: Rules, *, but: Status | None = None) -> tuple[Status, date] | None:
        """Which ground of known end reaches furthest, and until when; the days without a visa left aside."""
        reaches = [(one, self.reach(one, rules)) for one in reversed(list(self.granted)) if one is not but]
        known = [(one, until) for one, until in reaches if until is not None]
        return max(known, key=lambda pair: pair[1], default=None)

    def endings(self, rules: Rules, *, keeps_certificate: bool, but: Status | None) -> Iterator[Duty]:
        """The duties that the ends of grounds make.

        Args:
            rules: what the rulebook holds for the country.
            keeps_certificate: whether the claim needs the certificate, however far another ground reaches.
            but: a ground that carries nobody any more, and that nobody can have renewed.
        """
        carries = self.furthest(rules, but=but)
        for status, token in _without(self.granted, but).items():
            kept = keeps_certificate and status is Status.ASYLUM_SEEKER_CERTIFICATE
            if kept or carries is None or status is carries[0] or self.reach(status, rules) is None:
                yield from _ending(rules, status, token)

    def duties(self, rules: Rules, room: Room) -> Iterator[Duty]:
        """What is asked after, appealed and cleared.

        Args:
            rules: what the rulebook holds for the country.
            room: the stay, which knows what was acknowledged when.
        """
        for status, asked in self.asked.items():
            title = f"Ask what became of the request: {_words(status)}"
            due = room.since(f"ask-after.{status}", asked.instant) + ANSWER_EXPECTED
            yield Duty(id=f"ask-after.{status}", title=title, due=due)
        for status, refusal in self.refused.items():
            step = f"{_SHORT[status]}-refusal-appeal"
            yield from legal_duties(rules, step, refusal.on, printed=refusal.appeal_until)
        for blocker, found in self.blockers.items():
            of = f" of {_words(found.status)}" if found.status is not None else ""
            yield Duty(
                id=f"blocker.{blocker}",
                title=f"In the way{of}: {_words(blocker)}. Can it be cleared?",
                due=room.since(f"blocker.{blocker}", found.since.instant) + BLOCKER_WITHIN,
                consequence=Consequence.LOSS_OF_LAWFUL_STAY,
                escalations=LEGAL_ESCALATIONS,
            )


def _ending(rules: Rules, status: Status, token: Token) -> Iterator[Duty]:
    step = f"{_SHORT[status]}-renewal"
    if status is not Status.EXTENSION:
        yield from legal_duties(rules, step, token.since, printed=token.until)
    elif token.until is None or rules.find(step, token.since.earliest) is not None:
        yield from legal_duties(rules, step, token.since, name="extension-ends", printed=token.until)
    else:
        title = "The extension of the stay ends: renew it or move"
        yield Duty(
            id="extension-ends",
            title=title,
            due=rules.place.end_of(token.until),
            bound=Bound.PERSON,
            consequence=Consequence.LOSS_OF_LAWFUL_STAY,
            reminders=LEGAL_REMINDERS,
            escalations=LEGAL_ESCALATIONS,
        )


def _last_day(status: Status, since: Occurred, printed: date | None, rules: Rules) -> date | None:
    if printed is not None:
        return printed
    _, plan = reckoned(rules, f"{_SHORT[status]}-renewal", since, since, {})
    return plan.last_day if isinstance(plan, Reckoned) else None


def _outlasts(status: Status, token: Token, entered: Occurred) -> bool:
    """Whether a ground still holds at a new entry. The days without a visa begin anew with it."""
    if status is Status.VISA_FREE:
        return token.since.latest >= entered.earliest
    return token.until is None or token.until >= entered.earliest


def _words(word: StrEnum) -> str:
    return word.replace("-", " ")


def _without(found: Mapping[Key, Value], gone: Key | None) -> dict[Key, Value]:
    return {key: value for key, value in found.items() if key is not gone}
