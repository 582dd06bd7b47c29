"""A dead man's switch: an address outside that raises the alarm when nothing calls it any more."""

import asyncio
import logging
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from domain.errors import NotUnderstood

TIMEOUT_SECONDS = 5.0
"""Of one call, all in all. It waits for nothing that matters here; longer would only delay the next round."""

# At INFO the client writes whole addresses into the log, and this one may hold a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Heartbeat:
    """Calls one address."""

    def __init__(self, url: SecretStr) -> None:
        """
        Raises:
            NotUnderstood: it is no address of http or https. The sentence does not repeat it.
        """
        self._url = url.get_secret_value()
        try:
            parts = urlsplit(self._url)
            is_address = parts.scheme in ("http", "https") and bool(httpx.URL(self._url).host)
        except (ValueError, httpx.InvalidURL):
            is_address = False
        if not is_address:
            raise NotUnderstood("SAFECONDUCT_HEARTBEAT_URL is no address: it begins with https:// (or http://)")

    async def ping(self) -> str | None:
        """Call once.

        Returns:
            What went wrong, without the address; ``None`` if it was taken. Never an error: it must stop nothing.
        """
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
                client.stream("GET", self._url) as answer,
            ):
                return None if answer.is_success else f"answer {answer.status_code}"
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__
