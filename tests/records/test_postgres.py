"""The PostgreSQL that the tests run on: real, durable, apart, and gone when its tests are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import Databases, PostgresServer, postgres_server
from tests.support.servers import ROOT

pytestmark = pytest.mark.usefixtures("postgres")  # where there is none, its one line says so


def test_a_server_keeps_what_was_committed_when_it_is_stopped_at_once() -> None:
    with postgres_server() as server, server.fresh() as databases:
        with psycopg.connect(databases.records_owner) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'word' AS what")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(databases.records_owner)
        server.start()
        with psycopg.connect(databases.records_owner) as connection:
            assert connection.execute("SELECT what FROM kept").fetchall() == [("word",)]


def test_a_server_is_durable_and_listens_on_loopback_alone() -> None:
    with postgres_server() as server, server.connection() as connection:
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }.items():
            assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,), setting


def test_a_wrong_password_opens_nothing(databases: Databases) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(databases.records_app, password="guessed")


def test_the_roles_of_the_records_and_of_the_keyring_are_kept_apart(databases: Databases) -> None:
    records, keyring = (url.rpartition("/")[2] for url in (databases.records_app, databases.keyring))
    for url, other in (
        (databases.records_app, keyring),
        (databases.records_owner, keyring),
        (databases.keyring, records),
    ):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url, dbname=other)


def test_the_application_can_make_nothing_in_the_records(databases: Databases) -> None:
    with (
        psycopg.connect(databases.records_app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE mine (what text)")


def test_two_pairs_of_databases_know_nothing_of_each_other(postgres: PostgresServer) -> None:
    refused = pytest.raises(psycopg.OperationalError, match="permission denied for database")
    with postgres.fresh() as one, postgres.fresh() as two, refused:
        psycopg.connect(one.records_owner, dbname=two.records_owner.rpartition("/")[2])
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(one.records_owner)


KILLED = """
import sys
from tests.support.postgres import postgres_server

with postgres_server() as server:
    print(server.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_server_is_gone_when_its_starter_is_interrupted_or_killed(number: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        folder = Path(starter.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        starter.send_signal(number)
    deadline = time.monotonic() + 20
    while folder.exists() or _runs(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
