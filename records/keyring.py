"""The keyring: a data key for each case, wrapped by keys that come from one master key. A database file of its own.

Each scope (the first two segments of an id: ``case/REF``) has two data keys: *work*, for what engine and log hold, and
*vault*, for names, notes and nicknames. The master key gives a wrapping key for each of the two; a process gets the one
it needs, and never the master key.

Rules:
    1. A data key is on the disk before it is used for the first time, and is never replaced.
    2. A wrapped key is bound to its scope and its role.
    3. The vault key of a locked case is not in the ring: it is sealed to the other persons and to the recovery key.
    4. Whoever changes the master key wraps every data key anew in one transaction; the log is not touched.
    5. Nothing is wrapped under a key that is not in force: a process that slept through a change of the master key
       would else lose what it seals.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import ClassVar
from uuid import uuid4

from sqlalchemy import MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, select

from records.database import Database
from records.errors import Locked, StoreError, Unreadable
from records.migrating import KEYRING
from records.naming import NAMES
from records.sealing import Sealer, SealError, fresh_key, subkey

KEPT_SECONDS = 60.0
"""How long an unwrapped key may be used before it is read again: a key that is destroyed is gone after that."""

KEYRING_PRAGMAS = ("journal_mode=DELETE", "synchronous=EXTRA")
"""No write-ahead log, which would keep what was deleted; EXTRA, for with FULL a lost power supply can undo a commit."""

INSTALLATION = "installation/own"
"""The scope of what belongs to no case."""


class Role(StrEnum):
    """What a wrapping key opens."""

    WORK = "work"
    VAULT = "vault"


class Purpose(StrEnum):
    """What a data key is used for; each purpose has a subkey of its own."""

    ENGINE = "engine"
    LOG = "log"
    VAULT = "vault"


class WrongMaster(StoreError):
    """A master key that is not this keyring's."""


class _Ring(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMES))):
    """Tables of the keyring's own file."""


class DataKeyRow(_Ring, table=True):
    """A data key, wrapped."""

    __tablename__: ClassVar[str] = "data_key"
    __table_args__ = (UniqueConstraint("scope", "role"),)

    key_id: str = Field(primary_key=True)
    scope: str
    role: str
    wrapped: bytes
    made_at: str


class PersonRow(_Ring, table=True):
    """Somebody who can open the installation: an age identity under a passphrase, and the master key sealed to it."""

    __tablename__: ClassVar[str] = "person"

    name: str = Field(primary_key=True)
    recipient: str
    salt: bytes
    identity: bytes
    master: bytes
    enrolled_at: str


class LockRow(_Ring, table=True):
    """A locked case, and its vault key: an age file for everybody but the one who locked it."""

    __tablename__: ClassVar[str] = "locked"

    scope: str = Field(primary_key=True)
    key_id: str
    locked_by: str
    locked_at: str
    sealed: bytes


class SettingRow(_Ring, table=True):
    """What belongs to the installation: how its master key is told, and to whom its recovery copy is sealed."""

    __tablename__: ClassVar[str] = "setting"

    name: str = Field(primary_key=True)
    value: bytes


_CHECK, RECOVERY, RECOVERY_COPY = "check", "recovery-recipient", "recovery-copy"


def scope_of(identifier: str) -> str:
    """The scope of a stream, a workflow id or a reference's stream: its first two segments."""
    return "/".join(identifier.split("/")[:2])


def wrapping_key(master: bytes, role: Role) -> bytes:
    """The key that wraps all data keys of a role."""
    return subkey(master, f"wrap|{role}")


