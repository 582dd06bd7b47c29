"""Measures Safeconduct against bare Temporal: ``python -m benchmarks.run [--json]``.

Both run in one go on the same server, client and worker, by turns, so that the machine's noise hits both: the ratios
hold better than the figures. Everything is bounded in number or time; a run takes about two minutes.
"""

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

from rich.console import Console
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

import runtime.keys
from benchmarks.alerting import alerting
from benchmarks.bare import BareWorkflow
from benchmarks.figures import Figure, show
from benchmarks.law import law
from benchmarks.ledger import ledger
from benchmarks.reading import reading
from benchmarks.staying import staying
from domain.check_ins import ContactLogged
from domain.duties import Urgency
from domain.events import Command, Receipt
from domain.facts import Occurred
from domain.forecast import HORIZON, forecast
from domain.intake import IntakeFile, intake_from
from domain.references import Phase, case_stream, make_reference, phase_stream
from domain.rulebook import load
from domain.story import begin
from records.database import Database
from records.sealing import fresh_key
from records.store import Store
from runtime.codec import sealing_converter
from runtime.embedded import embedded_server, free_port
from runtime.ending import leave
from runtime.office import Office
from runtime.settings import Settings, now
from worker import build_worker, sandbox

WARM_UPS = 30
IDLE_PAIRS = 300
CLOCK_PAIRS = 50
CALLERS = 100
CASES = 20
TURNS = 3
"""How often bare and Safeconduct take turns under load, and at starts."""

SECONDS_A_TURN = 3.0
STARTS_A_TURN = 6
ALERTED = 120
STARTERS = 10
"""Starts that are under way at once."""

FORECASTS = 5
LIMIT_SECONDS = 120.0
"""Of all that needs the server. A run that takes longer shows what it has, and fails."""

BARE_QUEUE = "bare"
PHASES_OF_A_NEW_CASE = 4


class Silence:
    """A channel that says nothing."""

    name = "silence"

    def send(self, notice: UUID, urgency: Urgency) -> None:
        """Drop it."""


@dataclass
class Bench:
    """The one installation on which everything is measured."""

    client: Client
    plain: Client
    store: Store
    database: Database
    office: Office
    intake: IntakeFile = field(default_factory=lambda: _intake())
    numbers: Iterator[int] = field(default_factory=count)

    async def open_case(self) -> str:
        """Start a case with a minimal intake. Answered once its first events are in the log."""
        reference = _reference()
        await self.office.start_case(reference, self.intake.intake, "dana", self.intake.since, uuid4())
        return reference

    async def all_phases_run(self, references: Sequence[str]) -> None:
        """Wait until the workflow of every phase of these cases runs: each takes its stream over as it begins."""
        waiting = list(references)
        while waiting:
            own = case_stream(waiting[-1])
            with self.database.reading() as connection:
                taken_over = connection.exec_driver_sql(
                    "SELECT count(*) FROM stream WHERE stream > ? AND stream < ? AND epoch > 0", (f"{own}/", f"{own}0")
                ).scalar_one()
            if taken_over >= PHASES_OF_A_NEW_CASE:
                waiting.pop()
            else:
                await asyncio.sleep(0.01)

    async def open_bare(self) -> str:
        """Start a bare workflow. Answered once its first task is done, by the same client call that starts a case."""
        name = f"bare/{next(self.numbers)}"
        start = WithStartWorkflowOperation(
            BareWorkflow.run, id=name, task_queue=BARE_QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.FAIL
        )
        await self.plain.execute_update_with_start_workflow("add", 1, start_workflow_operation=start, result_type=int)
        return name

    def safety(self, reference: str) -> WorkflowHandle[object, object]:
        return self.client.get_workflow_handle(phase_stream(reference, Phase.SAFETY, 1))

    async def add(self, handle: WorkflowHandle[object, object]) -> None:
        """One bare update."""
        await handle.execute_update("add", 1, result_type=int)

    async def log_contact(self, handle: WorkflowHandle[object, object], occurred: Occurred | None = None) -> None:
        """One command, of the day unless it is told when: a second contact of a day moves no duty."""
        at = now()
        command = Command(
            command_id=uuid4(),
            actor="dana",
            occurred=occurred or Occurred.on(at.date()),
            learned_on=at.date(),
            fact=ContactLogged(),
            sent_at=at,
        )
        receipt = await handle.execute_update("command", command, id=str(command.command_id), result_type=Receipt)
        assert len(receipt.accepted) == 1


def _reference() -> str:
    return make_reference(lambda: random.getrandbits(60))


