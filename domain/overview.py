"""What operators may see of a workflow in the engine's UI: words of closed lists, countries, and one date."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from domain.case import Path, Stage
from domain.country import WATCH
from domain.duties import Duty, Level
from domain.facts import CountryCode, Frozen
from domain.references import Phase, phase_of
from domain.stream import Ledger, State


class Risk(StrEnum):
    """How loud it is around somebody now."""

    CALM = "calm"
    ALARM = "alarm"
    """A duty has sounded its alarm, and nobody has taken it in hand."""
    EMERGENCY = "emergency"
    """As before with a duty of the loudest kind; or he is in custody, or was deported."""


class Overview(Frozen):
    """One workflow at a glance. It says only what that workflow itself knows for certain: what has no value is unknown.

    Attributes:
        stage: of a path.
        phase: of a phase, or of the watch of a country.
        country: where the person is, or the country that a phase is about.
        destination: of a path: the country that has pledged to take him.
        next_deadline: of a phase: when the duty that speaks next is due.
    """

    stage: Stage | None = None
    phase: Phase | Literal["country-watch"] | None = None
    country: CountryCode | None = None
    destination: CountryCode | None = None
    risk: Risk = Risk.CALM
    next_deadline: AwareDatetime | None = None


def overview_of_path(path: Path) -> Overview:
    """A case as its own path shows it."""
    in_danger = path.in_custody or path.deported
    return Overview(
        stage=path.stage,
        country=path.where,
        destination=path.pledge,
        risk=Risk.EMERGENCY if in_danger else Risk.CALM,
    )


def overview_of_phase(ledger: Ledger[State], duties: Iterable[Duty], now: datetime) -> Overview:
    """One round of a phase, or a watch, with the duties that stand in it."""
    duties, parts = tuple(duties), phase_of(ledger.stream)
    following = ledger.next_rung(duties, now)
    return Overview(
        phase=parts[0] if parts is not None else WATCH,
        country=ledger.state.country,
        risk=max((_risk(ledger, duty) for duty in duties), key=list(Risk).index, default=Risk.CALM),
        next_deadline=following[0].due if following is not None else None,
    )


def _risk(ledger: Ledger[State], duty: Duty) -> Risk:
    ladder = ledger.ladders.get((duty.id, duty.due))
    if ladder is None or ladder.acknowledged or ladder.fired is None or ladder.fired.level is Level.REMINDER:
        return Risk.CALM
    return Risk.EMERGENCY if duty.emergency else Risk.ALARM
