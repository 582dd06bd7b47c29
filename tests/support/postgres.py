"""A real PostgreSQL on loopback, started from the binaries of this machine, and fresh databases in it.

Rules:
    1. It keeps PostgreSQL's durable settings, unless somebody says otherwise.
    2. It is gone when the process that started it is gone, even if that one was killed.
    3. Every pair of databases has roles of its own; no role can connect to another's database.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString, TypedDict

import psycopg
from psycopg import sql

from runtime.embedded import free_port

READY_SECONDS = 30.0
"""How long it may take until it answers; on an idle machine it is half a second."""

ADMINISTRATOR = "postgres"

# The shell ends the server when its own input says a line (we stop it) or ends (we were killed: then nobody else
# removes the folder). SIGQUIT is PostgreSQL's immediate shutdown. A Ctrl-C in the terminal reaches us alone.
_UNTIL_WE_ARE_GONE = """
folder=$1
shift
exec 3<&0
"$@" 3<&- &
server=$!
{
    if read -r _; then
        kill -QUIT "$server"
    else
        kill -QUIT "$server"
        while kill -0 "$server" 2>/dev/null; do sleep 0.1; done
        rm -rf "$folder"
    fi
} <&3 &
wait "$server"
"""


class NoPostgres(Exception):
    """PostgreSQL cannot be started here."""


@dataclass(frozen=True)
class Databases:
    """A fresh pair of databases, as URLs, and the name of the role that grants are for."""

    records_owner: str
    """Owns the records' database: migrations."""
    records_app: str
    """May connect to the records' database; all else is for migrations to grant."""
    keyring: str
    """Owns the keyring's database, and can't connect to the records'."""
    app_role: str


@dataclass
class PostgresServer:
    """A server with a folder of its own; it may be stopped and started again, on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    settings: tuple[str, ...] = ()
    """Settings other than PostgreSQL's own, as ``name=value``."""
    _shell: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def make(self) -> None:
        """Make the cluster. Nothing of it is worth a sync yet."""
        account = _account()
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        if account:
            for path in (self.folder, secret):
                shutil.chown(path, account["user"], account["group"])
        # C: text sorts by its bytes, as in SQLite
        options = ["--no-sync", "--no-instructions", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        command = [_binary("initdb"), *options, f"--username={ADMINISTRATOR}", f"--pwfile={secret}", str(self._data)]
        made = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False, **account)
        if made.returncode:
            raise NoPostgres(f"initdb failed: {made.stderr.strip()}")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", *self.settings]
        server = [_binary("postgres"), "-D", str(self._data)] + [f"--{option}" for option in options]
        with self._log.open("ab") as log:
            self._shell = subprocess.Popen(
                ["sh", "-c", _UNTIL_WE_ARE_GONE, "sh", str(self.folder), *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **_account(),
            )
        self._wait()

    def stop(self) -> None:
        """Stop it at once, as a crash would: what was committed is there after the next start."""
        if self._shell is not None:
            self._shell.communicate(b"\n")
            self._shell = None

    def url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """The administrator's, each statement by itself."""
        url = self.url(ADMINISTRATOR, self.password, ADMINISTRATOR)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    @contextmanager
    def fresh(self) -> Iterator[Databases]:
        """Two empty databases with their roles, dropped at the end."""
        mark = secrets.token_hex(4)
        records, keyring = f"records_{mark}", f"keyring_{mark}"
        owner, app, holder = (f"safeconduct_{kind}_{mark}" for kind in ("owner", "app", "keyring"))
        passwords = {role: secrets.token_hex(16) for role in (owner, app, holder)}
        with self.connection() as connection:
            for role, password in passwords.items():
                _run(connection, "CREATE ROLE {} LOGIN PASSWORD {}", role, sql.Literal(password))
            for database, role in ((records, owner), (keyring, holder)):
                _run(connection, "CREATE DATABASE {} TEMPLATE template0 OWNER {}", database, role)
                _run(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
            _run(connection, "GRANT CONNECT ON DATABASE {} TO {}", records, app)
        try:
            yield Databases(
                records_owner=self.url(owner, passwords[owner], records),
                records_app=self.url(app, passwords[app], records),
                keyring=self.url(holder, passwords[holder], keyring),
                app_role=app,
            )
        finally:
            with self.connection() as connection:
                for database in (records, keyring):
                    _run(connection, "DROP DATABASE {} WITH (FORCE)", database)
                for role in passwords:
                    _run(connection, "DROP ROLE {}", role)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._shell is not None
            try:
                with self.connection():
                    return
            except psycopg.OperationalError:
                time.sleep(0.02)
            if self._shell.poll() is not None:
                break
        said = self._log.read_text(errors="replace").strip().splitlines()[-3:]
        raise NoPostgres(f"PostgreSQL does not answer: {' / '.join(said)}")


@contextmanager
def postgres_server(*settings: str) -> Iterator[PostgresServer]:
    """A server for as long as the context lasts. For tests that measure nothing: ``fsync=off``."""
    folder = Path(tempfile.mkdtemp(prefix="safeconduct-postgres-"))
    server = PostgresServer(folder, settings=settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class _Account(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _account() -> _Account:
    """PostgreSQL refuses to run as root: whom it runs as then."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return {"user": known[name].pw_uid, "group": known[name].pw_gid, "extra_groups": []}
    raise NoPostgres("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it")


def _binary(name: str) -> str:
    """A program of the server. Debian keeps them off the path, in a folder for each version."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found is not None else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for folder in folders:
        if (folder / "initdb").exists():
            return str(folder / name)
    raise NoPostgres("PostgreSQL's server is missing: install it (on Debian and Ubuntu: as root, scripts/setup dev)")


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0


def _run(connection: psycopg.Connection, statement: LiteralString, *names: str | sql.Composable) -> None:
    parts = [sql.Identifier(name) if isinstance(name, str) else name for name in names]
    connection.execute(sql.SQL(statement).format(*parts))
