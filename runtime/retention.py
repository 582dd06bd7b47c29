"""What keeps retention going: its one workflow, and the erasures that it wakes."""

import asyncio
import logging
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from activities.contract import TASK_QUEUE
from records.errors import StoreError
from records.sealing import SealError
from workflows.retention import RETENTION
from workflows.shown import summary_of_stream
from workflows.writer import Start

LOOK_SECONDS = 3600.0
"""How often a worker sees that the daily look is there: nobody would miss it, who does not know of it."""

_log = logging.getLogger("safeconduct.retention")


async def keep_looking(client: Client) -> None:
    """See that the daily look at what must be erased goes on, until cancelled. Several workers may do so."""
    while True:
        try:
            await begin_looking(client)
        except (RPCError, StoreError, SealError) as error:
            _log.warning("nobody looks at what must be erased: %s", type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def begin_looking(client: Client, *, task_queue: str = TASK_QUEUE, shift: timedelta = timedelta()) -> None:
    """Start the daily look, if it does not run."""
    await client.start_workflow(
        "retention",
        Start(stream=RETENTION, shift=shift),
        id=RETENTION,
        task_queue=task_queue,
        static_summary="daily look at what must be erased",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def wake_erasure(
    client: Client, stream: str, *, task_queue: str = TASK_QUEUE, shift: timedelta = timedelta()
) -> None:
    """Let an erasure look at its case, and start its workflow if it does not run."""
    await client.start_workflow(
        "erasure",
        Start(stream=stream, shift=shift),
        id=stream,
        task_queue=task_queue,
        static_summary=summary_of_stream(stream),
        start_signal="path-moved",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
