"""A webhook, signed as Standard Webhooks say (https://www.standardwebhooks.com, specification 1.0.0)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from uuid import UUID

import httpx
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.notifications.channel import SENTENCES, Answer, ChannelError, Lasting, Message, Outcome
from activities.notifications.http import by_status, is_allowed, is_safe, post
from activities.notifications.registry import Kind
from domain.duties import Urgency
from domain.errors import NotUnderstood

SHORTEST_SECRET = 24
"""Bytes; of the specification."""


class Signed:
    """Posts messages, signed with one secret.

    Args:
        secret: base64, with or without its ``whsec_`` prefix.
        now: the clock of the signatures.
        hosts: to these alone; to whatever host, if left out.

    Raises:
        ValueError: the secret is no base64, or shorter than 24 bytes, which the specification asks for.
    """

    name = "webhook"

    def __init__(self, secret: str, now: Callable[[], datetime], hosts: Collection[str] | None = None) -> None:
        self._hosts = hosts
        self._key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        if len(self._key) < SHORTEST_SECRET:
            raise ValueError("the secret is too short")
        self._now = now

    def deliver(self, address: str, message: Message) -> Answer:
        """Post one message."""
        if self._hosts is not None and not is_allowed(address, self._hosts):
            return Answer(Outcome.NEEDS_A_HUMAN, f"{self.name}: the host is not among those that are allowed")
        body = json.dumps({"type": "safeconduct.notice", "data": {"text": message.text}}).encode()
        stamp = str(int(self._now().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": str(message.id),
            "webhook-timestamp": stamp,
            "webhook-signature": self._signature(str(message.id), stamp, body),
        }
        answer = post(self.name, address, body, headers)
        return by_status(self.name, answer, self._now()) if isinstance(answer, httpx.Response) else answer

    def _signature(self, message: str, stamp: str, body: bytes) -> str:
        signed = b".".join((message.encode(), stamp.encode(), body))
        return "v1," + base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()


class Webhook:
    """The installation's own webhook: posts the sentence to one address."""

    name = "webhook"

    def __init__(self, url: str, secret: str, now: Callable[[], datetime]) -> None:
        """A channel to ``url``. See :class:`Signed` for the rest, and for what it raises."""
        self._url = url
        self._signed = Signed(secret, now)

    def send(self, notice: UUID, urgency: Urgency) -> None:
        """Post one notice.

        Raises:
            ChannelError: the receiver did not answer, or not with success.
        """
        answer = self._signed.deliver(self._url, Message(notice, SENTENCES[urgency]))
        if answer.outcome is not Outcome.ACCEPTED:
            raise ChannelError(answer.why, Lasting(answer.outcome), answer.wait)


class Settings(BaseSettings):
    """Shared with the installation's own webhook: receivers of one organisation know one secret."""

    model_config = SettingsConfigDict(env_prefix="SAFECONDUCT_", hide_input_in_errors=True)

    webhook_secret: SecretStr | None = None
    webhook_hosts: str = ""


def _hosts(found: Settings) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in found.webhook_hosts.split(",") if host.strip())


def _from_environment() -> Signed | None:
    found = Settings()
    if found.webhook_secret is None:
        return None
    try:
        return Signed(found.webhook_secret.get_secret_value(), lambda: datetime.now(UTC), _hosts(found))
    except ValueError:
        raise NotUnderstood("SAFECONDUCT_WEBHOOK_SECRET is no base64 of 24 bytes or more") from None


def _address(text: str) -> str:
    if not is_safe(text):
        raise NotUnderstood("the address of a webhook begins with https://")
    if not is_allowed(text, _hosts(Settings())):
        raise NotUnderstood("webhooks of people go to the hosts in SAFECONDUCT_WEBHOOK_HOSTS alone")
    return text


KIND = Kind(
    "webhook",
    "https://host/path",
    _address,
    _from_environment,
    ("SAFECONDUCT_WEBHOOK_SECRET", "SAFECONDUCT_WEBHOOK_HOSTS"),
)
