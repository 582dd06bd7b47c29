"""Types many commands, each in a process of its own: ``python -m tests.support.many_commands``.

Importing the command line, and the engine's client, takes longer than most commands. Here that is done once; then each
command is a fork, with real arguments, real output and a real exit code. Reads a JSON list of arguments from each line,
answers with one line.
"""

import json
import os
import sys
import tempfile

import runtime.client
import runtime.office  # noqa: F401
import starter


def typed(arguments: list[str]) -> tuple[int, str]:
    """The exit code and what was printed, errors included."""
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            sys.argv = ["safeconduct", *arguments]
            starter.main()
        _, status = os.waitpid(child, 0)
        printed.seek(0)
        return os.waitstatus_to_exitcode(status), printed.read().decode()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(typed(json.loads(line))), flush=True)
