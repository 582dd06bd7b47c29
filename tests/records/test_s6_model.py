"""S6: an append is exactly once in effect. The store does what a list in memory does, whatever happens to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from domain.check_ins import Channel, CheckedIn, ContactLogged
from domain.consent import ConsentWithdrawn
from domain.events import Event, id_of_fence
from domain.facts import Fact, Occurred
from domain.references import case_stream, make_reference, reference_of
from records.database import Database
from records.errors import ContentDiffers, Fenced, StaleWriter, StoreError, Unreachable
from records.keys import Keys
from records.log import Append, Entry, Statement, Where
from records.projecting import CARDS
from records.store import Appended, Store
from records.verifying import verify
from runtime.rebuilding import rebuild
from tests.support.ground import empty_tables
from tests.support.keys import keys_in
from tests.support.mutating import AT
from tests.support.postgres import Databases
from tests.support.telling import NOON, RULEBOOK, Author

FACTS: tuple[Fact, ...] = (CheckedIn(), CheckedIn(channel=Channel.CALL), ContactLogged(), ConsentWithdrawn())


@dataclass
class Writer:
    """One run of a workflow: what it knows may be old, and it may be a run that nobody needs any more."""

    stream: str
    epoch: int
    known: int
    case_known: int


@dataclass(frozen=True)
class Sent:
    """An append as it was asked for."""

    stream: str
    epoch: int
    expected: int
    events: tuple[Event, ...]
    case_seen: int | None


class Model:
    """The log as a list."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.streams: dict[str, list[Event]] = {}
        self.epochs: dict[str, int] = {}
        self.fenced: set[str] = set()

    def open(self, stream: str) -> None:
        if own_of(stream) in self.fenced:
            raise Fenced
        self.epochs[stream] = self.epochs.get(stream, 0) + 1

    def append(self, sent: Sent) -> Appended:
        own = own_of(sent.stream)
        if own in self.fenced:
            raise Fenced
        if sent.epoch < self.epochs[sent.stream]:
            raise StaleWriter
        stored = {event.event_id: event for stream in self.streams.values() for event in stream}
        known = [stored[event.event_id] for event in sent.events if event.event_id in stored]
        behind = sent.expected != len(self.read(sent.stream))
        moved = sent.case_seen is not None and sent.case_seen != len(self.read(own))
        if not (known or behind or moved):
            self.streams.setdefault(sent.stream, []).extend(sent.events)
            self.ids += [str(event.event_id) for event in sent.events]
        elif any(content(one) != content(event) for one, event in zip(known, sent.events, strict=False)):
            raise ContentDiffers
        case_tail = self.read(own)[sent.case_seen :] if sent.case_seen is not None else ()
        return Appended(tail=self.read(sent.stream)[sent.expected :], case_tail=case_tail)

    def read(self, stream: str) -> tuple[Event, ...]:
        return tuple(self.streams.get(stream, ()))


def content(event: Event) -> object:
    """What must be the same under the same id."""
    return event.fact, event.actor, event.occurred


def own_of(stream: str) -> str:
    return case_stream(reference_of(stream))


def event_of(stream: str, version: int, fact: Fact, event_id: UUID | None = None) -> Event:
    return Event(
        event_id=event_id or uuid4(),
        stream=stream,
        version=version,
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.on(date(2026, 9, 2)),
        learned_on=date(2026, 9, 2),
        recorded_at=datetime(2026, 9, 2, tzinfo=UTC),
        fact=fact,
    )


def outcome(what: Callable[[], object]) -> object:
    """What came of something: an answer, or the kind of the error."""
    try:
        return what()
    except StoreError as error:
        return type(error)


