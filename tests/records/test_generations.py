"""Generations: an older copy of the keyring opens nothing once a case was erased, and the other cases go on."""

import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import Pipe
from pathlib import Path

import pyrage
import pytest
from sqlalchemy.engine import Connection
from sqlmodel import Session

import records.generations
from domain.references import case_stream, make_reference
from records import passing
from records.database import Database, Reader
from records.errors import Erased, Unreachable, Unreadable
from records.generations import GenerationGone, Generations
from records.keyring import Keyring, Role, wrapping_key
from records.keys import Keys, Purpose
from records.migrating import KEYRING, as_owner, migrate
from records.models import FenceRow
from records.persons import lock, recovery_settings, rotate, unlock_by_recovery
from records.sealing import fresh_key
from tests.support.keys import MASTER, generations_in
from tests.support.postgres import Databases
from tests.support.rings import STEPS, Breaking, BrokenOff, Home, erase_on_and_on
from tests.support.servers import WARM

REFERENCES = [make_reference(lambda bits=bits: bits) for bits in range(1, 9)]  # type: ignore[misc]
SCOPES = [case_stream(reference) for reference in REFERENCES]
GONE, LIVING = SCOPES[0], SCOPES[1:]


@pytest.fixture
def recovery() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def home(tmp_path: Path, recovery: pyrage.x25519.Identity) -> Home:
    """Eight cases, each with both keys."""
    found = Home(tmp_path, fresh_key())
    with found.ring() as ring:
        ring.found(found.master, recovery_settings(found.master, str(recovery.to_public())), [])
        for role in Role:
            keys = found.keys(ring, role)
            for scope in SCOPES:
                keys.sealer(scope, Purpose.LOG)
    return found


def destroy(home: Home, scope: str = GONE) -> None:
    with home.ring() as ring:
        ring.destroy(scope)


def on_disk(home: Home) -> bytes:
    """All that lies on the disk of the records."""
    return b"".join(one.read_bytes() for one in home.folder.glob("records.db*"))


def secrets_of(home: Home) -> list[bytes]:
    return [generation.secret for generation in generations_in(home.folder).all()]


