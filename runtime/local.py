"""Everything on one machine: the embedded engine, the records, and a worker, until Ctrl-C."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from activities.notifications.channel import Channel
from records.board import Board
from records.database import Database, Reader
from records.keys import Keys
from records.log import in_short
from runtime import screen
from runtime.allowlist import Program
from runtime.checkpointing import must_not_be_older
from runtime.client import connect, hush
from runtime.connection import forget_chosen_engines
from runtime.crew import Crew, prepare
from runtime.desk import Desk, read_intake_file
from runtime.embedded import EngineDidNotStart, free_port, lasting_server, stop_orphan
from runtime.ending import told_to_stop
from runtime.engine_queues import erased_for_good, sweep
from runtime.keys import (
    DEMO_PASSPHRASE,
    DEMO_PERSONS,
    agent,
    existing_ring,
    keys_of,
    master_of_demo,
    master_of_installation,
)
from runtime.laptop import about_the_lid, is_laptop
from runtime.restoring import bring_back
from runtime.settings import NotRunning, Running, Settings, now
from runtime.standing import stand_up

EXAMPLES = Path(__file__).parent.parent / "examples" / "six"
"""The six fictional cases of ``make demo``."""

FIRST_RUNGS_SECONDS = 10.0
"""The table comes after that in any case; what came later is in the next one."""

RUN_PORTS = (7233, 8233, 8234, 8235)
"""Temporal's own default ports, the decoder's and the pages', of ``make run``; everything else takes free ones."""


@dataclass(frozen=True)
class Ports:
    """Where an installation listens, on loopback."""

    engine: int
    ui: int
    decoder: int
    pages: int


def up_and_running(
    settings: Settings, channel: Channel, *, demo: bool, workers: int = 1, free_ports: bool = False
) -> None:
    """Run engine, records and workers until Ctrl-C; with ``demo`` import the six cases first.

    Args:
        channel: how an operator is called, if something is wrong before the watchdog runs.
        free_ports: beside another installation; a demo takes free ones anyway.

    Raises:
        SafeconductError: something runs already, the engine does not start, or nothing opens the keyring.
    """
    settings = settings.model_copy(update={"home": settings.home or Path(".safeconduct") / ("demo" if demo else "run")})
    refuse_a_second_one(settings)
    forget_chosen_engines()
    hush()
    # before any loop runs: its handler would swallow the first Ctrl-C at a question
    master = master_of_demo(settings) if demo else master_of_installation(settings)
    prepare()  # not before: what it is given in its environment holds no key any more
    ports = Ports(*(free_port() for _ in RUN_PORTS)) if demo or free_ports else Ports(*RUN_PORTS)
    look_at_the_files(settings, channel, master)
    asyncio.run(_run(settings, master, ports, workers, demo=demo))


def look_at_the_files(settings: Settings, channel: Channel, master: bytes) -> None:
    """See that keyring and records belong together, and are not older than they were, before anything starts on them.

    Raises:
        Refused: they don't.
    """
    with closing(Database(settings.records)) as database, closing(existing_ring(settings)) as ring:
        stand_up(database, ring, channel, lambda line: print(line, flush=True))
        must_not_be_older(database, keys_of(settings, master)[0], settings.checkpoints)


async def _run(settings: Settings, master: bytes, ports: Ports, workers: int, *, demo: bool) -> None:
    stop = told_to_stop()
    async with everything(settings, master, ports, workers) as place:
        if demo:
            await take_in_the_six(place.desk())
        await place.crew.begin("watchdog", "starter", "watchdog")
        doors = ("--port", str(place.ports.decoder), "--ui", str(place.running.ui))
        await place.crew.begin("decoder", "starter", "decoder", *doors)
        await place.crew.begin("pages", "starter", "pages", "--port", str(place.ports.pages))
        welcome(place.desk(), place.running, lid=None if demo else about_the_lid(is_laptop()), demo=demo)
        await stop.wait()
        print("\nStopping: the worker finishes what it has begun.", flush=True)
    print("Stopped. Started again, every case goes on where it was.")


def refuse_a_second_one(settings: Settings) -> None:
    """One engine for each folder: two would fight over one file."""
    with contextlib.suppress(NotRunning):
        settings.running()
        raise EngineDidNotStart(f"an engine runs already for {settings.folder}: stop it first (Ctrl-C in its terminal)")


