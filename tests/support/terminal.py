"""Commands typed at a real terminal: a pseudo-terminal of their own, with questions that are read and answered.

As a program (``python -m tests.support.terminal``) it types many commands. Importing the command line takes longer than
most of them; here that is done once, and each command is a fork with a session and a terminal of its own.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import TextIOWrapper
from pathlib import Path

from tests.support.many_commands import import_once
from tests.support.servers import ROOT, clean_environment

PATIENCE_SECONDS = 60.0
"""Of a question or an end. Far more than anything takes; only a broken test waits so long."""

CTRL_C, CTRL_D = "\x03", "\x04"


@dataclass
class Terminal:
    """One command at its terminal.

    Attributes:
        pid: of the command.
        printed: all that it has shown so far.
    """

    master: int
    pid: int = 0
    printed: str = ""
    _read: int = 0
    _rest: bytes = b""

    def reads(self, text: str) -> str:
        """Wait until a text is shown that was not read before; returns what stood before it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.printed[self._read :]:
            assert time.monotonic() < deadline, f"{text!r} was never shown:\n{self.printed}"
            assert self._more(), f"it ended without {text!r}:\n{self.printed}"
        end = self.printed.index(text, self._read)
        before, self._read = self.printed[self._read : end], end + len(text)
        return before

    def types(self, text: str, end: str = "\n") -> None:
        os.write(self.master, (text + end).encode())

    def answers(self, question: str, answer: str) -> None:
        """Wait for a question, and answer it."""
        self.reads(question)
        self.types(answer)

    def reads_to_the_end(self) -> str:
        """Wait until the command closes its terminal; returns all that it has shown."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._more():
            assert time.monotonic() < deadline, f"it did not end:\n{self.printed}"
        return self.printed

    def _more(self) -> bool:
        """Read what has come within a moment; whether more can come."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return True
        try:
            self._rest += os.read(self.master, 65536)
        except OSError:  # how Linux says that nobody holds the other side any more
            return False
        with contextlib.suppress(UnicodeDecodeError):
            self.printed += self._rest.decode().replace("\r\n", "\n")
            self._rest = b""
        return True


@dataclass
class Typist:
    """Types commands, each at a terminal of its own.

    Attributes:
        environment: of every command.
    """

    process: subprocess.Popen[str]
    environment: dict[str, str]
    _ended: dict[int, int] = field(default_factory=dict)

    def at(self, home: Path, staff: str = "dana") -> "Typist":
        """The same, at another folder."""
        elsewhere = {"SAFECONDUCT_HOME": str(home), "SAFECONDUCT_STAFF": staff}
        return replace(self, environment={**self.environment, **elsewhere})

    @contextlib.contextmanager
    def typing(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Terminal]:
        """One command, killed at the end if it still runs."""
        master, slave = os.openpty()
        wanted = {**self.environment, **(environment or {})}
        terminal = Terminal(master, self._ask([arguments, wanted, os.ttyname(slave)]))
        os.close(slave)
        try:
            yield terminal
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(terminal.pid, 9)
            self.code_of(terminal)
            os.close(master)

    def code_of(self, terminal: Terminal) -> int:
        """The exit code of a command that ends."""
        assert self.process.stdout is not None
        while terminal.pid not in self._ended:
            pid, code = json.loads(self.process.stdout.readline())
            self._ended[pid] = code
        return self._ended[terminal.pid]

    def types(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """A command that asks nothing: its exit code and all that it shows."""
        with self.typing(*arguments, environment=environment) as terminal:
            printed = terminal.reads_to_the_end()
            return self.code_of(terminal), printed

    def _ask(self, wanted: list[object]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        while True:
            said = json.loads(self.process.stdout.readline())
            if isinstance(said, int):
                return said
            self._ended[said[0]] = said[1]


@contextlib.contextmanager
def typist(folder: Path) -> Iterator[Typist]:
    """Somebody who types commands."""
    environment = {
        **clean_environment(),
        # no colours, and wide enough for tables
        "TERM": "dumb",
        "COLUMNS": "200",
        "LINES": "50",
        # an engine of somebody's own is none of its business
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.terminal"],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Typist(process, environment)
        finally:
            process.kill()


@contextlib.contextmanager
def program(*command: str, environment: Mapping[str, str]) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """A program of its own at a terminal, killed at the end if it still runs."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Terminal(master, process.pid), process
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _type(arguments: list[str], environment: dict[str, str], tty: str) -> None:
    """Become the command. Never returns."""
    import starter

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    os.setsid()
    terminal = os.open(tty, os.O_RDWR)  # the first one that a session opens is its own
    os.write(1, f"{os.getpid()}\n".encode())  # not before: a terminal that nobody holds looks as if all had ended
    for number in range(3):
        os.dup2(terminal, number)
    assert isinstance(sys.stdout, TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)  # it was opened for a pipe
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["safeconduct", *arguments]
    starter.main()


def _watch(wanted: tuple[list[str], dict[str, str], str]) -> None:
    """Start a command, which says its process id; wait for its end and say its exit code."""
    child = os.fork()
    if child == 0:
        _type(*wanted)
    _, status = os.waitpid(child, 0)
    os.write(1, f"{json.dumps([child, os.waitstatus_to_exitcode(status)])}\n".encode())
    os._exit(0)


def _serve() -> None:
    import_once()
    for line in sys.stdin:
        wanted = json.loads(line)
        if os.fork() == 0:
            _watch(wanted)


if __name__ == "__main__":
    _serve()
