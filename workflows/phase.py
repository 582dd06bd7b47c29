"""The life of a phase: it reads its stream, then takes one thing after the other until its round is over.

Queue, append and ending are those of every writer of a stream (``workflows.writer``), decisions and the duty clock
those of every stream with duties (``workflows.clocked``); a phase adds the law and what it tells its path.
"""

from collections.abc import Sequence
from typing import ClassVar

from temporalio import workflow

from activities import contract
from activities.contract import AppendAnswer, AppendRequest, ReadCase, RulesAnswer, RulesRequest
from domain.cards import phase_card
from domain.case import Path
from domain.errors import SafeconductError
from domain.events import Event, Standings
from domain.overview import overview_of_phase
from domain.references import Phase, case_stream, phase_of, reference_of
from domain.rulebook import Rules
from domain.rulebook.editions import NEW, Held
from domain.story import blank_room
from domain.stream import Ledger, Surroundings, law_changed, standings
from workflows.clocked import Clocked
from workflows.shown import details_of_phase, show, summary_of_notice
from workflows.writer import Head, Start, State, head_of, signal_stream


class PhaseWorkflow(Clocked[State]):
    """Base of the six phases. A phase adds its name and its room; its whole life is here."""

    phase: ClassVar[Phase]

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.case: Ledger[Path] = Ledger.empty(case_stream(reference_of(start.stream)), Path())
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
            or self._has_more
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
        elif self._has_more:
            await self._do_more()
        elif self.clock.has_rung:
            await self._fire()

    @property
    def _has_more(self) -> bool:
        """Whether a phase has work of its own kind."""
        return False

    async def _do_more(self) -> None:
        """Do it."""
        raise NotImplementedError

    @property
    def _place(self) -> tuple[Phase, int]:
        parts = phase_of(self.stream)
        assert parts is not None
        return parts

    @property
    def _is_over(self) -> bool:
        return not self.case.state.is_running(*self._place)

    def _around(self) -> Surroundings:
        return Surroundings(case=self.case.state, rules=self.rules, now=self.now())

    async def _answered(self, events: Sequence[Event]) -> None:
        if any(self.ledger.state.milestone(event) or event.fact.kind == "corrected" for event in events):
            await self._tell_path()

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

    def _show(self) -> None:
        """Let operators see where this phase stands now."""
        duties = () if self._is_over else self._duties
        overview = overview_of_phase(self.ledger, duties, self.now())
        show(overview, self.search_attributes)
        workflow.set_current_details(details_of_phase(self.headline(), overview, duties))
