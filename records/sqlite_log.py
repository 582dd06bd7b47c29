"""The log in an SQLite file: plain SQL on one connection, because this is what every command waits for.

Triggers keep what is written: ``event`` only grows, by its next position; heads follow it, and never go back; fences
and checkpoints stay.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection, IntegrityError, connect
from sqlite3 import Error as SqliteError
from threading import Lock
from urllib.parse import quote

from sqlalchemy.engine import Connection as SqlConnection

from records.errors import Fenced, StaleWriter, Unreachable, why
from records.log import (
    FENCE_EPOCH,
    NO_KEY,
    ROOT,
    Append,
    Entry,
    Log,
    Statement,
    chain_of,
    digest_of,
    header_of,
    is_header,
    must_be_of_one_case,
)

BUSY_SECONDS = 5
"""How long a writer waits for another one. Longer would only hold up a workflow task, which retries anyway."""

LOG_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON")
"""Readers never wait for the writer; a commit is on the disk; and ``INSERT OR REPLACE`` meets the triggers as well.
The write-ahead log keeps SQLite's own length: while a longer one grows, each sync takes a third more."""

TRIGGERS = (
    "CREATE TRIGGER IF NOT EXISTS event_is_not_changed BEFORE UPDATE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
    "CREATE TRIGGER IF NOT EXISTS event_is_not_deleted BEFORE DELETE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
    "CREATE TRIGGER IF NOT EXISTS event_is_next BEFORE INSERT ON event "
    "WHEN NEW.position IS NOT coalesce((SELECT max(position) FROM event), 0) + 1 "
    "BEGIN SELECT RAISE(ABORT, 'the log has no gaps'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_does_not_go_back BEFORE UPDATE ON stream "
    "WHEN NEW.version < OLD.version OR NEW.epoch < OLD.epoch OR NEW.stream IS NOT OLD.stream "
    "BEGIN SELECT RAISE(ABORT, 'heads do not go back'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_follows_the_log BEFORE UPDATE ON stream "
    "WHEN (NEW.version, NEW.digest) IS NOT (OLD.version, OLD.digest) AND NOT EXISTS (SELECT 1 FROM event "
    "WHERE event.stream = NEW.stream AND event.version = NEW.version AND event.digest = NEW.digest) "
    "BEGIN SELECT RAISE(ABORT, 'heads follow the log'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_begins_with_the_log BEFORE INSERT ON stream "
    "WHEN NEW.version > 0 AND NOT EXISTS (SELECT 1 FROM event "
    "WHERE event.stream = NEW.stream AND event.version = NEW.version AND event.digest = NEW.digest) "
    "BEGIN SELECT RAISE(ABORT, 'heads follow the log'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_is_not_deleted BEFORE DELETE ON stream "
    "BEGIN SELECT RAISE(ABORT, 'heads do not go back'); END",
    "CREATE TRIGGER IF NOT EXISTS fence_is_not_moved BEFORE UPDATE OF reference, fenced_at ON fence "
    "BEGIN SELECT RAISE(ABORT, 'an erased case stays erased'); END",
    "CREATE TRIGGER IF NOT EXISTS fence_is_not_deleted BEFORE DELETE ON fence "
    "BEGIN SELECT RAISE(ABORT, 'an erased case stays erased'); END",
    "CREATE TRIGGER IF NOT EXISTS checkpoint_is_not_changed BEFORE UPDATE ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'a checkpoint stays as it was signed'); END",
    "CREATE TRIGGER IF NOT EXISTS checkpoint_is_not_deleted BEFORE DELETE ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'a checkpoint stays as it was signed'); END",
)

_HEADS = "SELECT stream, version, epoch, digest FROM stream WHERE stream IN (?, ?)"
_HEAD = "SELECT version, digest FROM stream WHERE stream = ?"
_HEADS_AND_LAST = (
    f"{_HEADS} UNION ALL SELECT NULL, position, 0, chain FROM event "  # noqa: S608 - our own words alone
    "WHERE position = (SELECT max(position) FROM event)"
)
INSERT = (
    "INSERT INTO event (position, event_id, stream, version, schema_version, key_id, recorded_at, body, digest, chain) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MOVE = (
    "INSERT INTO stream (stream, version, epoch, digest) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (stream) DO UPDATE SET version = excluded.version, epoch = max(epoch, excluded.epoch), "
    "digest = excluded.digest"
)

Head = tuple[int, int, bytes]
"""Version, epoch and digest of a stream; or position, nothing and chain of the log."""

_NO_HEAD: Head = (0, 0, ROOT)


def address(path: Path) -> str:
    """How a file is opened: never made if it is missing, for a file that was taken away must not be begun anew."""
    return f"file:{quote(str(path))}?mode=rw"


