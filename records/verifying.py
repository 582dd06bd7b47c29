"""Looks whether the log is what was written: every digest, every link of the chain, every head, every checkpoint.

It takes no key, and names the first position that is wrong. What it can't see: a log cut off at its end together with
the heads, after the last checkpoint that is kept elsewhere. ``safeconduct audit`` compares with the engine as well.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from domain.references import case_stream
from records.checkpoints import Checkpoint
from records.database import Reader
from records.errors import Unreachable
from records.log import FENCE_EPOCH, NO_KEY, ROOT, Entry, digest_of, header_of, own_of

AT_ONCE = {"sqlite": 200, "postgresql": 2000}
"""Entries read at a time: so few that they are still in the processor's cache; more where each time is a journey."""

HEADS = 2000
"""Heads of streams read at a time."""

TELL = 5000
"""So many entries are looked at before the progress is told."""

Progress = Callable[[int], None]
"""Is told how many entries have been looked at since the last time."""

Head = tuple[int, bytes]
"""Version and digest of a stream's last entry."""

_NOTHING: Head = (0, ROOT)
_NO_HEAD = (0, ROOT, 0)
_as_bytes = Struct(">Q").pack
_COLUMNS = "position, event_id, stream, version, schema_version, key_id, recorded_at, body, digest, chain"
_BEYOND = text("SELECT min(position) FROM event WHERE stream = :stream AND version > :version")
_FENCES = text("SELECT reference FROM fence")
# the last is what a length says that chance was written over
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG)


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong.

    Attributes:
        position: where in the log; ``None`` where it is no entry that is wrong.
        what: in words.
    """

    position: int | None
    what: str

    def __str__(self) -> str:
        return f"position {self.position}: {self.what}" if self.position is not None else self.what


@dataclass
class Verified:
    """How far the log is as it was written.

    Attributes:
        entries: how many entries were looked at, and found to be right.
        chain: the log's chain after the last of them.
        fault: what is wrong first, if anything is.
        heads: of each stream, as the entries say.
        fences: of each erased case, the version at which it ends.
    """

    entries: int = 0
    chain: bytes = ROOT
    fault: Fault | None = None
    heads: dict[str, Head] = field(default_factory=dict, repr=False)
    fences: dict[str, int] = field(default_factory=dict, repr=False)


class _Damaged(Exception):
    """The database can't say what stands there."""


def verify(records: Reader, checkpoints: Iterable[Checkpoint] = (), progress: Progress = lambda _: None) -> Verified:
    """Look at the whole log, in one view of it: what is written meanwhile is not looked at.

    Args:
        records: the database.
        checkpoints: those that must lie on it, already found to be signed.
        progress: is told how far it is.

    Raises:
        Unreachable: the database does not answer.
    """
    found, wanted = Verified(), _by_position(checkpoints)
    with records.reading() as connection:
        _keep_one_view(connection)
        try:
            try:
                _walk(connection, found, wanted, progress, AT_ONCE[connection.dialect.name])
            except _Damaged:
                _walk(connection, found, wanted, progress, 1)  # what still stands before the damage, one by one
            found.fault = found.fault or _ends_early(found, wanted) or _heads_fault(connection, found)
            found.fault = found.fault or _fences_fault(connection, found)
        except _Damaged:
            found.fault = Fault(found.entries + 1, "what stands here can't be read: it is damaged")
    return found


def verify_case(records: Reader, reference: str) -> Verified:
    """Look at one case alone: every digest of its streams, and their heads. The order among cases is not looked at.

    Raises:
        Unreachable: the database does not answer.
    """
    found, own = Verified(), case_stream(reference)
    inside = {"own": own, "first": f"{own}/", "beyond": f"{own}0"}
    where = "WHERE stream = :own OR stream >= :first AND stream < :beyond"
    select = text(f"SELECT {_COLUMNS} FROM event {where} ORDER BY position")  # noqa: S608 - our own words alone
    with records.reading() as connection:
        _keep_one_view(connection)
        try:
            with _reading(connection):
                for position, *columns, digest, _ in connection.execute(select, inside):
                    if (fault := _entry_fault(found, Entry._make(columns), digest)) is not None:
                        found.fault = Fault(position, fault)
                        return found
                    found.entries += 1
            found.fault = _heads_fault(connection, found, where, inside)
        except _Damaged:
            found.fault = Fault(None, "an entry of this case can't be read: it is damaged")
    return found


