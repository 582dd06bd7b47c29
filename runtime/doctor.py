"""Looks at everything that an installation stands on, and says what to do about what is wrong.

It changes nothing and sends nothing anywhere: no notice, and no heartbeat, for one call would tell the dead man's
switch that all is well. It works while nothing runs. Findings hold no value of a setting, for some are secrets.
"""

import asyncio
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from activities.notifications.registry import carriers
from activities.notifications.webhook import Webhook
from domain.errors import NotUnderstood
from runtime.attributes import wanted
from runtime.backup_places import expired, is_held, noted, unfinished
from runtime.disk import EMPTY_BYTES, LOW_BYTES, free_bytes, in_words
from runtime.doctor_engine import about_engine
from runtime.doctor_records import (
    about_checkpoints,
    about_generation,
    about_keyring,
    about_law,
    about_noted,
    about_records,
)
from runtime.findings import Finding, fail, ok, warn
from runtime.settings import NotRunning, Settings, now

PAGES_SECONDS = 5.0
"""How long the pages may take to answer."""


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything.

    Raises:
        NotUnderstood: a setting makes no sense.
    """
    return [
        *await about_engine(settings, wanted(settings)),
        *about_records(settings.records),
        about_keyring(settings),
        *about_generation(settings),
        *about_checkpoints(settings),
        *about_noted(settings),
        *about_law(settings),
        *await asyncio.to_thread(lambda: list(about_channels(settings))),
        about_ways(),
        *await about_pages(settings),
        about_time_zones(),
        about_disk(settings.folder),
        *about_backups(settings),
        ok(
            "versions",
            f"safeconduct {version('safeconduct')}, python {sys.version.split()[0]}, "
            f"temporalio {version('temporalio')}",
        ),
    ]


def about_channels(settings: Settings) -> Iterator[Finding]:
    """Whether notices and heartbeats have somewhere to go. Nothing is sent there."""
    if settings.webhook_url is None:
        yield warn("notices", "go to the worker's terminal, where nobody may look", "set SAFECONDUCT_WEBHOOK_URL")
    else:
        yield _about_address("notices", settings.webhook_url, "SAFECONDUCT_WEBHOOK_URL") or _about_secret(settings)
    if settings.heartbeat_url is None:
        yield warn("heartbeat", "nobody notices if this machine dies", "set SAFECONDUCT_HEARTBEAT_URL")
    else:
        address = settings.heartbeat_url.get_secret_value()
        yield _about_address("heartbeat", address, "SAFECONDUCT_HEARTBEAT_URL") or ok("heartbeat", "the host is there")


def about_ways() -> Finding:
    """Which ways there are to the people at the desk. None is tried."""
    try:
        found = sorted(carriers())
    except NotUnderstood as error:
        return fail("channels", error.sentence, "mend this setting: no worker starts with it")
    if not found:
        return warn("channels", "there is no way to the people at the desk", 'docs/operators.md, "Channels"')
    return ok("channels", f"set up here: {', '.join(found)}")


async def about_pages(settings: Settings) -> list[Finding]:
    """Whether the pages for phones answer, where something runs that serves them."""
    try:
        address = settings.running().pages
    except NotRunning:
        return []
    if address is None:
        return []
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=PAGES_SECONDS) as asking:
            answers = (await asking.get(f"{address}/login")).is_success
    except httpx.HTTPError:
        answers = False
    if not answers:
        return [fail("pages", "do not answer: no check-in link works", "`make run` starts them again; see pages.log")]
    if settings.pages_url is None:
        return [warn("pages", "answer on this machine alone: no phone reaches them", "set SAFECONDUCT_PAGES_URL")]
    return [ok("pages", "answer; whether phones reach them, only a phone can tell")]


def _about_address(check: str, url: str, variable: str) -> Finding | None:
    """What is wrong with an address; the address itself may be a secret."""
    try:
        parts = urlsplit(url)
        host, port, scheme = parts.hostname, parts.port, parts.scheme
    except ValueError:
        host, port, scheme = None, None, ""
    if host is None or scheme not in ("https", "http"):
        return fail(check, f"{variable} is no address", "write it as https://host/path")
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port or scheme, type=socket.SOCK_STREAM)}
    except OSError:
        return fail(check, f"the host of {variable} is unknown", "look for a typing error; look at this machine's DNS")
    if all(ip_address(one).is_loopback for one in found):
        return None
    if scheme == "http":
        return fail(check, f"{variable} sends in clear", "begin it with https://")
    if not all(ip_address(one).is_global for one in found):
        return warn(check, f"the host of {variable} lies in a private network", "see that it is the one you mean")
    return None


def _about_secret(settings: Settings) -> Finding:
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret is not None else ""
    try:
        Webhook(settings.webhook_url or "", secret, now)
    except ValueError:
        do = "set SAFECONDUCT_WEBHOOK_SECRET: base64, 24 bytes or more"
        return fail("notices", "the webhook's secret is missing, too short, or no base64", do)
    return ok("notices", "the webhook's host is there, and they are signed")


def about_time_zones() -> Finding:
    """Deadlines end at midnight of a country; without its zone none can be counted."""
    try:
        ZoneInfo("Asia/Almaty")
    except ZoneInfoNotFoundError:
        return fail("time zones", "unknown to this Python", "install the package tzdata")
    return ok("time zones", f"known; this machine's own is {datetime.now().astimezone().tzname()}")


def about_backups(settings: Settings) -> Iterator[Finding]:
    """What lies where backups were made, and should not: it holds who was erased since, and the next deletes it."""
    for place in noted(settings):
        try:
            left = [] if is_held(place) else unfinished(place)
            late = expired(place, now())
        except OSError:
            yield warn("backups", f"{place} can't be read: what lies there may be kept for too long", "look there")
            continue
        told = [f"{len(left)} never finished"] if left else []
        told += [f"{len(late)} {'has' if len(late) == 1 else 'have'} expired"] if late else []
        if told:
            found = f"in {place}: {', '.join(told)}; who was erased since can be read there"
            yield warn("backups", found, f"safeconduct backup {place}: it deletes them")
        else:
            yield ok("backups", f"in {place}: none is left over" if place.exists() else f"{place} is not there now")


def about_disk(folder: Path) -> Finding:
    """Whether there is room: an append that finds none is refused."""
    free = free_bytes(folder)
    found = in_words(free)
    if free < LOW_BYTES:
        return (fail if free < EMPTY_BYTES else warn)("disk", found, "make room where the installation's folder lies")
    return ok("disk", found)
