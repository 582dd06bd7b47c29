"""Rounds of crashes on the six cases: commands under way, a kill, a new start, and everything sent once more.

What a round has broken heals while the next ones go on, as it would in life: a workflow task that a killed worker had
begun comes back after ten seconds, and only the cases it belongs to wait for it.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from uuid import UUID

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from activities.contract import TASK_QUEUE
from domain.check_ins import ContactLogged
from domain.errors import SafeconductError
from domain.events import Accepted, Command, Corrected, CorrectionReason, Past, Receipt
from domain.facts import Occurred
from domain.intake import read_intake
from runtime.desk import Desk, read_intake_file
from runtime.embedded import EngineDidNotStart, pid_file
from runtime.local import EXAMPLES
from runtime.office import Office
from runtime.settings import NotRunning, now
from tests.support import agreement
from tests.support.agreement import Records
from tests.support.keys import settings_in
from tests.support.orders import Order, Round, Victim
from tests.support.rehearsal import eventually
from tests.support.servers import Place

AGAIN_SECONDS = 0.2
"""Before a sender that got no answer tries again."""

HEALED_SECONDS = 90.0
"""How long everything may take to agree after the last crash: a workflow task that was begun comes back after ten
seconds, a local activity's own back-off may follow, and both may have to be waited for twice."""

LOOK_AGAIN_SECONDS = 0.5


