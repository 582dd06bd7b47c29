"""Two ledgers: what the engine's workflows have read, beside the log. They must tell the same story.

Of every open stream the workflow's head (how far it has read) is compared with the log's end, and of every run whose
history is still kept, open or closed, all events that the records ever told it with those that the log holds now.

Rules:
    1. The log is read after the history that names its events, so one that was appended meanwhile is no difference.
    2. A workflow may be busy, or about to start: what is missing or behind is looked at again for some seconds.
    3. Nothing is changed. What is found is said with what to do about it, and holds ids and versions alone.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from re import fullmatch
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.service import RPCError, RPCStatusCode

from activities import contract
from activities.contract import AppendAnswer, OpenedStream
from domain.case import Milestone, MilestoneReached, PhaseEnded
from domain.events import Event, is_a_persons
from domain.references import Phase, case_stream, phase_of, reference_of
from domain.watching import is_watch
from records.errors import Unreadable
from records.sealing import SealError
from records.store import Store
from runtime.revival import ENGINE_SECONDS, PAUSED, how_it_ended, some_at_once
from runtime.settings import NotRunning
from workflows.allowlist import STREAM
from workflows.writer import Head

CATCHING_UP_SECONDS = 10.0
"""How long a busy workflow may take to come as far as the log. One that a crash left behind never does by itself."""

LOOK_AGAIN_SECONDS = 0.5

_UNANSWERED = (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)

Run = WorkflowHandle[Any, Any]
"""One run of a workflow, open or closed."""


class Kind(IntEnum):
    """What is wrong, the worst first."""

    CONTRADICTS = 1
    AHEAD = 2
    MISSING = 3
    SILENT = 4
    BEHIND = 5


@dataclass(frozen=True, order=True)
class Difference:
    """One place where engine and log differ.

    Attributes:
        kind: what is wrong.
        stream: where.
        version: the first event that differs; 0 where no event can be named.
        sentence: what was found, and what to do.
    """

    kind: Kind
    stream: str
    version: int
    sentence: str


@dataclass
class Audit:
    """What was looked at, and what was found.

    Attributes:
        heads: how many open streams were compared with their workflows.
        runs: how many histories were compared with the log.
        differences: the first of each stream or run, the worst first.
    """

    heads: int = 0
    runs: int = 0
    differences: list[Difference] = field(default_factory=list)


async def audit(
    client: Client,
    store: Store,
    open_streams: Callable[[], Sequence[str]],
    histories: Sequence[Run],
    done: Callable[[], object] = lambda: None,
) -> Audit:
    """Compare open streams and histories with the log.

    Args:
        client: the engine.
        store: the log.
        open_streams: gives those that are open now, as the records say.
        histories: the runs to read; see ``kept_runs``.
        done: called after each stream and each history.

    Raises:
        NotRunning: the engine does not answer, or no worker answers for it.
        StoreError: the records do not answer.
    """
    found, runs = Audit(), {run.run_id or run.id: run for run in histories}

    async def history(run_id: str) -> None:
        found.differences += await history_differs(client, store, runs[run_id])
        found.runs += 1
        done()

    try:
        streams = await asyncio.to_thread(open_streams)
        found.heads = len(streams)
        differing = await _heads(client, store, streams, done)
        await some_at_once(history, runs)
        found.differences += await _look_again(client, store, open_streams, differing)
    except RPCError as error:
        raise _as_not_running(error) from None
    found.differences.sort()
    return found


async def _heads(
    client: Client, store: Store, streams: Sequence[str], done: Callable[[], object] = lambda: None
) -> list[Difference]:
    differences: list[Difference] = []

    async def head(stream: str) -> None:
        if (one := await head_differs(client, store, stream)) is not None:
            differences.append(one)
        done()

    await some_at_once(head, streams)
    return differences


async def _look_again(
    client: Client, store: Store, open_streams: Callable[[], Sequence[str]], differing: list[Difference]
) -> list[Difference]:
    """What still differs after a while: a phase may be about to start, to end, or to hear of something."""
    deadline = asyncio.get_running_loop().time() + CATCHING_UP_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        passing = [one for one in differing if one.kind in (Kind.MISSING, Kind.BEHIND)]
        if not passing:
            break
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        # read after the engine was asked: a phase is over in the records before its workflow ends
        still_open = set(await asyncio.to_thread(open_streams))
        again = [one.stream for one in passing if one.stream in still_open]
        differing = [one for one in differing if one not in passing] + await _heads(client, store, again)
    return differing


def _as_not_running(error: RPCError) -> NotRunning:
    if error.status is RPCStatusCode.FAILED_PRECONDITION:
        return NotRunning("no worker answers for the workflows: start one, then audit again")
    return NotRunning(f"the engine stopped answering ({error.status.name.lower()}): nothing was found out")


async def kept_runs(client: Client, case: str | None = None) -> list[Run]:
    """Every run whose history the engine still keeps, of one case or of all. One that ended just now may be missing.

    Raises:
        NotRunning: the engine does not answer.
    """
    query = f"WorkflowId STARTS_WITH '{case_stream(case)}'" if case is not None else None
    try:
        return [
            client.get_workflow_handle(run.id, run_id=run.run_id)
            async for run in client.list_workflows(query)
            if fullmatch(STREAM, run.id)  # an engine of somebody's own may run other things too
        ]
    except RPCError as error:
        raise _as_not_running(error) from None


async def head_differs(client: Client, store: Store, stream: str) -> Difference | None:
    """How an open stream's workflow differs from the log now, if it does.

    Raises:
        RPCError: the engine does not answer.
    """
    how = await how_it_ended(client, stream)
    if how is not None:
        do = "let it go on in Temporal's UI" if how == PAUSED else f"{_revive(stream)} starts it"
        return Difference(Kind.MISSING, stream, 0, f"{stream} has no running workflow ({how}): {do}")
    # the log first: a workflow that is asked afterwards has read at least as much, if it is well
    ends = await asyncio.to_thread(_ends, store, stream)
    try:
        head: Head = await client.get_workflow_handle(stream).query(
            "head", result_type=Head, rpc_timeout=timedelta(seconds=ENGINE_SECONDS)
        )
    except (RPCError, WorkflowQueryFailedError) as error:
        if isinstance(error, RPCError) and error.status not in _UNANSWERED:
            raise
        return Difference(Kind.SILENT, stream, 0, f"{stream} gives no answer: worker.log may say why")
    return await asyncio.to_thread(_compare, store, stream, head, ends)


@dataclass(frozen=True)
class _Ends:
    """How far the log goes: the stream itself, and what a phase must have heard of the case's own."""

    own: int
    case: int


