"""The keyring: what opens what, what is on the disk and when, what a lock and a new master key leave behind."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import records.keys
from domain.check_ins import CheckedIn
from domain.errors import Refused
from records import passing
from records.database import Database
from records.errors import Locked, StoreError, Unreadable
from records.keyring import Keyring, Role, WrongMaster, wrapping_key
from records.keys import Keys, Purpose
from records.persons import (
    lock,
    master_by_passphrase,
    master_by_recovery,
    new_person,
    recovery_settings,
    rotate,
    unlock_by_person,
    unlock_by_recovery,
)
from records.ring import DataKeyRow, PersonRow
from records.sealing import fresh_key, subkey
from records.store import Store
from tests.records.test_store import event
from tests.support.keys import generations_in
from tests.support.servers import ROOT

CASE, OTHER = "case/00000000000", "case/ZZZZZZZZZZZ"
PASSPHRASE, OTHERS_PASSPHRASE = "семь тихих рек", "nine quiet hills"
MASTER = fresh_key()

slow_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
"""The keyring is the same for all examples: none of them writes to it."""


@dataclass(frozen=True)
class Ring:
    """A keyring with two persons and a recovery key."""

    path: Path
    keyring: Keyring
    recovery: pyrage.x25519.Identity

    def keys(self, role: Role, master: bytes = MASTER) -> Keys:
        """As a process that has just been started has them."""
        return Keys(self.keyring, role, wrapping_key(master, role))

    def on_disk(self) -> bytes:
        """All that lies on the disk of it."""
        return b"".join(one.read_bytes() for one in sorted(self.path.parent.glob(f"{self.path.name}*")))


@pytest.fixture(scope="module")
def persons() -> list[dict[str, object]]:
    """Two persons; made once, for their passphrases take a while."""
    found = [new_person("dana", PASSPHRASE, MASTER), new_person("timur", OTHERS_PASSPHRASE, MASTER)]
    return [person.model_dump() for person in found]


@pytest.fixture
def ring(tmp_path: Path, persons: list[dict[str, object]]) -> Iterator[Ring]:
    identity = pyrage.x25519.Identity.generate()
    keyring = Keyring(tmp_path / "keyring.db", generations_in(tmp_path / "elsewhere"))
    rows = [PersonRow.model_validate(person) for person in persons]
    keyring.found(MASTER, recovery_settings(MASTER, str(identity.to_public())), rows)
    yield Ring(tmp_path / "keyring.db", keyring, identity)
    keyring.close()


def row_of(ring: Ring, scope: str = CASE, role: Role = Role.WORK) -> DataKeyRow:
    return ring.keyring.make(scope, role, wrapping_key(MASTER, role))


def written(ring: Ring, statement: str, *values: object) -> None:
    """Change the file behind the keyring's back."""
    with closing(sqlite3.connect(ring.path)) as connection, connection:
        connection.execute(statement, values)


# --- what opens a wrapped key ---


@slow_fixture
@given(st.data())
def test_a_wrapped_key_with_one_changed_bit_does_not_open(ring: Ring, data: st.DataObject) -> None:
    row = row_of(ring)
    wrapped = bytearray(row.wrapped)
    bit = data.draw(st.integers(0, 8 * len(wrapped) - 1))
    wrapped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unreadable):
        ring.keyring.data_key(
            DataKeyRow(**{**row.model_dump(), "wrapped": bytes(wrapped)}), wrapping_key(MASTER, Role.WORK)
        )


@slow_fixture
@given(st.sampled_from(["scope", "role", "key_id"]), st.text(min_size=1, max_size=30))
def test_a_wrapped_key_does_not_open_as_another_scopes_role_or_id(ring: Ring, field: str, value: str) -> None:
    row = row_of(ring)
    if value != getattr(row, field):
        with pytest.raises(Unreadable):
            ring.keyring.data_key(DataKeyRow(**{**row.model_dump(), field: value}), wrapping_key(MASTER, Role.WORK))


@slow_fixture
@given(st.binary(min_size=32, max_size=32).filter(lambda key: key != MASTER))
def test_another_master_key_is_refused_and_opens_nothing(ring: Ring, other: bytes) -> None:
    with pytest.raises(WrongMaster):
        ring.keyring.must_fit(other)
    for role in Role:
        with pytest.raises(Unreadable):
            ring.keyring.data_key(row_of(ring, role=role), wrapping_key(other, role))


