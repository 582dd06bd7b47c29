"""Fences: the cases that take nothing any more, because they are erased; and their keys, should these come back."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from domain.references import case_stream, reference_of
from records.database import Reader
from records.keyring import Keyring
from records.log import FENCE_EPOCH
from records.models import FenceRow, StreamRow

LONGEST_ERASURE = timedelta(days=1)
"""So long a case may be fenced and still have its keys: its workflows are ended first. After that nobody is at it."""


def fenced_references(database: Reader) -> set[str]:
    """The cases that are erased, or are being erased."""
    with database.reading() as connection, Session(bind=connection) as session:
        return set(session.exec(select(FenceRow.reference)))


def keys_that_came_back(database: Reader, keyring: Keyring, moment: datetime) -> list[str]:
    """The references of erased cases that have keys all the same: somebody put an old keyring back.

    A case whose erasure is under way still has its keys, and is left to it. The log decides: a fence that stands in the
    table alone, because somebody wrote it there, destroys nothing.
    """
    has_keys = keyring.scopes()
    with database.reading() as connection, Session(bind=connection) as session:
        fences = session.exec(select(FenceRow).order_by(FenceRow.reference)).all()
        over = [case_stream(fence.reference) for fence in fences if _is_over(fence, moment)]
        found = [stream for stream in over if stream in has_keys]
        shut = select(StreamRow.stream).where(col(StreamRow.stream).in_(found), col(StreamRow.epoch) >= FENCE_EPOCH)
        in_the_log = set(session.exec(shut))
    return [reference_of(stream) for stream in found if stream in in_the_log]


def _is_over(fence: FenceRow, moment: datetime) -> bool:
    if fence.keys_destroyed_at is not None:
        return True
    return moment - datetime.fromisoformat(fence.fenced_at) >= LONGEST_ERASURE
