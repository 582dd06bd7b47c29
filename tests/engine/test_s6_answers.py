"""S6: a command has one answer. Whoever asks again, while it is still under way, is told nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from domain.case import ClosingReason, PathClosed, PathReopened, PhaseOpened
from domain.entry import Departed, DocumentIssued
from domain.errors import SafeconductError
from domain.events import Command, Past, Receipt
from domain.facts import Fact
from domain.references import Phase, case_stream
from domain.room import Acknowledged
from domain.stay_facts import TravelDocument
from domain.story import decide_path
from records.database import Database
from records.store import Store
from runtime.cases import path_of
from runtime.codec import sealing_converter
from runtime.office import Office
from runtime.settings import now
from tests.support.intakes import minimal, past
from tests.support.keys import keys_in, store_in
from tests.support.rehearsal import Pigeonhole, skipping_server
from worker import build_worker


@dataclass(frozen=True)
class Installation:
    """A case on a server whose worker is started and stopped by the test."""

    client: Client
    store: Store
    reference: str

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        async with build_worker(self.client, self.store, Pigeonhole()):
            yield

    def ask(self, told: Past, command_id: UUID) -> asyncio.Task[object]:
        """Give a command, as another sender would."""
        return asyncio.create_task(self._answer(told, command_id))

    async def _answer(self, told: Past, command_id: UUID) -> object:
        try:
            return await Office(self.client, self.store, now).record(self.reference, told, command_id)
        except SafeconductError as refusal:
            return refusal.sentence

    def happens_elsewhere(self, *facts: Fact) -> None:
        """Another machine's path takes these decisions: they are in the log, and no phase knows of them."""
        own = case_stream(self.reference)
        epoch = self.store.open(own).epoch
        for fact in facts:
            path = path_of(self.store.read(own), self.reference)
            self.store.append(own, epoch, path.version, decide_path(path, _command(fact), now()))

    def is_in_the_log(self, command_id: UUID) -> bool:
        return any(event.command_id == command_id for event in self.store.read_case(self.reference))


def _command(fact: Fact) -> Command:
    told = past(fact, now().date())
    return Command(
        command_id=uuid4(),
        actor=told.actor,
        occurred=told.occurred,
        learned_on=told.learned_on,
        fact=fact,
        sent_at=now(),
    )


@asynccontextmanager
async def installation(folder: Path, reference: str) -> AsyncIterator[Installation]:
    database = Database(folder / "records.db")
    async with skipping_server(sealing_converter(keys_in(folder)[0], is_worker=True)) as environment:
        found = Installation(environment.client, store_in(folder, database), reference)
        async with found.worker():
            office = Office(found.client, found.store, now)
            await office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
            await office.record(reference, _taken_in_hand("review"), uuid4())  # safety has begun
        yield found
    database.close()


def _taken_in_hand(duty: str) -> Past:
    return past(Acknowledged(duty=duty), now().date()).model_copy(update={"phase": Phase.SAFETY})


CLOSED = PathClosed(reason=ClosingReason.LOST)


@pytest.mark.parametrize("reopened", [(), (PathReopened(),)], ids=["closed", "closed and open again"])
async def test_s6_who_asks_again_while_the_command_is_under_way_gets_the_answer_of_its_one_writer(
    tmp_path: Path, reference: str, reopened: Sequence[Fact]
) -> None:
    told, command_id = _taken_in_hand("check-in"), uuid4()
    async with installation(tmp_path, reference) as place:
        first = place.ask(told, command_id)
        await asyncio.sleep(0)  # it has read the case, and waits for the engine
        place.happens_elsewhere(CLOSED)
        second = place.ask(told, command_id)
        await asyncio.sleep(0)
        place.happens_elsewhere(*reopened)
        async with place.worker():
            answers = await asyncio.gather(first, second)
        assert answers[0] == answers[1]
        assert isinstance(answers[0], Receipt) == place.is_in_the_log(command_id)
        assert isinstance(answers[0], Receipt) == bool(reopened)


async def test_s6_two_reports_that_need_the_same_room_open_it_once_and_neither_is_refused(
    tmp_path: Path, reference: str
) -> None:
    told = [past(fact, now().date()) for fact in (DocumentIssued(document=TravelDocument.LAISSEZ_PASSER), Departed())]
    async with installation(tmp_path, reference) as place:
        asked = [place.ask(one, uuid4()) for one in told]
        async with place.worker():
            answers = await asyncio.gather(*asked)
        assert [type(one) for one in answers] == [Receipt, Receipt]
        opened = [event.fact for event in place.store.read_case(reference) if isinstance(event.fact, PhaseOpened)]
        assert [one.number for one in opened if one.phase is Phase.ENTRY] == [1]
