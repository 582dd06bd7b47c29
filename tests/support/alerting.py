"""Alerts in rehearsed time."""

from uuid import uuid4

from domain.case import Phase, phase_stream
from domain.country import Country
from domain.events import Command, Receipt
from domain.facts import Fact, Occurred
from domain.watching import country_stream, empty_watch
from tests.support.rehearsal import Rehearsal


async def tell_watch(played: Rehearsal, country: str, fact: Fact) -> Receipt:
    """Tell the watch of a country something; it begins with what it is told first."""
    command = Command(
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(played.clock),
        learned_on=played.clock.date(),
        fact=fact,
        sent_at=played.clock,
    )
    return await played.office.send(country_stream(country), command)


def watch_in(played: Rehearsal, country: str) -> Country:
    """What is known of a country."""
    watch = empty_watch(country)
    return watch.plus(played.store.read(watch.stream)).state


def alerts_in(played: Rehearsal, reference: str) -> list[str]:
    """What a case has recorded of alerts, by kind."""
    stream = phase_stream(reference, Phase.SAFETY, 1)
    return [one.fact.kind for one in played.store.read(stream) if one.fact.kind.startswith("alert-")]
