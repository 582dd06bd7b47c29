"""The channel of a first look: a line on the terminal where the worker runs."""

from uuid import UUID

from activities.notifications.channel import SENTENCES
from domain.duties import Urgency


class Terminal:
    """Prints the sentence. For ``make demo``, and for whoever has set no other channel."""

    name = "terminal"

    def send(self, notice: UUID, urgency: Urgency) -> None:
        """Print one line; nothing can fail that a retry would mend."""
        del notice
        print(SENTENCES[urgency], flush=True)