class StoreAndModel(RuleBasedStateMachine):
    """Everything is done twice. What comes of it must be the same, and so must what stands there then."""

    writers = Bundle[Writer]("writers")
    sent = Bundle[Sent]("sent")

    def __init__(self, where: Where, keys: Keys) -> None:
        super().__init__()
        self.where, self.keys, self.model = where, keys, Model()
        self._begin()
        self.references = [make_reference(iter(range(number, 99)).__next__) for number in (1, 50)]
        for reference in self.references:
            author = Author(self.store, reference)
            for event in author.story.events():
                self.model.streams.setdefault(event.stream, []).append(event)
                self.model.ids.append(str(event.event_id))
                self.model.epochs[event.stream] = 1
        self.streams = sorted(self.model.streams)

    def _begin(self) -> None:
        self.database = Database(self.where)
        self.store = Store(self.database, self.keys)

    @rule(target=writers, number=st.integers(0, 99))
    def a_run_begins(self, number: int) -> Writer | MultipleResults[Writer]:
        stream = self.streams[number % len(self.streams)]
        wanted = outcome(lambda: self.model.open(stream))
        if wanted is Fenced:
            assert outcome(lambda: self.store.open(stream)) is Fenced
            return multiple()
        opened = self.store.open(stream)
        assert opened.epoch == self.model.epochs[stream]
        assert opened.events == self.model.read(stream)
        assert opened.case_events == (self.model.read(own_of(stream)) if own_of(stream) != stream else ())
        return Writer(stream, opened.epoch, len(opened.events), len(self.model.read(own_of(stream))))

    @rule(
        target=sent,
        writer=writers,
        facts=st.lists(st.sampled_from(FACTS), min_size=1, max_size=3),
        rests_on_case=st.booleans(),
        is_answered=st.booleans(),
    )
    def it_appends(self, writer: Writer, facts: Sequence[Fact], rests_on_case: bool, is_answered: bool) -> Sent:
        """The answer may be lost: then the writer goes on as it was, which is a crash between commit and answer."""
        events = tuple(event_of(writer.stream, writer.known + at, fact) for at, fact in enumerate(facts, 1))
        seen = writer.case_known if rests_on_case else None
        asked = Sent(writer.stream, writer.epoch, writer.known, events, seen)
        answer = self._both(asked)
        if is_answered and isinstance(answer, Appended):
            writer.known += len(answer.tail)
            writer.case_known += len(answer.case_tail)
        return asked

    @rule(asked=sent)
    def it_appends_the_same_again(self, asked: Sent) -> None:
        self._both(asked)

    @rule(asked=sent, other_fact=st.integers(0, len(FACTS) - 1), actor=st.sampled_from(["dana", "timur"]))
    def it_appends_other_content_under_the_same_id(self, asked: Sent, other_fact: int, actor: str) -> None:
        """Another kind, another field, another person; or all the same after all."""
        other = tuple(
            event_of(
                one.stream, one.version, FACTS[(FACTS.index(one.fact) + other_fact) % len(FACTS)], one.event_id
            ).model_copy(update={"actor": actor})
            for one in asked.events
        )
        others = {event.event_id: event for event in self.model.read(asked.stream)}
        if asked.events[0].event_id in others:
            commands = {event.event_id: others[event.event_id].command_id for event in asked.events}
            other = tuple(one.model_copy(update={"command_id": commands[one.event_id]}) for one in other)
            self._both(replace(asked, events=other))

    @rule()
    def the_process_dies_and_another_begins(self) -> None:
        self.database.close()
        self._begin()

    @rule(number=st.integers(0, 99))
    def the_commit_fails(self, number: int) -> None:
        """Something beside the log can't be written: then nothing is."""
        stream = self.streams[number % len(self.streams)]
        if own_of(stream) in self.model.fenced:
            return
        version = len(self.model.read(stream))
        entry = Entry(str(uuid4()), stream, version + 1, 1, "key", AT, b"body")
        beside = [Statement("INSERT INTO no_such_table VALUES (?)", [(1,)])]
        epoch = self.model.epochs[stream]
        with pytest.raises(Unreachable):
            self.database.log.append(Append(stream, epoch, version, own_of(stream), None, [entry], beside))

    @rule(number=st.integers(0, 9), again=st.booleans())
    def a_case_is_fenced(self, number: int, again: bool) -> None:
        if number > 1:  # not too soon: most is tried on cases that live
            return
        reference = self.references[number]
        for _ in range(2 if again else 1):
            self.store.fence(reference, NOON)
        own = case_stream(reference)
        if own not in self.model.fenced:
            self.model.fenced.add(own)
            self.model.ids.append(str(id_of_fence(own)))

    @rule()
    def the_lists_are_made_anew(self) -> None:
        rebuild(self.database, self.store, RULEBOOK, lambda: NOON, lambda _done, _of: None)
        living = {one for one in self.references if case_stream(one) not in self.model.fenced}
        with self.database.reading() as connection:
            for table in set(CARDS) - {"alert_card"}:  # nobody raises one here
                shown = {row[0] for row in connection.execute(text(f"SELECT reference FROM {table}"))}  # noqa: S608
                assert shown == living

    @invariant()
    def the_log_is_the_model(self) -> None:
        with self.database.reading() as connection:
            rows = connection.execute(text("SELECT position, event_id FROM event ORDER BY position")).all()
        assert [tuple(row) for row in rows] == list(enumerate(self.model.ids, 1))
        assert verify(self.database).fault is None

    def teardown(self) -> None:
        for stream in self.streams:
            assert self.store.read(stream) == self.model.read(stream)
        self.database.close()

    def _both(self, asked: Sent) -> object:
        wanted = outcome(lambda: self.model.append(asked))
        answer = outcome(
            lambda: self.store.append(
                asked.stream, asked.epoch, asked.expected, asked.events, case_seen=asked.case_seen
            )
        )
        assert answer == wanted
        return answer


LIFE = settings(
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a life takes minutes; it is short enough
)


def test_s6_the_store_in_a_file_does_what_a_list_does(tmp_path: Path) -> None:
    (keys, *_) = keys_in(tmp_path)

    class InAFile(StoreAndModel):
        def __init__(self) -> None:
            super().__init__(tmp_path / f"{uuid4()}.db", keys)

    run_state_machine_as_test(InAFile, settings=settings(LIFE, max_examples=20))


def test_s6_the_store_in_a_postgresql_does_what_a_list_does(ground: Databases, tmp_path: Path) -> None:
    (keys, *_) = keys_in(tmp_path)

    class InPostgresql(StoreAndModel):
        def __init__(self) -> None:
            empty_tables(ground)
            super().__init__(ground.records_app, keys)

    run_state_machine_as_test(InPostgresql, settings=settings(LIFE, max_examples=12))
