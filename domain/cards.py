"""What lists show of a case: computed from the state, kept beside the log, deleted with the case.

Cards hold stage, country, coordinator and dates. They never hold a name.
"""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from pydantic import AwareDatetime

from domain.alerts import answer_duty
from domain.case import Path
from domain.duties import Duty
from domain.facts import Frozen
from domain.references import phase_of, reference_of
from domain.stream import Ledger, State


class CaseCard(Frozen):
    """One line of the list of cases."""

    reference: str
    stage: str
    country: str | None
    coordinator: str | None
    is_open: bool
    missing_for_entry: str
    opened_on: str
    streams: tuple[str, ...]
    """Streams of the open phases."""
    erase_by: date | None = None
    """Until when a closed case is kept."""
    held_until: date | None = None
    """The last day of the longest hold; it may be past."""


class DutyCard(Frozen):
    """One duty of one phase, as it stands."""

    duty: str
    title: str
    due: AwareDatetime
    bound: str
    consequence: str
    rule: str | None
    doubt: str
    emergency: bool
    level: str | None
    """The highest rung that has been fired; ``None`` before the first."""
    fired_at: AwareDatetime | None
    acknowledged: bool
    passed_over: bool
    next_at: AwareDatetime | None


class AlertCard(Frozen):
    """An alert that a phase holds, and whether it waits for an answer to it."""

    alert: UUID
    reached_at: AwareDatetime
    waits: bool


class PhaseCard(Frozen):
    """Where one phase stands."""

    stream: str
    reference: str
    phase: str
    number: int
    country: str | None
    headline: str
    is_open: bool
    duties: tuple[DutyCard, ...]
    alerts: tuple[AlertCard, ...] = ()


def case_card(path: Ledger[Path]) -> CaseCard:
    """The card of a case."""
    state, reference = path.state, reference_of(path.stream)
    return CaseCard(
        reference=reference,
        stage=str(state.stage),
        country=state.where,
        coordinator=state.coordinator,
        is_open=state.closed is None,
        missing_for_entry=", ".join(state.missing_for_entry()) if state.arrived_in is None else "",
        opened_on=str(state.opened),
        streams=tuple(f"{path.stream}/{one.phase}/{one.number}" for one in state.rounds if one.ended is None),
        erase_by=state.erase_by,
        held_until=max((hold.until for hold in state.holds), default=None),
    )


def phase_card(ledger: Ledger[State], duties: Iterable[Duty], now: datetime, *, is_open: bool) -> PhaseCard:
    """The card of a phase, with all its duties; with what has called all the same, where the path is closed."""
    parts, duties = phase_of(ledger.stream), tuple(duty for duty in duties if is_open or duty.outlives_path)
    assert parts is not None, "the path has a card of its own"
    standing = {duty.id for duty in duties}
    return PhaseCard(
        stream=ledger.stream,
        reference=reference_of(ledger.stream),
        phase=str(parts[0]),
        number=parts[1],
        country=ledger.state.country,
        headline=ledger.state.headline(),
        is_open=is_open,
        duties=tuple(duty_card(ledger, duty, now, climbs=is_open) for duty in duties),
        alerts=tuple(
            AlertCard(alert=alert, reached_at=at, waits=answer_duty(alert) in standing)
            for alert, at in ledger.state.alerted().items()
        ),
    )


def duty_card(ledger: Ledger[State], duty: Duty, now: datetime, *, climbs: bool = True) -> DutyCard:
    """The card of a duty; without a next rung, where no clock runs by which it climbs."""
    ladder = ledger.ladders.get((duty.id, duty.due))
    fired = ladder.fired if ladder is not None else None
    following = ledger.next_rung([duty], now)
    return DutyCard(
        duty=duty.id,
        title=duty.title_at(now),
        due=duty.due,
        bound=str(duty.bound),
        consequence=str(duty.consequence),
        rule=duty.rule,
        doubt=duty.doubt,
        emergency=duty.emergency,
        level=str(fired.level) if fired is not None else None,
        fired_at=fired.at if fired is not None else None,
        acknowledged=ladder.acknowledged if ladder is not None else False,
        passed_over=ladder.passed_over if ladder is not None else False,
        next_at=following[1].at if following is not None and climbs else None,
    )
