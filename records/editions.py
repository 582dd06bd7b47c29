"""The editions of the law that this installation has applied. A row is written once and never changed."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import text

from domain.rulebook import Rulebook
from domain.rulebook.editions import Edition, Law
from records.database import Database, Reader
from records.projecting import instant

FIRST_BY = "engine"

_ALL = text("SELECT number, applied_at, applied_by, digest FROM edition ORDER BY number")
_CONTENT = text("SELECT content FROM edition WHERE number = :number")
_ADD = text(
    "INSERT INTO edition (number, applied_at, applied_by, digest, content) "
    "VALUES (:number, :applied_at, :applied_by, :digest, :content) ON CONFLICT (number) DO NOTHING"
)


def law_of(database: Reader, files: Rulebook) -> Law:
    """All editions; the files themselves where none has been applied yet.

    Raises:
        Unreachable: the records do not answer.
    """
    with database.reading() as connection:
        rows = connection.execute(_ALL).mappings().all()
    if not rows:
        return Law.of(files)
    ours = digest_of(files)
    same = {int(row["number"]) for row in rows if row["digest"] == ours}

    def content(number: int) -> Rulebook:
        if number in same:
            return files
        with database.reading() as connection:
            return Rulebook.model_validate_json(connection.execute(_CONTENT, {"number": number}).scalar_one())

    return Law([Edition.model_validate(dict(row)) for row in rows], content)


def latest(database: Reader) -> int | None:
    """The number of the latest edition; ``None`` where none has been applied yet."""
    with database.reading() as connection:
        found = connection.execute(text("SELECT max(number) FROM edition")).scalar_one_or_none()
    return int(found) if found is not None else None


def apply(database: Database, files: Rulebook, by: str, at: datetime) -> Law:
    """Make the files the latest edition, unless they are already. Two who do it at once make one.

    Raises:
        Unreachable: the records do not answer.
    """
    law = law_of(database, files)
    if law.editions and law.editions[-1].digest == digest_of(files):
        return law
    row = {
        "number": law.latest + 1,
        "applied_at": instant(at),
        "applied_by": by,
        "digest": digest_of(files),
        "content": files.model_dump_json(exclude_defaults=True),
    }
    with database.writing() as connection:
        connection.execute(_ADD, row)
    return law_of(database, files)


def keep_first(database: Database, files: Rulebook, at: datetime) -> Law:
    """See that there is an edition: the files as they are when an installation first starts.

    Raises:
        Unreachable: the records do not answer.
    """
    law = law_of(database, files)
    return law if law.editions else apply(database, files, FIRST_BY, at)


def digest_of(rulebook: Rulebook) -> str:
    """Names the content of a rulebook."""
    return sha256(rulebook.model_dump_json(exclude_defaults=True).encode()).hexdigest()
