"""The steps of an erasure, and the daily look at what must be erased.

Each step can be done again: whoever goes on after a crash begins with the first that is not recorded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from sqlmodel import Session, col, or_, select
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import contract
from activities.contract import (
    CaseSeen,
    Certificate,
    FenceRequest,
    LookAtCase,
    RetentionRound,
    StepAnswer,
    StepRequest,
)
from activities.executions import Executions
from domain.case import Path
from domain.erasing import ERASURE, empty_erasure, erasure_stream
from domain.erasure import WARNINGS, Count
from domain.references import case_stream
from domain.stream import Ledger
from records.certificates import certify, content_of
from records.errors import Unreadable
from records.forgetting import forget, is_noted, shutting, streams_of
from records.models import CaseRow, PhaseRow
from records.signing import signing_key
from records.store import Store

Wake = Callable[[str], Awaitable[object]]
"""Sees that an erasure's workflow runs, and lets it look at its case."""


class ErasingActivities:
    """What an erasure does to records, keyring and engine.

    Args:
        store: the records.
        client: the engine.
        wake: for erasures whose date comes near.
        backup_days: how long backups are kept, if somebody has said so.
    """

    def __init__(self, store: Store, client: Client, wake: Wake, backup_days: int | None = None) -> None:
        self._store = store
        self._client = client
        self._wake = wake
        self._backup_days = backup_days

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [
            self.look_at_case,
            self.fence_case,
            self.end_workflows,
            self.destroy_key,
            self.forget_records,
            self.delete_histories,
            self.certify,
            self.retention_round,
        ]

    @activity.defn(name=contract.LOOK_AT_CASE)
    def look_at_case(self, wanted: LookAtCase) -> CaseSeen:
        """What an erasure must know of its case, and no more."""
        return self._seen(wanted.reference, wanted.today)[0]

    def _seen(self, reference: str, today: date) -> tuple[CaseSeen, int | None]:
        """What is to be seen of a case, and in which version of its own stream; ``None`` where nothing opens it."""
        stream = case_stream(reference)
        try:
            ledger = Ledger.empty(stream, Path(stream=stream)).plus(self._store.read(stream))
        except Unreadable:
            return CaseSeen(), None
        path, hold = ledger.state, ledger.state.held(today)
        began = path.began or is_noted(self._store.database, reference)
        seen = CaseSeen(began=began, erase_by=path.erase_by, holds=(hold,) if hold is not None else ())
        return seen, ledger.version

    @activity.defn(name=contract.FENCE_CASE, no_thread_cancel_exception=True)
    def fence_case(self, wanted: FenceRequest) -> StepAnswer:
        """From here on nothing is written to the case, no duty of it speaks, and nothing of it is started again.

        Raises:
            ApplicationError: never to be tried again: the case has moved on since it was seen, as when a hold came.
        """
        seen, version = self._seen(wanted.reference, wanted.today)
        beside = shutting(wanted.reference)
        if seen != wanted.seen or not self._store.fence(wanted.reference, wanted.at, beside, seen=version):
            raise ApplicationError(
                "the case has moved on: look at it again",
                type=contract.CASE_MOVED,
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,
            )
        return StepAnswer()

    @activity.defn(name=contract.END_WORKFLOWS)
    async def end_workflows(self, wanted: StepRequest) -> StepAnswer:
        """Let every workflow of the case end: a key that is destroyed under one would wedge it."""
        finished, terminated = await (await self._executions(wanted)).end()
        return _counted(("workflows finished", finished), ("workflows terminated", terminated))

    @activity.defn(name=contract.DESTROY_KEY, no_thread_cancel_exception=True)
    def destroy_key(self, wanted: StepRequest) -> StepAnswer:
        """Destroy the case's keys in the keyring, and in this process. The others drop it in a quarter of a minute."""
        keys, scope = self._store.keys, case_stream(wanted.reference)
        keys.keyring.destroy(scope)
        keys.forget(scope)
        return StepAnswer()

    @activity.defn(name=contract.FORGET_RECORDS, no_thread_cancel_exception=True)
    def forget_records(self, wanted: StepRequest) -> StepAnswer:
        """Delete identity, notes, cards, notices and whatever else stands of the case beside the log."""
        gone = forget(self._store.database, wanted.reference)
        return _counted(*((f"rows of {table}", number) for table, number in gone.items() if number))

    @activity.defn(name=contract.DELETE_HISTORIES)
    async def delete_histories(self, wanted: StepRequest) -> StepAnswer:
        """Delete every run in the engine. Its timers stay queued there: see ``runtime.engine_queues``."""
        return _counted(("runs of workflows", await (await self._executions(wanted)).delete()))

    @activity.defn(name=contract.CERTIFY, no_thread_cancel_exception=True)
    def certify(self, wanted: StepRequest) -> Certificate:
        """Say what was done, signed by the installation."""
        stream = erasure_stream(wanted.reference)
        erasure = empty_erasure(wanted.reference).plus(self._store.read(stream)).state
        return Certificate(text=certify(content_of(erasure, self._backup_days), signing_key(self._store.keys)))

    @activity.defn(name=contract.RETENTION_ROUND)
    async def retention_round(self, wanted: RetentionRound) -> int:
        """Wake the erasures of closed cases whose date comes near, and those that wait: holds may have changed."""
        found = await asyncio.to_thread(self._near, wanted.today)
        for reference in found:
            await self._wake(erasure_stream(reference))
            activity.heartbeat()
        return len(found)

    def _near(self, today: date) -> list[str]:
        soon = str(today + WARNINGS[0])
        unheld = or_(col(CaseRow.held_until).is_(None), col(CaseRow.held_until) <= soon)
        due = select(CaseRow.reference).where(col(CaseRow.erase_by) <= soon, unheld)
        waiting = select(PhaseRow.reference).where(PhaseRow.phase == ERASURE, col(PhaseRow.is_open).is_(True))
        with self._store.database.reading() as connection, Session(bind=connection) as session:
            return sorted({*session.exec(due), *session.exec(waiting)})

    async def _executions(self, wanted: StepRequest) -> Executions:
        streams = await asyncio.to_thread(streams_of, self._store.database, wanted.reference)
        return Executions(self._client, wanted.reference, streams, activity.heartbeat)


def _counted(*counts: tuple[str, int]) -> StepAnswer:
    return StepAnswer(counts=tuple(Count(what=what, number=number) for what, number in counts))
