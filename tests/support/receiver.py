"""A real OTLP receiver: what processes send over HTTP, decoded."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.serving import Handler, serving


@dataclass(frozen=True)
class Span:
    """One span as it came."""

    service: str
    name: str
    trace: int
    id: int
    parent: int
    links: tuple[tuple[int, int], ...]
    attributes: dict[str, str]
    events: int
    failed: bool
    said: str

    @property
    def outcome(self) -> str:
        return self.attributes.get("safeconduct.outcome", "")


@dataclass
class Receiver:
    """Everything that came. With an address in ``elsewhere`` it redirects to it."""

    url: str = ""
    elsewhere: str | None = None
    spans: list[Span] = field(default_factory=list)
    metrics: list[tuple[str, Metric]] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def named(self, name: str, outcome: str | None = None) -> list[Span]:
        return [span for span in self.spans if span.name == name and outcome in (None, span.outcome)]

    def roots(self) -> dict[tuple[int, int], Span]:
        return {(span.trace, span.id): span for span in self.spans if not span.parent}

    def points(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The figures that a metric had when it came last: of each, its attributes, and its value or its count."""
        latest = [metric for _, metric in self.metrics if metric.name == name][-1:]
        return [point for metric in latest for point in _points(metric)]

    def services(self, prefix: str) -> set[str]:
        """The services that sent a metric whose name begins like this."""
        return {service for service, metric in self.metrics if metric.name.startswith(prefix)}

    def labels(self) -> Iterator[tuple[str, str]]:
        """Every attribute of every figure."""
        for _, metric in self.metrics:
            for attributes, _ in _points(metric):
                yield from attributes.items()

    def take(self, path: str, body: bytes) -> None:
        self.raw.append(body)
        if path == "/v1/traces":
            for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = self._resource(spans.resource.attributes)
                for scope in spans.scope_spans:
                    for span in scope.spans:
                        self.spans.append(
                            Span(
                                service=resource,
                                name=span.name,
                                trace=int.from_bytes(span.trace_id),
                                id=int.from_bytes(span.span_id),
                                parent=int.from_bytes(span.parent_span_id),
                                links=tuple(
                                    (int.from_bytes(link.trace_id), int.from_bytes(link.span_id)) for link in span.links
                                ),
                                attributes=_attributes(span.attributes),
                                events=len(span.events),
                                failed=span.status.code == Status.STATUS_CODE_ERROR,
                                said=span.status.message,
                            )
                        )
        elif path == "/v1/metrics":
            for sent in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                resource = self._resource(sent.resource.attributes)
                self.metrics += [(resource, metric) for scope in sent.scope_metrics for metric in scope.metrics]

    def _resource(self, attributes: Iterable[KeyValue]) -> str:
        self.resources.append(_attributes(attributes))
        return self.resources[-1].get("service.name", "")


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: str(getattr(pair.value, pair.value.WhichOneof("value") or "string_value")) for pair in pairs}


def _points(metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
    kind = metric.WhichOneof("data")
    if kind == "histogram":
        for measured in metric.histogram.data_points:
            yield _attributes(measured.attributes), measured.count
    else:
        for point in (metric.gauge if kind == "gauge" else metric.sum).data_points:
            yield _attributes(point.attributes), point.as_int if point.HasField("as_int") else point.as_double


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on the loopback address."""
    received = Receiver()

    class Answering(Handler):
        def do_POST(self) -> None:
            received.take(self.path, self.content())
            self.send_response(200 if received.elsewhere is None else 307)
            self.send_header("location", f"{received.elsewhere}{self.path}")
            self.send_header("content-length", "0")
            self.end_headers()

    with serving(Answering) as received.url:
        yield received
