"""Safety watches over everything, from the first day to the last."""

from temporalio import workflow

from domain.case import Phase
from domain.safety import Safety
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="safety")
class SafetyWorkflow(PhaseWorkflow[Safety]):
    """Safety watches over everything, from the first day to the last. Its rules are in ``domain.safety``."""

    phase = Phase.SAFETY

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()
