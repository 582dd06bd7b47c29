"""Backups and the way back, of files and of a real PostgreSQL, while two workers run."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.backup import MANIFEST
from tests.support.demo import running_demo
from tests.support.ground import settings_of
from tests.support.postgres import PostgresServer
from tests.support.servers import ROOT, clean_environment
from tests.support.tampering import tampering


def typed(home: Path, *arguments: str, given: Mapping[str, str] | None = None) -> tuple[int, str]:
    """A command in an installation that does not run, and what it printed."""
    ended = subprocess.run(
        [sys.executable, "starter.py", *arguments],
        cwd=ROOT,
        env={**clean_environment(), "SAFECONDUCT_HOME": str(home), "SAFECONDUCT_STAFF": "dana", **(given or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


@dataclass(frozen=True)
class Lived:
    """An installation that ran, and was backed up while it did.

    Attributes:
        master: its demo's key.
        backup: the one backup.
        cases: what `cases --json` printed.
        given: its settings.
    """

    master: Path
    backup: Path
    cases: list[dict[str, object]]
    given: Mapping[str, str]


def lived(folder: Path, given: Mapping[str, str], *options: str) -> Lived:
    """Six cases, one of them locked, one told something."""
    with running_demo(folder, options=options, environment=given) as demo:
        for command in (
            ["record", "Sparrow", "checked-in", "--channel", "call", "--note", "sounds well"],
            ["lock", "Lark"],
            ["verify"],
            ["restore", "--all"],
            ["audit"],
            ["backup", str(folder / "backups")],
        ):
            code, printed = demo.type(command)
            assert code == 0, printed
        cases = json.loads(demo.type(["cases", "--json"])[1])
    (backup,) = (folder / "backups").iterdir()
    return Lived(folder / "home" / "master.key", backup, cases, given)


@pytest.fixture(scope="module")
def of_files(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return lived(tmp_path_factory.mktemp("files"), {})


def put_back(one: Lived, home: Path, given: Mapping[str, str] | None = None) -> None:
    """The backup in an empty place shows what the installation showed."""
    code, printed = typed(home, "put-back", str(one.backup), given=given)
    assert code == 0, printed
    shutil.copy(one.master, home / "master.key")
    assert typed(home, "verify", given=given)[0] == 0
    code, printed = typed(home, "cases", "--json", given=given)
    assert json.loads(printed) == one.cases
    assert "sounds well" in typed(home, "timeline", "Sparrow", given=given)[1]


def test_a_backup_of_files_is_put_back_whole(of_files: Lived, tmp_path: Path) -> None:
    put_back(of_files, tmp_path / "home")
    code, printed = typed(tmp_path / "home", "put-back", str(of_files.backup))
    assert code == 1
    assert "nothing is written over it" in printed


@pytest.mark.timeout(240)
def test_an_installation_lives_in_postgresql_with_two_workers_and_comes_back_as_files_or_there(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with postgres.fresh() as databases, postgres.fresh() as others:
        given = settings_of(databases)
        code, printed = typed(tmp_path / "home", "cases", given=given)
        assert code == 1
        assert "safeconduct migrate" in printed
        assert typed(tmp_path / "home", "migrate", given=given)[0] == 0
        one = lived(tmp_path, given, "--workers", "2")
        put_back(one, tmp_path / "as files")
        elsewhere = settings_of(others)
        (tmp_path / "there").mkdir()
        assert typed(tmp_path / "there", "migrate", given=elsewhere)[0] == 0
        put_back(one, tmp_path / "there", elsewhere)
        code, printed = typed(tmp_path / "there", "put-back", str(one.backup), given=elsewhere)
        assert code == 1
        assert "nothing is written over it" in printed


def test_a_backup_that_was_changed_is_not_put_back(of_files: Lived, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(of_files.backup, backup)
    with tampering(backup / "records.db") as file:
        file.execute("UPDATE event SET recorded_at = 'never' WHERE position = 7")
    code, printed = typed(tmp_path / "home", "put-back", str(backup))
    assert code == 1
    assert "position 7" in printed
    assert not (tmp_path / "home" / "records.db").exists()
    code, printed = typed(tmp_path / "home", "put-back", str(tmp_path))
    assert code == 1
    assert "is no backup" in printed


@pytest.fixture
def expired(of_files: Lived, tmp_path: Path) -> Path:
    """A backup whose time is over, and a folder that is no backup."""
    shutil.copytree(of_files.backup, tmp_path / "backups" / "old")
    manifest = tmp_path / "backups" / "old" / MANIFEST
    said = json.loads(manifest.read_text())
    said["delete_by"] = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    manifest.write_text(json.dumps(said))
    (tmp_path / "backups" / "photographs").mkdir()
    return tmp_path / "backups"


def test_a_new_backup_deletes_those_that_have_expired_and_nothing_else(
    of_files: Lived, expired: Path, tmp_path: Path
) -> None:
    put_back(of_files, tmp_path / "home")
    code, printed = typed(tmp_path / "home", "backup", str(expired))
    assert code == 0, printed
    assert f"Deleted, for it had expired: {expired / 'old'}" in printed
    left = sorted(one.name for one in expired.iterdir())
    assert len(left) == 2
    assert left[0] == "photographs"
