"""What may stand in clear in the engine: references, and words of closed lists. Everything else is refused.

Only payloads are sealed: ids, names, search attributes, memos, queues, headers and reasons stay readable in Temporal's
file and in its lists. So each of them is looked at before it leaves, by clients in ``runtime.allowlist`` and by
workflows here. To be refused is a defect of the program, never a user's mistake.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from temporalio.worker import (
    ContinueAsNewInput,
    Interceptor,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle, ChildWorkflowHandle

from activities import contract
from domain.case import Stage
from domain.country import WATCH
from domain.duties import Level
from domain.overview import Risk
from domain.references import Phase


class NotAllowed(ValueError):
    """Something would have stood in clear that is on no list. The text names the place, never the value."""


_REFERENCE = r"[0-9A-HJKMNP-TV-Z]{11}"
_PHASES = "|".join(Phase)
_DUTY = r"[a-z0-9]{1,24}(?:[.-][A-Za-z0-9]{1,24}){0,6}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

_CASE = rf"case/{_REFERENCE}(?:/(?:{_PHASES})/[1-9][0-9]{{0,3}})?"

STREAM = rf"{_CASE}|erasure/{_REFERENCE}|country/[A-Z]{{2}}|retention/daily"
"""A workflow's id."""

SUMMARY = "|".join(
    (
        f"(?:path|erasure) of {_REFERENCE}",
        "watch of [A-Z]{2}|alert",
        "daily look at what must be erased",
        f"(?:{_PHASES}), round [1-9][0-9]{{0,3}}",
        f"{_DUTY}: (?:{'|'.join(Level)})",
        "dates-moved|again",
    )
)
"""What a workflow, a timer or an activity is called in the UI's lists."""

COMMAND_ID = _UUID
WORKFLOW_TYPE = rf"case-path|{_PHASES}|erasure|{WATCH}|retention"
UPDATE, QUERY = "command", "headline|stage|head|__temporal_workflow_metadata"
SIGNAL = "milestones|path-moved|law-changed|tell-milestones|alert|renew|finish"
QUEUE = rf"{contract.TASK_QUEUE}(?:-(?:[a-z]{{1,16}}|{_UUID}))?"
ACTIVITY = "|".join(
    (
        *(contract.OPEN_STREAM, contract.APPEND, contract.READ_CASE_STREAM, contract.READ_RULES, contract.SEND_NOTICE),
        *(contract.READ_ALERTS, contract.SPREAD_ALERT),
        *(contract.LOOK_AT_CASE, contract.FENCE_CASE, contract.END_WORKFLOWS, contract.DESTROY_KEY),
        *(contract.FORGET_RECORDS, contract.DELETE_HISTORIES, contract.CERTIFY, contract.RETENTION_ROUND),
    )
)
COUNTRY = "[A-Z]{2}"

ATTRIBUTES: Mapping[str, str] = {
    "Stage": "|".join(Stage),
    "Phase": f"path|{WATCH}|{_PHASES}",
    "Country": COUNTRY,
    "Destination": COUNTRY,
    "Risk": "|".join(Risk),
}
"""What a search attribute may say; ``NextDeadline`` is an instant."""


def allow(where: str, pattern: str, value: object) -> None:
    """Let a value pass that fits; nothing at all passes too.

    Raises:
        NotAllowed: it is on no list.
    """
    if value is not None and not (isinstance(value, str) and re.fullmatch(pattern, value)):
        raise NotAllowed(f"this may not stand in clear: {where}")


def allow_nothing(where: str, *values: object) -> None:
    """
    Raises:
        NotAllowed: one of them holds something.
    """
    if any(values):
        raise NotAllowed(f"nothing may stand in clear here: {where}")


def allow_attribute(name: str, value: object) -> None:
    """
    Raises:
        NotAllowed: a search attribute says what it may not.
    """
    if name == "NextDeadline":
        if not isinstance(value, datetime):
            raise NotAllowed("NextDeadline is an instant")
        return
    allow("search attribute", ATTRIBUTES.get(name, "(?!)"), value)


class Allowlist(Interceptor):
    """Looks at everything that a worker's workflows ask of the engine."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        del input
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    """Each call is checked, and passed on as it came."""

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        allow("workflow type", WORKFLOW_TYPE, input.workflow)
        allow("task queue", QUEUE, input.task_queue)
        allow_nothing("continue as new", input.memo, input.search_attributes, input.headers)
        super().continue_as_new(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        allow("workflow id", STREAM, input.workflow_id)
        allow("signal", SIGNAL, input.signal)
        allow_nothing("signal", input.headers)
        await super().signal_external_workflow(input)

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        _allow_activity(input)
        allow("task queue", QUEUE, input.task_queue)
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        _allow_activity(input)
        return super().start_local_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> ChildWorkflowHandle[Any, Any]:
        allow("workflow id", STREAM, input.id)
        allow("workflow type", WORKFLOW_TYPE, input.workflow)
        allow("task queue", QUEUE, input.task_queue)
        allow("summary", SUMMARY, input.static_summary)
        unused = (input.memo, input.search_attributes, input.headers, input.static_details, input.cron_schedule)
        allow_nothing("child workflow", *unused)
        return await super().start_child_workflow(input)


def _allow_activity(input: StartActivityInput | StartLocalActivityInput) -> None:
    allow("activity", ACTIVITY, input.activity)
    allow("summary", SUMMARY, input.summary)
    allow_nothing("activity", input.activity_id, input.headers)