def _intake() -> IntakeFile:
    return intake_from(
        {
            "nickname": "Wren",
            "coordinator": "dana",
            "country": "KZ",
            "since": now().date() - timedelta(days=1),
            "never_contact": ["RU"],
            "consent": {"language": "ru", "form": "written", "scopes": ["embassy:entry:existence+identity"]},
        }
    )


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    """An embedded server with a file, our worker with all seals on, and one for the bare workflow without any."""
    port = free_port()
    async with embedded_server(folder / "temporal.db", port, free_port()):
        settings, master = Settings(home=folder), fresh_key()
        runtime.keys.begin(settings, master, None)
        keys, _ = runtime.keys.keys_of(settings, master)
        client = await Client.connect(f"127.0.0.1:{port}", data_converter=sealing_converter(keys, is_worker=True))
        database = Database(folder / "records.db")
        store = Store(database, keys)
        plain = await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter)
        yardstick = Worker(plain, task_queue=BARE_QUEUE, workflows=[BareWorkflow], workflow_runner=sandbox())
        async with build_worker(client, store, Silence()), yardstick:
            yield Bench(client, plain, store, database, Office(client, store, now))
        database.close()


async def _milliseconds(action: Awaitable[object]) -> float:
    began = time.perf_counter()
    await action
    return (time.perf_counter() - began) * 1000


def _percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


async def _events(handle: WorkflowHandle[object, object]) -> int:
    return len((await handle.fetch_history()).events)


async def idle(on: Bench) -> list[Figure]:
    """One caller, bare and Safeconduct by turns: latency, and events in the history."""
    reference = await on.open_case()
    await on.all_phases_run([reference])
    ours, bare = on.safety(reference), _untyped(on, await on.open_bare())
    for _ in range(WARM_UPS):
        await on.add(bare)
        await on.log_contact(ours)
    before = await _events(bare), await _events(ours)
    pairs = [(await _milliseconds(on.add(bare)), await _milliseconds(on.log_contact(ours))) for _ in range(IDLE_PAIRS)]
    middle = await _events(bare), await _events(ours)
    moving = [
        (
            await _milliseconds(on.add(bare)),
            await _milliseconds(on.log_contact(ours, Occurred.at_instant(now()))),
        )
        for _ in range(CLOCK_PAIRS)
    ]
    after = await _events(ours)
    disk = await _append_alone(on, reference)
    of_the_disk = f"the append alone (SQLite, synced) takes {disk:.1f} ms"
    bare_events, our_events = ((middle[side] - before[side]) / IDLE_PAIRS for side in (0, 1))
    return [
        *(_latency(f"one caller, {name}", pairs, share, of_the_disk) for name, share in (("p50", 0.5), ("p99", 0.99))),
        Figure("p50, where a timer moves", *_of(moving, 0.5), "ms"),
        _events_in_history("events in the history", bare_events, our_events),
        _events_in_history("events, where a timer moves", bare_events, (after - middle[1]) / CLOCK_PAIRS),
    ]


def _of(pairs: Sequence[tuple[float, float]], share: float) -> tuple[float, float, float]:
    bare, ours = (_percentile(side, share) for side in zip(*pairs, strict=True))
    return bare, ours, ours / bare


def _latency(name: str, pairs: Sequence[tuple[float, float]], share: float, of_the_disk: str) -> Figure:
    bare, ours, ratio = _of(pairs, share)
    if share != 0.5:
        return Figure(name, bare, ours, ratio, "ms")
    held_back = f"{ours - bare:.1f} ms more than bare: {of_the_disk}, the rest is a local activity and Python"
    return Figure(name, bare, ours, ratio, "ms", "1.6 or less", ratio <= 1.6, held_back)


def _events_in_history(name: str, bare: float, ours: float) -> Figure:
    held_back = "a timer that moves is cancelled and started: two events beside update, task and marker"
    return Figure(name, bare, ours, ours / bare, "events", "7 or fewer", ours <= 7, held_back)


async def _append_alone(on: Bench, reference: str) -> float:
    """Milliseconds of one append without any engine: the same kind of event, on a stream of its own."""
    stream = f"{phase_stream(reference, Phase.SAFETY, 1)}0"
    epoch = on.store.open(stream).epoch
    sample = on.store.read(phase_stream(reference, Phase.SAFETY, 1))[-1]
    taken = []
    for version in range(1, 51):
        event = sample.model_copy(update={"event_id": uuid4(), "stream": stream, "version": version})
        began = time.perf_counter()
        await asyncio.to_thread(on.store.append, stream, epoch, version - 1, (event,))
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _untyped(on: Bench, workflow_id: str) -> WorkflowHandle[object, object]:
    return on.plain.get_workflow_handle(workflow_id)


async def under_load(on: Bench) -> list[Figure]:
    """A hundred callers over twenty workflows, five on each: half of what a workflow takes at once."""
    references = [await on.open_case() for _ in range(CASES)]
    await on.all_phases_run(references)
    ours = [on.safety(reference) for reference in references]
    bare = [_untyped(on, await on.open_bare()) for _ in range(CASES)]
    for one, other in zip(ours, bare, strict=True):
        await asyncio.gather(on.log_contact(one), on.add(other))
    turns = [(await _crowd(on.add, bare), await _crowd(on.log_contact, ours)) for _ in range(TURNS)]
    rates = [statistics.mean(side) for side in zip(*turns, strict=True)]
    return [Figure(f"{CALLERS} callers, {CASES} cases", rates[0], rates[1], rates[1] / rates[0], "/s")]


