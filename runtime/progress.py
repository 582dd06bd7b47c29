"""How far a long piece of work is, and what is said when the engine goes away under it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from runtime import screen
from runtime.settings import NotRunning

if TYPE_CHECKING:  # the engine's client takes half a second to import: reading commands do not wait for it
    from temporalio.service import RPCError


class Bar:
    """A bar that is moved on."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def __call__(self, more: int = 1) -> None:
        """So much more is done."""
        self._progress.advance(self._task, more)

    def reach(self, done: int, total: int) -> None:
        """So much is done, of so much."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Bar]:
    """A bar on a terminal that is gone in the end, and nothing elsewhere."""
    console = screen.console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield Bar(bars, bars.add_task(what, total=total))


def stopped_answering(error: "RPCError") -> NotRunning:
    """What is said when the engine goes away in the middle of work that can be done again."""
    why = error.status.name.lower().replace("_", " ")
    return NotRunning(f"the engine stopped answering ({why}): do it again, and it goes on from there")