class SqliteLog(Log):
    """The log in one file. Threads wait for each other here, processes at the file's own lock."""

    def __init__(self, path: Path, pragmas: Sequence[str] = LOG_PRAGMAS) -> None:
        self._path = path
        self._pragmas = pragmas
        self._connection: Connection | None = None
        self._guard = Lock()

    def append(self, wanted: Append) -> bool:
        must_be_of_one_case(wanted.own, (wanted.stream, *(entry.stream for entry in wanted.entries)))
        try:
            with self._writing() as connection:
                heads = _heads(connection, wanted.stream, wanted.own)
                version, epoch, _ = heads.get(wanted.stream, _NO_HEAD)
                case_version, case_epoch, _ = heads.get(wanted.own, _NO_HEAD)
                _must_be_the_writer(wanted, epoch, case_epoch)
                moved = wanted.case_seen is not None and case_version != wanted.case_seen
                if version != wanted.expected or moved:
                    return False
                _write(connection, wanted.entries, heads)
                _write_beside(connection, wanted.beside)
        except IntegrityError:
            return False  # an id is stored already, or an entry does not follow its stream
        return True

    def take_over(self, stream: str, own: str) -> int:
        must_be_of_one_case(own, [stream])
        with self._writing() as connection:
            found = connection.execute(_HEADS, (stream, own)).fetchall()
            epochs = {name: epoch for name, _, epoch, _ in found}
            if epochs.get(own, 0) >= FENCE_EPOCH:
                raise Fenced
            epoch: int = epochs.get(stream, 0) + 1
            connection.execute(
                "INSERT INTO stream (stream, version, epoch, digest) VALUES (?, 0, ?, ?) "
                "ON CONFLICT (stream) DO UPDATE SET epoch = excluded.epoch",
                (stream, epoch, ROOT),
            )
            return epoch

    def fence(self, fence: Entry, beside: Sequence[Statement], seen: int | None = None) -> bool:
        with self._writing() as connection:
            heads = _heads(connection, fence.stream, fence.stream)
            version, epoch, _ = heads.get(fence.stream, _NO_HEAD)
            if epoch >= FENCE_EPOCH:
                return True
            if seen is not None and version != seen:
                return False
            _write(connection, [fence._replace(version=version + 1)], heads, FENCE_EPOCH)
            _write_beside(connection, beside)
            return True

    def hold(self, connection: SqlConnection, owns: Sequence[str]) -> None:
        """Nothing more: whoever writes a file holds all of it."""

    def close(self) -> None:
        with self._guard:
            self._let_go()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._guard:
            try:
                connection = self._connection or self._open()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    # whatever it was, nothing of it stays; a connection that can't even do this is let go below
                    connection.execute("ROLLBACK")
                    raise
            except IntegrityError:
                raise
            except SqliteError as error:
                self._let_go()
                raise Unreachable(f"the records do not answer: {why(error)}") from None

    def _open(self) -> Connection:
        connection = connect(
            address(self._path),
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        for pragma in (*self._pragmas, "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        self._connection = connection
        return connection

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(SqliteError):
                self._connection.close()
        self._connection = None


def _must_be_the_writer(wanted: Append, epoch: int, case_epoch: int) -> None:
    if case_epoch >= FENCE_EPOCH:
        raise Fenced
    if wanted.epoch < epoch:
        raise StaleWriter("a newer run has taken this stream over")


def _heads(connection: Connection, stream: str, own: str) -> dict[str | None, Head]:
    """The heads of the two streams, and under ``None`` the log's own: position and chain of its last entry."""
    found = connection.execute(_HEADS_AND_LAST, (stream, own)).fetchall()
    return {stream: (version, epoch, digest) for stream, version, epoch, digest in found}


def _write(connection: Connection, entries: Sequence[Entry], heads: dict[str | None, Head], epoch: int = 0) -> None:
    """Chain entries and write them, the heads of their streams with them.

    Raises:
        IntegrityError: an id is stored already, an entry does not follow its stream, or its header has not the form;
            or it says that the case was erased, and is no fence.
    """
    position, _, chain = heads.get(None, _NO_HEAD)
    moved: dict[str, tuple[int, bytes]] = {}
    rows = []
    for entry in entries:
        stream = entry.stream
        version, before = moved.get(stream) or _head(connection, stream, heads)
        if entry.version != version + 1:
            raise IntegrityError("an entry does not follow its stream")
        if not is_header(header_of(entry)) or (entry.key_id == NO_KEY) != (epoch >= FENCE_EPOCH):
            raise IntegrityError("this is no header")
        digest = digest_of(before, entry)
        position += 1
        chain = chain_of(chain, position, digest)
        moved[stream] = (entry.version, digest)
        rows.append((position, *entry, digest, chain))
    connection.executemany(INSERT, rows)
    connection.executemany(_MOVE, [(stream, version, epoch, digest) for stream, (version, digest) in moved.items()])


def _head(connection: Connection, stream: str, heads: dict[str | None, Head]) -> tuple[int, bytes]:
    if stream in heads:
        version, _, digest = heads[stream]
        return version, digest
    found: tuple[int, bytes] | None = connection.execute(_HEAD, (stream,)).fetchone()
    return found or (0, ROOT)


def _write_beside(connection: Connection, beside: Sequence[Statement]) -> None:
    for statement in beside:
        connection.executemany(statement.sql, statement.rows)
