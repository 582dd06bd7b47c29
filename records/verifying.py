"""Looks whether the log is what was written: every digest, every link of the chain, every head, every checkpoint.

It takes no key, and names the first position that is wrong. What it can't see: a log cut off at its end together with
the heads, after the last checkpoint that is kept elsewhere. ``safeconduct audit`` compares with the engine as well.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from domain.case import case_stream
from records.checkpoints import Checkpoint
from records.database import Reader
from records.log import ROOT

BATCH = 5000
"""Entries read at a time."""

Progress = Callable[[int], None]
"""Is told how many entries have been looked at since the last time."""

_HEADER = "stream || '|' || version || '|' || event_id || '|' || schema_version || '|' || key_id || '|' || recorded_at"
_AS_BYTES = {"sqlite": f"CAST({_HEADER} || char(10) AS BLOB)", "postgresql": f"convert_to({_HEADER} || E'\\n', 'UTF8')"}


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
        entries: how many entries were looked at.
        chain: the log's chain after the last of them.
        fault: what is wrong first, if anything is.
    """

    entries: int = 0
    chain: bytes = ROOT
    fault: Fault | None = None
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict, repr=False)


def verify(records: Reader, checkpoints: Iterable[Checkpoint] = (), progress: Progress = lambda _: None) -> Verified:
    """Look at the whole log, in one view of it: what is written meanwhile is not looked at.

    Args:
        records: the database.
        checkpoints: those that must lie on it, already found to be signed.
        progress: is told how far it is.

    Raises:
        Unreachable: the database does not answer.
    """
    found, wanted = Verified(), {one.position: one for one in checkpoints}
    with records.reading() as connection:
        for position, stream, version, header, body, digest, chain in _entries(connection, progress):
            before = found.heads.get(stream, (0, ROOT))
            if (fault := _entry_fault(before, version, header, body, digest)) is None:
                fault = _link_fault(found, position, digest, chain)
            if fault is None and position in wanted and wanted[position].chain != chain:
                fault = "the signed checkpoint says otherwise: the log was written anew up to here"
            if fault is not None:
                found.fault = Fault(found.entries + 1, fault)
                return found
            found.entries, found.chain = position, chain
            found.heads[stream] = (version, digest)
        found.fault = _ends_early(found, wanted) or _heads_fault(connection, found.heads)
    return found


def verify_case(records: Reader, reference: str) -> Verified:
    """Look at one case alone: every digest of its streams, and their heads. The order among cases is not looked at.

    Raises:
        Unreachable: the database does not answer.
    """
    found, own = Verified(), case_stream(reference)
    where = "WHERE stream = :own OR stream >= :first AND stream < :beyond "
    inside = {"own": own, "first": f"{own}/", "beyond": f"{own}0"}
    with records.reading() as connection:
        select = text(f"SELECT {_columns(connection)} FROM event {where} ORDER BY position")  # noqa: S608
        for position, stream, version, header, body, digest, _ in connection.execute(select, inside):
            before = found.heads.get(stream, (0, ROOT))
            if (fault := _entry_fault(before, version, header, body, digest)) is not None:
                found.fault = Fault(position, fault)
                return found
            found.entries += 1
            found.heads[stream] = (version, digest)
        found.fault = _heads_fault(connection, found.heads, where, inside)
    return found


def _columns(connection: Connection) -> str:
    return f"position, stream, version, {_AS_BYTES[connection.dialect.name]}, body, digest, chain"


def _entries(connection: Connection, progress: Progress) -> Iterator[tuple[Any, ...]]:
    """Every entry, in order. The driver's own cursor: rows of the library would take longer than their digests."""
    cursor = connection.connection.cursor()
    last = 0
    while True:
        cursor.execute(
            f"SELECT {_columns(connection)} FROM event WHERE position > {last} ORDER BY position LIMIT {BATCH}"  # noqa: S608
        )
        rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        last = rows[-1][0]
        progress(len(rows))


def _entry_fault(before: tuple[int, bytes], version: int, header: bytes, body: bytes, digest: bytes) -> str | None:
    if version != before[0] + 1:
        return f"version {version} does not follow version {before[0]} of its stream"
    if sha256(b"%b%b%b" % (before[1], header, body)).digest() != digest:
        return "the entry was changed, or stands in another's place"
    return None


def _link_fault(found: Verified, position: int, digest: bytes, chain: bytes) -> str | None:
    if position != found.entries + 1:
        return "an entry is missing here"
    if sha256(b"%b%b%b" % (found.chain, position.to_bytes(8, "big"), digest)).digest() != chain:
        return "the chain is broken: entries were put in, taken out, or moved"
    return None


def _ends_early(found: Verified, wanted: dict[int, Checkpoint]) -> Fault | None:
    beyond = [position for position in wanted if position > found.entries]
    if not beyond:
        return None
    return Fault(
        found.entries + 1, f"the log ends here, and a signed checkpoint stands at {max(beyond)}: it is an older copy"
    )


def _heads_fault(
    connection: Connection, heads: dict[str, tuple[int, bytes]], where: str = "", inside: dict[str, str] | None = None
) -> Fault | None:
    rows = connection.execute(text(f"SELECT stream, version, digest FROM stream {where}"), inside or {})  # noqa: S608
    stored = {stream: (version, bytes(digest)) for stream, version, digest in rows if version}
    for stream in sorted(stored.keys() | heads.keys()):
        if stored.get(stream) != heads.get(stream):
            at, wanted = heads.get(stream, (0, b""))[0], stored.get(stream, (0, b""))[0]
            return Fault(None, f"{stream} ends at version {at}, and its head says {wanted}: entries are missing")
    return None


def stands_at(records: Reader, position: int) -> bytes | None:
    """The chain at a position; ``None`` if the log does not reach so far.

    Raises:
        Unreachable: the database does not answer.
    """
    with records.reading() as connection:
        found = connection.execute(text("SELECT chain FROM event WHERE position = :at"), {"at": position}).first()
        return bytes(found[0]) if found is not None else None
