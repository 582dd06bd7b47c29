"""Who has read what of whom."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from records.database import Database, Reader
from records.models import ReadingRow

EVERYBODY = "*"
"""In place of a reference: a list of all cases, or a search through them."""


def log_readings(database: Database, staff: str, what: str, references: Iterable[str], at: datetime) -> None:
    """Write readings down, before anything is shown.

    Args:
        staff: who reads.
        what: identity, notes, words, link, timeline, list, search, status, simulation, correction, engine or
            duplicates.
        references: of whom.
    """
    stamp = at.astimezone(UTC).isoformat(timespec="seconds")
    with database.writing() as connection, Session(bind=connection) as session:
        session.add_all(ReadingRow(staff=staff, reference=one, what=what, at=stamp) for one in references)
        session.flush()


def readings_of(database: Reader, reference: str) -> list[ReadingRow]:
    """Who has read of a case, oldest first; lists and searches over all cases among them."""
    wanted = select(ReadingRow).where(col(ReadingRow.reference).in_([reference, EVERYBODY]))
    with database.reading() as connection, Session(bind=connection) as session:
        rows = list(session.exec(wanted.order_by(col(ReadingRow.position))))
        session.expunge_all()
        return rows
