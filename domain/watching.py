"""The stream of a country's watch, what lists show of it, and what a case hears. Pure, as ``domain.stream`` is."""

import re
from collections.abc import Sequence
from datetime import datetime

from domain.alerts import AlertOver, CountryChanged
from domain.cards import PhaseCard, duty_card
from domain.case import CaseOpened, Milestone, MilestoneReached, MilestoneWithdrawn, Path, PathReopened, PhaseOpened
from domain.country import WATCH, Alert, AlertSpread, Country
from domain.errors import NotUnderstood
from domain.events import Corrected, Event, id_from_cause
from domain.facts import Occurred
from domain.references import Phase
from domain.rulebook import Rules
from domain.safety import Safety
from domain.stream import Ledger, State, event_of_engine, told


def country_stream(country: str) -> str:
    """The stream, and workflow id, of a country's watch."""
    return f"country/{country}"


def is_watch(stream: str) -> bool:
    return stream.startswith("country/")


def country_of(stream: str) -> str:
    """The country that a watch's stream is about."""
    return stream.split("/")[1]


def is_country(reference: str) -> bool:
    """Whether what a list calls its case is a country: the watch of one stands in lists too."""
    return re.fullmatch("[A-Z]{2}", reference) is not None


def country_typed(text: str) -> str:
    """The country code that a person typed, in its one spelling.

    Raises:
        NotUnderstood: it is none.
    """
    code = text.strip().upper()
    if not is_country(code):
        raise NotUnderstood("name the country by its code of two letters, such as KZ")
    return code


def empty_watch(country: str) -> Ledger[Country]:
    """A country that nobody has told anything of."""
    stream = country_stream(country)
    return Ledger.empty(stream, Country(stream=stream, country=country))


def watch_card(ledger: Ledger[Country], now: datetime) -> PhaseCard:
    """What lists show: a watch stands beside the phases, and its workflow must run as theirs must. It never ends."""
    duties = ledger.state.duties(Path(), Rules.unknown(None))
    return PhaseCard(
        stream=ledger.stream,
        reference=country_of(ledger.stream),
        phase=WATCH,
        number=1,
        country=ledger.state.country,
        headline=ledger.state.headline(),
        is_open=ledger.state.began,
        duties=tuple(duty_card(ledger, duty, now) for duty in duties),
    )


def spread(ledger: Ledger[Country], done: Sequence[AlertSpread], now: datetime) -> tuple[Event, ...]:
    """What a watch records once the cases have been told; nothing that stands in its stream already."""
    events: list[Event] = []
    for fact in done:
        event_id = id_from_cause(fact.cause, fact.kind)
        if ledger.event(event_id) is not None:
            continue
        events.append(event_of_engine(ledger.plus(events), event_id, fact, Occurred.at_instant(now), now))
    return tuple(events)


def came_at(path: Ledger[Path]) -> int:
    """The version of the last event of a case by which the person may have come to where he is, or be told again.

    A move and back, or one that is corrected at once, leaves the country as it was: alerts that were spread meanwhile
    would be missed by who compares countries alone. A closed path is not told of alerts.
    """
    return max((event.version for event in path.events if _may_move(event)), default=0)


def _may_move(event: Event) -> bool:
    match event.fact:
        case MilestoneReached(milestone=milestone):
            return milestone in (Milestone.RELOCATED, Milestone.DEPORTED, Milestone.ARRIVED)
        case PhaseOpened(phase=phase, outside_path=outside):
            return outside and phase is Phase.TRANSIT_STAY
        case fact:
            return isinstance(fact, CaseOpened | PathReopened | Corrected | MilestoneWithdrawn)


def arrival(path: Ledger[Path]) -> int:
    """The version of the event of a case by which the person came to where he is now."""
    state, version = path.blank, 0
    for _, event in told(path.events):
        where, state = state.where, state.apply(event)
        version = event.version if state.where != where else version
    return version


def heard(ledger: Ledger[State], news: Sequence[Alert], country: str, arrived: int, now: datetime) -> tuple[Event, ...]:
    """What a case's safety records of alerts. Ids come from the alert, the case and the arrival: told twice, it is
    recorded once."""
    events: list[Event] = []
    for alert in news:
        is_over = alert.ended_at is not None
        fact = AlertOver(alert=alert.id) if is_over else alert.reached(country, arrived)
        event_id = id_from_cause(alert.id, f"{fact.kind}|{ledger.stream}" + ("" if is_over else f"|{arrived}"))
        events.append(event_of_engine(ledger.plus(events), event_id, fact, Occurred.at_instant(now), now))
    return tuple(events)


def moved(ledger: Ledger[State], path: Ledger[Path], now: datetime) -> tuple[Event, ...]:
    """What a case's safety records when the person is in another country than it knew, while it holds an alert.

    Its id comes from the event by which he may have moved: looked at twice, it is recorded once.
    """
    room, where = ledger.state, path.state.where
    if not isinstance(room, Safety) or where in (None, room.alerts.country) or not room.alerts.in_force:
        return ()
    fact = CountryChanged(country=where)
    event_id = id_from_cause(path.events[came_at(path) - 1].event_id, f"{fact.kind}|{ledger.stream}|{where}")
    return (event_of_engine(ledger, event_id, fact, Occurred.at_instant(now), now),)