@dataclass(frozen=True)
class Place:
    """A running installation.

    Attributes:
        settings: with its agent.
        keys: for engine and log, and for the vault.
        crew: its processes.
    """

    settings: Settings
    running: Running
    ports: Ports
    keys: tuple[Keys, ...]
    crew: Crew

    def desk(self) -> Desk:
        """The desk of this process: it can't ask the agent, which is itself."""
        return Desk(self.settings, "safeconduct", self.keys)


@contextlib.asynccontextmanager
async def everything(settings: Settings, master: bytes, ports: Ports, workers: int) -> AsyncIterator[Place]:
    """Agent, engine, records and workers, announced to the commands as long as the context lasts."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    await asyncio.to_thread(sweep_the_queues, settings)
    async with agent(master) as door, _engine(settings, ports):
        address = f"127.0.0.1:{ports.engine}"
        running = Running(
            address=address,
            ui=f"http://127.0.0.1:{ports.ui}",
            decoder=f"http://127.0.0.1:{ports.decoder}",
            pages=f"http://127.0.0.1:{ports.pages}",
            agent=door,
            pid=os.getpid(),
        )
        settings = settings.model_copy(update={"agent": door})
        environment = {
            "SAFECONDUCT_HOME": str(settings.folder.absolute()),
            "SAFECONDUCT_AGENT": str(door),
            "TEMPORAL_ADDRESS": address,
        }
        async with Crew(settings.folder, environment) as crew:
            for number in range(workers):
                await crew.begin("worker" if number == 0 else f"worker-{number + 1}", "worker")
            place = Place(settings, running, ports, keys_of(settings, master), crew)
            await restore_open_streams(place)
            settings.announce(running)
            try:
                yield place
            finally:
                settings.withdraw()


def sweep_the_queues(settings: Settings) -> None:
    """Take out of the engine's file what it still holds of erased cases, while nobody has it open."""
    stop_orphan(settings.engine_path)
    sweep(settings.engine_path, erased_for_good(Reader(settings.records)))


def _engine(settings: Settings, ports: Ports) -> contextlib.AbstractAsyncContextManager[object]:
    """The engine, kept running, whose UI asks the decoder to make cases readable."""
    decoder = f"http://127.0.0.1:{ports.decoder}"
    return lasting_server(settings.engine_path, ports.engine, ports.ui, "--ui-codec-endpoint", decoder)


async def restore_open_streams(place: Place) -> None:
    """See that every open stream runs. After an engine that was lost, this is all that it takes."""
    client = await connect(place.settings, place.keys[0], place.running, program=Program.SUPERVISOR)
    restored = await bring_back(client, place.desk().board.open_streams())
    for stream, why in restored.failed.items():
        print(f"{stream} could not be started: {why}", flush=True)


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
        if not board.unfired(now()):
            return
        await asyncio.sleep(0.05)


def welcome(desk: Desk, running: Running, *, lid: str | None, demo: bool) -> None:
    """What there is, where to look, what to try next, and what stops with the lid of a laptop."""
    console, moment = screen.console(), now()
    needs, found = desk.board.needs_a_human(moment), desk.board.list_cases(moment)
    name = desk.names_shown({*(need.duty.reference for need in needs), *(one.case.reference for one in found)})
    console.print(screen.needs_table(needs, name, moment) if needs else "Nothing needs a human now.")
    if found:
        console.print(screen.cases_table(found, name))
    print(f"Temporal's UI:  {running.ui}")
    print(f"  with cases readable, for who signs in: {running.decoder}")
    if demo:
        print(f"  (made-up cases: {' or '.join(DEMO_PERSONS)}, passphrase: {DEMO_PASSPHRASE})")
    print(f"Pages (phones): {running.pages}")
    print("  for whom you let in: safeconduct desk passphrase NAME")
    print(f"Records:        {in_short(desk.settings.records)}")
    if lid is not None:
        print(lid)
    print("In another terminal, from this folder:")
    if found:
        first = found[0].case.reference
        for command in ("safeconduct", f"safeconduct status {name(first)}"):
            print(f"  .venv/bin/{command}")
        print(f"  .venv/bin/safeconduct timeline {first}")
        print(f"  .venv/bin/safeconduct simulate {first} --days 90")
    else:
        print("  .venv/bin/safeconduct start")
    print("Ctrl-C stops everything.", flush=True)
