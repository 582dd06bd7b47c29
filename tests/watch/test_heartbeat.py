"""The call to an address outside: bounded, never redirected, never an error, and never in a log."""

import logging

import pytest
from pydantic import SecretStr

from domain.errors import NotUnderstood
from runtime.embedded import free_port
from runtime.heartbeat import Heartbeat
from tests.support.watched import outside


async def test_a_heartbeat_is_one_call_whose_address_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with outside() as received:
        assert await Heartbeat(SecretStr(f"{received.url}/ping/secret-token")).ping() is None
    assert received.beats == ["/ping/secret-token"]
    assert "secret-token" not in caplog.text


@pytest.mark.parametrize("answer", [302, 404, 500])
async def test_a_heartbeat_that_is_not_taken_says_why_and_follows_nobody(answer: int) -> None:
    with outside() as received:
        received.answer = answer
        assert await Heartbeat(SecretStr(f"{received.url}/ping")).ping() == f"answer {answer}"
    assert received.beats == ["/ping"]


async def test_a_heartbeat_that_nobody_hears_says_the_kind_of_fault_alone() -> None:
    assert await Heartbeat(SecretStr(f"http://127.0.0.1:{free_port()}/secret-token")).ping() == "ConnectError"


@pytest.mark.parametrize(
    "address", ["", "secret-token", "ftp://outside.example/secret-token", "https://", "http://[secret-token"]
)
def test_what_is_no_address_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(NotUnderstood) as raised:
        Heartbeat(SecretStr(address))
    assert "secret-token" not in raised.value.sentence
