"""Looks each day at what must be erased. It erases nothing itself: dates and holds stand in the records."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import contract
from activities.contract import RetentionRound
from workflows.writer import Start

RETENTION = "retention/daily"
"""Its workflow id. There is one for each installation."""

ROUND_TIMEOUT, ROUND_BOUND = timedelta(minutes=10), timedelta(hours=20)
"""Of one try, and of all of one day: a round that fails all day is followed by the next day's."""

ROUNDS_IN_A_RUN = 365
"""After so many days it continues as new, so that no history grows for years: a day is a dozen events."""


@workflow.defn(name="retention")
class RetentionWorkflow:
    """One round a day, for ever."""

    def __init__(self) -> None:
        self.renewal_wanted = False

    @workflow.signal(name="renew")
    def renew(self) -> None:
        """Continue as new at the next round: before a planned stop, so that new code meets no old history."""
        self.renewal_wanted = True

    @workflow.run
    async def run(self, start: Start) -> None:
        """Wake the erasures whose date comes near; each then looks, warns and waits by itself."""
        for _ in range(ROUNDS_IN_A_RUN):
            await self.round(RetentionRound(today=(workflow.now() + start.shift).date()))
            try:
                await workflow.wait_condition(lambda: self.renewal_wanted, timeout=timedelta(days=1))
                break
            except TimeoutError:
                continue
        workflow.continue_as_new(start)

    async def round(self, wanted: RetentionRound) -> None:
        try:
            await workflow.execute_activity(
                contract.RETENTION_ROUND,
                wanted,
                result_type=int,
                start_to_close_timeout=ROUND_TIMEOUT,
                schedule_to_close_timeout=ROUND_BOUND,
                heartbeat_timeout=timedelta(minutes=1),
            )
        except ActivityError:
            workflow.logger.warning("what must be erased could not be looked at today")
