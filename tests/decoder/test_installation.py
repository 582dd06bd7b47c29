"""The decoder with a real keyring: which payloads it opens, for whom, and what it writes down."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import httpx
import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload

from domain.references import Phase, case_stream, make_reference, phase_stream
from records.database import Database
from records.keys import Keys
from records.persons import lock, new_person, unlock_by_person
from records.readings import readings_of
from runtime.codec import SealingCodec
from runtime.embedded import free_port
from runtime.serving import server_of
from runtime.unsealing import decoder
from tests.support.intakes import fresh_reference_bits
from tests.support.keys import MASTER, keys_in

PASSPHRASE = "семь тихих рек"
NAME = '"Wren Planted"'


@dataclass
class Installation:
    """A decoder that runs for a folder with a keyring."""

    url: str
    keys: Keys
    vault_keys: Keys
    database: Database

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"origin": self.url}, trust_env=False, timeout=20)

    def sign_in(self, browser: httpx.Client, person: str, passphrase: str = PASSPHRASE) -> int:
        return browser.post("/login", data={"person": person, "passphrase": passphrase}).status_code

    def sealed(self, workflow_id: str, namespace: str = "default") -> dict[str, object]:
        """A name, sealed for a workflow."""
        clear = Payload(metadata={"encoding": b"json/plain"}, data=NAME.encode())
        [payload] = asyncio.run(SealingCodec(self.keys).of(namespace, workflow_id).encode([clear]))
        found: dict[str, object] = json_format.MessageToDict(payload)
        return found


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    keys, vault_keys = keys_in(tmp_path)
    for person in ("dana", "timur"):
        keys.keyring.enroll(new_person(person, PASSPHRASE, MASTER))
    database, port = Database(tmp_path / "records.db"), free_port()
    server = server_of(decoder(keys, database, port, "http://127.0.0.1:9", "default").app(), port)
    thread = Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as waiting:
            waiting.get(f"http://127.0.0.1:{port}", headers={"host": "ready"})
        yield Installation(f"http://127.0.0.1:{port}", keys, vault_keys, database)
    finally:
        server.should_exit = True
        thread.join()
        database.close()


def decoded(browser: httpx.Client, *payloads: object) -> list[object]:
    answer = browser.post("/decode", json={"payloads": payloads})
    answer.raise_for_status()
    found: list[object] = answer.json()["payloads"]
    return found


def clear(payload: object) -> bytes:
    return json_format.ParseDict(payload, Payload()).data if isinstance(payload, dict) else b""


def test_a_person_reads_and_it_is_written_down_under_their_name(installed: Installation) -> None:
    reference = make_reference(fresh_reference_bits)
    sealed = installed.sealed(phase_stream(reference, Phase.SAFETY, 1))
    with installed.browser() as browser:
        assert installed.sign_in(browser, "dana", "another passphrase") == 401
        assert installed.sign_in(browser, "mallory") == 401
        assert installed.sign_in(browser, "dana") == 303
        assert clear(decoded(browser, sealed)[0]) == NAME.encode()
    [reading] = readings_of(installed.database, reference)
    assert (reading.staff, reading.what, reading.reference) == ("dana", "engine", reference)


def test_s4_what_was_sealed_for_elsewhere_goes_back_as_it_came(installed: Installation) -> None:
    one, other = (case_stream(make_reference(fresh_reference_bits)) for _ in range(2))
    installed.sealed(other)
    swapped, foreign = installed.sealed(one), installed.sealed(one, namespace="elsewhere")
    swapped["metadata"] = installed.sealed(other)["metadata"]
    with installed.browser() as browser:
        assert installed.sign_in(browser, "dana") == 303
        assert decoded(browser, swapped, foreign) == [swapped, foreign]
    assert readings_of(installed.database, one.split("/")[1]) == []


def test_a_locked_case_is_shut_at_once_also_for_who_is_signed_in_and_opens_by_a_second_person(
    installed: Installation,
) -> None:
    reference = make_reference(fresh_reference_bits)
    stream = case_stream(reference)
    sealed = installed.sealed(stream)
    with installed.browser() as browser:
        assert installed.sign_in(browser, "dana") == 303
        assert clear(decoded(browser, sealed)[0]) == NAME.encode()
        lock(installed.vault_keys, stream, "dana")
        assert decoded(browser, sealed) == [sealed]
        unlock_by_person(installed.vault_keys, stream, "timur", PASSPHRASE)
        assert clear(decoded(browser, sealed)[0]) == NAME.encode()
    assert len(readings_of(installed.database, reference)) == 2
