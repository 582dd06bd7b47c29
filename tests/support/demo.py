"""A running ``safeconduct up --demo``, and a way to type commands into it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import ROOT, clean_environment

READY_SECONDS, STOP_SECONDS, POLL_SECONDS = 60, 30, 0.05


@dataclass(frozen=True)
class Demo:
    """A running demo and a way to type commands into it."""

    process: subprocess.Popen[str]
    printed: Path
    typing: subprocess.Popen[str]

    def type(self, arguments: list[str]) -> tuple[int, str]:
        assert self.typing.stdin is not None
        assert self.typing.stdout is not None
        self.typing.stdin.write(json.dumps(arguments) + "\n")
        self.typing.stdin.flush()
        code, printed = json.loads(self.typing.stdout.readline())
        return int(code), str(printed)


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
    many = (sys.executable, "-m", "tests.support.many_commands")
    typing = start(folder, *many, printed=subprocess.PIPE, environment=given)
    running = folder / "home" / "running.json"

    def is_up() -> bool:
        assert process.poll() is None, f"the demo ended: {printed.read_text()}"
        return running.exists() and "Ctrl-C stops everything." in printed.read_text()

    try:
        wait_until(is_up, READY_SECONDS, "the demo did not come up")
        yield Demo(process, printed, typing)
        process.send_signal(stop)
        assert process.wait(STOP_SECONDS) == 0
        assert not running.exists()
        assert not (folder / "home" / "temporal.pid").exists()
    finally:
        for one in (process, typing):
            one.kill()
            with one:
                pass
