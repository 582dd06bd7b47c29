"""Signed checkpoints: where the log stood, and when. Kept elsewhere, they show what was cut off or written anew.

A checkpoint is a line of JSON. Whoever holds the public key can check it, and needs nothing else for it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import text
from sqlmodel import Session, col, select

from records.database import Database, Reader
from records.errors import StoreError
from records.models import CheckpointRow
from records.projecting import instant

EVERY_EVENTS = 1000
"""So many entries after the last checkpoint a new one is due."""

EVERY = timedelta(minutes=15)
"""So long after the last one a new one is due, if anything was written meanwhile."""

_LAST = text("SELECT position, chain FROM event ORDER BY position DESC LIMIT 1")
# another worker may have signed this position meanwhile
_KEEP = text(
    "INSERT INTO checkpoint (position, chain, at, signature) VALUES (:position, :chain, :at, :signature) "
    "ON CONFLICT (position) DO NOTHING"
)


class BadCheckpoint(StoreError):
    """A checkpoint that was not signed by this installation, or is none."""


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
    database: Database, key: Ed25519PrivateKey, now: datetime, *, at_once: bool = False
) -> Checkpoint | None:
    """Sign where the log stands, if that is due; several may do so side by side.

    Args:
        at_once: sign whatever has been written, even if none is due yet.

    Returns:
        The new checkpoint.

    Raises:
        Unreachable: the database does not answer.
    """
    with database.writing() as connection, Session(bind=connection) as session:
        found = connection.execute(_LAST).first()
        last = session.exec(select(CheckpointRow).order_by(col(CheckpointRow.position).desc())).first()
        if found is None or not _is_due(found[0], last, now, at_once=at_once):
            return None
        position, chain, at = int(found[0]), bytes(found[1]), instant(now)
        signed = Checkpoint(position, chain, at, key.sign(_signed(position, chain, at)))
        row = {"position": position, "chain": chain, "at": at, "signature": signed.signature}
        connection.execute(_KEEP, row)
        return signed


def _is_due(position: int, last: CheckpointRow | None, now: datetime, *, at_once: bool) -> bool:
    if last is None:
        return True
    if position <= last.position:
        return False
    return at_once or position - last.position >= EVERY_EVENTS or now - datetime.fromisoformat(last.at) >= EVERY


def checkpoints(records: Reader) -> list[Checkpoint]:
    """The checkpoints that stand beside the log, oldest first."""
    with records.reading() as connection, Session(bind=connection) as session:
        rows = session.exec(select(CheckpointRow).order_by(col(CheckpointRow.position)))
        return [Checkpoint(row.position, bytes(row.chain), row.at, bytes(row.signature)) for row in rows]


def keep_elsewhere(place: Path, one: Checkpoint) -> None:
    """Add a checkpoint to a file elsewhere, such as on another disk.

    Raises:
        OSError: it can't be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with place.open("a", encoding="utf-8") as file:
        file.write(f"{one.line}\n")


def kept_in(lines: Iterable[str]) -> list[Checkpoint]:
    """The checkpoints of a file that was kept elsewhere.

    Raises:
        BadCheckpoint: a line is none.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                fields = json.loads(line)
                chain, signature = bytes.fromhex(fields["chain"]), bytes.fromhex(fields["signature"])
                at = str(fields["at"])
                at.encode()
                found.append(Checkpoint(int(fields["position"]), chain, at, signature))
            except (ValueError, KeyError, TypeError, OverflowError):
                raise BadCheckpoint(f"line {number} is no checkpoint") from None
    return found


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
