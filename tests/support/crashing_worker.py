"""A worker that dies, and takes the server with it, right after the commit of a certain kind of event.

``python -m tests.support.crashing_worker ADDRESS FOLDER RECORDS SERVER_PID KIND``, with the keys of a folder.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from temporalio.client import Client

from domain.cards import CaseCard, PhaseCard
from domain.events import Event
from records.database import Database
from records.keys import Keys
from records.store import Appended, Store
from runtime.codec import sealing_converter
from tests.support.keys import keys_in
from tests.support.rehearsal import Pigeonhole
from worker import build_worker


class CrashingStore(Store):
    """The real store; after the commit that it waits for, nobody is left to answer."""

    def __init__(self, database: Database, keys: Keys, server: int, kind: str) -> None:
        super().__init__(database, keys)
        self._server = server
        self._kind = kind

    def append(
        self,
        stream: str,
        epoch: int,
        expected: int,
        events: Sequence[Event],
        *,
        case_seen: int | None = None,
        cards: Sequence[CaseCard | PhaseCard] = (),
    ) -> Appended:
        appended = super().append(stream, epoch, expected, events, case_seen=case_seen, cards=cards)
        if any(event.fact.kind == self._kind for event in events):
            os.kill(self._server, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return appended


async def main(address: str, folder: str, records: str, server: str, kind: str) -> None:
    (keys, *_) = keys_in(Path(folder))
    client = await Client.connect(address, data_converter=sealing_converter(keys, is_worker=True))
    where = records if records.startswith("postgresql:") else Path(records)
    store = CrashingStore(Database(where), keys, int(server), kind)
    async with build_worker(client, store, Pigeonhole()):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