def _walk(
    connection: Connection, found: Verified, wanted: Mapping[int, Sequence[Checkpoint]], progress: Progress, size: int
) -> None:
    """Look at all entries from where ``found`` stands, as far as the first fault.

    Raises:
        _Damaged: what comes next can't be read.
    """
    told = found.entries
    for rows in _portions(connection, found.entries, size):
        _look_at(rows, found, wanted)
        if found.fault is not None:
            return
        if found.entries - told >= TELL:
            progress(found.entries - told)
            told = found.entries
    progress(found.entries - told)


def _look_at(
    rows: Iterable[tuple[Any, ...]],
    found: Verified,
    wanted: Mapping[int, Sequence[Checkpoint]],
) -> None:
    """The one loop that every entry goes through, as plain as can be: its speed is that of the whole."""
    heads, fences, chain, last, as_bytes = found.heads, found.fences, found.chain, found.entries, _as_bytes
    for position, event_id, stream, version, schema, key_id, at, body, digest, link in rows:
        before, digest_before = heads.get(stream, _NOTHING)
        header = f"{stream}|{version}|{event_id}|{schema}|{key_id}|{at}\n"
        is_header = header.count("\n") == 1  # or a part of it was the body's; bars can't be moved without one
        try:
            is_same = is_header and sha256(digest_before + header.encode() + body).digest() == digest
            is_linked = sha256(chain + as_bytes(last + 1) + digest).digest() == link
        except TypeError:  # a file takes text where bytes should be
            is_same = is_linked = False
        if position != last + 1 or version != before + 1 or not (is_same and is_linked):
            found.fault = Fault(last + 1, _words(before, version, is_next=position == last + 1, is_same=is_same))
            break
        if fences and own_of(stream) in fences:
            found.fault = Fault(position, _goes_on(stream))
            break
        if position in wanted and any(one.chain != link for one in wanted[position]):
            found.fault = Fault(position, "the signed checkpoint says otherwise: the log was written anew up to here")
            break
        if key_id == NO_KEY:
            fences[stream] = version
        heads[stream] = (version, digest)
        chain, last = link, position
    found.entries, found.chain = last, chain


def _words(before: int, version: object, *, is_next: bool = True, is_same: bool) -> str:
    if not is_next:
        return "an entry is missing here"
    if version != before + 1:
        return f"version {version} does not follow version {before} of its stream"
    if not is_same:
        return "the entry was changed, or stands in another's place"
    return "the chain is broken: entries were put in, taken out, or moved"


def _goes_on(stream: str) -> str:
    return f"{stream} goes on after the case was erased"


def _entry_fault(found: Verified, entry: Entry, digest: bytes) -> str | None:
    """What is wrong with an entry in its stream. If nothing is, it is the stream's head now."""
    before, digest_before = found.heads.get(entry.stream, _NOTHING)
    try:
        is_same = b"\n" not in header_of(entry) and digest_of(digest_before, entry) == digest
    except TypeError:
        is_same = False
    if entry.version != before + 1 or not is_same:
        return _words(before, entry.version, is_same=is_same)
    if own_of(entry.stream) in found.fences:
        return _goes_on(entry.stream)
    if entry.key_id == NO_KEY:
        found.fences[entry.stream] = entry.version
    found.heads[entry.stream] = (entry.version, digest)
    return None


def _by_position(checkpoints: Iterable[Checkpoint]) -> dict[int, list[Checkpoint]]:
    """All of them: of two that say different things of one position, one does not lie on this log."""
    wanted: dict[int, list[Checkpoint]] = {}
    for one in checkpoints:
        wanted.setdefault(one.position, []).append(one)
    return wanted


def _ends_early(found: Verified, wanted: Iterable[int]) -> Fault | None:
    last = max(wanted, default=0)
    if last <= found.entries:
        return None
    return Fault(found.entries + 1, f"the log ends here, and a signed checkpoint stands at {last}: it is an older copy")


