"""The one place where a process ends."""

import os
import sys


def leave(code: int) -> None:
    """Flush, and end without the interpreter's own shutdown.

    A client that was busy can abort the interpreter while it shuts down (temporalio/sdk-python, issue 300, open): work
    that is finished must still exit with its own code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
