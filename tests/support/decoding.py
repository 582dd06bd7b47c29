"""A decoder that runs over real HTTP, with a seal, a staff list and a log of readings made for tests.

As a program (``python -m tests.support.decoding PORT UI``) it serves until SIGTERM.
"""

import asyncio
import base64
import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from runtime.decoder import Decoder
from runtime.embedded import free_port
from runtime.serving import serve, server_of

PERSON, PASSPHRASE = "Ольга Dana", "семь тихих рек"
KEY = b"only for tests, 32 bytes long..."
LOCKED = "case/LOCKED"


class StandInSeal(PayloadCodec):
    """Seals payloads for one scope, and opens those of every scope but the locked one."""

    def __init__(self, workflow_id: str) -> None:
        self._workflow_id = workflow_id.encode()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self.seal(one) for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [open_payload(one) for one in payloads]

    def seal(self, payload: Payload) -> Payload:
        """One payload, sealed and bound to its workflow."""
        content = AESGCM(KEY).encrypt(bytes(12), payload.SerializeToString(), self._workflow_id)
        metadata = {"encoding": b"binary/sealed", "key-id": b"1", "workflow-id": self._workflow_id}
        return Payload(metadata=metadata, data=content)


def open_payload(sealed: Payload) -> Payload:
    """What a stand-in seal holds.

    Raises:
        ValueError: it is foreign, broken or locked.
    """
    workflow_id = sealed.metadata["workflow-id"]
    if sealed.metadata["encoding"] != b"binary/sealed" or workflow_id.startswith(LOCKED.encode()):
        raise ValueError("not to be opened")
    try:
        return Payload.FromString(AESGCM(KEY).decrypt(bytes(12), sealed.data, workflow_id))
    except InvalidTag:
        raise ValueError("not ours") from None


def sealed(text: str, workflow_id: str) -> dict[str, Any]:
    """A sealed text, as the UI sends it."""
    payload = Payload(metadata={"encoding": b"json/plain"}, data=f'"{text}"'.encode())
    return json_format.MessageToDict(StandInSeal(workflow_id).seal(payload))


def text_of(payload: dict[str, Any]) -> str:
    """What a payload of an answer holds."""
    return base64.b64decode(payload["data"]).decode()


@dataclass
class Desk:
    """A running decoder, and what it was wired with.

    Attributes:
        url: its address, without a path.
        now: its clock, which a test may move.
        readings: what it has logged.
        tried: whose sign-in it has checked.
        log_fails: whether its log refuses to be written.
    """

    port: int = field(default_factory=free_port)
    now: datetime = datetime(2026, 9, 1, 9, tzinfo=UTC)
    readings: list[tuple[str, set[str]]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    log_fails: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pass_time(self, time: timedelta) -> None:
        self.now += time

    def sign_in(self, person: str, passphrase: str) -> bool:
        """The stand-in for the staff list."""
        self.tried.append(person)
        return (person, passphrase) == (PERSON, PASSPHRASE)

    def log_reading(self, person: str, scopes: set[str]) -> None:
        """The stand-in for the log."""
        if self.log_fails:
            raise OSError("the disk is full, while Иван was read")
        self.readings.append((person, scopes))

    def decoder(self, ui: str) -> Decoder:
        return Decoder(self.port, ui, open_payload, self.sign_in, self.log_reading, lambda: self.now)

    def browser(self) -> httpx.Client:
        """Somebody at a browser: keeps cookies, and says where its pages come from."""
        return httpx.Client(base_url=self.url, headers={"origin": self.url}, trust_env=False, timeout=20)

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A browser whose person has signed in."""
        with self.browser() as browser:
            answer = browser.post("/login", data={"person": PERSON, "passphrase": PASSPHRASE})
            assert answer.status_code == 303, answer.text
            yield browser


@contextlib.contextmanager
def open_desk(ui: str = "http://127.0.0.1:9") -> Iterator[Desk]:
    """A decoder before a UI (without one: nothing listens at its address), served as in life."""
    desk = Desk()
    server = server_of(desk.decoder(ui).app(), desk.port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as waiting:
            waiting.get(desk.url, headers={"host": "ready"})
        yield desk
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    wired = Desk(int(sys.argv[1]), datetime.now(UTC))
    asyncio.run(serve(wired.decoder(sys.argv[2]).app(), wired.port))
