"""Backups and the way back, of files and of a real PostgreSQL, while two workers run."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.backup import back_up
from runtime.backup_places import MANIFEST, alone_in
from runtime.doctor import about_backups
from runtime.findings import Finding, Verdict
from runtime.settings import Settings, now
from tests.support.demo import running_demo
from tests.support.ground import settings_of
from tests.support.many_commands import at
from tests.support.postgres import PostgresServer
from tests.support.servers import ROOT, clean_environment
from tests.support.tampering import tampering


def typed(home: Path, *arguments: str, given: Mapping[str, str] | None = None) -> tuple[int, str]:
    """A command in an installation that does not run, and what it printed."""
    code, printed = at(home, **(given or {})).type(arguments)
    assert "Traceback" not in printed
    return code, printed


def backups_in(place: Path) -> list[Path]:
    return sorted(place.glob("safeconduct-*"))


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
    (backup,) = backups_in(folder / "backups")
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
    left = sorted(one.name for one in expired.iterdir() if not one.name.startswith("."))
    assert len(left) == 2
    assert left[0] == "photographs"


def killed_backup(home: Path, place: Path) -> Path:
    """What a backup leaves whose program is killed in the middle."""
    while True:
        with subprocess.Popen(
            [sys.executable, "starter.py", "backup", str(place)],
            cwd=ROOT,
            env={**clean_environment(), "SAFECONDUCT_HOME": str(home), "SAFECONDUCT_STAFF": "dana"},
            stdout=subprocess.DEVNULL,
        ) as program:
            while program.poll() is None and not list(place.glob("*.unfinished/keyring.db")):
                pass  # a moment too late, and it is finished: then it is begun again
            program.send_signal(signal.SIGKILL)
        if left := list(place.glob("*.unfinished")):
            return left[0]


def about(home: Path) -> list[Finding]:
    return list(about_backups(Settings(home=home)))


def test_s10_a_backup_that_was_killed_does_not_outlive_the_next_one_and_the_doctor_tells(
    of_files: Lived, tmp_path: Path
) -> None:
    home, place = tmp_path / "home", tmp_path / "backups"
    put_back(of_files, home)
    left = killed_backup(home, place)
    assert (left / "records.db").stat().st_size > 0
    (told,) = about(home)
    assert (told.verdict, "1 never finished" in told.found) == (Verdict.WARN, True)
    assert str(place) in told.do
    code, printed = typed(home, "backup", str(place))
    assert code == 0, printed
    assert f"Deleted, for it was never finished: {left}" in printed
    assert [one.suffix for one in backups_in(place)] == [""]
    (told,) = about(home)
    assert told.verdict is Verdict.OK


def test_s10_the_doctor_names_backups_that_have_expired(of_files: Lived, expired: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    put_back(of_files, home)
    assert typed(home, "backup", str(tmp_path / "backups"))[0] == 0
    shutil.copytree(of_files.backup, expired / "old")
    manifest = expired / "old" / MANIFEST
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "delete_by": said["made_at"]}))
    (told,) = about(home)
    assert (told.verdict, "1 has expired" in told.found) == (Verdict.WARN, True)


def test_a_backup_is_made_alone_and_leaves_one_that_is_being_made_as_it_is(of_files: Lived, tmp_path: Path) -> None:
    home, place = tmp_path / "home", tmp_path / "backups"
    put_back(of_files, home)
    stopped = killed_backup(home, place)
    with alone_in(place):
        code, printed = typed(home, "backup", str(place))
        assert (code, "is being made" in one_line(printed)) == (1, True)
        assert stopped.exists()
        assert about(home)[0].verdict is Verdict.OK


def one_line(printed: str) -> str:
    assert len(printed.splitlines()) == 1, printed
    return printed


def test_two_backups_of_the_same_second_both_remain(of_files: Lived, tmp_path: Path) -> None:
    home, place = tmp_path / "home", tmp_path / "backups"
    put_back(of_files, home)
    settings = Settings(home=home)
    while True:
        before = now().replace(microsecond=0)
        both = [back_up(settings, place).made for _ in range(2)]
        if now().replace(microsecond=0) == before:
            break
    assert all((one / MANIFEST).exists() for one in both)
    assert both[0] != both[1]


def test_where_no_backup_can_be_made_one_line_says_so(of_files: Lived, tmp_path: Path) -> None:
    home = tmp_path / "home"
    put_back(of_files, home)
    (tmp_path / "file").write_text("a file")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        code, printed = typed(home, "backup", str(place))
        assert (code, "no backup can be made in" in one_line(printed)) == (1, True)


def test_a_date_without_a_zone_in_a_manifest_is_no_date(of_files: Lived, tmp_path: Path) -> None:
    home, place = tmp_path / "home", tmp_path / "backups"
    put_back(of_files, home)
    shutil.copytree(of_files.backup, place / "odd")
    said = json.loads((place / "odd" / MANIFEST).read_text())
    (place / "odd" / MANIFEST).write_text(json.dumps({**said, "delete_by": "2020-01-01T00:00:00"}))
    assert typed(home, "backup", str(place))[0] == 0
    assert (place / "odd").exists()
    (place / "odd" / MANIFEST).write_text("[" * 200_000)
    assert typed(home, "backup", str(place))[0] == 0
    code, printed = typed(tmp_path / "other", "put-back", str(place / "odd"))
    assert (code, "is no backup" in one_line(printed)) == (1, True)


def test_on_a_full_disk_nothing_is_put_back_in_halves(of_files: Lived, tmp_path: Path) -> None:
    home = tmp_path / "home"
    size = (of_files.backup / "keyring.db").stat().st_size
    assert (of_files.backup / "records.db").stat().st_size > size + 8192
    ended = subprocess.run(
        [sys.executable, "starter.py", "put-back", str(of_files.backup)],
        cwd=ROOT,
        env={**clean_environment(), "SAFECONDUCT_HOME": str(home), "SAFECONDUCT_STAFF": "dana"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, size + 8192)),
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "could not be copied" in one_line(ended.stderr)
    assert list(home.iterdir()) == []
    put_back(of_files, home)


def test_s10_put_back_says_whom_it_brings_back_and_what_is_lost(of_files: Lived, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere.txt"
    given = {"SAFECONDUCT_CHECKPOINTS": str(elsewhere)}
    put_back(of_files, home)
    line = json.loads(typed(home, "checkpoint")[1])
    entries = line["position"]
    elsewhere.write_text(json.dumps({**line, "position": entries + 7}) + "\n")
    code, printed = typed(tmp_path / "other", "put-back", str(of_files.backup), given=given)
    assert code == 0, printed
    assert "is here again: erase them again" in printed
    assert "7 entries or more are lost" in printed
    assert (ROOT / "docs" / "operators.md").read_text().count("### When only an old backup is left") == 1
