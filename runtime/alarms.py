"""When the watchdog speaks: once when something begins, again at growing intervals while it lasts, never each round.

Rules:
    1. A line for each thing that is wrong, once; it comes again with each repeated notice.
    2. A notice when a cause begins; another when something new joins it, or when it lasts. Never two within
       ``SOONEST``, so that many cases that go wrong one by one do not deafen whoever is called.
    3. What comes and goes again and again is one episode: it is forgotten only after its cause's calm.
    4. A notice that could not be sent is owed, under the same id, even when its cause is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import inf
from uuid import UUID, uuid5

from runtime.clocks import Moment

REPEATS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""After how long a cause that lasts is told again; the last repeats for ever. Shorter annoys, longer forgets."""

SOONEST = timedelta(minutes=5)
"""Between two notices of one cause. Shorter lets a hundred dates of one morning ring a hundred times."""

SHOWN = 20
"""Lines of one cause in one round: a lost engine would fill the log with every stream there is."""

_NAMESPACE = UUID("6f1f7b8e-3f0c-5b57-9a53-0d1f4b2f7c11")


class Cause(StrEnum):
    """What can be wrong."""

    ENGINE = "engine"
    RECORDS = "records"
    DISK = "disk"
    UNFIRED = "unfired"
    MISSING = "missing"


_IN_A_ROW = {Cause.ENGINE: 2, Cause.RECORDS: 2}
"""In how many rounds a cause must be seen before it is one: an engine that is started again is silent for a moment."""

_CALM = {Cause.MISSING: timedelta(minutes=10)}
"""How long a cause must be gone to be over. A workflow that ends a moment after each start is missing now and then."""

_OVER = {
    Cause.ENGINE: "the engine answers again",
    Cause.RECORDS: "the records can be read again",
    Cause.UNFIRED: "every duty that was past due has been told, or is done",
    Cause.MISSING: "no open stream has been without its workflow for a while",
}


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong.

    Attributes:
        item: which of its cause's; the same item is told once.
        line: for the watchdog's log. References, titles and dates; never a name.
    """

    item: str
    line: str


@dataclass
class Episode:
    """One cause, from the first trouble until nothing of it is left."""

    cause: Cause
    began: Moment
    seen: dict[str, float] = field(default_factory=dict)
    notices: int = 0
    last: float = -inf
    due: float = -inf

    def take_in(self, troubles: Sequence[Trouble], moment: Moment) -> Sequence[Trouble]:
        """Remember what was seen; what of it is told now."""
        new = [trouble for trouble in troubles if trouble.item not in self.seen]
        calm = _CALM.get(self.cause, timedelta()).total_seconds()
        self.seen |= {trouble.item: moment.awake for trouble in troubles}
        self.seen = {item: at for item, at in self.seen.items() if moment.awake - at <= calm}
        if new:
            self.due = min(self.due, self.last + SOONEST.total_seconds())
        return troubles if troubles and moment.awake >= self.due else new

    def sounds(self, moment: Moment) -> UUID:
        """The id of the notice that goes out now; the next is due after a longer while."""
        pause = REPEATS[min(self.notices, len(REPEATS) - 1)]
        self.last, self.due = moment.awake, moment.awake + pause.total_seconds()
        self.notices += 1
        return uuid5(_NAMESPACE, f"{self.cause}|{self.began.wall.isoformat()}|{self.notices}")


class Alarms:
    """All that is wrong now, and the notices that are owed for it."""

    def __init__(self) -> None:
        self._episodes: dict[Cause, Episode] = {}
        self._in_a_row: dict[Cause, int] = {}
        self.owed: dict[UUID, Cause] = {}

    def look(self, cause: Cause, troubles: Sequence[Trouble], moment: Moment) -> list[str]:
        """Take in all that one round has seen of a cause; a cause that could not be looked at is left out.

        Returns:
            The lines to say.
        """
        self._in_a_row[cause] = self._in_a_row.get(cause, 0) + 1 if troubles else 0
        episode = self._episodes.get(cause)
        if episode is None:
            if self._in_a_row[cause] < _IN_A_ROW.get(cause, 1):
                return []
            episode = self._episodes[cause] = Episode(cause, moment)
        told = episode.take_in(troubles, moment)
        if told and moment.awake >= episode.due:
            notice = episode.sounds(moment)
            if cause not in self.owed.values():
                self.owed[notice] = cause
        lines = [trouble.line for trouble in told[:SHOWN]]
        if len(told) > SHOWN:
            lines.append(f"and {len(told) - SHOWN} more like this")
        if not episode.seen:
            del self._episodes[cause]
            lines.append(_OVER[cause])
        return lines
