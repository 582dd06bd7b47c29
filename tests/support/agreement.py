"""Whether log, read models and engine say the same. Every function returns what is wrong, one line each.

Nothing here waits: whoever asks polls until nothing is wrong, or gives up and shows the lines.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from activities.notifications.telling import LATEST
from domain.cards import DutyCard, PhaseCard, case_card, phase_card
from domain.duties import Urgency
from domain.events import Receipt, id_from_command
from domain.references import case_stream
from domain.room import DutyCameDue
from domain.rulebook import Rulebook
from domain.story import Story
from records.board import Board, text
from records.database import Database
from records.models import DutyRow, PhaseRow
from records.store import Store
from runtime.audit import history_differs, kept_runs
from runtime.cases import story_of

TIMER_TOLERANCE = timedelta(seconds=10)
"""A timer is counted from the moment its workflow task was completed, which a crash can put off so long."""

GOOD = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED, WorkflowExecutionStatus.CONTINUED_AS_NEW)
"""How a run may stand: nothing else ends one."""

AT_ONCE = 8
"""Questions to the engine side by side."""


@dataclass(frozen=True)
class Records:
    """The records, read anew for each question."""

    database: Database
    store: Store
    rulebook: Rulebook

    @property
    def board(self) -> Board:
        return Board(self.database)

    def stories(self) -> list[Story]:
        """Every case, folded from its events."""
        found = self.board.cases()
        return [story_of(self.store.read_case(case.reference), case.reference, self.rulebook) for case in found]


async def faults(client: Client, records: Records, now: datetime) -> list[str]:
    """What must hold once everything has healed: every duty fired or standing, log, read models and engine agree."""
    stories = records.stories()
    found = log_faults(records) + [line for story in stories for line in card_faults(story, records, now)]
    found = found or doubled(stories) + notice_faults(records, now)
    return found or await engine_faults(client, stories, now)


def log_faults(records: Records) -> list[str]:
    """The streams' versions have no gap, and end where their heads say."""
    with records.database.reading() as connection:
        counted = connection.exec_driver_sql(
            "SELECT stream.stream, stream.version, count(event.version), min(event.version), max(event.version) "
            "FROM stream LEFT JOIN event ON event.stream = stream.stream GROUP BY stream.stream"
        ).all()
    return [
        f"{stream}: the head says {head}, {count} events from {first} to {last}"
        for stream, head, count, first, last in counted
        if (count, first or 1, last or 0) != (head, 1, head)
    ]


def card_faults(story: Story, records: Records, now: datetime) -> list[str]:
    """The read models of a case are the fold of its streams, and nothing that is due has not been fired."""
    board, faults = records.board, list[str]()
    card, row = case_card(story.path), board.case(story.reference)
    kept = {"reference", "stage", "country", "coordinator", "is_open", "missing_for_entry", "opened_on"}
    if row is None or card.model_dump(include=kept) != row.model_dump(include=kept):
        faults.append(f"{story.path.stream}: the case's card is not the fold of its stream")
    rows = {one.stream: one for one in board.phases(story.reference)}
    duties = board.duties(story.reference)
    for stream in story.open_streams():
        expected = _card(story, stream, now)
        faults += _phase_faults(expected, rows.get(stream), [one for one in duties if one.stream == stream])
    faults += [f"{row.stream}: is over, its card is open" for row in rows.values() if _is_left(row, story)]
    faults += [f"{one.stream}: is over, its duty {one.duty} stands" for one in duties if _is_left(one, story)]
    faults += [
        f"{one.stream}: {one.duty} is due and not fired" for one in duties if one.next_at and one.next_at <= text(now)
    ]
    return faults + list(_fired_twice(story))


def _is_left(row: PhaseRow | DutyRow, story: Story) -> bool:
    return row.stream not in story.open_streams() and (isinstance(row, DutyRow) or row.is_open)


def _card(story: Story, stream: str, now: datetime) -> PhaseCard:
    ledger = story.ledger(stream)
    duties = ledger.state.duties(story.path.state, story.rules(stream))
    return phase_card(ledger, duties, now, is_open=True)


def _phase_faults(card: PhaseCard, row: PhaseRow | None, duties: Sequence[DutyRow]) -> list[str]:
    if row is None or (row.headline, row.country, row.is_open) != (card.headline, card.country, True):
        return [f"{card.stream}: the fold says {card.headline!r}, the card {row and row.headline!r}"]
    expected = {one.duty: _as_row(one) for one in card.duties}
    found = {one.duty: one.model_dump(include=set(DutyCard.model_fields)) for one in duties}
    wrong = sorted(duty for duty in expected.keys() | found.keys() if expected.get(duty) != found.get(duty))
    return [f"{card.stream}: {duty}: the fold says {expected.get(duty)}, the card {found.get(duty)}" for duty in wrong]


def _as_row(card: DutyCard) -> dict[str, Any]:
    fields = card.model_dump()
    return {name: text(value) if isinstance(value, datetime) else value for name, value in fields.items()}


def _fired_twice(story: Story) -> Iterator[str]:
    fired = Counter(
        (event.stream, event.fact.duty, event.fact.due, event.fact.number)
        for event in story.events()
        if isinstance(event.fact, DutyCameDue)
    )
    return (
        f"{stream}: rung {number} of {duty} fired {times} times"
        for (stream, duty, _, number), times in fired.items()
        if times > 1
    )


