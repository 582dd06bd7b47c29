"""The one place where a process ends."""

import asyncio
import os
import signal
import sys

SUPERVISED = "SAFECONDUCT_SUPERVISED"
"""Set for processes that another one started: their standard input ends when that one is gone."""


def told_to_stop() -> asyncio.Event:
    """Set by SIGINT, by SIGTERM, and where a supervisor started this process, by its death."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if SUPERVISED in os.environ:
        loop.add_reader(sys.stdin.fileno(), stop.set)  # nothing is ever written there: readable is ended
    return stop


def leave(code: int) -> None:
    """Flush, and end without the interpreter's own shutdown.

    A client that was busy can abort the interpreter while it shuts down (temporalio/sdk-python, issue 300, open): work
    that is finished must still exit with its own code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
