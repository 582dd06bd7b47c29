"""Traces and metrics, exported over OTLP where ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a receiver; JSON logs in any case.

All of OpenTelemetry's own variables count (headers, intervals, certificates). Without the endpoint nothing of it is
imported: the command line would pay for it each time.
"""

import os
import re
from collections.abc import Callable
from datetime import datetime
from logging import getLogger

from activities import tracing
from domain.errors import NotUnderstood
from records.board import Board
from runtime.logs import write_json

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The one variable that switches it on: a URL, to which ``/v1/traces`` and ``/v1/metrics`` are added."""


def start(service: str) -> Callable[[], None]:
    """For a program that keeps running: JSON logs, and telemetry if there is an endpoint. Call it before any client.

    Args:
        service: which program this is, e.g. ``worker``.

    Returns:
        What to call at the end: it sends what is left.

    Raises:
        NotUnderstood: the endpoint is no address.
    """
    write_json(service)
    _log_temporal_alike()
    return export(service)


def export(service: str) -> Callable[[], None]:
    """For a command: telemetry if there is an endpoint, and nothing at all if there is none.

    Raises:
        NotUnderstood: the endpoint is no address.
    """
    if not _endpoint():
        return lambda: None
    from runtime.otlp import export_everything

    return export_everything(f"safeconduct-{service}")


def _endpoint() -> str | None:
    endpoint = os.environ.get(ENDPOINT)
    if endpoint and not re.match(r"https?://[^/]", endpoint):
        raise NotUnderstood(f"{ENDPOINT} is no address: it begins with http:// or https://")
    return endpoint


def _log_temporal_alike() -> None:
    """Let what Temporal's client writes go the same way: its core would write to the terminal by itself."""
    from temporalio import activity, workflow
    from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig

    # its metrics stay here: their exporter follows redirects, and takes the headers along
    logs = LoggingConfig(LoggingConfig.default.filter, LogForwardingConfig(getLogger("temporalio.core")))
    runtime = Runtime(telemetry=TelemetryConfig(logging=logs), disable_environment_info=True)
    Runtime.set_default(runtime, error_if_already_set=False)
    # the sentence alone: which workflow it is about is a field of its own
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


def observe_board(board: Board, now: Callable[[], datetime]) -> None:
    """Tell what the records hold, each time that metrics are sent. For one process of an installation: each counts all.

    Args:
        board: the read models.
        now: the clock by which duties are due.
    """
    if (telling := tracing.telling()) is not None:
        from runtime.otlp import observe

        observe(telling.meter, board, now)
