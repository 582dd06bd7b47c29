"""Notices that reach people: through their own channels, in their language, under one id, and each at least once."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4, uuid5

import pytest
from sqlmodel import Session
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.notifications.channel import Carrier, ChannelError
from activities.notifications.providers import HANGING_AT_ONCE, HANGS, provider_of
from activities.notifications.sending import NoticeActivities
from activities.notifications.sentences import TEXTS
from activities.notifications.signal import Signal
from activities.notifications.telling import (
    AT_ONCE,
    BUSY,
    LATEST,
    LONGEST_BUSY,
    LONGEST_PAUSE,
    SOONEST,
    jitter,
    pause,
)
from activities.notifications.webhook import Signed, Webhook
from domain.colleagues import Address, Colleague, Language, Role, Turn
from domain.duties import Level, Urgency
from domain.events import ENGINE, Event
from domain.facts import Fact, Occurred
from domain.references import Phase, make_reference, phase_stream
from domain.room import Acknowledged, DutyCameDue
from records.board import Board
from records.colleagues import Colleagues
from records.database import Database
from records.deliveries import Deliveries
from records.errors import Unreachable
from records.models import CaseRow
from records.store import Store
from runtime.settings import now
from tests.support.answering import Receiver, Said, http
from tests.support.intakes import fresh_reference_bits
from tests.support.keys import database_in, keys_in
from tests.support.rehearsal import Pigeonhole
from tests.support.watched import SECRET

DANA, ELI, NOA = "+4915200000001", "+4915200000002", "+4915200000003"
OURS = "+4915211111111"
DUE = datetime(2026, 12, 1, 9, tzinfo=UTC)
TAKEN = Said(201, {"timestamp": "1"})
CAPTCHA = Said(429, {"error": "Failed to send message due to rate limiting", "challenge_tokens": ["t"]})
UNREGISTERED = Said(400, {"error": "Unregistered user"})
COME_LATER = Said(429, None, {"retry-after": "40"})


@dataclass
class Place:
    """An installation with people at its desk, and what they and the operator got."""

    database: Database
    store: Store
    colleagues: Colleagues
    carriers: dict[str, Carrier]
    own: Pigeonhole

    def __post_init__(self) -> None:
        self.activities = NoticeActivities(self.store, self.own, now, self.carriers)

    def put(self, name: str, *ways: str, role: Role = Role.COORDINATOR, language: Language = Language.ENGLISH) -> None:
        channels = tuple(Address.parse(way) for way in ways)
        self.colleagues.put(Colleague(name=name, role=role, language=language, channels=channels))

    def case(self, coordinator: str = "dana") -> str:
        """A case, and the stream of its safety."""
        reference = make_reference(fresh_reference_bits)
        card = CaseRow(
            reference=reference,
            stage="in transit",
            country="KZ",
            coordinator=coordinator,
            is_open=True,
            missing_for_entry="",
            opened_on="2026-09-01",
        )
        with self.database.writing() as connection, Session(bind=connection) as session:
            session.add(card)
            session.flush()
        return phase_stream(reference, Phase.SAFETY, 1)

    def written(self, stream: str, *facts: Fact) -> list[UUID]:
        """Write facts into a stream; the ids of their events."""
        before = len(self.store.read(stream))
        events = [event(stream, version, fact) for version, fact in enumerate(facts, start=before + 1)]
        self.store.append(stream, self.store.open(stream).epoch, before, events)
        return [one.event_id for one in events]

    def send(self, notice: UUID, attempt: int = 1) -> timedelta | None:
        """One try; after how long the next one is asked for."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        try:
            environment.run(self.activities.send_notice, notice)
        except ApplicationError as error:
            return error.next_retry_delay
        return None

    def channel_of(self, notice: UUID) -> str | None:
        return next(one.channel for one in Board(self.database).notices(1000) if one.notice_id == str(notice))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    database, (keys, *_) = database_in(tmp_path), keys_in(tmp_path)
    with closing(database):
        yield Place(database, Store(database, keys), Colleagues(database, keys), {}, Pigeonhole())


