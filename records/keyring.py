"""The keyring: a data key for each case, wrapped by keys that come from one master key. A database file of its own.

Each scope (the first two segments of an id: ``case/REF``) has two data keys: *work*, for what engine and log hold, and
*vault*, for names, notes and nicknames. The master key gives a wrapping key for each of the two; a process gets the one
it needs, and never the master key. Over that lies a generation, whose secret is kept with the records.

Rules:
    1. A data key is on the disk before it is used for the first time, and is never replaced.
    2. A wrapped key is bound to its scope and its role.
    3. The vault key of a locked case is not in the ring: it is sealed to the other persons and to the recovery key.
    4. Whoever changes the master key wraps every data key anew in one transaction; the log is not touched.
    5. Nothing is wrapped under a key that is not in force: a process that slept through a change of the master key
       would else lose what it seals.
    6. Whoever destroys a scope's keys puts all others under a new generation in the same transaction, and then deletes
       the old one: no older copy of this file opens anything. The file says which generation it is at, so that whoever
       makes a key meanwhile takes the same.
    7. A scope whose keys were destroyed never gets another.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from sqlmodel import Session, col, delete, select

from records.database import Database
from records.errors import Erased, Locked, StoreError
from records.generations import Generation, GenerationGone, Generations, opened
from records.log import Where, own_of
from records.migrating import KEYRING
from records.ring import (
    DataKeyRow,
    ErasedRow,
    LockRow,
    PersonRow,
    Ring,
    SettingRow,
    cover_anew,
    lock_place,
    unwrapped,
    wrap,
)
from records.sealing import fresh_key, subkey

KEYRING_PRAGMAS = ("journal_mode=DELETE", "synchronous=EXTRA", "cache_size=-65536")
"""No write-ahead log, which would keep what was deleted; EXTRA, for with FULL a lost power supply can undo a commit.
The cache (64 MiB) takes what one erasure writes: without room, it would shut readers out long before its commit."""

INSTALLATION = "installation/own"
"""The scope of what belongs to no case."""

DESK = "desk/own"
"""The scope of how colleagues are reached: workers send notices, so they open it, and nothing of the vault."""


class Role(StrEnum):
    """What a wrapping key opens."""

    WORK = "work"
    VAULT = "vault"


class WrongMaster(StoreError):
    """A master key that is not this keyring's."""


_CHECK, RECOVERY, RECOVERY_COPY = "check", "recovery-recipient", "recovery-copy"
_GENERATION, _TIDIED = "generation", "tidied"


def scope_of(identifier: str) -> str:
    """The scope of a stream, a workflow id or a reference's stream: its first two segments."""
    return own_of(identifier)


def wrapping_key(master: bytes, role: Role) -> bytes:
    """The key that wraps all data keys of a role."""
    return subkey(master, f"wrap|{role}")


