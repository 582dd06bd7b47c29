"""Signed checkpoints: where the log stood, and when. Kept elsewhere, they show what was cut off or written anew.

A checkpoint is a line of JSON. Whoever holds the public key can check it, and needs nothing else for it.
"""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlmodel import Session, col, select

from records.database import Database, Reader
from records.errors import StoreError
from records.models import CheckpointRow
from records.projecting import instant

EVERY_EVENTS = 1000
"""So many entries after the last checkpoint a new one is due."""

EVERY = timedelta(minutes=15)
"""So long after the last one a new one is due, if anything was written meanwhile."""

_BEGINS = '{"position": '
_CHAIN = text("SELECT chain FROM event WHERE position = :at")
_LAST = text("SELECT position, chain FROM event ORDER BY position DESC LIMIT 1")
# another worker may have signed this position meanwhile
_KEEP = text(
    "INSERT INTO checkpoint (position, chain, at, signature) VALUES (:position, :chain, :at, :signature) "
    "ON CONFLICT (position) DO NOTHING"
)


class BadCheckpoint(StoreError):
    """A checkpoint that was not signed by this installation, or is none."""


class WrittenAnew(StoreError):
    """The log is not the one on which an earlier checkpoint was signed."""


@dataclass(frozen=True)
class Checkpoint:
    """Where the log stood.

    Attributes:
        position: of its last entry.
        chain: its chain there.
        at: when, as text in UTC.
        signature: Ed25519, over all of that.
    """

    position: int
    chain: bytes
    at: str
    signature: bytes

    @property
    def line(self) -> str:
        """As it is kept elsewhere."""
        return json.dumps(
            {
                "position": self.position,
                "chain": self.chain.hex(),
                "at": self.at,
                "signature": self.signature.hex(),
            }
        )

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the holder of a key has signed it."""
        try:
            key.verify(self.signature, _signed(self.position, self.chain, self.at))
        except InvalidSignature:
            return False
        return True


def _signed(position: int, chain: bytes, at: str) -> bytes:
    return f"safeconduct checkpoint|{position}|{chain.hex()}|{at}".encode()


def checkpoint(
    database: Database,
    key: Ed25519PrivateKey,
    now: datetime,
    *,
    at_once: bool = False,
    elsewhere: Callable[[], Checkpoint | None] = lambda: None,
) -> Checkpoint | None:
    """Sign where the log stands, if that is due; several may do so side by side.

    What an earlier checkpoint does not lie on is never signed: a log that was written anew would else be vouched for.

    Args:
        at_once: sign whatever has been written, even if none is due yet.
        elsewhere: the newest one that is kept elsewhere, found to be signed; asked for only if one is due.

    Returns:
        The new checkpoint.

    Raises:
        WrittenAnew: an earlier checkpoint does not lie on the log.
        BadCheckpoint: the one beside the log was not signed by this key.
        Unreachable: the database does not answer.
    """
    with database.reading() as connection:
        if _standing(connection, key.public_key(), now, at_once=at_once) is None:
            return None
    newest = elsewhere()
    with database.writing() as connection:
        if newest is not None:
            _must_lie_on_the_log(connection, newest)
        found = _standing(connection, key.public_key(), now, at_once=at_once)
        if found is None:
            return None
        position, chain, at = *found, instant(now)
        signed = Checkpoint(position, chain, at, key.sign(_signed(position, chain, at)))
        row = {"position": position, "chain": chain, "at": at, "signature": signed.signature}
        connection.execute(_KEEP, row)
        return signed


def _standing(
    connection: Connection, key: Ed25519PublicKey, now: datetime, *, at_once: bool
) -> tuple[int, bytes] | None:
    """Where the log stands, if that is to be signed now."""
    last = _newest(connection)
    if last is not None:
        (one,) = all_signed([_as_kept(last)], key)
        _must_lie_on_the_log(connection, one)
    found = connection.execute(_LAST).first()
    if found is None or not _is_due(found[0], last, now, at_once=at_once):
        return None
    return int(found[0]), bytes(found[1])


def _must_lie_on_the_log(connection: Connection, one: Checkpoint) -> None:
    """
    Raises:
        WrittenAnew: it does not.
    """
    if _chain_at(connection, one.position) != one.chain:
        raise WrittenAnew(
            f"the log is not the one that was signed on {one.at[:16]} at position {one.position}: it was cut off or "
            "written anew, and nothing more is signed; `safeconduct verify` says from where"
        )


def stands_at(records: Reader, position: int) -> bytes | None:
    """The chain at a position; ``None`` if the log does not reach so far.

    Raises:
        Unreachable: the database does not answer.
    """
    with records.reading() as connection:
        return _chain_at(connection, position)


def _chain_at(connection: Connection, position: int) -> bytes | None:
    found = connection.execute(_CHAIN, {"at": position}).first()
    return bytes(found[0]) if found is not None else None


def _is_due(position: int, last: CheckpointRow | None, now: datetime, *, at_once: bool) -> bool:
    if last is None:
        return True
    if position <= last.position:
        return False
    return at_once or position - last.position >= EVERY_EVENTS or now - datetime.fromisoformat(last.at) >= EVERY


def checkpoints(records: Reader) -> list[Checkpoint]:
    """The checkpoints that stand beside the log, oldest first."""
    with records.reading() as connection, Session(bind=connection) as session:
        return [_as_kept(row) for row in session.exec(select(CheckpointRow).order_by(col(CheckpointRow.position)))]


def newest_beside(records: Reader) -> Checkpoint | None:
    """The last of them."""
    with records.reading() as connection:
        row = _newest(connection)
        return _as_kept(row) if row is not None else None


def _newest(connection: Connection) -> CheckpointRow | None:
    return Session(bind=connection).exec(select(CheckpointRow).order_by(col(CheckpointRow.position).desc())).first()


def _as_kept(row: CheckpointRow) -> Checkpoint:
    return Checkpoint(row.position, bytes(row.chain), row.at, bytes(row.signature))


def keep_elsewhere(place: Path, some: Iterable[Checkpoint]) -> None:
    """Add checkpoints to a file elsewhere, such as on another disk. When it returns they are on that disk.

    Raises:
        OSError: it can't be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with place.open("ab+") as file:
        if file.tell() and _last_byte(file) != b"\n":
            file.write(b"\n")  # the last line was broken off: what comes stands on a line of its own
        file.write("".join(f"{one.line}\n" for one in some).encode())
        file.flush()
        os.fsync(file.fileno())


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def kept_in(lines: Iterable[str]) -> list[Checkpoint]:
    """The checkpoints of a file that was kept elsewhere, without lines that were broken off.

    Raises:
        BadCheckpoint: a line is none.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not is_broken_off(line):
            try:
                fields = json.loads(line)
                chain, signature = bytes.fromhex(fields["chain"]), bytes.fromhex(fields["signature"])
                at = str(fields["at"])
                at.encode()
                found.append(Checkpoint(int(fields["position"]), chain, at, signature))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                raise BadCheckpoint(f"line {number} is no checkpoint") from None
    return found


def is_broken_off(line: str) -> bool:
    """Whether a line is the beginning of a checkpoint, or room that was never filled: a disk was full, a machine died.

    Whoever can make a line of this kind can take the whole line away as well, so it tells nothing that is false.
    """
    written = line.rstrip("\0")
    return not written or (written[: len(_BEGINS)] == _BEGINS[: len(written)] and not written.endswith("}"))


def all_signed(found: Iterable[Checkpoint], key: Ed25519PublicKey) -> list[Checkpoint]:
    """The same checkpoints.

    Raises:
        BadCheckpoint: one of them was not signed by this key.
    """
    listed = list(found)
    for one in listed:
        if not one.is_signed_by(key):
            raise BadCheckpoint(f"the checkpoint at {one.position} was not signed by this installation")
    return listed
