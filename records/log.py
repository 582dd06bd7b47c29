"""What an entry of the log is, how the entries are chained, and what may be asked of a log.

The chain, so that nobody changes what is written without being found out:

    header = stream | version | event id | schema version | key id | recorded at
    digest = SHA-256( digest of the stream's entry before | header | newline | sealed body )
    chain  = SHA-256( chain of the log's entry before | position | digest )

The *digest* binds an entry to all earlier ones of its stream, and one case can be verified alone. The *chain* binds it
to all earlier ones of the whole log, in their order. Both are reckoned where the entry is written, and again by
``records.verifying``. No key is needed for either: what is checked is what is stored.

A digest is worth as much as its borders: no field of a header holds a bar, a newline or anything but printable ASCII.
Else bytes could be moved from one field into the next, or from the body into the header, and the digest would stay.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Where = Path | str
"""Where a database is: a file, or ``postgresql://user:password@host:port/database``."""


def in_short(where: Where) -> str:
    """A database's place for people to read: never its password."""
    return str(where) if isinstance(where, Path) else "postgresql://" + where.rpartition("@")[2]


def name_of(where: Where) -> str:
    """The same, without the folder."""
    return where.name if isinstance(where, Path) else in_short(where)


ROOT = bytes(32)
"""What stands before a stream's first entry, and before the log's."""

FENCE_EPOCH = 2**40
"""The epoch of an erased case's stream: no writer ever had so high a one, nor will one get past it."""

NO_KEY = "none"
"""The key id of an entry without a body: the fence, which says that a case was erased, and when."""


class Entry(NamedTuple):
    """One entry as it is stored: its header in clear, its body sealed. The header is the place of the seal."""

    event_id: str
    stream: str
    version: int
    schema_version: int
    key_id: str
    recorded_at: str
    body: bytes


class Statement(NamedTuple):
    """What is to be written beside the log in the same transaction; ``?`` stands for each parameter."""

    sql: str
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Append:
    """What a writer wants to write.

    Attributes:
        stream: the writer's stream.
        epoch: the writer's epoch.
        expected: the stream's version as the writer knows it.
        own: the case's own stream.
        case_seen: its version as the writer knows it; ``None`` if the decision does not rest on it.
        entries: in order; those of a stream follow its last one.
        beside: read models and notices.
    """

    stream: str
    epoch: int
    expected: int
    own: str
    case_seen: int | None
    entries: Sequence[Entry]
    beside: Sequence[Statement]


class Log(ABC):
    """The one table that only grows, in some database. Every error of the driver comes as one of ``records.errors``."""

    @abstractmethod
    def append(self, wanted: Append) -> bool:
        """Write entries and what stands beside them, whole or not at all.

        Returns:
            Whether they were written. If not, stream or case have moved on, or an id is stored already: read them.

        Raises:
            Fenced: the case was erased.
            StaleWriter: a newer run has taken the stream over.
            Unreachable: the database does not answer.
        """

    @abstractmethod
    def take_over(self, stream: str, own: str) -> int:
        """Take a stream over: an epoch that shuts out every earlier writer.

        Raises:
            Fenced: the case was erased.
            Unreachable: the database does not answer.
        """

    @abstractmethod
    def fence(self, fence: Entry, beside: Sequence[Statement], seen: int | None = None) -> bool:
        """Shut a case for ever. Its version is given here; what is fenced already stays as it is.

        Args:
            seen: the version of the case's own stream that this rests on; ``None`` if it rests on nothing in it.

        Returns:
            Whether the case is fenced. If not, it has moved on since it was seen.

        Raises:
            Unreachable: the database does not answer.
        """

    @abstractmethod
    def hold(self, connection: "Connection", owns: Sequence[str]) -> None:
        """Let appends to these cases wait until the transaction of this connection has ended.

        Args:
            connection: one that writes.
            owns: the cases' own streams.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""


def header_of(entry: Entry) -> bytes:
    """All of an entry that stands in clear; the place of its seal."""
    event_id, stream, version, schema_version, key_id, recorded_at, _ = entry
    return f"{stream}|{version}|{event_id}|{schema_version}|{key_id}|{recorded_at}".encode()


def own_of(stream: str) -> str:
    """The stream that shuts this one when it is fenced: its first two segments."""
    return "/".join(stream.split("/", 2)[:2])


def must_be_of_one_case(own: str, streams: Iterable[str]) -> None:
    """
    Raises:
        ValueError: a stream is another case's: what shuts that one would not be looked at.
    """
    if any(own_of(stream) != own for stream in streams):
        raise ValueError("one append is of one case alone")


_HEADER = re.compile(
    rb"[!-{}~]+\|[1-9][0-9]*\|[!-{}~]+\|(0|[1-9][0-9]*)\|[!-{}~]+"
    rb"\|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00"
)


def is_header(header: bytes) -> bool:
    """Whether each field has its form, so that the header can be read in one way alone."""
    return _HEADER.fullmatch(header) is not None


def digest_of(before: bytes, entry: Entry) -> bytes:
    """The digest of an entry that follows another of its stream."""
    return sha256(before + header_of(entry) + b"\n" + entry.body).digest()


def chain_of(before: bytes, position: int, digest: bytes) -> bytes:
    """The chain of an entry that follows another of the log."""
    return sha256(before + position.to_bytes(8, "big") + digest).digest()


def write_beside(connection: "Connection", statements: Iterable[Statement]) -> None:
    """Write what stands beside the log without an append."""
    is_sqlite = connection.dialect.name == "sqlite"
    for sql, rows in statements:
        if rows:
            connection.exec_driver_sql(sql if is_sqlite else for_psycopg(sql), [tuple(row) for row in rows])


@lru_cache
def for_psycopg(sql: str) -> str:
    """A statement in the words of the other driver."""
    return sql.replace("?", "%s")
