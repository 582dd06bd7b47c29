"""A restore that is under way calls nobody: paths take a moment to start their phases."""

import asyncio
from pathlib import Path

from runtime.revival import revive
from runtime.watchdog import Watchdog
from tests.support.rehearsal import Pigeonhole
from tests.watch.test_s15_missing_workflows import Living, all_run, living, terminate

EVERY, APART = 5.0, 0.5
"""Seconds from round to round, so one from look to look; and between two streams that are started."""


async def test_a_restore_that_is_under_way_calls_no_operator(tmp_path: Path, reference: str) -> None:
    async with living(tmp_path, reference) as case:
        case.place.announce()
        streams = case.streams()
        for stream in streams:
            await terminate(case.client, stream)
        channel = Pigeonhole()
        watchdog = Watchdog(case.place.settings, channel, every=EVERY)
        restoring = asyncio.create_task(one_after_the_other(case, streams))
        await watchdog.round()
        await restoring
        assert channel.notices == []
        assert await all_run(case)

        await terminate(case.client, streams[0])
        await watchdog.round()
        assert len(channel.notices) == 1


async def one_after_the_other(case: Living, streams: list[str]) -> None:
    for stream in reversed(streams):  # a path last: it starts all phases at once
        await revive(case.client, stream)
        await asyncio.sleep(APART)
