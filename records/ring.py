"""The tables of the keyring's own file, and how a data key lies in them: sealed under the wrapping key of its role, and
over that under a generation (:mod:`records.generations`)."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import MetaData, bindparam
from sqlalchemy.engine import Connection
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, UniqueConstraint

from records.errors import Unreadable
from records.generations import Generation, Generations
from records.naming import NAMES
from records.sealing import Sealer, SealError

_LOCKED = "locked"
"""In place of a role: the age file of a lock."""


class Ring(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMES))):
    """Tables of the keyring's own file."""


class DataKeyRow(Ring, table=True):
    """A data key, wrapped."""

    __tablename__: ClassVar[str] = "data_key"
    __table_args__ = (UniqueConstraint("scope", "role"),)

    key_id: str = Field(primary_key=True)
    scope: str
    role: str
    generation: int
    wrapped: bytes
    made_at: str


class PersonRow(Ring, table=True):
    """Somebody who can open the installation: an age identity under a passphrase, and the master key sealed to it."""

    __tablename__: ClassVar[str] = "person"

    name: str = Field(primary_key=True)
    recipient: str
    salt: bytes
    identity: bytes
    master: bytes
    enrolled_at: str
    rights: str = ""
    """What this person may besides, in words with spaces between."""


class LockRow(Ring, table=True):
    """A locked case, and its vault key: an age file for everybody but the one who locked it, under a generation."""

    __tablename__: ClassVar[str] = "locked"

    scope: str = Field(primary_key=True)
    key_id: str
    locked_by: str
    locked_at: str
    generation: int
    sealed: bytes


class ErasedRow(Ring, table=True):
    """A scope whose keys have been destroyed: it never gets another."""

    __tablename__: ClassVar[str] = "erased"

    scope: str = Field(primary_key=True)
    erased_at: str


class SettingRow(Ring, table=True):
    """What belongs to the installation: how its master key is told, its generation, whom its recovery copy is for."""

    __tablename__: ClassVar[str] = "setting"

    name: str = Field(primary_key=True)
    value: bytes


def wrap(scope: str, role: str, key_id: str, data_key: bytes, key: bytes, generation: Generation) -> DataKeyRow:
    """A data key as it lies in the file."""
    place = place_of(scope, role, key_id)
    return DataKeyRow(
        key_id=key_id,
        scope=scope,
        role=role,
        generation=generation.number,
        wrapped=generation.cover(place, Sealer("", key).seal(place, data_key)),
        made_at=datetime.now(UTC).isoformat(),
    )


def unwrapped(row: DataKeyRow, key: bytes, generation: Generation) -> bytes:
    """A data key.

    Raises:
        Unreadable: it was changed, moved from another scope, or wrapped by another master key or generation.
    """
    place = place_of(row.scope, row.role, row.key_id)
    inner = generation.uncover(place, row.wrapped)
    try:
        return Sealer("", key).unseal(place, inner)
    except SealError:
        raise Unreadable("a key in the keyring does not open: it was changed, or belongs to other records") from None


def place_of(scope: str, role: str, key_id: str) -> str:
    """Where a data key lies: moved elsewhere, it does not open."""
    return f"{role}|{scope}|{key_id}"


def lock_place(scope: str, key_id: str) -> str:
    """Where the age file of a lock lies."""
    return place_of(scope, _LOCKED, key_id)


def cover_anew(connection: Connection, generations: Generations, new: Generation) -> None:
    """Put every key, and those that locks keep, under a new generation. No wrapping key is needed.

    What does not open is left as it is: it opens nothing any more, and must not keep an erased key's generation alive.
    """
    for table, body in (Ring.metadata.tables["data_key"], "wrapped"), (Ring.metadata.tables["locked"], "sealed"):
        anew = []
        for row in connection.execute(table.select()).mappings().all():
            place = place_of(row["scope"], row.get("role", _LOCKED), row["key_id"])
            with suppress(Unreadable):
                inner = generations.get(row["generation"]).uncover(place, row[body])
                anew.append({"of": row["key_id"], "anew": new.cover(place, inner)})
        if anew:
            change = table.update().where(table.c.key_id == bindparam("of"))
            connection.execute(change.values({body: bindparam("anew"), "generation": new.number}), anew)
