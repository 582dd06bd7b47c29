"""Traces and metrics, exported over OTLP where ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a receiver; JSON logs in any case.

All of OpenTelemetry's own variables count (headers, intervals, certificates). Without the endpoint nothing of it is
imported: the command line would pay for it each time.
"""

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from logging import getLogger
from typing import TYPE_CHECKING

from activities import tracing
from domain.errors import NotUnderstood
from records.board import Board
from runtime.logs import write_json

if TYPE_CHECKING:
    from temporalio.runtime import OpenTelemetryConfig

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The one variable that switches it on: a URL, to which ``/v1/traces`` and ``/v1/metrics`` are added."""

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
"""Milliseconds from one sending of metrics to the next, Temporal's own included; a minute if not set."""

SCOPE = "safeconduct"
"""Of all names."""


def start(service: str) -> Callable[[], None]:
    """For a program that keeps running: JSON logs, and telemetry if there is an endpoint. Call it before any client.

    Args:
        service: which program this is, e.g. ``worker``.

    Returns:
        What to call at the end: it sends what is left.

    Raises:
        NotUnderstood: the endpoint is no address, or the interval no number.
    """
    write_json(service)
    _quiet_temporal(service)
    return export(service)


def export(service: str) -> Callable[[], None]:
    """For a command: telemetry if there is an endpoint, and nothing at all if there is none.

    Raises:
        NotUnderstood: the endpoint is no address, or the interval no number.
    """
    if not _endpoint():
        return lambda: None
    _interval()
    from runtime.otlp import export_everything

    return export_everything(f"{SCOPE}-{service}")


def _endpoint() -> str | None:
    endpoint = os.environ.get(ENDPOINT)
    if endpoint and not re.match(r"https?://[^/]", endpoint):
        raise NotUnderstood(f"{ENDPOINT} is no address: it begins with http:// or https://")
    return endpoint


def _interval() -> timedelta:
    try:
        return timedelta(milliseconds=int(os.environ.get(INTERVAL, "60000")))
    except ValueError:
        raise NotUnderstood(f"{INTERVAL} is no number of milliseconds") from None


def _quiet_temporal(service: str) -> None:
    """Let what Temporal's client writes go the same way; and its metrics, which hold types and queues, but no ids."""
    from temporalio import activity, workflow
    from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig

    endpoint = _endpoint()
    telemetry = TelemetryConfig(
        logging=LoggingConfig(LoggingConfig.default.filter, LogForwardingConfig(getLogger("temporalio.core"))),
        metrics=_temporal_metrics(endpoint) if endpoint else None,
        global_tags={"service.name": f"{SCOPE}-{service}"},
        attach_service_name=False,
    )
    Runtime.set_default(Runtime(telemetry=telemetry, disable_environment_info=True), error_if_already_set=False)
    # the sentence alone: which workflow it is about is a field of its own
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


def _temporal_metrics(endpoint: str) -> "OpenTelemetryConfig":
    from opentelemetry.util.re import parse_env_headers
    from temporalio.runtime import OpenTelemetryConfig

    return OpenTelemetryConfig(
        f"{endpoint.rstrip('/')}/v1/metrics",
        headers=parse_env_headers(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""), liberal=True),
        metric_periodicity=_interval(),
        durations_as_seconds=True,
        http=True,
    )


def observe_board(board: Board, now: Callable[[], datetime]) -> None:
    """Tell what the records hold, each time that metrics are sent. For one process of an installation: each counts all.

    Args:
        board: the read models.
        now: the clock by which duties are due.
    """
    if (telling := tracing.telling()) is not None:
        from runtime.otlp import observe

        observe(telling.meter, board, now)
