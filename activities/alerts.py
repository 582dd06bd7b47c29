"""Who hears of an alert: the activity that makes every open case in a country look, and what a case then reads.

Whom an alert reaches is read from the records, never from the engine's lists, which lag behind and miss who arrives.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities import contract
from activities.contract import AlertNews, ReadAlerts, Spread
from domain.facts import Frozen
from domain.references import Phase, phase_stream
from domain.watching import empty_watch
from records.alerts import Members
from records.errors import Unreadable
from records.store import Store

PAGE = 100
"""Cases that are told side by side, and then noted as told: so many may be told once more after a crash."""

ANSWER = timedelta(seconds=5)
"""How long the engine may take for one of them: well below the silence after which a worker is given up."""

_log = logging.getLogger("safeconduct.alerts")


class Cursor(Frozen):
    """How far an alert has been spread: what a worker that dies leaves to the next.

    Attributes:
        after: the last reference of the last page that was told.
        failed: those of them that did not take it; they are told again in the end.
    """

    after: str = ""
    spread: Spread = Spread()
    failed: tuple[str, ...] = ()


class AlertActivities:
    """Alerts on their way from the watch of a country to the cases."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client
        self._members = Members(store.database)

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.read_alerts, self.spread_alert]

    @activity.defn(name=contract.READ_ALERTS)
    def read_alerts(self, wanted: ReadAlerts) -> AlertNews:
        """What a case has not recorded yet of the alerts of its country. Without a watch there is none."""
        watch = empty_watch(wanted.country)
        try:
            state = watch.plus(self._store.read(watch.stream)).state
        except Unreadable as error:
            # the case must not stand still for it, and looks again with the next thing that happens in it
            _log.error("the alerts of a country cannot be read: %s", error)
            return AlertNews(unreadable=True)
        new = (one for one in state.alerts.values() if one.id not in wanted.reached and one.reaches_arrivals(wanted.at))
        ended = (one for one in state.alerts.values() if one.id in wanted.held and one.ended_at is not None)
        return AlertNews(alerts=(*new, *ended))

    @activity.defn(name=contract.SPREAD_ALERT)
    async def spread_alert(self, country: str) -> Spread:
        """Make every open case in a country look at its alerts, page after page in the order of references.

        Raises:
            ApplicationError: some did not take it, or none of a page: they are told again.
        """
        found = activity.info().heartbeat_details
        cursor = Cursor.model_validate(found[0]) if found else Cursor()
        while page := await asyncio.to_thread(self._members.page, country, cursor.after, PAGE):
            cursor = await self._tell(page, cursor)
            cursor = cursor.model_copy(update={"after": page[-1]})
            activity.heartbeat(cursor)
        again, cursor = cursor.failed, cursor.model_copy(update={"failed": ()})
        for begins in range(0, len(again), PAGE):
            cursor = await self._tell(again[begins : begins + PAGE], cursor)
        activity.heartbeat(cursor)
        if cursor.failed:
            raise ApplicationError(f"{len(cursor.failed)} cases did not take an alert", type=contract.NOT_YET)
        return cursor.spread

    async def _tell(self, references: Sequence[str], cursor: Cursor) -> Cursor:
        """Tell some, side by side.

        Raises:
            ApplicationError: none of them took it: it is the engine that is ill.
        """
        answers = await asyncio.gather(*map(self._tell_one, references))
        if all(answer is None for answer in answers):
            raise ApplicationError("the engine takes no alerts", type=contract.NOT_YET)
        before = cursor.spread
        spread = Spread(told=before.told + answers.count(True), begin_later=before.begin_later + answers.count(False))
        failed = tuple(one for one, answer in zip(references, answers, strict=True) if answer is None)
        if failed:
            _log.warning("%s cases have not taken an alert yet: they are told again", len(failed))
        return cursor.model_copy(update={"spread": spread, "failed": (*cursor.failed, *failed)})

    async def _tell_one(self, reference: str) -> bool | None:
        """Whether a case was told. False if it does not run: it looks when it begins. ``None``: to be tried again."""
        stream = phase_stream(reference, Phase.SAFETY, 1)
        try:
            await self._client.get_workflow_handle(stream).signal("alert", rpc_timeout=ANSWER)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            return None
        return True
