"""Signal, through the REST daemon of signal-cli (``bbernhard/signal-cli-rest-api``). It has the organisation's number.

What it answers was read from its source and from reports of its users: 201 with a timestamp; 429 with challenge tokens
where Signal wants a captcha, without one where it wants a day of silence; 400 with a sentence for all else. Sentences
come from signal-cli, and hold numbers: they are looked at, and never passed on.
"""

import json
import re
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.notifications.channel import Answer, Message, Outcome
from activities.notifications.http import LONGEST_WAIT, by_status, is_safe, post
from activities.notifications.registry import Kind
from domain.errors import NotUnderstood

RATE_LIMIT = timedelta(seconds=86_400)
"""How long Signal shuts a number out that has sent too much, where the answer names no other time."""

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_WAIT = re.compile(r"wait \\?\"?(\d{1,7})\\?\"? seconds|retry after (\d{1,7})", re.IGNORECASE)

_SAID = (
    ("captcha", Outcome.NEEDS_A_HUMAN, "wants a captcha"),
    ("proof required", Outcome.NEEDS_A_HUMAN, "wants a captcha"),
    ("untrusted identit", Outcome.NEEDS_A_HUMAN, "somebody has a new safety number: compare it, and trust it"),
    ("unregistered user", Outcome.PERMANENT, "nobody has this number at Signal"),
    ("is not registered", Outcome.NEEDS_A_HUMAN, "the organisation's own number is not registered"),
    ("account does not exist", Outcome.NEEDS_A_HUMAN, "the organisation's own number is not registered"),
    ("authorization failed", Outcome.NEEDS_A_HUMAN, "the organisation's own number was registered elsewhere"),
    ("rate limit", Outcome.TRANSIENT, "too much was sent"),
    ("network failure", Outcome.TRANSIENT, "Signal was not reached"),
)
"""What stands in its sentences, each with what it means; the first that fits counts."""


class SignalSettings(BaseSettings):
    """
    Attributes:
        url: where the daemon listens; on another machine only with TLS.
        number: the organisation's own, from which it sends.
    """

    model_config = SettingsConfigDict(env_prefix="SAFECONDUCT_SIGNAL_", hide_input_in_errors=True)

    url: str | None = None
    number: str | None = Field(default=None, repr=False)


class Signal:
    """Sends through one daemon, from one number."""

    name = "signal"

    def __init__(self, url: str, number: str) -> None:
        self._url = f"{url.rstrip('/')}/v2/send"
        self._number = number

    def deliver(self, address: str, message: Message) -> Answer:
        """Send one message. Signal knows no ids: whoever gets one twice sees it twice."""
        body = json.dumps({"message": message.text, "number": self._number, "recipients": [address]}).encode()
        answer = post(self.name, self._url, body, {"content-type": "application/json"})
        return self._read(answer) if isinstance(answer, httpx.Response) else answer

    def _read(self, answer: httpx.Response) -> Answer:
        by_number = by_status(self.name, answer, datetime.now(UTC))
        if answer.is_success or answer.status_code >= 500:
            return by_number
        said = answer.text
        if _tokens(answer):
            return self._says(Outcome.NEEDS_A_HUMAN, "wants a captcha", _wait(said))
        for words, outcome, why in _SAID:
            if words in said.lower():
                return self._says(outcome, why, _wait(said) or by_number.wait or _usual(words))
        if answer.status_code == 429:
            return self._says(Outcome.TRANSIENT, "too much was sent", by_number.wait or RATE_LIMIT)
        # a sentence that nobody has seen yet: another way is better than trying for a day
        return by_number

    def _says(self, outcome: Outcome, why: str, wait: timedelta | None) -> Answer:
        return Answer(outcome, f"{self.name}: {why}", wait if outcome is Outcome.TRANSIENT else None)


def _tokens(answer: httpx.Response) -> list[str]:
    """The challenge tokens of an answer. Sometimes there is an empty one, which challenges nobody."""
    try:
        found = answer.json()
    except ValueError:
        return []
    tokens = found.get("challenge_tokens") if isinstance(found, dict) else None
    return [token for token in tokens if isinstance(token, str) and token] if isinstance(tokens, list) else []


def _wait(said: str) -> timedelta | None:
    found = _WAIT.search(said)
    return min(timedelta(seconds=int(found[1] or found[2])), LONGEST_WAIT) if found is not None else None


def _usual(words: str) -> timedelta | None:
    return RATE_LIMIT if words == "rate limit" else None


def _from_environment() -> Signal | None:
    found = SignalSettings()
    if found.url is None and found.number is None:
        return None
    if found.url is None or found.number is None:
        raise NotUnderstood("set both SAFECONDUCT_SIGNAL_URL and SAFECONDUCT_SIGNAL_NUMBER, or neither")
    if not is_safe(found.url):
        raise NotUnderstood("SAFECONDUCT_SIGNAL_URL begins with https://, or names this very machine")
    return Signal(found.url, _address(found.number))


def _address(text: str) -> str:
    number = re.sub(r"[\s().-]", "", text)
    if not _NUMBER.fullmatch(number):
        raise NotUnderstood("write a number at Signal in full, with + and the country in front")
    return number


KIND = Kind(
    "signal", "+4915200000000", _address, _from_environment, ("SAFECONDUCT_SIGNAL_URL", "SAFECONDUCT_SIGNAL_NUMBER")
)
