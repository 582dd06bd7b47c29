"""What every channel is, and how it fails."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.duties import Urgency

SENTENCES = {
    Urgency.REMINDER: "Safeconduct: something is due soon. Please look at the list of what needs a human.",
    Urgency.ALARM: "Safeconduct: something is due now. Please look at the list of what needs a human.",
    Urgency.EMERGENCY: "Safeconduct: an emergency. Please look at the list of what needs a human at once.",
    Urgency.OPERATOR: "Safeconduct: the engine needs an operator. Until somebody looks, dates may pass in silence.",
}
"""The whole text of a notice. It holds no case data: the same bytes for every case."""


class Lasting(StrEnum):
    """Whether trying again can help."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"


class ChannelError(Exception):
    """A channel did not take a notice. Its text names the channel and the kind of fault, never an address."""

    def __init__(self, message: str, lasting: Lasting) -> None:
        super().__init__(message)
        self.lasting = lasting


class Channel(Protocol):
    """One way to reach staff."""

    name: str

    def send(self, notice: UUID, urgency: Urgency) -> None:
        """Deliver a notice. The same notice may come again: its id is the key by which the other side knows it.

        Raises:
            ChannelError: it was not taken.
        """
