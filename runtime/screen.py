"""What coordinators see: tables and chronologies. Names are opened by the caller, for those who may see them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from domain.country import WATCH
from domain.duties import Level
from domain.erasing import ERASURE, is_erasure
from domain.events import Corrected, Event
from domain.forecast import Line
from domain.room import DatesMoved, DutyCameDue, HistoryImported, LawChanged, MovedDate
from domain.watching import is_watch
from records.board import Listed, Need
from records.models import DuplicateHitRow, DutyRow, NoticeRow, PhaseRow, ReadingRow
from records.readings import EVERYBODY

NameOf = Callable[[str], str]
"""The nickname of a reference."""


def console() -> Console:
    """Of the terminal that is there; without one, wide enough for the tables and without colours."""
    probe = Console(highlight=False)
    return probe if probe.is_terminal else Console(highlight=False, width=160)


def plain_table(title: str, *columns: str) -> Table:
    """A table without colours, as every list here is."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def day(instant: str | datetime | None) -> str:
    """An instant for a list: its day, and the hour in UTC if it isn't midnight."""
    if instant is None:
        return ""
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%d %H:%M}"


def distance(instant: str, now: datetime) -> str:
    """How far away an instant is, in the words of a list."""
    seconds = (datetime.fromisoformat(instant) - now).total_seconds()
    days, hours = int(abs(seconds) // 86400), int(abs(seconds) // 3600)
    amount = f"{days} d" if days else f"{hours} h"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"


def phase_of_stream(stream: str) -> str:
    if is_erasure(stream):
        return ERASURE
    if is_watch(stream):
        return WATCH
    return stream.split("/", 2)[2] if stream.count("/") > 1 else "path"


def needs_table(needs: Sequence[Need], name_of: NameOf, now: datetime) -> Table:
    """What needs a human now, and why."""
    table = plain_table("What needs a human now", "Due", "", "Case", "Phase", "Why", "Who")
    for need in needs:
        duty = need.duty
        style = "bold red" if duty.emergency else ("red" if need.is_overdue else "yellow")
        table.add_row(
            day(duty.due),
            distance(duty.due, now),
            f"{duty.reference} {escape(name_of(duty.reference))}",
            phase_of_stream(duty.stream),
            escape(why(duty)),
            need.coordinator or "nobody",
            style=style,
        )
    return table


def why(duty: DutyRow) -> str:
    """What must happen, what a miss costs, and what is not sure about it."""
    cost = "" if duty.consequence in ("none", "silence", "unknown") else f" ({duty.consequence.replace('-', ' ')})"
    doubt = f" - doubt: {duty.doubt}" if duty.doubt else ""
    return f"{duty.title}{cost}{doubt}"


def cases_table(listed: Sequence[Listed], name_of: NameOf) -> Table:
    """The list of cases."""
    table = plain_table("Cases", "Case", "Nickname", "Stage", "Country", "Who", "Next date", "What")
    for one in listed:
        case = one.case
        table.add_row(
            case.reference,
            escape(name_of(case.reference)),
            case.stage,
            case.country or "",
            case.coordinator or "nobody",
            day(one.due),
            escape(one.title or ""),
        )
    return table


def phases_table(phases: Sequence[PhaseRow]) -> Table:
    """Where the phases of a case stand."""
    table = plain_table("Phases", "Phase", "Country", "Stands at")
    for phase in phases:
        state = phase.headline if phase.is_open else f"{phase.headline} (over)"
        table.add_row(
            f"{phase.phase}/{phase.number}", phase.country or "", state, style=None if phase.is_open else "dim"
        )
    return table


def duties_table(duties: Sequence[DutyRow], name_of: NameOf, now: datetime, title: str = "Duties") -> Table:
    """Duties with their ids, as `acknowledged` needs them."""
    table = plain_table(title, "Due", "", "Case", "Phase", "Duty", "What", "State", "Rule")
    for duty in duties:
        table.add_row(
            day(duty.due),
            distance(duty.due, now),
            f"{duty.reference} {escape(name_of(duty.reference))}",
            phase_of_stream(duty.stream),
            duty.duty,
            escape(why(duty)),
            _state(duty, now),
            duty.rule or "",
        )
    return table


def _state(duty: DutyRow, now: datetime) -> str:
    if duty.passed_over:
        return "past at import"
    if duty.acknowledged:
        return "taken in hand"
    if duty.level is not None:
        return f"{duty.level}: needs a human"
    return "overdue" if datetime.fromisoformat(duty.due) <= now else "to come"


def timeline_table(events: Iterable[Event], note_of: Callable[[Event], str | None]) -> Table:
    """What happened, in the order of the story."""
    table = plain_table("Timeline", "When", "Phase", "What", "Who", "Event")
    corrected = {event.fact.event for event in events if isinstance(event.fact, Corrected)}
    for event in sorted(events, key=lambda one: (one.occurred.instant, one.recorded_at)):
        said = note_of(event)
        table.add_row(
            str(event.occurred),
            phase_of_stream(event.stream),
            escape(what(event) + (f"\n“{said}”" if said else "")),
            event.actor,
            str(event.event_id)[:8],
            style="dim strike" if event.event_id in corrected else None,
        )
    return table


def what(event: Event) -> str:
    """An event in a few words."""
    fact = event.fact
    match fact:
        case DutyCameDue():
            return f"{fact.level}: {fact.title} (due {day(fact.due)})"
        case HistoryImported():
            return f"history imported, {len(fact.past)} duties already past: to be checked by a person"
        case DatesMoved():
            return f"dates moved: {_moved(fact.moved)}"
        case LawChanged():
            moved = _moved(fact.moved) or "no date moves"
            return f"law-changed to edition {fact.edition}, applied by {fact.applied_by}: {moved}"
        case _:
            shown = fact.model_dump(mode="json", exclude={"kind", "source", "stream"}, exclude_none=True)
            words = ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in shown.items())
            aside = f" [outside the path: {event.outside_path}]" if event.outside_path else ""
            return f"{fact.kind}{': ' + words if words else ''}{aside}"


