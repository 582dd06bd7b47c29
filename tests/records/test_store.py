"""The log: idempotent, guarded by version, case and epoch; events and read models in one transaction."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from domain.case import CaseOpened
from domain.check_ins import CheckedIn, ContactLogged
from domain.consent import ConsentWithdrawn
from domain.events import Event
from domain.facts import Fact, Occurred
from domain.stay_facts import Entered
from records.database import Database
from records.errors import ContentDiffers, StaleWriter, Unreachable, Unreadable
from records.log import Where
from records.store import Store
from tests.support.tampering import owning

CASE = "case/00000000000"
SAFETY = f"{CASE}/safety/1"


def event(stream: str, version: int, fact: Fact, event_id: UUID | None = None) -> Event:
    return Event(
        event_id=event_id or uuid4(),
        stream=stream,
        version=version,
        command_id=uuid4(),
        actor="dana",
        occurred=Occurred.on(date(2026, 9, 1)),
        learned_on=date(2026, 9, 1),
        recorded_at=datetime(2026, 9, 1, tzinfo=UTC),
        fact=fact,
    )


def test_the_same_event_again_answers_with_what_is_stored(store: Store) -> None:
    one = event(SAFETY, 1, CheckedIn())
    epoch = store.open(SAFETY).epoch
    first = store.append(SAFETY, epoch, 0, [one])
    again = store.append(SAFETY, epoch, 0, [one])
    assert first == again
    assert again.tail == (one,)
    assert store.read(SAFETY) == (one,)


def test_the_same_id_with_other_content_is_an_error(store: Store) -> None:
    one = event(SAFETY, 1, CheckedIn())
    epoch = store.open(SAFETY).epoch
    store.append(SAFETY, epoch, 0, [one])
    with pytest.raises(ContentDiffers):
        store.append(SAFETY, epoch, 0, [event(SAFETY, 1, ContactLogged(), one.event_id)])


def test_a_stream_that_is_longer_than_expected_returns_its_tail_and_is_not_written(store: Store) -> None:
    one, two = event(SAFETY, 1, CheckedIn()), event(SAFETY, 1, ContactLogged())
    epoch = store.open(SAFETY).epoch
    store.append(SAFETY, epoch, 0, [one])
    assert store.append(SAFETY, epoch, 0, [two]).tail == (one,)
    assert store.read(SAFETY) == (one,)


def test_cards_alone_are_not_written_either_where_the_stream_is_longer(store: Store) -> None:
    one = event(SAFETY, 1, CheckedIn())
    epoch = store.open(SAFETY).epoch
    store.append(SAFETY, epoch, 0, [one])
    assert store.append(SAFETY, epoch, 0, []).tail == (one,)
    assert store.append(SAFETY, epoch, 1, []).tail == ()


def test_a_decision_that_rests_on_an_older_case_is_not_written(store: Store) -> None:
    case_epoch, epoch = store.open(CASE).epoch, store.open(SAFETY).epoch
    opened = event(CASE, 1, CaseOpened(coordinator="dana", country="KZ"))
    withdrawn = event(CASE, 2, ConsentWithdrawn())
    store.append(CASE, case_epoch, 0, [opened])
    store.append(CASE, case_epoch, 1, [withdrawn])
    answer = store.append(SAFETY, epoch, 0, [event(SAFETY, 1, CheckedIn())], case_seen=1)
    assert answer.tail == ()
    assert answer.case_tail == (withdrawn,)
    assert store.read(SAFETY) == ()


def test_a_writer_of_a_lower_epoch_is_refused(store: Store) -> None:
    old = store.open(SAFETY).epoch
    new = store.open(SAFETY).epoch
    assert new > old
    with pytest.raises(StaleWriter):
        store.append(SAFETY, old, 0, [event(SAFETY, 1, CheckedIn())])


def test_an_append_is_whole_or_not_at_all(store: Store) -> None:
    twice = event(SAFETY, 1, CheckedIn())
    epoch = store.open(SAFETY).epoch
    with pytest.raises(Unreachable):
        store.append(SAFETY, epoch, 0, [twice, event(SAFETY, 1, ContactLogged())])
    assert store.read(SAFETY) == ()


def test_concurrent_appends_at_one_version_write_one_event(store: Store) -> None:
    epoch = store.open(SAFETY).epoch
    events = [event(SAFETY, 1, CheckedIn()) for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: store.append(SAFETY, epoch, 0, [one]), events))
    stored = store.read(SAFETY)
    assert len(stored) == 1
    assert {answer.tail for answer in answers} == {stored}


def test_the_header_stands_apart_from_the_body(database: Database, store: Store) -> None:
    one = event(SAFETY, 1, CheckedIn())
    store.append(SAFETY, store.open(SAFETY).epoch, 0, [one])
    with database.reading() as connection:
        row = connection.exec_driver_sql("SELECT * FROM event").mappings().one()
    header = {name: value for name, value in row.items() if name not in ("body", "digest", "chain")}
    assert set(header) == {"position", "event_id", "stream", "version", "schema_version", "key_id", "recorded_at"}
    shown = " ".join(str(value) for value in header.values())
    assert "checked-in" not in shown
    assert "dana" not in shown
    assert b"checked-in" not in row["body"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("recorded_at", "2025-01-01T00:00:00+00:00"),
        ("version", 2),
        ("stream", f"{CASE}/vetting/1"),
        ("event_id", str(UUID(int=1))),
        ("schema_version", 2),
        ("schema_version", 0),
        ("key_id", "none"),
    ],
)
def test_an_event_whose_header_was_changed_does_not_open(
    store: Store, owned: Where, column: str, value: object
) -> None:
    store.append(SAFETY, store.open(SAFETY).epoch, 0, [event(SAFETY, 1, CheckedIn())])
    with owning(owned) as connection:
        connection.execute(text(f"UPDATE event SET {column} = :value"), {"value": value})  # noqa: S608
        connection.commit()
    with pytest.raises(Unreadable):
        store.read_case(CASE.removeprefix("case/"))


def test_a_command_that_was_recorded_in_one_stream_is_not_taken_in_another(store: Store) -> None:
    one = event(SAFETY, 1, CheckedIn())
    store.append(SAFETY, store.open(SAFETY).epoch, 0, [one])
    vetting = f"{CASE}/vetting/1"
    with pytest.raises(ContentDiffers):
        store.append(vetting, store.open(vetting).epoch, 0, [one.model_copy(update={"stream": vetting})])


def test_a_command_that_is_decided_again_by_a_later_clock_gets_what_is_stored(store: Store) -> None:
    one = event(SAFETY, 1, CheckedIn())
    epoch = store.open(SAFETY).epoch
    store.append(SAFETY, epoch, 0, [one])
    again = one.model_copy(update={"recorded_at": datetime(2026, 9, 2, tzinfo=UTC)})
    assert store.append(SAFETY, epoch, 0, [again]).tail == (one,)


def test_a_reading_that_was_cut_off_leaves_no_later_one_in_the_past(store: Store, owned: Where) -> None:
    epoch = store.open(SAFETY).epoch
    store.append(SAFETY, epoch, 0, [event(SAFETY, 1, CheckedIn()), event(SAFETY, 2, CheckedIn())])
    with owning(owned) as connection:
        connection.execute(text("UPDATE event SET key_id = 'none' WHERE version = 1"))
        connection.commit()
    with pytest.raises(Unreadable) as kept:  # whoever keeps an error keeps what it was raised from
        store.read(SAFETY)
    stay = f"{CASE}/transit-stay/1"
    one = event(stay, 1, Entered())
    store.append(stay, store.open(stay).epoch, 0, [one])
    assert [store.read(stay) for _ in range(4)] == [(one,)] * 4, kept