def test_the_key_of_one_role_opens_nothing_of_the_other(ring: Ring) -> None:
    for role, other in ((Role.WORK, Role.VAULT), (Role.VAULT, Role.WORK)):
        with pytest.raises(Unreadable):
            ring.keyring.data_key(row_of(ring, role=role), wrapping_key(MASTER, other))
    assert wrapping_key(MASTER, Role.VAULT) not in {subkey(wrapping_key(MASTER, Role.WORK), one) for one in ("vault",)}


def test_engine_log_and_vault_have_keys_of_their_own_for_each_scope(ring: Ring) -> None:
    work, vault = ring.keys(Role.WORK), ring.keys(Role.VAULT)
    found = {
        keys.sealer(scope, purpose).key
        for scope in (CASE, OTHER)
        for keys, purpose in ((work, Purpose.ENGINE), (work, Purpose.LOG), (vault, Purpose.VAULT))
    }
    assert len(found) == 6


@pytest.mark.parametrize("role", Role)
def test_two_wrapped_keys_that_were_swapped_in_the_file_do_not_open(ring: Ring, role: Role) -> None:
    one, other = row_of(ring, CASE, role), row_of(ring, OTHER, role)
    written(ring, "UPDATE data_key SET wrapped = ? WHERE key_id = ?", other.wrapped, one.key_id)
    written(ring, "UPDATE data_key SET wrapped = ? WHERE key_id = ?", one.wrapped, other.key_id)
    for scope in (CASE, OTHER):
        with pytest.raises(Unreadable):
            ring.keys(role).opener(scope, Purpose.LOG)


def test_a_row_that_was_given_to_another_scope_does_not_open_there(ring: Ring) -> None:
    row = row_of(ring)
    written(ring, "UPDATE data_key SET scope = ? WHERE key_id = ?", OTHER, row.key_id)
    with pytest.raises(Unreadable):
        ring.keys(Role.WORK).opener(OTHER, Purpose.LOG)


def test_a_key_that_is_missing_is_said_and_never_made_by_who_only_opens(ring: Ring) -> None:
    for role, purpose in ((Role.WORK, Purpose.LOG), (Role.VAULT, Purpose.VAULT)):
        with pytest.raises(Unreadable, match="no key"):
            ring.keys(role).opener(CASE, purpose)
    assert ring.keyring.wrapped([], Role.WORK) == ring.keyring.wrapped([], Role.VAULT) == []


# --- what is on the disk, and when ---


def test_the_file_keeps_no_write_ahead_log_and_overwrites_what_it_deletes(ring: Ring) -> None:
    row_of(ring)
    for opening in (ring.keyring.database.writing, ring.keyring.database.reading):
        with opening() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "secure_delete", "synchronous")
            }
        assert pragmas == {"journal_mode": "delete", "secure_delete": 1, "synchronous": 3}
    assert [one.name for one in ring.path.parent.glob("keyring*")] == ["keyring.db"]
    assert ring.path.stat().st_mode & 0o077 == 0


