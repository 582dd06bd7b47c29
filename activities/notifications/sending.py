"""The activity that sends one notice."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import contract, tracing
from activities.notifications.channel import Channel, ChannelError, Lasting
from domain.duties import Urgency
from records.store import Store


class NoticeActivities:
    """Sends notices that were written with the events that cause them."""

    def __init__(self, store: Store, channel: Channel, now: Callable[[], datetime]) -> None:
        self._store = store
        self._channel = channel
        self._now = now

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.send_notice]

    @activity.defn(name=contract.SEND_NOTICE, no_thread_cancel_exception=True)
    def send_notice(self, notice: UUID) -> None:
        """Send a notice, unless it has been sent. Between sending and marking a crash can repeat it under the same id.

        Raises:
            ApplicationError: the channel will never take it.
            ChannelError: it may take it later.
        """
        urgency = self._store.urgency_if_unsent(notice)
        if urgency is None:
            return
        try:
            with tracing.notice(notice, Urgency(urgency), self._channel.name, activity.info().workflow_id):
                self._channel.send(notice, Urgency(urgency))
        except ChannelError as error:
            if error.lasting is Lasting.PERMANENT:
                raise ApplicationError(str(error), type="channel-permanent", non_retryable=True) from None
            raise
        self._store.mark_sent(notice, self._channel.name, self._now())
