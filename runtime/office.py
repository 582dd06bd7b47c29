"""What the command line, and every other sender of commands, does with a case: one door to engine and records."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities import tracing
from activities.contract import TASK_QUEUE
from domain.country import WATCH
from domain.erasing import ERASURE, is_erasure
from domain.errors import Erased, NotFound, NotUnderstood, Refused, SafeconductError
from domain.events import Command, Event, Intake, Past, Receipt, id_from_cause, is_answer_to
from domain.facts import Fact, Occurred
from domain.references import case_stream, phase_of
from domain.story import Route, answer_in, blank_room, must_say_where, route
from domain.stream import REUSED, Ledger, path_hears, standings
from domain.watching import is_watch
from records.errors import Unreachable
from records.store import Store
from runtime.cases import path_of
from runtime.settings import NotRunning
from workflows.shown import summary_of_stream
from workflows.writer import Start

ANSWER_SECONDS = 30.0
"""How long a command waits for its answer before it is sent again under the same id."""

TRIES = 3
"""After so many the user is told. A command that was accepted meanwhile answers as before when it is repeated."""

HEARD_SECONDS = 30.0
"""How long the path may take to hear of a milestone before the user is told to look later. Shorter fails while another
worker takes over from a dead one: the engine waits ten seconds for the dead one's task before it gives it on."""

_PASSING = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.FAILED_PRECONDITION,
)
"""Answers that the next try may not get. The last one comes while a workflow continues as new under the command."""

_REFUSALS: dict[str, type[SafeconductError]] = {kind.code: kind for kind in (Refused, NotUnderstood, NotFound, Erased)}