async def _crowd(
    call: Callable[[WorkflowHandle[object, object]], Awaitable[None]], handles: Sequence[WorkflowHandle[object, object]]
) -> float:
    """Calls a second, while all callers call for one turn, each one call after the other."""
    began = time.perf_counter()

    async def caller(number: int) -> int:
        made = 0
        while time.perf_counter() < began + SECONDS_A_TURN:
            await call(handles[number % len(handles)])
            made += 1
        return made

    made = sum(await asyncio.gather(*(caller(number) for number in range(CALLERS))))
    return made / (time.perf_counter() - began)


async def starts(on: Bench) -> list[Figure]:
    """Starts a second, ten under way at once. A case is five workflows: the path, and four phases that open at once."""
    seconds = {"bare": 0.0, "answered": 0.0, "running": 0.0}
    for _ in range(TURNS):
        seconds["bare"] += (await _several(on.open_bare, STARTS_A_TURN * 5))[0]
        began = time.perf_counter()
        answered, references = await _several(on.open_case, STARTS_A_TURN)
        await on.all_phases_run(references)
        seconds["answered"] += answered
        seconds["running"] += time.perf_counter() - began
    bare = TURNS * STARTS_A_TURN * 5 / seconds["bare"]
    answered_rate, running_rate = (TURNS * STARTS_A_TURN / seconds[name] for name in ("answered", "running"))
    return [
        Figure("cases begun, answered", bare, answered_rate, answered_rate / bare, "/s"),
        Figure("cases begun, all five run", bare, running_rate, running_rate / bare, "/s"),
        Figure("the same, in workflows", bare, running_rate * 5, running_rate * 5 / bare, "/s"),
    ]


async def alerts(on: Bench) -> list[Figure]:
    """An alert for as many cases as take two pages."""
    _, names = await _several(on.open_bare, ALERTED)
    return await alerting(on.office, on.intake, [_untyped(on, name) for name in names])


async def _several(start: Callable[[], Awaitable[str]], number: int) -> tuple[float, list[str]]:
    gate = asyncio.Semaphore(STARTERS)

    async def one() -> str:
        async with gate:
            return await start()

    began = time.perf_counter()
    started = await asyncio.gather(*(one() for _ in range(number)))
    return time.perf_counter() - began, started


def looking_ahead() -> list[Figure]:
    """A new case's coming two years. It needs no engine, and would hold up the worker's loop: it comes last."""
    rulebook, intake, start = load(), _intake(), now()
    command = Command(
        command_id=uuid4(),
        actor="dana",
        occurred=intake.since,
        learned_on=start.date(),
        fact=intake.intake,
        sent_at=start,
    )
    taken, lines = [], 0
    for _ in range(FORECASTS):
        story = begin(_reference(), command, intake.intake, rulebook.for_phase, start)
        began = time.perf_counter()
        lines = sum(1 for _ in forecast(story, (), start, start + HORIZON))
        taken.append((time.perf_counter() - began) * 1000)
    return [Figure(f"forecast, {lines} lines", None, statistics.median(taken), None, "ms")]


async def measure(figures: list[Figure]) -> None:
    """All figures, in one run.

    Args:
        figures: takes each figure once it is measured, so that a run that is cut off shows what it has.

    Raises:
        TimeoutError: the run took too long.
    """
    with tempfile.TemporaryDirectory(prefix="safeconduct-bench-", ignore_cleanup_errors=True) as folder:
        async with bench(Path(folder)) as on, asyncio.timeout(LIMIT_SECONDS):
            for part in (idle, under_load, starts, alerts):
                figures += await part(on)
    figures += looking_ahead()
    figures += ledger()
    figures += reading()
    figures += law()
    figures += staying()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and show it. With ``--json`` the figures go to standard output as JSON, and the table beside them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--json", action="store_true", help="JSON to standard output, the table to standard error")
    as_json: bool = parser.parse_args(arguments).json
    began, load_before = time.perf_counter(), os.getloadavg()[0]
    figures: list[Figure] = []
    is_whole = True
    try:
        asyncio.run(measure(figures))
    except TimeoutError:
        is_whole = False
    console = Console(stderr=as_json)
    show(figures, console)
    seconds, cores = time.perf_counter() - began, os.cpu_count()
    console.print(f"One run, {seconds:.0f} s, {cores} cores, load {load_before:.1f} before it began.", highlight=False)
    if not is_whole:
        console.print("It took too long and was cut off: is the machine busy with something else?", highlight=False)
    if as_json:
        result = {
            "load_before": load_before,
            "measured_at": now().isoformat(timespec="seconds"),
            "figures": [asdict(one) for one in figures],
        }
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
    return 0 if is_whole else 1


if __name__ == "__main__":
    leave(main())
