"""The lists: what is shown of very many rows, in which order, and whose names are opened for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.intake import Identity
from records.board import SHOWN, Board, Wanted
from records.database import Database
from records.readings import EVERYBODY, readings_of
from records.store import Store
from runtime.desk import LOCKED_NAME, Desk
from tests.support.keys import keys_in, settings_in, store_in
from tests.support.many_cases import many_cases, write

NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
CASES = 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a hundred cases at different points, imported with their past."""
    folder = tmp_path_factory.mktemp("board")
    store: Store = store_in(folder)
    write(many_cases(CASES, NOW.date()), store, NOW)
    return folder


@pytest.fixture
def desk(folder: Path) -> Desk:
    return Desk(settings_in(folder), "dana", keys_in(folder))


@pytest.fixture
def board(folder: Path) -> Board:
    return Board(Database(folder / "records.db"))


def test_of_what_needs_a_human_the_first_fifty_are_shown_and_all_are_counted(board: Board) -> None:
    everything = board.needs_a_human(NOW, limit=None)
    assert len(everything) > SHOWN
    assert board.number_of_needs() == len(everything)
    assert board.needs_a_human(NOW) == everything[:SHOWN]


def test_what_needs_a_human_comes_emergencies_first_and_then_the_oldest(board: Board) -> None:
    order = [(not need.duty.emergency, need.duty.due, need.duty.stream) for need in board.needs_a_human(NOW, None)]
    assert order == sorted(order)


def test_duties_are_found_by_the_country_where_their_case_is(board: Board) -> None:
    where = {case.reference: case.country for case in board.cases()}
    assert len(set(where.values())) > 1, "some have arrived elsewhere, or this shows nothing"
    until = NOW + timedelta(days=7)
    for country in set(where.values()) - {None}:
        wanted = [duty for duty in board.duties(until=until) if where[duty.reference] == country]
        assert wanted
        assert board.duties(country=country, until=until) == wanted
        assert board.duties(country=country, until=until, limit=3) == wanted[:3]
        assert board.number_of_duties(country=country, until=until) == len(wanted)


def test_cases_are_listed_with_their_next_dates_the_first_fifty_of_them_and_all_are_counted(board: Board) -> None:
    everything = board.list_cases(NOW, limit=None)
    assert [one.case for one in everything] == board.cases()
    assert len(everything) == board.number_of_cases() == CASES
    assert board.list_cases(NOW) == everything[:SHOWN]
    for one in everything:
        duty = board.next_duty(one.case.reference, NOW)
        assert (one.due, one.title) == ((duty.due, duty.title) if duty is not None else (None, None))
    assert len({one.due for one in everything}) > 1
    for wanted in (Wanted(stage="in transit"), Wanted(country="FR"), Wanted(overdue_at=NOW)):
        some = board.list_cases(NOW, wanted, limit=None)
        assert [one.case for one in some] == board.cases(wanted)
        assert 0 < len(some) == board.number_of_cases(wanted) < CASES


def test_a_list_opens_the_names_that_it_shows_and_is_written_down_as_one_reading(desk: Desk) -> None:
    shown, hidden = (case.reference for case in desk.board.cases()[:2])
    for reference, nickname in ((shown, "Wren"), (hidden, "Heron")):
        desk.vault.keep(reference, Identity(nickname=nickname))
    before = len(readings_of(desk.database, shown))
    name = desk.names_shown({shown})
    assert (name(shown), name(hidden)) == ("Wren", LOCKED_NAME)
    readings = readings_of(desk.database, shown)[before:]
    assert [(row.reference, row.what) for row in readings] == [(EVERYBODY, "list")]
