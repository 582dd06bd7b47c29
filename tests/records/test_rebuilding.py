"""The lists made anew from the log: the same as before, whatever happens meanwhile."""

from collections.abc import Callable
from datetime import date
from threading import Event, Thread
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from domain.check_ins import CheckedIn, CheckInPlanned
from domain.country import Alert, AlertRaised
from domain.custody import Detained
from domain.danger import Risk
from domain.embassy_contacts import Approached
from domain.events import Event as Recorded
from domain.stay_facts import Entered
from records.database import Database
from records.errors import Unreadable
from records.log import write_beside
from records.projecting import CARDS, nothing_of
from records.store import Store
from runtime import rebuilding
from runtime.rebuilding import rebuild
from tests.support.telling import NOON, REFERENCES, RULEBOOK, Author

DAY = date(2026, 9, 3)
ALERT = Alert(
    id=UUID(int=7),
    fact=AlertRaised(source="Radio", level=Risk.HIGH, within_hours=6),
    raised_at=NOON,
    raised_by="dana",
    untold=None,
)


def cards(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All that lists are made of."""
    with database.reading() as connection:
        return {
            table: sorted(tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}")))  # noqa: S608
            for table in CARDS
        }


def anew(database: Database, store: Store, progress: Callable[[int, int], None] = lambda _done, _of: None) -> int:
    return rebuild(database, store, RULEBOOK, lambda: NOON, progress)


@pytest.fixture
def authors(store: Store) -> list[Author]:
    """Some cases, each at another point."""
    authors = [Author(store, reference) for reference in REFERENCES]
    for facts, author in enumerate(authors):
        for fact in (Entered(), CheckInPlanned(every_days=9), Approached(country="FR"), Detained())[:facts]:
            author.tell(fact, DAY)
        author.reach(ALERT)
    return authors


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several portions, of a few cases."""
    monkeypatch.setattr(rebuilding, "AT_ONCE", 2)


@pytest.mark.usefixtures("few_at_once")
def test_lists_made_anew_are_those_that_the_appends_wrote(
    database: Database, store: Store, authors: list[Author]
) -> None:
    before = cards(database)
    assert [len(rows) > len(REFERENCES) for rows in before.values()] == [False, True, True, False]
    assert len(before["alert_card"]) == len(REFERENCES)
    told: list[tuple[int, int]] = []
    assert anew(database, store, lambda done, of: told.append((done, of))) == len(authors)
    assert cards(database) == before
    assert told == [(2, 7), (4, 7), (6, 7), (7, 7)]
    with database.writing() as connection:
        write_beside(connection, nothing_of(REFERENCES))
    assert not any(cards(database).values())
    anew(database, store)
    assert cards(database) == before


@pytest.mark.usefixtures("authors")
def test_rows_that_no_log_knows_go_and_rows_that_were_changed_are_put_right(database: Database, store: Store) -> None:
    before = cards(database)
    with database.writing() as connection:
        for statement in (
            "UPDATE case_card SET stage = 'nowhere'",
            "UPDATE phase_card SET is_open = NOT is_open",
            "UPDATE duty_card SET due = '1999', duty = duty || '?'",
            "INSERT INTO case_card (reference, stage, is_open, missing_for_entry, opened_on) "
            "VALUES ('0000000000B', 'entry', true, '', '2026-09-01')",
            "INSERT INTO phase_card (stream, reference, phase, number, headline, is_open) "
            "VALUES ('case/0000000000C/safety/1', '0000000000C', 'safety', 1, 'begins', true)",
        ):
            connection.execute(text(statement))
    anew(database, store)
    assert cards(database) == before


@pytest.mark.usefixtures("few_at_once")
def test_lists_made_anew_while_a_writer_writes_hold_what_it_wrote(
    database: Database, store: Store, authors: list[Author]
) -> None:
    stop, times = Event(), [0]

    def write() -> None:
        while not stop.is_set():
            for author in authors:
                author.tell(CheckedIn(), DAY)
                times[0] += 1

    writer = Thread(target=write)
    writer.start()
    try:
        while times[0] < 40:
            anew(database, store)
    finally:
        stop.set()
        writer.join()
    written = cards(database)
    anew(database, store)
    assert cards(database) == written


@pytest.mark.usefixtures("few_at_once")
def test_an_erased_case_gets_no_cards_whenever_it_is_erased(
    database: Database, store: Store, authors: list[Author], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before; and in the middle of it, after its portion was folded or while its key is gone already."""
    before, during, unread = (author.reference for author in authors[1:4])
    store.fence(before, NOON)
    fold = rebuilding.cards_of

    def and_meanwhile(events: tuple[object, ...], reference: str, *rest: object) -> object:
        if reference == during:
            store.fence(during, NOON)
        return fold(events, reference, *rest)  # type: ignore[arg-type]

    def without_its_key(of: Store, connection: Connection, reference: str) -> tuple[Recorded, ...]:
        if reference == unread:
            store.fence(unread, NOON)
            raise Unreadable("its key is gone")
        return read(of, connection, reference)

    read = Store._read_case
    monkeypatch.setattr(Store, "_read_case", without_its_key)
    monkeypatch.setattr(rebuilding, "cards_of", and_meanwhile)
    anew(database, store)
    living = {author.reference for author in authors} - {before, during, unread}
    with database.reading() as connection:
        for table in CARDS:
            rows = connection.execute(text(f"SELECT reference FROM {table}"))  # noqa: S608
            assert {row[0] for row in rows} == living


@pytest.mark.usefixtures("few_at_once")
def test_a_case_that_does_not_open_stops_it_and_keeps_its_cards(
    database: Database, store: Store, authors: list[Author], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once its key is back, it begins again."""
    before, last, fold = cards(database), authors[-1].reference, rebuilding.cards_of

    def shut(events: tuple[object, ...], reference: str, *rest: object) -> object:
        if reference == last:
            raise Unreadable("its key is gone")
        return fold(events, reference, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuilding, "cards_of", shut)
    with database.writing() as connection:
        write_beside(connection, nothing_of([author.reference for author in authors[:-1]]))
    with pytest.raises(Unreadable):
        anew(database, store)
    assert set(cards(database)["duty_card"]) == set(before["duty_card"])
    monkeypatch.setattr(rebuilding, "cards_of", fold)
    anew(database, store)
    assert cards(database) == before
