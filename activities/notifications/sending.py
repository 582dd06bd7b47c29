"""The activity that sends one notice."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import contract
from activities.notifications.channel import Carrier, Channel, ChannelError, Lasting
from activities.notifications.telling import Telling
from records.store import Store

NO_CARRIERS: Mapping[str, Carrier] = MappingProxyType({})


class NoticeActivities:
    """Sends notices that were written with the events that cause them.

    Args:
        store: the records.
        channel: the installation's own: for who has nobody at the desk, and when nobody there can be reached.
        now: the worker's clock.
        carriers: the ways to people, by name.
    """

    def __init__(
        self,
        store: Store,
        channel: Channel,
        now: Callable[[], datetime],
        carriers: Mapping[str, Carrier] = NO_CARRIERS,
    ) -> None:
        self._telling = Telling(store, carriers, channel, now)

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.send_notice]

    @activity.defn(name=contract.SEND_NOTICE, no_thread_cancel_exception=True)
    def send_notice(self, notice: UUID) -> None:
        """Send a notice, unless it has been sent. Between sending and marking a crash can repeat it under the same id.

        Raises:
            ApplicationError: the channel will never take it; or it was not taken yet, with the time to wait.
            ChannelError: the installation's own channel may take it later.
        """
        info = activity.info()
        try:
            again = self._telling.tell(notice, info.attempt, info.workflow_id)
        except ChannelError as error:
            if error.lasting is Lasting.PERMANENT:
                raise ApplicationError(str(error), type="channel-permanent", non_retryable=True) from None
            if error.wait is not None:
                raise ApplicationError(str(error), type=contract.NOT_YET, next_retry_delay=error.wait) from None
            raise
        if again is not None:
            raise ApplicationError(
                "not brought to everybody yet",
                type=contract.NOT_YET,
                next_retry_delay=again,
                category=ApplicationErrorCategory.BENIGN,
            )
