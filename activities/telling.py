"""What is told of commands, appends and notices: a trace for each, times and counts.

Rules:
    1. Only what is no workflow tells, so a replay tells nothing again. An append that finds its events stored already
       is a repetition, and tells nothing either.
    2. The id of a trace is the id of the event it begins with: sender and worker agree on it without a word.
    3. A trace ends with its last append or notice: no span stays open for as long as a case. Each append links to the
       trace of what stood last in its stream, so that a case is a chain of traces.
    4. Spans hold the case's reference, the stream, and words of closed lists; of errors the type. Kinds of events,
       actors and dates stand in none. Metrics hold no reference either.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from activities.contract import AppendAnswer, AppendRequest
from activities.notifications.channel import ChannelError
from domain.case import MilestoneReached, MilestoneWithdrawn
from domain.country import WATCH
from domain.duties import Urgency
from domain.erasing import ERASURE, is_erasure
from domain.errors import NotFound, NotUnderstood, Refused, SafeconductError
from domain.events import Event, id_from_command
from domain.references import case_stream, phase_of, reference_of
from domain.room import DatesMoved, DutyCameDue
from domain.watching import is_watch

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 90.0)
"""Bounds of the histograms: from an idle append to a command that was sent three times."""

beginning: ContextVar[UUID | None] = ContextVar("beginning", default=None)
"""The event whose trace is begun right now: whoever makes ids takes them from it."""

Measure = Callable[[float, Mapping[str, str]], None]
"""Takes in how long a piece of work took, in seconds, and the words for how it went."""


def trace_id(event: UUID) -> int:
    """The id of the trace that begins with an event: its 128 bits."""
    return event.int


def root_id(event: UUID) -> int:
    """The id of that trace's root span: the lower half, which is never zero in a UUID."""
    return event.int % 2**64


class Telling:
    """Tells everything to one tracer and one meter.

    Args:
        tracer: takes the spans; ids of roots must come from ``beginning``.
        meter: takes the figures.
    """

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self.meter = meter
        self._tracer = tracer
        self._commands = self._seconds("safeconduct.command.duration", "from sending a command to its answer")
        self._appends = self._seconds("safeconduct.append.duration", "of one try to write events")
        self._notices = meter.create_counter("safeconduct.notices", "{notice}", "tries to send a notice, by outcome")

    def _seconds(self, name: str, meaning: str) -> Histogram:
        return self.meter.create_histogram(name, "s", meaning, explicit_bucket_boundaries_advisory=SECONDS)

    @contextmanager
    def command(self, stream: str, command_id: UUID) -> Iterator[None]:
        """The root of a command's trace. See ``activities.tracing``."""
        root = self._root("command", id_from_command(command_id, 0), _place(stream))
        with _told(root, {"outcome": "accepted"}, _into(self._commands, stream)):
            yield

    def append(
        self, request: AppendRequest, read: Callable[[str, int], Sequence[Event]], write: Callable[[], AppendAnswer]
    ) -> AppendAnswer:
        """One try, in the trace of what caused it. Once it is written, the events' own traces begin."""
        asked, (previous, stored) = {event.event_id for event in request.events}, _before(request, read)
        if asked & stored:
            return write()
        cause, links, words = _cause(request.events[0]), _links(previous), {"outcome": "behind"}
        place = _place(request.stream)
        span = self._tracer.start_span("append", _within(cause), attributes=place, links=links)
        with _told(span, words, _into(self._appends, request.stream)):
            answer = write()
            if asked & {event.event_id for event in answer.tail}:
                words["outcome"] = "written"
        if words["outcome"] == "written":
            self._begin_traces(request, cause, links)
        return answer

    @contextmanager
    def notice(self, event: UUID, urgency: Urgency, channel: str, stream: str | None) -> Iterator[None]:
        """One try, in the trace of the event that caused it; without a stream it is a trace by itself."""
        within, place = (_within(event), _place(stream)) if stream is not None else (Context(), {})
        span = self._tracer.start_span("notice", within, attributes=place)
        words = {"outcome": "sent", "urgency": str(urgency), "channel": channel}
        with _told(span, words, lambda _, told: self._notices.add(1, told)):
            yield

    def _begin_traces(self, request: AppendRequest, cause: UUID, links: Sequence[Link]) -> None:
        """The roots of what begins here: a duty's, and of all that later spans belong or link to."""
        place = _place(request.stream)
        if isinstance(request.events[0].fact, DutyCameDue):
            self._root("duty", cause, place, links).end()
        last = {event.stream: _trace_of(event) for event in request.events}
        told = [event.event_id for event in request.events if isinstance(event.fact, DutyCameDue | DatesMoved)]
        for trace in dict.fromkeys((*last.values(), *told)):
            if trace != cause:
                self._root("consequence", trace, place, [_link(cause)]).end()

    def _root(self, name: str, event: UUID, place: Mapping[str, str], links: Sequence[Link] = ()) -> Span:
        token = beginning.set(event)
        try:
            return self._tracer.start_span(name, Context(), attributes=place, links=links)
        finally:
            beginning.reset(token)


@contextmanager
def _told(span: Span, words: dict[str, str], measure: Measure) -> Iterator[None]:
    """Do work, then tell in words how it went. An error itself is never given to a span: its text may name people."""
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


def _into(histogram: Histogram, stream: str) -> Measure:
    return lambda seconds, words: histogram.record(seconds, {"phase": _phase(stream), **words})


def _word(error: BaseException) -> str:
    """What may be told of an error: the project's own codes, of all others the type."""
    match error:
        case SafeconductError():
            return error.code
        case ChannelError():
            return str(error.lasting)
        case _:
            return type(error).__name__


def _before(request: AppendRequest, read: Callable[[str, int], Sequence[Event]]) -> tuple[Event | None, set[UUID]]:
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


def _within(event: UUID) -> Context:
    """The context of whoever works in the trace of an event."""
    return set_span_in_context(NonRecordingSpan(_address(event)), Context())


def _links(event: Event | None) -> list[Link]:
    return [_link(_trace_of(event))] if event is not None else []


def _link(event: UUID) -> Link:
    return Link(_address(event))


def _address(event: UUID) -> SpanContext:
    return SpanContext(trace_id(event), root_id(event), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _place(stream: str) -> dict[str, str]:
    """Where in a case: its reference, the stream and the phase. A country's watch has the country for it."""
    return {
        "safeconduct.case": reference_of(stream),
        "safeconduct.stream": stream,
        "safeconduct.phase": _phase(stream),
    }


def _phase(stream: str) -> str:
    """The phase of a stream; the case's own is the path."""
    if is_erasure(stream):
        return ERASURE
    if is_watch(stream):
        return WATCH
    parts = phase_of(stream)
    return str(parts[0]) if parts is not None else "path"
