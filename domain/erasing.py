"""The stream of an erasure: its events, and what lists show of it. Pure, as ``domain.stream`` is."""

from datetime import datetime

from domain.cards import PhaseCard, duty_card
from domain.case import Path
from domain.erasure import Erasure
from domain.events import ENGINE, Event, id_from_place
from domain.facts import Fact, Occurred
from domain.references import reference_of
from domain.rulebook import Rules
from domain.stream import Ledger

ERASURE = "erasure"
"""What an erasure is called where lists have the phase."""


def erasure_stream(reference: str) -> str:
    """The stream, and workflow id, of a case's erasure."""
    return f"{ERASURE}/{reference}"


def is_erasure(stream: str) -> bool:
    return stream.startswith(f"{ERASURE}/")


def empty_erasure(reference: str) -> Ledger[Erasure]:
    """An erasure that nobody has asked for."""
    stream = erasure_stream(reference)
    return Ledger.empty(stream, Erasure(stream=stream))


def engine_event(ledger: Ledger[Erasure], fact: Fact, now: datetime) -> Event:
    """The event of what the engine records. The same fact at the same place is the same event."""
    version = ledger.version + 1
    return Event(
        event_id=id_from_place(ledger.stream, version, fact.model_dump_json()),
        stream=ledger.stream,
        version=version,
        actor=ENGINE,
        occurred=Occurred.at_instant(now),
        learned_on=now.date(),
        recorded_at=now,
        fact=fact,
    )


def erasure_card(ledger: Ledger[Erasure], now: datetime) -> PhaseCard:
    """What lists show: an erasure stands beside the phases, and its workflow must run as theirs must."""
    duties = ledger.state.duties(Path(), Rules.unknown(None)) if ledger.state.is_open else ()
    return PhaseCard(
        stream=ledger.stream,
        reference=reference_of(ledger.stream),
        phase=ERASURE,
        number=1,
        country=None,
        headline=ledger.state.headline(),
        is_open=ledger.state.is_open,
        duties=tuple(duty_card(ledger, duty, now) for duty in duties),
    )
