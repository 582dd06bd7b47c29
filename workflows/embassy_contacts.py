"""One round of asking states for help."""

from temporalio import workflow

from domain.embassy_contacts import EmbassyContacts
from domain.references import Phase
from workflows.phase import PhaseWorkflow
from workflows.writer import Start


@workflow.defn(name="embassy-contacts")
class EmbassyContactsWorkflow(PhaseWorkflow[EmbassyContacts]):
    """One round of asking states for help. Its rules are in ``domain.embassy_contacts``."""

    phase = Phase.EMBASSY_CONTACTS

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> None:
        """Live until the path ends this round."""
        await self.live()
