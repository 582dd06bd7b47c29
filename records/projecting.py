"""Read models and notices as statements: what is written beside an append, and by whoever makes them anew.

They hold references, stages, countries, coordinators and dates. No name stands in them.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from domain.cards import CaseCard, DutyCard, PhaseCard
from domain.country import WATCH
from domain.erasing import ERASURE
from domain.events import Event
from domain.references import Phase, phase_of
from domain.room import DIGEST, DatesMoved, DutyCameDue
from records.log import Statement

CARDS = ("case_card", "phase_card", "duty_card", "alert_card")
"""The read models: all that lists are made of."""


def _upsert(table: str, key: str, columns: Sequence[str]) -> str:
    moved = ", ".join(f"{column} = excluded.{column}" for column in columns)
    marks = ", ".join("?" * (len(columns) + 1))
    return (
        f"INSERT INTO {table} ({key}, {', '.join(columns)}) VALUES ({marks}) "  # noqa: S608 - our own words alone
        f"ON CONFLICT ({key}) DO UPDATE SET {moved}"
    )


_CASE = _upsert(
    "case_card",
    "reference",
    ("stage", "country", "coordinator", "is_open", "missing_for_entry", "opened_on", "erase_by", "held_until"),
)
_PHASE = _upsert("phase_card", "stream", ("reference", "phase", "number", "country", "headline", "is_open"))
_SHUT = "UPDATE phase_card SET is_open = ? WHERE reference = ? AND phase <> 'erasure'"
_BEGINS = (
    "INSERT INTO phase_card (stream, reference, phase, number, headline, is_open) VALUES (?, ?, ?, ?, 'begins', ?) "
    "ON CONFLICT (stream) DO UPDATE SET is_open = excluded.is_open"
)
_LEFT = (
    # what calls though its path is closed has no next rung: it stays until its phase says otherwise
    "DELETE FROM duty_card WHERE reference = ? AND NOT (emergency = ? AND calls IS NOT NULL AND next_at IS NULL) "
    "AND stream NOT IN (SELECT stream FROM phase_card WHERE reference = ? AND is_open = ?)"
)
_NO_DUTIES = "DELETE FROM duty_card WHERE stream = ?"
_DUTY = (
    "INSERT INTO duty_card (stream, duty, reference, phase, title, due, bound, consequence, rule, doubt, "
    "emergency, level, fired_at, acknowledged, passed_over, next_at, calls, country) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT country FROM case_card WHERE reference = ?))"
)
_NO_ALERTS = "DELETE FROM alert_card WHERE stream = ?"
_ALERT = "INSERT INTO alert_card (stream, alert, reference, reached_at, waits) VALUES (?, ?, ?, ?, ?)"
_HAS_MOVED = "UPDATE duty_card SET country = ? WHERE reference = ? AND coalesce(country, '') <> ?"
_NOTICE = "INSERT INTO notice (notice_id, stream, urgency, written_at) VALUES (?, ?, ?, ?)"


def cards(shown: Iterable[CaseCard | PhaseCard]) -> list[Statement]:
    """What puts cards where lists read them: each statement once, with the rows of all cards that need it."""
    rows: dict[str, list[Sequence[object]]] = {}
    for card in shown:
        for sql, more in _case(card) if isinstance(card, CaseCard) else _phase(card):
            rows.setdefault(sql, []).extend(more)
    return [Statement(sql, found) for sql, found in rows.items()]


def nothing_of(references: Iterable[str]) -> list[Statement]:
    """What takes all cards of cases away; that of an erasure, or of a country's watch, is not the case's own."""
    rows = [(reference,) for reference in references]
    own = dict.fromkeys(("phase_card", "duty_card"), f" AND phase NOT IN ('{ERASURE}', '{WATCH}')")
    return [
        Statement(f"DELETE FROM {table} WHERE reference = ?{own.get(table, '')}", rows)  # noqa: S608
        for table in CARDS
    ]


def notices(events: Iterable[Event]) -> list[Statement]:
    """What writes down that these events must be told."""
    rows = [
        (str(event.event_id), event.stream, urgency, instant(event.recorded_at))
        for event in events
        if (urgency := urgency_of(event)) is not None
    ]
    return [Statement(_NOTICE, rows)] if rows else []


def urgency_of(event: Event) -> str | None:
    """How loudly an event must be told; ``None`` when it need not be."""
    if isinstance(event.fact, DutyCameDue):
        return str(event.fact.urgency)
    return "reminder" if isinstance(event.fact, DatesMoved) else None


def instant(moment: datetime) -> str:
    """An instant as the tables hold it: in UTC, so that it sorts alike in every database."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _case(card: CaseCard) -> list[Statement]:
    reference = card.reference
    row = (
        reference,
        card.stage,
        card.country,
        card.coordinator,
        card.is_open,
        card.missing_for_entry,
        card.opened_on,
        str(card.erase_by) if card.erase_by is not None else None,
        str(card.held_until) if card.held_until is not None else None,
    )
    opened = [(stream, reference, *_parts(stream), True) for stream in card.streams]
    return [
        Statement(_CASE, [row]),
        Statement(_SHUT, [(False, reference)]),
        Statement(_BEGINS, opened),
        Statement(_LEFT, [(reference, True, reference, True)]),
        Statement(_HAS_MOVED, [(card.country, reference, card.country or "")]),
    ]


def _parts(stream: str) -> tuple[str, int]:
    parts = phase_of(stream)
    assert parts is not None
    return str(parts[0]), parts[1]


def _phase(card: PhaseCard) -> list[Statement]:
    row = (card.stream, card.reference, card.phase, card.number, card.country, card.headline, card.is_open)
    duties = [_duty(card, duty) for duty in card.duties]
    written = [Statement(_PHASE, [row]), Statement(_NO_DUTIES, [(card.stream,)]), Statement(_DUTY, duties)]
    return [*written, *_alerts(card)] if card.phase == Phase.SAFETY else written


def _alerts(card: PhaseCard) -> list[Statement]:
    held = [
        (card.stream, str(one.alert), card.reference, instant(one.reached_at), one.waits)
        for one in card.alerts
        if card.is_open
    ]
    return [Statement(_NO_ALERTS, [(card.stream,)]), Statement(_ALERT, held)]


def _duty(card: PhaseCard, duty: DutyCard) -> tuple[object, ...]:
    return (
        card.stream,
        duty.duty,
        card.reference,
        card.phase,
        duty.title,
        instant(duty.due),
        duty.bound,
        duty.consequence,
        duty.rule,
        duty.doubt,
        duty.emergency,
        duty.level,
        instant(duty.fired_at) if duty.fired_at is not None else None,
        duty.acknowledged,
        duty.passed_over,
        instant(duty.next_at) if duty.next_at is not None else None,
        calls(duty),
        card.reference,
    )


def calls(duty: DutyCard) -> int | None:
    """Its place in what needs a human now: it has fired, or an import left it to be checked; and nobody took it."""
    if duty.acknowledged or (duty.level is None and duty.duty != DIGEST):
        return None
    return 0 if duty.emergency else 1
