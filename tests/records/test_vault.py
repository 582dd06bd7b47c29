"""The vault: names and notes open for whom they may, where they were put, once the reading is written down."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.agreed_words import AgreedWords
from domain.intake import Identity
from domain.references import case_stream, make_reference
from records.database import Database
from records.errors import Locked, StoreError, Unreachable, Unreadable
from records.keyring import INSTALLATION, Role, wrapping_key
from records.keys import Keys, Purpose
from records.persons import lock, new_person, unlock_by_person
from records.readings import readings_of
from records.ring import PersonRow
from records.vault import UNREADABLE, Vault
from tests.support.keys import MASTER, keys_in

ONE, OTHER = (make_reference(lambda bits=bits: bits) for bits in (1, 2))  # type: ignore[misc]
PASSPHRASE = "семь тихих рек"
PLANTED = Identity(nickname="Wren", name="Иван Planted", phone="+7 700 000 00 00", documents="AB1234567")

BODIES = [
    ("SELECT body FROM identity", "UPDATE identity SET body = ?"),
    ("SELECT body FROM note", "UPDATE note SET body = ?"),
]

slow_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda name: name.strip()
)


@dataclass(frozen=True)
class Kept:
    """A vault in a folder of its own."""

    folder: Path
    database: Database
    keys: tuple[Keys, ...]

    def of(self, staff: str = "dana", keys: Keys | None = None) -> Vault:
        """The vault as somebody has it before them."""
        return Vault(self.database, keys or self.keys[1], staff)

    def written(self, statement: str, *values: object) -> None:
        """Change the file behind the vault's back."""
        with closing(sqlite3.connect(self.folder / "records.db")) as connection, connection:
            assert connection.execute(statement, values).rowcount == 1

    def asked(self, question: str) -> list[tuple[object, ...]]:
        """What stands in the file."""
        with closing(sqlite3.connect(self.folder / "records.db")) as connection:
            return connection.execute(question).fetchall()


@pytest.fixture(scope="module")
def timur() -> dict[str, object]:
    """Somebody who opens a locked case; made once, for a passphrase takes a while."""
    return new_person("timur", PASSPHRASE, MASTER).model_dump()


@pytest.fixture
def kept(tmp_path: Path, timur: dict[str, object]) -> Iterator[Kept]:
    keys = keys_in(tmp_path)
    keys[0].keyring.enroll(PersonRow.model_validate(timur))
    database = Database(tmp_path / "records.db")
    yield Kept(tmp_path, database, keys)
    database.close()


@slow_fixture
@given(names, names)
def test_what_was_kept_comes_back_in_any_alphabet(kept: Kept, name: str, note: str) -> None:
    identity = Identity(nickname=name.strip(), name=name)
    kept.of().keep(ONE, identity)
    note_id = kept.of().note(ONE, note)
    assert kept.of().identity(ONE) == identity
    assert kept.of().notes(ONE)[note_id] == note


@slow_fixture
@given(st.sampled_from(BODIES), st.data())
def test_a_body_with_one_changed_bit_does_not_open(kept: Kept, body_of: tuple[str, str], data: st.DataObject) -> None:
    ask, change = body_of
    kept.of().keep(ONE, PLANTED)
    for note in kept.of().notes(ONE):
        kept.of().drop_note(note)
    kept.of().note(ONE, "a note on Wren")
    [(body,)] = kept.asked(ask)
    assert isinstance(body, bytes)
    bit = data.draw(st.integers(0, 8 * len(body) - 1))
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    kept.written(change, bytes(changed))
    with pytest.raises(Unreadable):
        kept.of().identity(ONE) if "identity" in ask else kept.of().notes(ONE)
    kept.written(change, body)
    kept.of().notes(ONE)


