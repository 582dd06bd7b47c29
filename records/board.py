"""What lists read: cases, duties, notices, and what needs a human now. Never a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, SQLModel, col, func, or_, select

from domain.erasing import ERASURE
from domain.references import case_stream
from domain.room import DIGEST
from records.database import Reader
from records.models import CaseRow, DutyRow, FenceRow, NoticeRow, PhaseRow

SHOWN = 50
"""Rows of a list that a person reads at once; how many there are in all is said beside."""


@dataclass(frozen=True)
class Need:
    """Something that needs a human now, with whose it is."""

    duty: DutyRow
    coordinator: str | None
    is_overdue: bool


@dataclass(frozen=True)
class Wanted:
    """Which cases a list shows.

    Attributes:
        stage: only those at it.
        country: only those in it.
        overdue_at: only those with a duty that was past due then, and that nobody had taken in hand.
    """

    stage: str | None = None
    country: str | None = None
    overdue_at: datetime | None = None


ALL_CASES = Wanted()


@dataclass(frozen=True)
class Listed:
    """A case as a list shows it.

    Attributes:
        due: its next date, if there is one.
        title: what is due then.
    """

    case: CaseRow
    due: str | None
    title: str | None


class Board:
    """Read-model queries."""

    def __init__(self, database: Reader) -> None:
        self._database = database

    def needs_a_human(self, now: datetime, limit: int | None = SHOWN) -> list[Need]:
        """Fired and not taken in hand, and what an import left to be checked; emergencies first, then the oldest."""
        query = (
            select(DutyRow, CaseRow.coordinator)
            # an erasure outlives the card of its case, and still needs humans
            .join(CaseRow, col(CaseRow.reference) == col(DutyRow.reference), isouter=True)
            .where(col(DutyRow.calls).is_not(None))
            .order_by(col(DutyRow.calls), col(DutyRow.due), col(DutyRow.stream))
            .limit(limit)
        )
        return [Need(duty, who, duty.due <= text(now)) for duty, who in self._all(query)]

    def need(self, stream: str, duty: str) -> DutyRow | None:
        """A duty, if it needs a human now."""
        wanted = (DutyRow.stream == stream, DutyRow.duty == duty, col(DutyRow.calls).is_not(None))
        return next(iter(self._all(select(DutyRow).where(*wanted))), None)

    def number_of_needs(self) -> int:
        """How much needs a human in all."""
        return self._count(col(DutyRow.calls).is_not(None))

    def cases(self, wanted: Wanted = ALL_CASES) -> list[CaseRow]:
        """The cases, oldest first."""
        return list(self._all(select(CaseRow).where(*_which_cases(wanted)).order_by(*_CASES_ORDER)))

    def list_cases(self, now: datetime, wanted: Wanted = ALL_CASES, limit: int | None = SHOWN) -> list[Listed]:
        """The same, each with its next date: one question for all of them."""
        due, title = (_of_the_next_duty(column, now) for column in (DutyRow.due, DutyRow.title))
        query = select(CaseRow, due, title).where(*_which_cases(wanted))
        return [Listed(*row) for row in self._all(query.order_by(*_CASES_ORDER).limit(limit))]

    def number_of_cases(self, wanted: Wanted = ALL_CASES) -> int:
        """How many there are in all."""
        return self._count(*_which_cases(wanted), of=CaseRow)

    def cases_of(self, coordinator: str) -> list[str]:
        """The references of the open cases that a staff member is responsible for."""
        query = select(CaseRow.reference).where(CaseRow.coordinator == coordinator, col(CaseRow.is_open).is_(True))
        return list(self._all(query))

    def case(self, reference: str) -> CaseRow | None:
        found = self._all(select(CaseRow).where(CaseRow.reference == reference))
        return found[0] if found else None

    def fenced_at(self, reference: str) -> datetime | None:
        """When a case was fenced to be erased; ``None`` while it lives."""
        found = self._all(select(FenceRow.fenced_at).where(FenceRow.reference == reference))
        return datetime.fromisoformat(found[0]) if found else None

    def erasures(self) -> list[PhaseRow]:
        """The erasures of all cases, those that are over among them."""
        return list(self._all(select(PhaseRow).where(PhaseRow.phase == ERASURE).order_by(col(PhaseRow.stream))))

    def phases(self, reference: str) -> list[PhaseRow]:
        """The rounds of a case's phases, open or ended."""
        query = select(PhaseRow).where(PhaseRow.reference == reference).order_by(col(PhaseRow.stream))
        return list(self._all(query))

    def duties(
        self,
        reference: str | None = None,
        *,
        country: str | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[DutyRow]:
        """The duties of one case or of all, by the country where the case is, soonest first."""
        query = select(DutyRow).where(*_which(reference, country, until))
        return list(self._all(query.order_by(col(DutyRow.due), col(DutyRow.stream)).limit(limit)))

    def number_of_duties(self, *, country: str | None = None, until: datetime | None = None) -> int:
        """How many there are in all."""
        return self._count(*_which(None, country, until))

    def next_duty(self, reference: str, now: datetime) -> DutyRow | None:
        """The next date of a case; the digest of an import is no date of the case's own."""
        query = select(DutyRow).where(DutyRow.reference == reference, *_is_to_come(now)).order_by(*_SOONEST).limit(1)
        return next(iter(self._all(query)), None)

    def open_streams(self) -> list[str]:
        """The streams that must have a running workflow: the paths of open cases, then their open phases."""
        paths = select(CaseRow.reference).where(col(CaseRow.is_open).is_(True)).order_by(CaseRow.reference)
        phases = select(PhaseRow.stream).where(col(PhaseRow.is_open).is_(True)).order_by(PhaseRow.stream)
        return [*(case_stream(reference) for reference in self._all(paths)), *self._all(phases)]

    def unfired(self, now: datetime) -> list[DutyRow]:
        """The duties whose next rung has come and does not stand in the log yet, oldest first."""
        query = select(DutyRow).where(col(DutyRow.next_at) <= text(now)).order_by(col(DutyRow.next_at))
        return list(self._all(query))

    def fell_due(self, after: datetime, until: datetime) -> list[DutyRow]:
        """The duties that came due, or insisted again, after one instant and until another, oldest first."""
        rungs = (col(DutyRow.next_at), col(DutyRow.fired_at))
        meanwhile = or_(*((text(after) < rung) & (rung <= text(until)) for rung in rungs))
        query = select(DutyRow).where(col(DutyRow.due) <= text(until), meanwhile).order_by(col(DutyRow.due))
        return list(self._all(query))

    def open_cases(self) -> list[tuple[str, str | None, int]]:
        """How many open cases there are in each stage and country."""
        query = (
            select(CaseRow.stage, CaseRow.country, func.count())
            .where(col(CaseRow.is_open).is_(True))
            .group_by(col(CaseRow.stage), col(CaseRow.country))
        )
        return [(stage, country, number) for stage, country, number in self._all(query)]

    def due_within_a_day(self, now: datetime) -> int:
        """How many duties come due in the next 24 hours."""
        return self._count(col(DutyRow.due) > text(now), col(DutyRow.due) <= text(now + timedelta(days=1)))

    def overdue(self, now: datetime) -> int:
        """How many duties are past their instant, and nobody has taken them in hand."""
        return self._count(col(DutyRow.due) <= text(now), col(DutyRow.acknowledged).is_(False))

    def unacknowledged(self) -> int:
        """How many duties somebody was told of, and nobody has taken in hand."""
        return self._count(col(DutyRow.level).is_not(None), col(DutyRow.acknowledged).is_(False))

    def _count(self, *conditions: Any, of: type[SQLModel] = DutyRow) -> int:
        return int(self._all(select(func.count()).select_from(of).where(*conditions))[0])

    def notices(self, limit: int = 50) -> list[NoticeRow]:
        """The latest notices."""
        return list(self._all(select(NoticeRow).order_by(col(NoticeRow.written_at).desc()).limit(limit)))

    def _all(self, query: Any) -> Sequence[Any]:
        with self._database.reading() as connection, Session(bind=connection) as session:
            rows: Sequence[Any] = session.exec(query).all()
            session.expunge_all()
            return rows


_CASES_ORDER = (col(CaseRow.opened_on), col(CaseRow.reference))
_SOONEST = (col(DutyRow.due), col(DutyRow.stream), col(DutyRow.duty))


def _which_cases(wanted: Wanted) -> list[Any]:
    conditions: list[Any] = []
    if wanted.stage is not None:
        conditions.append(col(CaseRow.stage) == wanted.stage)
    if wanted.country is not None:
        conditions.append(col(CaseRow.country) == wanted.country)
    if wanted.overdue_at is not None:
        is_late = (col(DutyRow.due) <= text(wanted.overdue_at), col(DutyRow.acknowledged).is_(False))
        conditions.append(col(CaseRow.reference).in_(select(DutyRow.reference).where(*is_late)))
    return conditions


def _of_the_next_duty(column: Any, now: datetime) -> Any:
    """A column of it, within a question about cases."""
    of_the_case = col(DutyRow.reference) == col(CaseRow.reference)
    found = select(column).where(of_the_case, *_is_to_come(now)).order_by(*_SOONEST).limit(1)
    return found.correlate(CaseRow).scalar_subquery()


def _is_to_come(now: datetime) -> tuple[Any, Any]:
    return col(DutyRow.due) > text(now), col(DutyRow.duty) != DIGEST


def _which(reference: str | None, country: str | None, until: datetime | None) -> list[Any]:
    wanted: list[Any] = []
    if reference is not None:
        wanted.append(col(DutyRow.reference) == reference)
    if country is not None:
        wanted.append(col(DutyRow.country) == country)
    if until is not None:
        wanted.append(col(DutyRow.due) <= text(until))
    return wanted


def text(instant: datetime) -> str:
    """An instant as the tables hold it."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
