"""The processes of an installation on one machine: started, started again when they die, and stopped in order.

Each is forked from one process that has imported the whole program, once for all: it begins in a moment, and shares the
memory that the program's code takes. Where the system has no such forks, each imports it by itself.
"""

import asyncio
import contextlib
import multiprocessing
import os
import runpy
import shutil
import signal
import sys
from collections.abc import Mapping
from multiprocessing import forkserver, util
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

AGAIN_SECONDS = 1.0
"""Before a process that died is started again: one that dies at once must not keep the machine busy."""

STOP_SECONDS = 20.0
"""How long a process may take to finish what it has begun: a worker drains for ten seconds."""

NOBODY_KNOWS = 255
"""The exit code of a process of which nobody can tell how it ended: whoever forked it is gone."""

_PRELOADED = ["worker", "starter", "runtime.watchdog", "runtime.unsealing", "runtime.pages"]
# on macOS a forked process may not use the system's own libraries; with Python 3.11.0 every account of the machine may
# ask for a fork (CVE-2022-42919)
_FORKS = sys.platform == "linux" and sys.version_info >= (3, 11, 1)
_PROCESSES = multiprocessing.get_context("forkserver") if _FORKS else multiprocessing.get_context("spawn")


class Crew:
    """Processes that run beside this one. Should this one be killed, they end by themselves.

    Args:
        folder: where their logs are written, and their process ids.
        environment: what they are given beside this process's own.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._processes: dict[str, BaseProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def begin(self, name: str, *arguments: str) -> None:
        """Start a program of the project, and keep it running."""
        await self._start(name, arguments)
        self._keepers.append(asyncio.create_task(self._keep(name, arguments)))

    async def stop(self) -> None:
        """Stop all, the youngest first, and wait until each has finished what it had begun."""
        for keeper in self._keepers:
            keeper.cancel()
        # a keeper that still ends would take the reader away by which is waited below
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for name, process in reversed(self._processes.items()):
            process.terminate()
            try:
                await asyncio.wait_for(_ended(process), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await _ended(process)
            _pid_file(self._folder, name).unlink(missing_ok=True)
        # the place of the socket by which forks are asked for; a process that leaves at once does not clear it away
        shutil.rmtree(util.get_temp_dir(), ignore_errors=True)

    async def _start(self, name: str, arguments: tuple[str, ...]) -> None:
        log = self._folder / f"{name}.log"
        process = _PROCESSES.Process(target=_live, args=(name, arguments, self._environment, log))
        await asyncio.to_thread(process.start)  # it waits until the program is imported
        self._processes[name] = process
        _pid_file(self._folder, name).write_text(str(process.pid))

    async def _keep(self, name: str, arguments: tuple[str, ...]) -> None:
        while True:
            process = self._processes[name]
            code = await _ended(process)
            if code == NOBODY_KNOWS and process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # if it lives on: two would want the same port
            print(f"The {name} ended (code {code}) and is started again: {name}.log says why.", flush=True)
            await asyncio.sleep(AGAIN_SECONDS)
            await self._start(name, arguments)


def prepare() -> None:
    """Let the program be imported for the crew, while this process does other things."""
    if _FORKS:
        _PROCESSES.set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()


def _pid_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.pid"


async def _ended(process: BaseProcess) -> int | None:
    """Wait until a process has ended; its exit code."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
    return process.exitcode


def _live(name: str, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
    """What a process of the crew does: it becomes a program of the project, as ``python -m`` makes it."""
    os.setsid()  # Ctrl-C reaches the supervisor alone, which stops all in order
    os.umask(0o077)
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(f"sc-{name}")  # what `top` and `ps -e` show
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    program, *sys.argv[1:] = arguments
    runpy.run_module(program, run_name="__main__", alter_sys=True)
