"""Safety watches over everything, from the first day to the last; it also hears the alerts of the country."""

from temporalio import workflow

from activities import contract
from activities.contract import AlertNews, ReadAlerts
from domain.country import Alert
from domain.errors import NotUnderstood
from domain.events import Event
from domain.references import Phase
from domain.safety import Safety
from domain.watching import arrival, came_at, heard, moved
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="safety")
class SafetyWorkflow(PhaseWorkflow[Safety]):
    """Safety watches over everything, from the first day to the last. Its rules are in ``domain.safety``.

    No alert is missed, whatever comes first. Either this case stood in its country when those who are there were read:
    then it is told, and one that does not run yet looks when it begins. Or it came there later, so later than the alert
    was committed: then it looks after its arrival is in the log, and finds it. It is told of its arrival by its path,
    and of alerts by the watch; both only make it look, so neither can be lost with a message, nor come twice.
    """

    phase = Phase.SAFETY

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.must_look = True
        self.looked_at: tuple[str | None, int] | None = None
        self.look_again = False

    @workflow.signal(name="alert")
    def alert(self) -> None:
        """The alerts of the country have changed: look at them."""
        self.must_look = True

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()

    @property
    def _stands(self) -> tuple[str | None, int]:
        return self.case.state.where, came_at(self.case)

    @property
    def _has_more(self) -> bool:
        return not self._is_over and (self.must_look or self._stands != self.looked_at)

    async def _next(self) -> None:
        if not self._has_more:
            self.must_look, self.look_again = self.look_again, False
        await super()._next()

    async def _do_more(self) -> None:
        """Record the alerts that are new here, the ends of those that are not, and that the person has left theirs."""
        self.must_look, stands, where = False, self._stands, self.case.state.where
        alerts = self.ledger.state.alerts
        if where is not None:
            came, held = arrival(self.case), tuple(sorted(alerts.in_force))
            reached = tuple(alert for alert in sorted(alerts.reached) if alerts.has_reached(alert, came))
            wanted = ReadAlerts(country=where, reached=reached, held=held, at=self.now())
            news: AlertNews = await self.call(contract.READ_ALERTS, wanted, AlertNews)
            self.look_again = news.unreadable
            while found := [one for one in news.alerts if self._is_news(one, came)]:
                await self._record(heard(self.ledger, found, where, came, self.now()))
            while events := moved(self.ledger, self.case, self.now()):
                await self._record(events)
        self.looked_at = stands

    async def _record(self, events: tuple[Event, ...]) -> None:
        try:
            await self._write(events)
        except NotUnderstood:  # a crash left it in the log, as of another instant: read it
            await self._write(())

    def _is_news(self, alert: Alert, came: int) -> bool:
        alerts = self.ledger.state.alerts
        return alert.id in alerts.in_force if alert.ended_at is not None else not alerts.has_reached(alert.id, came)
