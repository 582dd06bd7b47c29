"""A returning person is noticed at the vault's door, by digests that say nothing, as soon as they are kept."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import getrandbits
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from domain.errors import NotFound, Refused
from domain.intake import Identity
from domain.names import Basis
from domain.references import case_stream, make_reference
from records.database import Database
from records.duplicates import Finding, digests_of, forget, looked_since, mark_seen, open_hits, settle
from records.errors import Locked, Unreachable
from records.keyring import Role, wrapping_key
from records.keys import Keys, Purpose
from records.migrating import as_owner, migrate
from records.persons import lock, new_person
from records.readings import readings_of
from records.vault import Vault
from tests.support.keys import MASTER, keys_in
from tests.support.postgres import Databases
from tests.support.searching import Trace, files_below, leaks

ONE, OTHER, THIRD = (make_reference(lambda bits=bits: bits) for bits in (1, 2, 3))  # type: ignore[misc]
BORN, NOW = date(1991, 4, 17), datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

CYRILLIC = Identity(nickname="Чибис", name="Щербаковский Сергей Юрьевич", birth_date=BORN)
LATIN = Identity(nickname="Plover", name="Serhii SHCHERBAKOVSKYI", birth_date=BORN)
STRANGER = Identity(nickname="Owl", name="Щербаковский Сергей Юрьевич", birth_date=BORN + timedelta(days=1))
UNDATED = Identity(nickname="Rook", name="Sergey Scherbakovsky")

slow_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)


@dataclass(frozen=True)
class Kept:
    """A vault in a folder of its own."""

    folder: Path
    database: Database
    keys: Keys

    def of(self, staff: str = "dana") -> Vault:
        return Vault(self.database, self.keys, staff, lambda: NOW)

    def forget(self, reference: str) -> None:
        with self.database.writing() as connection, Session(bind=connection) as session:
            forget(session, reference)

    def pairs(self) -> list[tuple[str, str, str]]:
        """The open hits."""
        return [(row.reference, row.other, row.basis) for row in open_hits(self.database)]

    def digests(self, reference: str) -> set[object]:
        """What is written down of a case."""
        return {digest for one, digest in self.asked("SELECT reference, digest FROM blind_index") if one == reference}

    def asked(self, question: str) -> list[tuple[object, ...]]:
        """What stands in the file."""
        with closing(sqlite3.connect(self.folder / "records.db")) as connection:
            return connection.execute(question).fetchall()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    keys = keys_in(tmp_path)
    database = Database(tmp_path / "records.db")
    yield Kept(tmp_path, database, keys[1])
    database.close()


# --- what is noticed ---


def test_a_person_who_comes_back_in_another_alphabet_is_noticed(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    assert kept.pairs() == []
    kept.of("timur").keep(OTHER, LATIN)
    assert kept.pairs() == [(OTHER, ONE, Basis.BIRTH_DATE)]
    [hit] = open_hits(kept.database)
    assert (hit.found_at, hit.seen_by, hit.finding) == ("2026-11-24T09:30:00+00:00", None, None)


def test_two_people_with_one_common_name_and_two_birth_dates_are_no_hit(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, STRANGER)
    assert kept.pairs() == []


def test_without_a_birth_date_names_alone_are_a_hit_and_say_so(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, STRANGER)
    kept.of().keep(THIRD, UNDATED)
    assert kept.pairs() == [(THIRD, one, Basis.NAMES) for one in sorted((ONE, OTHER))]


def test_a_nickname_or_a_birth_date_without_a_name_tells_nobody_again(kept: Kept) -> None:
    for reference in (ONE, OTHER):
        kept.of().keep(reference, Identity(nickname="Wren", birth_date=BORN))
    assert kept.pairs() == []
    assert kept.asked("SELECT count(*) FROM blind_index") == [(0,)]


def test_a_case_kept_again_is_no_hit_with_itself_and_doubles_none(kept: Kept) -> None:
    for _ in range(3):
        kept.of().keep(ONE, CYRILLIC)
        kept.of().keep(OTHER, LATIN)
    assert kept.pairs() == [(OTHER, ONE, Basis.BIRTH_DATE)]
    assert kept.asked("SELECT count(*) - count(DISTINCT reference || digest) FROM blind_index") == [(0,)]


def test_an_identity_that_was_mended_takes_its_open_hits_and_its_digests_with_it(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, LATIN)
    before = kept.digests(OTHER)
    kept.of().keep(OTHER, STRANGER)
    assert kept.pairs() == []
    assert kept.digests(OTHER) == digests_of(kept.keys, STRANGER).kept
    assert before - kept.digests(OTHER)
    kept.of().keep(ONE, UNDATED)
    assert kept.pairs() == [(ONE, OTHER, Basis.NAMES)]


@slow_fixture
@given(
    st.lists(
        st.tuples(st.sampled_from([ONE, OTHER, THIRD]), st.sampled_from([CYRILLIC, LATIN, STRANGER, UNDATED])),
        max_size=8,
    )
)
def test_the_open_hits_depend_on_who_the_cases_are_now_and_not_on_how_they_became_it(
    kept: Kept, writes: list[tuple[str, Identity]]
) -> None:
    for reference in (ONE, OTHER, THIRD):
        kept.forget(reference)
    for reference, identity in writes:
        kept.of().keep(reference, identity)
    now = dict(writes)
    expected = {
        frozenset((one, other))
        for one, first in now.items()
        for other, second in now.items()
        if one < other and (first.birth_date is None or second.birth_date in (None, first.birth_date))
    }
    assert {frozenset(pair[:2]) for pair in kept.pairs()} == expected
    assert len(kept.pairs()) == len(expected)


# --- settling ---


def test_a_settled_hit_does_not_come_again_for_the_same_two_cases(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, LATIN)
    [hit] = open_hits(kept.database)
    assert hit.hit is not None
    assert settle(kept.database, hit.hit, Finding.OTHER, "timur", NOW) == (OTHER, ONE)
    assert kept.asked("SELECT finding, settled_by, settled_at FROM duplicate_hit") == [
        ("other", "timur", "2026-11-24T09:30:00+00:00")
    ]
    for reference, identity in ((ONE, CYRILLIC), (OTHER, LATIN), (OTHER, UNDATED), (ONE, LATIN)):
        kept.of().keep(reference, identity)
        assert kept.pairs() == []
    kept.of().keep(THIRD, LATIN)
    assert {pair[:2] for pair in kept.pairs()} == {(THIRD, ONE), (THIRD, OTHER)}


def test_a_hit_is_settled_once_and_by_its_number(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, LATIN)
    settle(kept.database, 1, Finding.SAME, "timur", NOW)
    with pytest.raises(Refused, match="timur has settled this hit already: same"):
        settle(kept.database, 1, Finding.OTHER, "vera", NOW)
    with pytest.raises(NotFound):
        settle(kept.database, 2, Finding.SAME, "timur", NOW)


def test_who_was_shown_a_hit_first_is_written_down_once(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, LATIN)
    for staff in ("timur", "vera"):
        mark_seen(kept.database, open_hits(kept.database), staff, NOW)
    assert kept.asked("SELECT seen_by, seen_at FROM duplicate_hit") == [("timur", "2026-11-24T09:30:00+00:00")]


# --- secrecy ---


def test_the_records_hold_no_name_and_no_date_in_any_form(kept: Kept) -> None:
    for reference, identity in ((ONE, CYRILLIC), (OTHER, LATIN), (THIRD, UNDATED)):
        kept.of().keep(reference, identity)
    with closing(sqlite3.connect(kept.folder / "records.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(FULL)")
    spelled = ["Щербаковский", "Сергей", "Юрьевич", "Serhii", "SHCHERBAKOVSKYI", "Scherbakovsky", "1991-04-17", "Чибис"]
    skeletons = ["sherbakovski", "sergi", "iurevich", "born|", "undated|", "dated|"]
    assert len(kept.pairs()) == 3
    assert len(leaks(spelled + skeletons, [Trace("itself", " ".join(spelled + skeletons).encode())])) >= len(spelled)
    assert leaks(spelled + skeletons, files_below(kept.folder)) == []


def test_a_digest_is_made_by_the_vaults_key_alone_and_meets_no_digest_of_a_file(kept: Kept, tmp_path: Path) -> None:
    own = digests_of(kept.keys, CYRILLIC)
    assert own.kept == digests_of(Keys(kept.keys.keyring, Role.VAULT, wrapping_key(MASTER, Role.VAULT)), CYRILLIC).kept
    elsewhere = digests_of(keys_in(tmp_path / "elsewhere")[1], CYRILLIC)
    work = digests_of(keys_in(tmp_path)[0], CYRILLIC)
    assert len(own.kept) == len(elsewhere.kept) == len(work.kept) == 8
    assert not own.kept & (elsewhere.kept | work.kept)
    mark = b"born|1991-04-17|sergi|sherbakovski"
    kept.of().import_of(mark, ONE)
    [(digest,)] = kept.asked("SELECT digest FROM import_file")
    assert digest not in own.kept | own.sought.keys()


def test_no_column_of_the_index_is_unique(kept: Kept) -> None:
    """PostgreSQL shows the value of a duplicate key in its errors."""
    indexes = kept.asked("SELECT name, \"unique\" FROM pragma_index_list('blind_index')")
    assert len(indexes) == 2
    assert {unique for _, unique in indexes} == {0}


def test_a_hit_is_written_with_the_identity_or_neither_is(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    with kept.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE duplicate_hit")
    with pytest.raises(Unreachable):
        kept.of().keep(OTHER, LATIN)
    assert kept.asked("SELECT reference FROM identity") == [(ONE,)]
    assert kept.asked("SELECT DISTINCT reference FROM blind_index") == [(ONE,)]


def test_forgetting_a_case_needs_no_key_and_leaves_nothing_that_names_it(kept: Kept) -> None:
    for reference, identity in ((ONE, CYRILLIC), (OTHER, LATIN), (THIRD, UNDATED)):
        kept.of().keep(reference, identity)
    settle(kept.database, 1, Finding.SAME, "timur", NOW)
    kept.forget(OTHER)
    assert kept.pairs() == [(THIRD, ONE, Basis.NAMES)]
    for question in (
        "SELECT reference FROM blind_index",
        "SELECT reference FROM duplicate_hit",
        "SELECT other FROM duplicate_hit",
    ):
        assert (OTHER,) not in kept.asked(question)


def test_the_number_of_a_hit_that_is_gone_is_not_given_again(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, LATIN)
    assert [row.hit for row in open_hits(kept.database)] == [1]
    kept.forget(OTHER)
    assert kept.pairs() == []
    kept.of().keep(OTHER, LATIN)
    assert [row.hit for row in open_hits(kept.database)] == [2]


def test_a_locked_case_is_still_met_and_stays_shut(kept: Kept) -> None:
    timur = new_person("timur", "nine quiet hills", MASTER)
    kept.keys.keyring.enroll(timur)
    kept.of().keep(ONE, CYRILLIC)
    lock(kept.keys, case_stream(ONE), "dana")
    kept.of().keep(OTHER, LATIN)
    assert kept.pairs() == [(OTHER, ONE, Basis.BIRTH_DATE)]
    assert kept.of("timur").nicknames_among_all("duplicates", {ONE, OTHER}) == {OTHER: "Plover"}
    with pytest.raises(Locked):
        kept.of().keep(ONE, LATIN)


def test_who_has_looked_is_written_down_without_saying_at_what(kept: Kept) -> None:
    kept.of().keep(ONE, CYRILLIC)
    kept.of().keep(OTHER, LATIN)
    kept.of().keep(THIRD, Identity(nickname="Wren"))
    assert not looked_since(kept.database, "timur", NOW - timedelta(days=7))
    kept.of("timur").nicknames_among_all("duplicates", {ONE, OTHER})
    kept.of("timur").nicknames_among_all("duplicates", set())
    for reference in (ONE, OTHER, THIRD):
        rows = [(row.staff, row.what, row.reference) for row in readings_of(kept.database, reference)]
        assert rows == [("timur", "duplicates", "*")] * 2
    assert looked_since(kept.database, "timur", NOW - timedelta(days=7))
    assert not looked_since(kept.database, "timur", NOW + timedelta(seconds=1))
    assert not looked_since(kept.database, "dana", NOW - timedelta(days=7))


# --- on PostgreSQL ---


@pytest.fixture
def postgresql(databases: Databases) -> Iterator[Database]:
    """Records in a PostgreSQL, as the application has them."""
    with as_owner(databases.records_owner) as connection:
        migrate(connection, application=databases.app_role)
    with closing(Database(databases.records_app)) as database:
        yield database


def test_on_postgresql_people_who_are_taken_in_at_one_moment_meet_each_other(
    postgresql: Database, tmp_path: Path
) -> None:
    keys = keys_in(tmp_path)[1]
    references, together = [make_reference(lambda: getrandbits(60)) for _ in range(8)], Barrier(8)
    for reference in references:  # what takes long before the transaction
        keys.sealer(case_stream(reference), Purpose.VAULT)

    def take_in(reference: str) -> None:
        together.wait()
        Vault(postgresql, keys, "dana", lambda: NOW).keep(reference, LATIN)

    with ThreadPoolExecutor(8) as many:
        list(many.map(take_in, references))
    hits = open_hits(postgresql)
    assert {frozenset((row.reference, row.other)) for row in hits} == set(map(frozenset, combinations(references, 2)))
    assert len(hits) == 28
    mark_seen(postgresql, hits, "timur", NOW)
    assert hits[0].hit is not None
    settle(postgresql, hits[0].hit, Finding.SAME, "timur", NOW)
    with postgresql.writing() as connection, Session(bind=connection) as session:
        forget(session, hits[0].reference)
    assert len(open_hits(postgresql)) == 28 - 7
