"""A story driven on the real server, its time skipped.

Each workflow has a clock of its own there, and the path's stands still: a rehearsal moves the clock of every open phase
to the instant of the next event, waits until all that fell due before it is in the log, and then sends the event.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID, uuid4

from temporalio.client import WorkflowExecutionStatus
from temporalio.converter import DataConverter
from temporalio.service import RPCError
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from activities.contract import SEARCH_ATTRIBUTES, TASK_QUEUE
from activities.notifications import telling
from activities.notifications.channel import Carrier, Channel
from activities.notifications.sending import NO_CARRIERS
from domain.duties import Urgency
from domain.events import Command, Event, Past, Receipt
from domain.forecast import command_id_of
from domain.intake import IntakeFile
from domain.references import case_stream
from domain.rulebook import load
from domain.story import Story, begin
from records.board import Board, text
from records.database import Database
from records.keys import Keys
from records.store import Store
from runtime.allowlist import ClientAllowlist, Program
from runtime.codec import sealing_converter
from runtime.embedded import UNTHROTTLED, temporal_binary
from runtime.office import Office
from runtime.retention import wake_erasure
from tests.support.keys import database_in, keys_in
from worker import build_worker

PATIENCE_SECONDS = 60.0
"""Of a poll. Far more than anything takes; only a broken test waits so long."""

FIRST_LOOK_SECONDS, LATEST_LOOK_SECONDS = 0.01, 0.2
"""Between the looks of a poll, which come ever later: each takes time from what is waited for."""

MARGIN = timedelta(seconds=5)
"""Past the instant that is wanted: a clock that reaches its end while a task still runs skips on to the next timer."""

_FLAGS = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "history.transferProcessorEnsureCloseBeforeDelete": "false",
    "worker.historyScannerDataMinAge": '"1s"',
    **UNTHROTTLED,
}
"""The first allows skipping; without the second each skipped timer costs a second, without the third each deletion a
minute. The last lets the server's own sweep take what is a second old."""


@asynccontextmanager
async def skipping_server(
    converter: DataConverter | None = None, file: Path | None = None
) -> AsyncIterator[WorkflowEnvironment]:
    """The real server, with time that stands still until it is moved on. Payloads are sealed with keys of its own.

    Args:
        converter: seals otherwise.
        file: where it keeps its state; in memory if left out.
    """
    folder = tempfile.TemporaryDirectory()
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False, max_session_skip_count=100_000),
        # workers and senders share one client here
        data_converter=converter or converter_in(Path(folder.name)),
        interceptors=[ClientAllowlist()],
        identity=Program.WORKER,
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=[
            *(part for name, kind in SEARCH_ATTRIBUTES.items() for part in ("--search-attribute", f"{name}={kind}")),
            *(("--db-filename", str(file), "--sqlite-pragma", "secure_delete=1") if file is not None else ()),
            *(part for key, value in _FLAGS.items() for part in ("--dynamic-config-value", f"{key}={value}")),
        ],
    )
    with folder:
        async with environment:
            yield environment


def converter_in(folder: Path) -> DataConverter:
    """Seals with the keys of a folder, as that installation's own workers and senders do."""
    return sealing_converter(keys_in(folder)[0], is_worker=True)


class Pigeonhole:
    """A channel that keeps what it was given."""

    name = "pigeonhole"

    def __init__(self) -> None:
        self.notices: list[tuple[UUID, Urgency]] = []

    def send(self, notice: UUID, urgency: Urgency) -> None:
        self.notices.append((notice, urgency))


