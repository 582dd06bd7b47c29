"""What is forgotten of an erased case, and that no table is left out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from domain.agreed_words import AgreedWords
from domain.intake import Identity
from domain.references import Phase, case_stream, phase_stream
from records.check_in_links import CheckInLinks
from records.database import Database
from records.errors import Fenced
from records.forgetting import FORGOTTEN, KEPT, forget, shutting, streams_of
from records.readings import readings_of
from tests.support.keys import store_in, vault_in

HIS, ANOTHER = "00000000000", "00000000011"
NAMES_A_CASE = {"reference", "stream", "scope", "other", "case"}
NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
WORDS = AgreedWords.agree("sun", "rain")


def test_every_table_that_names_a_case_is_forgotten_or_kept_for_a_reason() -> None:
    naming = {
        table.name for table in SQLModel.metadata.tables.values() if NAMES_A_CASE & {one.name for one in table.columns}
    }
    unlisted = naming - FORGOTTEN.keys() - KEPT.keys()
    assert not unlisted, f"say in records/forgetting.py what becomes of these when a case is erased: {unlisted}"
    assert FORGOTTEN.keys() | KEPT.keys() <= naming
    assert not FORGOTTEN.keys() & KEPT.keys()
    assert all(KEPT.values())
    for table, columns in FORGOTTEN.items():
        found = {column.name for column in SQLModel.metadata.tables[table].columns}
        assert set(columns) <= found, table
        assert "stream" in columns or {"reference", "other"} & found <= set(columns), table


def test_a_case_is_forgotten_and_its_neighbour_is_not(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    store, vault = store_in(tmp_path, database), vault_in(tmp_path, database)
    for reference in (HIS, ANOTHER):
        vault.keep(reference, Identity(nickname="Wren", name="Ivan Vymyslov"))
        vault.note(reference, "heard")
        vault.agree_words(reference, WORDS)
        CheckInLinks(database, lambda: NOW).issue(reference, NOW + timedelta(days=1), WORDS)
        vault.import_of(reference.encode(), reference)
        store.open(case_stream(reference))
        _a_card(database, reference)
    assert len(streams_of(database, HIS)) == 2
    gone = forget(database, HIS)
    unwritten = {"case_card", "duty_card", "alert_card"}
    assert {table for table, number in gone.items() if number} == set(FORGOTTEN) - unwritten
    assert set(forget(database, HIS).values()) == {0}
    assert vault.identity(HIS) is None
    assert vault.notes(HIS) == {}
    assert vault.identity(ANOTHER) is not None
    assert len(vault.notes(ANOTHER)) == 1
    assert [row.what for row in readings_of(database, HIS)] == ["identity", "notes"]
    assert forget(database, ANOTHER) == {**gone, "duplicate_hit": 0}


def _a_card(database: Database, reference: str) -> None:
    stream = phase_stream(reference, Phase.SAFETY, 1)
    with database.writing() as connection:
        for statement, row in (
            (
                "INSERT INTO phase_card (stream, reference, phase, number, headline, is_open) "
                "VALUES (:stream, :reference, 'safety', 1, 'watched', true)",
                {"stream": stream, "reference": reference},
            ),
            (
                "INSERT INTO notice (notice_id, stream, urgency, written_at) VALUES (:id, :stream, 'alarm', :at)",
                {"id": reference, "stream": stream, "at": str(NOW)},
            ),
            (
                "INSERT INTO delivery (notice_id, addressee, stream) VALUES (:id, 'dana', :stream)",
                {"id": reference, "stream": stream},
            ),
        ):
            connection.exec_driver_sql(statement, row)


def test_with_the_fence_nothing_of_the_case_is_open_and_no_notice_goes_out(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    store = store_in(tmp_path, database)
    for reference in (HIS, ANOTHER):
        store.open(case_stream(reference))
        _a_card(database, reference)
    for _ in range(2):
        store.fence(HIS, NOW, shutting(HIS))
    with pytest.raises(Fenced):
        store.open(case_stream(HIS))
    with database.reading() as connection:
        opened = connection.exec_driver_sql("SELECT reference FROM phase_card WHERE is_open").all()
        notices = connection.exec_driver_sql("SELECT notice_id FROM notice").all()
    assert [row[0] for row in opened] == [row[0] for row in notices] == [ANOTHER]
