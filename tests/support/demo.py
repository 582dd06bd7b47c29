"""A running ``safeconduct up --demo``, and a way to type commands into it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.many_commands import Commands, at
from tests.support.servers import ROOT, clean_environment

READY_SECONDS, STOP_SECONDS, POLL_SECONDS = 180, 30, 0.1


@dataclass(frozen=True)
class Demo(Commands):
    """A running demo; commands are typed into it."""

    process: subprocess.Popen[str]
    printed: Path


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(POLL_SECONDS)


def start(
    folder: Path, *command: str, printed: int, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **clean_environment(),
            "SAFECONDUCT_HOME": str(folder / "home"),
            "SAFECONDUCT_STAFF": "dana",
            **(environment or {}),
        },
        stdin=subprocess.PIPE,
        stdout=printed,
        text=True,
    )


@contextmanager
def running_demo(
    folder: Path,
    stop: signal.Signals = signal.SIGINT,
    *,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Demo]:
    """`safeconduct up --demo` in a folder, stopped in the end as by Ctrl-C: it must leave nothing running."""
    given = environment or {}
    printed = folder / "printed.txt"
    program = Path(sys.executable).parent / "safeconduct"
    with printed.open("w") as file:
        # an engine of somebody's own is none of its business
        elsewhere = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_PROFILE": "none"}
        command = (str(program), "up", "--demo", *options)
        process = start(folder, *command, printed=file.fileno(), environment={**elsewhere, **given})
    running = folder / "home" / "running.json"

    def is_up() -> bool:
        assert process.poll() is None, f"the demo ended: {printed.read_text()}"
        return running.exists() and "Ctrl-C stops everything." in printed.read_text()

    try:
        wait_until(is_up, READY_SECONDS, "the demo did not come up")
        yield Demo(at(folder / "home", **given).environment, process, printed)
        process.send_signal(stop)
        assert process.wait(STOP_SECONDS) == 0
        assert not running.exists()
        assert not (folder / "home" / "temporal.pid").exists()
    finally:
        process.kill()
        with process:
            pass
