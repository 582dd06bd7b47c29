"""One claim in a country of refuge."""

from temporalio import workflow

from domain.asylum_filing import AsylumFiling
from domain.references import Phase
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="asylum-filing")
class AsylumFilingWorkflow(PhaseWorkflow[AsylumFiling]):
    """One claim in a country of refuge. Its rules are in ``domain.asylum_filing``."""

    phase = Phase.ASYLUM_FILING

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()
