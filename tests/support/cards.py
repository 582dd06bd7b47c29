"""Read models of a case, written as a path and a phase write them, without any engine."""

from datetime import datetime
from pathlib import Path

from domain.cards import CaseCard, DutyCard, PhaseCard
from domain.case import Stage
from domain.references import Phase, case_stream, phase_stream
from records.database import Database
from tests.support.keys import store_in


def duty(
    name: str, title: str, due: datetime, *, next_at: datetime | None = None, fired_at: datetime | None = None
) -> DutyCard:
    """A duty whose next rung is its alarm, if nothing else is said."""
    return DutyCard(
        duty=name,
        title=title,
        due=due,
        bound="staff",
        consequence="danger",
        rule=None,
        doubt="",
        emergency=True,
        level="alarm" if fired_at is not None else None,
        fired_at=fired_at,
        acknowledged=False,
        passed_over=False,
        next_at=next_at or due,
    )


def write_case(path: Path, reference: str, *duties: DutyCard, is_open: bool = True) -> None:
    """A case, open if nothing else is said, whose safety phase has these duties."""
    stream, safety = case_stream(reference), phase_stream(reference, Phase.SAFETY, 1)
    case = CaseCard(
        reference=reference,
        stage=str(Stage.TRANSIT),
        country="KZ",
        coordinator="dana",
        is_open=is_open,
        missing_for_entry="",
        opened_on="2026-09-01",
        streams=(safety,),
    )
    phase = PhaseCard(
        stream=safety,
        reference=reference,
        phase=str(Phase.SAFETY),
        number=1,
        country=None,
        headline="watched",
        is_open=True,
        duties=duties,
    )
    database = Database(path)
    store = store_in(path.parent, database)
    store.append(stream, store.open(stream).epoch, 0, [], cards=(case, phase))
    database.close()
