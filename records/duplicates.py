"""A returning person is noticed, and whoever takes them in sees nothing of it.

When an identity is kept, keyed digests of its names and birth date are written beside it, and compared with those of
all other cases, in the same transaction. Where two meet, a hit is written down, for those who may see it.

Rules:
    1. Nothing here is a name: digests are made under the vault's key, which no worker and no decoder has.
    2. A pair of cases has one hit. One that was settled does not come again.
    3. What is found is told to nobody. Who may see hits comes and looks: from the moment at which a notice goes out,
       whoever has just taken somebody in would know.
    4. Forgetting a case needs no key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, delete, or_, select

from domain.errors import NotFound, Refused
from domain.intake import Identity
from domain.names import Basis, Marks, marks_of
from records.database import Database, Reader
from records.keyring import INSTALLATION
from records.keys import Keys, Purpose
from records.models import BlindIndexRow, DuplicateHitRow, ReadingRow
from records.sealing import Sealer, subkey

LOOKED = "duplicates"
"""What stands in the list of readings of who has looked through the hits."""


class Finding(StrEnum):
    """What a person found two cases to be."""

    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True)
class Digests:
    """The marks of a person, under the vault's key.

    Attributes:
        kept: what is written down.
        sought: what is looked for, and by what two people are then alike.
    """

    kept: frozenset[str]
    sought: Mapping[str, Basis]


def digests_of(keys: Keys, identity: Identity) -> Digests:
    """What is kept and sought of an identity. Without a name there is nothing to compare."""
    marks = marks_of(identity.name, identity.birth_date) if identity.name is not None else Marks(frozenset(), {})
    # a key of its own: no mark may ever meet the digest of an intake file
    own = Sealer("", subkey(keys.sealer(INSTALLATION, Purpose.VAULT).key, "duplicates"))
    return Digests(
        kept=frozenset(own.digest(mark.encode()) for mark in marks.kept),
        sought={own.digest(mark.encode()): basis for mark, basis in marks.sought.items()},
    )


def notice(session: Session, reference: str, digests: Digests, at: datetime) -> None:
    """Write down what tells a case's person again, in place of what was, and a hit for each case that it meets."""
    _one_at_a_time(session)
    session.exec(delete(BlindIndexRow).where(col(BlindIndexRow.reference) == reference))
    alike = _alike(session, digests)
    # sorted by chance: their order must not say which of them were made of what
    session.add_all(BlindIndexRow(reference=reference, digest=digest) for digest in sorted(digests.kept))
    known = {row.other if row.reference == reference else row.reference: row for row in _hits_of(session, reference)}
    for other, row in known.items():
        if other not in alike and row.finding is None:
            session.delete(row)
    for other, basis in alike.items():
        row = known.get(other) or DuplicateHitRow(reference=reference, other=other, basis=basis, found_at=_text(at))
        row.basis = basis if row.finding is None else row.basis
        session.add(row)
    session.flush()


def forget(session: Session, reference: str) -> None:
    """Delete what tells a case's person again, and every hit that names the case. Needs no key."""
    session.exec(delete(BlindIndexRow).where(col(BlindIndexRow.reference) == reference))
    session.exec(delete(DuplicateHitRow).where(_names(reference)))
    session.flush()


def open_hits(database: Reader) -> list[DuplicateHitRow]:
    """The hits that nobody has settled, oldest first."""
    query = select(DuplicateHitRow).where(col(DuplicateHitRow.finding).is_(None)).order_by(col(DuplicateHitRow.hit))
    with database.reading() as connection, Session(bind=connection) as session:
        rows = list(session.exec(query))
        session.expunge_all()
        return rows


def mark_seen(database: Database, hits: Iterable[DuplicateHitRow], staff: str, at: datetime) -> None:
    """Who was the first to be shown these hits."""
    numbers = [row.hit for row in hits if row.seen_by is None]
    if not numbers:
        return
    with database.writing() as connection, Session(bind=connection) as session:
        unseen = select(DuplicateHitRow).where(
            col(DuplicateHitRow.hit).in_(numbers), col(DuplicateHitRow.seen_by).is_(None)
        )
        for row in session.exec(unseen):
            row.seen_by, row.seen_at = staff, _text(at)
            session.add(row)
        session.flush()


def settle(database: Database, hit: int, finding: Finding, staff: str, at: datetime) -> tuple[str, str]:
    """Write down what a person found; this pair of cases does not come again.

    Returns:
        The two cases.

    Raises:
        NotFound: there is no such hit.
        Refused: somebody has settled it already.
    """
    with database.writing() as connection, Session(bind=connection) as session:
        row = session.get(DuplicateHitRow, hit)
        if row is None:
            raise NotFound("there is no such hit: `safeconduct duplicates` lists the open ones")
        if row.finding is not None:
            raise Refused(f"{row.settled_by} has settled this hit already: {row.finding}")
        row.finding, row.settled_by, row.settled_at = finding, staff, _text(at)
        session.add(row)
        session.flush()
        return row.reference, row.other


def looked_since(database: Reader, staff: str, since: datetime) -> bool:
    """Whether somebody has looked through the hits since an instant."""
    query = select(ReadingRow.position).where(
        ReadingRow.staff == staff, ReadingRow.what == LOOKED, col(ReadingRow.at) >= _text(since)
    )
    with database.reading() as connection, Session(bind=connection) as session:
        return session.exec(query.limit(1)).first() is not None


def _alike(session: Session, digests: Digests) -> dict[str, Basis]:
    """The other cases that have one of these, each with the stronger reason."""
    query = select(BlindIndexRow.reference, BlindIndexRow.digest).where(col(BlindIndexRow.digest).in_(digests.sought))
    found = [(other, digests.sought[digest]) for other, digest in session.exec(query)]
    by_names = {other: basis for other, basis in found if basis is Basis.NAMES}
    return by_names | {other: basis for other, basis in found if basis is Basis.BIRTH_DATE}


def _hits_of(session: Session, reference: str) -> list[DuplicateHitRow]:
    return list(session.exec(select(DuplicateHitRow).where(_names(reference))))


def _names(reference: str) -> ColumnElement[bool]:
    return or_(col(DuplicateHitRow.reference) == reference, col(DuplicateHitRow.other) == reference)


def _one_at_a_time(session: Session) -> None:
    """Two who come at the same moment must find each other. SQLite lets one write after the other anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("LOCK TABLE blind_index IN SHARE ROW EXCLUSIVE MODE"))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
