"""A real server with a file, and real workers, that can be killed and started again on the same port."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO

from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest
from temporalio.client import Client

from activities.contract import SEARCH_ATTRIBUTES
from records.database import Database
from records.store import Store
from runtime.allowlist import ClientAllowlist, Program
from runtime.attributes import lacking
from runtime.codec import sealing_converter
from runtime.embedded import embedded_server, free_port
from runtime.settings import Running, Settings
from tests.support.keys import keys_in, store_in

ROOT = Path(__file__).parents[2]

WARM = multiprocessing.get_context("forkserver")
"""Starts processes by a fork of one that has imported everything already, instead of a second of imports for each."""
WARM.set_forkserver_preload(["tests.support.warm_worker"])


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of the project, of Temporal or of OpenTelemetry."""
    settings = ("SAFECONDUCT_", "TEMPORAL_", "OTEL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(settings)}


@dataclass(frozen=True)
class Place:
    """Where a server lives."""

    folder: Path
    port: int
    ui_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.folder, staff="dana")

    def announce(self) -> None:
        """Tell commands in this process where the server listens."""
        self.settings.announce(Running(address=self.address, pid=os.getpid()))

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this installation finds in its environment."""
        return {"SAFECONDUCT_HOME": str(self.folder), "TEMPORAL_ADDRESS": self.address}

    @property
    def worker_log(self) -> Path:
        return self.folder / "worker.log"

    def start_worker(self) -> ForkServerProcess:
        """The real worker, a process of its own; all it says stands in ``worker_log``.

        It is forked from a process that has imported it already: two seconds of imports would be most of a crash round.
        """
        worker = WARM.Process(target=_work, args=(self.environment, self.worker_log), daemon=True)
        worker.start()
        return worker

    @asynccontextmanager
    async def server(self) -> AsyncIterator[subprocess.Popen[bytes]]:
        async with embedded_server(self.folder / "temporal.db", self.port, self.ui_port) as server:
            yield server

    async def client(self) -> Client:
        """A client for workers and senders, with the keys of the folder."""
        converter = sealing_converter(keys_in(self.folder)[0], is_worker=True)
        return await Client.connect(
            self.address, data_converter=converter, interceptors=[ClientAllowlist()], identity=Program.WORKER
        )

    def store(self, database: Database | None = None) -> Store:
        return store_in(self.folder, database)


def _work(environment: Mapping[str, str], log: Path) -> None:
    """What ``python worker.py`` does, in a fresh process with this environment."""
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    import worker
    from runtime.ending import leave

    leave(worker.run())


def new_place(folder: Path) -> Place:
    return Place(folder, free_port(), free_port())


async def without_search_attributes(place: Place) -> None:
    """As an engine of somebody's own is, where nobody has made them yet."""
    client = await place.client()
    request = RemoveSearchAttributesRequest(namespace=client.namespace, search_attributes=list(SEARCH_ATTRIBUTES))
    await client.operator_service.remove_search_attributes(request)
    deadline = asyncio.get_running_loop().time() + 20
    while await lacking(client, SEARCH_ATTRIBUTES) != list(SEARCH_ATTRIBUTES):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)


@asynccontextmanager
async def program(
    *arguments: str, environment: Mapping[str, str] | None = None, stderr: int | IO[bytes] | None = None
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A Python program of the project, killed at the end if it still runs."""
    running = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**clean_environment(), **(environment or {})},
        stderr=stderr,
    )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