@contextmanager
def ways(place: Place, signal: tuple[Said, ...], webhook: tuple[Said, ...] = ()) -> Iterator[Mapping[str, Receiver]]:
    """Real receivers behind both channels."""
    with http(*(signal or (TAKEN,))) as daemon, http(*(webhook or (Said(204),))) as hook:
        place.carriers |= {"signal": Signal(daemon.url, OURS), "webhook": Signed(SECRET, now)}
        yield {"signal": daemon, "webhook": hook}


def event(stream: str, version: int, fact: Fact) -> Event:
    return Event(
        event_id=uuid4(),
        stream=stream,
        version=version,
        actor=ENGINE,
        occurred=Occurred.at_instant(DUE),
        learned_on=DUE.date(),
        recorded_at=DUE,
        fact=fact,
    )


def rung(level: Level = Level.ALARM, number: int = 0, urgency: Urgency = Urgency.ALARM) -> DutyCameDue:
    return DutyCameDue(duty="check-in", title="t", due=DUE, level=level, number=number, at=DUE, urgency=urgency)


def reminder(number: int = 0) -> DutyCameDue:
    return rung(Level.REMINDER, number, Urgency.REMINDER)


def recipients(receiver: Receiver) -> list[object]:
    return [body["recipients"] for body in receiver.bodies()]


def test_the_ladder_calls_the_coordinator_then_the_second_then_all_each_in_their_language(place: Place) -> None:
    place.put("dana", f"signal:{DANA}", language=Language.RUSSIAN)
    place.put("eli", f"signal:{ELI}", role=Role.SECOND, language=Language.FRENCH)
    place.put("noa", f"signal:{NOA}", role=Role.DESK, language=Language.GERMAN)
    steps = [rung(), *(rung(Level.ESCALATION, number) for number in (1, 2))]
    notices = place.written(place.case(), *steps)
    with ways(place, (TAKEN,)) as received:
        assert [place.send(notice) for notice in notices] == [None, None, None]
        for notice in notices:
            place.send(notice)  # sent is sent
    got = [(body["recipients"], body["message"]) for body in received["signal"].bodies()]
    text = {language: TEXTS[language][Urgency.ALARM] for language in Language}
    assert got[:2] == [([DANA], text[Language.RUSSIAN]), ([ELI], text[Language.FRENCH])]
    assert sorted(got[2:], key=str) == sorted(
        [([DANA], text[Language.RUSSIAN]), ([ELI], text[Language.FRENCH]), ([NOA], text[Language.GERMAN])], key=str
    )
    assert {place.channel_of(notice) for notice in notices} == {"signal"}
    assert place.own.notices == []


