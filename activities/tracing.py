"""What the commands, appends and notices of this process tell: traces, times and counts. Silent unless told where.

Rules:
    1. Only what is no workflow tells, so a replay tells nothing again. An append that finds its events stored already
       is a repetition, and tells nothing either.
    2. The id of a trace is the id of the event it begins with: sender and worker agree on it without a word.
    3. A trace ends with its last append or notice: no span stays open for as long as a case. Each append links to the
       trace of what stood last in its stream, so that a case is a chain of traces.
    4. Spans hold the case's reference, the stream, and words of closed lists; of errors the type. Kinds of events,
       actors and dates stand in none. Metrics hold no reference either.

OpenTelemetry is not imported before ``tell``, and the activities' types not at all: the command line imports this each
time, and where nobody listens that import is the whole cost.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID

from activities.notifications.channel import ChannelError
from domain.case import MilestoneReached, MilestoneWithdrawn, case_stream, phase_of, reference_of
from domain.duties import Urgency
from domain.errors import NotFound, NotUnderstood, Refused, SafeconductError
from domain.events import Event, id_from_command
from domain.room import DatesMoved, DutyCameDue

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.trace import Link, Span, SpanContext, Tracer

    from activities.contract import AppendAnswer, AppendRequest

Read = Callable[[str, int], Sequence[Event]]
"""Reads the events of a stream after a version."""

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 90.0)
"""Bounds of the histograms: from an idle append to a command that was sent three times."""

beginning: ContextVar[UUID | None] = ContextVar("beginning", default=None)
"""The event whose trace is begun right now: whoever makes ids takes them from it."""


@dataclass(frozen=True)
class Telling:
    """Where everything is told."""

    tracer: "Tracer"
    commands: "Histogram"
    appends: "Histogram"
    notices: "Counter"
    meter: "Meter"


_telling: Telling | None = None


def tell(tracer: "Tracer", meter: "Meter") -> None:
    """Tell everything from now on."""
    global _telling

    def seconds(name: str, meaning: str) -> "Histogram":
        return meter.create_histogram(name, "s", meaning, explicit_bucket_boundaries_advisory=SECONDS)

    _telling = Telling(
        tracer,
        seconds("safeconduct.command.duration", "from sending a command to its answer"),
        seconds("safeconduct.append.duration", "of one try to write events"),
        meter.create_counter("safeconduct.notices", "{notice}", "tries to send a notice, by outcome"),
        meter,
    )


def fall_silent() -> None:
    """Tell nothing any more."""
    global _telling
    _telling = None


def meter() -> "Meter | None":
    """Where further figures are told; ``None`` where nothing is."""
    return _telling.meter if _telling is not None else None


def trace_id(event: UUID) -> int:
    """The id of the trace that begins with an event: its 128 bits."""
    return event.int


def root_id(event: UUID) -> int:
    """The id of that trace's root span: the lower half, which is never zero in a UUID."""
    return event.int % 2**64


@contextmanager
def command(stream: str, command_id: UUID) -> Iterator[None]:
    """The root of a command's trace, at its sender: from sending to the answer."""
    if (telling := _telling) is None:
        yield
        return

    def measure(seconds: float, words: Mapping[str, str]) -> None:
        telling.commands.record(seconds, {**_phase(stream), **words})

    root = _root(telling, "command", id_from_command(command_id, 0), _place(stream))
    with _told(root, {"outcome": "accepted"}, measure):
        yield


def append(request: "AppendRequest", read: Read, write: "Callable[[], AppendAnswer]") -> "AppendAnswer":
    """One try to write events, in the trace of what caused them. Once they are written, their own traces begin."""
    if (telling := _telling) is None or not request.events:
        return write()
    asked, (previous, stored) = {event.event_id for event in request.events}, _before(request, read)
    if asked & stored:
        return write()

    def measure(seconds: float, words: Mapping[str, str]) -> None:
        telling.appends.record(seconds, {**_phase(request.stream), **words})

    cause, links, words = _cause(request.events[0]), _links(previous), {"outcome": "behind"}
    within, place = _within(cause), _place(request.stream)
    with _told(telling.tracer.start_span("append", within, attributes=place, links=links), words, measure):
        answer = write()
        if asked & {event.event_id for event in answer.tail}:
            words["outcome"] = "written"
    if words["outcome"] == "written":
        _begin_traces(telling, request.events, cause, previous)
    return answer


