"""A channel of whoever is called."""

from uuid import UUID

from domain.duties import Urgency


class Calls:
    """A channel that keeps what it was given, or takes nothing."""

    name = "calls"

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.sent: list[tuple[UUID, Urgency]] = []

    def send(self, notice: UUID, urgency: Urgency) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append((notice, urgency))
