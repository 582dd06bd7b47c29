"""One stay in one country."""

from temporalio import workflow

from domain.references import Phase
from domain.transit_stay import TransitStay
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="transit-stay")
class TransitStayWorkflow(PhaseWorkflow[TransitStay]):
    """One stay in one country. Its rules are in ``domain.transit_stay``."""

    phase = Phase.TRANSIT_STAY

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()
