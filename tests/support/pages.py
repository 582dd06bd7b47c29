"""The pages over real HTTP and real records. What would go to the engine is kept, or fails as a test wants."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from fastapi import FastAPI

from domain.agreed_words import AgreedWords
from domain.cards import DutyCard
from domain.check_ins import Answer
from domain.colleagues import Address, Colleague, Role
from records.board import Board
from records.check_in_links import CheckInLinks
from records.colleagues import Colleagues
from records.database import Database
from runtime.check_in_door import PREFIX, CheckInDoor
from runtime.embedded import free_port
from runtime.guard import Guard
from runtime.serving import server_of
from runtime.staff_door import StaffDoor
from tests.support.cards import write_case
from tests.support.keys import database_in, keys_in

REFERENCE = "00000000000"
WORDS = AgreedWords.agree("Зелёный чай", "Чёрный чай")
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


@dataclass
class Recorded:
    """Where answers go: each command id once.

    Attributes:
        fails: what happens instead.
    """

    answers: dict[UUID, tuple[str, Answer]] = field(default_factory=dict)
    fails: Exception | None = None

    async def record(self, reference: str, command_id: UUID, answer: Answer) -> None:
        if self.fails is not None:
            raise self.fails
        self.answers[command_id] = (reference, answer)


@dataclass
class Door:
    """Pages that are served."""

    url: str
    database: Database
    recorded: Recorded
    now: datetime = NOW

    def link(self, words: AgreedWords | None = WORDS, reference: str = REFERENCE, **after: float) -> str:
        """The path of a fresh link."""
        until = self.now + timedelta(**(after or {"hours": 72}))
        return PREFIX + CheckInLinks(self.database, lambda: self.now).issue(reference, until, words)

    def phone(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=20)

    def answers(self) -> list[Answer]:
        return [answer for _, answer in self.recorded.answers.values()]


@contextmanager
def open_door(folder: Path, pace: float = 0.01) -> Iterator[Door]:
    """The door for check-in links, on a free port."""
    port, recorded = free_port(), Recorded()
    url = f"http://127.0.0.1:{port}"
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(Guard, origins=frozenset({url}), by_address=(PREFIX,))
    with closing(Database(folder / "records.db")) as database:
        door = Door(url, database, recorded)
        CheckInDoor(CheckInLinks(database, lambda: door.now), recorded.record, pace).add_to(app)
        with served(app, port):
            yield door


@contextmanager
def served(app: FastAPI, port: int) -> Iterator[None]:
    """An app, served as in life."""
    server = server_of(app, port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as waiting:
            waiting.get(f"http://127.0.0.1:{port}", headers={"host": "ready"})
        yield
    finally:
        server.should_exit = True
        thread.join()


def on_the_wire(url: str, path: str, body: bytes | None = None) -> bytes:
    """Every byte that comes back when a path is asked for, or a form is sent to it."""
    host, _, port = url.removeprefix("http://").partition(":")
    asked = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"host: {host}:{port}", "connection: close"]
    if body is not None:
        asked += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}"]
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall("\r\n".join([*asked, "", ""]).encode() + (body or b""))
        parts = []
        while part := line.recv(65536):
            parts.append(part)
        return b"".join(parts)


PASSPHRASE = "семь тихих рек"
DUE = NOW - timedelta(hours=2)


@dataclass
class Staff:
    """Staff pages that are served.

    Attributes:
        taken: what was taken in hand: stream, duty, by whom.
        fails: what happens instead.
    """

    url: str
    database: Database
    colleagues: Colleagues
    taken: list[tuple[str, str, str]] = field(default_factory=list)
    fails: Exception | None = None
    now: datetime = NOW

    async def acknowledge(self, stream: str, duty: str, person: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken.append((stream, duty, person))

    def phone(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"origin": self.url}, trust_env=False, timeout=20)

    def sign_in(self, phone: httpx.Client, person: str = "dana", passphrase: str = PASSPHRASE) -> int:
        return phone.post("/login", data={"person": person, "passphrase": passphrase}).status_code


@contextmanager
def open_staff(folder: Path, *duties: DutyCard) -> Iterator[Staff]:
    """The door for staff, before a case with these duties; dana and eli are at the desk, and dana has a passphrase."""
    port = free_port()
    with closing(database_in(folder)) as database:
        if duties:
            write_case(folder / "records.db", REFERENCE, *duties)
        staff = Staff(f"http://127.0.0.1:{port}", database, Colleagues(database, keys_in(folder)[0]))
        for name in ("dana", "eli"):
            address = Address(channel="email", to=f"{name}@example.org")
            staff.colleagues.put(Colleague(name=name, role=Role.COORDINATOR, channels=(address,)))
        staff.colleagues.sign_in_with("dana", PASSPHRASE)
        app = FastAPI(openapi_url=None, redirect_slashes=False)
        app.add_middleware(Guard, origins=frozenset({staff.url, "https://check.example.org"}))
        door = StaffDoor(
            Board(database), staff.colleagues, staff.acknowledge, "phone", "check.example.org", lambda: staff.now
        )
        door.add_to(app)
        with served(app, port):
            yield staff
