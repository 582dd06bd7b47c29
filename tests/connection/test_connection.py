"""Which engine is meant, and TLS with certificates on both sides, in front of the real server."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from records.board import Board
from records.database import Database
from runtime.client import connect
from runtime.embedded import free_port
from runtime.settings import NotRunning, Running, Settings
from tests.support.certificates import Authority, Certificate, front_door
from tests.support.intakes import MINIMAL
from tests.support.keys import settings_in
from tests.support.many_commands import typed
from tests.support.servers import Place, new_place, program

SECRET = "Planted-Secret-Key"

NONE_RUNS = "the engine is not running: start it with `make run` (or `make demo`)"
HUNG_UP = "the engine hung up: it wants TLS, or a client certificate that it knows"


@dataclass(frozen=True)
class Guarded:
    """A server behind a door that asks for certificates."""

    place: Place
    address: str
    ours: Authority
    theirs: Authority

    def tls(self, authority: Authority, client: Certificate) -> dict[str, str]:
        return {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(authority.certificate),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(client.certificate),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(client.key),
        }


pytestmark = pytest.mark.usefixtures("no_engine_chosen")


@asynccontextmanager
async def guarded(folder: Path) -> AsyncIterator[Guarded]:
    settings_in(folder)
    place, ours, theirs = new_place(folder), Authority(folder, "ours"), Authority(folder, "theirs")
    async with place.server(), front_door(ours, place.port) as port:
        yield Guarded(place, f"127.0.0.1:{port}", ours, theirs)


async def refusal(monkeypatch: pytest.MonkeyPatch, folder: Path, environment: dict[str, str]) -> str:
    """The one line that a connection with this environment ends in."""
    with monkeypatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        with pytest.raises(NotRunning) as refused:
            await connect(Settings(home=folder), None)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_worker_and_commands_work_through_tls_with_their_certificate_by_variables_or_by_a_profile(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as engine:
        client = engine.ours.issue("client")
        home = {"SAFECONDUCT_HOME": str(tmp_path), "SAFECONDUCT_STAFF": "dana"}
        (tmp_path / "wren.toml").write_text(MINIMAL)
        (tmp_path / "temporal.toml").write_text(
            f"""
            [profile.guarded]
            address = "{engine.address}"
            tls.server_ca_cert_path = "{engine.ours.certificate}"
            tls.client_cert_path = "{client.certificate}"
            tls.client_key_path = "{client.key}"
            """
        )
        profile = {"TEMPORAL_CONFIG_FILE": str(tmp_path / "temporal.toml"), "TEMPORAL_PROFILE": "guarded"}
        by_variables = {**home, **engine.tls(engine.ours, client)}
        start = ("start", str(tmp_path / "wren.toml"))
        async with program("worker.py", environment=by_variables):
            code, printed = await asyncio.to_thread(typed, start, {**home, **profile})
            assert code == 0, printed
    database = Database(tmp_path / "records.db")
    assert len(Board(database).cases()) == 1
    database.close()


async def test_without_the_right_certificate_nobody_is_let_in_and_one_line_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with guarded(tmp_path) as engine:
        ours, theirs = engine.ours.issue("client"), engine.theirs.issue("client")
        good = engine.tls(engine.ours, ours)
        address, authority, certificate, key = good
        plain = {address: engine.place.address}
        expected = [
            (engine.tls(engine.theirs, ours), "not for this address, or of an authority that is not trusted"),
            (engine.tls(engine.ours, theirs), HUNG_UP),
            ({address: good[address], authority: good[authority]}, HUNG_UP),
            ({address: good[address]}, HUNG_UP),
            ({name: value for name, value in good.items() if name != key}, "only one of them is set"),
            ({**good, key: str(theirs.key)}, "do not belong together"),
            ({**good, certificate: str(tmp_path / "none.pem")}, "client certificate for the engine cannot be read: no"),
            ({**good, key: str(tmp_path)}, "key of the client certificate for the engine cannot be read: is a dir"),
            ({**good, key: SECRET}, "key of the client certificate for the engine cannot be read: no such file"),
            ({**good, authority: "/none.pem"}, "certificate of the authority for the engine cannot be read: no such"),
            ({**good, "TEMPORAL_NAMESPACE": "elsewhere"}, "no namespace of the name"),
            ({**plain, "TEMPORAL_API_KEY": SECRET}, "does not speak TLS"),
            ({**plain, "TEMPORAL_TLS": "false", "TEMPORAL_API_KEY": SECRET}, "an API key needs TLS"),
        ]
        for environment, says in expected:
            assert says in await refusal(monkeypatch, tmp_path, environment)
        for name, value in good.items():
            monkeypatch.setenv(name, value)
        await connect(Settings(home=tmp_path), None)


@pytest.mark.parametrize("command", [("worker.py",), ("starter.py", "start", "examples/intake.toml")], ids=" ".join)
async def test_a_program_without_its_certificate_prints_one_line_and_ends(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    async with guarded(tmp_path) as engine:
        environment = {
            "SAFECONDUCT_HOME": str(tmp_path),
            "SAFECONDUCT_STAFF": "dana",
            "TEMPORAL_ADDRESS": engine.address,
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(engine.ours.certificate),
        }
        async with program(*command, environment=environment, stderr=subprocess.PIPE) as refused:
            _, printed = await asyncio.to_thread(refused.communicate, timeout=60)
    assert refused.returncode == 1
    assert printed.decode().partition(": ")[2] == f"{HUNG_UP}\n"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, NONE_RUNS),
        ({"TEMPORAL_NAMESPACE": "elsewhere"}, NONE_RUNS),
        ({"TEMPORAL_ADDRESS": "127.0.0.1:9"}, "the engine does not answer"),
        ({"TEMPORAL_ADDRESS": "http://127.0.0.1:7233"}, "write host:port"),
        ({"TEMPORAL_ADDRESS": "::::"}, "the engine does not answer"),
        ({"TEMPORAL_PROFILE": SECRET}, "no profile of the name"),
        ({"TEMPORAL_API_KEY": SECRET}, "name no address"),
        ({"TEMPORAL_CONFIG_FILE": f"/{SECRET}"}, "does not exist"),
    ],
    ids=str,
)
async def test_a_bad_setting_is_one_line_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], says: str
) -> None:
    assert says in await refusal(monkeypatch, tmp_path, environment)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f'[profile.default]\naddress = 1\napi_key = "{SECRET}\n', "makes no sense"),
        (f'[profile.default]\napi_key = "{SECRET}"\n', "name no address"),
        ("", "name no address"),
    ],
)
async def test_a_bad_profile_is_one_line_without_what_stands_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, says: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(content)
    assert says in await refusal(monkeypatch, tmp_path, {"TEMPORAL_CONFIG_FILE": str(file)})


async def test_the_environment_comes_before_the_engine_of_the_folder_and_that_before_a_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, place = Settings(home=tmp_path), new_place(tmp_path)
    nobody = f"127.0.0.1:{free_port()}"
    profiles = tmp_path / ".config" / "temporalio"
    profiles.mkdir(parents=True)
    (profiles / "temporal.toml").write_text(f'[profile.default]\naddress = "{place.address}"\n')
    async with place.server():
        assert (await connect(settings, None)).service_client.config.target_host == place.address
        settings.announce(Running(address=nobody, pid=os.getpid()))
        assert "does not answer" in await refusal(monkeypatch, tmp_path, {})
        monkeypatch.setenv("TEMPORAL_ADDRESS", place.address)
        assert (await connect(settings, None)).service_client.config.target_host == place.address
        assert "does not answer" in await refusal(monkeypatch, tmp_path, {"TEMPORAL_ADDRESS": nobody})