class Keyring:
    """The keyring's file. It holds wrapped keys only; who opens them is :class:`Keys`."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _Ring.metadata, KEYRING_PRAGMAS, KEYRING)

    def close(self) -> None:
        self.database.close()

    def setting(self, name: str) -> bytes | None:
        """A setting of the installation."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            row = session.get(SettingRow, name)
            return row.value if row is not None else None

    def found(self, master: bytes, settings: Mapping[str, bytes], persons: Iterable[PersonRow]) -> None:
        """Begin, whole or not at all: from now on this is the keyring of one master key."""
        with self.database.writing() as connection, Session(bind=connection) as session:
            checks = _checks_of(master)
            session.add_all(SettingRow(name=name, value=value) for name, value in {**checks, **settings}.items())
            session.add_all(persons)
            session.flush()

    def recovery_copy(self) -> bytes | None:
        """The master key sealed to the recovery key, if there is one."""
        return self.setting(RECOVERY_COPY)

    def is_founded(self) -> bool:
        """Whether it belongs to a master key yet."""
        return self.setting(_CHECK) is not None

    def must_fit(self, master: bytes) -> None:
        """
        Raises:
            WrongMaster: the keyring belongs to another master key.
        """
        if self.setting(_CHECK) != _check_of(master):
            raise WrongMaster("this master key is not the keyring's")

    def wrapped(self, scopes: Sequence[str], role: Role) -> list[DataKeyRow]:
        """The wrapped keys of scopes; of all, if none is named."""
        query = select(DataKeyRow).where(DataKeyRow.role == role)
        if scopes:
            query = query.where(col(DataKeyRow.scope).in_(scopes))
        with self.database.reading() as connection, Session(bind=connection) as session:
            rows = list(session.exec(query))
            session.expunge_all()
            return rows

    def make(self, scope: str, role: Role, key: bytes) -> DataKeyRow:
        """The wrapped key of a scope, made now if there is none. On the disk when this returns.

        Raises:
            Locked: the case is locked: another vault key would shut out the one that is sealed away.
            WrongMaster: the master key has been changed since the wrapping key was taken.
        """
        with self.database.writing() as connection, Session(bind=connection) as session:
            row = session.exec(select(DataKeyRow).where(DataKeyRow.scope == scope, DataKeyRow.role == role)).first()
            if row is None:
                if role is Role.VAULT and session.get(LockRow, scope) is not None:
                    raise Locked(_LOCKED)
                _must_be_in_force(session, role, key)
                row = _wrap(scope, role, str(uuid4()), fresh_key(), key)
                session.add(row)
                session.flush()
            session.expunge_all()
        return row

    def rewrap(self, old: bytes, new: bytes, settings: Mapping[str, bytes], persons: Iterable[PersonRow]) -> None:
        """Put every data key under another master key, and give that to the persons, in one transaction."""
        with self.database.writing() as connection, Session(bind=connection) as session:
            for row in session.exec(select(DataKeyRow)).all():
                role = Role(row.role)
                key = unwrapped(row, wrapping_key(old, role))
                fresh = _wrap(row.scope, role, row.key_id, key, wrapping_key(new, role))
                row.wrapped = fresh.wrapped
                session.add(row)
            for person in persons:
                session.merge(person)
            for name, value in {**settings, **_checks_of(new)}.items():
                session.merge(SettingRow(name=name, value=value))
            session.flush()

    def persons(self) -> list[PersonRow]:
        """Who is enrolled, by name."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            rows = list(session.exec(select(PersonRow).order_by(PersonRow.name)))
            session.expunge_all()
            return rows

    def enroll(self, person: PersonRow) -> None:
        """Write a person down, or their new passphrase."""
        with self.database.writing() as connection, Session(bind=connection) as session:
            session.merge(person)
            session.flush()

    def lock_of(self, scope: str) -> LockRow | None:
        """The lock of a case, if it is locked. Always asked of the file: a lock holds at once."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            row = session.get(LockRow, scope)
            session.expunge_all()
            return row

    def locked(self) -> set[str]:
        """The scopes that are locked now."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            return set(session.exec(select(LockRow.scope)))

    def lock(self, scope: str, key_id: str, staff: str, sealed: bytes, at: datetime) -> None:
        """Take a case's vault key out of the ring, and keep it as sealed to others."""
        with self.database.writing() as connection, Session(bind=connection) as session:
            row = session.get(DataKeyRow, key_id)
            if row is not None:
                session.delete(row)
            stamp = at.astimezone(UTC).isoformat()
            session.add(LockRow(scope=scope, key_id=key_id, locked_by=staff, locked_at=stamp, sealed=sealed))
            session.flush()

    def unlock(self, scope: str, data_key: bytes, key: bytes) -> None:
        """Put a locked case's vault key back.

        Raises:
            WrongMaster: the master key has been changed since the wrapping key was taken.
        """
        with self.database.writing() as connection, Session(bind=connection) as session:
            row = session.get(LockRow, scope)
            if row is None:
                return
            _must_be_in_force(session, Role.VAULT, key)
            session.add(_wrap(scope, Role.VAULT, row.key_id, data_key, key))
            session.delete(row)
            session.flush()


@dataclass(frozen=True)
class _Kept:
    sealer: Sealer
    until: float


