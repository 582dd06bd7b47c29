"""The log: append, read, and the read models that are written in the same transaction.

Rules:
    1. The same event id answers with what is stored; the same id with other content is an error.
    2. A stream that is longer than the writer thought is not written: the stored tail is returned.
    3. A decision is written only if the case has not moved since it was taken, so consent is checked in the very
       transaction in which a contact is recorded.
    4. Each start of a stream takes a higher epoch; a writer with a lower one is refused.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from domain.cards import CaseCard, PhaseCard
from domain.case import case_stream, phase_of, reference_of
from domain.events import Event
from domain.facts import Frozen
from domain.room import DatesMoved, DutyCameDue, HistoryImported
from records.database import Database
from records.errors import ContentDiffers, StaleWriter, Unreadable
from records.keyring import Keys, Purpose, scope_of
from records.sealing import SealError

_HEADER = {"event_id", "stream", "version", "schema_version", "recorded_at"}
_SELECT = "SELECT event_id, stream, version, schema_version, key_id, recorded_at, body FROM event "
_INSERT = (
    "INSERT INTO event (event_id, stream, version, schema_version, key_id, recorded_at, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class Appended(Frozen):
    """The answer to an append.

    Attributes:
        tail: all events of the stream after the version the writer expected; among them, if it was written, its own.
        case_tail: all events of the case's own stream after the version the writer had seen.
    """

    tail: tuple[Event, ...]
    case_tail: tuple[Event, ...] = ()


class Opened(Frozen):
    """A stream as its writer finds it."""

    epoch: int
    events: tuple[Event, ...]
    case_events: tuple[Event, ...]
    unsent: tuple[UUID, ...]
    """Notices of this stream that were written and not yet sent."""


class Store:
    """The log in one database, its bodies sealed.

    Args:
        database: the records.
        keys: the keys for engine and log.
    """

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def open(self, stream: str) -> Opened:
        """Take a stream over: its events, and a writer epoch that shuts out every earlier writer."""
        with self._database.writing() as connection:
            epoch = _head(connection, stream)[1] + 1
            connection.exec_driver_sql(
                "INSERT INTO stream (stream, version, epoch) VALUES (?, 0, ?) "
                "ON CONFLICT (stream) DO UPDATE SET epoch = excluded.epoch",
                (stream, epoch),
            )
            own = case_stream(reference_of(stream))
            return Opened(
                epoch=epoch,
                events=self._read(connection, stream),
                case_events=self._read(connection, own) if own != stream else (),
                unsent=_unsent(connection, stream),
            )

    def append(
        self,
        stream: str,
        epoch: int,
        expected: int,
        events: Sequence[Event],
        *,
        case_seen: int | None = None,
        cards: Sequence[CaseCard | PhaseCard] = (),
    ) -> Appended:
        """Write events and their read models, or return what the writer did not know.

        Args:
            stream: the writer's stream.
            epoch: the writer's epoch.
            expected: the stream's version as the writer knows it.
            events: what is to be written; events of other streams must be those streams' first.
            case_seen: the version of the case's own stream that the decision rests on.
            cards: the read models as they stand after these events.

        Raises:
            StaleWriter: a newer run has taken the stream over.
            ContentDiffers: an event id is stored with other content.
            Unreachable: the database does not answer.
        """
        own = case_stream(reference_of(stream))
        with self._database.writing() as connection:
            version, newest = _head(connection, stream)
            if epoch < newest:
                raise StaleWriter("a newer run has taken this stream over")
            moved = case_seen is not None and _head(connection, own)[0] != case_seen
            if not self._stored(connection, events) and version == expected and not moved:
                self._write(connection, events)
                _project(connection, cards)
            return Appended(
                tail=self._read(connection, stream, after=expected),
                case_tail=self._read(connection, own, after=case_seen) if case_seen is not None else (),
            )

    def read(self, stream: str, after: int = 0) -> tuple[Event, ...]:
        """The events of a stream after a version."""
        with self._database.reading() as connection:
            return self._read(connection, stream, after=after)

    def read_case(self, reference: str) -> tuple[Event, ...]:
        """All events of a case, in the order of the log."""
        own = case_stream(reference)
        with self._database.reading() as connection:
            rows = connection.exec_driver_sql(
                _SELECT + "WHERE stream = ? OR (stream > ? AND stream < ?) ORDER BY position",
                (own, f"{own}/", f"{own}0"),
            )
            return tuple(self._event(tuple(row)) for row in rows)

    def mark_sent(self, notice: UUID, channel: str, at: datetime) -> None:
        """A notice has been delivered to a channel."""
        with self._database.writing() as connection:
            connection.exec_driver_sql(
                "UPDATE notice SET sent_at = ?, channel = ? WHERE notice_id = ?", (_text(at), channel, str(notice))
            )

    def urgency_if_unsent(self, notice: UUID) -> str | None:
        """The urgency of a notice that still has to be sent."""
        with self._database.reading() as connection:
            found = connection.exec_driver_sql(
                "SELECT urgency FROM notice WHERE notice_id = ? AND sent_at IS NULL", (str(notice),)
            ).first()
            return str(found[0]) if found is not None else None

    def _read(self, connection: Connection, stream: str, after: int | None = 0) -> tuple[Event, ...]:
        rows = connection.exec_driver_sql(
            _SELECT + "WHERE stream = ? AND version > ? ORDER BY version", (stream, after or 0)
        )
        return tuple(self._event(tuple(row)) for row in rows)

    def _stored(self, connection: Connection, events: Sequence[Event]) -> bool:
        """Whether these events are in the log already; all of one append are, or none."""
        marks = ", ".join("?" * len(events))
        rows = connection.exec_driver_sql(
            _SELECT + f"WHERE event_id IN ({marks})",
            tuple(str(event.event_id) for event in events),
        ).all()
        stored = {one.event_id: one for one in (self._event(tuple(row)) for row in rows)}
        if any(not _is_same(event, stored[event.event_id]) for event in events if event.event_id in stored):
            raise ContentDiffers("this event id is stored with other content")
        return bool(stored)

    def _write(self, connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            body = event.model_dump_json(exclude=_HEADER).encode()
            sealer = self._keys.sealer(scope_of(event.stream), Purpose.LOG)
            header = (
                str(event.event_id),
                event.stream,
                event.version,
                event.schema_version,
                sealer.key_id,
                _text(event.recorded_at),
            )
            connection.exec_driver_sql(_INSERT, (*header, sealer.seal(_place(event), body)))
            if (urgency := _urgency(event)) is not None:
                connection.exec_driver_sql(
                    "INSERT INTO notice (notice_id, stream, urgency, written_at) VALUES (?, ?, ?, ?)",
                    (str(event.event_id), event.stream, urgency, _text(event.recorded_at)),
                )
        for stream in dict.fromkeys(event.stream for event in events):
            connection.exec_driver_sql(
                "INSERT INTO stream (stream, version, epoch) VALUES (?, ?, 0) "
                "ON CONFLICT (stream) DO UPDATE SET version = excluded.version",
                (stream, max(event.version for event in events if event.stream == stream)),
            )

    def _event(self, row: tuple[object, ...]) -> Event:
        event_id, stream, version, schema_version, _, recorded_at, sealed = row
        assert isinstance(sealed, bytes)
        opener = self._keys.opener(scope_of(str(stream)), Purpose.LOG)
        try:
            body = opener.unseal(f"{stream}|{version}|{event_id}|{schema_version}|{recorded_at}", sealed)
        except SealError:
            raise Unreadable("an event of the log does not open: it was changed, or its key is another") from None
        header = (
            f'{{"event_id":"{event_id}","stream":"{stream}","version":{version},'
            f'"schema_version":{schema_version},"recorded_at":"{recorded_at}",'
        )
        return Event.model_validate_json(header.encode() + body[1:])


def _head(connection: Connection, stream: str) -> tuple[int, int]:
    found = connection.exec_driver_sql("SELECT version, epoch FROM stream WHERE stream = ?", (stream,)).first()
    return (found[0], found[1]) if found is not None else (0, 0)


def _urgency(event: Event) -> str | None:
    """How loudly an event must be told; ``None`` when it need not be."""
    if isinstance(event.fact, DutyCameDue):
        return str(event.fact.urgency)
    return "reminder" if isinstance(event.fact, DatesMoved) else None


def _is_same(event: Event, stored: Event) -> bool:
    """Whether what is stored is what is to be written. A command that is decided again may read another clock."""
    if event.stream != stored.stream or event.command_id != stored.command_id:
        return False
    again = event.command_id is not None or isinstance(event.fact, HistoryImported)
    return event.fact.kind == stored.fact.kind if again else event.fact == stored.fact


def _place(event: Event) -> str:
    """All of an event that stands in clear: a changed header does not open."""
    return f"{event.stream}|{event.version}|{event.event_id}|{event.schema_version}|{_text(event.recorded_at)}"


def _project(connection: Connection, cards: Iterable[CaseCard | PhaseCard]) -> None:
    for card in cards:
        if isinstance(card, CaseCard):
            _project_case(connection, card)
        else:
            _project_phase(connection, card)


def _project_case(connection: Connection, card: CaseCard) -> None:
    connection.exec_driver_sql(
        "INSERT OR REPLACE INTO case_card "
        "(reference, stage, country, coordinator, is_open, missing_for_entry, opened_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            card.reference,
            card.stage,
            card.country,
            card.coordinator,
            card.is_open,
            card.missing_for_entry,
            card.opened_on,
        ),
    )
    connection.exec_driver_sql("UPDATE phase_card SET is_open = 0 WHERE reference = ?", (card.reference,))
    for stream in card.streams:
        parts = phase_of(stream)
        assert parts is not None
        connection.exec_driver_sql(
            "INSERT INTO phase_card (stream, reference, phase, number, headline, is_open) "
            "VALUES (?, ?, ?, ?, 'begins', 1) ON CONFLICT (stream) DO UPDATE SET is_open = 1",
            (stream, card.reference, str(parts[0]), parts[1]),
        )
    connection.exec_driver_sql(
        "DELETE FROM duty_card WHERE reference = ? AND stream NOT IN "
        "(SELECT stream FROM phase_card WHERE reference = ? AND is_open = 1)",
        (card.reference, card.reference),
    )


def _project_phase(connection: Connection, card: PhaseCard) -> None:
    connection.exec_driver_sql(
        "INSERT OR REPLACE INTO phase_card (stream, reference, phase, number, country, headline, is_open) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (card.stream, card.reference, card.phase, card.number, card.country, card.headline, card.is_open),
    )
    connection.exec_driver_sql("DELETE FROM duty_card WHERE stream = ?", (card.stream,))
    if not card.is_open:
        return
    connection.exec_driver_sql(
        "INSERT INTO duty_card (stream, duty, reference, phase, title, due, bound, consequence, rule, doubt, "
        "emergency, level, fired_at, acknowledged, passed_over, next_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                card.stream,
                duty.duty,
                card.reference,
                card.phase,
                duty.title,
                _text(duty.due),
                duty.bound,
                duty.consequence,
                duty.rule,
                duty.doubt,
                duty.emergency,
                duty.level,
                _text(duty.fired_at) if duty.fired_at is not None else None,
                duty.acknowledged,
                duty.passed_over,
                _text(duty.next_at) if duty.next_at is not None else None,
            )
            for duty in card.duties
        ],
    )


def _unsent(connection: Connection, stream: str) -> tuple[UUID, ...]:
    rows = connection.exec_driver_sql(
        "SELECT notice_id FROM notice WHERE stream = ? AND sent_at IS NULL ORDER BY written_at", (stream,)
    )
    return tuple(UUID(row[0]) for row in rows)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
