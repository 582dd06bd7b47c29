"""Traces of commands, duties and notices, as a real OTLP receiver gets them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from activities import tracing
from activities.contract import AppendRequest
from activities.notifications.channel import ChannelError, Lasting
from activities.records import RecordActivities
from domain.cards import CaseCard, PhaseCard
from domain.check_ins import CheckInPlanned, ContactLogged
from domain.custody import Detained
from domain.duties import Urgency
from domain.embassy_contacts import Approached, Pledged
from domain.errors import SafeconductError
from domain.events import Command, Corrected, CorrectionReason, Event, id_from_command
from domain.facts import Fact, Occurred
from domain.intake import read_intake
from domain.references import Phase, case_stream, phase_stream
from domain.room import DatesMoved, DutyCameDue
from domain.rulebook import load
from records.database import Database
from records.store import Appended, Store
from runtime import telemetry
from runtime.local import EXAMPLES
from tests.support.intakes import minimal
from tests.support.keys import keys_in, store_in
from tests.support.receiver import Receiver, receiver
from tests.support.rehearsal import Pigeonhole, Rehearsal, eventually, rehearsal, skipping_server

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)
NAME = "Wren Никифоров"

PLACES = {
    "safeconduct.case": r"[0-9A-Z]{11}",
    "safeconduct.stream": r"case/[0-9A-Z]{11}(/[a-z-]+/\d+)?",
    "safeconduct.phase": "|".join(["path", *Phase]),
    "safeconduct.outcome": "accepted|not-found|written|behind|sent|transient|ValueError",
    "safeconduct.urgency": "|".join(Urgency),
    "safeconduct.channel": "pigeonhole|deaf",
}
"""All that a span may hold, and in which form."""


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver to which this process exports, soon after each span."""
    with receiver() as receiving:
        monkeypatch.setenv(telemetry.ENDPOINT, receiving.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        stop = telemetry.export("test")
        yield receiving
        stop()


class Deaf(Pigeonhole):
    """A channel that takes a notice at the second try, and says too much when it does not."""

    name = "deaf"

    def __init__(self) -> None:
        super().__init__()
        self.refused = False

    def send(self, notice: UUID, urgency: Urgency) -> None:
        if not self.refused:
            self.refused = True
            raise ChannelError(f"no way to {NAME}", Lasting.TRANSIENT)
        super().send(notice, urgency)


def command(played: Rehearsal, fact: Fact, on: datetime | None = None) -> Command:
    return Command(
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(on or played.clock),
        learned_on=played.clock.date(),
        fact=fact,
        sent_at=played.clock,
    )


async def test_a_case_is_a_chain_of_traces_none_told_twice_by_replay_or_renewal(
    tmp_path: Path, reference: str, received: Receiver
) -> None:
    channel, safety = Deaf(), phase_stream(reference, Phase.SAFETY, 1)
    embassies = phase_stream(reference, Phase.EMBASSY_CONTACTS, 1)
    async with (
        skipping_server() as environment,
        rehearsal(environment, tmp_path, BEGAN, reference, channel=channel, cached_workflows=0) as played,
    ):
        begun = uuid4()
        await played.start(minimal(), command_id=begun)
        planned = command(played, CheckInPlanned(every_days=1, grace_hours=1))
        receipt = await played.office.send(safety, planned)
        handle = environment.client.get_workflow_handle(safety)
        first = (await handle.describe()).run_id
        for day in range(3):
            await played.office.send(safety, command(played, ContactLogged()))
            await handle.signal("renew")
            await played.move_to(BEGAN + timedelta(days=2 * day + 2))
        assert (await handle.describe()).run_id != first
        wrong = Corrected(
            event=receipt.accepted[0].event_id,
            reason=CorrectionReason.MISTYPED,
            replacement=CheckInPlanned(every_days=5, grace_hours=1),
        )
        await played.office.send(safety, command(played, wrong))
        with pytest.raises(SafeconductError):
            await played.office.send(safety, command(played, Corrected(event=uuid4(), reason=wrong.reason)))
        await played.office.send(safety, command(played, Detained()))
        for fact in (Approached(country="FR"), Pledged(country="FR")):
            await played.office.send(embassies, command(played, fact))
            await played.office.path_has_heard(reference, embassies)
        await played.move_to(played.clock + timedelta(days=1))
        told = [event for event in played.events() if isinstance(event.fact, DutyCameDue | DatesMoved)]
        await eventually(lambda: len(channel.notices) == len(told), "all notices are sent")
        # all of it is visible while the case is open
        await eventually(lambda: len(received.named("notice", "sent")) == len(told), "they are told")
        assert await played.is_running(case_stream(reference))
        before = Counter((span.trace, span.id) for span in received.spans)
        for stream in played.open_streams():
            await environment.client.get_workflow_handle(stream).query("headline")
        events = played.events()

    assert {event.fact.kind for event in told} == {"duty-came-due", "dates-moved"}
    assert set(before.values()) == {1}
    assert Counter((span.trace, span.id) for span in received.spans) == before
    sent = {begun} | {event.command_id for event in events if event.stream in (safety, embassies)} - {None}
    accepted = sorted(span.trace for span in received.named("command", "accepted"))
    assert accepted == sorted(id_from_command(one, 0).int for one in sent if one is not None)
    assert [span.failed for span in received.named("command", "not-found")] == [False]
    assert {span.trace for span in received.named("duty")} == {
        event.event_id.int for event in events if isinstance(event.fact, DutyCameDue)
    }
    assert {span.trace for span in received.named("notice")} == {event.event_id.int for event in told}
    assert len(received.named("notice", "transient")) == 1

    roots = received.roots()
    assert all((span.trace, span.parent) in roots for span in received.spans if span.parent)
    assert all(link in roots for span in received.spans for link in span.links)
    appends = received.named("append", "written")
    assert [span.attributes["safeconduct.stream"] for span in appends if not span.links] == [case_stream(reference)]
    assert set(Counter((span.trace, span.attributes["safeconduct.stream"]) for span in appends).values()) == {1}
    assert {case_stream(reference), embassies} in streams_by_trace(received)  # what it told the path is part of it
    assert everything_is_linked_to_the_beginning(received)
    only_places_and_words(received)


def streams_by_trace(received: Receiver) -> list[set[str]]:
    """The streams to which the appends of each trace wrote."""
    found: dict[int, set[str]] = {}
    for span in received.named("append", "written"):
        found.setdefault(span.trace, set()).add(span.attributes["safeconduct.stream"])
    return list(found.values())


async def test_an_imported_past_is_linked_to_its_intake(tmp_path: Path, reference: str, received: Receiver) -> None:
    file = read_intake((EXAMPLES / "1-sparrow.toml").read_text())
    assert file.intake.history
    found = datetime(2026, 10, 25, 9, tzinfo=UTC)
    async with skipping_server() as environment, rehearsal(environment, tmp_path, found, reference) as played:
        await played.start(file)
        await played.move_to(found + timedelta(days=30))
        duties = {event.event_id.int for event in played.events() if isinstance(event.fact, DutyCameDue)}
        await eventually(lambda: {span.trace for span in received.named("duty")} == duties, "all is told")
    assert len({event.stream for event in played.events() if event.event_id.int in duties}) > 1
    assert everything_is_linked_to_the_beginning(received)


def everything_is_linked_to_the_beginning(received: Receiver) -> bool:
    """Whether a reader who follows the links comes from every trace to the trace in which the case began."""
    earlier: dict[int, set[int]] = {}
    for span in received.spans:
        earlier.setdefault(span.trace, set()).update(trace for trace, _ in span.links)
    [first] = [span.trace for span in received.named("append", "written") if not span.links]
    reached, fresh = {first}, {first}
    while fresh:
        fresh = {trace for trace, before in earlier.items() if before & reached} - reached
        reached |= fresh
    refused = {span.trace for span in received.named("command", "not-found")}
    return reached == set(earlier) - refused


def only_places_and_words(received: Receiver) -> None:
    assert received.spans
    for span in received.spans:
        assert span.name in {"command", "append", "duty", "consequence", "notice"}
        assert (span.events, span.said) == (0, "")
        for name, value in span.attributes.items():
            assert re.fullmatch(PLACES[name], value), (name, value)
    for name in ("Wren", "Никифоров", "dana", "2026-09"):
        assert not [body for body in received.raw if name.encode() in body]


class Broken(Store):
    """Real records whose appends fail with a text that names somebody."""

    def append(
        self,
        stream: str,
        epoch: int,
        expected: int,
        events: Sequence[Event],
        *,
        case_seen: int | None = None,
        cards: Sequence[CaseCard | PhaseCard] = (),
    ) -> Appended:
        raise ValueError(f"cannot write {NAME}")


def one_event(stream: str) -> Event:
    return Event(
        event_id=uuid4(),
        stream=stream,
        version=1,
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.at_instant(BEGAN),
        learned_on=BEGAN.date(),
        recorded_at=BEGAN,
        fact=Detained(),
    )


async def test_a_failing_append_tells_its_type_and_leaves_no_text(
    tmp_path: Path, received: Receiver, reference: str
) -> None:
    database, safety = Database(tmp_path / "records.db"), phase_stream(reference, Phase.SAFETY, 1)
    request = AppendRequest(stream=safety, epoch=1, expected=0, events=(one_event(safety),))
    with pytest.raises(ValueError, match="Wren"):
        RecordActivities(Broken(database, keys_in(tmp_path)[0]), load()).append(request)
    await eventually(lambda: bool(received.spans), "it is told")
    [failed] = received.spans
    assert (failed.name, failed.failed, failed.outcome) == ("append", True, "ValueError")
    only_places_and_words(received)
    database.close()


async def test_the_same_append_again_after_a_crash_tells_nothing(
    tmp_path: Path, received: Receiver, reference: str
) -> None:
    database, safety = Database(tmp_path / "records.db"), phase_stream(reference, Phase.SAFETY, 1)
    event = one_event(safety)
    request = AppendRequest(stream=safety, epoch=0, expected=0, events=(event,))
    activities = RecordActivities(store_in(tmp_path, database), load())
    assert activities.append(request) == activities.append(request)
    following = event.model_copy(update={"version": 2, "event_id": uuid4(), "command_id": uuid4()})
    activities.append(request.model_copy(update={"expected": 1, "events": (following,)}))
    await eventually(lambda: len(received.spans) > 1, "both are told")
    one, two = received.spans
    assert {one.outcome, two.outcome} == {"written"}
    assert two.links == ((one.trace, one.parent),)
    database.close()


def test_s14_a_redirect_of_the_receiver_is_not_followed(monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    with receiver() as first, receiver() as other:
        first.elsewhere = other.url
        monkeypatch.setenv(telemetry.ENDPOINT, first.url)
        stop = telemetry.export("test")
        with tracing.command(case_stream(reference), uuid4()):
            pass
        stop()
    assert len(first.raw) == 2  # a trace and the figures
    assert not other.raw