def _ends(store: Store, stream: str) -> _Ends:
    case = store.read(case_stream(reference_of(stream))) if phase_of(stream) is not None else ()
    heard = [event.version for event in case if _must_be_heard(event, stream)]
    return _Ends(own=len(store.read(stream)), case=max(heard, default=0))


def _must_be_heard(event: Event, stream: str) -> bool:
    """Whether the path tells a phase of this event at once. Of others a phase hears with its next append."""
    match event.fact:
        case PhaseEnded(phase=phase, number=number):
            return phase_of(stream) == (phase, number)
        case MilestoneReached(milestone=Milestone.FORBIDDEN_CONTACT):
            return phase_of(stream) == (Phase.SAFETY, 1)
        case fact:
            return is_a_persons(fact)


def _compare(store: Store, stream: str, head: Head, ends: _Ends) -> Difference | None:
    """A head beside the log, which is read anew: it may have grown since."""
    log, own = store.read(stream, max(head.version - 1, 0)), case_stream(reference_of(stream))
    at_head = next((event for event in log if event.version == head.version), None)
    if head.version and at_head is None:
        return _ahead(stream, head.version, "has read")
    if at_head is not None and at_head.event_id != head.last:
        return _contradicts(stream, at_head, "has read")
    if head.version < ends.own:
        return _behind(stream, "its stream", head.version, ends.own)
    if head.case_version is not None and head.case_version < ends.case:
        return _behind(stream, own, head.case_version, ends.case)
    if head.case_version and not store.read(own, head.case_version - 1):
        return _ahead(own, head.case_version, f"is read in {stream}, and")
    return None


