"""The whole path of one person, in one readable ``run``."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities import contract
from activities.contract import AppendAnswer, AppendRequest, ReadCase, RulesAnswer, RulesRequest
from domain.cards import PhaseCard, case_card, phase_card
from domain.case import FormerStay, Milestone, MilestoneReached, Path, PhaseEnded, PhaseOpened
from domain.errors import NotUnderstood, Refused, SafeconductError
from domain.events import Event, Intake, Receipt, Standings
from domain.overview import overview_of_path
from domain.references import Phase, phase_stream, reference_of
from domain.rulebook import Rules
from domain.rulebook.editions import NEW, Held
from domain.story import Story, begin, decide_path, events_of
from domain.stream import Ledger, path_hears
from workflows.shown import details_of_path, show, summary_of_stream
from workflows.writer import Head, Pending, Start, Writer, head_of, signal_stream


@workflow.defn(name="case-path")
class CasePathWorkflow(Writer[Path]):
    """The parent of all phases of one case. It holds no timer: dates come to it in messages."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.path: Ledger[Path] = Ledger.empty(start.stream, Path(stream=start.stream))
        self.told: list[Standings] = []
        self.accompanied: set[str] = set()
        self.moved: set[str] = set()
        self.was_asked = False

    @workflow.signal(name="milestones")
    def milestones(self, told: Standings) -> None:
        """A phase tells which of its milestones stand."""
        self.told.append(told)

    @workflow.query(name="stage")
    def stage(self) -> str:
        """Where the path stands, in a few words."""
        return str(self.path.state.stage)

    @workflow.query(name="head")
    def head(self) -> Head:
        """How far the path has read, to be compared with the log."""
        return head_of(self.path)

    @workflow.run
    async def run(self, start: Start) -> None:
        """A person's path, from first contact to protection."""
        async with self.until_erased():
            await self.begin_by_reading()
            while not self.may_end:
                await self.accompany(Phase.SAFETY)  # watches over everything, to the end
                await self.accompany(Phase.TRANSIT_STAY)  # one stay after the other, wherever he has to wait
                await self.accompany(Phase.EMBASSY_CONTACTS)  # asking for help, round after round
                await self.accompany(Phase.VETTING)  # side by side with them
                await self.accompany(Phase.ENTRY)  # once pledge, clearance and a possible exit meet
                await self.accompany(Phase.ASYLUM_FILING)  # once he has arrived
                await self.tell_phases_that_the_path_moved()
                self.show_where_it_stands()
                await workflow.wait_condition(lambda: self.has_work)
                await self.next_thing()
                if self.must_renew and self.can_leave and not self.told:
                    workflow.continue_as_new(self.start)

    async def begin_by_reading(self) -> None:
        """The one way to begin: a new case reads an empty stream, a revived one its whole story."""
        opened = await self.open_stream()
        self.path = self.path.plus(opened.events)
        self.ready = True
        if opened.events:
            await self.write(())

    async def accompany(self, phase: Phase) -> None:
        """See that the open round of a phase runs: start it, or adopt the one that runs already."""
        round_ = self.path.state.running(phase)
        if round_ is None:
            return
        stream = phase_stream(reference_of(self.stream), phase, round_.number)
        if stream in self.accompanied:
            return
        while not (await self.started(phase, stream) or await signal_stream(stream, "tell-milestones")):
            pass  # it ended between the two: start it again
        self.accompanied.add(stream)

    async def started(self, phase: Phase, stream: str) -> bool:
        try:
            await workflow.start_child_workflow(
                str(phase),
                Start(stream=stream, shift=self.start.shift),
                id=stream,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=summary_of_stream(stream),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def tell_phases_that_the_path_moved(self) -> None:
        """Phases look at consent and at their own end on the case's stream; they are told that it has grown."""
        moved, self.moved = sorted(self.moved & self.accompanied), set()
        for stream in moved:
            await signal_stream(stream, "path-moved")

    def show_where_it_stands(self) -> None:
        """Let operators see it."""
        if self.path.state.began:
            show(overview_of_path(self.path.state), self.search_attributes)
            workflow.set_current_details(details_of_path(self.path.state))

    @property
    def has_work(self) -> bool:
        waits = self.queue or self.told or self.moved or self.finishing
        return bool(waits or self.may_end or (self.can_leave and self.must_renew))

    @property
    def may_end(self) -> bool:
        return self.is_over and self.can_leave and not self.told and not self.notices

    @property
    def is_over(self) -> bool:
        """Closed by a person; or never begun, because what was asked of it first made no sense."""
        return self.path.state.closed is not None or (self.was_asked and not self.path.state.began)

    async def next_thing(self) -> None:
        self.must_not_be_erased()
        if self.told:
            await self.hear(self.told.pop(0))
        elif self.queue:
            await self.handle(self.queue.popleft())

    async def hear(self, told: Standings) -> None:
        """Record what a phase told, and the phases that open and end because of it."""
        self.heard_at(told.sent_at)
        try:
            while events := path_hears(self.path, told.stream, told.standings, self.now()):
                if await self.write(events):
                    return
        except NotUnderstood:
            self.renewal_wanted = True  # the log holds it in other words: the next run reads it, and asks the phases

    async def handle(self, pending: Pending) -> None:
        """Decide, append, fold; and again, as long as the log knew more than this run."""
        self.heard_at(pending.command.sent_at)
        self.was_asked = True
        fact = pending.command.fact
        while True:
            try:
                if isinstance(fact, Intake) and not self.path.events:
                    events, cards = await self.take_in(pending, fact)
                elif isinstance(fact, Intake):
                    events, cards = self.path.answer_to(pending.command.command_id), ()
                    if not events:
                        raise Refused("this case has begun already")
                else:
                    events, cards = decide_path(self.path, pending.command, self.now()), ()
                if events[0].version <= self.path.version or await self.write(events, cards):
                    break
            except SafeconductError as refusal:
                # a crash leaves the log ahead, perhaps by this very command: only who knows all of it may say no
                if await self.read_on():
                    continue
                pending.refusal = refusal
                return
        pending.receipt = Receipt.of(self.path.answer_to(pending.command.command_id))

    async def take_in(self, pending: Pending, intake: Intake) -> tuple[tuple[Event, ...], tuple[PhaseCard, ...]]:
        """The events of an intake with its whole past, for all its streams: one append."""
        countries = {intake.opened.country} | {
            country
            for past in intake.history
            for country in (past.country, getattr(past.fact, "to", None), getattr(past.fact, "country", None))
            if country is not None
        }
        wanted = tuple((country, str(phase)) for country in sorted(countries) for phase in Phase)
        answer: RulesAnswer = await self.call(contract.READ_RULES, RulesRequest(wanted=wanted), RulesAnswer)
        books = dict(zip(wanted, answer.rules, strict=True))

        def rules_for(country: str | None, phase: str, _: Held = NEW) -> Rules:
            return books.get((country or "", str(phase)), Rules.unknown(country))

        now = self.now()
        story = begin(reference_of(self.stream), pending.command, intake, rules_for, now)
        cards = tuple(_card(story, stream, now) for stream in dict.fromkeys((*story.phases, *story.open_streams())))
        return events_of(story), cards

    async def write(self, events: tuple[Event, ...], cards: tuple[PhaseCard, ...] = ()) -> bool:
        """Append events with the case's card. False when the log knew more: then that is folded, and no more."""
        own = [event for event in events if event.stream == self.stream]
        request = AppendRequest(
            stream=self.stream,
            epoch=self.epoch,
            expected=self.path.version,
            events=events,
            case_card=case_card(self.path.plus(own)),
            phase_cards=cards,
        )
        answer = await self.append(request)
        self.fold(answer.tail)
        return {event.event_id for event in own} <= {event.event_id for event in answer.tail}

    async def read_on(self) -> bool:
        """Fold what the log holds beyond this run. False when there was nothing."""
        wanted = ReadCase(stream=self.stream, after=self.path.version)
        answer: AppendAnswer = await self.call(contract.READ_CASE_STREAM, wanted, AppendAnswer)
        self.fold(answer.tail)
        return bool(answer.tail)

    def fold(self, tail: Sequence[Event]) -> None:
        self.note_whom_to_tell(tail)
        before, self.path = self.path.state, self.path.plus(tail)
        if before.where is not None and self.path.state.watched != before.watched:
            self.moved.add(phase_stream(reference_of(self.stream), Phase.SAFETY, 1))
        stay = self.path.state.running(Phase.TRANSIT_STAY)
        if stay is not None:
            stream = phase_stream(reference_of(self.stream), Phase.TRANSIT_STAY, stay.number)
            if _of_others(self.path.state, stream) != _of_others(before, stream):
                self.moved.add(stream)
        self.notify(tail)

    def note_whom_to_tell(self, events: Sequence[Event]) -> None:
        for event in events:
            match event.fact:
                case PhaseEnded(phase=phase, number=number):
                    stream = phase_stream(reference_of(self.stream), phase, number)
                    self.moved.add(stream)
                case MilestoneReached(milestone=Milestone.FORBIDDEN_CONTACT):
                    self.moved.add(phase_stream(reference_of(self.stream), Phase.SAFETY, 1))
                case PhaseOpened(phase=phase, number=number):
                    self.accompanied.discard(phase_stream(reference_of(self.stream), phase, number))
                case fact if fact.nature != "engine":
                    self.moved |= self.accompanied


def _of_others(path: Path, stream: str) -> tuple[FormerStay, ...]:
    """The stays of which other rounds than one have told: it counts them beside its own."""
    return tuple(one for one in path.former_stays if one.stream != stream)


def _card(story: Story, stream: str, now: datetime) -> PhaseCard:
    ledger = story.ledger(stream)
    duties = ledger.state.duties(story.path.state, story.rules(stream))
    return phase_card(ledger, duties, now, is_open=stream in story.open_streams())
