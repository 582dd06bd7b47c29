"""What every phase shares: reading its stream, the one serial command loop, and the duty clock.

How a command travels: the update's handler puts it into the queue and waits. One loop takes it, decides, appends
through a local activity, and folds what the append returned; only then does the handler answer. So the state never
shows what the log does not know.

Invariants:
    1. Nothing but the loop appends, one append at a time.
    2. Run arguments carry a reference, never state. Start, continue-as-new, revival and restore all begin by reading.
    3. The loop never ends, nor continues as new, while a handler runs.
    4. One timer stands for the next rung, and is armed anew only when that rung's instant changes.
    5. Once its case is erased a workflow ends by itself, and appends nothing any more: its worker then forgets it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityCancellationType

from activities import contract
from activities.contract import AppendAnswer, AppendRequest, OpenedStream, ReadCase, RulesAnswer, RulesRequest
from domain.cards import phase_card
from domain.case import Path, Phase, case_stream, phase_of, reference_of
from domain.duties import Duty, Rung
from domain.errors import Erased, NotUnderstood, SafeconductError
from domain.events import Command, Event, Receipt, Standings
from domain.facts import Frozen
from domain.overview import overview_of_phase
from domain.room import DatesMoved, DutyCameDue, Room
from domain.rulebook import Rules
from domain.rulebook.editions import NEW, Held
from domain.story import blank_room, must_have_a_place
from domain.stream import REUSED, Ledger, Surroundings, came_due, decide, law_changed, standings
from workflows.shown import details_of_phase, show, summary_of_notice, summary_of_rung

State = TypeVar("State", bound=Room)

RECORDS_TIMEOUT = timedelta(seconds=8)
"""Of one try. A local activity must answer within the workflow task's ten seconds, or the task is kept alive for it."""

RECORDS_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=20))
"""The records come back, sooner or later: a command waits for them, and nothing is shown that they do not hold."""

NOTICE_TIMEOUT = timedelta(seconds=30)
"""Of one try to send a notice. The channel's own timeouts are shorter."""

NOTICE_BEAT = timedelta(seconds=10)
"""After so much silence the worker that sends a notice is given up, and another one sends it."""

_ERASED = "this case is being erased: nothing can be recorded in it any more"

NOTICE_BOUND = timedelta(days=1)
"""How long a notice is tried when no rung follows sooner. The ladder climbs whatever becomes of it."""


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


@dataclass
class Clock:
    """The one timer of a phase: the instant it stands for, and whether it has rung."""

    instant: datetime | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    is_late: bool = False
    """The instant had come when the clock was set: it needs no timer."""

    @property
    def has_rung(self) -> bool:
        return self.is_late or (self.task is not None and self.task.done())


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
        task = asyncio.create_task(_send(notice, self.notice_bound(), summary))
        self.notices.add(task)
        task.add_done_callback(self.notices.discard)

    def notice_bound(self) -> timedelta:
        return NOTICE_BOUND


def _as_refused(error: ActivityError | ApplicationError) -> ApplicationError | None:
    """What an activity has said. That of a local one comes bare, as it was raised."""
    found = error.cause if isinstance(error, ActivityError) else error
    return found if isinstance(found, ApplicationError) else None


async def _send(notice: UUID, bound: timedelta, summary: str) -> None:
    try:
        await workflow.execute_activity(
            contract.SEND_NOTICE,
            notice,
            start_to_close_timeout=NOTICE_TIMEOUT,
            schedule_to_close_timeout=bound,
            heartbeat_timeout=NOTICE_BEAT,
            cancellation_type=ActivityCancellationType.TRY_CANCEL,
            summary=summary,
        )
    except ActivityError:
        workflow.logger.warning("a notice was not delivered in time; its ladder goes on")