def notice_faults(records: Records, now: datetime) -> list[str]:
    """Every rung that was fired has its notice, and it was sent; a reminder may still wait."""
    fired = {
        str(event.event_id)
        for story in records.stories()
        for event in story.events()
        if event.fact.kind in ("duty-came-due", "dates-moved")
    }
    with records.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT notice_id, stream, urgency, written_at, sent_at FROM notice").all()
    unsent = [
        f"{stream}: a notice was not sent"
        for _, stream, urgency, written, sent in rows
        if sent is None and (urgency != Urgency.REMINDER or datetime.fromisoformat(written) < now - LATEST)
    ]
    return unsent + [f"{one}: no notice was written" for one in fired ^ {row[0] for row in rows}]


async def engine_faults(client: Client, stories: Sequence[Story], now: datetime) -> list[str]:
    """Every open stream has a running workflow that shows the fold of its stream and waits for its next duty."""
    questions = [_phase_runs(client, story, stream, now) for story in stories for stream in story.open_streams()] + [
        _path_runs(client, story) for story in stories if story.path.state.closed is None
    ]
    return await _all(questions)


async def _all(questions: Iterable[Any]) -> list[str]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(question: Any) -> list[str]:
        async with gate:
            answer: list[str] = await question
            return answer

    return [line for lines in await asyncio.gather(*(one(question) for question in questions)) for line in lines]


async def _path_runs(client: Client, story: Story) -> list[str]:
    return await _shows(client.get_workflow_handle(case_stream(story.reference)), "stage", str(story.path.state.stage))


async def _phase_runs(client: Client, story: Story, stream: str, now: datetime) -> list[str]:
    handle = client.get_workflow_handle(stream)
    faults = await _shows(handle, "headline", story.ledger(stream).state.headline())
    if faults:
        return faults
    ledger = story.ledger(stream)
    found = ledger.next_rung(ledger.state.duties(story.path.state, story.rules(stream)), now)
    assert found is not None, "the law of duties"
    timers = open_timers((await handle.fetch_history()).events)
    if len(timers) == 1 and abs(timers[0] - found[1].at) <= TIMER_TOLERANCE:
        return []
    return [f"{stream}: {found[0].id} comes at {found[1].at}, the timer stands for {timers}"]


async def _shows(handle: WorkflowHandle[Any, Any], query: str, expected: str) -> list[str]:
    try:
        description = await handle.describe()
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return [f"{handle.id}: {description.status}, its stream is open"]
        shown = await handle.query(query, rpc_timeout=timedelta(seconds=5))
    except RPCError as error:
        return [f"{handle.id}: {error.status.name.lower()}"]
    return [] if shown == expected else [f"{handle.id}: the fold says {expected!r}, the workflow {shown!r}"]


def open_timers(history: Sequence[HistoryEvent]) -> list[datetime]:
    """When the timers of a history fire that have neither fired nor been cancelled."""
    timers: dict[str, datetime] = {}
    for event in history:
        if event.HasField("timer_started_event_attributes"):
            started = event.timer_started_event_attributes
            timers[started.timer_id] = event.event_time.ToDatetime(UTC) + started.start_to_fire_timeout.ToTimedelta()
        elif event.HasField("timer_fired_event_attributes"):
            del timers[event.timer_fired_event_attributes.timer_id]
        elif event.HasField("timer_canceled_event_attributes"):
            del timers[event.timer_canceled_event_attributes.timer_id]
    return list(timers.values())


async def history_faults(client: Client, records: Records) -> list[str]:
    """What the histories of all runs, open or closed, name, is in the log as they name it; and no run has failed."""
    faults = [f"{run.id}: {run.status}" async for run in client.list_workflows() if run.status not in GOOD]
    runs = await kept_runs(client)
    return faults + await _all(_run_agrees(client, run, records.store) for run in runs)


async def _run_agrees(client: Client, run: WorkflowHandle[Any, Any], store: Store) -> list[str]:
    return [one.sentence for one in await history_differs(client, store, run)]


def receipt_faults(receipts: Mapping[UUID, Receipt | None], records: Records) -> list[str]:
    """What was acknowledged is in the log where its receipt says, and nowhere else; what was refused is not in it.

    Args:
        receipts: the answer to each command id; ``None`` where it was refused.
        records: the records.
    """
    with records.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT event_id, stream, version FROM event").all()
    log = {event_id: (stream, version) for event_id, stream, version in rows}
    faults = []
    for command_id, receipt in receipts.items():
        if receipt is None and str(id_from_command(command_id, 0)) in log:
            faults.append(f"{command_id}: was refused, and is in the log")
        for index, one in enumerate(receipt.accepted if receipt is not None else ()):
            place = log.get(str(id_from_command(command_id, index)))
            if place != (one.stream, one.version) or str(one.event_id) != str(id_from_command(command_id, index)):
                faults.append(f"{one.kind}: acknowledged at {one.version} of {one.stream}, the log has it at {place}")
    return faults


def doubled(stories: Sequence[Story]) -> list[str]:
    """Commands that happened more than once: each carried a note of its own."""
    told = Counter(
        (event.note, event.fact.kind) for story in stories for event in story.events() if event.note is not None
    )
    return [f"{kind} happened {times} times" for (_, kind), times in told.items() if times > 1]