USES_A_KEY = """
import os, sys
from pathlib import Path
from records.keyring import Keyring, Role
from tests.support.keys import generations_in
key = bytes.fromhex(sys.stdin.readline())
folder = Path(sys.argv[1]).parent
keyring = Keyring(Path(sys.argv[1]), generations_in(folder / "elsewhere"))
row = keyring.make(sys.argv[2], Role.WORK, key)
print(row.key_id, row.wrapped.hex(), flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_key_is_on_the_disk_before_its_first_use(ring: Ring) -> None:
    key = wrapping_key(MASTER, Role.WORK)
    killed = subprocess.run(
        [sys.executable, "-c", USES_A_KEY, str(ring.path), CASE],
        cwd=ROOT,
        input=f"{key.hex()}\n",
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    key_id, wrapped = killed.stdout.split()
    [row] = ring.keyring.wrapped([CASE], Role.WORK)
    assert (row.key_id, row.wrapped.hex()) == (key_id, wrapped)
    assert ring.keyring.data_key(row, key)


def test_a_key_is_never_replaced_however_many_ask_for_it_first(ring: Ring) -> None:
    again = [ring.keys(Role.WORK).sealer(CASE, Purpose.LOG) for _ in range(5)]
    assert len({one.key_id for one in again}) == len({one.key for one in again}) == 1
    assert len(ring.keyring.wrapped([CASE], Role.WORK)) == 1


def test_neither_the_master_key_nor_a_wrapping_key_nor_a_data_key_lies_in_the_file(ring: Ring) -> None:
    work, vault = (ring.keyring.data_key(row_of(ring, role=role), wrapping_key(MASTER, role)) for role in Role)
    secrets = [MASTER, work, vault, *(wrapping_key(MASTER, role) for role in Role), PASSPHRASE.encode()]
    on_disk = ring.on_disk()
    assert b"dana" in on_disk  # or this test looks into the wrong file
    for secret in secrets:
        assert secret not in on_disk
        assert secret.hex().encode() not in on_disk
    assert b"AGE-SECRET-KEY" not in on_disk


# --- how long a key is kept ---


def test_an_unwrapped_key_is_kept_for_a_quarter_of_a_minute_at_most(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert records.keys.KEPT_SECONDS == 15
    moment = 1000.0
    monkeypatch.setattr(passing, "passed", lambda: moment)
    keys = ring.keys(Role.WORK)
    keys.sealer(CASE, Purpose.LOG)
    written(ring, "DELETE FROM data_key")
    moment += 14.9
    keys.opener(CASE, Purpose.LOG)
    moment += 0.1
    assert keys.recent(CASE, Purpose.LOG) is None
    with pytest.raises(Unreadable, match="no key"):
        keys.opener(CASE, Purpose.LOG)


def test_using_a_kept_key_does_not_keep_it_longer(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(passing, "passed", lambda: moment)
    keys = ring.keys(Role.WORK)
    keys.sealer(CASE, Purpose.LOG)
    written(ring, "DELETE FROM data_key")
    for _ in range(6):
        keys.opener(CASE, Purpose.LOG)
        moment += 2.5
    with pytest.raises(Unreadable):
        keys.opener(CASE, Purpose.LOG)


def test_keys_whose_time_is_over_leave_the_memory_with_the_next_one_that_comes(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(passing, "passed", lambda: moment)
    keys = ring.keys(Role.WORK)
    for number in range(20):
        keys.sealer(f"case/{number:011}", Purpose.LOG)
    moment += 15.1
    keys.sealer(CASE, Purpose.ENGINE)
    assert list(keys._kept) == [(CASE, Purpose.ENGINE)]


# --- a lock ---


def opens_by_person(ring: Ring) -> None:
    unlock_by_person(ring.keys(Role.VAULT), CASE, "timur", OTHERS_PASSPHRASE)


def opens_by_recovery(ring: Ring) -> None:
    unlock_by_recovery(ring.keys(Role.VAULT), CASE, ring.recovery)


@pytest.mark.parametrize("opens", [opens_by_person, opens_by_recovery])
def test_a_lock_holds_at_once_for_every_reader_and_the_same_key_comes_back(
    ring: Ring, opens: Callable[[Ring], None]
) -> None:
    reader = ring.keys(Role.VAULT)
    before = reader.sealer(CASE, Purpose.VAULT)
    assert lock(ring.keys(Role.VAULT), CASE, "dana") == ["timur", "the recovery key"]
    for refused in (reader.must_be_unlocked, ring.keys(Role.VAULT).must_be_unlocked):
        with pytest.raises(Locked):
            refused(CASE)
    for keys in (reader, ring.keys(Role.VAULT)):
        with pytest.raises(Locked):
            keys.opener(CASE, Purpose.VAULT)
        with pytest.raises(Locked):
            keys.sealer(CASE, Purpose.VAULT)
    opens(ring)
    assert ring.keys(Role.VAULT).opener(CASE, Purpose.VAULT) == before
    assert ring.keyring.locked() == set()


def test_a_lock_leaves_the_case_its_work_key_and_other_cases_theirs(ring: Ring) -> None:
    work = ring.keys(Role.WORK).sealer(CASE, Purpose.LOG)
    other = ring.keys(Role.VAULT).sealer(OTHER, Purpose.VAULT)
    lock(ring.keys(Role.VAULT), CASE, "dana")
    assert ring.keys(Role.WORK).opener(CASE, Purpose.LOG) == work
    assert ring.keys(Role.VAULT).opener(OTHER, Purpose.VAULT) == other


def test_the_wrapped_key_of_a_locked_case_leaves_no_bytes_in_the_file(ring: Ring) -> None:
    for number in range(30):  # or the page of a lonely row is simply left behind
        row_of(ring, f"case/{number:011}", Role.VAULT)
    wrapped = row_of(ring, role=Role.VAULT).wrapped
    assert wrapped in ring.on_disk()
    lock(ring.keys(Role.VAULT), CASE, "dana")
    assert wrapped not in ring.on_disk()
    assert [one.name for one in ring.path.parent.glob("keyring*")] == ["keyring.db"]


def test_a_locked_case_can_be_locked_before_anything_was_written_of_it(ring: Ring) -> None:
    lock(ring.keys(Role.VAULT), CASE, "dana")
    with pytest.raises(Locked):
        ring.keys(Role.VAULT).sealer(CASE, Purpose.VAULT)
    opens_by_person(ring)
    ring.keys(Role.VAULT).sealer(CASE, Purpose.VAULT)


def test_who_locked_a_case_is_not_who_opens_it_even_with_the_file_changed_in_their_favour(ring: Ring) -> None:
    lock(ring.keys(Role.VAULT), CASE, "dana")
    with pytest.raises(Refused, match="second person"):
        unlock_by_person(ring.keys(Role.VAULT), CASE, "dana", PASSPHRASE)
    written(ring, "UPDATE locked SET locked_by = 'timur'")
    with pytest.raises(Refused, match="not sealed"):
        unlock_by_person(ring.keys(Role.VAULT), CASE, "dana", PASSPHRASE)


def test_neither_a_wrong_passphrase_nor_a_wrong_recovery_key_opens_a_locked_case(ring: Ring) -> None:
    lock(ring.keys(Role.VAULT), CASE, "dana")
    with pytest.raises(Refused, match="not the passphrase"):
        unlock_by_person(ring.keys(Role.VAULT), CASE, "timur", PASSPHRASE)
    with pytest.raises(Refused, match="not sealed"):
        unlock_by_recovery(ring.keys(Role.VAULT), CASE, pyrage.x25519.Identity.generate())
    assert ring.keyring.locked() == {CASE}


def test_nobody_locks_a_case_that_nobody_else_could_open(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keyring.db", generations_in(tmp_path / "elsewhere"))
    keyring.found(MASTER, {}, [new_person("dana", PASSPHRASE, MASTER)])
    keys = Keys(keyring, Role.VAULT, wrapping_key(MASTER, Role.VAULT))
    with pytest.raises(Refused, match="enrol a second person"):
        lock(keys, CASE, "dana")
    keys.sealer(CASE, Purpose.VAULT)
    keyring.close()


def test_a_locked_case_is_not_locked_twice_and_an_open_one_not_opened(ring: Ring) -> None:
    with pytest.raises(Refused, match="not locked"):
        opens_by_person(ring)
    lock(ring.keys(Role.VAULT), CASE, "dana")
    with pytest.raises(Refused, match="locked already"):
        lock(ring.keys(Role.VAULT), CASE, "timur")


# --- passphrases ---


def test_a_passphrase_is_the_same_however_a_keyboard_composes_it(ring: Ring) -> None:
    typed = "ёлка и йод для Émile"
    ring.keyring.enroll(new_person("vera", unicodedata.normalize("NFC", typed), MASTER))
    assert master_by_passphrase(ring.keyring, "vera", unicodedata.normalize("NFD", typed)) == MASTER
    for other in (typed.lower(), f"{typed} "):
        with pytest.raises(Refused, match="not the passphrase"):
            master_by_passphrase(ring.keyring, "vera", other)


# --- another master key ---


@pytest.fixture
def log(tmp_path: Path, ring: Ring) -> Iterator[Database]:
    """Records with events of two cases."""
    database = Database(tmp_path / "records.db")
    store = Store(database, ring.keys(Role.WORK))
    for scope in (CASE, OTHER):
        stream = f"{scope}/safety/1"
        for version in range(1, 6):
            store.append(stream, store.open(stream).epoch, version - 1, [event(stream, version, CheckedIn())])
    yield database
    database.close()


def digest_of(database: Database) -> str:
    """Of every byte of the log's rows."""
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM event ORDER BY position").all()
    assert len(rows) == 10
    return hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()


