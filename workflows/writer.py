"""What every workflow that owns a stream shares: the queue of commands, the append, and how it ends.

How a command travels: the update's handler puts it into the queue and waits. One loop takes it, decides, appends
through a local activity, and folds what the append returned; only then does the handler answer. So the state never
shows what the log does not know. The loop itself stands with each kind of workflow, for each decides otherwise.

Invariants:
    1. Nothing but the loop appends, one append at a time.
    2. Run arguments carry a reference, never state. Start, continue-as-new, revival and restore all begin by reading.
    3. The loop never ends, nor continues as new, while a handler runs.
    4. Once its case is erased a workflow ends by itself, and appends nothing any more: its worker then forgets it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from activities import contract
from activities.contract import AppendAnswer, AppendRequest, OpenedStream
from domain.errors import Erased, NotUnderstood, SafeconductError
from domain.events import Command, Event, Receipt
from domain.facts import Frozen
from domain.room import DatesMoved, DutyCameDue, Room
from domain.story import must_have_a_place
from domain.stream import REUSED, Ledger
from workflows.beside import send_notice
from workflows.shown import summary_of_notice

State = TypeVar("State", bound=Room)

RECORDS_TIMEOUT = timedelta(seconds=8)
"""Of one try. A local activity must answer within the workflow task's ten seconds, or the task is kept alive for it."""

RECORDS_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=20))
"""The records come back, sooner or later: a command waits for them, and nothing is shown that they do not hold."""

_ERASED = "this case is being erased: nothing can be recorded in it any more"


class Start(Frozen):
    """How a workflow begins: whose stream it is, and nothing else.

    Attributes:
        stream: the stream, and the workflow's id.
        shift: added to the engine's clock; zero in life, so that a rehearsed story can lie in 2022.
    """

    stream: str
    shift: timedelta = timedelta()


class Head(Frozen):
    """How far a workflow has read: what its state is the fold of. Nothing of it, before it has begun.

    Attributes:
        version: of its own stream.
        last: the id of that event.
        case_version: of the case's own stream, where that is another one.
    """

    version: int = 0
    last: UUID | None = None
    case_version: int | None = None


@dataclass
class Pending:
    """A command that waits for the loop."""

    command: Command
    receipt: Receipt | None = None
    refusal: SafeconductError | None = None

    @property
    def is_settled(self) -> bool:
        return self.receipt is not None or self.refusal is not None