@dataclass(eq=False)
class Asked:
    """Something that is asked for until it is answered.

    Attributes:
        give: asks once.
        command_id: of the command; ``None`` for an import, which has its own.
        receipt: the answer.
        refusal: the answer, where it is no.
    """

    give: Callable[[], Awaitable[Receipt | None]]
    command_id: UUID | None = None
    receipt: Receipt | None = None
    refusal: SafeconductError | None = None
    is_answered: bool = False
    task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Ask anew, whatever has become of the first time."""
        if self.task is not None:
            self.task.cancel()
        self.task = asyncio.create_task(self._until_answered())

    async def _until_answered(self) -> None:
        while not self.is_answered:
            try:
                self.receipt = await self.give()
            except NotRunning:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            except SafeconductError as refusal:
                self.refusal = refusal
            self.is_answered = True


@dataclass
class Crashes:
    """An installation that crashes.

    Attributes:
        place: where it lives.
        desk: the command line's view of it.
        records: its records.
        office: its door.
        references: the cases that are told things.
        asked: every command and import so far.
        died: workers that ended by themselves.
    """

    place: Place
    desk: Desk
    records: Records
    office: Office = field(init=False)
    references: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    died: int = 0
    _server: subprocess.Popen[bytes] | None = None
    _server_life: AsyncExitStack = field(default_factory=AsyncExitStack)
    _worker: ForkServerProcess | None = None
    _risen: datetime = field(default_factory=now)

    async def play(self, one: Round) -> None:
        """Commands go out; at the drawn moment somebody is killed; what is dead starts again; all is asked again."""
        await eventually(self._is_at_work, "the worker is at work", HEALED_SECONDS)
        for order in one.orders:
            self._ask(self._command(order))
        if one.imports:
            self._ask(self._import(_intake(one.number)))
        await asyncio.sleep(one.after)  # the drawn moment is what the round is about: no condition is waited for
        self.kill(one.victim)
        if one.again_after is not None:
            await self._die_while_starting(one.again_after)
        await self.rise()
        for asked in self.asked:
            if not asked.is_answered:
                asked.ask()

    def kill(self, victim: Victim) -> None:
        """``kill -9``."""
        if victim is not Victim.SERVER and self._worker is not None:
            self._worker.kill()
            self._worker.join()
        if victim is not Victim.WORKER and self._server is not None:
            self._server.kill()
            self._server.wait()

    async def _die_while_starting(self, after: float) -> None:
        starting = asyncio.create_task(self.rise())
        await asyncio.sleep(after)
        with suppress(OSError, ValueError):
            os.kill(int(pid_file(self.place.settings.engine_path).read_text()), signal.SIGKILL)
        with suppress(EngineDidNotStart):
            await starting
        self.kill(Victim.WORKER)

    async def rise(self) -> None:
        """Start again what does not run."""
        if self._server is None or self._server.poll() is not None:
            await self._server_life.aclose()
            self._server = await self._server_life.enter_async_context(self.place.server())
        if self._worker is not None and not self._worker.is_alive() and self._worker.exitcode != -signal.SIGKILL:
            self.died += 1
        if self._worker is None or not self._worker.is_alive():
            self._risen = now()
            self._worker = await asyncio.to_thread(self.place.start_worker)

    async def _is_at_work(self) -> bool:
        """Whether the worker that was started last asks for tasks. One that found no server has ended: another one."""
        await self.rise()
        asked = DescribeTaskQueueRequest(
            namespace=self.office.client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        with suppress(RPCError):
            answer = await self.office.client.workflow_service.describe_task_queue(asked)
            return any(one.last_access_time.ToDatetime(UTC) > self._risen for one in answer.pollers)
        return False

    async def stop(self) -> None:
        """Hang up, and kill everything."""
        tasks = [asked.task for asked in self.asked if asked.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.kill(Victim.BOTH)
        await self._server_life.aclose()

    async def take_in_the_six(self) -> None:
        """Import ``examples/six``; crashes come later."""
        for file in sorted(EXAMPLES.glob("*.toml")):
            reference, _ = await self.desk.take_in(*read_intake_file(file))
            self.references.append(reference)

    def _ask(self, asked: Asked) -> None:
        self.asked.append(asked)
        asked.ask()

    def _import(self, content: bytes) -> Asked:
        async def give() -> None:
            await self.desk.take_in(content, read_intake(content.decode()))

        return Asked(give)

    def _command(self, order: Order) -> Asked:
        reference, moment = self.references[order.case], now()
        occurred = Occurred.at_instant(moment - order.ago)
        told = Past(
            fact=order.fact or ContactLogged(),
            occurred=occurred,
            learned_on=moment.date(),
            actor=order.actor,
            phase=order.phase,
        )
        wrong = self._told_before(order) if order.fact is None else None
        if wrong is None:
            return Asked(lambda: self.office.record(reference, told, order.command_id, order.note), order.command_id)
        correction = Corrected(
            event=wrong.event_id, reason=CorrectionReason.MISTYPED, occurred=Occurred.at_instant(moment)
        )
        command = Command(
            command_id=order.command_id,
            actor=order.actor,
            occurred=occurred,
            learned_on=moment.date(),
            note=order.note,
            fact=correction,
            sent_at=moment,
        )
        return Asked(lambda: self.office.send(wrong.stream, command), order.command_id)

    def _told_before(self, order: Order) -> Accepted | None:
        """What an order takes back, if so much has been accepted yet."""
        accepted = [
            one
            for asked in self.asked
            if asked.receipt is not None
            for one in asked.receipt.accepted[:1]
            if one.kind not in ("corrected", "acknowledged")
        ]
        return accepted[-order.takes_back] if order.takes_back <= len(accepted) else None

    def tally(self) -> str:
        """How many were accepted, were refused, and wait."""
        accepted = sum(asked.receipt is not None for asked in self.asked)
        refused = sum(asked.refusal is not None for asked in self.asked)
        waiting = sum(not asked.is_answered for asked in self.asked)
        return f"{accepted} accepted, {refused} refused, {waiting} wait, {self.died} workers ended by themselves"

    def round_faults(self) -> list[str]:
        """What must hold after every round, however much still has to heal."""
        answers = {one.command_id: one.receipt for one in self.asked if one.command_id and one.is_answered}
        return agreement.log_faults(self.records) + agreement.receipt_faults(answers, self.records)

    async def faults(self) -> list[str]:
        """What must hold once everything has healed."""
        unanswered = sum(not asked.is_answered for asked in self.asked)
        if unanswered:
            return [f"{unanswered} commands have no answer"]
        return self.round_faults() or await agreement.faults(self.office.client, self.records, now())

    async def healed(self) -> list[str]:
        """Wait until everything agrees; returns what still does not when patience is at its end."""
        deadline = asyncio.get_running_loop().time() + HEALED_SECONDS
        while faults := await self.faults():
            if asyncio.get_running_loop().time() > deadline:
                return faults
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return await agreement.history_faults(self.office.client, self.records)


def _intake(number: int) -> bytes:
    """An intake file that was never imported before."""
    return (EXAMPLES / "1-sparrow.toml").read_bytes() + f"\n# file {number}\n".encode()


@asynccontextmanager
async def crashes(place: Place) -> AsyncIterator[Crashes]:
    """The six cases on an installation that is about to crash."""
    desk = Desk(settings_in(place.folder), "dana")
    place.announce()
    running = Crashes(place, desk, Records(desk.database, desk.store, desk.files))
    try:
        await running.rise()
        running.office = Office(await place.client(), desk.store, now)
        await running.take_in_the_six()
        yield running
    finally:
        await running.stop()
        desk.database.close()
