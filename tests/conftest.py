"""Fixtures that several tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis  # early: its plugin would import it at the very end, where Python 3.11 may trip over it (gh-106905)
import pytest

from domain.references import make_reference

if TYPE_CHECKING:
    from tests.support.postgres import Databases, PostgresServer

# How long an example takes says something of the machine, and nothing of the program: `make bench` measures.
hypothesis.settings.register_profile("safeconduct", deadline=None)
hypothesis.settings.load_profile("safeconduct")

LONG = (
    "erasure/test_commands.py",
    "commands/test_commands.py",
    "restore/test_audit.py",
    "secrecy/test_s1_s2_canary.py",
    "commands/test_keys.py",
    "engine/test_outages.py",
    "docs/test_docs.py",
    "decoder/test_decoder.py",
    "restore/test_restore.py",
    "pages/test_installation.py",
    "commands/test_backup.py",
    "erasure/test_s11_retention.py",
    "records/test_migrations.py",
    "records/test_generations.py",
    "erasure/test_s10_erasure.py",
    "engine/test_s6_crash.py",
    "engine/test_rounds.py",
    "engine/test_alerts_through_kills.py",
    "engine/test_workers.py",
    "commands/test_rules.py",
    "watch/test_s15_missing_workflows.py",
    "watch/test_alone.py",
    "commands/test_doctor.py",
    "commands/test_duplicates.py",
    "telemetry/test_processes.py",
)
"""The modules that take longest. They begin first: with one that begins last, all other processes wait for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    first = {here / name: number for number, name in enumerate(LONG)}
    missing = [str(path) for path in first if not path.exists()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: LONG names what is not there: {', '.join(missing)}")
    items.sort(key=lambda item: first.get(item.path, len(first)))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: three thousand tests and all that they import are not looked through for garbage.

    On a busy machine that took two seconds, in which a workflow's task that stood just there was given up as stuck.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture
def reference() -> str:
    """A case reference of no real case."""
    return make_reference(lambda: 123_456_789_012_345)


@pytest.fixture
def no_engine_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have an engine and a temporal.toml of their own."""
    for name in os.environ:
        if name.startswith("TEMPORAL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A PostgreSQL of this test process's own, begun by the first test that asks for it."""
    from tests.support.postgres import NoPostgres, postgres_server

    try:
        # what is tested here is not the disk; who kills or measures it begins a durable one
        with postgres_server("fsync=off") as server:
            yield server
    except NoPostgres as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def databases(postgres: "PostgresServer") -> "Iterator[Databases]":
    """Two fresh databases in it, one for the records and one for the keyring."""
    with postgres.fresh() as databases:
        yield databases


@pytest.fixture(scope="module")
def tables(postgres: "PostgresServer") -> "Iterator[Databases]":
    """Tables in a PostgreSQL, made once for each module."""
    from tests.support.ground import make_tables

    with postgres.fresh() as databases:
        make_tables(databases)
        yield databases


@pytest.fixture
def ground(tables: "Databases") -> "Databases":
    """The same, empty."""
    from tests.support.ground import empty_tables

    empty_tables(tables)
    return tables


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty place for records: a file, or a database of the application's role. Whoever asks for it runs twice."""
    if request.param == "sqlite":
        return tmp_path / "records.db"
    ground: Databases = request.getfixturevalue("ground")
    return ground.records_app


@pytest.fixture
def in_postgresql(ground: "Databases", monkeypatch: pytest.MonkeyPatch) -> "Iterator[Databases]":
    """From here on, records and keyring of every installation in this test are two empty databases there."""
    from tests.support.ground import empty_keyring, settings_of, whatever_opens_is_closed

    empty_keyring(ground)
    for name, value in settings_of(ground).items():
        monkeypatch.setenv(name, value)
    with whatever_opens_is_closed():
        yield ground


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of an installation: its records and keyring are files there, or in a PostgreSQL. It runs twice."""
    if request.param == "postgresql":
        request.getfixturevalue("in_postgresql")
    return tmp_path / "home"
