"""One journey to the country that pledged."""

from temporalio import workflow

from domain.entry import Entry
from domain.references import Phase
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="entry")
class EntryWorkflow(PhaseWorkflow[Entry]):
    """One journey to the country that pledged. Its rules are in ``domain.entry``."""

    phase = Phase.ENTRY

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()
