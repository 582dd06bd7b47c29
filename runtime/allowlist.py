"""What a client may say in clear to the engine. The lists themselves stand in ``workflows.allowlist``."""

from enum import StrEnum
from typing import Any, NoReturn

from temporalio.client import (
    CancelWorkflowInput,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    TerminateWorkflowInput,
    UpdateWithStartStartWorkflowInput,
    UpdateWithStartUpdateWorkflowInput,
    WorkflowHandle,
    WorkflowUpdateHandle,
)

from workflows.allowlist import (
    COMMAND_ID,
    QUERY,
    QUEUE,
    SIGNAL,
    STREAM,
    SUMMARY,
    UPDATE,
    WORKFLOW_TYPE,
    NotAllowed,
    allow,
    allow_nothing,
)


class Program(StrEnum):
    """Who talks to the engine; it stands in every history. Never an account's or a machine's name."""

    WORKER = "safeconduct-worker"
    WATCHDOG = "safeconduct-watchdog"
    PAGES = "safeconduct-pages"
    COMMAND_LINE = "safeconduct-command-line"
    DOCTOR = "safeconduct-doctor"
    SUPERVISOR = "safeconduct-supervisor"


REASON = "erased|restored"
"""Why we may terminate or cancel a workflow."""


class ClientAllowlist(Interceptor):
    """Looks at everything that a client asks of the engine."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Outbound(next)


class _Outbound(OutboundInterceptor):
    """Each call is checked, and passed on as it came."""

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        _allow_start(input)
        allow("signal", SIGNAL, input.start_signal)
        return await super().start_workflow(input)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        _allow_start(input.start_workflow_input)
        _allow_update(input.update_workflow_input)
        return await super().start_update_with_start_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        allow("workflow id", STREAM, input.id)
        _allow_update(input)
        return await super().start_workflow_update(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        allow("workflow id", STREAM, input.id)
        allow("signal", SIGNAL, input.signal)
        allow_nothing("signal", input.headers)
        await super().signal_workflow(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        allow("workflow id", STREAM, input.id)
        allow("query", QUERY, input.query)
        allow_nothing("query", input.headers)
        return await super().query_workflow(input)

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        allow("workflow id", STREAM, input.id)
        allow("reason", REASON, input.reason)
        await super().terminate_workflow(input)

    async def cancel_workflow(self, input: CancelWorkflowInput) -> None:
        allow("workflow id", STREAM, input.id)
        allow("reason", REASON, input.reason or None)
        await super().cancel_workflow(input)

    async def create_schedule(self, input: Any) -> NoReturn:
        raise NotAllowed("nothing here is scheduled by the engine")

    async def start_activity(self, input: Any) -> NoReturn:
        raise NotAllowed("no activity here stands alone")


def _allow_start(input: StartWorkflowInput | UpdateWithStartStartWorkflowInput) -> None:
    allow("workflow id", STREAM, input.id)
    allow("workflow type", WORKFLOW_TYPE, input.workflow)
    allow("task queue", QUEUE, input.task_queue)
    allow("summary", SUMMARY, input.static_summary)
    unused = (input.memo, input.search_attributes, input.headers, input.static_details, input.cron_schedule)
    allow_nothing("start", *unused)


def _allow_update(input: StartWorkflowUpdateInput | UpdateWithStartUpdateWorkflowInput) -> None:
    allow("update", UPDATE, input.update)
    allow("update id", COMMAND_ID, input.update_id)
    allow_nothing("update", input.headers)
