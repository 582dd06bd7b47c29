"""A case's workflows in the engine: ended, and their histories deleted, run by run.

Which there are is read from the records; the engine's own lists, which lag behind, only add to it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.references import case_stream

Run = tuple[str, str]
"""A workflow's id, and the id of one of its runs."""

FINISH = "finish"
"""The signal by which a workflow is asked to end: that also takes it out of its worker's memory."""

TERMINATED_BECAUSE = "erased"

PATIENCE_SECONDS = 30.0
"""How long workflows may take to end by themselves. The task of a worker that was killed comes back after ten."""

DELETED_WITHIN_SECONDS = 120.0
"""How long the engine may take to delete. Before it deletes a run it settles that the run has ended: ours does so every
second, others do twice a minute."""

POLL_SECONDS = 0.2

RUNNING = WorkflowExecutionStatus.Name(WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING)

_TIMEOUT = timedelta(seconds=10)
"""How long the engine may take for one answer."""

Left = TypeVar("Left", str, Run)
Answer = TypeVar("Answer")


class StillThere(Exception):
    """The engine has not done yet what it was asked to do: the step is tried again."""


class Executions:
    """The workflows of one case.

    Args:
        client: the engine.
        reference: the case's.
        streams: its streams, as the records know them.
        beat: says that the work goes on.
        patience: seconds for workflows to end by themselves.
    """

    def __init__(
        self,
        client: Client,
        reference: str,
        streams: Sequence[str],
        beat: Callable[[], object],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._client = client
        self._own = case_stream(reference)
        self._streams = streams
        self._beat = beat
        self._patience = patience

    async def end(self) -> tuple[int, int]:
        """Ask every workflow to finish, and terminate those that don't answer.

        Returns:
            How many have finished, and how many were terminated.

        Raises:
            StillThere: some run on.
            RPCError: the engine does not answer.
        """
        asked: set[str] = set()

        async def left() -> set[str]:
            running = await self._running()
            for stream in running - asked:  # among them a phase that its path has only just started
                await _unless_gone(self._client.get_workflow_handle(stream).signal(FINISH))
            asked.update(running)
            return running

        silent = await self._waited_for(left, self._patience)
        for stream in silent:
            await _unless_gone(self._client.get_workflow_handle(stream).terminate(reason=TERMINATED_BECAUSE))
        if silent and await self._waited_for(self._running, self._patience):
            raise StillThere("workflows of the case go on")
        return len(asked - silent), len(silent)

    async def delete(self) -> int:
        """Delete every run of every workflow, and wait until the engine knows none of them.

        Returns:
            How many runs there were.

        Raises:
            StillThere: some are still known.
            RPCError: the engine does not answer.
        """
        found: set[Run] = set()

        async def left() -> set[Run]:
            runs = await self._runs()
            for run in runs - found:
                await self._delete(run)
            found.update(runs)
            return runs | {run for run in found if await self._status(*run) is not None}

        if await self._waited_for(left, DELETED_WITHIN_SECONDS):
            raise StillThere("histories of the case are still being deleted")
        return len(found)

    async def _waited_for(self, look: Callable[[], Awaitable[set[Left]]], seconds: float) -> set[Left]:
        """What is still left after a while; nothing, as soon as nothing is."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (left := await look()) and asyncio.get_running_loop().time() < deadline:
            self._beat()
            await asyncio.sleep(POLL_SECONDS)
        return left

    async def _running(self) -> set[str]:
        names = {*self._streams, *(workflow_id for workflow_id, _ in await self._listed())}
        return {name for name in names if await self._status(name) == RUNNING}

    async def _runs(self) -> set[Run]:
        """Every run that is known: those that the engine lists, and each workflow's last with all that it continues."""
        runs = await self._listed()
        for stream in self._streams:
            last = await self._described(stream)
            run_id = last.execution.run_id if last is not None else ""
            while run_id:
                runs.add((stream, run_id))
                run_id = await self._run_before(stream, run_id)
        return runs

    async def _listed(self) -> set[Run]:
        found: set[Run] = set()
        page = b""
        while True:
            request = ListWorkflowExecutionsRequest(
                namespace=self._client.namespace,
                query=f'WorkflowId STARTS_WITH "{self._own}"',
                next_page_token=page,
            )
            # the bare call, here and below: nothing of the answer needs a key, and the case's is gone
            answer = await self._client.workflow_service.list_workflow_executions(request, timeout=_TIMEOUT)
            found |= {(one.execution.workflow_id, one.execution.run_id) for one in answer.executions}
            page = answer.next_page_token
            if not page:
                return found

    async def _status(self, workflow_id: str, run_id: str = "") -> str | None:
        """How a run stands, of a workflow's last one if none is named; ``None`` when the engine does not know it."""
        info = await self._described(workflow_id, run_id)
        return WorkflowExecutionStatus.Name(info.status) if info is not None else None

    async def _described(self, workflow_id: str, run_id: str = "") -> WorkflowExecutionInfo | None:
        request = DescribeWorkflowExecutionRequest(
            namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        )
        service = self._client.workflow_service
        answer = await _unless_gone(service.describe_workflow_execution(request, timeout=_TIMEOUT))
        return answer.workflow_execution_info if answer is not None else None

    async def _run_before(self, workflow_id: str, run_id: str) -> str:
        """The run that this one continues; nothing if it began by itself."""
        request = GetWorkflowExecutionHistoryRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=1,
        )
        service = self._client.workflow_service
        answer = await _unless_gone(service.get_workflow_execution_history(request, timeout=_TIMEOUT))
        if answer is None or not answer.history.events:
            return ""
        return answer.history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id

    async def _delete(self, run: Run) -> None:
        workflow_id, run_id = run
        request = DeleteWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
        )
        await _unless_gone(self._client.workflow_service.delete_workflow_execution(request, timeout=_TIMEOUT))
        self._beat()


async def _unless_gone(call: Awaitable[Answer]) -> Answer | None:
    """The answer; ``None`` when the engine does not know any more what is asked for."""
    try:
        return await call
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None
