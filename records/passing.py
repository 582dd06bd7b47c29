"""The clock of what is kept for a while: it goes on while the machine sleeps, and nobody can set it."""

import sys
import time

# CLOCK_BOOTTIME on Linux; macOS counts sleep into CLOCK_MONOTONIC. Python's own time.monotonic stands still in both.
THROUGH_SLEEP = time.CLOCK_MONOTONIC if sys.platform == "darwin" else time.CLOCK_BOOTTIME


def passed() -> float:
    """Seconds that pass always. Only differences mean anything."""
    return time.clock_gettime(THROUGH_SLEEP)
