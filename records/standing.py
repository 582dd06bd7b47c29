"""Whether keyring and records belong together, so that an installation may start on them.

Each check looks once into each file. Whoever adds one adds it to ``CHECKS``.
"""

from collections.abc import Callable

from sqlmodel import Session, col, select

from domain.errors import Refused
from domain.references import case_stream
from records.database import Reader
from records.fences import fenced_references
from records.keyring import Keyring, Role
from records.models import CaseRow, IdentityRow

NAMED = 5
"""So many cases a refusal names; the others it counts."""


def must_be_able_to_start(database: Reader, keyring: Keyring) -> None:
    """
    Raises:
        Refused: keyring and records do not belong together; it says what to put back.
        Unreachable: one of the two does not answer.
    """
    for check in CHECKS:
        check(database, keyring)


def open_cases_must_have_their_keys(database: Reader, keyring: Keyring) -> None:
    """
    Raises:
        Refused: there are open cases that nothing here opens.
    """
    there = {generation.number for generation in keyring.generations.all()}
    keys, locked = keyring.held(there), keyring.locked()
    lacking = [
        reference
        for reference, has_identity in _open_cases(database)
        if (case_stream(reference), Role.WORK) not in keys
        or (has_identity and case_stream(reference) not in locked and (case_stream(reference), Role.VAULT) not in keys)
    ]
    if lacking or keyring.generation() not in there:
        raise Refused(_refusal(lacking))


def _open_cases(database: Reader) -> list[tuple[str, bool]]:
    """The open cases that nobody is erasing, and whether the vault says who they are."""
    query = (
        select(CaseRow.reference, IdentityRow.reference)
        .join(IdentityRow, col(IdentityRow.reference) == col(CaseRow.reference), isouter=True)
        .where(col(CaseRow.is_open).is_(True))
        .order_by(col(CaseRow.reference))
    )
    fenced = fenced_references(database)
    with database.reading() as connection, Session(bind=connection) as session:
        return [(case, known is not None) for case, known in session.exec(query) if case not in fenced]


def _refusal(lacking: list[str]) -> str:
    what_to_do = "put back the keyring.db and the records.db that belong together, from one backup"
    if not lacking:
        return f"keyring and records do not belong together: {what_to_do}"
    named = ", ".join(lacking[:NAMED]) + (f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else "")
    cases = "1 open case lacks its" if len(lacking) == 1 else f"{len(lacking)} open cases lack their"
    return f"{cases} keys ({named}): {what_to_do}"


CHECKS: tuple[Callable[[Reader, Keyring], None], ...] = (open_cases_must_have_their_keys,)
"""What is looked at before a start, in this order."""
