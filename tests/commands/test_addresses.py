"""What stands in the settings as a place that is none: a database's address, its role, a file elsewhere."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url

from records.checkpoints import checkpoints
from records.database import Database
from tests.support.ground import settings_of
from tests.support.keys import settings_in, store_in
from tests.support.many_commands import at
from tests.support.postgres import Databases
from tests.support.telling import REFERENCES, Author

PASSWORD = "planted-password"
NO_ADDRESSES = (
    f"no address {PASSWORD}",
    f"postgresql://role:{PASSWORD}@host:port/records",
    f"postgresql://role:{PASSWORD}@host",
    f"postgresql+asyncpg://role:{PASSWORD}@host/records",
    f"mysql://role:{PASSWORD}@host/records",
    "",
)
COMMANDS = ("migrate", "cases", "doctor")


def says(home: Path, *arguments: str, given: Mapping[str, str]) -> str:
    """What a command that was refused said; never a traceback, never a password."""
    code, printed = at(home, **given).type(arguments)
    assert code == 1, printed
    assert "Traceback" not in printed
    assert PASSWORD not in printed
    return printed


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_of_a_database_is_refused_in_one_line_that_does_not_show_it(
    tmp_path: Path, address: str
) -> None:
    for variable in ("RECORDS_URL", "RECORDS_OWNER_URL", "KEYRING_URL"):
        good = {f"SAFECONDUCT_{name}": "postgresql://role@127.0.0.1:1/none" for name in ("RECORDS_URL", "KEYRING_URL")}
        given = {**good, "SAFECONDUCT_RECORDS_OWNER_URL": "postgresql://owner@127.0.0.1:1/none"}
        given[f"SAFECONDUCT_{variable}"] = address
        if variable != "KEYRING_URL":
            printed = says(tmp_path, "migrate", given=given)
            assert len(printed.splitlines()) == 1
            assert "write it as postgresql://role:password@host:port/database" in printed
    given = {"SAFECONDUCT_RECORDS_URL": address, "SAFECONDUCT_KEYRING_URL": address}
    assert len(says(tmp_path, "cases", given=given).splitlines()) == 1
    assert "records           the address of a database" in says(tmp_path, "doctor", given=given)


def test_a_port_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    address = f"postgresql://role:{PASSWORD}@127.0.0.1:99999/none"
    given = {"SAFECONDUCT_RECORDS_URL": address, "SAFECONDUCT_KEYRING_URL": address}
    assert "do not answer" in says(tmp_path, "cases", given=given)


def test_the_application_has_another_role_than_the_owner_of_the_log(tmp_path: Path, databases: Databases) -> None:
    given = settings_of(databases)
    same = {**given, "SAFECONDUCT_RECORDS_URL": given["SAFECONDUCT_RECORDS_OWNER_URL"]}
    printed = says(tmp_path, "migrate", given=same)
    assert "name one role: who owns the log can change it" in printed
    assert str(make_url(databases.records_owner).password) not in printed


def test_a_checkpoint_that_cannot_be_written_elsewhere_is_signed_all_the_same_and_says_so_in_one_line(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    settings_in(home)
    database = Database(home / "records.db")
    Author(store_in(home, database), REFERENCES[0])
    (tmp_path / "file").write_text("")
    for place, why in (
        (tmp_path / "file" / "kept", "cannot be written (File exists): it was signed beside the log"),
        (tmp_path, "cannot be read"),
    ):
        printed = says(home, "checkpoint", given={"SAFECONDUCT_CHECKPOINTS": str(place)})
        assert printed.startswith((f"safeconduct: {place} {why}", f"safeconduct: {place}: {why}"))
        assert len(printed.splitlines()) == 1
    assert len(checkpoints(database)) == 1
    database.close()
