"""Logs that earlier releases have written are read by the present code."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from domain.events import FACTS
from records.checkpoints import all_signed, checkpoints
from records.database import Database
from records.signing import signing_key
from records.verifying import verify
from tests.support.keys import keys_in, store_in
from tests.support.record_golden import RELEASE
from tests.support.record_log import EVERY_KIND, LIVED, LOGS, record, standing, told

RELEASES = sorted(folder.name for folder in LOGS.iterdir())


def test_every_release_has_left_its_log() -> None:
    assert RELEASE in RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_a_log_of_an_earlier_release_is_whole_and_says_what_it_said_then(tmp_path: Path, release: str) -> None:
    home = copytree(LOGS / release, tmp_path / "home")
    words = json.loads((home / "told.json").read_text())
    assert len(words["told"]) > 50, "a recorded log that says nothing proves nothing"
    database = Database(home / "records.db")
    signed = all_signed(checkpoints(database), signing_key(keys_in(home)[0]).public_key())
    found = verify(database, signed)
    assert found.fault is None
    assert found.entries == len(words["told"])
    assert len(signed) == 1
    store = store_in(home, database)
    lived, every_kind = store.read_case(LIVED), store.read_case(EVERY_KIND)
    assert told((*lived, *every_kind)) == words["told"]
    assert standing(lived) == words["standing"]
    database.close()


def test_a_log_that_is_recorded_now_has_a_fact_of_every_kind(tmp_path: Path) -> None:
    record(tmp_path / "now")
    words = json.loads((tmp_path / "now" / "told.json").read_text())
    kinds = {line.split(" ")[4] for line in words["told"] if line.startswith(f"case/{EVERY_KIND}")}
    assert kinds == set(FACTS)
