"""The one place where a process ends."""

import asyncio
import multiprocessing
import os
import signal
import sys


def supervisor() -> int | None:
    """Where a supervisor started this process: what can be read from when that one is gone."""
    parent = multiprocessing.parent_process()
    return parent.sentinel if parent is not None else None


def told_to_stop() -> asyncio.Event:
    """Set by SIGINT, by SIGTERM, and where a supervisor started this process, by its death."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if (sentinel := supervisor()) is not None:
        loop.add_reader(sentinel, stop.set)
    return stop


def leave(code: int) -> None:
    """Flush, and end without the interpreter's own shutdown.

    A client that was busy can abort the interpreter while it shuts down (temporalio/sdk-python, issue 300, open): work
    that is finished must still exit with its own code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
