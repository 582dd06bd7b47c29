"""To whom a notice goes, and how far it has got: so that a try goes on where the last one ended, whoever makes it.

Addressees are written down before the first try, so that all tries of a notice mean the same people; and so is which
reminders are tried in one message, so that it is the same message at each try.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection

from domain.duties import Urgency
from domain.references import reference_of
from records.database import Database
from records.projecting import instant

UNREACHABLE = "unreachable"
"""In place of a channel: none of this person's will ever take it."""

OWN = "the own channel"
"""In place of a person: the installation's own channel. Nobody's sign-in name has a space."""

_NOTICE = text(
    "SELECT notice.stream, notice.urgency FROM notice WHERE notice.notice_id = :notice AND notice.sent_at IS NULL"
)
_COORDINATOR = text("SELECT coordinator FROM case_card WHERE reference = :reference")
_TO = text("SELECT addressee, batch, channel, sent_at FROM delivery WHERE notice_id = :notice ORDER BY addressee")
_ADD = text(
    "INSERT INTO delivery (notice_id, addressee, stream) VALUES (:notice, :addressee, :stream) "
    "ON CONFLICT (notice_id, addressee) DO NOTHING"
)
_DROP = text("DELETE FROM delivery WHERE notice_id = :notice AND addressee = :addressee AND sent_at IS NULL")
_WAITING = text(
    "SELECT delivery.notice_id, delivery.batch FROM delivery JOIN notice ON notice.notice_id = delivery.notice_id "
    "WHERE delivery.addressee = :addressee AND delivery.channel IS NULL AND notice.urgency = 'reminder' "
    "AND notice.sent_at IS NULL"
)
_TOGETHER = text(
    "UPDATE delivery SET batch = :batch "
    "WHERE addressee = :addressee AND channel IS NULL AND batch IS NULL AND notice_id IN :notices"
).bindparams(bindparam("notices", expanding=True))
_LOST = text(
    "SELECT notice.notice_id, notice.stream, delivery.addressee "
    "FROM notice JOIN delivery ON delivery.notice_id = notice.notice_id "
    "WHERE notice.urgency = 'reminder' AND notice.sent_at IS NULL AND NOT EXISTS "
    "(SELECT 1 FROM delivery AS other WHERE other.notice_id = notice.notice_id "
    "AND (other.channel IS NULL OR other.channel <> :unreachable))"
)
_ENDED = text(
    "UPDATE delivery SET channel = :channel, sent_at = :at "
    "WHERE addressee = :addressee AND channel IS NULL AND notice_id IN :notices"
).bindparams(bindparam("notices", expanding=True))
_DONE = text(
    "UPDATE notice SET sent_at = :at, channel = :channel WHERE notice_id = :notice AND sent_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.notice_id = notice.notice_id AND delivery.channel IS NULL) "
    "AND EXISTS (SELECT 1 FROM delivery WHERE delivery.notice_id = notice.notice_id AND delivery.sent_at IS NOT NULL)"
)


@dataclass(frozen=True)
class Unsent:
    """A notice that still has to be sent.

    Attributes:
        coordinator: who is responsible for its case.
    """

    stream: str
    urgency: Urgency
    coordinator: str | None


@dataclass(frozen=True)
class Delivery:
    """What has become of a notice for one addressee.

    Attributes:
        batch: the message in which it was tried with others, if it was.
    """

    addressee: str
    batch: str | None
    channel: str | None
    sent_at: str | None

    @property
    def waits(self) -> bool:
        return self.channel is None


@dataclass(frozen=True)
class Batch:
    """What somebody is told in one message.

    Attributes:
        message: its id, the same over all tries.
        notices: those that it stands for.
    """

    message: UUID
    notices: Sequence[str]