async def eventually(holds: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: it never did.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    pause = FIRST_LOOK_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(pause)
        pause = min(1.3 * pause, LATEST_LOOK_SECONDS)
    raise AssertionError(f"never came true: {what}")


@dataclass
class Rehearsal:
    """One case on the real server, in rehearsed time.

    Attributes:
        environment: the server.
        store: the records.
        board: the read models.
        began: the instant at which the story begins.
        clock: the sender's clock.
    """

    environment: WorkflowEnvironment
    database: Database
    keys: Keys
    began: datetime
    reference: str
    task_queue: str
    clock: datetime = field(init=False)
    shift: timedelta = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.began
        self.shift = self.began - datetime.now(UTC)
        self.store = Store(self.database, self.keys)
        self.board = Board(self.database)
        self.office = Office(self.environment.client, self.store, lambda: self.clock, self.shift, self.task_queue)

    async def start(self, file: IntakeFile, actor: str = "dana", command_id: UUID | None = None) -> Receipt:
        receipt = await self.office.start_case(self.reference, file.intake, actor, file.since, command_id or uuid4())
        await self.settled()
        return receipt

    def begun(self, file: IntakeFile, receipt: Receipt) -> Story:
        """The story of a file that was started, as it stood then."""
        command = Command(
            command_id=receipt.accepted[0].event_id,
            actor="dana",
            occurred=file.since,
            learned_on=self.began.date(),
            fact=file.intake,
            sent_at=self.began,
        )
        return begin(self.reference, command, file.intake, load().for_phase, self.began)

    async def play(self, script: Sequence[Past], *, first: int = 0) -> None:
        """Let a script happen, each event on its day; its entries are numbered from ``first`` on."""
        for index, past in enumerate(sorted(script, key=lambda one: one.occurred.instant), first):
            await self.move_to(past.occurred.instant)
            await self.office.record(self.reference, past, command_id_of(index))
            await self.settled()

    async def move_to(self, instant: datetime) -> None:
        """Move every open phase on to an instant, and wait until everything due by then is in the log."""
        self.clock = max(self.clock, instant)
        await asyncio.gather(*(self._forward(stream) for stream in self.open_streams()))
        await self.settled()

    async def _forward(self, stream: str) -> None:
        handle = self.environment.client.get_workflow_handle(stream)
        await eventually(lambda: self.is_quiet(stream), f"{stream} is quiet")
        info = await self.environment.get_time_skipping_info(handle)
        clock = info.current_time.ToDatetime(UTC) if info is not None else datetime.now(UTC)
        ahead = self.clock - self.shift - clock + MARGIN
        if ahead > timedelta():
            await self.environment.fast_forward(handle, ahead)

    async def is_quiet(self, stream: str) -> bool:
        """Whether a stream's workflow runs and waits for nothing but its timer: a clock moved earlier can overshoot."""
        try:
            description = await self.environment.client.get_workflow_handle(stream).describe()
        except RPCError:
            return False
        raw = description.raw_description
        busy = raw.pending_activities or raw.pending_children or raw.HasField("pending_workflow_task")
        return description.status is WorkflowExecutionStatus.RUNNING and not busy

    async def is_running(self, stream: str) -> bool:
        """Whether a stream's workflow runs now."""
        try:
            description = await self.environment.client.get_workflow_handle(stream).describe()
        except RPCError:
            return False
        return description.status is WorkflowExecutionStatus.RUNNING

    async def settled(self) -> None:
        """Wait until every open phase has a card, and no rung is left that is due by now."""
        await eventually(self._is_settled, "all that is due is in the log")

    def _is_settled(self) -> bool:
        now = text(self.clock)
        duties = self.board.duties(self.reference)
        with_duties = {duty.stream for duty in duties}
        late = [duty for duty in duties if duty.next_at is not None and duty.next_at <= now]
        return not late and with_duties == set(self.open_streams())

    @property
    def office_path(self) -> str:
        """The stream of the case itself."""
        return case_stream(self.reference)

    def open_streams(self) -> list[str]:
        return [phase.stream for phase in self.board.phases(self.reference) if phase.is_open]

    def events(self) -> tuple[Event, ...]:
        return self.store.read_case(self.reference)


@asynccontextmanager
async def rehearsal(
    environment: WorkflowEnvironment,
    folder: Path,
    began: datetime,
    reference: str,
    *,
    channel: Channel | None = None,
    cached_workflows: int = 1000,
    search_attributes: tuple[str, ...] = tuple(SEARCH_ATTRIBUTES),
    carriers: Mapping[str, Carrier] = NO_CARRIERS,
) -> AsyncIterator[Rehearsal]:
    """A case to be played, with a worker and records of its own. Reminders do not wait: clocks would stand."""
    database, (keys, *_) = database_in(folder), keys_in(folder)
    queue = f"{TASK_QUEUE}-{uuid4()}"
    played = Rehearsal(environment, database, keys, began, reference, queue)

    async def wake(stream: str) -> None:
        shift = played.clock - datetime.now(UTC)  # a workflow that begins in the middle of a story has a clock of today
        await wake_erasure(environment.client, stream, task_queue=queue, shift=shift)

    worker = build_worker(
        environment.client,
        Store(database, keys),
        channel or Pigeonhole(),
        task_queue=queue,
        cached_workflows=cached_workflows,
        search_attributes=search_attributes,
        wake=wake,
        backup_days=30,
        carriers=carriers,
    )
    with patch.object(telling, "jitter", lambda _: timedelta()):
        async with worker:
            yield played
    database.close()


def chronology(events: Sequence[Event]) -> list[str]:
    """One line for each event, in the order of the story: comparable between the log and a forecast."""
    lines = sorted((event.occurred.instant, _line(event)) for event in events)
    return [line for _, line in lines]


def _line(event: Event) -> str:
    stream = event.stream.split("/", 2)[2] if event.stream.count("/") > 1 else "path"
    # what a later field says where nothing was said of it belongs to no earlier story
    apart = {"kind", "source", "title", "urgency", "stream", "at"}
    shown = event.fact.model_dump(mode="json", exclude=apart, exclude_defaults=True)
    aside = f" [{event.outside_path}]" if event.outside_path else ""
    return f"{event.occurred} {stream} {event.fact.kind} {shown}{aside}"