def test_a_new_master_key_leaves_the_log_as_it_is_and_opens_it(tmp_path: Path, ring: Ring, log: Database) -> None:
    records_before, rows_before = (tmp_path / "records.db").read_bytes(), digest_of(log)
    read_before, new = Store(log, ring.keys(Role.WORK)).read_case(CASE[5:]), fresh_key()
    rotate(ring.keyring, MASTER, new)
    assert (tmp_path / "records.db").read_bytes() == records_before
    assert digest_of(log) == rows_before
    assert Store(log, ring.keys(Role.WORK, new)).read_case(CASE[5:]) == read_before
    with pytest.raises(Unreadable):
        Store(log, ring.keys(Role.WORK)).read_case(CASE[5:])


def test_after_a_change_the_old_master_key_is_refused_and_persons_and_recovery_open_the_new_one(ring: Ring) -> None:
    new = fresh_key()
    vault_key = ring.keys(Role.VAULT).sealer(CASE, Purpose.VAULT)
    rotate(ring.keyring, MASTER, new)
    with pytest.raises(WrongMaster):
        ring.keyring.must_fit(MASTER)
    ring.keyring.must_fit(new)
    assert master_by_passphrase(ring.keyring, "dana", PASSPHRASE) == new
    assert master_by_passphrase(ring.keyring, "timur", OTHERS_PASSPHRASE) == new
    assert master_by_recovery(ring.keyring, ring.recovery) == new
    assert ring.keys(Role.VAULT, new).opener(CASE, Purpose.VAULT) == vault_key


