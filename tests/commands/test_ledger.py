"""`verify`, `checkpoint` and `rebuild`, typed at a running demo, and at records that somebody has changed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.references import case_stream
from records.database import Database
from records.forgetting import forget, shutting
from records.projecting import CARDS
from tests.support.demo import Demo, running_demo
from tests.support.keys import settings_in, store_in
from tests.support.many_commands import Commands, at
from tests.support.tampering import tampering
from tests.support.telling import NOON, REFERENCES, Author


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("ledger")) as demo:
        yield demo


def typed(demo: Commands, *arguments: str) -> str:
    code, printed = demo.type(list(arguments))
    assert code == 0, printed
    return printed


def refused(demo: Commands, *arguments: str) -> str:
    """The one line of a refusal."""
    code, printed = demo.type(list(arguments))
    assert code == 1, printed
    assert "Traceback" not in printed
    return printed.strip().splitlines()[-1]


def records_of(demo: Demo) -> Path:
    return demo.printed.parent / "home" / "records.db"


def cards_and_length(path: Path) -> tuple[list[list[tuple[object, ...]]], int]:
    """What the lists are made of, and how many entries there are."""
    with closing(sqlite3.connect(path)) as records:
        records.execute("BEGIN")
        shown = [sorted(records.execute(f"SELECT * FROM {table}"), key=str) for table in CARDS]  # noqa: S608
        return shown, int(records.execute("SELECT count(*) FROM event").fetchone()[0])


def test_verify_says_that_the_log_is_what_was_written_the_whole_of_it_and_one_case(demo: Demo) -> None:
    entries = int(typed(demo, "verify").split(" entries: the whole log is what was written.")[0])
    assert entries > 100
    of_one = int(typed(demo, "verify", "Robin").split(" entries: this case is what was written.")[0])
    assert 0 < of_one < entries
    assert json.loads(typed(demo, "verify", "--json")) == {"entries": entries, "fault": None}


def test_checkpoint_prints_a_line_that_verify_believes_when_it_was_kept_elsewhere(demo: Demo, tmp_path: Path) -> None:
    line = typed(demo, "checkpoint")
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_text(line)
    assert "is what was written" in typed(demo, "verify", "--against", str(elsewhere))
    elsewhere.write_text(line.replace('"at": "2', '"at": "3'))
    assert "was not signed by this installation" in refused(demo, "verify", "--against", str(elsewhere))
    elsewhere.write_text("not a checkpoint")
    assert "line 1 is no checkpoint" in refused(demo, "verify", "--against", str(elsewhere))
    elsewhere.write_text("[" * 200_000)
    assert "line 1 is no checkpoint" in refused(demo, "verify", "--against", str(elsewhere))
    assert "no such file" in refused(demo, "verify", "--against", str(tmp_path / "nowhere"))


def test_rebuild_makes_the_same_lists_as_the_workflows_did(demo: Demo) -> None:
    path = records_of(demo)
    while True:
        before, length = cards_and_length(path)
        assert typed(demo, "rebuild") == "The lists of 6 cases were made anew from the log.\n"
        after, length_after = cards_and_length(path)
        if length_after == length:
            break  # nothing came due meanwhile
    assert after == before
    assert all(rows for rows, table in zip(before, CARDS, strict=True) if table != "alert_card"), "no alert was raised"


def test_verify_names_the_position_that_somebody_has_changed_while_everything_runs(demo: Demo) -> None:
    with closing(sqlite3.connect(records_of(demo))) as records:
        stream, at = records.execute("SELECT stream, recorded_at FROM event WHERE position = 42").fetchone()
        others = "SELECT reference FROM case_card WHERE reference <> ?"
        reference = stream.split("/")[1]
        (other,) = records.execute(others, (reference,)).fetchone()
    change = "UPDATE event SET recorded_at = ? WHERE position = 42"
    with tampering(records_of(demo)) as records:
        records.execute(change, (at.replace("T", " "),))
    says = (
        "safeconduct: the log is not what was written: position 42: the entry was changed, or stands in another's place"
    )
    assert refused(demo, "verify") == says
    assert refused(demo, "verify", reference) == says
    assert "this case is what was written" in typed(demo, "verify", other)
    with tampering(records_of(demo)) as records:
        records.execute(change, (at,))
    assert "the whole log is what was written" in typed(demo, "verify")


def test_verify_looks_at_an_erased_case_up_to_its_fence_and_says_that_it_is_erased(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings_in(home)
    database = Database(home / "records.db")
    store = store_in(home, database)
    one, two = (Author(store, reference) for reference in REFERENCES[:2])
    length = len(store.read_case(one.reference))
    store.fence(one.reference, NOON, shutting(one.reference))
    store.keys.keyring.destroy(case_stream(one.reference))
    forget(database, one.reference)
    database.close()
    typing = at(tmp_path / "home")
    says = f"{length + 1} entries: this case is what was written, up to its fence: it was erased"
    assert typed(typing, "verify", one.reference.lower()).startswith(says)
    assert json.loads(typed(typing, "verify", one.reference, "--json")) == {
        "entries": length + 1,
        "fault": None,
        "erased": True,
    }
    assert json.loads(typed(typing, "verify", two.reference, "--json"))["erased"] is False
    with tampering(home / "records.db") as records:
        records.execute("UPDATE event SET recorded_at = '2000' WHERE key_id = 'none'")
    assert f"position {_last(home)}: the entry was changed" in refused(typing, "verify", one.reference)
    assert "no case with this reference" in refused(typing, "verify", REFERENCES[2])


def _last(home: Path) -> int:
    with closing(sqlite3.connect(home / "records.db")) as records:
        return int(records.execute("SELECT max(position) FROM event").fetchone()[0])


def test_verify_finds_what_was_cut_off_together_with_the_heads_by_the_line_that_was_kept_elsewhere(
    tmp_path: Path,
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere.jsonl"
    settings_in(home)
    database = Database(home / "records.db")
    one, two = (Author(store_in(home, database), reference) for reference in REFERENCES[:2])
    database.close()
    typing = at(tmp_path / "home")
    elsewhere.write_text(typed(typing, "checkpoint"))
    with tampering(home / "records.db") as records:
        (begins,) = records.execute("SELECT min(position) FROM event WHERE stream LIKE ?", (f"%{two.reference}%",))
        records.execute("DELETE FROM event WHERE position >= ?", begins)
        records.execute("DELETE FROM stream WHERE stream LIKE ?", (f"%{two.reference}%",))
    assert "it was cut off or written anew, and nothing more is signed" in refused(typing, "checkpoint")
    with tampering(home / "records.db") as records:
        records.execute("DELETE FROM checkpoint")
    assert "is what was written" in typed(typing, "verify"), "without the line nobody can know"
    says = refused(typing, "verify", "--against", str(elsewhere))
    assert f"position {begins[0]}: the log ends here, and a signed checkpoint stands at" in says
    assert "this case is what was written" in typed(typing, "verify", one.reference)