class Deliveries:
    """The deliveries of all notices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unsent(self, notice: UUID) -> Unsent | None:
        """A notice, unless it was sent or its case is erased."""
        with self._database.reading() as connection:
            found = connection.execute(_NOTICE, {"notice": str(notice)}).first()
            if found is None:
                return None
            stream, urgency = str(found[0]), Urgency(found[1])
            whose = connection.execute(_COORDINATOR, {"reference": reference_of(stream)}).first()
            return Unsent(stream, urgency, whose[0] if whose is not None else None)

    def to(self, notice: UUID) -> list[Delivery]:
        """To whom a notice goes, as far as that has been decided."""
        with self._database.reading() as connection:
            return [Delivery(*row) for row in connection.execute(_TO, {"notice": str(notice)})]

    def add(self, notice: UUID, stream: str, addressees: Iterable[str]) -> None:
        """Decide that a notice goes to these too."""
        rows = [{"notice": str(notice), "stream": stream, "addressee": name} for name in addressees]
        with self._database.writing() as connection:
            connection.execute(_ADD, rows)

    def give_way(self, desk: Collection[str]) -> None:
        """All reminders that reached none of those they were for go to the others; if to nobody, by the own channel.

        Args:
            desk: the names of all who are there.
        """
        with self._database.writing() as connection:
            lost: dict[tuple[str, str], set[str]] = {}
            for notice, stream, addressee in connection.execute(_LOST, {"unreachable": UNREACHABLE}):
                lost.setdefault((notice, stream), set()).add(addressee)
            for (notice, stream), tried in lost.items():
                others = set(desk) - tried or {OWN}
                rows = [{"notice": notice, "stream": stream, "addressee": name} for name in sorted(others)]
                connection.execute(_ADD, rows)

    def drop(self, notice: UUID, addressee: str) -> None:
        """Somebody has left the desk before the notice reached them, or come to it before the own channel took it."""
        with self._database.writing() as connection:
            connection.execute(_DROP, {"notice": str(notice), "addressee": addressee})

    def batch(self, notice: UUID, addressee: str, message: UUID) -> Batch | None:
        """The next message to somebody for whom a reminder waits, whether it stands for this one yet or not.

        What was tried together stays together, whoever tries it again; what has come since waits until that is through.

        Args:
            message: its id, if nothing was tried yet: then it stands for all reminders, of whatever case, that wait.

        Returns:
            Nothing if this notice waits no more.
        """
        with self._database.writing() as connection:
            waiting = _waiting(connection, addressee)
            if str(notice) not in waiting:
                return None
            if not any(waiting.values()):
                given = {"batch": str(message), "addressee": addressee, "notices": list(waiting)}
                connection.execute(_TOGETHER, given)
                waiting = _waiting(connection, addressee)  # another worker may have been first
            batch = waiting[str(notice)] or min(filter(None, waiting.values()))
            return Batch(UUID(batch), [one for one, its in waiting.items() if its == batch])

    def sent(self, notices: Sequence[str], addressee: str, channel: str, at: datetime) -> None:
        """Somebody has got these notices, in one message; those that have reached everybody are sent."""
        self._end(notices, {"addressee": addressee, "channel": channel, "at": instant(at)}, channel, at)

    def unreachable(self, notices: Sequence[str], addressee: str, at: datetime) -> None:
        """No channel of somebody will ever take these notices; those that have reached all others are sent."""
        self._end(notices, {"addressee": addressee, "channel": UNREACHABLE, "at": None}, "partly", at)

    def _end(self, notices: Sequence[str], delivery: Mapping[str, str | None], channel: str, at: datetime) -> None:
        """They wait no more for somebody; those that wait for nobody now are done, if they have reached anybody."""
        with self._database.writing() as connection:
            connection.execute(_ENDED, {**delivery, "notices": list(notices)})
            for notice in notices:
                connection.execute(_DONE, {"notice": notice, "channel": channel, "at": instant(at)})


def _waiting(connection: Connection, addressee: str) -> dict[str, str | None]:
    """The reminders that wait for somebody, each with the message in which it was tried."""
    rows = connection.execute(_WAITING, {"addressee": addressee})
    return {str(notice): batch for notice, batch in rows}
