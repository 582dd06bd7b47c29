"""The watch of one country: it takes what is told of it, and sees that every case there hears of its alerts."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities import contract
from activities.contract import AppendRequest, Spread
from domain.case import Path
from domain.country import AlertSpread, Country
from domain.errors import NotUnderstood
from domain.events import Event
from domain.overview import overview_of_phase
from domain.rulebook import Rules
from domain.stream import Ledger, Surroundings
from domain.watching import country_of, empty_watch, spread, watch_card
from workflows.clocked import Clocked
from workflows.shown import details_of_phase, show, summary_of_notice
from workflows.writer import Head, Start, head_of

SPREAD_TRY = timedelta(hours=1)
"""Of one try to tell all cases of a country: thousands take seconds. What was cut off goes on where it was."""

SPREAD_BEAT = timedelta(seconds=10)
"""After so much silence the worker that tells them is given up, and another one goes on."""

SPREAD_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))
"""Until it is done. A duty calls somebody meanwhile."""


@workflow.defn(name="country-watch")
class CountryWatchWorkflow(Clocked[Country]):
    """It begins by reading its stream, and lives for ever.

    An alert is committed first; then an activity, beside the loop, reads from the records who is in the country, and
    makes each of them look. What was not spread when a run ended the next one spreads again: looking twice is harmless.
    """

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.country = country_of(start.stream)
        self.ledger: Ledger[Country] = empty_watch(self.country)
        self.spreading: asyncio.Task[Spread] | None = None
        self.told: tuple[AlertSpread, ...] = ()
        self.was_asked = False

    @workflow.query(name="headline")
    def headline(self) -> str:
        """How dangerous the country is, and how many alerts are in force."""
        return self.ledger.state.headline()

    @workflow.query(name="head")
    def head(self) -> Head:
        """How far this watch has read, to be compared with the log."""
        return head_of(self.ledger)

    @workflow.run
    async def run(self, start: Start) -> None:
        """One thing after the other; without end, once anything is recorded."""
        await self.begin_by_reading()
        while not self.may_end:
            self.begin_to_spread()
            self._arm()
            self.show_where_it_stands()
            await workflow.wait_condition(lambda: self.has_work)
            await self.next_thing()
            if self.must_renew and self.can_leave:
                workflow.continue_as_new(self.start)

    async def begin_by_reading(self) -> None:
        opened = await self.open_stream()
        self.ledger = self.ledger.plus(opened.events)
        self.ready = True
        if opened.events:
            await self._write(())
        for notice in opened.unsent:
            self.send(notice, summary_of_notice(self.ledger.event(notice)))

    @property
    def has_work(self) -> bool:
        waits = self.queue or self.clock.has_rung or (self.spreading is not None and self.spreading.done())
        return bool(waits or self.may_end or (self.can_leave and self.must_renew))

    @property
    def may_end(self) -> bool:
        """Never begun, because what was asked of it first made no sense."""
        return self.was_asked and not self.ledger.events and self.can_leave

    async def next_thing(self) -> None:
        if self.spreading is not None and self.spreading.done():
            await self.record_that_it_is_spread(self.spreading)
        elif self.queue:
            self.was_asked = True
            await self._handle(self.queue.popleft())
        elif self.clock.has_rung:
            await self._fire()

    def begin_to_spread(self) -> None:
        """Tell the cases what they have not been told, one round at a time: it covers all that is committed by then."""
        untold = [one.untold for one in self.ledger.state.untold if one.untold is not None]
        if untold and self.spreading is None:
            self.told = tuple(AlertSpread(cause=cause, told=0, begin_later=0) for cause in untold)
            self.spreading = asyncio.create_task(spread_alert(self.country))

    async def record_that_it_is_spread(self, spreading: "asyncio.Task[Spread]") -> None:
        self.spreading = None
        try:
            found = spreading.result()
        except ActivityError:
            workflow.logger.warning("an alert could not be spread; it is tried again")
            self.renewal_wanted = True
            return
        counts = {"told": found.told, "begin_later": found.begin_later}
        done = [one.model_copy(update=counts) for one in self.told]
        try:
            while events := spread(self.ledger, done, self.now()):
                if await self._write(events):
                    return
        except NotUnderstood:  # a crash left it in the log, with other numbers: read it
            await self._write(())

    def _around(self) -> Surroundings:
        return Surroundings(case=Path(), rules=Rules.unknown(None), now=self.now())

    async def _write(self, events: tuple[Event, ...]) -> bool:
        after = self.ledger.plus(events)
        request = AppendRequest(
            stream=self.stream,
            epoch=self.epoch,
            expected=self.ledger.version,
            events=events,
            phase_cards=(watch_card(after, self.now()),) if after.events else (),
        )
        answer = await self.append(request)
        as_asked = answer.tail == events
        self.ledger = after if as_asked else self.ledger.plus(answer.tail)
        self.notify(answer.tail)
        return as_asked

    def show_where_it_stands(self) -> None:
        """Let operators see it."""
        overview = overview_of_phase(self.ledger, self._duties, self.now())
        show(overview, self.search_attributes)
        workflow.set_current_details(details_of_phase(self.headline(), overview, self._duties))


async def spread_alert(country: str) -> Spread:
    """Make every open case in a country look at its alerts."""
    told: Spread = await workflow.execute_activity(
        contract.SPREAD_ALERT,
        country,
        result_type=Spread,
        start_to_close_timeout=SPREAD_TRY,
        heartbeat_timeout=SPREAD_BEAT,
        retry_policy=SPREAD_RETRY,
        summary="alert",
    )
    return told