def test_an_emergency_calls_everybody_on_the_rota_at_once(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    place.put("eli", f"signal:{ELI}", role=Role.SECOND)
    place.put("noa", f"signal:{NOA}", role=Role.DESK)
    today = now().date()
    place.colleagues.change("noa", lambda one: one.model_copy(update={"turns": (Turn(first=today, last=today),)}))
    (notice,) = place.written(place.case(), rung(urgency=Urgency.EMERGENCY))
    with ways(place, (TAKEN,)) as received:
        assert place.send(notice) is None
    assert sorted(recipients(received["signal"]), key=str) == [[DANA], [NOA]]


def test_a_channel_that_asks_for_time_gets_it_and_the_same_id_comes_again(place: Place) -> None:
    with ways(place, (), (COME_LATER, Said(500), Said(204))) as received:
        place.put("dana", f"webhook:{received['webhook'].url}")
        (notice,) = place.written(place.case(), rung())
        assert place.send(notice, 1) == timedelta(seconds=40)
        again = place.send(notice, 2)
        assert again is not None
        assert timedelta(seconds=30) < again <= timedelta(seconds=40), "who asked for time is left alone"
        place.activities = NoticeActivities(place.store, place.own, now, place.carriers)  # another worker
        assert place.send(notice, 3) == pause(3)
        assert place.send(notice, 4) is None
        assert place.send(notice, 5) is None
    ids = [headers["webhook-id"] for _, headers, _ in received["webhook"].calls]
    assert ids == [str(uuid5(notice, "dana"))] * 3


def test_what_never_works_gives_way_to_the_next_channel(place: Place) -> None:
    with ways(place, (UNREGISTERED,)) as received:
        place.put("dana", f"signal:{DANA}", f"webhook:{received['webhook'].url}")
        (notice,) = place.written(place.case(), rung())
        assert place.send(notice) is None
    assert len(received["webhook"].calls) == 1
    assert place.channel_of(notice) == "webhook"
    assert place.own.notices == []


def test_what_needs_a_human_gives_way_too_and_an_operator_is_called_once(place: Place) -> None:
    with ways(place, (CAPTCHA,)) as received:
        place.put("dana", f"signal:{DANA}", f"webhook:{received['webhook'].url}")
        for _ in range(3):
            (notice,) = place.written(place.case(), rung())
            assert place.send(notice) is None
    assert len(received["webhook"].calls) == 3
    assert [urgency for _, urgency in place.own.notices] == [Urgency.OPERATOR]


def test_a_day_of_silence_does_not_keep_an_alarm_from_the_next_channel(place: Place) -> None:
    with ways(place, (Said(429, {"error": "rate limiting", "challenge_tokens": [""]}),)) as received:
        place.put("dana", f"signal:{DANA}", f"webhook:{received['webhook'].url}")
        (notice,) = place.written(place.case(), rung())
        assert place.send(notice) is None
        (another,) = place.written(place.case(), rung())
        assert place.send(another) is None
    assert len(received["webhook"].calls) == 2
    assert len(received["signal"].calls) == 1, "who is shut out for a day does not ask again"


def test_an_outage_is_waited_for_a_little_and_in_an_emergency_not_at_all(place: Place) -> None:
    with ways(place, (Said(503),)) as received:
        place.put("dana", f"signal:{DANA}", f"webhook:{received['webhook'].url}")
        (alarm,) = place.written(place.case(), rung())
        assert [place.send(alarm, attempt) for attempt in (1, 2, 3)] == [pause(1), pause(2), pause(3)]
        assert place.send(alarm, 4) is None
        (emergency,) = place.written(place.case(), rung(urgency=Urgency.EMERGENCY))
        assert place.send(emergency, 1) is None
    assert len(received["webhook"].calls) == 2


def test_who_can_not_be_reached_gives_way_to_the_desk_and_the_desk_to_the_installation(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    (notice,) = place.written(place.case(), rung())
    with ways(place, (UNREGISTERED, TAKEN)) as received:
        place.put("noa", f"signal:{NOA}", role=Role.DESK)
        assert place.send(notice) is None
    assert recipients(received["signal"]) == [[DANA], [NOA]]
    (another,) = place.written(place.case(), rung())
    with ways(place, (UNREGISTERED,)):
        assert place.send(another) is None
    assert (another, Urgency.ALARM) in place.own.notices
    assert place.channel_of(another) == "pigeonhole"


def test_a_channel_that_this_worker_does_not_have_calls_an_operator(place: Place) -> None:
    place.put("dana", "email:dana@example.org")
    (notice,) = place.written(place.case(), rung())
    assert place.send(notice) is None
    assert (notice, Urgency.ALARM) in place.own.notices
    assert Urgency.OPERATOR in [urgency for _, urgency in place.own.notices]


def test_who_takes_the_duty_in_hand_stops_what_was_not_brought_yet(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    stream = place.case()
    notice, _ = place.written(stream, rung(), Acknowledged(duty="check-in"))
    with ways(place, (TAKEN,)) as received:
        assert place.send(notice) is None
    assert received["signal"].calls == []
    assert place.channel_of(notice) == "taken-in-hand"


def test_who_leaves_the_desk_before_a_notice_comes_gives_way(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    place.put("eli", f"signal:{ELI}", role=Role.SECOND)
    (notice,) = place.written(place.case(), rung())
    with ways(place, (Said(500), TAKEN)) as received:
        assert place.send(notice) == pause(1)
        place.colleagues.remove("dana")
        assert place.send(notice, 2) is None
    assert recipients(received["signal"]) == [[DANA], [ELI]]


def test_reminders_wait_some_minutes_and_become_one_message_for_each(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    place.put("eli", f"signal:{ELI}")
    hers = [place.written(place.case("dana"), reminder())[0] for _ in range(5)]
    # two duties of one case remind of it in the same minute
    hers += place.written(place.case("dana"), reminder(), reminder(1))
    his = [place.written(place.case("eli"), reminder())[0] for _ in range(2)]
    with ways(place, (TAKEN,)) as received:
        waits = [place.send(notice) for notice in (*hers, *his)]
        assert waits == [jitter(notice) for notice in (*hers, *his)]
        assert received["signal"].calls == []
        for notice in (*hers, *his):
            assert place.send(notice, 2) is None
    assert recipients(received["signal"]) == [[DANA], [ELI]]
    assert {place.channel_of(notice) for notice in (*hers, *his)} == {"signal"}


def test_reminders_for_which_nobody_is_there_wait_too_and_are_one_message_by_the_own_channel(place: Place) -> None:
    soon = [place.written(place.case(), reminder())[0] for _ in range(5)]
    assert [place.send(notice) for notice in soon] == [jitter(notice) for notice in soon]
    assert place.own.notices == []
    alarm, emergency = place.written(place.case(), rung(), rung(number=1, urgency=Urgency.EMERGENCY))
    assert [place.send(notice) for notice in (alarm, emergency)] == [None, None]
    assert place.own.notices == [(alarm, Urgency.ALARM), (emergency, Urgency.EMERGENCY)]
    assert [place.send(notice, 2) for notice in soon] == [None] * 5
    assert place.own.notices[2:] == [(soon[0], Urgency.REMINDER)]
    assert {place.channel_of(notice) for notice in (alarm, emergency, *soon)} == {"pigeonhole"}


def test_reminders_for_people_whom_nothing_reaches_are_one_message_by_the_own_channel(place: Place) -> None:
    for name, number in (("dana", DANA), ("eli", ELI)):
        place.put(name, f"signal:{number}")
    soon = [place.written(place.case("dana"), reminder())[0] for _ in range(5)]
    with ways(place, (UNREGISTERED,)):
        assert [place.send(notice) for notice in soon] == [jitter(notice) for notice in soon]
        assert [place.send(notice, 2) for notice in soon] == [None] * 5
    assert [one for one in place.own.notices if one[1] is not Urgency.OPERATOR] == [(soon[0], Urgency.REMINDER)]
    assert {place.channel_of(notice) for notice in soon} == {"pigeonhole"}


def put_to_wait(place: Place, number: int, coordinator: str = "dana") -> list[UUID]:
    """Reminders of so many cases that have begun to wait."""
    soon = [place.written(place.case(coordinator), reminder())[0] for _ in range(number)]
    assert [place.send(notice) for notice in soon] == [jitter(notice) for notice in soon]
    return soon


def ids(receiver: Receiver) -> list[str]:
    return [headers["webhook-id"] for _, headers, _ in receiver.calls]


@pytest.mark.parametrize("is_anybody_there", [True, False])
def test_what_was_tried_in_one_message_stays_one_with_one_id_whichever_is_tried_again(
    home: Path, is_anybody_there: bool
) -> None:
    keys, *_ = keys_in(home)
    with closing(database_in(home)) as database, http(Said(503)) as hook:
        place = Place(database, Store(database, keys), Colleagues(database, keys), {}, Pigeonhole())
        if is_anybody_there:
            place.carriers["webhook"] = Signed(SECRET, now)
            place.put("dana", f"webhook:{hook.url}")
        else:
            place.activities = NoticeActivities(place.store, Webhook(hook.url, SECRET, now), now)

        def tried(notice: UUID, attempt: int) -> None:
            try:
                place.send(notice, attempt)
            except ChannelError:
                assert not is_anybody_there

        first, second, third = put_to_wait(place, 3)
        tried(second, 2)
        later, last = put_to_wait(place, 2)
        for notice in (first, later, third):
            tried(notice, 2)
        the_id = str(uuid5(second, "dana") if is_anybody_there else second)
        assert ids(hook) == [the_id] * 4
        hook.answers[:] = [Said(204)]
        tried(last, 2)  # brings what was tried before it too
        assert ids(hook)[4:] == [the_id, str(uuid5(last, "dana") if is_anybody_there else last)]
        for notice in (first, second, third, later, last):
            assert place.channel_of(notice) == "webhook"
            tried(notice, 3)
        assert len(hook.calls) == 6


def test_a_worker_that_dies_before_it_marks_a_message_leaves_its_id_to_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(*_: object) -> None:
        raise Unreachable("the worker has died")

    with http() as hook:
        place.carriers["webhook"] = Signed(SECRET, now)
        place.put("dana", f"webhook:{hook.url}")
        first, second = put_to_wait(place, 2)
        with monkeypatch.context() as dying:
            dying.setattr(Deliveries, "sent", died)
            with pytest.raises(Unreachable):
                place.send(second, 2)
        place.activities = NoticeActivities(place.store, place.own, now, place.carriers)
        put_to_wait(place, 1)
        assert place.send(first, 2) is None
        assert ids(hook) == [str(uuid5(second, "dana"))] * 2
        assert {place.channel_of(notice) for notice in (first, second)} == {"webhook"}


def test_what_the_own_channel_was_asked_for_stays_with_it_whoever_comes_to_the_desk(place: Place) -> None:
    with http(Said(503), Said(204)) as hook:
        place.activities = NoticeActivities(place.store, Webhook(hook.url, SECRET, now), now, place.carriers)
        (soon,) = put_to_wait(place, 1)
        with pytest.raises(ChannelError):
            place.send(soon, 2)
        place.put("dana", f"signal:{DANA}")
        assert place.send(soon, 3) is None
    assert ids(hook) == [str(soon)] * 2


def test_who_comes_to_the_desk_before_the_own_channel_took_a_reminder_gets_it(place: Place) -> None:
    (soon,) = place.written(place.case(), reminder())
    assert place.send(soon) == jitter(soon)
    place.put("dana", f"signal:{DANA}")
    with ways(place, (TAKEN,)) as received:
        assert place.send(soon, 2) is None
    assert recipients(received["signal"]) == [[DANA]]
    assert place.own.notices == []
    assert place.channel_of(soon) == "signal"


def test_what_is_taken_in_hand_is_not_brought_by_the_own_channel_either(place: Place) -> None:
    soon, _ = place.written(place.case(), reminder(), Acknowledged(duty="check-in"))
    assert place.send(soon, 2) is None
    assert place.own.notices == []
    assert place.channel_of(soon) == "taken-in-hand"


def test_an_alarm_does_not_wait_and_no_reminder_hides_it(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    stream = place.case()
    soon, alarm = place.written(stream, reminder(), rung(number=1))
    with ways(place, (TAKEN,)) as received:
        assert place.send(soon) == jitter(soon)
        assert place.send(alarm) is None
        assert place.send(soon, 2) is None
    texts = [body["message"] for body in received["signal"].bodies()]
    assert texts == [TEXTS[Language.ENGLISH][urgency] for urgency in (Urgency.ALARM, Urgency.REMINDER)]


def test_the_wait_of_a_reminder_is_always_the_same_and_differs_from_another_s() -> None:
    chance = Random(7)
    ids = [UUID(int=chance.getrandbits(128)) for _ in range(500)]
    waits = [jitter(one) for one in ids]
    assert waits == [jitter(one) for one in ids]
    assert len(set(waits)) > 200
    assert all(SOONEST <= wait <= LATEST for wait in waits)


def test_pauses_grow_and_end_at_the_longest() -> None:
    pauses = [pause(attempt) for attempt in range(1, 300)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_a_ladder_is_kept_alike_in_both_databases(home: Path) -> None:
    keys, *_ = keys_in(home)
    with closing(database_in(home)) as database:
        there = Place(database, Store(database, keys), Colleagues(database, keys), {}, Pigeonhole())
        there.put("dana", f"signal:{DANA}")
        there.put("eli", f"signal:{ELI}", role=Role.SECOND)
        stream = there.case()
        with ways(there, (Said(500), TAKEN)) as received:
            soon, alarm, first = there.written(
                stream, reminder(), rung(number=1), rung(Level.ESCALATION, 2, Urgency.EMERGENCY)
            )
            assert there.send(alarm) == pause(1)
            assert there.send(alarm, 2) is None
            assert there.send(first) is None
            assert there.send(soon) == jitter(soon)
            there.colleagues.remove("dana")
            assert there.send(soon, 2) is None
        assert recipients(received["signal"])[:2] == [[DANA], [DANA]]
        assert recipients(received["signal"])[-1] == [ELI]
        assert [there.channel_of(one) for one in (soon, alarm, first)] == ["signal"] * 3


def test_the_installations_own_channel_is_left_alone_for_as_long_as_it_asks(place: Place) -> None:
    with http(COME_LATER, Said(204)) as hook:
        place.activities = NoticeActivities(place.store, Webhook(hook.url, SECRET, now), now)
        (notice,) = place.written(place.case(), rung())
        assert place.send(notice) == timedelta(seconds=40)
        assert place.send(notice, 2) is None
    assert [headers["webhook-id"] for _, headers, _ in hook.taken] == [str(notice)]


def test_what_is_known_of_a_colleague_is_sealed(place: Place, tmp_path: Path) -> None:
    place.put("dana", f"signal:{DANA}", "email:dana@example.org", language=Language.RUSSIAN)
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"dana" in raw
    for planted in (DANA, "example.org", "4915200000001"):
        assert planted.encode() not in raw
    (found,) = place.colleagues.all()
    assert [way.to for way in found.channels] == [DANA, "dana@example.org"]


def test_an_entry_that_was_moved_to_another_name_is_no_way_to_anybody(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    with place.database.writing() as connection:
        connection.exec_driver_sql("UPDATE colleague SET name = 'mallory'")
    (notice,) = place.written(place.case(), rung())
    with ways(place, (TAKEN,)) as received:
        assert place.send(notice) is None
    assert received["signal"].calls == []
    assert [urgency for _, urgency in place.own.notices] == [Urgency.OPERATOR, Urgency.ALARM]


def test_s13_a_thousand_random_cases_render_the_same_notice_for_each_language_and_urgency(tmp_path: Path) -> None:
    keys, *_ = keys_in(tmp_path)
    # what is tested here is not the disk
    with closing(Database(tmp_path / "records.db", pragmas=("journal_mode=MEMORY", "synchronous=OFF"))) as database:
        _render_a_thousand(Place(database, Store(database, keys), Colleagues(database, keys), {}, Pigeonhole()))


def _render_a_thousand(place: Place) -> None:
    for language in Language:
        place.put(f"one-{language.value}", f"signal:{DANA}", language=language)
    chance, seen = Random(13), dict[tuple[Language, Urgency], set[bytes]]()
    with ways(place, (TAKEN,)) as received:
        for _ in range(1000):
            language, urgency = chance.choice(list(Language)), chance.choice([Urgency.REMINDER, Urgency.ALARM])
            fact = reminder() if urgency is Urgency.REMINDER else rung()
            titled = fact.model_copy(update={"title": f"Иван {chance.getrandbits(40)}", "due": DUE})
            (notice,) = place.written(place.case(f"one-{language.value}"), titled)
            received["signal"].calls.clear()
            assert place.send(notice, 2) is None
            ((_, _, body),) = received["signal"].calls
            seen.setdefault((language, urgency), set()).add(body)
    assert len(seen) == 2 * len(Language)
    for (language, urgency), bodies in seen.items():
        (body,) = bodies
        assert json.loads(body)["message"] == TEXTS[language][urgency]


def wait_for_calls(receiver: Receiver, calls: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while len(receiver.calls) < calls:
        assert time.monotonic() < until, "nobody called"
        time.sleep(0.01)


@contextmanager
def hanging(place: Place, daemon: Receiver, go: threading.Event, notices: list[UUID], calls: int) -> Iterator[None]:
    """While notices are being brought by a daemon that has got so many calls, and answers none before it may."""
    with ThreadPoolExecutor(len(notices)) as threads:
        for notice in notices:
            threads.submit(place.send, notice)
        try:
            wait_for_calls(daemon, calls, 30)
            yield
        finally:
            go.set()


@pytest.mark.parametrize("is_one_call_for_all", [False, True])
def test_an_emergency_reaches_whom_it_can_at_once_whatever_else_hangs(place: Place, is_one_call_for_all: bool) -> None:
    names, go = [f"c{number}" for number in range(2 * AT_ONCE)], threading.Event()
    for name in names:
        place.put(name, f"signal:{DANA}")
    everybody = rung(Level.ESCALATION, 2)
    alarms = [place.written(place.case(name), everybody if is_one_call_for_all else rung())[0] for name in names]
    alarms, calls = (alarms[:1], len(names)) if is_one_call_for_all else (alarms, AT_ONCE)
    with ways(place, (Said(503, after=go),)) as received, hanging(place, received["signal"], go, alarms, calls):
        place.put("eli", f"webhook:{received['webhook'].url}")
        (emergency,) = place.written(place.case("eli"), rung(urgency=Urgency.EMERGENCY))
        with ThreadPoolExecutor(1) as threads:
            threads.submit(place.send, emergency)
            try:
                wait_for_calls(received["webhook"], 1, 5)
            finally:
                go.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels that do not wait long for an answer."""
    monkeypatch.setattr("activities.notifications.http.TIMEOUT_SECONDS", 1.5 * HANGS.total_seconds())


@pytest.mark.usefixtures("impatient")
def test_a_provider_that_has_hung_holds_up_no_alarm_that_goes_by_another(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, go = [f"c{number}" for number in range(2 * AT_ONCE)], threading.Event()
    for name in names:
        place.put(name, f"signal:{DANA}")
    first, *alarms = [place.written(place.case(name), rung())[0] for name in names]
    with ways(place, (Said(503, after=go),)) as received, ThreadPoolExecutor(len(names)) as threads:
        place.put("eli", f"webhook:{received['webhook'].url}")
        try:
            assert place.send(first) == pause(1)
            monkeypatch.undo()  # from here on it takes far longer
            waits = [threads.submit(place.send, notice) for notice in alarms]
            until = time.monotonic() + 5
            while sum(one.done() for one in waits) < len(alarms) - HANGING_AT_ONCE:
                assert time.monotonic() < until, "too many of them wait for it"
                time.sleep(0.01)
            assert {one.result() for one in waits if one.done()} <= {pause(1), BUSY}
            wait_for_calls(received["signal"], 1 + HANGING_AT_ONCE, 5)
            (another,) = place.written(place.case("eli"), rung())
            began = time.monotonic()
            assert place.send(another) is None
            assert time.monotonic() - began < HANGS.total_seconds()
            (emergency,) = place.written(place.case(names[0]), rung(urgency=Urgency.EMERGENCY))
            threads.submit(place.send, emergency)
            wait_for_calls(received["signal"], 2 + HANGING_AT_ONCE, 5)  # it stands behind no alarm
        finally:
            go.set()


@pytest.mark.usefixtures("impatient")
def test_a_provider_that_has_hung_and_answers_again_is_asked_by_all(place: Place) -> None:
    names, go = [f"c{number}" for number in range(AT_ONCE)], threading.Event()
    for name in names:
        place.put(name, f"signal:{DANA}")
    first, *alarms = [place.written(place.case(name), rung())[0] for name in (names[0], *names)]
    with ways(place, (Said(503, after=go), TAKEN, Said(503, after=go))) as received:
        try:
            assert [place.send(first), place.send(first, 2)] == [pause(1), None]
            with hanging(place, received["signal"], go, alarms, 2 + AT_ONCE):
                pass  # they all ask it
        finally:
            go.set()


@pytest.mark.usefixtures("impatient")
def test_a_call_to_all_asks_a_provider_that_has_hung_for_each_of_them(place: Place) -> None:
    go = threading.Event()
    for name in ("dana", "eli", "noa"):
        place.put(name, f"signal:{DANA}")
    stream = place.case()
    first, everybody = place.written(stream, rung(), rung(Level.ESCALATION, 2))
    with ways(place, (Said(503, after=go),)) as received:
        try:
            assert place.send(first) == pause(1)
            with hanging(place, received["signal"], go, [everybody], 1 + 3):
                pass
        finally:
            go.set()


@pytest.mark.usefixtures("impatient")
def test_the_own_channel_that_has_hung_is_asked_by_few_at_a_time_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    first, *alarms, last = (place.written(place.case(), rung())[0] for _ in range(2 + HANGING_AT_ONCE))
    with http(Said(503, after=go)) as hook, ThreadPoolExecutor(len(alarms)) as threads:
        place.activities = NoticeActivities(place.store, Webhook(hook.url, SECRET, now), now)
        try:
            with pytest.raises(ChannelError):
                place.send(first)
            monkeypatch.undo()
            for notice in alarms:
                threads.submit(place.send, notice)
            wait_for_calls(hook, 1 + len(alarms), 5)
            with pytest.raises(ChannelError, match="it hangs"):
                place.send(last)
        finally:
            go.set()
    assert len(hook.calls) == 1 + len(alarms)


def test_a_provider_is_a_host_where_an_address_names_one_and_else_the_whole_channel() -> None:
    said = ("webhook:https://one.example/a", "webhook:https://one.example/b", "webhook:https://two.example/a")
    one, same, two, dana, eli = (provider_of(Address.parse(way)) for way in (*said, f"signal:{DANA}", f"signal:{ELI}"))
    assert one == same != two
    assert dana == eli != one


def test_a_try_that_found_everybody_being_reminded_is_no_try_and_the_next_one_comes_ever_later(place: Place) -> None:
    go = threading.Event()
    place.put("dana", f"signal:{DANA}")
    first, second = (place.written(place.case(), reminder())[0] for _ in range(2))
    assert (place.send(first), place.send(second)) == (jitter(first), jitter(second))
    with ways(place, (Said(503, after=go),)) as received:
        with ThreadPoolExecutor(1) as threads:
            try:
                threads.submit(place.send, first, 2)
                wait_for_calls(received["signal"], 1, 30)
                waits = [place.send(second, attempt) for attempt in range(2, 8)]
            finally:
                go.set()
        assert waits == [BUSY, 2 * BUSY, 4 * BUSY, LONGEST_BUSY, LONGEST_BUSY, LONGEST_BUSY]
        assert place.send(second, 8) == pause(2)


@pytest.mark.usefixtures("impatient")
def test_a_way_that_hangs_keeps_nothing_from_the_next_way_of_the_same_person(place: Place) -> None:
    go = threading.Event()
    with ways(place, (Said(503, after=go),)) as received, ThreadPoolExecutor(8) as threads:
        place.put("dana", f"signal:{DANA}", f"webhook:{received['webhook'].url}")
        alarms = [place.written(place.case(), rung())[0] for _ in range(6)]
        (emergency,) = place.written(place.case(), rung(urgency=Urgency.EMERGENCY))
        gathered = place.written(place.case(), reminder())
        try:
            sending = [threads.submit(place.send, notice, 2) for notice in (*gathered, *alarms, emergency)]
            waits = [one.result(30) for one in sending]
            # what found no room at first comes again, and stands behind nothing that hangs
            late = [notice for notice, wait in zip((*gathered, *alarms, emergency), waits, strict=True) if wait]
            began = time.monotonic()
            assert [place.send(notice, 3) for notice in late] == [None] * len(late)
            assert time.monotonic() - began < len(late) * 2 * HANGS.total_seconds()
        finally:
            go.set()
        ids = [headers["webhook-id"] for _, headers, _ in received["webhook"].calls]
    assert len(ids) == len(set(ids)) == 8


def test_a_plan_names_who_is_called_and_the_whole_desk_is_its_end(place: Place) -> None:
    place.put("dana", f"signal:{DANA}")
    place.put("eli", f"signal:{ELI}", role=Role.SECOND)
    place.put("noa", f"signal:{NOA}", role=Role.DESK)
    steps = [rung(), *(rung(Level.ESCALATION, number) for number in (1, 2, 3))]
    planned = [one.model_copy(update={"told": ("noa", "gone", "eli")}) for one in steps]
    notices = place.written(place.case(), *planned)
    with ways(place, (TAKEN,)) as received:
        assert [place.send(notice) for notice in notices] == [None] * 4
    got = recipients(received["signal"])
    assert got[:2] == [[NOA], [ELI]]
    assert sorted(got[2:], key=str) == sorted([[DANA], [ELI], [NOA]] * 2, key=str)
