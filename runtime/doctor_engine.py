"""What the doctor sees of the engine: server, workers, search attributes, clock."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
    PollActivityTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

from activities.contract import TASK_QUEUE
from runtime.allowlist import Program
from runtime.attributes import lacking
from runtime.client import connect
from runtime.findings import Finding, fail, ok, warn
from runtime.settings import NotRunning, Settings, now

OFF = timedelta(seconds=30)
"""So far two clocks may be apart: duties count in hours, but a sender's stamp must be near the engine's."""

ANSWER_SECONDS = 5.0
"""How long one question to the engine, or the search for a host's address, may take."""


async def about_engine(settings: Settings, attributes: Mapping[str, str]) -> list[Finding]:
    """Server, namespace, workers, search attributes and clock, as far as the engine answers."""
    try:
        client = await connect(settings, None, program=Program.DOCTOR)
    except NotRunning as error:
        without = "until it answers, namespace, workers, search attributes and its clock can't be looked at"
        return [fail("server", str(error), f"`make run`, or the TEMPORAL_… settings; {without}")]
    looks = (
        about_server(client),
        about_workers(client),
        about_search_attributes(client, attributes),
        about_clock(client),
    )
    found = await asyncio.gather(*looks, return_exceptions=True)
    return [ok("namespace", f"{client.namespace}: the engine has it"), *map(_answered, found)]


def _answered(found: Finding | BaseException) -> Finding:
    if isinstance(found, Finding):
        return found
    if isinstance(found, RPCError | TimeoutError):
        return warn("server", "it did not answer one question", "try again; see what the server complains of")
    raise found


async def about_server(client: Client) -> Finding:
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_limit())
    found, reached = f"answers, version {info.server_version}", client.service_client.config
    if reached.tls or reached.target_host.rpartition(":")[0] in ("127.0.0.1", "[::1]", "localhost"):
        return ok("server", found)
    return warn("server", f"{found}; the way to it leaves this machine without TLS", "set TEMPORAL_TLS=true")


async def about_workers(client: Client) -> Finding:
    queue = await _describe(client, TASK_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    own = version("safeconduct")
    others = sorted({one.worker_version_capabilities.build_id or "unknown" for one in queue.pollers} - {own})
    if others:
        do = "start them again: old and new code must not run side by side (one that stopped is still seen for minutes)"
        return warn("workers", f"some are of version {', '.join(others)}, and this is {own}", do)
    if queue.pollers:
        return ok("workers", f"at least one asks for work, all are of version {own}")
    return fail("workers", "none asks for work: no duty sounds", "start `.venv/bin/python worker.py` (or `make run`)")


async def about_search_attributes(client: Client, attributes: Mapping[str, str]) -> Finding:
    missing = await lacking(client, attributes)
    if not missing:
        return ok("search attributes", ", ".join(attributes) or "all switched off")
    made = " ".join(f"--name {name} --type {attributes[name]}" for name in missing)
    return warn(
        "search attributes",
        f"missing, or of another type: {', '.join(missing)}; no case depends on them, but lists in the UI do",
        f".venv/bin/temporal operator search-attribute create --namespace {client.namespace} {made}",
    )


async def about_clock(client: Client, clock: Callable[[], datetime] = now) -> Finding:
    """This clock beside the engine's."""
    apart = await engine_time(client) - clock()
    if abs(apart) <= OFF:
        return ok("clock", "the same as the engine's")
    how = f"{abs(apart).total_seconds():.0f} s {'behind' if apart > timedelta() else 'ahead of'} the engine's"
    return fail("clock", how, "set both by a time server: deadlines are told by the engine's clock")


async def engine_time(client: Client) -> datetime:
    """The engine's clock.

    No call tells it. But the engine notes when somebody last asked for work, so the doctor asks, in a queue of its own
    into which nobody puts any.

    Raises:
        TimeoutError: it did not come.
        RPCError: the engine does not answer.
    """
    name, kind = f"{TASK_QUEUE}-doctor", TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    before = (await _describe(client, name, kind)).pollers  # an earlier doctor is remembered for minutes
    request = PollActivityTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), identity=client.identity
    )
    asking = asyncio.create_task(client.workflow_service.poll_activity_task_queue(request, timeout=_limit()))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                pollers = (await _describe(client, name, kind)).pollers
                if pollers != before:
                    return max(poller.last_access_time.ToDatetime(UTC) for poller in pollers)
                await asyncio.sleep(0.02)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _describe(client: Client, queue: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    return await client.workflow_service.describe_task_queue(request, timeout=_limit())


def _limit() -> timedelta:
    return timedelta(seconds=ANSWER_SECONDS)
