"""Fences: the cases that take nothing any more, because they are erased; and their keys, should these come back."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from domain.case import case_stream
from records.database import Reader
from records.keyring import Keyring
from records.models import FenceRow

LONGEST_ERASURE = timedelta(days=1)
"""So long a case may be fenced and still have its keys: its workflows are ended first. After that nobody is at it."""


def fenced_references(database: Reader) -> set[str]:
    """The cases that are erased, or are being erased."""
    with database.reading() as connection, Session(bind=connection) as session:
        return set(session.exec(select(FenceRow.reference)))


def keys_that_came_back(database: Reader, keyring: Keyring, moment: datetime) -> list[str]:
    """The references of erased cases that have keys all the same: somebody put an old keyring back.

    A case whose erasure is under way still has its keys, and is left to it.
    """
    has_keys = keyring.scopes()
    with database.reading() as connection, Session(bind=connection) as session:
        fences = session.exec(select(FenceRow).order_by(FenceRow.reference)).all()
        over = [fence.reference for fence in fences if _is_over(fence, moment)]
    return [reference for reference in over if case_stream(reference) in has_keys]


def _is_over(fence: FenceRow, moment: datetime) -> bool:
    if fence.keys_destroyed_at is not None:
        return True
    return moment - datetime.fromisoformat(fence.fenced_at) >= LONGEST_ERASURE
