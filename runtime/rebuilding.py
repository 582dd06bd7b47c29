"""Makes the read models anew from the log, while workers go on writing.

Some cases at a time are folded without any lock. Then appends to them wait for a moment: what has moved meanwhile is
folded once more, and the new cards take the place of the old ones, whole for each case. Broken off, it begins again.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection

from domain.cards import CaseCard, PhaseCard, case_card, phase_card
from domain.erasing import empty_erasure, erasure_card
from domain.events import Event
from domain.references import Phase, case_stream, phase_stream, reference_of
from domain.rulebook.editions import Lawbook
from domain.watching import country_of, empty_watch, is_watch, watch_card
from records import projecting
from records.database import Database
from records.log import FENCE_EPOCH, write_beside
from records.store import Store
from runtime.cases import story_of

AT_ONCE = 100
"""Cases whose appends wait together: for some hundredths of a second."""

Progress = Callable[[int, int], None]
"""Is told how many cases are done, and of how many."""

_CASES = text(
    "SELECT stream FROM stream WHERE stream LIKE 'case/%' AND stream NOT LIKE 'case/%/%' AND version > 0 "
    "AND epoch < :fence ORDER BY stream"
)
_BESIDE = text(
    "SELECT stream FROM stream WHERE (stream LIKE 'erasure/%' OR stream LIKE 'country/%') AND version > 0 "
    "ORDER BY stream"
)
_FENCED = text("SELECT stream FROM stream WHERE stream IN :owns AND epoch >= :fence").bindparams(
    bindparam("owns", expanding=True)
)
_MOVED = text("SELECT DISTINCT stream FROM event WHERE position > :position")
_LAST = text("SELECT coalesce(max(position), 0) FROM event")
_SHOWN = text(
    "SELECT reference FROM case_card UNION SELECT reference FROM phase_card UNION SELECT reference FROM duty_card"
)


def rebuild(database: Database, store: Store, law: Lawbook, now: Callable[[], datetime], progress: Progress) -> int:
    """Make all cards anew; returns of how many cases.

    Raises:
        Unreadable: a case does not open: its key is gone, or the log was changed.
        Unreachable: the database does not answer.
    """
    with database.reading() as connection:
        references = [reference_of(row[0]) for row in connection.execute(_CASES, {"fence": FENCE_EPOCH})]
    for done, some in _portions(references):
        with database.reading() as connection:
            position = _last(connection)
        folded = dict(_folded(store, some, law, now()))
        with database.writing() as connection:
            database.log.hold(connection, [case_stream(one) for one in some])
            living = set(some) - _fenced(connection, some)
            moved = {reference_of(row[0]) for row in connection.execute(_MOVED, {"position": position})}
            late = [one for one in some if one in living and (one in moved or one not in folded)]
            folded |= {one: cards_of(store.read_case(one), one, law, now()) for one in late}
            write_beside(connection, projecting.nothing_of(some))
            write_beside(connection, projecting.cards(card for one in some if one in living for card in folded[one]))
        progress(done, len(references))
    _take_away_what_no_log_knows(database, set(references))
    _beside_anew(database, store, now)
    return len(references)


def cards_of(events: tuple[Event, ...], reference: str, law: Lawbook, now: datetime) -> list[CaseCard | PhaseCard]:
    """All cards of a case, from its events alone."""
    story = story_of(events, reference, law)
    found: list[CaseCard | PhaseCard] = [case_card(story.path)]
    for one in story.path.state.rounds:
        stream = phase_stream(reference, one.phase, one.number)
        ledger, may_call = story.ledger(stream), one.ended is None or one.phase is Phase.SAFETY
        duties = ledger.state.duties(story.path.state, story.rules(stream)) if may_call else ()
        found.append(phase_card(ledger, duties, now, is_open=one.ended is None))
    return found


def _folded(
    store: Store, some: Sequence[str], law: Lawbook, now: datetime
) -> Iterator[tuple[str, list[CaseCard | PhaseCard]]]:
    """The cards of cases, without those that do not open: such a one may just have been erased."""
    for one, events in store.read_cases(some):
        if events is not None:
            yield one, cards_of(events, one, law, now)


def _fenced(connection: Connection, some: Sequence[str]) -> set[str]:
    """Which of these cases have been erased meanwhile."""
    owns = [case_stream(one) for one in some]
    return {reference_of(row[0]) for row in connection.execute(_FENCED, {"owns": owns, "fence": FENCE_EPOCH})}


def _portions(references: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    for begins in range(0, len(references), AT_ONCE):
        some = references[begins : begins + AT_ONCE]
        yield begins + len(some), some


def _last(connection: Connection) -> int:
    return int(connection.execute(_LAST).scalar_one())


def _take_away_what_no_log_knows(database: Database, known: set[str]) -> None:
    """Cards of cases that the log does not hold, or no longer: but not of one that has begun meanwhile."""
    with database.writing() as connection:
        shown = {row[0] for row in connection.execute(_SHOWN)}
        begun = {reference_of(row[0]) for row in connection.execute(_CASES, {"fence": FENCE_EPOCH})}
        write_beside(connection, projecting.nothing_of(sorted(shown - known - begun)))


def _beside_anew(database: Database, store: Store, now: Callable[[], datetime]) -> None:
    """The cards of erasures, of erased cases too, and of countries. There are few; each is folded under its lock."""
    with database.reading() as connection:
        streams = [row[0] for row in connection.execute(_BESIDE)]
    for stream in streams:
        with database.writing() as connection:
            database.log.hold(connection, [stream])
            events = store.read(stream)
            if is_watch(stream):
                card = watch_card(empty_watch(country_of(stream)).plus(events), now())
            else:
                card = erasure_card(empty_erasure(reference_of(stream)).plus(events), now())
            write_beside(connection, projecting.cards([card]))