class PhaseWorkflow(Writer[State]):
    """Base of the six phases. A phase adds its name and its room; its whole life is here."""

    phase: ClassVar[Phase]

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.clock = Clock()
        self.case: Ledger[Path] = Ledger.empty(case_stream(reference_of(start.stream)), Path())
        self.ledger: Ledger[Any]
        self.rules: Rules = Rules.unknown(None)
        self.law_has_changed = False
        self.path_has_moved = False
        self.tell_again = False

    @workflow.signal(name="path-moved")
    def path_moved(self) -> None:
        """The case's own stream has grown: read it, for this round may be over."""
        self.path_has_moved = True

    @workflow.signal(name="law-changed")
    def law_changed(self) -> None:
        """A person applied another edition of the law: look whether it moves anything here."""
        self.law_has_changed = True

    @workflow.signal(name="tell-milestones")
    def tell_milestones(self) -> None:
        """The path has begun anew, or has opened this round again: it asks which milestones stand."""
        self.tell_again = True
        self.path_has_moved = True

    @workflow.query(name="headline")
    def headline(self) -> str:
        """Where this phase stands, in words from a closed vocabulary."""
        return self.ledger.state.headline() if self.ready else "begins"

    @workflow.query(name="head")
    def head(self) -> Head:
        """How far this phase has read, to be compared with the log."""
        return head_of(self.ledger, self.case.version) if self.ready else Head()

    async def live(self) -> None:
        """The life of a phase, as long as its case is there."""
        async with self.until_erased():
            await self._live()

    async def _live(self) -> None:
        """Begin by reading, then one thing after the other until the round is over."""
        try:
            await self._begin()
        except SafeconductError as refusal:
            await self.refuse_everything(refusal)  # the path never opened this round
            return
        while not self._may_end:
            self._arm()
            self._show()
            await workflow.wait_condition(lambda: self._has_work)
            await self._next()
            if self.must_renew and self.can_leave and not self._is_over:
                workflow.continue_as_new(self.start)

    async def _begin(self) -> None:
        opened = await self.open_stream()
        for event in (*opened.case_events, *opened.events):
            self.heard_at(event.recorded_at)
        self.case = self.case.plus(opened.case_events)
        self.ledger = Ledger.empty(self.stream, blank_room(self.case.state, self.stream)).plus(opened.events)
        answer = await self._ask_for_rules(self.case.state.runs_on(*self._place, self.ledger.state.edition))
        self.rules = answer.rules[0]
        self.law_has_changed = answer.latest not in ((), (self.rules.digest,))
        self.ready = True
        while not await self._write(()):
            pass  # the case moved on while its card was being written
        for notice in opened.unsent:
            self.send(notice, summary_of_notice(self.ledger.event(notice)))
        await self._tell_path()

    @property
    def _has_work(self) -> bool:
        return bool(
            self.finishing
            or self.queue
            or self.clock.has_rung
            or self.path_has_moved
            or self.law_has_changed
            or self.tell_again
            or (self.must_renew and self.can_leave)
            or self._may_end
        )

    @property
    def _may_end(self) -> bool:
        # what was written to be told is told first: nobody sends it once this workflow has ended
        told = not self.notices
        return self._is_over and told and self.can_leave and not self.path_has_moved and not self.tell_again

    async def _next(self) -> None:
        self.must_not_be_erased()
        if self.path_has_moved:
            self.path_has_moved = False
            await self._read_case()
        elif self.law_has_changed:
            self.law_has_changed = False
            await self._take_over_law()
        elif self.tell_again:
            self.tell_again = False
            await self._tell_path()
        elif self.queue:
            await self._handle(self.queue.popleft())
        elif self.clock.has_rung:
            await self._fire()

    @property
    def _place(self) -> tuple[Phase, int]:
        parts = phase_of(self.stream)
        assert parts is not None
        return parts

    @property
    def _is_over(self) -> bool:
        return not self.case.state.is_running(*self._place)

    @property
    def _duties(self) -> tuple[Duty, ...]:
        duties: tuple[Duty, ...] = self.ledger.state.duties(self.case.state, self.rules)
        return duties

    def _around(self) -> Surroundings:
        return Surroundings(case=self.case.state, rules=self.rules, now=self.now())

    async def _handle(self, pending: Pending) -> None:
        """Decide, append, fold; and again, as long as the log knew more than this run."""
        self.heard_at(pending.command.sent_at)
        while True:
            try:
                events = decide(self.ledger, pending.command, self._around())
                if events[0].version <= self.ledger.version or await self._write(events):
                    break
            except SafeconductError as refusal:
                # a crash leaves the log ahead, perhaps by this very command: only who knows all of it may say no
                if not await self._write(()):
                    continue
                pending.refusal = refusal
                return
        answered = self.ledger.answer_to(pending.command.command_id)
        pending.receipt = Receipt.of(answered)
        if any(self.ledger.state.milestone(event) or event.fact.kind == "corrected" for event in answered):
            await self._tell_path()

    async def _fire(self) -> None:
        """A rung was reached: a fact like any other."""
        self.clock = Clock()
        found = self._next_rung()
        if found is None or self._is_over or found[1].at > self.now():
            return
        try:
            await self._write((came_due(self.ledger, *found, self.now()),))
        except NotUnderstood:
            self.renewal_wanted = True  # a crash left this rung in the log, in the words of another version: read it

    async def _write(self, events: tuple[Event, ...]) -> bool:
        """Append events with this phase's card. False when the log knew more: then that is folded, and no more."""
        after = self.ledger.plus(events)
        duties = after.state.duties(self.case.state, self.rules)
        request = AppendRequest(
            stream=self.stream,
            epoch=self.epoch,
            expected=self.ledger.version,
            events=events,
            case_seen=self.case.version,
            phase_cards=(phase_card(after, duties, self.now(), is_open=not self._is_over),),
        )
        answer = await self.append(request)
        as_asked = answer.tail == events
        self.case = self.case.plus(answer.case_tail)
        self.ledger = after if as_asked else self.ledger.plus(answer.tail)
        self.notify(answer.tail)
        return as_asked and not answer.case_tail

    async def _read_case(self) -> None:
        wanted = ReadCase(stream=self.case.stream, after=self.case.version)
        answer: AppendAnswer = await self.call(contract.READ_CASE_STREAM, wanted, AppendAnswer)
        self.case = self.case.plus(answer.tail)
        for event in answer.tail:
            self.heard_at(event.recorded_at)
        while not await self._write(()):
            pass

    async def _ask_for_rules(self, held: Held) -> RulesAnswer:
        wanted = RulesRequest(wanted=((self.ledger.state.country, str(self.phase)),), held=held)
        answer: RulesAnswer = await self.call(contract.READ_RULES, wanted, RulesAnswer)
        return answer

    async def _take_over_law(self) -> None:
        """Record the change with every date that moves by it. An edition that says the same here changes nothing."""
        answer = await self._ask_for_rules(NEW)
        before, fresh = self.rules, answer.rules[0]
        while fresh.digest != before.digest and not self._is_over:
            changed = law_changed(self.ledger, self._around(), fresh, answer.applied_by)
            self.rules = fresh
            if await self._write((changed,)) or self.ledger.state.edition == fresh.edition:
                return
            self.rules = before  # the log knew more: what moves is reckoned anew

    async def _tell_path(self) -> None:
        """Tell the path all milestones that stand. A path that is gone asks for them when it begins again."""
        told = Standings(stream=self.stream, standings=standings(self.ledger), sent_at=self.now())
        if (
            not told.standings
            and not self.tell_again
            and not any(e.fact.kind == "corrected" for e in self.ledger.events)
        ):
            return
        await signal_stream(self.case.stream, "milestones", told)

    def _next_rung(self) -> tuple[Duty, Rung] | None:
        return self.ledger.next_rung(self._duties, self.now())

    def _arm(self) -> None:
        """Let the one timer stand for the next rung."""
        found = None if self._is_over else self._next_rung()
        instant = found[1].at if found is not None else None
        if instant == self.clock.instant:
            return
        if self.clock.task is not None:
            self.clock.task.cancel()
        self.clock = Clock(instant, is_late=instant is not None and instant <= self.now())
        if instant is not None and not self.clock.is_late:
            ahead = instant - (workflow.now() + self.start.shift)
            assert found is not None
            self.clock.task = asyncio.create_task(workflow.sleep(ahead, summary=summary_of_rung(*found)))

    def _show(self) -> None:
        """Let operators see where this phase stands now."""
        duties = () if self._is_over else self._duties
        overview = overview_of_phase(self.ledger, duties, self.now())
        show(overview, self.search_attributes)
        workflow.set_current_details(details_of_phase(self.headline(), overview, duties))

    def notice_bound(self) -> timedelta:
        """A notice is tried until the next rung speaks anyway."""
        found = self._next_rung()
        if found is None:
            return NOTICE_BOUND
        return min(max(found[1].at - self.now(), NOTICE_TIMEOUT), NOTICE_BOUND)


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
