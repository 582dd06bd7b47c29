"""The log as the rest of the project sees it: events go in and come out, sealed in between.

Rules:
    1. The same event id answers with what is stored; the same id with other content is an error.
    2. A stream that is longer than the writer thought is not written: the stored tail is returned.
    3. A decision is written only if the case has not moved since it was taken, so consent is checked in the very
       transaction in which a contact is recorded.
    4. Each start of a stream takes a higher epoch; a writer with a lower one is refused.
    5. An erased case is fenced: its streams take no writer any more, and nothing of it can be read. The fence rests
       on what was seen of the case: whatever has come to it since keeps the fence off, in the very transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection, Row

from domain.cards import CaseCard, PhaseCard
from domain.events import Event, id_of_fence, is_a_persons
from domain.facts import Frozen
from domain.references import case_stream
from domain.room import HistoryImported
from domain.upcasting import FENCE_SCHEMA, event_from
from records import projecting
from records.database import Database
from records.errors import ContentDiffers, Unreachable, Unreadable
from records.keyring import scope_of
from records.keys import Keys, Purpose
from records.log import NO_KEY, Append, Entry, Statement, header_of
from records.projecting import instant
from records.sealing import Sealer, SealError, lengthened

HEADER = {"event_id", "stream", "version", "schema_version", "recorded_at"}
"""What of an event is not in its body."""

_COLUMNS = "event_id, stream, version, schema_version, key_id, recorded_at, body"
_TAIL = text(f"SELECT {_COLUMNS} FROM event WHERE stream = :stream AND version > :after ORDER BY version")  # noqa: S608
_CASE = text(
    f"SELECT {_COLUMNS} FROM event WHERE stream = :own OR stream >= :first AND stream < :beyond "  # noqa: S608
    "ORDER BY position"
)
_BY_ID = text(f"SELECT {_COLUMNS} FROM event WHERE event_id IN :ids").bindparams(  # noqa: S608
    bindparam("ids", expanding=True)
)
_FENCE = "INSERT INTO fence (reference, fenced_at) VALUES (?, ?) ON CONFLICT (reference) DO NOTHING"
_UNSENT = text("SELECT notice_id FROM notice WHERE stream = :stream AND sent_at IS NULL ORDER BY written_at")
_SENT = text("UPDATE notice SET sent_at = :at, channel = :channel WHERE notice_id = :notice")


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
        self._log = database.log
        self._keys = keys

    @property
    def database(self) -> Database:
        """The records that hold this log."""
        return self._database

    @property
    def keys(self) -> Keys:
        """The keys for engine and log."""
        return self._keys

    def open(self, stream: str) -> Opened:
        """Take a stream over: its events, and a writer epoch that shuts out every earlier writer.

        Raises:
            Fenced: the case was erased.
            Unreachable: the database does not answer.
        """
        own = scope_of(stream)
        epoch = self._log.take_over(stream, own)
        with self._database.reading() as connection:
            return Opened(
                epoch=epoch,
                events=self._read(connection, stream),
                case_events=self._read(connection, own) if own != stream else (),
                unsent=tuple(UUID(row[0]) for row in connection.execute(_UNSENT, {"stream": stream})),
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
            Fenced: the case was erased.
            StaleWriter: a newer run has taken the stream over.
            ContentDiffers: an event id is stored with other content.
            Unreachable: the database does not answer.
        """
        own = scope_of(stream)
        beside = [*projecting.notices(events), *projecting.cards(cards)]
        wanted = Append(stream, epoch, expected, own, case_seen, self._sealed(events), beside)
        if self._log.append(wanted):
            return Appended(
                tail=tuple(event for event in events if event.stream == stream),
                case_tail=tuple(event for event in events if event.stream == own) if case_seen is not None else (),
            )
        with self._database.reading() as connection:
            is_stored = self._is_stored(connection, events)
            answer = Appended(
                tail=self._read(connection, stream, expected),
                case_tail=self._read(connection, own, case_seen) if case_seen is not None else (),
            )
        if not (is_stored or answer.tail or answer.case_tail):
            # the writer would learn nothing from that, and try for ever
            raise Unreachable("the records did not take this: it does not follow what is stored")
        return answer

    def fence(self, reference: str, at: datetime, beside: Sequence[Statement] = (), *, seen: int | None = None) -> bool:
        """Shut a case for ever: an entry without a body. What is fenced already stays as it is.

        Args:
            beside: what is written in the same transaction.
            seen: the version of the case's own stream that this rests on: a hold may have come after it.

        Returns:
            Whether the case is fenced. If not, it has moved on since it was seen.

        Raises:
            Unreachable: the database does not answer.
        """
        own, stamp = case_stream(reference), instant(at)
        entry = Entry(str(id_of_fence(own)), own, 0, FENCE_SCHEMA, NO_KEY, stamp, b"")
        return self._log.fence(entry, [Statement(_FENCE, [(reference, stamp)]), *beside], seen)

    def read(self, stream: str, after: int = 0) -> tuple[Event, ...]:
        """The events of a stream after a version."""
        with self._database.reading() as connection:
            return self._read(connection, stream, after)

    def read_case(self, reference: str) -> tuple[Event, ...]:
        """All events of a case, in the order of the log."""
        with self._database.reading() as connection:
            return self._read_case(connection, reference)

    def read_cases(self, references: Sequence[str]) -> Iterator[tuple[str, tuple[Event, ...] | None]]:
        """All events of many cases, for who goes through them; ``None`` of a case that does not open."""
        self._keys.read_all(Purpose.LOG, [case_stream(reference) for reference in references])
        with self._database.reading() as connection:
            for reference in references:
                try:
                    events = self._read_case(connection, reference)
                except Unreadable:
                    events = None
                yield reference, events

    def mark_sent(self, notice: UUID, channel: str, at: datetime) -> None:
        """A notice has been delivered to a channel."""
        with self._database.writing() as connection:
            connection.execute(_SENT, {"at": instant(at), "channel": channel, "notice": str(notice)})

    def _sealed(self, events: Sequence[Event]) -> list[Entry]:
        entries = []
        for event in events:
            sealer = self._keys.sealer(scope_of(event.stream), Purpose.LOG)
            bare = Entry(
                str(event.event_id),
                event.stream,
                event.version,
                event.schema_version,
                sealer.key_id,
                instant(event.recorded_at),
                b"",
            )
            body = event.model_dump_json(exclude=HEADER).encode()
            entries.append(bare._replace(body=sealer.seal(header_of(bare), lengthened(body))))
        return entries

    def _read_case(self, connection: Connection, reference: str) -> tuple[Event, ...]:
        own = case_stream(reference)
        return tuple(self._events(connection.execute(_CASE, {"own": own, "first": f"{own}/", "beyond": f"{own}0"})))

    def _read(self, connection: Connection, stream: str, after: int = 0) -> tuple[Event, ...]:
        return tuple(self._events(connection.execute(_TAIL, {"stream": stream, "after": after})))

    def _events(self, rows: Iterable[Row[tuple[object, ...]]]) -> Iterator[Event]:
        """Open what was read. A fence holds no event."""
        openers: dict[str, Sealer] = {}
        for row in rows:
            entry = Entry._make(row)
            if entry.key_id == NO_KEY and not entry.body:
                continue
            if entry.stream not in openers:
                openers[entry.stream] = self._keys.opener(scope_of(entry.stream), Purpose.LOG)
            yield self._event(entry, openers[entry.stream])

    def _event(self, entry: Entry, opener: Sealer) -> Event:
        try:
            body = opener.unseal(header_of(entry), entry.body)
        except SealError:
            raise Unreadable("an event of the log does not open: it was changed, or its key is another") from None
        return event_from(
            {
                "event_id": entry.event_id,
                "stream": entry.stream,
                "version": entry.version,
                "recorded_at": entry.recorded_at,
            },
            entry.schema_version,
            body,
        )

    def _is_stored(self, connection: Connection, events: Sequence[Event]) -> bool:
        """Whether these events are in the log already; all of one append are, or none.

        Raises:
            ContentDiffers: an event id is stored with other content.
        """
        if not events:  # cards alone; PostgreSQL takes no empty list for one of texts
            return False
        rows = connection.execute(_BY_ID, {"ids": [str(event.event_id) for event in events]})
        stored = {one.event_id: one for one in self._events(rows)}
        if any(not _is_same(event, stored[event.event_id]) for event in events if event.event_id in stored):
            raise ContentDiffers("this event id is stored with other content")
        return bool(stored)


def _is_same(event: Event, stored: Event) -> bool:
    """Whether what is stored is what is to be written.

    A command that is decided again may read another clock: so of what the engine adds to it the kind must be the same.
    """
    if event.stream != stored.stream or event.command_id != stored.command_id:
        return False
    follows = event.command_id is not None and not is_a_persons(event.fact)
    if follows or isinstance(event.fact, HistoryImported):
        return event.fact.kind == stored.fact.kind
    return (event.fact, event.actor, event.occurred) == (stored.fact, stored.actor, stored.occurred)