class Keyring:
    """The keyring's file. It holds wrapped keys only; who opens them is :class:`records.keys.Keys`.

    Args:
        where: the file, or a PostgreSQL.
        generations: what lies over each key, in the records.
    """

    def __init__(self, where: Where, generations: Generations) -> None:
        self.database = Database(where, Ring.metadata, KEYRING_PRAGMAS, KEYRING)
        self.generations = generations

    def close(self) -> None:
        self.generations.close()
        self.database.close()

    def setting(self, name: str) -> bytes | None:
        """A setting of the installation."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            row = session.get(SettingRow, name)
            return row.value if row is not None else None

    def found(self, master: bytes, settings: Mapping[str, bytes], persons: Iterable[PersonRow]) -> None:
        """Begin, whole or not at all: from now on this is the keyring of one master key."""
        first = {_GENERATION: _as_setting(self.generations.begin(above=0))}
        with self.database.writing() as connection, Session(bind=connection) as session:
            all_settings = {**_checks_of(master), **settings, **first}
            session.add_all(SettingRow(name=name, value=value) for name, value in all_settings.items())
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
            Erased: the scope's keys have been destroyed.
            Locked: the case is locked: another vault key would shut out the one that is sealed away.
            WrongMaster: the master key has been changed since the wrapping key was taken.
        """
        if found := self.wrapped([scope], role):
            return found[0]
        with self.database.writing() as connection, Session(bind=connection) as session:
            generation = self._current(session)
            row = session.exec(select(DataKeyRow).where(DataKeyRow.scope == scope, DataKeyRow.role == role)).first()
            if row is None:
                if role is Role.VAULT and session.get(LockRow, scope) is not None:
                    raise Locked
                _must_not_be_erased(session, scope)
                _must_be_in_force(session, role, key)
                row = wrap(scope, role, str(uuid4()), fresh_key(), key, generation)
                session.add(row)
                session.flush()
            session.expunge_all()
        return row

    def data_key(self, row: DataKeyRow, key: bytes) -> bytes:
        """A data key, by the wrapping key of its role.

        Raises:
            GenerationGone: it lies under a generation that is not there; the row may have been wrapped anew meanwhile.
            Unreadable: it was changed, moved from another scope, or wrapped by another master key.
        """
        return unwrapped(row, key, self.generations.get(row.generation))

    def rewrap(self, old: bytes, new: bytes, settings: Mapping[str, bytes], persons: Iterable[PersonRow]) -> None:
        """Put every data key under another master key, and give that to the persons, in one transaction."""
        with self.database.writing() as connection, Session(bind=connection) as session:
            generation = self._current(session)
            for row in session.exec(select(DataKeyRow)).all():
                role = Role(row.role)
                key = self.data_key(row, wrapping_key(old, role))
                fresh = wrap(row.scope, role, row.key_id, key, wrapping_key(new, role), generation)
                row.wrapped, row.generation = fresh.wrapped, fresh.generation
                session.add(row)
            for person in persons:
                session.merge(person)
            for name, value in {**settings, **_checks_of(new)}.items():
                session.merge(SettingRow(name=name, value=value))
            session.flush()

    def scopes(self) -> set[str]:
        """The scopes that have a key, or one that a lock keeps."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            return {*session.exec(select(DataKeyRow.scope)), *session.exec(select(LockRow.scope))}

    def held(self, generations: Iterable[int]) -> set[tuple[str, str]]:
        """Scope and role of all keys that lie under one of these generations."""
        with self.database.reading() as connection, Session(bind=connection) as session:
            query = select(DataKeyRow.scope, DataKeyRow.role).where(col(DataKeyRow.generation).in_(list(generations)))
            return {(scope, role) for scope, role in session.exec(query)}

    def must_not_be_erased(self, scope: str) -> None:
        """
        Raises:
            Erased: the scope's keys have been destroyed.
        """
        with self.database.reading() as connection, Session(bind=connection) as session:
            _must_not_be_erased(session, scope)

    def generation(self) -> int:
        """The number of the generation that keys are made under now; 0 before the ring is founded."""
        return int(self.setting(_GENERATION) or 0)

    def destroy(self, scope: str) -> None:
        """Destroy a scope's keys; afterwards no older copy of this file opens anything, of any scope.

        It takes no wrapping key. Broken off at any point it leaves all other keys readable, and done again it goes on
        where it broke off; :meth:`tidy` does what can then be left over.

        Raises:
            GenerationGone: keyring and records do not belong together. Nothing was written.
            Unreachable: one of the two does not answer.
        """
        while not self._is_destroyed(scope):
            self._must_belong_to_the_records()
            self._destroy(scope, self.generations.begin(above=self.generation()))
        self.tidy()
        self.generations.note_destroyed(scope)

    def tidy(self) -> None:
        """Destroy the generations that no key lies under any more, if that has not been done.

        Raises:
            Unreachable: keyring or records do not answer.
        """
        present = self.setting(_GENERATION)
        if present is None or present == self.setting(_TIDIED):
            return
        self.generations.destroy_below(int(present))
        with self.database.writing() as connection, Session(bind=connection) as session:
            session.merge(SettingRow(name=_TIDIED, value=present))
            session.flush()

    def _must_belong_to_the_records(self) -> None:
        """A new generation would bury the keys for good that other records still open."""
        number = self.generation()
        try:
            self.generations.get(number)
        except GenerationGone:
            if number == self.generation():  # or somebody else's erasure has just ended
                raise

    def _is_destroyed(self, scope: str) -> bool:
        with self.database.reading() as connection, Session(bind=connection) as session:
            is_left = session.exec(select(DataKeyRow).where(DataKeyRow.scope == scope)).first()
            is_locked = session.get(LockRow, scope)
            return is_left is None and is_locked is None and session.get(ErasedRow, scope) is not None

    def _destroy(self, scope: str, new: Generation) -> None:
        """The one transaction: a scope's keys go, all others move to a new generation."""
        with self.database.writing() as connection, Session(bind=connection) as session:
            if self._current(session).number >= new.number:
                return  # somebody else's erasure overtook this one
            session.exec(delete(DataKeyRow).where(col(DataKeyRow.scope) == scope))
            session.exec(delete(LockRow).where(col(LockRow.scope) == scope))
            session.merge(ErasedRow(scope=scope, erased_at=datetime.now(UTC).isoformat()))
            session.merge(SettingRow(name=_GENERATION, value=_as_setting(new)))
            session.flush()
            cover_anew(connection, self.generations, new)

    def _current(self, session: Session) -> Generation:
        """The generation to make keys under. Asked first in the transaction: nobody moves on before that has ended."""
        row = session.get(SettingRow, _GENERATION, with_for_update=True)
        return self.generations.get(int(row.value) if row is not None else 0)

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
        """Take a case's vault key out of the ring, and keep it as sealed to others.

        Raises:
            Erased: the case's keys have been destroyed.
        """
        with self.database.writing() as connection, Session(bind=connection) as session:
            found = self._current(session)
            _must_not_be_erased(session, scope)
            row = session.get(DataKeyRow, key_id)
            if row is not None:
                session.delete(row)
            covered, stamp = found.cover(lock_place(scope, key_id), sealed), at.astimezone(UTC).isoformat()
            session.add(
                LockRow(
                    scope=scope,
                    key_id=key_id,
                    locked_by=staff,
                    locked_at=stamp,
                    generation=found.number,
                    sealed=covered,
                )
            )
            session.flush()

    def age_file(self, row: LockRow) -> bytes:
        """What a lock keeps: the vault key, as it was sealed to others.

        Raises:
            Unreadable: it was changed, or keyring and records do not belong together.
        """
        place = lock_place(row.scope, row.key_id)

        def uncover(found: LockRow) -> bytes:
            return self.generations.get(found.generation).uncover(place, found.sealed)

        return opened(lambda: self.lock_of(row.scope) or row, uncover)[1]

    def unlock(self, scope: str, data_key: bytes, key: bytes) -> None:
        """Put a locked case's vault key back.

        Raises:
            WrongMaster: the master key has been changed since the wrapping key was taken.
        """
        with self.database.writing() as connection, Session(bind=connection) as session:
            generation = self._current(session)
            row = session.get(LockRow, scope)
            if row is None:
                return
            _must_be_in_force(session, Role.VAULT, key)
            session.add(wrap(scope, Role.VAULT, row.key_id, data_key, key, generation))
            session.delete(row)
            session.flush()


_ERASED = "this case was erased: its keys have been destroyed"


def _as_setting(generation: Generation) -> bytes:
    return str(generation.number).encode()


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


def _must_not_be_erased(session: Session, scope: str) -> None:
    if session.get(ErasedRow, scope) is not None:
        raise Erased(_ERASED)