@contextmanager
def notice(event: UUID, urgency: Urgency, channel: str, stream: str | None = None) -> Iterator[None]:
    """One try to send a notice, in the trace of the event that caused it; without a stream it begins its own."""
    if (telling := _telling) is None:
        yield
        return

    def count(_: float, words: Mapping[str, str]) -> None:
        telling.notices.add(1, words)

    if stream is None:
        span = _root(telling, "notice", event, {})
    else:
        span = telling.tracer.start_span("notice", _within(event), attributes=_place(stream))
    with _told(span, {"outcome": "sent", "urgency": str(urgency), "channel": channel}, count):
        yield


@contextmanager
def _told(span: "Span", words: dict[str, str], measure: Callable[[float, Mapping[str, str]], None]) -> Iterator[None]:
    """Do work, then tell in words how it went. An error itself is never given to a span: its text may name people."""
    from opentelemetry.trace import StatusCode

    began = perf_counter()
    try:
        yield
    except BaseException as error:
        words["outcome"] = _word(error)
        if not isinstance(error, Refused | NotUnderstood | NotFound):
            span.set_status(StatusCode.ERROR)
        raise
    finally:
        measure(perf_counter() - began, words)
        span.set_attributes({f"safeconduct.{name}": value for name, value in words.items()})
        span.end()


def _word(error: BaseException) -> str:
    """What may be told of an error: the project's own codes, of all others the type."""
    match error:
        case SafeconductError():
            return error.code
        case ChannelError():
            return str(error.lasting)
        case _:
            return type(error).__name__


def _before(request: "AppendRequest", read: Read) -> tuple[Event | None, set[UUID]]:
    """What stands last before an append: in its stream, or in the case's own if that is empty; and what it misses."""
    try:
        found = read(request.stream, max(request.expected - 1, 0))
        previous = next((event for event in found if event.version == request.expected), None)
        if previous is None and request.case_seen:
            case = read(case_stream(reference_of(request.stream)), request.case_seen - 1)
            previous = case[0] if case else None
    except Exception:  # whatever it is, the append will say it better
        return None, set()
    return previous, {event.event_id for event in found}


def _trace_of(event: Event) -> UUID:
    """The event with whose id the trace of an event is named: the first of its command, else itself."""
    return id_from_command(event.command_id, 0) if event.command_id is not None else event.event_id


def _cause(event: Event) -> UUID:
    """The trace in which an append is told: what a phase told the path belongs to the phase's own command."""
    if isinstance(event.fact, MilestoneReached | MilestoneWithdrawn):
        return event.fact.source
    return _trace_of(event)


def _begin_traces(telling: Telling, events: Sequence[Event], cause: UUID, previous: Event | None) -> None:
    """Root spans of the traces that begin with an append: of a duty, of news to be told, of what later ones link to."""
    last = {event.stream: _trace_of(event) for event in events}
    told = [event.event_id for event in events if isinstance(event.fact, DutyCameDue | DatesMoved)]
    if isinstance(events[0].fact, DutyCameDue):
        _root(telling, "duty", cause, _place(events[0].stream), _links(previous)).end()
    for trace in dict.fromkeys((*last.values(), *told)):
        if trace != cause:
            _root(telling, "consequence", trace, _place(events[0].stream), [_link(cause)]).end()


def _root(
    telling: Telling, name: str, event: UUID, attributes: Mapping[str, str], links: Iterable["Link"] = ()
) -> "Span":
    from opentelemetry.context import Context

    token = beginning.set(event)
    try:
        return telling.tracer.start_span(name, Context(), attributes=attributes, links=list(links))
    finally:
        beginning.reset(token)


def _within(event: UUID) -> "Context":
    """The context of whoever works in the trace of an event."""
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(_address(event)))


def _links(event: Event | None) -> list["Link"]:
    return [_link(_trace_of(event))] if event is not None else []


def _link(event: UUID) -> "Link":
    from opentelemetry.trace import Link

    return Link(_address(event))


def _address(event: UUID) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(trace_id(event), root_id(event), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _place(stream: str) -> dict[str, str]:
    return {"safeconduct.case": reference_of(stream), "safeconduct.stream": stream, **_phase(stream)}


def _phase(stream: str) -> dict[str, str]:
    """The phase of a stream; the case's own is the path."""
    parts = phase_of(stream)
    return {"safeconduct.phase": str(parts[0]) if parts is not None else "path"}
