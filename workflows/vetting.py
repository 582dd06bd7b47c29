"""The vetting of one person."""

from temporalio import workflow

from domain.references import Phase
from domain.vetting import Vetting
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="vetting")
class VettingWorkflow(PhaseWorkflow[Vetting]):
    """The vetting of one person. Its rules are in ``domain.vetting``."""

    phase = Phase.VETTING

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()
