"""What a process writes to its log: one JSON object a line, and no text that could name a person.

Rules:
    1. Of the project's own loggers the sentence is written: they are made of references and words of closed lists.
    2. Of all other loggers the sentence is written only as it stands in their source; what they put into it is not.
    3. Of an exception the types are written, never a text: it may quote a payload.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import FrameType, TracebackType

OWN = "safeconduct"
"""Above all loggers of the project."""


class JsonLines(logging.Formatter):
    """One log record as one line.

    Args:
        service: which program writes.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "service": self._service,
            "message": _sentence(record),
            "stream": _stream(record),
            "errors": list(_types(record.exc_info[1])) if record.exc_info else None,
        }
        return json.dumps({name: value for name, value in line.items() if value})


def _sentence(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == OWN:
        return record.getMessage()
    where = f"{record.module}:{record.lineno}" if record.lineno else "withheld"  # Temporal's core tells no line
    return f"{record.msg} ({where})" if _stands_in_source(record) else where


def _stands_in_source(record: logging.LogRecord) -> bool:
    """Whether the message is a constant of the function that logs: what was put together may hold anything."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if (code.co_filename, code.co_name) == (record.pathname, record.funcName):
            return record.msg in code.co_consts
        frame = frame.f_back
    return False


def _stream(record: logging.LogRecord) -> str | None:
    """The workflow that a record of Temporal's own loggers is about."""
    for name in ("temporal_workflow", "temporal_activity"):
        about = getattr(record, name, None)
        if isinstance(about, dict) and isinstance(about.get("workflow_id"), str):
            return str(about["workflow_id"])
    return None


def _types(error: BaseException | None) -> Iterator[str]:
    """The types of an exception and of those behind it."""
    while error is not None:
        yield type(error).__name__
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def write_json(service: str) -> None:
    """Let everything that this process logs, or dies of, be lines of JSON on its standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger(OWN).setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # else a record that does not fit its template is printed with all it holds
    sys.excepthook = _on_exception
    threading.excepthook = lambda died: _on_exception(died.exc_type, died.exc_value, died.exc_traceback)


def also_on_terminal(logger: logging.Logger, service: str) -> None:
    """Show a logger's warnings in the terminal of who started everything, beside the log."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter(f"{service}: %(message)s"))
    logger.addHandler(handler)


def _on_exception(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    del kind, trace
    logging.getLogger(OWN).critical("the process or a thread of it has died: %s", ", ".join(_types(error)))