class Writer(Generic[State]):
    """Base of every workflow that owns a stream: the queue, the loop, the append."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.stream = start.stream
        self.queue: deque[Pending] = deque()
        self.epoch = 0
        self.search_attributes: tuple[str, ...] = ()
        self.seen = datetime.min.replace(tzinfo=workflow.now().tzinfo)
        self.renewal_wanted = False
        self.finishing = False
        self.erased: Erased | None = None
        self.notices: set[asyncio.Task[None]] = set()
        self.ready = False

    def now(self) -> datetime:
        """The case clock. In a rehearsal the engine's may stand still: it never lags behind what was heard."""
        clock = workflow.now() + self.start.shift
        return max(clock, self.seen) if self.start.shift else clock

    def heard_at(self, instant: datetime) -> None:
        self.seen = max(self.seen, instant)

    @workflow.update(name="command")
    async def command(self, command: Command) -> Receipt:
        """Give a command to this phase. Answers after it is in the log.

        Raises:
            ApplicationError: of the domain's type (``refused``, ``not-understood``, ``not-found``), with one sentence.
        """
        pending = Pending(command)
        self.queue.append(pending)
        # an erasure ends the loop wherever it stands: also over a command that is being decided
        await workflow.wait_condition(lambda: pending.is_settled or self.erased is not None)
        refusal = pending.refusal if pending.is_settled else self.erased
        if refusal is not None:
            raise ApplicationError(refusal.sentence, type=refusal.code, non_retryable=True)
        assert pending.receipt is not None
        return pending.receipt

    @command.validator
    def must_have_a_place(self, command: Command) -> None:
        """Refuse, before it becomes history, what no state of this stream could take."""
        try:
            must_have_a_place(self.stream, command.fact)
        except SafeconductError as refusal:
            raise ApplicationError(refusal.sentence, type=refusal.code, non_retryable=True) from None

    @workflow.query(name="head")
    def head(self) -> Head:
        """How far this workflow has read, to be compared with the log."""
        raise NotImplementedError

    @workflow.signal(name="renew")
    def renew(self) -> None:
        """Continue as new at the next quiet moment: before a planned stop, so that new code meets no old history."""
        self.renewal_wanted = True

    @workflow.signal(name="finish")
    def finish(self) -> None:
        """The case is being erased: end at once, for its key will be destroyed."""
        self.finishing = True

    @asynccontextmanager
    async def until_erased(self) -> AsyncIterator[None]:
        """Live until the case is erased: then whoever still asks is told so, and this workflow ends."""
        try:
            yield
        except Erased as refusal:
            self.erased = refusal
            await self.refuse_everything(refusal)

    async def refuse_everything(self, refusal: SafeconductError) -> None:
        """Nothing can be recorded here: answer whoever waits, and whoever comes while they are answered."""
        for notice in self.notices:
            notice.cancel()
        while not self.can_leave:
            while self.queue:
                self.queue.popleft().refusal = refusal
            await workflow.wait_condition(lambda: bool(self.queue) or self.can_leave)

    def must_not_be_erased(self) -> None:
        """
        Raises:
            Erased: the case is being erased.
        """
        if self.finishing:
            raise Erased(_ERASED)

    @property
    def can_leave(self) -> bool:
        """Whether nothing would be lost by ending this run now."""
        return not self.queue and workflow.all_handlers_finished()

    @property
    def must_renew(self) -> bool:
        return self.renewal_wanted or workflow.info().is_continue_as_new_suggested()

    async def call(self, name: str, argument: object, answer: type[Any]) -> Any:
        """One local activity; never two side by side.

        Raises:
            Erased: the case was erased.
        """
        try:
            return await workflow.execute_local_activity(
                name,
                argument,
                result_type=answer,
                start_to_close_timeout=RECORDS_TIMEOUT,
                retry_policy=RECORDS_RETRY,
            )
        except (ActivityError, ApplicationError) as error:
            if (refused := _as_refused(error)) is not None and refused.type == contract.FENCED:
                self.finishing = True
                raise Erased(refused.message) from None
            raise

    async def open_stream(self) -> OpenedStream:
        opened: OpenedStream = await self.call(contract.OPEN_STREAM, self.stream, OpenedStream)
        self.epoch, self.search_attributes = opened.epoch, opened.search_attributes
        for event in (*opened.case_events, *opened.events):
            self.heard_at(event.recorded_at)
        return opened

    async def append(self, request: AppendRequest) -> AppendAnswer:
        """
        Raises:
            NotUnderstood: the command is in the log already, in another stream; or what the engine itself would write
                is there in other words.
        """
        try:
            answer: AppendAnswer = await self.call(contract.APPEND, request, AppendAnswer)
        except (ActivityError, ApplicationError) as error:
            # what a local activity raises comes as it is, without the wrapping that other activities get
            cause = error.cause if isinstance(error, ActivityError) else error
            if isinstance(cause, ApplicationError) and cause.type == contract.CONTENT_DIFFERS:
                raise NotUnderstood(REUSED) from None
            raise
        return answer

    def notify(self, events: Sequence[Event]) -> None:
        """Send the notices of these events, beside the loop. Their ladder climbs whether they arrive or not."""
        for event in events:
            if isinstance(event.fact, DutyCameDue | DatesMoved):
                self.send(event.event_id, summary_of_notice(event))

    def send(self, notice: UUID, summary: str) -> None:
        task = asyncio.create_task(send_notice(notice, summary))
        self.notices.add(task)
        task.add_done_callback(self.notices.discard)


def _as_refused(error: ActivityError | ApplicationError) -> ApplicationError | None:
    """What an activity has said. That of a local one comes bare, as it was raised."""
    found = error.cause if isinstance(error, ActivityError) else error
    return found if isinstance(found, ApplicationError) else None


def head_of(ledger: Ledger[Any], case_version: int | None = None) -> Head:
    """How far a stream has been read."""
    last = ledger.events[-1].event_id if ledger.events else None
    return Head(version=ledger.version, last=last, case_version=case_version)


async def signal_stream(stream: str, name: str, *arguments: object) -> bool:
    """Signal another workflow of the same case. False when it does not run; it reads the log when it begins again."""
    try:
        await workflow.get_external_workflow_handle(stream).signal(name, args=arguments)
    except ApplicationError:
        return False
    return True
