"""What is forgotten of an erased case beside the log, and what is kept.

Every table that names a case or its streams stands in one of the two lists; a test fails when a new one stands in
neither. Bodies of the log and of Temporal are not deleted here: their key is gone.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel, delete

from domain.references import case_stream
from records.database import Database, Reader
from records.generations import cut_off
from records.log import Statement

FORGOTTEN: Mapping[str, tuple[str, ...]] = {
    "case_card": ("reference",),
    "phase_card": ("stream",),
    "duty_card": ("stream",),
    "alert_card": ("stream",),
    "notice": ("stream",),
    "delivery": ("stream",),
    "identity": ("reference",),
    "note": ("reference",),
    "agreed_words": ("reference",),
    "check_in_link": ("reference",),
    "import_file": ("reference",),
    "blind_index": ("reference",),
    "duplicate_hit": ("reference", "other"),
}
"""Tables whose rows go, each with the columns by which a row is a case's."""

KEPT: Mapping[str, str] = {
    "event": "the log only grows: headers, and bodies that nothing opens",
    "stream": "the heads of the log, without which it could not be verified",
    "reading": "who has read of a case answers for it afterwards too: staff, the bare reference, what, when",
    "fence": "says that the case was erased, so that it never begins again",
}
"""Tables whose rows stay, each with why."""

_SHUT = (
    "UPDATE case_card SET is_open = ? WHERE reference = ?",
    "UPDATE phase_card SET is_open = ? WHERE reference = ? AND phase <> 'erasure'",
)
_SILENT = "DELETE FROM duty_card WHERE reference = ? AND phase <> 'erasure'"
_UNTOLD = "DELETE FROM notice WHERE sent_at IS NULL AND (stream = ? OR stream >= ? AND stream < ?)"


def shutting(reference: str) -> list[Statement]:
    """What is written with the fence: nothing of the case is open any more, no duty speaks, no notice goes out."""
    return [
        *(Statement(sql, [(False, reference)]) for sql in _SHUT),
        Statement(_SILENT, [(reference,)]),
        Statement(_UNTOLD, [_streams(reference)]),
    ]


def forget(database: Database, reference: str) -> dict[str, int]:
    """Delete all that stands of a case beside the log, whole or not at all; then nothing of it is left in the files.

    Returns:
        How many rows went, by table.

    Raises:
        Unreachable: the records do not answer, or are read for so long that nothing can be overwritten.
    """
    with database.writing() as connection:
        gone = {table: _delete(connection, table, columns, reference) for table, columns in FORGOTTEN.items()}
    cut_off(database)
    return gone


def is_noted(database: Reader, reference: str) -> bool:
    """Whether somebody stands in the vault under a reference. Whoever starts a case writes that first."""
    identity = SQLModel.metadata.tables["identity"].c["reference"]
    with database.reading() as connection:
        return connection.execute(select(identity).where(identity == reference)).first() is not None


def never_began(database: Reader) -> list[str]:
    """The references of all who stand in the vault, and have no case."""
    identity, case = (SQLModel.metadata.tables[name].c["reference"] for name in ("identity", "case_card"))
    query = select(identity).where(identity.not_in(select(case))).order_by(identity)
    with database.reading() as connection:
        return [str(row[0]) for row in connection.execute(query)]


def streams_of(database: Database, reference: str) -> list[str]:
    """The streams of a case: those in the log, and those of phases that were opened and have written nothing yet."""
    own, first, beyond = _streams(reference)
    found: set[str] = set()
    with database.reading() as connection:
        for name in ("stream", "phase_card"):
            stream = SQLModel.metadata.tables[name].c["stream"]
            within = select(stream).where(or_(stream == own, (stream >= first) & (stream < beyond)))
            found |= {str(row[0]) for row in connection.execute(within)}
    return sorted(found | {own})


def _delete(connection: Connection, name: str, columns: tuple[str, ...], reference: str) -> int:
    table = SQLModel.metadata.tables[name]
    own, first, beyond = _streams(reference)

    def is_the_cases(column: str) -> ColumnElement[bool]:
        found: Any = table.c[column]
        if column != "stream":
            return found == reference  # type: ignore[no-any-return]
        return or_(found == own, (found >= first) & (found < beyond))

    return connection.execute(delete(table).where(or_(*map(is_the_cases, columns)))).rowcount


def _streams(reference: str) -> tuple[str, str, str]:
    """The case's own stream, and between which two names those of its phases lie."""
    own = case_stream(reference)
    return own, f"{own}/", f"{own}0"