def _moved(moved: Iterable[MovedDate]) -> str:
    return ", ".join(f"{one.duty} {day(one.before) or 'none'} -> {day(one.after) or 'none'}" for one in moved)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_plain(part) for part in value.values())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value) or "none"
    return str(value)


ESCALATIONS_SHOWN = 3
"""Of one ladder in a chronology: then it goes on in the same steps, which nobody needs to read one by one."""


def forecast_table(lines: Sequence[Line], title: str) -> Table:
    """A chronology of what would happen."""
    table = plain_table(title, "When", "Phase", "What", "Rule", "Doubt", "Notice")
    seen: Counter[tuple[str, str, datetime]] = Counter()
    for line in lines:
        fact, more = line.event.fact, ""
        if isinstance(fact, DutyCameDue) and fact.level is Level.ESCALATION:
            ladder = (line.event.stream, fact.duty, fact.due)
            seen[ladder] += 1
            if seen[ladder] > ESCALATIONS_SHOWN:
                continue
            more = "; and so on until somebody takes it in hand" if seen[ladder] == ESCALATIONS_SHOWN else ""
        table.add_row(
            str(line.event.occurred),
            phase_of_stream(line.event.stream),
            escape(what(line.event) + more),
            line.rule or "",
            escape(line.doubt),
            str(getattr(line.event.fact, "urgency", "")) if line.notice else "",
        )
    return table


def notices_table(notices: Sequence[NoticeRow]) -> Table:
    """The latest notices. They name no case, and neither does this list."""
    table = plain_table("Notices", "Written", "Urgency", "Sent", "Channel")
    for notice in notices:
        table.add_row(day(notice.written_at), notice.urgency, day(notice.sent_at) or "not yet", notice.channel or "")
    return table


def readings_table(found: Iterable[ReadingRow]) -> Table:
    """Who has read of a case."""
    table = plain_table("Readings", "When", "Who", "What", "Of")
    for row in found:
        table.add_row(day(row.at), row.staff, row.what, "all cases" if row.reference == EVERYBODY else row.reference)
    return table


def hits_table(hits: Iterable[DuplicateHitRow], name_of: NameOf) -> Table:
    """Cases that may be one person, for those who may see that."""
    table = plain_table("May be the same person", "Hit", "Found", "Case", "Earlier case", "Alike by", "First seen by")
    for row in hits:
        cases = (f"{one} {escape(name_of(one))}" for one in (row.reference, row.other))
        table.add_row(str(row.hit), day(row.found_at), *cases, row.basis, row.seen_by or "")
    return table
