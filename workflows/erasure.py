"""The erasure of one case: it waits for persons, for time and for holds, and then goes step by step."""

from datetime import date, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from activities import contract
from activities.contract import (
    AppendAnswer,
    AppendRequest,
    CaseSeen,
    Certificate,
    FenceRequest,
    LookAtCase,
    ReadCase,
    StepAnswer,
    StepRequest,
)
from domain.case import Path
from domain.duties import Duty, Rung
from domain.erasing import empty_erasure, engine_event, erasure_card
from domain.erasure import (
    Erasure,
    ErasureCertified,
    ErasureReason,
    ErasureRequested,
    ErasureStepDone,
    Standing,
    Step,
    noticed,
)
from domain.errors import NotUnderstood, SafeconductError
from domain.events import Event, Receipt
from domain.facts import Fact
from domain.references import reference_of
from domain.rulebook import Rules
from domain.stream import Ledger, Surroundings, came_due, decide
from workflows.beside import Clock
from workflows.shown import summary_of_notice, summary_of_rung
from workflows.writer import Head, Pending, Start, Writer, head_of

QUICK, LONG = timedelta(seconds=60), timedelta(minutes=5)
"""Of one try of a step: what takes milliseconds, and what waits for the engine or wraps every other key anew."""

BEAT = timedelta(seconds=10)
"""After so much silence the worker that does a step is given up: as soon as the engine gives up a workflow's task."""

STEP_BOUND = timedelta(minutes=10)
"""After that the workflow looks at its duties again, and then goes on trying."""

AGAIN_AFTER = timedelta(minutes=5)
"""Between two rounds of tries of a step that fails. Its alarm sounds after a day."""

_ACTIVITIES = {
    Step.FENCED: contract.FENCE_CASE,
    Step.WORKFLOWS_ENDED: contract.END_WORKFLOWS,
    Step.KEY_DESTROYED: contract.DESTROY_KEY,
    Step.RECORDS_FORGOTTEN: contract.FORGET_RECORDS,
    Step.HISTORIES_DELETED: contract.DELETE_HISTORIES,
    Step.CERTIFIED: contract.CERTIFY,
}


