"""What every channel is, what it may say, and how it answers.

There are two doors. A :class:`Channel` is the installation's own: one place, named by the settings, which also calls
operators. A :class:`Carrier` brings a message to one colleague's address; what it learned comes back as an
:class:`Answer`. Each carrier is one file of this folder: see :mod:`activities.notifications.registry`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from activities.notifications.sentences import ENGLISH
from domain.duties import Urgency

SENTENCES = ENGLISH
"""The whole text of a notice where nobody has said in which language. No case data: the same bytes for every case."""


class Outcome(StrEnum):
    """What came of one try."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    NEEDS_A_HUMAN = "needs-a-human"
    """No try will ever help before somebody has done something: solved a captcha, mended a password."""


class Lasting(StrEnum):
    """Whether trying again can help."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    NEEDS_A_HUMAN = "needs-a-human"


@dataclass(frozen=True)
class Answer:
    """What came of one try.

    Attributes:
        outcome: one of four.
        why: the channel and the kind of fault, in a few words; never an address, and nothing that the other side said.
        wait: how long the other side asks to be left alone, where it said so.
    """

    outcome: Outcome
    why: str = ""
    wait: timedelta | None = None


ACCEPTED = Answer(Outcome.ACCEPTED)


@dataclass(frozen=True)
class Message:
    """What is to be brought to somebody.

    Attributes:
        id: the same over all tries: by it the other side tells a repetition.
        text: one constant sentence.
    """

    id: UUID
    text: str


class Carrier(Protocol):
    """One way to reach a colleague."""

    name: str

    def deliver(self, address: str, message: Message) -> Answer:
        """Try once to bring a message to an address. Never raises: what went wrong is an answer."""


class ChannelError(Exception):
    """A channel did not take a notice. Its text names the channel and the kind of fault, never an address."""

    def __init__(self, message: str, lasting: Lasting, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.wait = wait


class Channel(Protocol):
    """The installation's own way to call somebody."""

    name: str

    def send(self, notice: UUID, urgency: Urgency) -> None:
        """Deliver a notice. The same notice may come again: its id is the key by which the other side knows it.

        Raises:
            ChannelError: it was not taken.
        """
