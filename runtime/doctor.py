"""Looks at everything that an installation stands on, and says what to do about what is wrong.

It changes nothing and sends nothing anywhere: no notice, and no heartbeat, for one call would tell the dead man's
switch that all is well. It works while nothing runs. Findings hold no value of a setting, for some are secrets.
"""

import asyncio
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import text
from sqlmodel import SQLModel
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
    PollActivityTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

from activities.contract import TASK_QUEUE
from activities.notifications.registry import carriers
from activities.notifications.webhook import Webhook
from domain.errors import NotUnderstood, Refused, SafeconductError, UnknownRule
from domain.rulebook import load
from domain.rulebook.editions import Law
from records.board import SHOWN
from records.checkpoints import BadCheckpoint
from records.database import Reader, is_there
from records.editions import digest_of, law_of
from records.errors import Outdated, StoreError, Unreachable
from records.forgetting import never_began
from records.keyring import Role
from records.log import Where, in_short
from records.migrating import KEYRING, RECORDS, Tree, must_be_current
from records.sqlite_log import TRIGGERS
from runtime.allowlist import Program
from runtime.attributes import lacking, wanted
from runtime.backup_places import expired, is_held, noted, unfinished
from runtime.checkpointing import broken_off, lacking_elsewhere
from runtime.client import connect
from runtime.disk import EMPTY_BYTES, LOW_BYTES, free_bytes, in_words
from runtime.keys import is_begun, open_keys, ring_of
from runtime.settings import NotRunning, Settings, now

OFF = timedelta(seconds=30)
"""So far two clocks may be apart: duties count in hours, but a sender's stamp must be near the engine's."""

_MAY_CHANGE_THE_LOG = text(
    "SELECT bool_or(has_table_privilege('log.' || name, what)) FROM unnest(ARRAY['event', 'stream']) AS name, "
    "unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS what"
)

ANSWER_SECONDS = 5.0
"""How long one question to the engine, or the search for a host's address, may take."""


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it (empty if nothing)."""

    check: str
    verdict: Verdict
    found: str
    do: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Verdict.OK, found)


def warn(check: str, found: str, do: str) -> Finding:
    return Finding(check, Verdict.WARN, found, do)


def fail(check: str, found: str, do: str) -> Finding:
    return Finding(check, Verdict.FAIL, found, do)


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
        about_time_zones(),
        about_disk(settings.folder),
        *about_backups(settings),
        ok(
            "versions",
            f"safeconduct {version('safeconduct')}, python {sys.version.split()[0]}, "
            f"temporalio {version('temporalio')}",
        ),
    ]


async def about_engine(settings: Settings, attributes: Mapping[str, str]) -> list[Finding]:
    """Server, namespace, workers, search attributes and clock, as far as the engine answers."""
    try:
        client = await connect(settings, None, program=Program.DOCTOR)
    except NotRunning as error:
        without = "until it answers, namespace, workers, search attributes and its clock can't be looked at"
        return [fail("server", str(error), f"`make run`, or the TEMPORAL_… settings; {without}")]
    looks = (
        about_server(client),
        about_workers(client),
        about_search_attributes(client, attributes),
        about_clock(client),
    )
    found = await asyncio.gather(*looks, return_exceptions=True)
    return [ok("namespace", f"{client.namespace}: the engine has it"), *map(_answered, found)]


def _answered(found: Finding | BaseException) -> Finding:
    if isinstance(found, Finding):
        return found
    if isinstance(found, RPCError | TimeoutError):
        return warn("server", "it did not answer one question", "try again; see what the server complains of")
    raise found


async def about_server(client: Client) -> Finding:
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_limit())
    found, reached = f"answers, version {info.server_version}", client.service_client.config
    if reached.tls or reached.target_host.rpartition(":")[0] in ("127.0.0.1", "[::1]", "localhost"):
        return ok("server", found)
    return warn("server", f"{found}; the way to it leaves this machine without TLS", "set TEMPORAL_TLS=true")


async def about_workers(client: Client) -> Finding:
    queue = await _describe(client, TASK_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    own = version("safeconduct")
    others = sorted({one.worker_version_capabilities.build_id or "unknown" for one in queue.pollers} - {own})
    if others:
        do = "start them again: old and new code must not run side by side (one that stopped is still seen for minutes)"
        return warn("workers", f"some are of version {', '.join(others)}, and this is {own}", do)
    if queue.pollers:
        return ok("workers", f"at least one asks for work, all are of version {own}")
    return fail("workers", "none asks for work: no duty sounds", "start `.venv/bin/python worker.py` (or `make run`)")


async def about_search_attributes(client: Client, attributes: Mapping[str, str]) -> Finding:
    missing = await lacking(client, attributes)
    if not missing:
        return ok("search attributes", ", ".join(attributes) or "all switched off")
    made = " ".join(f"--name {name} --type {attributes[name]}" for name in missing)
    return warn(
        "search attributes",
        f"missing, or of another type: {', '.join(missing)}; no case depends on them, but lists in the UI do",
        f".venv/bin/temporal operator search-attribute create --namespace {client.namespace} {made}",
    )


async def about_clock(client: Client, clock: Callable[[], datetime] = now) -> Finding:
    """This clock beside the engine's."""
    apart = await engine_time(client) - clock()
    if abs(apart) <= OFF:
        return ok("clock", "the same as the engine's")
    how = f"{abs(apart).total_seconds():.0f} s {'behind' if apart > timedelta() else 'ahead of'} the engine's"
    return fail("clock", how, "set both by a time server: deadlines are told by the engine's clock")


