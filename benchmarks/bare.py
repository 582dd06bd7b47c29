"""The yardstick: a workflow whose update changes its state, and does nothing else."""

from temporalio import workflow


@workflow.defn(name="bare")
class BareWorkflow:
    """Counts."""

    @workflow.init
    def __init__(self) -> None:
        self.count = 0
        self.is_over = False

    @workflow.run
    async def run(self) -> None:
        """Wait until told to end."""
        await workflow.wait_condition(lambda: self.is_over)

    @workflow.update(name="add")
    async def add(self, number: int) -> int:
        """Add to the count, and answer with it."""
        self.count += number
        return self.count

    @workflow.signal(name="nudge")
    def nudge(self) -> None:
        """Do nothing."""

    @workflow.signal(name="end")
    def end(self) -> None:
        """End."""
        self.is_over = True
