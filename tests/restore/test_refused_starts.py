"""What is alive is not started in vain: of a start that it refuses the engine keeps the sealed input for a while."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from domain.references import Phase, phase_stream
from runtime.revival import Restored, restore, revive
from tests.support.erasures import BEGAN
from tests.support.intakes import minimal
from tests.support.rehearsal import eventually, rehearsal, skipping_server


def kept(engine: Path) -> int:
    """How many histories the engine keeps, those of starts that it refused among them."""
    with closing(sqlite3.connect(f"file:{engine}?mode=ro", uri=True)) as connection:
        found: int = connection.execute("SELECT count(*) FROM history_tree").fetchone()[0]
    return found


async def test_restore_and_revive_leave_nothing_in_the_engine_of_what_runs_already(
    tmp_path: Path, reference: str
) -> None:
    engine = tmp_path / "temporal.db"
    async with (
        skipping_server(file=engine) as environment,
        rehearsal(environment, tmp_path, BEGAN, reference) as played,
    ):
        await played.start(minimal())
        streams = [played.office_path, *played.open_streams()]
        for stream in streams:
            await eventually(partial(played.is_running, stream), f"{stream} runs")
        before = kept(engine)
        assert before >= len(streams)
        assert await restore(environment.client, streams) == Restored(adopted=len(streams))
        assert not await revive(environment.client, streams[0])
        assert kept(engine) == before

        safety = phase_stream(reference, Phase.SAFETY, 1)
        await environment.client.get_workflow_handle(safety).terminate()
        assert await restore(environment.client, streams) == Restored(started=1, adopted=len(streams) - 1)
        assert kept(engine) == before + 1
