"""The exporters. Nobody imports this but ``runtime.telemetry``, and only where an endpoint is set."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from logging import NullHandler, getLogger
from threading import Thread
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from activities import tracing
from activities.telling import Telling, beginning, root_id, trace_id
from records.board import Board
from records.errors import Unreachable

FLUSH = timedelta(seconds=3)
"""How long a process that ends waits for the receiver. Longer would hold up a coordinator for an operator's sake."""

SCOPE = "safeconduct"
"""Who tells, of all spans and figures."""


class DerivedIds(RandomIdGenerator):
    """Ids that sender and worker agree on, for the trace that is begun right now; random ones for all else."""

    def generate_trace_id(self) -> int:
        event = beginning.get()
        return trace_id(event) if event is not None else super().generate_trace_id()

    def generate_span_id(self) -> int:
        event = beginning.get()
        return root_id(event) if event is not None else super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False


def export_everything(service: str) -> Callable[[], None]:
    """Export what this process tells. Returns what to call at the end: it sends what is left."""
    getLogger("opentelemetry").addHandler(NullHandler())  # on a coordinator's terminal a silent receiver is no news
    resource = Resource.create({"service.name": service, "service.instance.id": str(uuid4())})
    spans = TracerProvider(resource=resource, id_generator=DerivedIds(), shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource, shutdown_on_exit=False)
    tracing.tell(Telling(spans.get_tracer(SCOPE), metrics.get_meter(SCOPE)))

    def send_what_is_left() -> None:
        spans.shutdown()
        metrics.shutdown()

    def stop() -> None:
        tracing.tell(None)
        last = Thread(target=send_what_is_left, daemon=True)  # neither keeps to a limit of its own
        last.start()
        last.join(FLUSH.total_seconds())

    return stop


def observe(meter: Meter, board: Board, now: Callable[[], datetime]) -> None:
    """Count the board each time that metrics are sent."""

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

    def duties(name: str, meaning: str, count: Callable[[], int]) -> None:
        gauge(f"duties.{name}", "{duty}", meaning, lambda: [Observation(count())])

    gauge("cases.open", "{case}", "open cases", cases)
    duties("due", "duties that come due within a day", lambda: board.due_within_a_day(now()))
    duties("overdue", "duties past their instant that nobody has taken in hand", lambda: board.overdue(now()))
    duties("unacknowledged", "duties told that nobody has taken in hand", board.unacknowledged)
