"""The processes of an installation on one machine: started, started again when they die, and stopped in order."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Self

from runtime.ending import SUPERVISED

AGAIN_SECONDS = 1.0
"""Before a process that died is started again: one that dies at once must not keep the machine busy."""

STOP_SECONDS = 20.0
"""How long a process may take to finish what it has begun: a worker drains for ten seconds."""


class Crew:
    """Processes that run beside this one. Should this one be killed, they end by themselves.

    Args:
        folder: where their logs are written.
        environment: what they are given beside this process's own.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment, SUPERVISED: "1"}
        self._processes: dict[str, Process] = {}
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
        for process in reversed(self._processes.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _start(self, name: str, arguments: tuple[str, ...]) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            # a session of its own: Ctrl-C reaches us alone, and we stop them in order
            self._processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *arguments),
                env=self._environment,
                stdin=PIPE,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )

    async def _keep(self, name: str, arguments: tuple[str, ...]) -> None:
        while True:
            code = await self._processes[name].wait()
            print(f"The {name} ended (code {code}) and is started again: {name}.log says why.", flush=True)
            await asyncio.sleep(AGAIN_SECONDS)
            await self._start(name, arguments)
