"""Before a start: keyring and records belong together, and the keys of an erased case that came back are destroyed."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from sqlmodel import Session

from activities.notifications.channel import ChannelError, Lasting
from domain.duties import Urgency
from domain.errors import Refused
from domain.intake import Identity
from domain.references import case_stream, make_reference
from records.database import Database
from records.fences import LONGEST_ERASURE, fenced_references
from records.keys import Keys, Purpose
from records.models import CaseRow
from records.persons import lock
from records.standing import must_be_able_to_start
from records.store import Store
from records.vault import Vault
from runtime.keys import begin, keys_of
from runtime.settings import Settings
from runtime.standing import stand_up
from tests.support.calls import Calls
from tests.support.keys import MASTER
from tests.support.many_commands import Ended, ended

REFERENCES = [make_reference(lambda bits=bits: bits) for bits in range(1, 9)]  # type: ignore[misc]
GONE, LIVING = REFERENCES[0], REFERENCES[1:]


@dataclass(frozen=True)
class Office:
    """An installation with eight open cases."""

    settings: Settings
    database: Database
    work: Keys
    vault: Keys

    def fence(self, reference: str, *, ago: timedelta = timedelta()) -> None:
        assert Store(self.database, self.work).fence(reference, datetime.now(UTC) - ago)

    def starts(self, channel: Calls | None = None) -> list[str]:
        """What it says as it starts."""
        lines: list[str] = []
        stand_up(self.database, self.work.keyring, channel or Calls(), lines.append)
        return lines

    def copy(self, folder: Path) -> Path:
        """Keep a copy of both files."""
        folder.mkdir()
        for path in (self.settings.keyring_path, self.settings.records_path):
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(folder / path.name)) as target:
                source.backup(target)
        return folder

    def written(self, statement: str, *values: object, path: Path | None = None) -> None:
        """Change a file behind everybody's back."""
        with closing(sqlite3.connect(path or self.settings.keyring_path)) as connection, connection:
            assert connection.execute(statement, values).rowcount


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    settings = Settings(home=tmp_path / "home")
    settings.folder.mkdir()
    settings.master_path.write_text(MASTER.hex())
    begin(settings, MASTER, str(pyrage.x25519.Identity.generate().to_public()))
    database = Database(settings.records_path)
    work, vault = keys_of(settings, MASTER)
    for reference in REFERENCES:
        work.sealer(case_stream(reference), Purpose.LOG)
        Vault(database, vault, "dana").keep(reference, Identity(nickname="Wren"))
    with database.writing() as connection, Session(connection) as session:
        session.add_all(
            CaseRow(
                reference=reference,
                stage="in transit",
                country="KZ",
                coordinator="dana",
                is_open=True,
                missing_for_entry="",
                opened_on="2026-11-01",
            )
            for reference in REFERENCES
        )
        session.flush()
    yield Office(settings, database, work, vault)
    database.close()


def refusal(office: Office) -> str:
    with pytest.raises(Refused) as refused:
        must_be_able_to_start(office.database, office.work.keyring)
    return refused.value.sentence


def test_an_installation_whose_files_belong_together_starts_and_says_nothing(office: Office) -> None:
    assert office.starts() == []
    office.work.keyring.destroy(case_stream(GONE))
    office.fence(GONE)  # its card is deleted later
    assert office.starts() == []
    lock(office.vault, case_stream(LIVING[0]), "dana")
    assert office.starts() == []


@pytest.mark.parametrize("role", ["work", "vault"])
def test_open_cases_without_their_keys_are_named_and_nothing_starts(office: Office, role: str) -> None:
    office.written("DELETE FROM data_key WHERE scope = ? AND role = ?", case_stream(LIVING[2]), role)
    assert refusal(office).startswith(f"1 open case lacks its keys ({LIVING[2]}): put back the keyring.db and the ")
    office.written("UPDATE case_card SET is_open = 0 WHERE reference = ?", LIVING[2], path=office.settings.records_path)
    assert office.starts() == []


def test_of_many_the_first_are_named_and_all_are_counted(office: Office) -> None:
    office.written("DELETE FROM data_key")
    named = ", ".join(REFERENCES[:5])
    assert refusal(office).startswith(f"8 open cases lack their keys ({named} and 3 more): put back the keyring.db")


def test_an_old_keyring_put_back_alone_opens_nothing_and_nothing_starts(office: Office, tmp_path: Path) -> None:
    old = office.copy(tmp_path / "old")
    office.work.keyring.destroy(case_stream(GONE))
    office.fence(GONE)
    shutil.copy(old / "keyring.db", office.settings.keyring_path)
    assert refusal(office).startswith("7 open cases lack their keys (")
    office.written("UPDATE case_card SET is_open = 0", path=office.settings.records_path)
    assert refusal(office).startswith("keyring and records do not belong together: put back")
    assert office.settings.keyring_path.read_bytes() == (old / "keyring.db").read_bytes()


