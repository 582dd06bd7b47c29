"""S9: who takes consent back in the middle of a ladder stops it, on the real server."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.consent import ConsentWithdrawn
from domain.embassy_contacts import Approached
from domain.errors import Refused
from domain.references import Phase, phase_stream
from domain.room import DutyCameDue
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


async def test_s9_a_withdrawal_in_the_middle_of_a_ladder_stops_it(tmp_path: Path, reference: str) -> None:
    embassies = phase_stream(reference, Phase.EMBASSY_CONTACTS, 1)
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        await played.office.record(reference, past(Approached(country="FR"), BEGAN.date()), uuid4())
        due = next(datetime.fromisoformat(one.due) for one in played.board.duties() if one.duty == "answer.FR")
        await played.move_to(due + timedelta(hours=1))
        assert rungs(played, embassies), "the ladder is being climbed"
        taken_back = past(ConsentWithdrawn(), played.clock.date())
        await played.office.record(reference, taken_back, uuid4())
        await eventually(lambda: standing(played) == {"review"}, "the phase has heard of it")
        climbed = rungs(played, embassies)
        await played.move_to(due + timedelta(days=60))
        assert rungs(played, embassies) == climbed
        asked = came_due(played, phase_stream(reference, Phase.SAFETY, 1))
        assert "consent-withdrawn" in asked, "somebody asks him what he wishes"
        with pytest.raises(Refused, match="no consent"):
            await played.office.record(reference, past(Approached(country="DE"), date(2026, 12, 1)), uuid4())


def standing(played: Rehearsal) -> set[str]:
    return {one.duty for one in played.board.duties() if one.stream.endswith("embassy-contacts/1")}


def rungs(played: Rehearsal, stream: str) -> list[str]:
    return [duty for duty in came_due(played, stream) if duty == "answer.FR"]


def came_due(played: Rehearsal, stream: str) -> list[str]:
    return [event.fact.duty for event in played.store.read(stream) if isinstance(event.fact, DutyCameDue)]