@workflow.defn(name="erasure")
class ErasureWorkflow(Writer[Erasure]):
    """It begins by reading its stream, so whatever broke off goes on at the first step that is not recorded.

    Of its case it learns dates and holds alone: what stands in this history outlives the case.
    """

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.reference = reference_of(start.stream)
        self.ledger: Ledger[Erasure] = empty_erasure(self.reference)
        self.case = Path(stream=start.stream)
        self.case_seen, self.looked_on = CaseSeen(), date.min
        self.clock = Clock()
        self.must_look = True
        self.not_before: datetime | None = None

    @workflow.signal(name="path-moved")
    def path_moved(self) -> None:
        """Look at the case again: its dates and holds may have changed."""
        self.must_look = True

    @workflow.query(name="headline")
    def headline(self) -> str:
        """Where this erasure stands."""
        return self.state.headline()

    @workflow.query(name="head")
    def head(self) -> Head:
        """How far this erasure has read, to be compared with the log."""
        return head_of(self.ledger)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Until the case is erased, or nobody asks for it any more."""
        await self.begin_by_reading()
        while not self.may_end:
            self.arm()
            await workflow.wait_condition(lambda: self.has_work)
            await self.next_thing()
            if self.must_renew and self.can_leave:
                workflow.continue_as_new(self.start)

    @property
    def state(self) -> Erasure:
        return self.ledger.state

    @property
    def has_work(self) -> bool:
        waits = self.queue or self.must_look or self.clock.has_rung
        return bool(waits or self.may_end or (self.can_leave and self.must_renew))

    @property
    def may_end(self) -> bool:
        return not (self.state.is_open or self.must_look or self.notices) and self.can_leave

    async def begin_by_reading(self) -> None:
        opened = await self.open_stream()
        self.ledger = self.ledger.plus(opened.events)
        for notice in opened.unsent:
            self.send(notice, summary_of_notice(self.ledger.event(notice)))

    async def next_thing(self) -> None:
        if self.queue:
            await self.handle(self.queue.popleft())
        elif self.must_look:
            await self.look()
        elif self.clock.has_rung:
            self.clock = Clock()
            await self.what_is_due()

    async def handle(self, pending: Pending) -> None:
        """Look at the case, decide, append, fold; and again, as long as the log knew more than this run."""
        self.heard_at(pending.command.sent_at)
        await self.look()
        while True:
            around = Surroundings(case=self.case, rules=Rules.unknown(None), now=self.now())
            try:
                events = decide(self.ledger, pending.command, around)
                if events[0].version <= self.ledger.version or await self.write(events):
                    break
            except SafeconductError as refusal:
                # a crash leaves the log ahead, perhaps by this very command: only who knows all of it may say no
                if await self.read_on():
                    continue
                pending.refusal = refusal
                return
        pending.receipt = Receipt.of(self.ledger.answer_to(pending.command.command_id))

    async def read_on(self) -> bool:
        """Fold what the log knows more than this run; whether it knew more."""
        wanted = ReadCase(stream=self.stream, after=self.ledger.version)
        answer: AppendAnswer = await self.call(contract.READ_CASE_STREAM, wanted, AppendAnswer)
        self.ledger = self.ledger.plus(answer.tail)
        self.notify(answer.tail)
        return bool(answer.tail)

    async def look(self) -> None:
        """See what holds the case, and record what has changed by it. Once it is fenced there is nothing to see."""
        self.must_look = False
        while not self.state.has_begun:
            today = self.now().date()
            wanted = LookAtCase(reference=self.reference, today=today)
            seen: CaseSeen = await self.call(contract.LOOK_AT_CASE, wanted, CaseSeen)
            self.case = Path(stream=self.stream, began=seen.began, erase_by=seen.erase_by, holds=seen.holds)
            self.case_seen, self.looked_on = seen, today
            found = noticed(self.state, self.case, today)
            if found is None or await self.record(found):
                return

    async def what_is_due(self) -> None:
        """The engine's own next act, or a rung of the ladder."""
        acts_at = self.acts_at()
        if acts_at is not None and acts_at <= self.now():
            await self.act()
        elif (found := self.next_rung()) is not None and found[1].at <= self.now():
            await self.write((came_due(self.ledger, *found, self.now()),))

    async def act(self) -> None:
        if not self.state.has_begun:
            await self.look()  # once more, at the last moment
            acts_at = self.acts_at()
            if acts_at is None or acts_at > self.now():
                return
        if self.state.standing is Standing.FORESEEN:
            await self.record(ErasureRequested(reason=ErasureReason.RETENTION_OVER))
        elif (step := self.state.next_step) is not None:
            await self.do(step)

    async def do(self, step: Step) -> None:
        """One step, and its fact. What fails is tried again later, and the ladder goes on meanwhile."""
        wanted = self.request(step)
        try:
            if step is Step.CERTIFIED:
                signed: Certificate = await _step(step, wanted, Certificate)
                await self.record(ErasureCertified(certificate=signed.text))
            else:
                answer: StepAnswer = await _step(step, wanted, StepAnswer)
                await self.record(ErasureStepDone(step=step, counts=answer.counts))
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == contract.CASE_MOVED:
                self.must_look = True  # a hold may have come between the last look and the fence
                return
            workflow.logger.warning("a step of an erasure has failed; it is tried again")
            self.not_before = self.now() + AGAIN_AFTER

    def request(self, step: Step) -> StepRequest:
        now = self.now()
        if step is Step.FENCED:
            return FenceRequest(reference=self.reference, at=now, seen=self.case_seen, today=self.looked_on)
        return StepRequest(reference=self.reference, at=now)

    def acts_at(self) -> datetime | None:
        at = self.state.acts_at()
        return max(at, self.not_before) if at is not None and self.not_before is not None else at

    def next_rung(self) -> tuple[Duty, Rung] | None:
        return self.ledger.next_rung(self.state.duties(self.case, Rules.unknown(None)), self.now())

    async def record(self, fact: Fact) -> bool:
        return await self.write((engine_event(self.ledger, fact, self.now()),))

    async def write(self, events: tuple[Event, ...]) -> bool:
        """Append events with the card. False when the log knew more: then that is folded, and no more."""
        after = self.ledger.plus(events)
        request = AppendRequest(
            stream=self.stream,
            epoch=self.epoch,
            expected=self.ledger.version,
            events=events,
            phase_cards=(erasure_card(after, self.now()),),
        )
        try:
            answer = await self.append(request)
        except NotUnderstood:
            # a crash left it in the log, as of another instant; and what is not there is no fault of a crash
            if not await self.read_on():
                raise
            return False
        as_asked = answer.tail == events
        self.ledger = after if as_asked else self.ledger.plus(answer.tail)
        self.notify(answer.tail)
        return as_asked

    def arm(self) -> None:
        """Let the one timer stand for whatever comes next: an act of the engine, or a rung."""
        found, acts_at = self.next_rung(), self.acts_at()
        instant = min((at for at in (acts_at, found[1].at if found is not None else None) if at), default=None)
        if instant == self.clock.instant and not self.clock.has_rung:
            return
        summary = summary_of_rung(*found) if found is not None else None
        self.clock = self.clock.set_to(instant, self.now(), self.start.shift, summary)


async def _step(step: Step, wanted: StepRequest, answer: type[Any]) -> Any:
    is_long = step in (Step.WORKFLOWS_ENDED, Step.KEY_DESTROYED, Step.HISTORIES_DELETED)
    return await workflow.execute_activity(
        _ACTIVITIES[step],
        wanted,
        result_type=answer,
        start_to_close_timeout=LONG if is_long else QUICK,
        schedule_to_close_timeout=STEP_BOUND,
        heartbeat_timeout=BEAT,
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    )