class Keys:
    """What one process may open: the data keys of one role, unwrapped when they are asked for, kept for a minute."""

    def __init__(self, keyring: Keyring, role: Role, key: bytes) -> None:
        self.keyring = keyring
        self.role = role
        self._key = key
        self._kept: dict[tuple[str, Purpose], _Kept] = {}
        self._guard = Lock()

    def sealer(self, scope: str, purpose: Purpose) -> Sealer:
        """Seals and opens for a scope; its key is made now if there is none.

        Raises:
            Locked: the case is locked.
            Unreadable: the wrapped key was changed.
            Unreachable: the keyring does not answer.
        """
        return self.recent(scope, purpose) or self._keep(self.keyring.make(scope, self.role, self._key), purpose)

    def opener(self, scope: str, purpose: Purpose) -> Sealer:
        """Opens for a scope that has a key.

        Raises:
            Locked: the case is locked.
            Unreadable: there is no key for it, or it was changed.
            Unreachable: the keyring does not answer.
        """
        if (recent := self.recent(scope, purpose)) is not None:
            return recent
        found = self.keyring.wrapped([scope], self.role)
        if not found:
            if self.role is Role.VAULT:
                self.must_be_unlocked(scope)
            raise Unreadable("the keyring has no key for this: put back the keyring that belongs to these records")
        return self._keep(found[0], purpose)

    def read_all(self, purpose: Purpose) -> None:
        """Unwrap every key of the role at once, for who goes through all cases."""
        for row in self.keyring.wrapped([], self.role):
            if self.recent(row.scope, purpose) is None:
                self._keep(row, purpose)

    def data_key(self, scope: str) -> tuple[str, bytes]:
        """The id of a scope's data key, and the key itself; for whoever locks a case."""
        row = self.keyring.make(scope, self.role, self._key)
        return row.key_id, unwrapped(row, self._key)

    def put_back(self, scope: str, data_key: bytes) -> None:
        """Unlock a case with its vault key."""
        self.keyring.unlock(scope, data_key, self._key)

    def must_be_unlocked(self, scope: str) -> None:
        """
        Raises:
            Locked: the case is locked.
        """
        if self.keyring.lock_of(scope) is not None:
            self.forget(scope)
            raise Locked(_LOCKED)

    def forget(self, scope: str) -> None:
        """Drop a scope's keys from memory."""
        with self._guard:
            for purpose in Purpose:
                self._kept.pop((scope, purpose), None)

    def recent(self, scope: str, purpose: Purpose) -> Sealer | None:
        """What was unwrapped less than a minute ago: no file is read for it."""
        kept = self._kept.get((scope, purpose))
        return kept.sealer if kept is not None and time.monotonic() < kept.until else None

    def _keep(self, row: DataKeyRow, purpose: Purpose) -> Sealer:
        sealer = Sealer(row.key_id, subkey(unwrapped(row, self._key), purpose))
        moment = time.monotonic()
        with self._guard:
            for place in list(takewhile(lambda place: self._kept[place].until <= moment, self._kept)):
                del self._kept[place]
            self._kept.pop((row.scope, purpose), None)  # the oldest stand first
            self._kept[row.scope, purpose] = _Kept(sealer, moment + KEPT_SECONDS)
        return sealer


_LOCKED = "this case is locked: `safeconduct unlock` opens it, by a second person or with the recovery key"


def unwrapped(row: DataKeyRow, key: bytes) -> bytes:
    """A data key.

    Raises:
        Unreadable: it was changed, moved from another scope, or wrapped by another master key.
    """
    try:
        return Sealer("", key).unseal(_place(row.scope, row.role, row.key_id), row.wrapped)
    except SealError:
        raise Unreadable("a key in the keyring does not open: it was changed, or belongs to other records") from None


def _wrap(scope: str, role: Role, key_id: str, data_key: bytes, key: bytes) -> DataKeyRow:
    wrapped = Sealer("", key).seal(_place(scope, role, key_id), data_key)
    return DataKeyRow(key_id=key_id, scope=scope, role=role, wrapped=wrapped, made_at=datetime.now(UTC).isoformat())


def _place(scope: str, role: str, key_id: str) -> str:
    return f"{role}|{scope}|{key_id}"


def _check_of(key: bytes) -> bytes:
    """Tells a key again, and says nothing about it."""
    return subkey(key, "check")


def _checks_of(master: bytes) -> dict[str, bytes]:
    """What tells the master key again, and each wrapping key."""
    return {_CHECK: _check_of(master)} | {_check_name(role): _check_of(wrapping_key(master, role)) for role in Role}


def _check_name(role: Role) -> str:
    return f"{_CHECK}-{role}"


def _must_be_in_force(session: Session, role: Role, key: bytes) -> None:
    row = session.get(SettingRow, _check_name(role))
    if row is None or row.value != _check_of(key):
        raise WrongMaster("this process holds a key that is not the keyring's: stop it, and start it again")
