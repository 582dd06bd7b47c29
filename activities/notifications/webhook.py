"""A webhook, signed as Standard Webhooks say (https://www.standardwebhooks.com, specification 1.0.0)."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import httpx

from activities.notifications.channel import SENTENCES, ChannelError, Lasting
from domain.duties import Urgency

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write every address, and one may hold a token

TIMEOUT_SECONDS = 10.0
"""Of one call; shorter than the activity's own, so that a slow receiver is the channel's fault, not the engine's."""

SHORTEST_SECRET = 24
"""Bytes; of the specification."""

_PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 422})
"""Answers that another try will not change. 410 is how a receiver says it is gone for good."""


class Webhook:
    """Posts the sentence to one address."""

    name = "webhook"

    def __init__(self, url: str, secret: str, now: Callable[[], datetime]) -> None:
        """A channel to ``url``, signing with ``secret`` (base64, with or without its ``whsec_`` prefix).

        Raises:
            ValueError: the secret is no base64, or shorter than 24 bytes, which the specification asks for.
        """
        self._url = url
        self._key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        if len(self._key) < SHORTEST_SECRET:
            raise ValueError("the secret is too short")
        self._now = now

    def send(self, notice: UUID, urgency: Urgency) -> None:
        """Post one notice.

        Raises:
            ChannelError: the receiver did not answer, or not with success.
        """
        body = json.dumps({"type": "safeconduct.notice", "data": {"text": SENTENCES[urgency]}}).encode()
        stamp = str(int(self._now().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": str(notice),
            "webhook-timestamp": stamp,
            "webhook-signature": self._signature(str(notice), stamp, body),
        }
        try:
            answer = httpx.post(
                self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=False
            )
        except httpx.HTTPError as error:
            raise ChannelError(f"webhook: {type(error).__name__}", Lasting.TRANSIENT) from None
        if not answer.is_success:
            lasting = Lasting.PERMANENT if answer.status_code in _PERMANENT else Lasting.TRANSIENT
            raise ChannelError(f"webhook: answer {answer.status_code}", lasting)

    def _signature(self, notice: str, stamp: str, body: bytes) -> str:
        signed = b".".join((notice.encode(), stamp.encode(), body))
        return "v1," + base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
