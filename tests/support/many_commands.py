"""Types many commands, each in a process of its own.

Importing the command line, and the engine's client, takes longer than most commands. Here (``python -m
tests.support.many_commands``) that is done once for all tests of a process; then each command is a fork, with real
arguments, a whole environment of its own, real output and a real exit code.
"""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from domain.rulebook import load
from runtime.ending import leave
from tests.support.servers import ROOT, clean_environment


class Ended(NamedTuple):
    """A command that ended: its exit code, and what it printed."""

    code: int
    output: str
    errors: str


def ended(arguments: Sequence[str], environment: Mapping[str, str], program: str = "starter") -> Ended:
    """A command that has run.

    Args:
        environment: in addition to that of the tests; no setting of the project comes from there.
        program: or "worker", where it ends by itself.
    """
    typist = _typist()
    assert typist.stdin is not None
    assert typist.stdout is not None
    typist.stdin.write(json.dumps([program, arguments, {**clean_environment(), **environment}]) + "\n")
    typist.stdin.flush()
    return Ended(*json.loads(typist.stdout.readline()))


def typed(arguments: Sequence[str], environment: Mapping[str, str], program: str = "starter") -> tuple[int, str]:
    """The exit code of a command and what it printed, errors included: they come last."""
    code, output, errors = ended(arguments, environment, program)
    return code, output + errors


@dataclass(frozen=True)
class Commands:
    """Types commands at one installation, whether it runs or not."""

    environment: Mapping[str, str]

    def type(self, arguments: Sequence[str]) -> tuple[int, str]:
        return typed(arguments, self.environment)


def at(home: Path, **environment: str) -> Commands:
    """Dana's commands at the installation in a folder."""
    return Commands({"SAFECONDUCT_HOME": str(home), "SAFECONDUCT_STAFF": "dana", **environment})


@cache
def _typist() -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "tests.support.many_commands")
    typist = subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C at the tests is not for the one that types
    )
    atexit.register(typist.__exit__, None, None, None)
    return typist


def _type(program: str, arguments: list[str], environment: dict[str, str]) -> Ended:
    import starter
    import worker

    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv = ["safeconduct", *arguments]
            if program == "worker":
                leave(worker.run())
            starter.main()
        _, status = os.waitpid(child, 0)
        for printed in (output, errors):
            printed.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), output.read().decode(), errors.read().decode())


def import_once() -> None:
    """Import and read, for all commands that are forked from this process, what most of them ask for."""
    for name in ("starter", "worker", "runtime.office", "runtime.doctor", "runtime.backup", "runtime.local"):
        import_module(name)
    load()


def _serve() -> None:
    import_once()
    for line in sys.stdin:
        print(json.dumps(_type(*json.loads(line))), flush=True)


if __name__ == "__main__":
    _serve()
