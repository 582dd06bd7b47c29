"""The embedded Temporal server: one process, one file, loopback only."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.contract import SEARCH_ATTRIBUTES
from domain.errors import SafeconductError
from runtime.allowlist import Program
from runtime.attributes import lacking, make

READY_SECONDS = 30.0
"""How long the server may take to open its port; on a slow disk its first start writes a schema."""

REFUSED_ARE_KEPT = "1m"
"""Of a start that it refuses (the workflow runs already) the server keeps the sealed input, under no name, until its
own sweep, twice a day, finds it to be older than this. Its default is sixty days: too long for an erased case."""

UNTHROTTLED = {f"history.{queue}ProcessorMaxPollRPS": "10000" for queue in ("timer", "transfer", "visibility")}
"""How often in a second the server may look for its next work. Its default, twenty times, spares a database that
thousands of such queues share; here there is one of each, and every step of a case would wait for its turn."""

SETTLES_EVERY = "1s"
"""How often the server settles what it has done. Before it deletes a run it waits until the run's end is settled: by
default half a minute, in which the history of an erased case would still be there."""

STOP_SECONDS = 10.0
"""How long it may take to stop by itself."""

LOOK_SECONDS = 0.25
"""How soon it is seen that the server has died."""

AGAIN_SECONDS = 2.0
"""Before a server that did not come up is tried again: its disk may be full, or its port be taken for a moment."""


class EngineDidNotStart(SafeconductError):
    """The embedded server did not come up."""

    code = "engine-did-not-start"


def temporal_binary() -> str:
    """The ``temporal`` command: the one of this environment, else one on the path.

    Raises:
        EngineDidNotStart: there is none.
    """
    own = Path(sys.executable).parent / "temporal"
    found = str(own) if own.exists() else shutil.which("temporal")
    if found is None:
        raise EngineDidNotStart("the `temporal` command is missing: run `make demo`, which installs it")
    return found


PORTS = range(20_000, 32_000)
"""Below those that a system gives to whoever asks for any, the engine's own parts among them: what is free in here
now is free in a moment too."""


def free_port() -> int:
    """A port that is free now.

    Raises:
        EngineDidNotStart: none was found.
    """
    for _ in range(100):
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise EngineDidNotStart("no port is free: end what listens on this machine")


def must_be_free(port: int) -> None:
    """A server of somebody else behind our port would be taken for ours.

    Raises:
        EngineDidNotStart: something listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise EngineDidNotStart(f"port {port} is taken: stop what listens there, then start again") from None


def pid_file(database: Path) -> Path:
    """Where the process id of a database's server stands."""
    return database.with_suffix(".pid")


def stop_orphan(database: Path) -> None:
    """Stop a server that a killed predecessor left behind: two on one file would ruin it."""
    try:
        pid = int(pid_file(database).read_text())
        shown = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)  # noqa: S603, S607
        if str(database) not in shown.stdout:
            return
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def server_command(database: Path, port: int, ui_port: int, *extra: str) -> list[str]:
    """The command line of an embedded server."""
    return [
        temporal_binary(),
        "server",
        "start-dev",
        *("--ip", "127.0.0.1"),
        *("--port", str(port)),
        *("--ui-port", str(ui_port)),
        *("--db-filename", str(database)),
        *("--sqlite-pragma", "secure_delete=1"),
        *("--dynamic-config-value", f'worker.historyScannerDataMinAge="{REFUSED_ARE_KEPT}"'),
        *("--dynamic-config-value", f'history.transferProcessorUpdateAckInterval="{SETTLES_EVERY}"'),
        *(part for key, value in UNTHROTTLED.items() for part in ("--dynamic-config-value", f"{key}={value}")),
        *("--log-level", "error"),
        "--ui-disable-news-fetch",
        *extra,
    ]


@contextlib.asynccontextmanager
async def embedded_server(
    database: Path, port: int, ui_port: int, *extra: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Run the server as long as the context lasts.

    Raises:
        EngineDidNotStart: it ended at once, or its port does not open.
    """
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    await asyncio.to_thread(stop_orphan, database)
    for wanted in (port, ui_port):
        must_be_free(wanted)
    command = server_command(database, port, ui_port, *extra)
    with (database.parent / "temporal.log").open("ab") as log:
        # a session of its own: Ctrl-C reaches us alone, and we stop the worker first
        server = await asyncio.to_thread(
            subprocess.Popen, command, stdout=log, stderr=log, start_new_session=True, umask=0o077
        )
    pid_file(database).write_text(str(server.pid))
    try:
        await port_opens(server, port)
        yield server
    finally:
        await asyncio.to_thread(_stop, server)
        pid_file(database).unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def lasting_server(database: Path, port: int, ui_port: int, *extra: str) -> AsyncIterator[None]:
    """Run the server as long as the context lasts. One that dies is started again.

    Raises:
        EngineDidNotStart: it did not come up the first time.
    """
    async with contextlib.AsyncExitStack() as life:
        first = await life.enter_async_context(embedded_server(database, port, ui_port, *extra))

        async def keep(server: subprocess.Popen[bytes]) -> None:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if (code := server.poll()) is None:
                    continue
                print(f"The engine ended (code {code}) and is started again: temporal.log says why.", flush=True)
                await life.aclose()
                try:
                    server = await life.enter_async_context(embedded_server(database, port, ui_port, *extra))
                except EngineDidNotStart:
                    await asyncio.sleep(AGAIN_SECONDS)

        keeping = asyncio.create_task(keep(first))
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


async def port_opens(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a server accepts connections, and answers: its port opens a moment before it does.

    Raises:
        EngineDidNotStart: it ended, or took too long.
    """
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if server.poll() is not None:
            raise EngineDidNotStart("the engine ended at once: temporal.log beside its file says why")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        if await answers(port):
            return
        await asyncio.sleep(0.05)
    raise EngineDidNotStart("the engine did not open its port in time: temporal.log beside its file says why")


async def answers(port: int) -> bool:
    """Whether the server behind a port is ready, its namespace and its search attributes included."""
    try:
        client = await Client.connect(f"127.0.0.1:{port}", identity=Program.SUPERVISOR)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        await make(client, await lacking(client, SEARCH_ATTRIBUTES))
        return not await lacking(client, SEARCH_ATTRIBUTES)
    except (RuntimeError, RPCError):
        return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
