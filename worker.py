"""Runs the workers: ``python worker.py`` beside any engine that the settings name."""

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.contract import TASK_QUEUE
from activities.notifications.channel import Channel
from activities.notifications.sending import NoticeActivities
from activities.notifications.terminal import Terminal
from activities.notifications.webhook import Webhook
from activities.records import RecordActivities
from domain.errors import NotUnderstood, SafeconductError
from domain.rulebook import load
from records.database import Database
from records.store import Store
from runtime.client import connect
from runtime.ending import leave
from runtime.settings import Settings, now
from workflows.asylum_filing import AsylumFilingWorkflow
from workflows.case_path import CasePathWorkflow
from workflows.embassy_contacts import EmbassyContactsWorkflow
from workflows.entry import EntryWorkflow
from workflows.safety import SafetyWorkflow
from workflows.transit_stay import TransitStayWorkflow
from workflows.vetting import VettingWorkflow

WORKFLOWS = [
    CasePathWorkflow,
    SafetyWorkflow,
    TransitStayWorkflow,
    EmbassyContactsWorkflow,
    VettingWorkflow,
    EntryWorkflow,
    AsylumFilingWorkflow,
]
"""Everything a worker runs, and a replay test replays."""

PURE = ("domain", "activities.contract", "pydantic", "pydantic_core", "annotated_types", "holidays", "dateutil")
"""Modules without side effects: passed through the sandbox, which saves it their import for each workflow."""

RECORD_THREADS = 8
"""Appends wait for one disk; more threads would only queue before it."""

DRAIN = timedelta(seconds=10)
"""How long a stopping worker lets its activities finish."""


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox in which workflows run. Calendars of holidays are read before: inside it no file may be opened."""
    for country in load().countries:
        if not country.place.knows_holidays:
            raise NotUnderstood(f"the holidays of {country.name} are not known: its rulebook needs another region")
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PURE))


def channel(settings: Settings) -> Channel:
    """The channel that the settings name."""
    if settings.webhook_url is None:
        return Terminal()
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret is not None else ""
    try:
        return Webhook(settings.webhook_url, secret, now)
    except ValueError:
        raise NotUnderstood("SAFECONDUCT_WEBHOOK_SECRET is missing, or is no base64: notices must be signed") from None


def build_worker(
    client: Client, store: Store, notices: Channel, *, task_queue: str = TASK_QUEUE, cached_workflows: int = 1000
) -> Worker:
    """A worker for everything.

    Args:
        client: the engine.
        store: the records.
        notices: where notices go.
        task_queue: its queue.
        cached_workflows: how many workflows stay in memory; with 0 each task replays its history.
    """
    records = RecordActivities(store, load())
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=[*records.all(), *NoticeActivities(store, notices, now).all()],
        activity_executor=ThreadPoolExecutor(RECORD_THREADS),
        workflow_runner=sandbox(),
        # without one the library hashes the code of every module that is loaded: half a second of each start, or four
        build_id=version("safeconduct"),
        max_cached_workflows=cached_workflows,
        # without a cache a second task evicts the first while its append is under way (temporalio/sdk-rust, 1482)
        max_concurrent_workflow_tasks=None if cached_workflows else 1,
        graceful_shutdown_timeout=DRAIN,
    )


async def main() -> int:
    """Run one worker until it is told to stop (SIGINT, SIGTERM)."""
    settings = Settings()
    database = Database(settings.records_path)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with build_worker(await connect(settings), Store(database), channel(settings)):
        await stop.wait()
    database.close()
    return 0


def run() -> int:
    """Run one worker; a mistake in the settings is one line."""
    try:
        return asyncio.run(main())
    except SafeconductError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    leave(run())