@dataclass(frozen=True)
class Office:
    """Sends commands and finds where they go.

    Attributes:
        client: the engine.
        store: the records.
        now: the sender's clock.
        shift: of a rehearsal; zero in life.
        task_queue: the workers' queue.
    """

    client: Client
    store: Store
    now: Callable[[], datetime]
    shift: timedelta = timedelta()
    task_queue: str = TASK_QUEUE

    async def start_case(
        self, reference: str, intake: Intake, actor: str, since: Occurred, command_id: UUID
    ) -> Receipt:
        """Begin a case with its past.

        Raises:
            SafeconductError: an entry of the past makes no sense, or the engine does not answer.
        """
        now = self.now()
        command = Command(
            command_id=command_id, actor=actor, occurred=since, learned_on=now.date(), fact=intake, sent_at=now
        )
        return await self.send(case_stream(reference), command)

    async def record(self, reference: str, past: Past, command_id: UUID, note: UUID | None = None) -> Receipt:
        """Give a decision or a report to the phase it belongs to, and wait until the path has heard of it.

        Raises:
            SafeconductError: it is refused, makes no sense, or the engine does not answer.
        """
        events = self.store.read_case(reference)
        if answered := answer_in(events, command_id, past):
            # a crash can leave the log ahead of its phase: that has to learn of it, or a duty would never sound
            return await self.send(answered[0].stream, self._command(past, past.fact, command_id, note))
        way = await self._way(reference, past, command_id, events)
        try:
            receipt = await self.send(way.stream, self._command(past, past.fact, command_id, note))
        except NotUnderstood:
            # sent before, it was on its way to another round when the case was read: that one's answer counts
            answered = answer_in(self.store.read_case(reference), command_id, past)
            if not answered:
                raise
            receipt, way = Receipt.of(answered), Route(answered[0].stream)
        await self.path_has_heard(reference, way.stream)
        return receipt

    async def _way(self, reference: str, past: Past, command_id: UUID, events: Sequence[Event]) -> Route:
        """Where a fact goes; the room that it needs is opened first."""
        way = _routed(reference, past, events)
        if way.opens is None:
            return way
        opens = self._command(past, way.opens, id_from_cause(command_id, "opens"), None)
        try:
            await self.send(case_stream(reference), opens)
        except Refused:
            # another report has opened the same room meanwhile: this one finds it open, and is not refused for that
            way = _routed(reference, past, self.store.read_case(reference))
            if way.opens is not None:
                raise
        return way

    def _command(self, past: Past, fact: Fact, command_id: UUID, note: UUID | None) -> Command:
        return Command(
            command_id=command_id,
            actor=past.actor,
            occurred=past.occurred,
            learned_on=past.learned_on,
            note=note,
            fact=fact,
            sent_at=self.now(),
        )

    async def send(self, stream: str, command: Command) -> Receipt:
        """Send a command to a stream's workflow, starting it if it does not run: it begins by reading.

        Raises:
            SafeconductError: it is refused, or the engine does not answer.
        """
        with tracing.command(stream, command.command_id):
            receipt = await self._send(stream, command)
        self._must_answer(command, receipt)
        return receipt

    def _must_answer(self, command: Command, receipt: Receipt) -> None:
        """The engine answers an id that it knows without looking at what is sent: that may be another command.

        Raises:
            NotUnderstood: it is.
        """
        first = receipt.accepted[0]
        try:
            stored = self.store.read(first.stream, first.version - 1)
        except Unreachable:
            return  # the receipt stands, whether or not it can be looked at now
        if not (isinstance(command.fact, Intake) or is_answer_to(stored[0], command)):
            raise NotUnderstood(REUSED)

    async def _send(self, stream: str, command: Command) -> Receipt:
        for _ in range(TRIES):
            try:
                return await self._send_once(stream, command)
            except WorkflowUpdateFailedError as error:
                if (refusal := _refusal(error.cause)) is not None:
                    raise refusal from None
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                if isinstance(error.__cause__, asyncio.CancelledError):
                    raise error.__cause__ from None
            except RPCError as error:
                if error.status not in _PASSING:
                    raise NotRunning(f"the engine refused the command ({error.status.name.lower()})") from None
                await asyncio.sleep(0.5)
        raise NotRunning("the engine gave no answer: is a worker running? Send the same command again")

    async def _send_once(self, stream: str, command: Command) -> Receipt:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            workflow_type(stream),
            Start(stream=stream, shift=self.shift),
            id=stream,
            task_queue=self.task_queue,
            static_summary=summary_of_stream(stream),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
        # how the start went is a second answer, and asyncio complains of an error that nobody has asked for
        started = asyncio.create_task(start.workflow_handle())
        started.add_done_callback(lambda one: one.cancelled() or one.exception())
        try:
            receipt: Receipt = await self.client.execute_update_with_start_workflow(
                "command",
                command,
                start_workflow_operation=start,
                id=str(command.command_id),
                result_type=Receipt,
                rpc_timeout=timedelta(seconds=ANSWER_SECONDS),
            )
        finally:
            started.cancel()
        return receipt

    async def path_has_heard(self, reference: str, stream: str) -> None:
        """Wait until the path has recorded every milestone that stands in a phase's stream.

        Raises:
            NotRunning: it took too long.
        """
        if phase_of(stream) is None:
            return
        path, phase = tuple[Event, ...](), tuple[Event, ...]()
        deadline = asyncio.get_running_loop().time() + HEARD_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            # a case of years is long: what was read is not read again at each look
            heard, told = self._later(case_stream(reference), path), self._later(stream, phase)
            if heard or told:
                path, phase = path + heard, phase + told
                if not self._unheard(reference, stream, path, phase):
                    return
            await asyncio.sleep(0.02)
        raise NotRunning("recorded, but the path has not heard of it yet: look again with `safeconduct status`")

    def _later(self, stream: str, known: Sequence[Event]) -> tuple[Event, ...]:
        return self.store.read(stream, known[-1].version if known else 0)

    def _unheard(self, reference: str, stream: str, of_path: tuple[Event, ...], of_phase: Sequence[Event]) -> bool:
        path = path_of(of_path, reference)
        ledger = Ledger.empty(stream, blank_room(path.state, stream)).plus(of_phase)
        return bool(path_hears(path, stream, standings(ledger), self.now()))


def _routed(reference: str, past: Past, events: Sequence[Event]) -> Route:
    path = path_of(tuple(event for event in events if event.stream == case_stream(reference)), reference)
    way = route(path.state, reference, past)
    must_say_where(path.state, past, way)
    return way


def workflow_type(stream: str) -> str:
    """The type of the workflow that writes a stream."""
    if is_erasure(stream):
        return ERASURE
    if is_watch(stream):
        return WATCH
    parts = phase_of(stream)
    return "case-path" if parts is None else str(parts[0])


def _refusal(cause: BaseException | None) -> SafeconductError | None:
    """The domain's own refusal behind a failed update; ``None`` when the workflow merely ended under it."""
    if isinstance(cause, ApplicationError) and cause.type in _REFUSALS:
        return _REFUSALS[cause.type](cause.message)
    return None
