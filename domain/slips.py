"""Slips of the finger in what a person types. What is only unlikely is recorded; what can't be true is asked again."""

from datetime import timedelta
from unicodedata import category

from domain.errors import NotUnderstood
from domain.facts import Fact, Occurred
from domain.needs import NeedNoted, TodoSet
from domain.stay_facts import StatusGranted

_TURNS_ORDER = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They let a reader see signs in another order than they have. What only joins letters is spelling, as in Persian."""

_BREAKS_LINES = frozenset({"Cc", "Zl", "Zp"})


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
    match fact:
        case StatusGranted(until=until) if until is not None and until < earliest:
            raise NotUnderstood(f"its last day, {until}, lies before {day}, when it was granted: look at both dates")
        case NeedNoted(by=by) | TodoSet(by=by) if by < earliest:
            raise NotUnderstood(f"its day, {by}, lies before {day}, when it was noted: look at both dates")
        case _:
            return
