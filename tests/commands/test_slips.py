"""A setting that makes no sense, a folder that can't be made, a file that is empty: one line each, and no traceback."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import many_commands
from tests.support.keys import database_in

PLANTED = "Planted-Value"


def typed(*arguments: str, given: Mapping[str, str], program: str = "starter") -> tuple[int, str]:
    ended = many_commands.ended(arguments, {"SAFECONDUCT_STAFF": "dana", **given}, program)
    assert "Traceback" not in ended.errors, ended.errors
    assert PLANTED not in ended.errors
    return ended.code, ended.output + ended.errors


def one_line(answer: tuple[int, str]) -> str:
    code, printed = answer
    assert (code, len(printed.splitlines())) == (1, 1), printed
    return printed


@pytest.mark.parametrize(
    ("name", "value"),
    [("BACKUP_DAYS", PLANTED), ("BACKUP_DAYS", "0"), ("RETENTION_DAYS", PLANTED), ("RETENTION_DAYS", "-1")],
)
def test_a_setting_that_makes_no_sense_is_one_line_which_names_it(tmp_path: Path, name: str, value: str) -> None:
    given = {"SAFECONDUCT_HOME": str(tmp_path), f"SAFECONDUCT_{name}": value}
    for command in ((), ("cases",), ("backup", str(tmp_path)), ("doctor",)):
        assert f"SAFECONDUCT_{name}: input should be" in one_line(typed(*command, given=given))
    assert f"worker: SAFECONDUCT_{name}" in one_line(typed(given=given, program="worker"))


@pytest.mark.parametrize(("command", "missing"), [(("explain",), "case"), (("handover", "ann"), "STAFF")])
def test_what_a_command_wants_to_know_is_named(tmp_path: Path, command: tuple[str, ...], missing: str) -> None:
    given = {"SAFECONDUCT_HOME": str(tmp_path)}
    assert f"Missing argument {missing}: --help".lower() in one_line(typed(*command, given=given)).lower()


@pytest.mark.parametrize("command", [("cases",), ("up", "--demo"), ("start", "examples/intake.toml")])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("a file")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        assert one_line(typed(*command, given={"SAFECONDUCT_HOME": str(home)}))


@pytest.mark.parametrize("become", ["empty", "missing"])
def test_records_that_are_gone_are_not_begun_anew_beside_their_keyring(tmp_path: Path, become: str) -> None:
    database_in(tmp_path).close()
    records, given = tmp_path / "records.db", {"SAFECONDUCT_HOME": str(tmp_path)}
    records.unlink()
    if become == "empty":
        records.touch()
    for command in (("cases",), (), ("backup", str(tmp_path / "backups"))):
        assert "missing" in one_line(typed(*command, given=given))
    assert (records.stat().st_size if records.exists() else None) == (0 if become == "empty" else None)
    if become == "empty":
        assert "fail records           records.db is empty" in typed("doctor", given=given)[1]


def test_the_doctor_goes_on_where_the_records_do_not_open(tmp_path: Path) -> None:
    database_in(tmp_path).close()
    with (tmp_path / "records.db").open("r+b") as file:
        file.write(b"no header of anything")
    code, printed = typed("doctor", given={"SAFECONDUCT_HOME": str(tmp_path)})
    assert code == 1
    checks = {line.split()[1] for line in printed.splitlines() if line.split()[0] in ("ok", "warn", "fail")}
    assert checks >= {"records", "keyring", "disk", "versions"}