def _heads_fault(
    connection: Connection, found: Verified, where: str = "", inside: Mapping[str, str] | None = None
) -> Fault | None:
    """The first entry that the heads do not know, or know otherwise.

    Raises:
        _Damaged: a head can't be read.
    """
    select = text(f"SELECT stream, version, digest, epoch FROM stream {where}")  # noqa: S608 - our own words alone
    beyond = found.entries + 1 if not where else None
    with _reading(connection):
        # one by one: there are as many as streams, and nothing is kept of those that are right
        rows = connection.execute(select, inside or {}, execution_options={"yield_per": HEADS})
        faults = [
            fault
            for stream, stored in _heads_of(found, rows)
            if (fault := _head_fault(connection, found, stream, stored, beyond)) is not None
        ]
    return min(faults, key=lambda one: (one.position is None, one.position or 0, one.what), default=None)


def _heads_of(found: Verified, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    """All stored heads, then those of streams that have entries, and no head."""
    without = set(found.heads)
    for stream, *stored in rows:
        without.discard(stream)
        yield stream, stored
    for stream in without:
        yield stream, _NO_HEAD


def _head_fault(
    connection: Connection, found: Verified, stream: str, stored: Sequence[Any], beyond: int | None
) -> Fault | None:
    (at, digest), (version, digest_stored, epoch) = found.heads.get(stream, _NOTHING), stored
    fence, is_fenced = found.fences.get(stream), isinstance(epoch, int) and epoch >= FENCE_EPOCH

    def after(last: int, what: str) -> Fault:
        """The first entry of the stream after a version."""
        return Fault(connection.execute(_BEYOND, {"stream": stream, "version": last}).scalar(), what)

    if isinstance(version, int) and version > at:
        return Fault(beyond, f"{stream} ends at version {at}, and its head says {version}: entries are missing")
    if version != at:
        return after(version if isinstance(version, int) else 0, f"the head of {stream} does not know this entry")
    if digest != digest_stored:
        return after(at - 1, f"the head of {stream} says that another entry stood here")
    if is_fenced != (fence is not None):
        return after(at - 1, f"log and head of {stream} differ over whether the case was erased")
    return None


def _fences_fault(connection: Connection, found: Verified) -> Fault | None:
    """What stands beside the log about erased cases, and must say what the log says: lists and keys go by it.

    Raises:
        _Damaged: it can't be read.
    """
    with _reading(connection):
        listed = {case_stream(reference) for (reference,) in connection.execute(_FENCES)}
        if lacking := min(found.fences.keys() - listed, default=None):
            at = {"stream": lacking, "version": found.fences[lacking] - 1}
            return Fault(connection.execute(_BEYOND, at).scalar(), f"{lacking} was erased, and its fence is gone")
    if more := min(listed - found.fences.keys(), default=None):
        return Fault(None, f"{more} has a fence, and the log does not know that it was erased")
    return None


def _keep_one_view(connection: Connection) -> None:
    """Entries and heads must be of one moment. A file's transaction is so by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def _portions(connection: Connection, after: int, size: int) -> Iterator[list[Any]]:
    """Entries in the order of the log, by the driver's own cursor: rows of the library would take longer than digests.

    Raises:
        _Damaged: what comes next can't be read.
    """
    driver: Any = connection.connection.driver_connection
    where = f"WHERE position > {after}" if after else ""  # an entry that was put before the first one is seen as well
    with _reading(connection), closing(_cursor(driver)) as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM event {where} ORDER BY position")  # noqa: S608 - our own words alone
        while rows := cursor.fetchmany(size):
            yield rows


def _cursor(driver: Any) -> Any:
    """One that does not fetch everything at once."""
    return driver.cursor() if isinstance(driver, sqlite3.Connection) else driver.cursor("entries", binary=True)


@contextmanager
def _reading(connection: Connection) -> Iterator[None]:
    """Tells a database that is damaged from one that does not answer.

    Raises:
        _Damaged: what stands there can't be read.
        Unreachable: the database does not answer.
    """
    driver: Any = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except (DBAPIError, driver) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        # bytes that are no text are found by the driver itself, which then has no code
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if isinstance(cause, sqlite3.Error) and code in _DAMAGED:
            raise _Damaged from None
        raise Unreachable(f"the records do not answer: {type(cause).__name__}") from None
