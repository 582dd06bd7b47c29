"""How long a seal is tells neither an answer nor a need: who knows their form would else read them by counting."""

from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.check_ins import Answer, Channel, CheckedIn, DuressEnded
from domain.events import Command, Event
from domain.facts import Fact, Occurred
from domain.needs import NeedKind, NeedNoted
from domain.references import Phase, phase_stream
from runtime.codec import SealingCodec
from tests.domain.strategies import REFERENCE, noon
from tests.support.keys import database_in, keys_in, store_in

NOON = noon("2026-11-30")
SAFETY = phase_stream(REFERENCE, Phase.SAFETY, 1)

ANSWERS = [*(CheckedIn(channel=channel, answer=answer) for channel in Channel for answer in Answer), DuressEnded()]
NEEDS = [NeedNoted(need=need, by=date(2026, 12, 10)) for need in NeedKind]


def command(fact: Fact, actor: str, note: UUID | None) -> Command:
    return Command(
        command_id=uuid4(),
        actor=actor,
        occurred=Occurred.at_instant(NOON),
        learned_on=NOON.date(),
        note=note,
        fact=fact,
        sent_at=NOON,
    )


def event(version: int, of: Command) -> Event:
    return Event(
        event_id=uuid4(),
        stream=SAFETY,
        version=version,
        command_id=of.command_id,
        actor=of.actor,
        occurred=of.occurred,
        learned_on=of.learned_on,
        recorded_at=NOON,
        note=of.note,
        fact=of.fact,
    )


@pytest.mark.parametrize("actor", ["eli", "check-in-link"])
@pytest.mark.parametrize("facts", [ANSWERS, NEEDS], ids=["answers", "needs"])
async def test_neither_log_nor_engine_tells_by_its_length_what_was_answered_or_is_needed(
    tmp_path: Path, facts: list[Fact], actor: str
) -> None:
    commands = [command(fact, actor, note) for fact in facts for note in (None, uuid4())]
    database = database_in(tmp_path)
    store = store_in(tmp_path, database)
    events = [event(version, one) for version, one in enumerate(commands, start=1)]
    store.append(SAFETY, store.open(SAFETY).epoch, 0, events)
    assert store.read(SAFETY) == tuple(events)
    with database.reading() as connection:
        lengths = {length for (length,) in connection.exec_driver_sql("SELECT length(body) FROM event")}
    database.close()
    assert len(lengths) == 1

    codec = SealingCodec(keys_in(tmp_path)[0]).of("default", SAFETY)
    payloads = await pydantic_data_converter.encode(commands)
    sealed = await codec.encode(payloads)
    assert len({len(one.data) for one in sealed}) == 1
    opened = await codec.decode(sealed)
    assert await pydantic_data_converter.decode(opened, [Command] * len(commands)) == commands
