"""How long a case is kept, and what keeps it longer.

Closing a path sets its *erase-by date*. A *hold* keeps a case past it; it always has a reason and an end. At that date
the engine only asks for the erasure: persons decide (``domain.erasure``).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.facts import Decision, Frozen

RETENTION_DAYS = 365
"""How long a closed case is kept where nothing else is set. Shorter, and who comes back after a year is a stranger;
longer, and names lie about for which there is no use."""


class HoldReason(StrEnum):
    """Why a case must be kept."""

    LEGAL_CLAIM = "legal-claim"
    COMPLAINT = "complaint"
    COURT_ORDER = "court-order"
    INVESTIGATION = "investigation"
    PERSONS_WISH = "persons-wish"


class HoldPlaced(Decision):
    """Keep this case: it is not erased before the hold has ended. Placed again it gets another end."""

    kind: Literal["hold-placed"] = "hold-placed"
    reason: HoldReason = Field(description="why it must be kept")
    until: date = Field(description="last day on which it is kept for that")


class HoldLifted(Decision):
    """End a hold before its time."""

    kind: Literal["hold-lifted"] = "hold-lifted"
    reason: HoldReason = Field(description="the reason it was placed for")


class Hold(Frozen):
    """What keeps a case, and until when: the last day."""

    reason: HoldReason
    until: date


def erase_by(closed_on: date, days: int | None) -> date:
    """The day until which a closed case is kept."""
    return closed_on + timedelta(days=days if days is not None else RETENTION_DAYS)


def longest(holds: Iterable[Hold], on: date) -> Hold | None:
    """Of the holds that stand on a day the one that ends last."""
    return max((hold for hold in holds if hold.until >= on), key=lambda hold: hold.until, default=None)
