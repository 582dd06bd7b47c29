"""Keyrings that are copied, broken off and put back: what an erasure has to hold against."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from records.database import Database, Reader
from records.errors import Unreadable
from records.generations import Generation, Generations
from records.keyring import Keyring, Role, wrapping_key
from records.keys import Keys
from records.ring import DataKeyRow, LockRow
from tests.support.keys import generations_in

Found = dict[tuple[str, Role], bytes]
"""Data keys, by scope and role."""


class BrokenOff(Exception):
    """Stands for whatever ends a process between two steps."""


class Breaking(Generations):
    """Generations that break off an erasure at one of its steps, once.

    Args:
        at: the step.
    """

    def __init__(self, path: Path, at: str) -> None:
        super().__init__(Reader(path), lambda: Database(path))
        self._at: str | None = at

    def begin(self, above: int) -> Generation:
        self._break("before the new generation is made")
        made = super().begin(above)
        self._break("after the new generation is made")
        return made

    def get(self, number: int) -> Generation:
        if self._at == "while the keys are put under it" and len(self.all()) > 1:
            self._break("while the keys are put under it")
        return super().get(number)

    def destroy_below(self, number: int) -> None:
        self._break("before the old generation is deleted")
        super().destroy_below(number)
        self._break("after the old generation is deleted")

    def note_destroyed(self, scope: str) -> None:
        self._break("before the fence is marked")
        super().note_destroyed(scope)

    def _break(self, step: str) -> None:
        if step == self._at:
            self._at = None
            raise BrokenOff


STEPS = (
    "before the new generation is made",
    "after the new generation is made",
    "while the keys are put under it",
    "before the old generation is deleted",
    "after the old generation is deleted",
    "before the fence is marked",
)


@dataclass
class Home:
    """A folder with records and a keyring, and the master key to it."""

    folder: Path
    master: bytes
    copies: int = field(default=0)

    @property
    def records(self) -> Path:
        return self.folder / "records.db"

    @property
    def path(self) -> Path:
        return self.folder / "keyring.db"

    @contextmanager
    def ring(self, generations: Generations | None = None, path: Path | None = None) -> Iterator[Keyring]:
        """The keyring as a process has it that has just been started."""
        with closing(Keyring(path or self.path, generations or generations_in(self.folder))) as ring:
            yield ring

    def keys(self, ring: Keyring, role: Role) -> Keys:
        return Keys(ring, role, wrapping_key(self.master, role))

    def copy(self) -> Path:
        """Keep a copy of the keyring."""
        self.copies += 1
        kept = self.folder / f"copy-{self.copies}" / "keyring.db"
        kept.parent.mkdir()
        return Path(shutil.copy(self.path, kept))

    def opened(self, path: Path | None = None) -> Found:
        """Every data key that opens with the present records and the master key."""
        with self.ring(path=path) as ring:
            return self.opened_by(ring)

    def opened_by(self, ring: Keyring) -> Found:
        """Every data key that opens in a process that has this keyring open."""
        rows = [row for role in Role for row in ring.wrapped([], role)]
        found = {(row.scope, Role(row.role)): self._key(ring, row) for row in rows}
        return {place: key for place, key in found.items() if key is not None}

    def _key(self, ring: Keyring, row: DataKeyRow) -> bytes | None:
        return _if_it_opens(lambda: ring.data_key(row, wrapping_key(self.master, Role(row.role))))

    def age_files(self, path: Path | None = None) -> dict[str, bytes]:
        """What the locks keep, as far as it opens."""
        with self.ring(path=path) as ring:
            return age_files_by(ring)


def erase_on_and_on(folder: Path, life: int, says: Connection) -> None:
    """Erase one case after the other, and say which, until killed."""
    ring = Keyring(folder / "keyring.db", generations_in(folder))
    for number in count():
        ring.destroy(f"case/{life}-{number}")
        says.send(number)


def age_files_by(ring: Keyring) -> dict[str, bytes]:
    """What the locks keep, as far as it opens in a process that has this keyring open."""
    locks = [ring.lock_of(scope) for scope in ring.locked()]
    found = {lock.scope: _age_file(ring, lock) for lock in locks if lock is not None}
    return {scope: age for scope, age in found.items() if age is not None}


def _age_file(ring: Keyring, lock: LockRow) -> bytes | None:
    return _if_it_opens(lambda: ring.age_file(lock))


def _if_it_opens(opens: Callable[[], bytes]) -> bytes | None:
    try:
        return opens()
    except Unreadable:
        return None
