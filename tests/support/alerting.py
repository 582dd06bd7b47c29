"""Alerts, in rehearsed time and in that of the clock on the wall."""

from datetime import datetime
from uuid import UUID, uuid4

from domain.country import Country
from domain.events import Command, Receipt
from domain.facts import Fact, Occurred
from domain.references import Phase, phase_stream
from domain.watching import country_stream, empty_watch
from runtime.office import Office
from tests.support.rehearsal import Rehearsal


async def told_at(office: Office, country: str, fact: Fact, at: datetime, command_id: UUID | None = None) -> Receipt:
    """Tell the watch of a country something at an instant; it begins with what it is told first."""
    command = Command(
        command_id=command_id or uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(at),
        learned_on=at.date(),
        fact=fact,
        sent_at=at,
    )
    return await office.send(country_stream(country), command)


async def tell_watch(played: Rehearsal, country: str, fact: Fact) -> Receipt:
    """The same, in rehearsed time."""
    return await told_at(played.office, country, fact, played.clock)


def watch_in(played: Rehearsal, country: str) -> Country:
    """What is known of a country."""
    watch = empty_watch(country)
    return watch.plus(played.store.read(watch.stream)).state


def alerts_in(played: Rehearsal, reference: str) -> list[str]:
    """What a case has recorded of alerts, by kind."""
    stream = phase_stream(reference, Phase.SAFETY, 1)
    return [one.fact.kind for one in played.store.read(stream) if one.fact.kind.startswith("alert-")]
