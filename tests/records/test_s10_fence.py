"""S10: the fence falls on what was seen of the case, or not at all; on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from domain.check_ins import CheckedIn
from domain.references import case_stream
from domain.retention import HoldPlaced, HoldReason
from records.database import Database
from records.errors import Fenced
from records.forgetting import shutting
from records.log import Where
from records.store import Store
from records.verifying import verify
from tests.support.telling import NOON, REFERENCES, Author

DAY = NOON.date()
HIS = REFERENCES[0]
OWN = case_stream(HIS)


def hold(days: int = 30) -> HoldPlaced:
    return HoldPlaced(reason=HoldReason.LEGAL_CLAIM, until=DAY + timedelta(days=days))


def is_open(database: Database) -> bool:
    with database.reading() as connection:
        return bool(connection.exec_driver_sql("SELECT is_open FROM case_card").scalar_one())


def test_s10_a_hold_that_came_after_the_last_look_keeps_the_fence_off_and_what_would_be_written_with_it(
    store: Store, database: Database
) -> None:
    author = Author(store, HIS)
    seen = len(store.read(OWN))
    author.tell(hold(), DAY)
    assert not store.fence(HIS, NOON, shutting(HIS), seen=seen)
    assert is_open(database)
    author.tell(CheckedIn(), DAY)  # the case goes on
    assert store.fence(HIS, NOON, shutting(HIS), seen=len(store.read(OWN)))
    assert not is_open(database)
    with pytest.raises(Fenced):
        author.tell(CheckedIn(), DAY)
    assert store.fence(HIS, NOON, shutting(HIS), seen=seen), "what is fenced stays so, whoever comes late"
    assert verify(database).fault is None


def test_s10_what_moves_another_case_or_a_phase_does_not_keep_the_fence_off(store: Store) -> None:
    author, other = Author(store, HIS), Author(store, REFERENCES[1])
    seen = len(store.read(OWN))
    other.tell(hold(), DAY)
    author.tell(CheckedIn(), DAY)
    assert store.fence(HIS, NOON, shutting(HIS), seen=seen)


def test_s10_of_a_hold_and_a_fence_at_the_same_moment_exactly_one_is_taken(
    store: Store, database: Database, where: Where
) -> None:
    elsewhere = Store(Database(where), store.keys)
    authors = [Author(store, reference) for reference in REFERENCES]
    together = Barrier(2)

    def fences(author: Author) -> bool:
        seen = len(elsewhere.read(case_stream(author.reference)))
        together.wait()
        return elsewhere.fence(author.reference, NOON, shutting(author.reference), seen=seen)

    def holds(author: Author) -> bool:
        together.wait()
        try:
            author.tell(hold(), DAY)
        except Fenced:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        for author in authors:
            fence, held = both.submit(fences, author), both.submit(holds, author)
            assert fence.result() != held.result()
    assert verify(database).fault is None
    elsewhere.database.close()