def test_a_row_that_was_moved_to_another_case_does_not_open_there(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().note(ONE, "a note on Wren")
    kept.of().keep(OTHER, Identity(nickname="Owl"))
    kept.written("DELETE FROM identity WHERE reference = ?", OTHER)
    kept.written("UPDATE identity SET reference = ?", OTHER)
    kept.written("UPDATE note SET reference = ?", OTHER)
    for read in (kept.of().identity, kept.of().notes):
        with pytest.raises(Unreadable):
            read(OTHER)


def test_one_row_that_does_not_open_hides_no_other_case_from_lists_and_searches(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().keep(OTHER, Identity(nickname="Owl"))
    kept.written("UPDATE identity SET body = ? WHERE reference = ?", b"damaged", ONE)
    assert kept.of().nicknames("list") == {ONE: UNREADABLE, OTHER: "Owl"}
    assert kept.of().find("owl") == [OTHER]


def test_two_notes_of_one_case_do_not_open_in_each_others_place(kept: Kept) -> None:
    first, second = (kept.of().note(ONE, text) for text in ("the first", "the second"))
    move = "UPDATE note SET body = (SELECT body FROM note WHERE note_id = ?) WHERE note_id = ?"
    kept.written(move, str(first), str(second))
    with pytest.raises(Unreadable):
        kept.of().notes(ONE)


def test_a_note_does_not_open_as_an_identity(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().note(ONE, '{"nickname": "Mallory"}')
    [(body,)] = kept.asked("SELECT body FROM note")
    kept.written("UPDATE identity SET body = ?", body)
    with pytest.raises(Unreadable):
        kept.of().identity(ONE)


def test_agreed_words_come_back_lie_sealed_and_each_reading_is_written_down(kept: Kept) -> None:
    vault = kept.of()
    vault.keep(ONE, PLANTED)
    assert vault.agreed_words(ONE, "link") is None
    assert not vault.keeps_words(ONE)
    for well in ("Кофе", "Зелёный чай"):
        vault.agree_words(ONE, AgreedWords.agree(well, "Чёрный чай"))
    assert vault.agreed_words(ONE, "words") == AgreedWords.agree("Зелёный чай", "Чёрный чай")
    assert vault.agreed_words(OTHER, "words") is None
    assert (vault.keeps_words(ONE), vault.keeps_words(OTHER)) == (True, False)
    assert "чай".encode() not in (kept.folder / "records.db").read_bytes()
    assert [row.what for row in readings_of(kept.database, ONE)] == ["link", "words"]
    kept.written("UPDATE agreed_words SET reference = ?", OTHER)
    with pytest.raises(Unreadable):
        vault.agreed_words(OTHER, "words")


def test_the_keys_of_engine_and_log_open_nothing_of_the_vault(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    work = kept.keys[0]
    work.sealer(case_stream(ONE), Purpose.LOG)
    wrong_wrapping = Keys(work.keyring, Role.VAULT, wrapping_key(MASTER, Role.WORK))
    for keys in (work, wrong_wrapping):
        with pytest.raises(Unreadable):
            kept.of(keys=keys).identity(ONE)


def test_another_master_key_opens_nothing(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    foreign = Keys(kept.keys[1].keyring, Role.VAULT, wrapping_key(bytes(32), Role.VAULT))
    with pytest.raises(Unreadable):
        kept.of(keys=foreign).identity(ONE)
    with pytest.raises(StoreError):
        kept.of(keys=foreign).keep(OTHER, PLANTED)
    assert kept.asked("SELECT reference FROM identity") == [(ONE,)]


@pytest.mark.parametrize("spelled", [str, lambda text: text.encode("unicode_escape").decode()])
def test_nothing_of_a_person_lies_in_the_file(kept: Kept, spelled: Callable[[str], str]) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().note(ONE, "met Иван at the station")
    kept.of().import_of(b"nickname = 'Wren' # Planted", ONE)
    on_disk = b"".join(one.read_bytes() for one in kept.folder.iterdir())
    assert ONE.encode() in on_disk  # or this test looks into the wrong files
    for planted in ("Wren", "Иван", "Planted", "+7 700", "AB1234567", "station"):
        assert spelled(planted).encode() not in on_disk


# --- readings ---


def readings(kept: Kept, reference: str) -> list[tuple[str, str]]:
    return [(row.staff, row.what) for row in readings_of(kept.database, reference)]


def test_every_reading_is_written_down_with_who_and_what(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    assert readings(kept, ONE) == []
    kept.of("timur").identity(ONE)
    kept.of("dana").notes(ONE)
    kept.of("dana").nicknames("status", ONE)
    kept.of("vera").find("wren")
    assert readings(kept, ONE) == [("timur", "identity"), ("dana", "notes"), ("dana", "status"), ("vera", "search")]
    assert readings(kept, OTHER) == [("vera", "search")]


def test_a_reading_that_cannot_be_written_down_does_not_happen(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().note(ONE, "a note")
    with kept.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE reading")
    for read in (
        lambda: kept.of().identity(ONE),
        lambda: kept.of().notes(ONE),
        lambda: kept.of().find("Wren"),
        lambda: kept.of().nicknames("list"),
    ):
        with pytest.raises(Unreachable):
            read()


# --- locks ---


def test_a_locked_case_is_shut_for_every_reader_at_once_and_the_others_stay_open(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().keep(OTHER, Identity(nickname="Owl"))
    kept.of().note(ONE, "a note")
    fresh = Keys(kept.keys[1].keyring, Role.VAULT, wrapping_key(MASTER, Role.VAULT))
    readers = [kept.of("timur"), kept.of("vera", fresh)]
    assert [reader.identity(ONE) for reader in readers] == [PLANTED, PLANTED]  # their keys are warm now
    lock(kept.keys[1], case_stream(ONE), "dana")
    for reader in readers:
        for shut in (reader.identity, reader.notes, lambda one, reader=reader: reader.note(one, "another")):
            with pytest.raises(Locked):
                shut(ONE)
        with pytest.raises(Locked):
            reader.keep(ONE, PLANTED)
        assert reader.nicknames("list") == {OTHER: "Owl"}
        assert reader.nicknames("status", ONE) == {}
        assert reader.find("Wren") == []
        assert reader.find("Owl") == [OTHER]


def test_what_was_refused_by_a_lock_is_no_reading(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    lock(kept.keys[1], case_stream(ONE), "dana")
    for shut in (kept.of().identity, kept.of().notes):
        with pytest.raises(Locked):
            shut(ONE)
    assert readings(kept, ONE) == []


def test_an_opened_case_reads_as_before(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    note = kept.of().note(ONE, "a note")
    lock(kept.keys[1], case_stream(ONE), "dana")
    unlock_by_person(kept.keys[1], case_stream(ONE), "timur", PASSPHRASE)
    assert kept.of().identity(ONE) == PLANTED
    assert kept.of().notes(ONE) == {note: "a note"}


# --- imports ---


@slow_fixture
@given(st.binary(max_size=100), st.binary(max_size=100))
def test_the_same_file_is_the_same_case_and_another_one_another(kept: Kept, one: bytes, other: bytes) -> None:
    first = kept.of().import_of(one, str(uuid4()))
    assert kept.of("timur").import_of(one, str(uuid4())) == first
    assert (kept.of().import_of(other, str(uuid4())).reference == first.reference) == (one == other)


def test_nobody_without_the_key_tells_from_its_digest_which_file_was_taken(kept: Kept) -> None:
    kept.of().import_of(b"a file", ONE)
    foreign = Keys(keys_in(kept.folder / "elsewhere")[1].keyring, Role.VAULT, kept.keys[1]._key)
    [(digest,)] = kept.asked("SELECT digest FROM import_file")
    assert digest == kept.keys[1].opener(INSTALLATION, Purpose.VAULT).digest(b"a file")
    assert digest != foreign.sealer(INSTALLATION, Purpose.VAULT).digest(b"a file")


def test_a_dropped_note_is_gone_from_the_file(kept: Kept) -> None:
    note = kept.of().note(ONE, "a note of a command that was refused")
    kept.of().drop_note(note)
    kept.of().drop_note(UUID(int=0))
    assert kept.of().notes(ONE) == {}
    assert kept.asked("SELECT * FROM note") == []


def test_an_identity_written_again_replaces_the_old_one(kept: Kept) -> None:
    kept.of().keep(ONE, PLANTED)
    kept.of().keep(ONE, Identity(nickname="Owl"))
    assert kept.of().identity(ONE) == Identity(nickname="Owl")
    assert kept.asked("SELECT count(*) FROM identity") == [(1,)]