def test_a_change_leaves_no_key_wrapped_the_old_way_in_the_file(ring: Ring) -> None:
    old = [row_of(ring, f"case/{number:011}", role).wrapped for number in range(10) for role in Role]
    old += [person.master for person in ring.keyring.persons()]
    rotate(ring.keyring, MASTER, fresh_key())
    on_disk = ring.on_disk()
    assert not [one for one in old if one in on_disk]


def test_a_change_of_the_master_key_is_whole_or_not_at_all(ring: Ring) -> None:
    good, bad = row_of(ring, CASE), row_of(ring, OTHER)
    written(ring, "UPDATE data_key SET wrapped = ? WHERE key_id = ?", bytes(60), bad.key_id)
    with pytest.raises(Unreadable):
        rotate(ring.keyring, MASTER, fresh_key())
    ring.keyring.must_fit(MASTER)
    assert ring.keyring.wrapped([CASE], Role.WORK)[0].wrapped == good.wrapped
    assert master_by_passphrase(ring.keyring, "dana", PASSPHRASE) == MASTER


def test_a_case_locked_before_a_change_of_the_master_key_opens_after_it(ring: Ring) -> None:
    before, new = ring.keys(Role.VAULT).sealer(CASE, Purpose.VAULT), fresh_key()
    lock(ring.keys(Role.VAULT), CASE, "dana")
    rotate(ring.keyring, MASTER, new)
    unlock_by_person(ring.keys(Role.VAULT, new), CASE, "timur", OTHERS_PASSPHRASE)
    assert ring.keys(Role.VAULT, new).opener(CASE, Purpose.VAULT) == before


def test_whoever_slept_through_a_change_of_the_master_key_wraps_nothing_under_the_old_one(ring: Ring) -> None:
    new, late = fresh_key(), {role: ring.keys(role) for role in Role}
    before = late[Role.VAULT].sealer(CASE, Purpose.VAULT)
    lock(ring.keys(Role.VAULT), CASE, "dana")
    rotate(ring.keyring, MASTER, new)
    for role, keys in late.items():
        with pytest.raises(WrongMaster, match="start it again"):
            keys.sealer(OTHER, Purpose.LOG)
        assert ring.keyring.wrapped([OTHER], role) == []
    with pytest.raises(StoreError):
        unlock_by_person(late[Role.VAULT], CASE, "timur", OTHERS_PASSPHRASE)
    unlock_by_person(ring.keys(Role.VAULT, new), CASE, "timur", OTHERS_PASSPHRASE)
    assert ring.keys(Role.VAULT, new).opener(CASE, Purpose.VAULT) == before


def test_a_copy_of_the_file_from_before_a_change_still_opens_with_the_old_master_key(
    ring: Ring, tmp_path: Path
) -> None:
    key = row_of(ring)
    copy = tmp_path / "kept" / "keyring.db"
    copy.parent.mkdir()
    copy.write_bytes(ring.path.read_bytes())
    rotate(ring.keyring, MASTER, fresh_key())
    old = Keyring(copy, ring.keyring.generations)
    old.must_fit(MASTER)
    assert ring.keyring.data_key(
        old.wrapped([CASE], Role.WORK)[0], wrapping_key(MASTER, Role.WORK)
    ) == ring.keyring.data_key(key, wrapping_key(MASTER, Role.WORK))
    old.close()
