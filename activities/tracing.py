"""Where commands, appends and notices are told, in traces and figures: nowhere, until this process is told where.

OpenTelemetry is imported only behind ``activities.telling``: the command line imports this each time, and where nobody
listens that import would be the whole cost.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from activities.contract import AppendAnswer, AppendRequest
    from activities.telling import Telling
    from domain.duties import Urgency
    from domain.events import Event

_telling: "Telling | None" = None


def tell(telling: "Telling | None") -> None:
    """Tell everything there from now on; with ``None`` nothing."""
    global _telling
    _telling = telling


def telling() -> "Telling | None":
    """Where everything is told."""
    return _telling


def command(stream: str, command_id: UUID) -> AbstractContextManager[None]:
    """A command, at its sender: from sending to the answer."""
    return _telling.command(stream, command_id) if _telling is not None else nullcontext()


def append(
    request: "AppendRequest", read: "Callable[[str, int], Sequence[Event]]", write: "Callable[[], AppendAnswer]"
) -> "AppendAnswer":
    """One try to write events.

    Args:
        request: what is to be written.
        read: reads the events of a stream after a version.
        write: does it.
    """
    return _telling.append(request, read, write) if _telling is not None and request.events else write()


def notice(event: UUID, urgency: "Urgency", channel: str, stream: str | None = None) -> AbstractContextManager[None]:
    """One try to send a notice.

    Args:
        event: its id, which is also that of the event that caused it.
        urgency: its urgency.
        channel: the name of the channel.
        stream: whose event it was; ``None`` for the watchdog's own.
    """
    return _telling.notice(event, urgency, channel, stream) if _telling is not None else nullcontext()
