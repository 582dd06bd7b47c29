"""What the records know of alerts: who is in a country, whom an alert has reached, and who has not answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text

from records.database import Reader

_MEMBERS = text(
    "SELECT reference FROM case_card WHERE is_open = :open AND country = :country AND reference > :after "
    "ORDER BY reference LIMIT :limit"
)
_NUMBER = text("SELECT count(*) FROM case_card WHERE is_open = :open AND country = :country")
_REACHED = text("SELECT alert, count(*) FROM alert_card WHERE alert IN :alerts GROUP BY alert").bindparams(
    bindparam("alerts", expanding=True)
)
_REACHED_THERE = text(
    "SELECT count(*) FROM alert_card JOIN case_card ON case_card.reference = alert_card.reference "
    "WHERE alert = :alert AND is_open = :open AND country = :country"
)
_WAITING = text(
    "SELECT alert, alert_card.reference, coordinator, reached_at FROM alert_card "
    "JOIN case_card ON case_card.reference = alert_card.reference "
    "WHERE alert IN :alerts AND waits = :waits ORDER BY reached_at, alert_card.reference"
).bindparams(bindparam("alerts", expanding=True))


@dataclass(frozen=True)
class Unanswered:
    """A case that was asked for a sign of safety, and has given none.

    Attributes:
        since: when the alert reached it.
    """

    alert: str
    reference: str
    coordinator: str | None
    since: str


class Members:
    """The open cases of a country, and what alerts have become of them."""

    def __init__(self, database: Reader) -> None:
        self._database = database

    def page(self, country: str, after: str, limit: int) -> list[str]:
        """The next references of a country, in their order: so that a reader can go on where another one ended."""
        wanted = {"open": True, "country": country, "after": after, "limit": limit}
        return [str(row[0]) for row in self._rows(_MEMBERS, wanted)]

    def number(self, country: str) -> int:
        """How many open cases are in a country."""
        return int(self._rows(_NUMBER, {"open": True, "country": country})[0][0])

    def reached(self, alerts: Sequence[UUID]) -> dict[UUID, int]:
        """How many open cases hold each of these alerts; without those that nobody holds."""
        if not alerts:
            return {}
        return {UUID(alert): int(number) for alert, number in self._rows(_REACHED, {"alerts": list(map(str, alerts))})}

    def reached_there(self, alert: UUID, country: str) -> int:
        """How many of the open cases that are in a country hold an alert."""
        return int(self._rows(_REACHED_THERE, {"alert": str(alert), "open": True, "country": country})[0][0])

    def unanswered(self, alerts: Sequence[UUID]) -> list[Unanswered]:
        """Who has not answered these alerts, the longest first."""
        if not alerts:
            return []
        rows = self._rows(_WAITING, {"alerts": list(map(str, alerts)), "waits": True})
        return [Unanswered(*row) for row in rows]

    def _rows(self, query: Any, wanted: dict[str, object]) -> Sequence[Any]:
        with self._database.reading() as connection:
            return connection.execute(query, wanted).all()