def _behind(stream: str, of: str, read: int, ends: int) -> Difference:
    sentence = f"{stream} is behind {of}: it has read {read} events of {ends}; {_revive(stream)} makes it read"
    return Difference(Kind.BEHIND, stream, read + 1, sentence)


def _ahead(stream: str, version: int, how: str) -> Difference:
    sentence = f"{stream} {how} event {version}, which the log does not hold: are these older records?"
    return Difference(Kind.AHEAD, stream, version, sentence)


def _contradicts(stream: str, event: Event, how: str) -> Difference:
    sentence = f"{stream} {how} another event {event.version} of {event.stream} than the log holds"
    return Difference(Kind.CONTRADICTS, stream, event.version, sentence)


def _revive(stream: str) -> str:
    if is_watch(stream):
        return "`safeconduct restore --all`"
    return f"`safeconduct revive {reference_of(stream)}`"


async def history_differs(client: Client, store: Store, run: Run) -> list[Difference]:
    """The first event that the records told a run, and that the log does not hold as it was told.

    Raises:
        RPCError: the engine does not answer.
    """
    context = WorkflowSerializationContext(namespace=client.namespace, workflow_id=run.id)
    converter = client.data_converter.with_context(context)
    try:
        history = (await run.fetch_history()).events
        named = [event async for event in named_events(history, converter)]
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []  # it has just been deleted: its days were over
        raise
    except (SealError, Unreadable):
        sentence = f"{run.id}: a history does not open: its case was erased, or another installation wrote it"
        return [Difference(Kind.CONTRADICTS, run.id, 0, sentence)]
    return await asyncio.to_thread(lambda: list(_unlike_the_log(store, run.id, named))[:1])


def _unlike_the_log(store: Store, run: str, named: Iterable[Event]) -> Iterator[Difference]:
    by_place = {(event.stream, event.version): event for event in named}
    log = {
        (event.stream, event.version): event
        for stream in sorted({stream for stream, _ in by_place})
        for event in store.read(stream)
    }
    for place, event in sorted(by_place.items()):
        held = log.get(place)
        if held is None:
            sentence = (
                f"{run}: a history names event {event.version} of {event.stream}, which the log does not hold: "
                "are these older records?"
            )
            yield Difference(Kind.AHEAD, event.stream, event.version, sentence)
        elif not _is_the_same(event, held):
            sentence = f"{run}: a history names another event {event.version} of {event.stream} than the log holds"
            yield Difference(Kind.CONTRADICTS, event.stream, event.version, sentence)


def _is_the_same(named: Event, held: Event) -> bool:
    """Whether both are one event. One that was told in an older form is known by its id."""
    if named.schema_version != held.schema_version:
        return named.event_id == held.event_id
    return named == held


async def named_events(history: Sequence[HistoryEvent], converter: DataConverter) -> AsyncIterator[Event]:
    """The events that a history was told of by the records."""
    for recorded in history:
        details = recorded.marker_recorded_event_attributes.details
        if "result" not in details or "data" not in details:
            continue
        name, payloads = json.loads(details["data"].payloads[0].data)["activity_type"], details["result"].payloads
        told: tuple[Event, ...] = ()
        if name in (contract.APPEND, contract.READ_CASE_STREAM):
            (answer,) = await converter.decode(payloads, [AppendAnswer])
            told = (*answer.tail, *answer.case_tail)
        elif name == contract.OPEN_STREAM:
            (opened,) = await converter.decode(payloads, [OpenedStream])
            told = (*opened.events, *opened.case_events)
        for event in told:
            yield event