async def engine_time(client: Client) -> datetime:
    """The engine's clock.

    No call tells it. But the engine notes when somebody last asked for work, so the doctor asks, in a queue of its own
    into which nobody puts any.

    Raises:
        TimeoutError: it did not come.
        RPCError: the engine does not answer.
    """
    name, kind = f"{TASK_QUEUE}-doctor", TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    before = (await _describe(client, name, kind)).pollers  # an earlier doctor is remembered for minutes
    request = PollActivityTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), identity=client.identity
    )
    asking = asyncio.create_task(client.workflow_service.poll_activity_task_queue(request, timeout=_limit()))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                pollers = (await _describe(client, name, kind)).pollers
                if pollers != before:
                    return max(poller.last_access_time.ToDatetime(UTC) for poller in pollers)
                await asyncio.sleep(0.02)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _describe(client: Client, queue: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    return await client.workflow_service.describe_task_queue(request, timeout=_limit())


def _limit() -> timedelta:
    return timedelta(seconds=ANSWER_SECONDS)


def about_records(where: Where) -> Iterator[Finding]:
    """Whether the records open, are whole, have this version's tables, and are closed to others."""
    if isinstance(where, str):
        found = _about_postgresql("records", where, RECORDS)
        yield _about_rights(where) or found if found.verdict is Verdict.OK else found
        return
    path = where
    if not path.exists():
        yield warn("records", "there are none yet", "nothing, before the first start; else set SAFECONDUCT_HOME")
        return
    if not path.stat().st_size:
        yield fail("records", "records.db is empty: what was in it is gone", "put back the newest copy of records.db")
        return
    if (broken := _broken(path)) is not None:
        yield fail("records", broken, "stop everything and put the last copy of records.db back, without temporal.db")
        return
    if lacking := _lacking(path):
        yield fail("records", f"made by another version: no {', '.join(lacking)}", "use the version that made them")
    elif gone := _unguarded(path):
        do = "find out who took them away; put back a backup from before, or see with `safeconduct verify` what is true"
        yield fail("records", f"what guards the log is gone: {', '.join(gone)}", do)
    else:
        yield ok("records", "open, whole, with the tables of this version")
    if any(stat.S_IMODE(one.stat().st_mode) & 0o077 for one in (path, path.parent)):
        yield warn("records", "other accounts may open the folder or its files", "chmod 700 the folder, 600 its files")


def _about_postgresql(check: str, url: str, tree: Tree) -> Finding:
    """Whether a PostgreSQL answers, and has this version's tables."""
    try:
        with closing(Reader(url)) as reader, reader.reading() as connection:
            must_be_current(connection, tree)
    except Outdated as error:
        return fail(check, str(error).partition(":")[0], "as the owner of its tables: safeconduct migrate")
    except StoreError as error:
        return fail(check, str(error), "start that PostgreSQL, or mend its address in the settings")
    return ok(check, f"{in_short(url)} answers, with the tables of this version")


def _about_rights(url: str) -> Finding | None:
    """What is wrong with what the application may do to the log: it reads, and calls one function."""
    try:
        with closing(Reader(url)) as reader, reader.reading() as connection:
            may = connection.execute(_MAY_CHANGE_THE_LOG).scalar_one()
    except StoreError as error:
        return fail("records", str(error), "start that PostgreSQL, or mend its address in the settings")
    if not may:
        return None
    do = "let SAFECONDUCT_RECORDS_URL name a role of its own, which owns nothing: see Records in PostgreSQL"
    return fail("records", "the application connects as who may change the log", do)


def about_keyring(settings: Settings) -> Finding:
    """Whether the keyring opens, is whole, and whether something here opens it without asking a person."""
    where = settings.keyring
    if isinstance(where, str):
        found = _about_postgresql("keyring", where, KEYRING)
        if found.verdict is not Verdict.OK:
            return found
    elif not where.exists():
        return warn("keyring", "there is none", "nothing, before the first start; else put keyring.db back")
    elif (broken := _broken(where)) is not None:
        return fail("keyring", broken, "put the last copy of keyring.db back: without it nothing can be read")
    try:
        if not is_begun(settings):
            do = "nothing, before the first start; else put keyring.db back"
            return warn("keyring", "it belongs to no key yet", do)
        open_keys(settings, Role.WORK, may_ask=False)
    except StoreError as error:  # of the records, without which no key opens
        return warn("keyring", f"whether it opens can't be seen: {error}", "mend the records first")
    except Refused as error:
        return fail("keyring", str(error), "put back the keyring that belongs to these records, or take its own key")
    except SafeconductError:
        return ok("keyring", "opens, and is whole; no key is at hand now, so a person's passphrase will be asked")
    return ok("keyring", "opens, is whole, and the key at hand fits it")


def about_generation(settings: Settings) -> Iterator[Finding]:
    """Whether the generation that the keyring is at is in the records, and no older one."""
    try:
        if not (is_there(settings.keyring, KEYRING) and is_there(settings.records, RECORDS)):
            return
        with closing(ring_of(settings)) as ring:
            present, there = ring.generation(), ring.generations.all()
    except StoreError:
        return  # the lines about the two files say it better
    if not present:
        return
    found = next((one for one in there if one.number == present), None)
    if found is None:
        do = "put back the keyring.db and the records.db that belong together, from one backup"
        yield fail("generation", f"{present}, which is not in the records: no key opens", do)
    elif there[0].number < present:
        do = "start the installation, or a worker: it ends what broke off"
        yield warn("generation", f"{present}; an older one is left, so older keyrings still open", do)
    else:
        yield ok("generation", f"{present}, since {found.made_at[:10]}; no older one is left")


def about_checkpoints(settings: Settings) -> Iterator[Finding]:
    """Whether each signed checkpoint of the log is kept elsewhere as well."""
    place = settings.checkpoints
    if place is None:
        do = "set SAFECONDUCT_CHECKPOINTS to a file on another disk: without one nobody sees that the log was cut off"
        yield warn("checkpoints", "lie beside the log alone", do)
        return
    try:
        if not is_there(settings.records, RECORDS):
            return
        with closing(Reader(settings.records)) as reader:
            missing, broken = lacking_elsewhere(reader, place), broken_off(place)
    except Refused as error:
        yield fail("checkpoints", str(error), "see that SAFECONDUCT_CHECKPOINTS names a file that this account reads")
        return
    except BadCheckpoint as error:
        yield fail("checkpoints", str(error), "find out who wrote it; nothing starts before the file is mended")
        return
    except StoreError:
        return  # the line about the records says it better
    if missing:
        do = "see that it can be written: a worker sends them then"
        yield warn("checkpoints", f"{place} lacks {len(missing)} that lie beside the log", do)
    elif broken:
        yield warn("checkpoints", f"{place}: a line was broken off ({', '.join(map(str, broken))})", "nothing")
    else:
        yield ok("checkpoints", "the file elsewhere has each of them")


def about_noted(settings: Settings) -> Iterator[Finding]:
    """Whether persons stand in the vault whose case never began: whoever started it broke off."""
    try:
        found = never_began(Reader(settings.records)) if is_there(settings.records, RECORDS) else []
    except StoreError:
        return  # the line about the records says it better
    if found:
        do = "start or import their files again, or have them erased: safeconduct erase REFERENCE"
        yield warn("vault", f"noted, and never begun: {', '.join(found[:SHOWN])}", do)


def about_law(settings: Settings) -> Iterator[Finding]:
    """Whether the rulebook's files can be read, and say what the edition says on which cases run."""
    try:
        files = load(over=settings.rules)
    except UnknownRule as error:
        yield fail("law", str(error), "safeconduct rules --check FILE")
        return
    try:
        law = law_of(Reader(settings.records), files) if is_there(settings.records, RECORDS) else Law.of(files)
    except StoreError:
        return  # the line about the records says it better
    if law.editions and law.editions[-1].digest != digest_of(files):
        found = f"the files say something else than edition {law.latest}, on which cases run"
        yield warn("law", found, "safeconduct rules --diff, then safeconduct rules --apply")
    else:
        yield ok("law", f"edition {law.latest}, as the files say" if law.editions else "the files, no edition yet")


def _broken(path: Path) -> str | None:
    """What is wrong with a database file."""
    reader = Reader(path)
    try:
        with reader.reading() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    except Unreachable as error:
        return f"{path.name} does not open: {str(error).rpartition(': ')[2]}"
    finally:
        reader.close()
    return None if said == "ok" else f"{path.name} is damaged"


def _lacking(path: Path) -> list[str]:
    """The tables and columns of this version that the records do not have."""
    reader = Reader(path)
    with reader.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        )
        columns = {f"{table}.{column}" for table, column in found}
    reader.close()
    wanted = [f"{table.name}.{column.name}" for table in SQLModel.metadata.sorted_tables for column in table.columns]
    return [column for column in wanted if column not in columns]


def _unguarded(path: Path) -> list[str]:
    """The triggers that the records should have, and have not as they should be."""
    reader = Reader(path)
    with reader.reading() as connection:
        found = {sql for (sql,) in connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
    reader.close()
    wanted = [trigger.replace("IF NOT EXISTS ", "") for trigger in TRIGGERS]
    return [trigger.split()[2] for trigger in wanted if trigger not in found]


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
