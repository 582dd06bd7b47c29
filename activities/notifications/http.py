"""What the channels over HTTP share: one call, and what a status says where a channel knows no better."""

import logging
import ssl
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from activities.notifications.channel import ACCEPTED, Answer, Outcome

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write every address, and one may hold a token

TIMEOUT_SECONDS = 10.0
"""Of one call; shorter than the activity's own, so that a slow receiver is the channel's fault, not the engine's."""

LONGEST_WAIT = timedelta(days=2)
"""Whoever asks for more than that is asked again all the same: a ladder has long called somebody else."""

_GONE = frozenset({400, 404, 405, 410, 413, 422})
"""Answers that another try will not change. 410 is how a receiver says it is gone for good."""

_SHUT_OUT = frozenset({401, 403, 407, 511})
"""Answers that only somebody with the right key can change."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Answers that send on to another address, for good or for now. Nothing arrives until somebody looks."""


def post(name: str, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response | Answer:
    """One call; what kept it from an answer is an answer of our own. Redirects are never followed."""
    try:
        return httpx.post(
            url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=False, verify=_trusted()
        )
    except httpx.HTTPError as error:
        return Answer(Outcome.TRANSIENT, f"{name}: {type(error).__name__}")
    except (httpx.InvalidURL, ValueError):  # neither says which, for the address may be a secret
        return Answer(Outcome.PERMANENT, f"{name}: no address")


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities, read once: to read them takes longer than all else of a call."""
    return httpx.create_ssl_context()


def by_status(name: str, answer: httpx.Response, now: datetime) -> Answer:
    """What a status says, where nothing else is known of this receiver."""
    status, why = answer.status_code, f"{name}: answer {answer.status_code}"
    if answer.is_success:
        return ACCEPTED
    if status in _REDIRECTS:
        # where to is not said: a new address may hold a token too, and only a person knows whom to trust with it
        return Answer(Outcome.NEEDS_A_HUMAN, f"{why}: redirects are not followed, set the address that it has now")
    if status in _SHUT_OUT:
        return Answer(Outcome.NEEDS_A_HUMAN, why)
    if status in _GONE:
        return Answer(Outcome.PERMANENT, why)
    return Answer(Outcome.TRANSIENT, why, retry_after(answer.headers.get("retry-after"), now))


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long to wait, by the header of that name: seconds, or a date. Nothing, where it makes no sense."""
    if header is None:
        return None
    try:
        wait = timedelta(seconds=int(header)) if header.strip().isdigit() else _until(header, now)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), LONGEST_WAIT)


def _until(header: str, now: datetime) -> timedelta:
    instant = parsedate_to_datetime(header)
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)) - now


def is_safe(url: str) -> bool:
    """Whether what goes to an address can be read by nobody on the way: TLS, or this very machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return host is not None and (parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host)))


def is_allowed(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is safe, names one of these hosts, and can be read in no other way."""
    if not is_safe(url) or not url.isascii() or any(sign in url for sign in "\\ \t\r\n@#"):
        return False
    return urlsplit(url).hostname in hosts


def is_this_machine(host: str) -> bool:
    """Whether a host is the loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