def written(path: Path, statement: str, *values: object) -> None:
    """Change a file behind everybody's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement, values).rowcount


# --- an older copy ---


def test_an_older_copy_of_the_keyring_opens_nothing_with_the_master_key_once_any_case_was_erased(home: Home) -> None:
    before = home.opened()
    copies = [home.copy()]
    destroy(home)
    copies.append(home.copy())
    destroy(home, SCOPES[1])
    assert len(before) == 2 * len(SCOPES)
    assert home.opened() == {place: key for place, key in before.items() if place[0] not in SCOPES[:2]}
    for copy in copies:
        assert home.opened(copy) == {}


def test_old_records_and_an_old_keyring_together_are_an_old_backup_and_open(home: Home, tmp_path: Path) -> None:
    before, backup = home.opened(), Home(tmp_path / "backup", home.master)
    backup.folder.mkdir()
    for name in ("records.db", "keyring.db"):
        shutil.copy(home.folder / name, backup.folder / name)
    destroy(home)
    assert backup.opened() == before


def test_a_deleted_generation_leaves_no_bytes_in_the_records_files_while_others_have_them_open(home: Home) -> None:
    other = Database(home.records)
    with other.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM generation").all()
    [secret] = secrets_of(home)
    assert secret in on_disk(home)
    destroy(home)
    assert (home.folder / "records.db-wal").stat().st_size == 0
    assert secret not in on_disk(home)
    assert len(secrets_of(home)) == 1
    other.close()


def test_the_key_of_a_case_that_was_erased_while_locked_is_gone_from_older_copies_as_well(
    home: Home, recovery: pyrage.x25519.Identity
) -> None:
    with home.ring() as ring:
        key = home.keys(ring, Role.VAULT).data_key(GONE)[1]
        for scope in SCOPES[:2]:
            lock(home.keys(ring, Role.VAULT), scope, "dana")
    copy = home.copy()
    # an age file opens for a person whatever the master key is, so it lies under the generation too
    assert pyrage.decrypt(home.age_files(copy)[GONE], [recovery]) == key
    destroy(home)
    assert home.age_files(copy) == {}
    assert set(home.age_files()) == {SCOPES[1]}
    with home.ring() as ring:
        vault = home.keys(ring, Role.VAULT)
        unlock_by_recovery(vault, SCOPES[1], recovery)
        vault.opener(SCOPES[1], Purpose.VAULT)
        with pytest.raises(Erased):
            vault.opener(GONE, Purpose.VAULT)


def test_an_erased_case_never_gets_another_key_nor_a_lock(home: Home) -> None:
    with home.ring() as ring:
        ring.destroy(GONE)
        for role in Role:
            keys = home.keys(ring, role)
            for asks in (keys.opener, keys.sealer):
                with pytest.raises(Erased, match="was erased"):
                    asks(GONE, Purpose.LOG)
        with pytest.raises(Erased):
            lock(home.keys(ring, Role.VAULT), GONE, "dana")
        assert GONE not in ring.scopes()


def test_a_damaged_key_neither_holds_up_an_erasure_nor_keeps_the_old_generation(home: Home) -> None:
    before, copy = home.opened(), home.copy()
    written(home.path, "UPDATE data_key SET wrapped = ? WHERE scope = ? AND role = 'work'", bytes(88), LIVING[0])
    destroy(home)
    assert home.opened() == {
        place: key for place, key in before.items() if place[0] != GONE and place != (LIVING[0], Role.WORK)
    }
    assert home.opened(copy) == {}


def test_nothing_is_destroyed_where_keyring_and_records_do_not_belong_together(home: Home) -> None:
    old = home.copy()
    destroy(home)
    shutil.copy(old, home.path)
    for scope in (GONE, SCOPES[1]):
        with pytest.raises(GenerationGone, match="put back"), home.ring() as ring:
            ring.destroy(scope)
    assert home.path.read_bytes() == old.read_bytes()
    assert len(secrets_of(home)) == 1


def test_a_new_master_key_leaves_the_generation_and_an_erasure_after_it_shuts_older_copies(home: Home) -> None:
    before, copy, new = home.opened(), home.copy(), fresh_key()
    with home.ring() as ring:
        rotate(ring, home.master, new)
    assert home.opened(copy) == before
    destroy(home)
    assert home.opened(copy) == {}
    home.master = new
    assert home.opened() == {place: key for place, key in before.items() if place[0] != GONE}


def test_a_fence_is_marked_when_its_keys_have_been_destroyed(home: Home) -> None:
    with closing(Database(home.records)) as database, database.writing() as connection, Session(connection) as session:
        session.add_all(FenceRow(reference=one, fenced_at="2026-11-01T00:00:00+00:00") for one in REFERENCES)
        session.flush()
    destroy(home)
    with Reader(home.records).reading() as connection:
        marked = connection.exec_driver_sql("SELECT reference FROM fence WHERE keys_destroyed_at IS NOT NULL").all()
    assert [row[0] for row in marked] == [REFERENCES[0]]


# --- in processes that live through it ---


def test_readers_that_live_through_twenty_erasures_and_makers_beside_them_lose_nothing(home: Home) -> None:
    before, faults, made, is_over = home.opened(), list[BaseException](), dict[str, bytes](), threading.Event()
    reads = 0

    def read() -> None:
        nonlocal reads
        with home.ring() as ring:
            while not is_over.is_set():
                for role in Role:
                    for scope in LIVING:
                        keys = home.keys(ring, role)  # with an empty memory
                        keys.opener(scope, Purpose.LOG)
                        assert keys.data_key(scope)[1] == before[scope, role]
                        reads += 1

    def make() -> None:
        with home.ring() as ring:
            for number in range(10_000):
                if is_over.is_set():
                    return
                scope = f"case/made-{number}"
                made[scope] = home.keys(ring, Role.WORK).data_key(scope)[1]
                is_over.wait(0.01)  # SQLite's writers stand in no queue: who comes again at once shuts others out

    def guarded(work: object) -> None:
        assert callable(work)
        try:
            work()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (read, read, make)]
    for thread in threads:
        thread.start()
    with home.ring() as ring:
        for number in range(20):
            ring.destroy(f"case/erased-{number}")
            assert not faults
    is_over.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert reads > 100
    assert len(made) > 10
    now = home.opened()
    assert {scope: now[scope, Role.WORK] for scope in made} == made
    assert {place: key for place, key in now.items() if place in before} == before
    assert [generation.number for generation in generations_in(home.folder).all()] == [21]


class Counting(Reader):
    """Counts how often the records are asked."""

    asked = 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self.asked += 1
        with super().reading() as connection:
            yield connection


def test_a_generation_is_read_again_after_a_while_and_for_a_newer_one_but_not_for_each_key(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert records.generations.KEPT_SECONDS == 15
    moment = 1000.0
    monkeypatch.setattr(passing, "passed", lambda: moment)
    reader = Counting(home.records)
    generations = Generations(reader, lambda: Database(home.records))
    with home.ring(generations) as ring:
        for _ in range(3):
            for scope in SCOPES:
                home.keys(ring, Role.WORK).opener(scope, Purpose.LOG)
        assert reader.asked == 1
        destroy(home)
        with pytest.raises(Unreadable):
            home.keys(ring, Role.WORK).opener(GONE, Purpose.LOG)
        for scope in LIVING:
            home.keys(ring, Role.WORK).opener(scope, Purpose.LOG)
        assert reader.asked == 2
        with pytest.raises(GenerationGone):
            generations.get(1)
        assert reader.asked == 2  # numbers only grow
        moment += 15
        generations.get(2)
        assert reader.asked == 3


def test_a_secret_that_was_deleted_elsewhere_is_used_for_a_quarter_of_a_minute_at_most(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(passing, "passed", lambda: moment)
    generations = generations_in(home.folder)
    generations.get(1)
    destroy(home)
    moment += 14.9
    generations.get(1)
    moment += 0.1
    with pytest.raises(GenerationGone):
        generations.get(1)


def test_while_somebody_reads_on_and_on_an_erasure_says_so_and_the_next_try_ends_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records.generations, "CUTS", 1)
    [secret], before = secrets_of(home), home.opened()
    with closing(sqlite3.connect(home.records, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT * FROM generation").fetchall()
        with pytest.raises(Unreachable, match="try again"):
            destroy(home)
        assert home.opened() == {place: key for place, key in before.items() if place[0] != GONE}
        reading.execute("COMMIT")
    destroy(home)
    assert secret not in on_disk(home)


# --- broken off ---


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_that_breaks_off_at_any_step_leaves_all_readable_and_goes_on_when_done_again(
    home: Home, step: str
) -> None:
    before, copy = home.opened(), home.copy()
    living = {place: key for place, key in before.items() if place[0] != GONE}
    with pytest.raises(BrokenOff), home.ring(Breaking(home.records, step)) as ring:
        ring.destroy(GONE)
    assert {place: key for place, key in home.opened().items() if place[0] != GONE} == living
    destroy(home)
    assert home.opened() == living
    assert home.opened(copy) == {}
    assert len(secrets_of(home)) == 1


@pytest.mark.parametrize("step", STEPS)
def test_another_erasure_ends_what_one_that_broke_off_left_over(home: Home, step: str) -> None:
    copy = home.copy()
    with pytest.raises(BrokenOff), home.ring(Breaking(home.records, step)) as ring:
        ring.destroy(GONE)
    destroy(home, SCOPES[1])
    assert home.opened(copy) == {}
    assert len(secrets_of(home)) == 1


@pytest.mark.parametrize("step", ["before the old generation is deleted", "after the old generation is deleted"])
def test_what_an_erasure_left_over_is_tidied_without_another_one(home: Home, step: str) -> None:
    copy = home.copy()
    with pytest.raises(BrokenOff), home.ring(Breaking(home.records, step)) as ring:
        ring.destroy(GONE)
    with home.ring() as ring:
        ring.tidy()
        tidied = home.path.read_bytes()
        ring.tidy()
    assert home.path.read_bytes() == tidied
    assert home.opened(copy) == {}
    assert len(secrets_of(home)) == 1


def test_whoever_is_killed_in_the_middle_of_an_erasure_loses_no_case_and_brings_none_back(home: Home) -> None:
    before, chance = home.opened(), random.Random(4)
    for life in range(12):
        copy = home.copy()
        said, says = Pipe(duplex=False)
        process = WARM.Process(target=erase_on_and_on, args=(home.folder, life, says), daemon=True)
        process.start()
        assert said.recv() == 0
        time.sleep(chance.uniform(0, 0.05))  # where it hits is the point
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert home.opened() == before
        assert home.opened(copy) == {}
    destroy(home)
    assert home.opened() == {place: key for place, key in before.items() if place[0] != GONE}
    assert len(secrets_of(home)) == 1


def test_erasures_that_begin_side_by_side_have_generations_of_their_own(database: Database) -> None:
    generations = Generations(database, lambda: Database(database.where))
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: generations.begin(above=3), range(24)))
    assert sorted(one.number for one in begun) == list(range(4, 28))
    assert generations.all() == sorted(begun, key=lambda one: one.number)


# --- on PostgreSQL ---


@pytest.fixture
def on_postgres(databases: Databases) -> Iterator[Keyring]:
    """A keyring and its records in two databases, as the application has them."""
    with as_owner(databases.records_owner) as connection:
        migrate(connection, application=databases.app_role)
    with as_owner(databases.keyring) as connection:
        migrate(connection, KEYRING)
    generations = Generations(Reader(databases.records_app), lambda: Database(databases.records_app))
    with closing(Keyring(databases.keyring, generations)) as ring:
        ring.found(MASTER, {}, [])
        yield ring


def test_on_postgresql_old_keys_open_nothing_and_makers_beside_an_erasure_lose_nothing(on_postgres: Keyring) -> None:
    ring, key, made = on_postgres, wrapping_key(MASTER, Role.WORK), dict[str, bytes]()
    before = {scope: Keys(ring, Role.WORK, key).data_key(scope)[1] for scope in SCOPES}
    old = ring.wrapped([], Role.WORK)

    def make(maker: int) -> None:
        for number in range(40):
            scope = f"case/made-{maker}-{number}"
            made[scope] = Keys(ring, Role.WORK, key).data_key(scope)[1]

    with ThreadPoolExecutor(3) as pool:
        makers = [pool.submit(make, maker) for maker in range(2)]
        for erased in pool.map(ring.destroy, SCOPES[:5]):
            assert erased is None
        for work in makers:
            work.result()
    for row in old:
        with pytest.raises(Unreadable):
            ring.data_key(row, key)
    living = {scope: key for scope, key in before.items() if scope not in SCOPES[:5]} | made
    assert {row.scope: ring.data_key(row, key) for row in ring.wrapped([], Role.WORK)} == living
    assert [generation.number for generation in ring.generations.all()] == [ring.generation()]
