"""An erasure whose worker dies between the commit of what the engine itself records and the end of its task."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text

from domain.erasing import empty_erasure, engine_event, erasure_card, erasure_stream
from domain.erasure import ErasureHeld, ErasureWithdrawn
from domain.retention import HoldPlaced, HoldReason
from runtime.retention import wake_erasure
from tests.support.erasures import AFTER_A_WEEK, BEGAN, say
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server
from workflows.writer import Head

HELD_UNTIL = BEGAN.date() + timedelta(days=30)

EPOCH = text("SELECT epoch FROM stream WHERE stream = :stream")


def leave_in_the_log(played: Rehearsal, stream: str) -> int:
    """What a task that was lost has seen a minute ago: that the case is held. Returns how long the stream is now."""
    ledger = empty_erasure(played.reference).plus(played.store.read(stream))
    held = engine_event(ledger, ErasureHeld(until=HELD_UNTIL), played.clock - timedelta(minutes=1))
    with played.database.reading() as connection:
        epoch = connection.execute(EPOCH, {"stream": stream}).scalar_one()
    after = ledger.plus((held,))
    played.store.append(stream, epoch, ledger.version, (held,), cards=(erasure_card(after, played.clock),))
    return after.version


async def test_what_a_crash_left_in_the_log_as_of_another_instant_is_read_and_the_erasure_goes_on(
    tmp_path: Path, reference: str
) -> None:
    stream = erasure_stream(reference)
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        await say(played, AFTER_A_WEEK, "dana")
        hold = HoldPlaced(reason=HoldReason.LEGAL_CLAIM, until=HELD_UNTIL)
        await played.office.record(reference, past(hold, played.clock.date()), uuid4())
        length = leave_in_the_log(played, stream)
        await wake_erasure(environment.client, stream, task_queue=played.task_queue, shift=played.shift)

        async def has_read() -> bool:
            head: Head = await environment.client.get_workflow_handle(stream).query("head", result_type=Head)
            return head.version == length

        await eventually(has_read, "it has read what was left")
        assert len(played.store.read(stream)) == length
        await say(played, ErasureWithdrawn(), "eli")
        await eventually(lambda: stream not in played.board.open_streams(), "it is over")
