"""S11: nothing disappears by a timer without a warning ladder, a hold that can block it, and a stub that remains."""

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.case import ClosingReason, PathClosed, PathReopened
from domain.duties import Level
from domain.erasing import erasure_stream
from domain.erasure import ErasureApproved, ErasureWithdrawn, Standing, Step
from domain.errors import Refused
from domain.events import ENGINE
from domain.facts import Fact
from domain.retention import HoldPlaced, HoldReason
from domain.room import DutyCameDue
from runtime.retention import begin_looking
from tests.support.erasures import BEGAN, erased, erasure_of, say
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Pigeonhole, Rehearsal, eventually, rehearsal, skipping_server
from workflows.retention import RETENTION

CLOSED_ON = BEGAN.date()


async def pass_days(played: Rehearsal, until: date, at_once: int = 5) -> None:
    """Let days pass, some at a time, for the daily look and for every open stream."""
    while (left := (until - played.clock.date()).days) > 0:
        played.clock += timedelta(days=min(left, at_once))
        await played._forward(RETENTION)
        await eventually(lambda: played.is_quiet(RETENTION), "the daily look has been taken")
        for stream in played.open_streams():
            if await goes_on(played, stream):
                await played._forward(stream)
        await played.settled()


async def goes_on(played: Rehearsal, stream: str) -> bool:
    """Wait until a workflow is quiet, or is over: a hold ends an erasure that was foreseen."""

    async def rests() -> bool:
        return stream not in played.open_streams() or await played.is_quiet(stream)

    await eventually(rests, f"{stream} rests")
    return stream in played.open_streams()


async def tell(played: Rehearsal, fact: Fact) -> None:
    await played.office.record(played.reference, past(fact, played.clock.date()), uuid4())


def rungs(played: Rehearsal, duty: str) -> list[tuple[Level, date]]:
    facts = [event.fact for event in played.store.read(erasure_stream(played.reference))]
    return [(one.level, one.at.date()) for one in facts if isinstance(one, DutyCameDue) and one.duty == duty]


async def begin(played: Rehearsal, retention_days: int) -> None:
    await played.start(minimal())
    await tell(played, PathClosed(reason=ClosingReason.PROTECTED, retention_days=retention_days))
    await begin_looking(played.environment.client, task_queue=played.task_queue, shift=played.shift)


@pytest.mark.timeout(600)
async def test_s11_in_two_years_nothing_disappears_unwarned_or_unapproved_and_a_stub_remains(
    tmp_path: Path, reference: str
) -> None:
    told = Pigeonhole()
    async with (
        skipping_server() as environment,
        rehearsal(environment, tmp_path, BEGAN, reference, channel=told) as played,
    ):
        await begin(played, 600)
        events = played.events()
        erase_by = CLOSED_ON + timedelta(days=600)
        await pass_days(played, erase_by - timedelta(days=32), at_once=60)
        assert played.board.erasures() == []
        assert told.notices == []

        await pass_days(played, erase_by + timedelta(days=6))
        warned = rungs(played, "erase-by")
        assert [level for level, _ in warned] == [Level.REMINDER] * 3
        asked_on = erasure_of(played).requested_at
        assert asked_on is not None
        assert [(asked_on.date() - on).days for _, on in warned] == [30, 7, 1]
        assert asked_on.date() >= erase_by
        assert erasure_of(played).requested_by == ENGINE

        await pass_days(played, CLOSED_ON + timedelta(days=730), at_once=60)
        assert played.events() == events
        assert erasure_of(played).standing is Standing.REQUESTED
        insisted = rungs(played, "approve-erasure")
        assert len(insisted) > 15
        assert len(told.notices) == len(warned) + len(insisted)
        assert [need.duty.duty for need in played.board.needs_a_human(played.clock)] == ["approve-erasure"]

        with pytest.raises(Refused, match="place a hold"):
            await say(played, ErasureWithdrawn(), "dana")
        await say(played, ErasureApproved(), "dana")
        await pass_days(played, played.clock.date() + timedelta(days=6))
        assert played.events() == events
        stub = await erased(played)
        assert stub.certificate is not None
        fenced_at = played.board.fenced_at(reference)
        assert fenced_at is not None
        assert fenced_at.date() == stub.done[Step.FENCED].date()
        assert [row.headline for row in played.board.erasures()] == ["erased"]


async def test_s11_a_hold_blocks_and_a_reopened_path_is_not_erased(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await begin(played, 35)
        await pass_days(played, CLOSED_ON + timedelta(days=10))
        assert erasure_of(played).standing is Standing.FORESEEN
        until = CLOSED_ON + timedelta(days=80)
        await tell(played, HoldPlaced(reason=HoldReason.COMPLAINT, until=until))
        await pass_days(played, CLOSED_ON + timedelta(days=40))
        assert erasure_of(played).standing is Standing.NOT_ASKED
        await pass_days(played, until + timedelta(days=6))
        # the look that wakes it, and its own clock, may lie on either side of the days that were skipped together
        for day in range(7, 12):
            if erasure_of(played).requested_by is None:
                await pass_days(played, until + timedelta(days=day))
        assert erasure_of(played).requested_by == ENGINE
        asked_at = erasure_of(played).requested_at
        assert asked_at is not None
        assert asked_at.date() > until
        assert [(asked_at.date() - on).days for _, on in rungs(played, "erase-by")][-3:] == [30, 7, 1]
        await tell(played, PathReopened())
        await pass_days(played, played.clock.date() + timedelta(days=2))
        assert erasure_of(played).standing is Standing.NOT_ASKED
        assert erasure_stream(reference) not in played.board.open_streams()
        assert len(played.open_streams()) > 2
