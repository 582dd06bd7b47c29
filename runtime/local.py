"""Everything on one machine: the embedded engine, the records, and a worker, until Ctrl-C."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.client import Client

from domain.case import case_stream
from records.board import Board, text
from records.database import Database
from records.store import Store
from runtime import screen
from runtime.client import connect
from runtime.connection import forget_chosen_engines
from runtime.desk import Desk, read_intake_file
from runtime.embedded import EngineDidNotStart, embedded_server, free_port
from runtime.laptop import about_the_lid, is_laptop
from runtime.office import revive
from runtime.settings import NotRunning, Running, Settings, now

EXAMPLES = Path(__file__).parent.parent / "examples" / "six"
"""The six fictional cases of ``make demo``."""

FIRST_RUNGS_SECONDS = 10.0
"""The table comes after that in any case; what came later is in the next one."""

RUN_PORT, RUN_UI_PORT = 7233, 8233
"""Temporal's own default ports, of ``make run``; everything else takes free ones."""


async def up_and_running(settings: Settings, *, demo: bool) -> None:
    """Run engine, records and a worker until Ctrl-C; with ``demo`` import the six cases first.

    Raises:
        SafeconductError: something runs already, or the engine does not start.
    """
    settings = settings.model_copy(update={"home": settings.home or Path(".safeconduct") / ("demo" if demo else "run")})
    refuse_a_second_one(settings)
    forget_chosen_engines()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = (free_port(), free_port()) if demo else (RUN_PORT, RUN_UI_PORT)
    async with everything(settings, *ports) as running:
        if demo:
            await take_in_the_six(Desk(settings, "demo"))
        welcome(settings, running, lid=None if demo else about_the_lid(is_laptop()))
        await stop.wait()
        print("\nStopping: the worker finishes what it has begun.", flush=True)
    print("Stopped. Started again, every case goes on where it was.")


def refuse_a_second_one(settings: Settings) -> None:
    """One engine for each folder: two would fight over one file."""
    with contextlib.suppress(NotRunning):
        settings.running()
        raise EngineDidNotStart(f"an engine runs already for {settings.folder}: stop it first (Ctrl-C in its terminal)")


@contextlib.asynccontextmanager
async def everything(settings: Settings, port: int, ui_port: int) -> AsyncIterator[Running]:
    """Engine, records and worker, announced to the commands as long as the context lasts."""
    from worker import build_worker, channel

    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    running = Running(address=f"127.0.0.1:{port}", ui=f"http://127.0.0.1:{ui_port}", pid=os.getpid())
    async with embedded_server(settings.engine_path, port, ui_port):
        client = await connect(settings, running)
        database = Database(settings.records_path)
        async with build_worker(client, Store(database), channel(settings)):
            await revive_open_cases(client, database)
            settings.announce(running)
            try:
                yield running
            finally:
                settings.withdraw()
        database.close()


async def revive_open_cases(client: Client, database: Database) -> None:
    """See that the path of every open case runs: it starts its phases, or adopts them. For an engine that was lost."""
    for case in Board(database).cases():
        if case.is_open:
            await revive(client, case_stream(case.reference))


async def take_in_the_six(desk: Desk) -> None:
    """Import the six fictional cases; those that were imported before are left alone."""
    files = sorted(EXAMPLES.glob("*.toml"))
    taken = [await desk.take_in(*read_intake_file(file)) for file in files]
    fresh = sum(receipt is not None for _, receipt in taken)
    print(f"{fresh} fictional cases imported, {len(files) - fresh} were there already and go on where they were.")
    office = await desk.office()
    for reference, _ in taken:
        for phase in Board(desk.database).phases(reference):
            await office.path_has_heard(reference, phase.stream)
    await what_is_due_has_come(desk.board)


async def what_is_due_has_come(board: Board) -> None:
    """Wait a moment for the rungs that are due now, so that the first table shows them."""
    deadline = asyncio.get_running_loop().time() + FIRST_RUNGS_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        due = [duty for duty in board.duties() if duty.next_at is not None and duty.next_at <= text(now())]
        if not due:
            return
        await asyncio.sleep(0.05)


def welcome(settings: Settings, running: Running, *, lid: str | None) -> None:
    """What there is, where to look, what to try next, and what stops with the lid of a laptop."""
    desk, console = Desk(settings, "demo"), screen.console()
    moment = now()
    needs, found = desk.board.needs_a_human(moment), desk.board.cases()
    console.print(screen.needs_table(needs, desk.nickname, moment) if needs else "Nothing needs a human now.")
    if found:
        console.print(screen.cases_table(found, desk.nickname, lambda case: desk.board.next_duty(case, moment)))
    print(f"Temporal's UI:  {running.ui}")
    print(f"Records:        {settings.records_path}")
    if lid is not None:
        print(lid)
    print("In another terminal, from this folder:")
    if found:
        for command in ("safeconduct", f"safeconduct status {desk.nickname(found[0].reference)}"):
            print(f"  .venv/bin/{command}")
        print(f"  .venv/bin/safeconduct timeline {found[0].reference}")
        print(f"  .venv/bin/safeconduct simulate {found[0].reference} --days 90")
    else:
        print("  .venv/bin/safeconduct start")
    print("Ctrl-C stops everything.", flush=True)
