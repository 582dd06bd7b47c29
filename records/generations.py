"""Generations: what makes an older copy of the keyring worthless.

Each data key lies in the keyring under two layers: inside under the master key (:mod:`records.ring`), outside under the
secret of a *generation*. The secret lies in the records, not in the keyring, and each erasure makes a new one and
deletes the old. So a copy of the keyring from before an erasure opens nothing, not even with the master key.

The outer layer needs no other key: whoever erases need not be able to open anything.

Rules:
    1. A generation is in the records before the first key lies under it, and until no key does.
    2. Numbers only grow: what is lower than the newest and not there will never be there again.
    3. A secret stays in memory for a quarter of a minute at most.
    4. Deleted is overwritten: in the file by ``secure_delete``, in SQLite's write-ahead log by cutting it off.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from sqlalchemy import text
from sqlmodel import Session, col, delete, select, update

from domain.references import reference_of
from records import passing
from records.database import Database, Reader
from records.errors import Unreachable, Unreadable
from records.models import FenceRow, GenerationRow
from records.sealing import Sealer, SealError, fresh_key

KEPT_SECONDS = 15.0
"""How long a secret may be used before the records are asked again: a generation that is deleted is gone after that."""

CUTS = 3
"""How often cutting off the write-ahead log is tried; each try waits some seconds for whoever reads."""

_NEWEST = text("SELECT max(number) FROM generation")
# in PostgreSQL another erasure may have taken the number meanwhile: this waits until that is certain
_BEGIN = text(
    "INSERT INTO generation (number, secret, made_at) VALUES (:number, :secret, :made_at) "
    "ON CONFLICT (number) DO NOTHING"
)


class GenerationGone(Unreadable):
    """The generation under which a key lies is not in the records."""

    def __init__(self) -> None:
        super().__init__(
            "the keyring is older than an erasure, or belongs to other records: put back the two that belong together"
        )


@dataclass(frozen=True)
class Generation:
    """A number, and the secret that goes by it."""

    number: int
    secret: bytes = field(repr=False)
    made_at: str = ""

    def cover(self, place: str, inner: bytes) -> bytes:
        """Put the outer layer on."""
        return Sealer("", self.secret).seal(self._place(place), inner)

    def uncover(self, place: str, covered: bytes) -> bytes:
        """Take the outer layer off.

        Raises:
            Unreadable: it was changed, moved, or belongs to other records.
        """
        try:
            return Sealer("", self.secret).unseal(self._place(place), covered)
        except SealError:
            raise Unreadable(
                "a key in the keyring does not open: it was changed, or belongs to other records"
            ) from None

    def _place(self, place: str) -> str:
        return f"generation {self.number}|{place}"


class Covered(Protocol):
    """A row that lies under a generation."""

    generation: int


Row = TypeVar("Row", bound=Covered)
Inner = TypeVar("Inner")


def opened(read: Callable[[], Row], uncover: Callable[[Row], Inner]) -> tuple[Row, Inner]:
    """A row and what is in it. If it was put under a new generation since it was read, it is read again.

    Raises:
        GenerationGone: it lies under one that is not there.
    """
    row = read()
    while True:
        try:
            return row, uncover(row)
        except GenerationGone:
            before, row = row, read()
            if row.generation == before.generation:
                raise


class Generations:
    """The generations of one installation.

    Args:
        reader: the records; it must not make them if they are gone.
        writer: opens them for writing.
    """

    def __init__(self, reader: Reader, writer: Callable[[], Database]) -> None:
        self._reader = reader
        self._writer = writer
        self._kept: tuple[dict[int, Generation], float] = ({}, 0.0)

    def get(self, number: int) -> Generation:
        """A generation, from memory if it was read less than a quarter of a minute ago.

        Raises:
            GenerationGone: it is not there.
            Unreachable: the records do not answer.
        """
        known, until = self._kept
        if passing.passed() >= until or (number not in known and number > max(known, default=0)):
            known = self._read()
        if number not in known:
            raise GenerationGone
        return known[number]

    def all(self) -> list[Generation]:
        """What stands in the records now, oldest first.

        Raises:
            Unreachable: the records do not answer.
        """
        return [found for _, found in sorted(self._read().items())]

    def begin(self, above: int) -> Generation:
        """Make a generation, higher than all there are and than ``above``. On the disk when this returns."""
        with closing(self._writer()) as database:
            while True:
                with database.writing() as connection:
                    newest = connection.execute(_NEWEST).scalar() or 0
                    made = Generation(max(newest, above) + 1, fresh_key(), datetime.now(UTC).isoformat())
                    row = {"number": made.number, "secret": made.secret, "made_at": made.made_at}
                    was_free = connection.execute(_BEGIN, row).rowcount
                if was_free:
                    return made

    def destroy_below(self, number: int) -> None:
        """Delete all generations below one that is there; nothing of them is left in the records' files.

        Raises:
            Unreachable: the records do not answer, or somebody reads so long that their write-ahead log can't be cut.
        """
        with closing(self._writer()) as database:
            with database.writing() as connection, Session(bind=connection) as session:
                # never the last that an old keyring could need, should records and keyring not belong together
                if session.get(GenerationRow, number) is not None:
                    session.exec(delete(GenerationRow).where(col(GenerationRow.number) < number))
            cut_off(database)
        self.forget()

    def note_destroyed(self, scope: str) -> None:
        """Write at a case's fence that its keys have been destroyed: should they come back, somebody put them there."""
        stamp = datetime.now(UTC).isoformat()
        its_fence = col(FenceRow.reference) == reference_of(scope)
        with closing(self._writer()) as database, database.writing() as connection, Session(bind=connection) as session:
            session.exec(update(FenceRow).where(its_fence).values(keys_destroyed_at=stamp))

    def close(self) -> None:
        self.forget()
        self._reader.close()

    def forget(self) -> None:
        """Drop all secrets from memory."""
        self._kept = ({}, 0.0)

    def _read(self) -> dict[int, Generation]:
        with self._reader.reading() as connection, Session(bind=connection) as session:
            rows = session.exec(select(GenerationRow)).all()
            known = {row.number: Generation(row.number, row.secret, row.made_at) for row in rows}
        self._kept = (known, passing.passed() + KEPT_SECONDS)
        return known


def cut_off(database: Database) -> None:
    """Empty SQLite's write-ahead log, which keeps what was deleted. Other databases have none of ours to empty.

    Raises:
        Unreachable: somebody reads for so long that it can't be emptied.
    """
    for _ in range(CUTS):
        with database.reading() as connection:
            if connection.dialect.name != "sqlite":
                return
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if not busy:
                return
    raise Unreachable("the records are being read: what was deleted still lies in their write-ahead log, try again")
