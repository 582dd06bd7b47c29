"""Whether streams have their workflows, and starting those that lack one: the one way, for whoever sees a gap.

Rules:
    1. Which streams must run is read from the records, never from the engine's lists, which lag behind.
    2. What runs is left alone, so whatever is done here can be done again, and begun again where it broke off.
    3. Nothing is carried over: a workflow begins by reading its stream, and a path asks its phases what stands.
    4. The engine is asked before anything is started: of a start that it refuses it keeps the sealed input for a while,
       which is one thing more to wait for when the case is erased.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import TASK_QUEUE
from domain.references import phase_of, reference_of
from records.errors import StoreError
from records.sealing import SealError
from runtime.office import workflow_type
from workflows.shown import summary_of_stream
from workflows.writer import Start

ENGINE_SECONDS = 5.0
"""How long the engine may take for one answer."""

AT_ONCE = 16
"""Calls to the engine side by side. More are not faster on an embedded engine."""

PAUSED = "paused"
"""A paused workflow is there and does nothing; starting it would change nothing. Somebody has to let it go on."""


@dataclass
class Restored:
    """What became of the streams that were to run.

    Attributes:
        started: how many had no workflow.
        entrusted: how many phases are left to their path: it was started, and starts or adopts them.
        adopted: how many had a workflow, which goes on.
        failed: those that could not be started, each with why.
    """

    started: int = 0
    entrusted: int = 0
    adopted: int = 0
    failed: dict[str, str] = field(default_factory=dict)


async def restore(
    client: Client,
    streams: Iterable[str],
    done: Callable[[], object] = lambda: None,
    shift: timedelta = timedelta(),
) -> Restored:
    """Start every stream that has no running workflow, and adopt the others. It needs no worker.

    A path that is started starts its phases: they are looked at here only where the path runs already. To start them
    all ourselves would double the workers' work, for each path would then ask each phase what stands.

    Args:
        client: the engine, empty or not.
        streams: those that must run, as the records say.
        done: called after each.
        shift: of a rehearsal; zero in life.

    Raises:
        RPCError: the engine does not answer; what was started until then goes on.
    """
    restored, begun = Restored(), set[str]()

    async def one(stream: str) -> None:
        try:
            if reference_of(stream) in begun:
                restored.entrusted += 1
            elif await revive(client, stream, shift):
                restored.started += 1
                begun.update({reference_of(stream)} if phase_of(stream) is None else ())
            else:
                restored.adopted += 1
        except (StoreError, SealError) as error:  # of one case's key: the others are not to wait for it
            restored.failed[stream] = str(error)
        done()

    wanted = list(streams)
    await some_at_once(one, [stream for stream in wanted if phase_of(stream) is None])
    await some_at_once(one, [stream for stream in wanted if phase_of(stream) is not None])
    return restored


async def revive(client: Client, stream: str, shift: timedelta = timedelta()) -> bool:
    """See that a stream's workflow runs: it begins by reading. A path accompanies its open phases again.

    Returns:
        Whether it had to be started.

    Raises:
        RPCError: the engine does not answer.
    """
    if await how_it_ended(client, stream) in (None, PAUSED):
        return False
    try:
        await client.start_workflow(
            workflow_type(stream),
            Start(stream=stream, shift=shift),
            id=stream,
            task_queue=TASK_QUEUE,
            static_summary=summary_of_stream(stream),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return False  # somebody else was faster
    return True


async def let_read(client: Client, stream: str) -> None:
    """Let a running workflow read its stream again: a crash can leave the log ahead of it.

    Raises:
        RPCError: it does not run, or the engine does not answer.
    """
    # a path has no signal that makes it read; continuing as new it begins by reading, as everything does
    signal = "path-moved" if phase_of(stream) is not None else "renew"
    await client.get_workflow_handle(stream).signal(signal, rpc_timeout=timedelta(seconds=ENGINE_SECONDS))


async def not_running(client: Client, streams: Iterable[str]) -> dict[str, str]:
    """The streams without a running workflow, each with what became of it.

    Raises:
        RPCError: the engine does not answer.
    """
    found: dict[str, str] = {}

    async def ask(stream: str) -> None:
        if (how := await how_it_ended(client, stream)) is not None:
            found[stream] = how

    await some_at_once(ask, streams)
    return found


async def how_it_ended(client: Client, stream: str) -> str | None:
    """What became of a stream's workflow; ``None`` while it runs.

    Raises:
        RPCError: the engine does not answer.
    """
    request = DescribeWorkflowExecutionRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=stream)
    )
    try:
        # the bare call: nothing of the answer needs a key, and none is loaded for it
        answer = await client.workflow_service.describe_workflow_execution(
            request, timeout=timedelta(seconds=ENGINE_SECONDS)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return "not found"
        raise
    name = WorkflowExecutionStatus.Name(answer.workflow_execution_info.status)
    how = name.removeprefix("WORKFLOW_EXECUTION_STATUS_").lower().replace("_", " ")
    return None if how == "running" else how


async def some_at_once(work: Callable[[str], Awaitable[None]], streams: Iterable[str]) -> None:
    """Do something for every stream, a few side by side.

    Raises:
        RPCError: the engine does not answer; what had not begun is left undone.
    """
    waiting = iter(list(streams))

    async def walk() -> None:
        for stream in waiting:
            await work(stream)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(walk())
    except* RPCError as errors:
        raise errors.exceptions[0] from None
