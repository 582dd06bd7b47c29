"""What the doctor finds, on real files, a real server and a real address; and that it changes and sends nothing."""

import asyncio
import os
import shlex
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from activities.contract import SEARCH_ATTRIBUTES
from records.checkpoints import checkpoint, keep_elsewhere
from records.database import Database
from runtime.doctor import about_channels, about_ways, examine
from runtime.doctor_engine import about_clock
from runtime.doctor_records import about_checkpoints, about_generation, about_keyring, about_records
from runtime.findings import Finding, Verdict
from runtime.keys import ring_of
from runtime.settings import Settings, now
from tests.support.keys import settings_in
from tests.support.many_commands import ended
from tests.support.mutating import grow
from tests.support.postgres import Databases
from tests.support.rehearsal import Pigeonhole, eventually
from tests.support.servers import ROOT, Place, new_place, program, without_search_attributes
from tests.support.watched import SECRET, outside
from worker import build_worker

pytestmark = pytest.mark.usefixtures("no_engine_chosen")

PLANTED = "Planted-Token"
OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


@asynccontextmanager
async def named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A running server that the environment names."""
    place = new_place(folder)
    settings_in(folder)
    monkeypatch.setenv("TEMPORAL_ADDRESS", place.address)
    async with place.server():
        yield place


async def found(folder: Path, check: str) -> Finding:
    return next(one for one in await examine(Settings(home=folder)) if one.check == check)


def seen(findings: list[Finding]) -> dict[str, Verdict]:
    return {one.check: one.verdict for one in findings}


def test_without_an_engine_it_says_so_what_to_do_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "nothing"
    done = ended(["doctor"], {"HOME": str(tmp_path), "SAFECONDUCT_HOME": str(home)})
    assert (done.code, done.errors) == (1, "")
    first, second, *others = done.output.splitlines()
    assert first.split(maxsplit=2) == [
        "fail",
        "server",
        "the engine is not running: start it with `make run` (or `make demo`)",
    ]
    assert second.strip().startswith("-> `make run`")
    assert [line for line in others if line.startswith("fail")] == []
    assert not home.exists()


async def test_on_a_running_installation_each_thing_is_looked_at_and_what_it_says_to_do_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(tmp_path / "records.db").close()
    async with named(tmp_path, monkeypatch) as place:
        await without_search_attributes(place)
        assert (await found(tmp_path, "workers")).verdict is FAIL
        missed = await found(tmp_path, "search attributes")
        assert missed.verdict is WARN
        assert all(name in missed.found for name in SEARCH_ATTRIBUTES)
        command = [str(ROOT / missed.do.split()[0]), *shlex.split(missed.do)[1:], "--address", place.address]
        await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True, capture_output=True)
        environment = {"SAFECONDUCT_HOME": str(tmp_path), "TEMPORAL_ADDRESS": place.address}
        async with program("worker.py", environment=environment):

            async def is_well() -> bool:
                findings = await examine(Settings(home=tmp_path))
                return not [one for one in findings if one.verdict is FAIL] and set(seen(findings)) == {
                    *("server", "namespace", "workers", "search attributes", "clock", "records", "keyring"),
                    *("generation", "checkpoints", "law"),
                    *("notices", "heartbeat", "channels", "time zones", "disk", "versions"),
                }

            await eventually(is_well, "nothing is wrong")
            await eventually(lambda: attributes_are_there(tmp_path), "the search attributes are there")


async def test_a_worker_of_another_version_is_named_and_what_to_do_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with named(tmp_path, monkeypatch) as place:
        database = Database(tmp_path / "records.db")
        monkeypatch.setattr("worker.version", lambda _: "0.0.9")
        async with build_worker(await place.client(), place.store(database), Pigeonhole()):

            async def is_named() -> bool:
                workers = await found(tmp_path, "workers")
                return workers.verdict is WARN and "0.0.9" in workers.found and "side by side" in workers.do

            await eventually(is_named, "the other version is seen")
        database.close()


async def attributes_are_there(folder: Path) -> bool:
    return (await found(folder, "search attributes")).verdict is OK


async def test_a_search_attribute_that_is_switched_off_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with named(tmp_path, monkeypatch) as place:
        await without_search_attributes(place)
        assert seen(await examine(Settings(home=tmp_path, search_attributes="")))["search attributes"] is OK
        only = await examine(Settings(home=tmp_path, search_attributes="Stage"))
    missed = next(one.found for one in only if one.check == "search attributes")
    assert missed.startswith("missing, or of another type: Stage;")


@pytest.mark.parametrize(("moved", "says"), [(-300, "300 s behind"), (300, "300 s ahead of")])
async def test_a_clock_that_differs_from_the_engines_is_found_again_and_again(
    tmp_path: Path, moved: int, says: str
) -> None:
    place = new_place(tmp_path)
    async with place.server():
        client = await place.client()
        for _ in range(2):
            assert (await about_clock(client)).verdict is OK
        wrong = await about_clock(client, lambda: now() + timedelta(seconds=moved, milliseconds=200))
    assert wrong.verdict is FAIL
    assert says in wrong.found


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)


def of_another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as records:
        records.execute("ALTER TABLE notice DROP COLUMN channel")


def unguarded(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER event_is_not_changed")
        connection.execute("CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event BEGIN SELECT 1; END")


@pytest.mark.parametrize(
    ("harm", "verdict", "says"),
    [
        (Path.exists, OK, "with the tables of this version"),
        (Path.unlink, WARN, "none yet"),
        (damaged, FAIL, "records.db "),
        (lambda path: path.write_bytes(b"no database" * 1000), FAIL, "does not open"),
        (of_another_version, FAIL, "notice.channel"),
        (unguarded, FAIL, "what guards the log is gone: event_is_not_changed"),
        (lambda path: path.chmod(0o644), WARN, "other accounts"),
    ],
)
def test_records_are_opened_and_read_through(
    tmp_path: Path, harm: Callable[[Path], object], verdict: Verdict, says: str
) -> None:
    path = tmp_path / "home" / "records.db"
    Database(path).close()
    harm(path)
    worst = list(about_records(path))[-1]
    assert worst.verdict is verdict
    assert says in worst.found
    assert path.exists() == (says != "none yet")


def test_checkpoints_are_kept_elsewhere_or_it_says_what_is_lacking_there(tmp_path: Path) -> None:
    elsewhere, one = tmp_path / "elsewhere.jsonl", Settings(home=tmp_path / "home")
    assert "beside the log alone" in next(about_checkpoints(one)).found
    one = Settings(home=tmp_path / "home", checkpoints=elsewhere)
    assert list(about_checkpoints(one)) == []
    database = Database(one.records)
    grow(database.log, Random(1), 5)
    signed = checkpoint(database, Ed25519PrivateKey.generate(), now())
    assert signed is not None
    assert f"{elsewhere} lacks 1" in next(about_checkpoints(one)).found
    keep_elsewhere(elsewhere, [signed])
    assert next(about_checkpoints(one)).verdict is OK
    elsewhere.write_text(f"{signed.line[:40]}\n{signed.line}\n")
    assert "a line was broken off (1)" in next(about_checkpoints(one)).found
    for content, says in (("no checkpoint\n", "line 1 is no checkpoint"), ("\udcff", "cannot be read")):
        elsewhere.write_text(content, errors="surrogateescape")
        assert (found := next(about_checkpoints(one))).verdict is FAIL
        assert says in found.found
        assert str(elsewhere) in found.found
    database.close()


def test_records_in_a_postgresql_are_not_the_application_s_to_change(ground: Databases) -> None:
    (found,) = about_records(ground.records_app)
    assert found.verdict is OK
    (found,) = about_records(ground.records_owner)
    assert found.verdict is FAIL
    assert "the application connects as who may change the log" in found.found


def test_a_keyring_is_there_whole_or_broken_and_its_key_fits(tmp_path: Path) -> None:
    empty = Settings(home=tmp_path / "empty")
    assert about_keyring(empty).verdict is WARN
    assert not empty.keyring_path.exists()
    settings = settings_in(tmp_path)
    assert "the key at hand fits" in about_keyring(settings).found
    settings.master_path.write_text(bytes(32).hex())
    assert about_keyring(settings).verdict is FAIL
    settings.master_path.unlink()
    assert "passphrase will be asked" in about_keyring(settings).found
    damaged(settings.keyring_path)
    assert about_keyring(settings).verdict is FAIL


def test_the_generation_is_the_keyrings_an_older_one_is_left_or_it_is_missing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    [fine] = about_generation(settings)
    assert (fine.verdict, fine.found[:8]) == (OK, "1, since")
    old = settings.keyring_path.read_bytes()
    with ring_of(settings).database.writing() as connection:
        connection.exec_driver_sql("UPDATE setting SET value = CAST('2' AS BLOB) WHERE name = 'generation'")
    [gone] = about_generation(settings)
    assert (gone.verdict, "no key opens" in gone.found) == (FAIL, True)
    assert ring_of(settings).generations.begin(above=1).number == 2
    [broken_off] = about_generation(settings)
    assert (broken_off.verdict, "an older one is left" in broken_off.found) == (WARN, True)
    ring_of(settings).tidy()
    assert next(about_generation(settings)).found.startswith("2, since")
    settings.keyring_path.write_bytes(old)
    assert next(about_generation(settings)).verdict is FAIL


@pytest.mark.parametrize(
    ("url", "secret", "verdict", "says"),
    [
        (None, None, WARN, "terminal"),
        (f"ftp://{PLANTED}.example.org", SECRET, FAIL, "is no address"),
        (f"https://[{PLANTED}", SECRET, FAIL, "is no address"),
        (f"https://{PLANTED}.invalid/{PLANTED}", SECRET, FAIL, "is unknown"),
        (f"https://10.1.2.3/{PLANTED}", SECRET, WARN, "private network"),
        (f"http://192.0.2.1/{PLANTED}", SECRET, FAIL, "in clear"),
        ("HERE", PLANTED, FAIL, "secret is missing"),
        ("HERE", None, FAIL, "secret is missing"),
        ("HERE", SECRET, OK, "they are signed"),
    ],
)
def test_a_channel_is_looked_at_and_nothing_is_sent(
    url: str | None, secret: str | None, verdict: Verdict, says: str
) -> None:
    with outside() as received:
        settings = Settings(
            webhook_url=received.url if url == "HERE" else url,
            webhook_secret=SecretStr(secret) if secret is not None else None,
            heartbeat_url=SecretStr(f"{received.url}/{PLANTED}"),
        )
        notices, heartbeat = about_channels(settings)
        assert (received.notices, received.beats) == ([], [])
    assert heartbeat.verdict is OK
    assert notices.verdict is verdict
    assert says in notices.found
    assert PLANTED not in f"{notices}{heartbeat}"


def test_which_ways_to_people_are_set_up_and_what_is_wrong_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIGNAL_URL", "SIGNAL_NUMBER", "EMAIL_HOST", "EMAIL_SENDER", "WEBHOOK_SECRET"):
        monkeypatch.delenv(f"SAFECONDUCT_{name}", raising=False)
    assert about_ways().verdict is WARN
    monkeypatch.setenv("SAFECONDUCT_EMAIL_HOST", "mail.example.org")
    assert about_ways().verdict is FAIL
    monkeypatch.setenv("SAFECONDUCT_EMAIL_SENDER", "desk@example.org")
    assert about_ways() == Finding("channels", OK, "set up here: email")
