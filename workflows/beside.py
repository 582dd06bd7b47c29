"""What runs beside the loop of a workflow: its one timer, and the notices that are being sent."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityCancellationType

from activities import contract

NOTICE_TIMEOUT = timedelta(seconds=60)
"""Of one try to send a notice. Each channel's own timeout is shorter, and nobody has more than a few."""

NOTICE_BEAT = timedelta(seconds=10)
"""After so much silence the worker that sends a notice is given up, and another one sends it."""

NOTICE_BOUND = timedelta(days=3)
"""How long a notice is tried: a provider that is down for a day gets each one when it is back. The ladder climbs
meanwhile, whatever becomes of it; longer would keep a phase that is over from ending."""


@dataclass
class Clock:
    """The one timer of a workflow: the instant it stands for, and whether it has rung."""

    instant: datetime | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    is_late: bool = False
    """The instant had come when the clock was set: it needs no timer."""

    @property
    def has_rung(self) -> bool:
        return self.is_late or (self.task is not None and self.task.done())

    def set_to(self, instant: datetime | None, now: datetime, shift: timedelta, summary: str | None) -> "Clock":
        """Stop this one, and let another stand for an instant.

        Args:
            instant: on the case clock; ``None`` for a clock that stands for nothing.
            now: the case clock.
            shift: of that clock against the engine's.
            summary: what operators read of it.
        """
        if self.task is not None:
            self.task.cancel()
        clock = Clock(instant, is_late=instant is not None and instant <= now)
        if instant is not None and not clock.is_late:
            ahead = instant - (workflow.now() + shift)
            clock.task = asyncio.create_task(workflow.sleep(ahead, summary=summary))
        return clock


async def send_notice(notice: UUID, summary: str) -> None:
    """Try to send a notice, for days. Its ladder climbs whether it arrives or not."""
    try:
        await workflow.execute_activity(
            contract.SEND_NOTICE,
            notice,
            start_to_close_timeout=NOTICE_TIMEOUT,
            schedule_to_close_timeout=NOTICE_BOUND,
            heartbeat_timeout=NOTICE_BEAT,
            cancellation_type=ActivityCancellationType.TRY_CANCEL,
            summary=summary,
        )
    except ActivityError:
        workflow.logger.warning("a notice was not delivered in time; its ladder goes on")
