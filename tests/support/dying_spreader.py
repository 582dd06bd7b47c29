"""A worker that dies, and takes the server with it, half-way through telling the cases of a country of an alert.

``python -m tests.support.dying_spreader ADDRESS FOLDER SERVER_PID PAGE PAGES``, with the keys of a folder: it tells so
many pages of so many cases, and is killed as it asks for the next.
"""

import asyncio
import os
import signal
import sys
from itertools import count
from pathlib import Path

from temporalio.client import Client

import activities.alerts
from records.alerts import Members
from records.database import Database
from records.store import Store
from runtime.codec import sealing_converter
from tests.support.keys import keys_in
from tests.support.rehearsal import Pigeonhole
from worker import build_worker


def die_after(pages: int, server: int) -> None:
    """Let the question for one page more kill both."""
    ask, asked = Members.page, count()

    def page(members: Members, country: str, after: str, limit: int) -> list[str]:
        if next(asked) == pages:
            os.kill(server, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return ask(members, country, after, limit)

    Members.page = page  # type: ignore[assignment, method-assign]


async def main(address: str, folder: str, server: str, page: str, pages: str) -> None:
    activities.alerts.PAGE = int(page)
    die_after(int(pages), int(server))
    (keys, *_) = keys_in(Path(folder))
    client = await Client.connect(address, data_converter=sealing_converter(keys, is_worker=True))
    async with build_worker(client, Store(Database(Path(folder) / "records.db"), keys), Pigeonhole()):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
