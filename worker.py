"""Runs the workers: ``python worker.py`` beside any engine that the settings name."""

import asyncio
import gc
import logging
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.alerts import AlertActivities
from activities.alive import SignsOfLife
from activities.contract import SEARCH_ATTRIBUTES, TASK_QUEUE
from activities.erasing import ErasingActivities, Wake
from activities.notifications.channel import Carrier, Channel
from activities.notifications.registry import carriers
from activities.notifications.sending import NO_CARRIERS, NoticeActivities
from activities.notifications.terminal import Terminal
from activities.notifications.webhook import Webhook
from activities.records import RecordActivities
from domain.errors import NotUnderstood, SafeconductError
from domain.rulebook import Rulebook, load
from records.database import Database
from records.editions import digest_of, keep_first
from records.errors import StoreError
from records.keyring import Role
from records.store import Store
from runtime import telemetry
from runtime.allowlist import Program
from runtime.attributes import switched_on
from runtime.checkpointing import keep_checkpoints, must_not_be_older
from runtime.client import connect
from runtime.ending import leave, told_to_stop
from runtime.keys import open_keys
from runtime.retention import keep_looking, wake_erasure
from runtime.settings import Settings, now
from runtime.standing import alarm, stand_up
from workflows.allowlist import Allowlist
from workflows.asylum_filing import AsylumFilingWorkflow
from workflows.case_path import CasePathWorkflow
from workflows.country_watch import CountryWatchWorkflow
from workflows.embassy_contacts import EmbassyContactsWorkflow
from workflows.entry import EntryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.retention import RetentionWorkflow
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
    CountryWatchWorkflow,
    ErasureWorkflow,
    RetentionWorkflow,
]
"""Everything a worker runs, and a replay test replays."""

PURE = ("domain", "activities.contract", "pydantic", "pydantic_core", "annotated_types", "holidays", "dateutil")
"""Modules without side effects: passed through the sandbox, which saves it their import for each workflow."""

RECORD_THREADS = 8
"""Appends wait for one disk; more threads would only queue before it."""

TASKS_AT_ONCE = 16
"""Tasks of workflows that one worker has in hand. Each holds its place while it waits for the records, and must be done
in ten seconds: when an alert wakes thousands of cases, a hundred at once would all be late, and be given out again."""

DRAIN = timedelta(seconds=10)
"""How long a stopping worker lets its activities finish."""

LONGEST_STOP = DRAIN + timedelta(seconds=5)
"""After that it is gone, whatever still hangs: who stops it must be able to count on it."""

_log = logging.getLogger("safeconduct.worker")


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox in which workflows run. Calendars of holidays are read before: inside it no file may be opened."""
    for country in load().countries:
        _ = country.place.knows_holidays
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
    client: Client,
    store: Store,
    notices: Channel,
    *,
    task_queue: str = TASK_QUEUE,
    cached_workflows: int = 1000,
    search_attributes: tuple[str, ...] = tuple(SEARCH_ATTRIBUTES),
    wake: Wake | None = None,
    backup_days: int | None = None,
    rulebook: Rulebook | None = None,
    carriers: Mapping[str, Carrier] = NO_CARRIERS,
) -> Worker:
    """A worker for everything.

    Args:
        client: the engine.
        store: the records.
        notices: where notices go.
        task_queue: its queue.
        search_attributes: those that are switched on; the engine must have them.
        cached_workflows: how many workflows stay in memory; with 0 each task replays its history.
        wake: of erasures whose date comes near; a rehearsal has a clock of its own.
        backup_days: how long backups are kept, for certificates.
        rulebook: the law; the installed files if not given.
        carriers: the ways to people at the desk.
    """
    erasing = ErasingActivities(store, client, wake or partial(wake_erasure, client), backup_days)
    records = RecordActivities(store, rulebook or load(), search_attributes)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=[
            *records.all(),
            *NoticeActivities(store, notices, now, carriers).all(),
            *AlertActivities(store, client).all(),
            *erasing.all(),
        ],
        activity_executor=ThreadPoolExecutor(RECORD_THREADS),
        workflow_runner=sandbox(),
        interceptors=[Allowlist(), SignsOfLife()],
        # without one the library hashes the code of every module that is loaded: half a second of each start, or four
        build_id=version("safeconduct"),
        max_cached_workflows=cached_workflows,
        # without a cache a second task evicts the first while its append is under way (temporalio/sdk-rust, 1482)
        max_concurrent_workflow_tasks=TASKS_AT_ONCE if cached_workflows else 1,
        graceful_shutdown_timeout=DRAIN,
    )


async def main() -> int:
    """Run one worker until it is told to stop (SIGINT, SIGTERM)."""
    settings = Settings()
    stop_telling = telemetry.start("worker")
    rulebook = load(over=settings.rules)
    (keys,) = open_keys(settings, Role.WORK)
    database = Database(settings.records)
    notices, ways = channel(settings), carriers()
    stand_up(database, keys.keyring, notices, _log.error)
    must_not_be_older(database, keys, settings.checkpoints)
    if keep_first(database, rulebook, now()).editions[-1].digest != digest_of(rulebook):
        _log.warning("the rulebook's files say something else than the law that cases run on: safeconduct rules --diff")
    stop = told_to_stop()
    client = await connect(settings, keys, program=Program.WORKER)
    attributes = await switched_on(client, settings)
    async with build_worker(
        client,
        Store(database, keys),
        notices,
        search_attributes=attributes,
        # what nobody has set no certificate may vouch for
        backup_days=settings.backup_days if "backup_days" in settings.model_fields_set else None,
        rulebook=rulebook,
        carriers=ways,
    ):
        beside = [
            asyncio.create_task(
                keep_checkpoints(database, keys, settings.checkpoints, partial(alarm, notices, _log.error))
            ),
            asyncio.create_task(keep_looking(client)),
        ]
        # what is loaded by now stays: a task must not wait while all of it is looked through for garbage
        gc.collect()
        gc.freeze()
        await stop.wait()
        for task in beside:
            task.cancel()
        _log.warning("stopping: it takes nothing new, and ends what it has begun")
        # an activity in a thread can be asked to end, not made to; what it leaves undone another worker does
        asyncio.get_running_loop().call_later(LONGEST_STOP.total_seconds(), leave, 0)
    database.close()
    stop_telling()
    return 0


def run() -> int:
    """Run one worker; a mistake in the settings is one line."""
    try:
        return asyncio.run(main())
    except (SafeconductError, StoreError) as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    leave(run())
