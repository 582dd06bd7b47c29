"""What one process may open of the keyring: data keys, unwrapped when they are asked for, and soon forgotten."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from threading import Lock

from records import passing
from records.errors import Locked, Unreadable
from records.generations import GenerationGone, opened
from records.keyring import Keyring, Role
from records.ring import DataKeyRow
from records.sealing import Sealer, subkey

KEPT_SECONDS = 15.0
"""How long an unwrapped key may be used before it is read again: a key that is destroyed is gone after that. To read it
again takes less than a millisecond; the longer it is kept, the later an erasure can be certified."""


class Purpose(StrEnum):
    """What a data key is used for; each purpose has a subkey of its own."""

    ENGINE = "engine"
    LOG = "log"
    VAULT = "vault"
    DESK = "desk"


@dataclass(frozen=True)
class _Kept:
    sealer: Sealer
    until: float


class Keys:
    """What one process may open: the data keys of one role, unwrapped when they are asked for, and kept for a
    quarter of a minute."""

    def __init__(self, keyring: Keyring, role: Role, key: bytes) -> None:
        self.keyring = keyring
        self.role = role
        self._key = key
        self._kept: dict[tuple[str, Purpose], _Kept] = {}
        self._guard = Lock()

    def sealer(self, scope: str, purpose: Purpose) -> Sealer:
        """Seals and opens for a scope; its key is made now if there is none.

        Raises:
            Erased: the case's keys have been destroyed.
            Locked: the case is locked.
            Unreadable: the wrapped key was changed.
            Unreachable: the keyring does not answer.
        """
        if (recent := self.recent(scope, purpose)) is not None:
            return recent
        return self._keep(*self._opened(lambda: self.keyring.make(scope, self.role, self._key)), purpose)

    def opener(self, scope: str, purpose: Purpose) -> Sealer:
        """Opens for a scope that has a key.

        Raises:
            Locked: the case is locked.
            Unreadable: there is no key for it, or it was changed.
            Unreachable: the keyring does not answer.
        """
        if (recent := self.recent(scope, purpose)) is not None:
            return recent
        return self._keep(*self._opened(lambda: self._found(scope)), purpose)

    def read_all(self, purpose: Purpose, scopes: Sequence[str] = ()) -> None:
        """Unwrap the role's keys of many scopes at once, of all if none is named."""
        missing = [scope for scope in scopes if self.recent(scope, purpose) is None]
        if scopes and not missing:
            return
        for row in self.keyring.wrapped(missing, self.role):
            if self.recent(row.scope, purpose) is None:
                with suppress(GenerationGone):  # wrapped anew since it was read: whoever needs it reads it again
                    self._keep(row, self.keyring.data_key(row, self._key), purpose)

    def data_key(self, scope: str) -> tuple[str, bytes]:
        """The id of a scope's data key, and the key itself; for whoever locks a case."""
        row, data_key = self._opened(lambda: self.keyring.make(scope, self.role, self._key))
        return row.key_id, data_key

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
            raise Locked

    def forget(self, scope: str) -> None:
        """Drop a scope's keys from memory."""
        with self._guard:
            for purpose in Purpose:
                self._kept.pop((scope, purpose), None)

    def recent(self, scope: str, purpose: Purpose) -> Sealer | None:
        """What was unwrapped less than a quarter of a minute ago: no file is read for it."""
        kept = self._kept.get((scope, purpose))
        return kept.sealer if kept is not None and passing.passed() < kept.until else None

    def _found(self, scope: str) -> DataKeyRow:
        found = self.keyring.wrapped([scope], self.role)
        if found:
            return found[0]
        if self.role is Role.VAULT:
            self.must_be_unlocked(scope)
        self.keyring.must_not_be_erased(scope)
        raise Unreadable("the keyring has no key for this: put back the keyring that belongs to these records")

    def _opened(self, read: Callable[[], DataKeyRow]) -> tuple[DataKeyRow, bytes]:
        return opened(read, lambda row: self.keyring.data_key(row, self._key))

    def _keep(self, row: DataKeyRow, data_key: bytes, purpose: Purpose) -> Sealer:
        sealer = Sealer(row.key_id, subkey(data_key, purpose))
        moment = passing.passed()
        with self._guard:
            for place in list(takewhile(lambda place: self._kept[place].until <= moment, self._kept)):
                del self._kept[place]
            self._kept.pop((row.scope, purpose), None)  # the oldest stand first
            self._kept[row.scope, purpose] = _Kept(sealer, moment + KEPT_SECONDS)
        return sealer
