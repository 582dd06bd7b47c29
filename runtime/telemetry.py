"""Traces and metrics, exported over OTLP where ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a receiver; JSON logs in any case.

All of OpenTelemetry's own variables count (headers, intervals, certificates). Without the endpoint nothing of it is
imported: the command line would pay for it each time.
"""

import os
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from logging import NullHandler, getLogger
from threading import Thread
from uuid import uuid4

from activities import tracing
from domain.errors import NotUnderstood
from records.board import Board
from records.errors import Unreachable
from runtime.logs import write_json

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The one variable that switches it on: a URL, to which ``/v1/traces`` and ``/v1/metrics`` are added."""

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
"""Milliseconds from one sending of metrics to the next, Temporal's own included; a minute if not set."""

FLUSH = timedelta(seconds=3)
"""How long a process that ends waits for the receiver. Longer would hold up a coordinator for an operator's sake."""

SCOPE = "safeconduct"
"""Of all names."""


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
    _quiet_temporal(service)
    return export(service)


def export(service: str) -> Callable[[], None]:
    """For a command: telemetry if there is an endpoint, and nothing at all if there is none.

    Raises:
        NotUnderstood: the endpoint is no address.
    """
    return _exporting(service) if _endpoint() else _nothing


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


def _nothing() -> None:
    pass


def _exporting(service: str) -> Callable[[], None]:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class DerivedIds(RandomIdGenerator):
        """Ids that sender and worker agree on, for the trace that is begun right now; random ones for all else."""

        def generate_trace_id(self) -> int:
            event = tracing.beginning.get()
            return tracing.trace_id(event) if event is not None else super().generate_trace_id()

        def generate_span_id(self) -> int:
            event = tracing.beginning.get()
            return tracing.root_id(event) if event is not None else super().generate_span_id()

    getLogger("opentelemetry").addHandler(NullHandler())  # on a coordinator's terminal a silent receiver is no news
    resource = Resource.create({"service.name": f"{SCOPE}-{service}", "service.instance.id": str(uuid4())})
    spans = TracerProvider(resource=resource, id_generator=DerivedIds(), shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource, shutdown_on_exit=False)
    tracing.tell(spans.get_tracer(SCOPE), metrics.get_meter(SCOPE))

    def send_what_is_left() -> None:
        spans.shutdown()
        metrics.shutdown()

    def stop() -> None:
        tracing.fall_silent()
        last = Thread(target=send_what_is_left, daemon=True)  # neither takes a limit that holds
        last.start()
        last.join(FLUSH.total_seconds())

    return stop


def _quiet_temporal(service: str) -> None:
    """Let what Temporal's client writes go the same way; and its metrics, which hold types and queues, but no ids."""
    from temporalio import activity, workflow
    from temporalio.runtime import (
        LogForwardingConfig,
        LoggingConfig,
        OpenTelemetryConfig,
        Runtime,
        TelemetryConfig,
    )

    metrics = None
    if endpoint := _endpoint():
        from opentelemetry.util.re import parse_env_headers

        headers = parse_env_headers(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""), liberal=True)
        metrics = OpenTelemetryConfig(
            f"{endpoint.rstrip('/')}/v1/metrics",
            headers=headers,
            metric_periodicity=_interval(),
            durations_as_seconds=True,
            http=True,
        )
    logging_ = LoggingConfig(LoggingConfig.default.filter, LogForwardingConfig(getLogger("temporalio.core")))
    telemetry = TelemetryConfig(logging_, metrics, {"service.name": f"{SCOPE}-{service}"}, attach_service_name=False)
    Runtime.set_default(Runtime(telemetry=telemetry, disable_environment_info=True), error_if_already_set=False)
    # the sentence alone: the rest is a field of its own
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


def observe_board(board: Board, now: Callable[[], datetime]) -> None:
    """Tell what the records hold, each time that metrics are sent. For one process of an installation: each counts all.

    Args:
        board: the read models.
        now: the clock by which duties are due.
    """
    if (meter := tracing.meter()) is None:
        return
    from opentelemetry.metrics import CallbackOptions, Observation

    def gauge(name: str, unit: str, meaning: str, figures: Callable[[], Iterable[Observation]]) -> None:
        def read(_: CallbackOptions) -> Iterable[Observation]:
            try:
                return list(figures())
            except Unreachable:  # the watchdog says so; no figure is better than an old one
                return ()

        meter.create_observable_gauge(f"{SCOPE}.{name}", [read], unit, meaning)

    def cases() -> Iterable[Observation]:
        for stage, country, number in board.open_cases():
            yield Observation(number, {"stage": stage, "country": country or "unknown"})

    gauge("cases.open", "{case}", "open cases", cases)

    def duties(name: str, meaning: str, count: Callable[[], int]) -> None:
        gauge(f"duties.{name}", "{duty}", meaning, lambda: [Observation(count())])

    duties("due", "duties that come due within a day", lambda: board.due_within_a_day(now()))
    duties("overdue", "duties past their instant that nobody has taken in hand", lambda: board.overdue(now()))
    duties("unacknowledged", "duties told that nobody has taken in hand", board.unacknowledged)
