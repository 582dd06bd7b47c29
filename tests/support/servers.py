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

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from runtime.embedded import embedded_server, free_port
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]

_WORKERS = multiprocessing.get_context("forkserver")
_WORKERS.set_forkserver_preload(["tests.support.warm_worker"])


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
        return Settings(home=self.folder, temporal_address=self.address, staff="dana")

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this installation finds in its environment."""
        return {"SAFECONDUCT_HOME": str(self.folder), "SAFECONDUCT_TEMPORAL_ADDRESS": self.address}

    @property
    def worker_log(self) -> Path:
        return self.folder / "worker.log"

    def start_worker(self) -> ForkServerProcess:
        """The real worker, a process of its own; all it says stands in ``worker_log``.

        It is forked from a process that has imported it already: two seconds of imports would be most of a crash round.
        """
        worker = _WORKERS.Process(target=_work, args=(self.environment, self.worker_log), daemon=True)
        worker.start()
        return worker

    @asynccontextmanager
    async def server(self) -> AsyncIterator[subprocess.Popen[bytes]]:
        async with embedded_server(self.folder / "temporal.db", self.port, self.ui_port) as server:
            yield server

    async def client(self) -> Client:
        return await Client.connect(self.address, data_converter=pydantic_data_converter)


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


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A Python program of the project, killed at the end if it still runs."""
    running = await asyncio.to_thread(subprocess.Popen, [sys.executable, *arguments], cwd=ROOT)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
