"""S7: who approves an erasure is not who asked for it; and a hold stops it, until the last moment."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities import erasing
from domain.case import ClosingReason, PathClosed, PathReopened
from domain.check_ins import CheckedIn
from domain.erasing import erasure_stream
from domain.erasure import ErasureApproved, ErasureWithdrawn, Standing
from domain.errors import NotUnderstood, Refused
from domain.events import Command
from domain.facts import Fact, Occurred
from domain.retention import HoldLifted, HoldPlaced, HoldReason
from domain.story import decide_path
from records.forgetting import shutting
from records.log import Statement
from runtime.cases import path_of
from runtime.retention import wake_erasure
from tests.support.erasures import AFTER_A_WEEK, BEGAN, WITHOUT_WAITING, approved, erased, erasure_of, say, until
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, converter_in, eventually, rehearsal, skipping_server


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


async def test_s7_a_hold_between_the_last_look_and_the_fence_stops_it_as_an_earlier_one_would(
    home: Path, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [HoldPlaced(reason=HoldReason.LEGAL_CLAIM, until=BEGAN.date() + timedelta(days=60))]

    def meanwhile(fenced: str) -> list[Statement]:
        if late:
            _decided_elsewhere(played, late.pop())
        return shutting(fenced)

    async with (
        skipping_server(converter_in(home)) as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        await played.start(minimal())
        monkeypatch.setattr(erasing, "shutting", meanwhile)  # called in the step, when it has looked
        await approved(played, AFTER_A_WEEK)
        await until(played, lambda erasure: erasure.approved_by is None, "the approval is taken back")
        found = erasure_of(played)
        assert (found.standing, found.held_until) == (Standing.REQUESTED, BEGAN.date() + timedelta(days=60))
        assert found.done == {}
        assert played.board.fenced_at(reference) is None
        await hold(played, 60)  # the case itself goes on
        with pytest.raises(Refused, match="a hold keeps this case"):
            await say(played, ErasureApproved(), "timur")


async def test_s7_a_case_that_is_opened_again_between_the_last_look_and_the_fence_is_not_erased(
    home: Path, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [PathReopened()]

    def meanwhile(fenced: str) -> list[Statement]:
        if late:
            _decided_elsewhere(played, late.pop())
        return shutting(fenced)

    async with (
        skipping_server(converter_in(home)) as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        await played.start(minimal())
        closed = PathClosed(reason=ClosingReason.LOST, retention_days=1)
        await played.office.record(reference, past(closed, played.clock.date()), uuid4())
        await wake_erasure(
            environment.client, erasure_stream(reference), task_queue=played.task_queue, shift=played.shift
        )
        await until(played, lambda erasure: erasure.standing is Standing.REQUESTED, "the engine asks")
        monkeypatch.setattr(erasing, "shutting", meanwhile)
        await say(played, ErasureApproved(), "timur")
        await until(played, lambda erasure: erasure.standing is Standing.NOT_ASKED, "nobody asks any more")
        assert played.board.fenced_at(reference) is None


def _decided_elsewhere(played: Rehearsal, fact: Fact) -> None:
    """The case takes a decision while its erasure is at work; its own workflow reads that later."""
    own = played.office_path
    path = path_of(played.store.read(own), played.reference)
    with played.database.reading() as connection:
        epoch = connection.execute(text("SELECT epoch FROM stream WHERE stream = :own"), {"own": own}).scalar_one()
    command = Command(
        command_id=uuid4(),
        actor="eli",
        occurred=Occurred.at_instant(played.clock),
        learned_on=played.clock.date(),
        fact=fact,
        sent_at=played.clock,
    )
    played.store.append(own, epoch, path.version, decide_path(path, command, played.clock))