def keys_come_back(office: Office, tmp_path: Path) -> None:
    """A case was erased; then somebody puts the old keyring back, with its generation."""
    old = office.copy(tmp_path / "old")
    office.fence(GONE)
    office.work.keyring.destroy(case_stream(GONE))
    shutil.copy(old / "keyring.db", office.settings.keyring_path)
    with closing(sqlite3.connect(old / "records.db")) as records:
        [generation] = records.execute("SELECT * FROM generation").fetchall()
    office.written("DELETE FROM generation", path=office.settings.records_path)
    office.written("INSERT INTO generation VALUES (?, ?, ?)", *generation, path=office.settings.records_path)
    office.work.keyring.generations.forget()


def test_s10_the_keys_of_an_erased_case_that_come_back_are_destroyed_again_with_an_alarm_and_others_go_on(
    office: Office, tmp_path: Path
) -> None:
    keys_come_back(office, tmp_path)
    assert case_stream(GONE) in office.work.keyring.scopes()
    channel = Calls()
    [line] = office.starts(channel)
    assert line.startswith(f"ALARM: the keys of {GONE}, which was erased, were back")
    assert [urgency for _, urgency in channel.sent] == [Urgency.OPERATOR]
    assert case_stream(GONE) not in office.work.keyring.scopes()
    work, vault = keys_of(office.settings, MASTER)
    for reference in LIVING:
        work.opener(case_stream(reference), Purpose.LOG)
    assert set(Vault(office.database, vault, "dana").nicknames("list", *LIVING).values()) == {"Wren"}
    assert office.starts(channel) == []
    assert len(channel.sent) == 1
    assert fenced_references(office.database) == {GONE}


@pytest.mark.parametrize("fault", [ChannelError("it is down", Lasting.TRANSIENT), RuntimeError("a value")])
def test_a_channel_that_is_down_keeps_no_case_from_going_on(office: Office, tmp_path: Path, fault: Exception) -> None:
    keys_come_back(office, tmp_path)
    alarm, said = office.starts(Calls(fault))
    assert alarm.startswith("ALARM")
    assert said in ("no operator could be called: it is down", "no operator could be called: RuntimeError")


def test_an_erasure_that_is_under_way_keeps_its_keys_until_it_is_their_turn(office: Office) -> None:
    office.fence(GONE)
    assert office.starts() == []
    assert case_stream(GONE) in office.work.keyring.scopes()


def test_the_keys_of_an_erasure_that_nobody_ends_are_destroyed_after_a_day(office: Office) -> None:
    office.fence(GONE, ago=LONGEST_ERASURE)
    assert office.starts()[0].startswith("ALARM")
    assert case_stream(GONE) not in office.work.keyring.scopes()


def test_a_fence_that_stands_in_the_table_alone_destroys_no_keys(office: Office) -> None:
    long_ago = "2020-01-01T00:00:00+00:00"
    office.written(
        "INSERT INTO fence VALUES (?, ?, ?)", LIVING[0], long_ago, long_ago, path=office.settings.records_path
    )
    assert office.starts() == []
    assert case_stream(LIVING[0]) in office.work.keyring.scopes()


def started(office: Office, program: str, *arguments: str) -> Ended:
    """A program of the project, on the office's files, beside an engine that is not there."""
    environment = {"SAFECONDUCT_HOME": str(office.settings.folder), "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    return ended(arguments, environment, program)


@pytest.mark.parametrize("arguments", [("worker",), ("starter", "up", "--demo")])
def test_neither_an_installation_nor_a_worker_starts_without_the_keys_of_open_cases(
    office: Office, arguments: tuple[str, ...]
) -> None:
    office.written("DELETE FROM data_key WHERE scope = ?", case_stream(LIVING[0]))
    done = started(office, *arguments)
    assert done.code == 1
    assert f"1 open case lacks its keys ({LIVING[0]}): put back" in done.errors
    assert "Traceback" not in done.errors
    assert not (office.settings.folder / "temporal.db").exists()


def test_a_worker_that_finds_keys_of_an_erased_case_destroys_them_and_says_so(office: Office, tmp_path: Path) -> None:
    keys_come_back(office, tmp_path)
    done = started(office, "worker")
    assert f"ALARM: the keys of {GONE}" in done.errors
    assert "the engine needs an operator" in done.output
    assert case_stream(GONE) not in office.work.keyring.scopes()
