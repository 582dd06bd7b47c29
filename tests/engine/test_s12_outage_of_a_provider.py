"""S12: a provider that is down for a day. The ladder climbs meanwhile, and then each rung arrives, once at each."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4, uuid5

import pytest

from activities.notifications.webhook import Signed
from domain.colleagues import Address, Colleague, Role, Turn
from domain.custody import Detained
from domain.duties import Level, Urgency
from domain.events import Event, Past
from domain.facts import Occurred
from domain.references import Phase, phase_stream
from domain.room import DutyCameDue
from records.colleagues import Colleagues
from runtime.settings import now
from tests.support.answering import Receiver, Said, http
from tests.support.intakes import minimal
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server
from tests.support.watched import SECRET

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)
ALWAYS = Turn(first=date(2000, 1, 1), last=date(2999, 12, 31))
HOUR = timedelta(hours=1)


@pytest.mark.timeout(400)
async def test_s12_each_rung_of_a_day_without_a_provider_arrives_once_at_each_addressee(
    tmp_path: Path, reference: str
) -> None:
    safety = phase_stream(reference, Phase.SAFETY, 1)
    with http(Said(503)) as provider:
        async with (
            skipping_server() as environment,
            rehearsal(environment, tmp_path, BEGAN, reference, carriers={"webhook": Signed(SECRET, now)}) as played,
        ):
            put_at_the_desk(played, provider)
            await played.start(minimal())
            taken = Past(fact=Detained(), occurred=Occurred.at_instant(BEGAN), learned_on=BEGAN.date(), actor="dana")
            await played.office.record(reference, taken, uuid4())
            handle = environment.client.get_workflow_handle(safety)
            await environment.fast_forward(handle, 24 * HOUR)
            climbed = rungs(played, safety)
            assert provider.taken == []
            assert len(provider.calls) > len(climbed), "each was tried again"
            assert {fact(one).level for one in climbed} >= {Level.ALARM, Level.ESCALATION}
            assert all(one.recorded_at - fact(one).at < HOUR for one in climbed), "none waited for the provider"
            provider.answers[:] = [Said(204)]
            await environment.fast_forward(handle, HOUR / 2)
            await eventually(lambda: not [one for one in played.board.notices(1000) if one.sent_at is None], "all sent")
            climbed = rungs(played, safety)
    arrived = Counter((path.strip("/"), headers["webhook-id"]) for path, headers, _ in provider.taken)
    assert set(arrived.values()) == {1}
    for one in climbed:
        got = {name for name in ("dana", "eli", "noa") if (name, str(uuid5(one.event_id, name))) in arrived}
        assert got == whom(climbed, one), fact(one)
    assert len(arrived) == sum(len(whom(climbed, one)) for one in climbed)


def put_at_the_desk(played: Rehearsal, provider: Receiver) -> None:
    for name, role, turns in (
        ("dana", Role.COORDINATOR, ()),
        ("eli", Role.SECOND, ()),
        ("noa", Role.DESK, (ALWAYS,)),
    ):
        way = Address(channel="webhook", to=f"{provider.url}/{name}")
        Colleagues(played.database, played.keys).put(Colleague(name=name, role=role, channels=(way,), turns=turns))


def whom(climbed: list[Event], one: Event) -> set[str]:
    """Whom a rung calls, in plain words."""
    rung = fact(one)
    ladder = [fact(other) for other in climbed if (fact(other).duty, fact(other).due) == (rung.duty, rung.due)]
    escalations = [other.number for other in ladder if other.level is Level.ESCALATION]
    on_rota = {"noa"} if rung.urgency is Urgency.EMERGENCY else set()
    if rung.level is not Level.ESCALATION:
        return {"dana"} | on_rota
    is_first = rung.number == min(escalations) and any(other.level is Level.ALARM for other in ladder)
    return {"eli"} | on_rota if is_first else {"dana", "eli", "noa"}


def rungs(played: Rehearsal, stream: str) -> list[Event]:
    return [event for event in played.store.read(stream) if isinstance(event.fact, DutyCameDue)]


def fact(event: Event) -> DutyCameDue:
    assert isinstance(event.fact, DutyCameDue)
    return event.fact
