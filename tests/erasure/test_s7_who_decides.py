"""S7: who approves an erasure is not who asked for it; and a hold stops it, until the last moment."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.erasing import erasure_stream
from domain.erasure import ErasureApproved, ErasureWithdrawn, Standing
from domain.errors import NotUnderstood, Refused
from domain.retention import HoldLifted, HoldPlaced, HoldReason
from domain.safety import CheckedIn
from tests.support.erasures import AFTER_A_WEEK, BEGAN, WITHOUT_WAITING, erased, erasure_of, say, until
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server


async def test_s7_one_person_alone_never_erases_a_case(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        with pytest.raises(Refused, match="no such case"):
            await say(played, WITHOUT_WAITING, "dana")
        assert played.board.erasures() == []  # nothing is written down of a case that is not there
        await played.start(minimal())
        with pytest.raises(Refused, match="nobody has asked"):
            await say(played, ErasureApproved(), "dana")
        await say(played, WITHOUT_WAITING, "dana")
        for _ in range(2):
            with pytest.raises(Refused, match="a second person"):
                await say(played, ErasureApproved(), "dana")
        with pytest.raises(NotUnderstood, match="does not belong"):
            await say(played, CheckedIn(), "dana")
        await played.move_to(played.clock + timedelta(days=20))
        assert erasure_of(played).standing is Standing.REQUESTED
        assert len(played.events()) > 3
        waiting = [
            need.duty for need in played.board.needs_a_human(played.clock) if need.duty.duty == "approve-erasure"
        ]
        assert [duty.level for duty in waiting] == ["escalation"]
        await say(played, ErasureWithdrawn(), "eli")
        await eventually(lambda: erasure_stream(reference) not in played.board.open_streams(), "it is over")


async def hold(played: Rehearsal, days: int, reason: HoldReason = HoldReason.LEGAL_CLAIM) -> None:
    fact = HoldPlaced(reason=reason, until=played.clock.date() + timedelta(days=days))
    await played.office.record(played.reference, past(fact, played.clock.date()), uuid4())


async def test_s7_a_hold_stops_request_approval_and_fence(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        await hold(played, 30)
        with pytest.raises(Refused, match=r"a hold keeps this case until 2026-10-01 \(legal-claim\)"):
            await say(played, AFTER_A_WEEK, "dana")
        lifted = HoldLifted(reason=HoldReason.LEGAL_CLAIM)
        await played.office.record(reference, past(lifted, played.clock.date()), uuid4())
        await say(played, AFTER_A_WEEK, "dana")
        await hold(played, 5)
        with pytest.raises(Refused, match="a hold keeps this case"):
            await say(played, ErasureApproved(), "timur")
        await played.office.record(reference, past(lifted, played.clock.date()), uuid4())
        await say(played, ErasureApproved(), "timur")

        await hold(played, 60)  # nobody tells the erasure: it looks itself, at the last moment
        await until(played, lambda erasure: erasure.approved_by is None, "the approval is taken back")
        assert erasure_of(played).standing is Standing.REQUESTED
        assert len(played.events()) > 3
        await played.move_to(played.clock + timedelta(days=61))
        await say(played, ErasureApproved(), "timur")
        await erased(played)
