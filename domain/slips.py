"""Slips of the finger in what a person types. What is only unlikely is recorded; what can't be true is asked again."""

from datetime import date, timedelta
from unicodedata import category

from domain.asylum_facts import AttestationIssued, ClaimRegistered
from domain.consent import ConsentGiven
from domain.custody import InterimMeasureGranted
from domain.danger import RISK_HOLDS_AT_MOST, RiskAssessed
from domain.embassy_contacts import Pledged
from domain.errors import NotUnderstood
from domain.extradition import ExtraditionDecided
from domain.facts import Fact, Occurred
from domain.further_duties import events_asked_for, steps_asked_for
from domain.needs import NeedNoted, NeedPromised, TodoSet
from domain.room import EventNoted, Room, StepDone
from domain.rulebook import Rules
from domain.stay_facts import (
    ClaimAppealDecided,
    ClaimRefused,
    ExpulsionOrdered,
    StatusGranted,
    StatusRefused,
    StayedBefore,
)
from domain.vetting import FindingProposed

_TURNS_ORDER = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They let a reader see signs in another order than they have. What only joins letters is spelling, as in Persian."""

_BREAKS_LINES = frozenset({"Cc", "Zl", "Zp"})

NEEDED_WITHIN = timedelta(days=2 * 366)
"""By when a need is met or a to-do done, at the latest: a slip of the year would let it sleep for as long."""


def is_read_as_typed(text: str) -> bool:
    """Whether a text shows what it holds: one line, in its own order."""
    return not any(category(sign) in _BREAKS_LINES or sign in _TURNS_ORDER for sign in text)


def must_make_sense(fact: Fact, occurred: Occurred) -> None:
    """Return if the days of a fact can be true together. For what is typed alone: what the log holds, it holds.

    Raises:
        NotUnderstood: they can not.
    """
    day = occurred.earliest
    # the day of an instant is that of UTC, and where it was typed the day before may still last
    earliest = day if occurred.at is None else day - timedelta(days=1)
    for last in _last_days(fact):
        if last < earliest:
            raise NotUnderstood(f"its last day, {last}, lies before {day}, when it happened: look at both dates")
    match fact:
        case NeedNoted(by=by) | TodoSet(by=by) if by < earliest:
            raise NotUnderstood(f"its day, {by}, lies before {day}, when it was noted: look at both dates")
        case NeedNoted(by=by) | TodoSet(by=by) if by > occurred.latest + NEEDED_WITHIN:
            raise NotUnderstood(f"its day, {by}, lies more than two years after {day}: look at the year")
        case _:
            return


def must_be_looked_at_soon(fact: Fact, occurred: Occurred) -> None:
    """Return if a risk is looked at again soon enough. For what is decided now: a file tells what was decided once.

    Raises:
        NotUnderstood: it is not.
    """
    if isinstance(fact, RiskAssessed) and fact.review_on > occurred.latest + RISK_HOLDS_AT_MOST:
        raise NotUnderstood(f"the day to look again lies {RISK_HOLDS_AT_MOST.days} days ahead at most")


def must_be_known(fact: Fact, room: type[Room], rules: Rules) -> None:
    """Return if a noted event, or a step that was done, is one that somebody waits for. Any other moves nothing.

    Args:
        fact: what was typed; of any other kind it always is.
        room: the phase that it belongs to.
        rules: what that phase runs on.

    Raises:
        NotUnderstood: it is not. What was typed is not repeated.
    """
    match fact:
        case EventNoted(event=event) if event not in (known := events_asked_for(rules)):
            raise NotUnderstood(f"no rule of this phase knows such an event; {_listed(known)}")
        case StepDone(step=step) if step not in (known := steps_asked_for(rules) | room.own_steps):
            more = "any other duty ends with the report that it waits for (`safeconduct duties CASE`)"
            raise NotUnderstood(f"no duty of this phase ends with such a step; {_listed(known)}; {more}")
        case _:
            return


def _listed(known: frozenset[str]) -> str:
    return f"there are: {', '.join(sorted(known))}" if known else "there are none"


def _last_days(fact: Fact) -> tuple[date, ...]:
    """The last days that a fact states, where none can lie before its own day.

    What was served, sent or held may have run out before it reached anybody: its days are taken as they are printed.
    So are those to leave of a final refusal, which the decision that has become final may have set long before.
    """
    match fact:
        case ClaimRefused() | ClaimAppealDecided() | StatusRefused() | ExtraditionDecided():
            days: tuple[date | None, ...] = (fact.appeal_until,)
        case ExpulsionOrdered():
            days = (fact.appeal_until, fact.leave_until)
        case ClaimRegistered():
            days = (fact.attestation_until, fact.lodge_until)
        case StatusGranted() | AttestationIssued() | InterimMeasureGranted():
            days = (fact.until,)
        case Pledged() | NeedPromised() | ConsentGiven() | FindingProposed() | StayedBefore():
            days = (fact.until,)
        case _:
            days = ()
    return tuple(day for day in days if day is not None)
