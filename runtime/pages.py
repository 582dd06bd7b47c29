"""The pages of an installation: for the person a check-in link, for staff what is due. What they open, and with what.

They hold the keys for engine and log alone, as a worker does: they can't open the vault, and know no name.
"""

import asyncio
from uuid import UUID, uuid4

from fastapi import FastAPI

from domain.check_ins import Answer, Channel, CheckedIn
from domain.errors import NotUnderstood
from domain.events import Command, Past
from domain.facts import Occurred
from domain.room import Acknowledged
from records.board import Board
from records.check_in_links import CheckInLinks
from records.colleagues import Colleagues
from records.database import Database
from records.keyring import Role
from records.keys import Keys
from records.store import Store
from runtime import telemetry
from runtime.allowlist import Program
from runtime.check_in_door import PREFIX, CheckInDoor
from runtime.client import connect
from runtime.guard import Guard
from runtime.keys import open_keys
from runtime.office import Office
from runtime.serving import LOOPBACK, serve
from runtime.settings import Settings, now
from runtime.staff_door import StaffDoor

BY_LINK = "check-in-link"
"""The actor of what comes by a link: nobody at the desk."""


async def serve_pages(settings: Settings, port: int) -> None:
    """Serve the pages until told to stop.

    Args:
        settings: of the installation.
        port: where they listen, on loopback.

    Raises:
        SafeconductError: the port is taken, or nothing opens the keyring.
    """
    stop_telling = telemetry.start("pages")
    (keys,) = open_keys(settings, Role.WORK)
    database = Database(settings.records)
    await serve(pages(settings, database, keys, port), port)
    database.close()
    stop_telling()


class Line:
    """The line to the engine, opened when something is to be said: the pages must come up while the engine is down."""

    def __init__(self, settings: Settings, database: Database, keys: Keys) -> None:
        self._settings, self._keys = settings, keys
        self._store, self._opening = Store(database, keys), asyncio.Lock()
        self._office: Office | None = None

    async def office(self) -> Office:
        """
        Raises:
            NotRunning: the engine does not answer.
        """
        async with self._opening:
            if self._office is None:
                client = await connect(self._settings, self._keys, program=Program.PAGES)
                self._office = Office(client, self._store, now)
            return self._office

    async def check_in(self, reference: str, command_id: UUID, answer: Answer) -> None:
        """Record what a person answered by a link. The same answer again is the same command, whenever it comes.

        Raises:
            SafeconductError: the engine does not answer, or the case was erased.
        """
        moment = now()
        past = Past(
            fact=CheckedIn(channel=Channel.LINK, answer=answer),
            occurred=Occurred.at_instant(moment.replace(second=0, microsecond=0)),
            learned_on=moment.date(),
            actor=BY_LINK,
        )
        office = await self.office()
        try:
            await office.record(reference, past, command_id)
        except NotUnderstood:
            if not await asyncio.to_thread(self._has, reference, command_id):
                raise

    async def acknowledge(self, stream: str, duty: str, person: str) -> None:
        """Record that a person takes a duty in hand.

        Raises:
            SafeconductError: it is refused, or the engine does not answer.
        """
        moment, office = now(), await self.office()
        command = Command(
            command_id=uuid4(),
            actor=person,
            occurred=Occurred.at_instant(moment.replace(second=0, microsecond=0)),
            learned_on=moment.date(),
            fact=Acknowledged(duty=duty),
            sent_at=moment,
        )
        await office.send(stream, command)

    def _has(self, reference: str, command_id: UUID) -> bool:
        """Whether a command was accepted: in another minute the same words are others to the phase."""
        return any(event.command_id == command_id for event in self._store.read_case(reference))


def pages(settings: Settings, database: Database, keys: Keys, port: int) -> FastAPI:
    """The app."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(Guard, origins=origins(settings, port), by_address=(PREFIX,))
    line = Line(settings, database, keys)
    CheckInDoor(CheckInLinks(database, now), line.check_in).add_to(app)
    public = settings.pages_url.removeprefix("https://") if settings.pages_url is not None else None
    people = Colleagues(database, keys)
    StaffDoor(Board(database), people, line.acknowledge, f"safeconduct-pages-{port}", public, now).add_to(app)
    return app


def origins(settings: Settings, port: int) -> frozenset[str]:
    """Where the pages are reached: on this machine, and at the public address if there is one."""
    public = {settings.pages_url} if settings.pages_url is not None else set()
    return frozenset({f"http://{LOOPBACK}:{port}"} | public)
