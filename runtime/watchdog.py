"""Watches records and engine from outside, and needs neither an engine nor a worker to do it.

Each round it reads the records (read models only: no key is needed), asks the engine for every stream that is open
there, says what is wrong, starts again what is missing, and calls the heartbeat address if all is well.

Invariants:
    1. Nothing that fails here ends it: not the records, the engine, a channel, nor the heartbeat.
    2. Which streams must run is read from the records, never from the engine's lists, which lag behind.
    3. What is missing is said before it is started again: that needs the engine's keys, and saying needs none.
       A phase with a duty that is past due is asked to read its stream: a crash can leave the log ahead of it.
    4. Lines hold references, titles of duties and dates; notices hold one constant sentence.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities import tracing
from activities.notifications.channel import Channel, ChannelError
from domain.duties import Urgency
from domain.errors import SafeconductError
from records.board import Board
from records.database import Reader
from records.errors import StoreError, Unreachable
from records.keyring import Role
from records.keys import Keys
from records.models import DutyRow
from records.sealing import SealError
from runtime import logs, telemetry
from runtime.alarms import Alarms, Cause, Trouble
from runtime.allowlist import Program
from runtime.client import connect
from runtime.clocks import Moment, gap, read_clocks, span
from runtime.disk import EMPTY_BYTES, free_bytes, in_words
from runtime.ending import supervisor, told_to_stop
from runtime.heartbeat import Heartbeat
from runtime.keys import open_keys
from runtime.revival import ENGINE_SECONDS, PAUSED, let_read, not_running, revive, some_at_once
from runtime.settings import Settings, now

ROUND_SECONDS = 15.0
"""From round to round. Three of them, and the settling, must fit into the minute within which a gap is noticed."""

SWEEP_ROUNDS = 3
"""In so many rounds every open stream has been asked for. One would keep a small engine busy with nothing else."""

SMALL_SWEEP = 400
"""So many streams are asked for in any round: about a second's work. Only larger installations spread theirs."""

GRACE_ROUNDS = 4
"""So many rounds a duty may be past due, while the machine is awake. A worker needs seconds; after a long sleep, with
thousands of cases, up to a minute. Shorter calls people for nothing, longer eats into duties of one hour."""

HEARTBEAT_ROUNDS = 4
"""Each so many good rounds the heartbeat is sent: services that listen for it take a few calls a minute at most."""

SETTLING_ROUNDS = 0.2
"""After that part of a round (3 s) a stream that does not run is looked at again: a path opens a phase in the records
a moment before it starts it."""

SETTLING_LOOKS = 20
"""So often at most (a minute): as long as fewer are missing each time, somebody starts them, and nobody is called."""

NOTEWORTHY = timedelta(seconds=30)
"""A shorter sleep, or a smaller step of the clock, changes nothing for duties that count in hours."""

_log = logging.getLogger("safeconduct.watchdog")


@dataclass(frozen=True)
class Seen:
    """What one round has read in the records.

    Attributes:
        streams: all open streams; each must have a running workflow.
        unfired: duties whose instant has come, and that nobody has been told of.
        fell_due: what came due since the clocks were last looked at in order.
    """

    streams: list[str]
    unfired: list[DutyRow]
    fell_due: list[DutyRow]


class Watchdog:
    """Round after round.

    Args:
        settings: where records and engine are, and the heartbeat's address.
        channel: how an operator is called.
        clocks: the machine's clocks.
        every: seconds from round to round.
    """

    def __init__(
        self,
        settings: Settings,
        channel: Channel,
        clocks: Callable[[], Moment] = read_clocks,
        every: float = ROUND_SECONDS,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._heartbeat = Heartbeat(settings.heartbeat_url) if settings.heartbeat_url is not None else None
        self._clocks = clocks
        self._every = every
        self._board = Board(Reader(settings.records))
        self._alarms = Alarms()
        self._client: Client | None = None
        self._last: Moment | None = None
        self._standing: dict[tuple[str, str, str | None], float] = {}
        self._asked: dict[str, float] = {}
        self._good_rounds = 0
        self._faults: dict[str, str | None] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            ends = loop.time() + self._every
            try:
                await self.round()
            except Exception as error:  # whatever it is: a watchdog that dies watches nobody
                self._good_rounds = 0
                _log.error("this round of the watchdog broke off: %s", type(error).__name__)
            await asyncio.sleep(max(0.0, ends - loop.time()))

    async def round(self) -> None:
        """Look at everything once."""
        moment = self._clocks()
        troubles = 0
        seen, unreadable = await self._read(moment)
        if seen is not None:
            self._tell_time(moment, seen.fell_due)
        troubles += self._look(Cause.RECORDS, unreadable, moment)
        troubles += self._look(Cause.DISK, self._room(), moment)
        if seen is not None:
            troubles += self._look(Cause.UNFIRED, self._unfired(seen.unfired, moment), moment)
        client, silent = await self._engine()
        troubles += self._look(Cause.ENGINE, silent, moment)
        await self._call_for_help()
        if seen is not None and client is not None:
            await self._let_them_read(client, {duty.stream for duty in seen.unfired})
            troubles += await self._see_that_they_run(client, seen.streams, moment)
        await self._beat(well=not troubles and not self._alarms.owed)

    def _room(self) -> list[Trouble]:
        """A full disk is read from as before: nothing else would tell before a duty is past due."""
        free = free_bytes(self._settings.folder)
        if free >= EMPTY_BYTES:
            return []
        return [Trouble("disk", f"the disk is full ({in_words(free)}): soon nothing more can be recorded")]

    def _look(self, cause: Cause, troubles: list[Trouble], moment: Moment) -> int:
        for line in self._alarms.look(cause, troubles, moment):
            _log.warning(line)
        return len(troubles)

    async def _read(self, moment: Moment) -> tuple[Seen | None, list[Trouble]]:
        try:
            return await asyncio.to_thread(self._seen, moment), []
        except Unreachable as error:
            return None, [Trouble("records", f"{error}: nobody knows what is due until they do")]

    def _seen(self, moment: Moment) -> Seen:
        since = self._last.wall if self._last is not None else moment.wall
        return Seen(
            streams=self._board.open_streams(),
            unfired=self._board.unfired(moment.wall),
            fell_due=self._board.fell_due(since, moment.wall),
        )

    def _tell_time(self, moment: Moment, fell_due: list[DutyRow]) -> None:
        """Say what the clocks tell, before all else. They are not read on while the records are silent."""
        before, self._last = self._last or moment, moment
        between = gap(before, moment)
        duties = [f"  {duty.reference} {duty.title}, due {_minute(duty.due)}" for duty in fell_due]
        lines = ["these fell due:", *duties] if duties else ["nothing fell due"]
        if between.moved <= -NOTEWORTHY:
            _log.warning(f"the clock was set backwards by {span(-between.moved)}: what is due comes later by as much")
        if between.asleep >= NOTEWORTHY:
            lines[0] = f"asleep {span(between.asleep)}, {lines[0]}"
        elif between.moved >= NOTEWORTHY:
            lines[0] = f"the clock was set forwards by {span(between.moved)}, {lines[0]}"
        else:
            return
        for line in lines:
            _log.warning(line)

    def _unfired(self, found: Iterable[DutyRow], moment: Moment) -> list[Trouble]:
        """Duties that have been past due for longer than the grace, while the machine was awake."""
        past = {(duty.stream, duty.duty, duty.next_at): duty for duty in found}
        self._standing = {key: self._standing.get(key, moment.awake) for key in past}
        grace = GRACE_ROUNDS * self._every
        return [
            Trouble("|".join(map(str, key)), f"{duty.stream}: nobody was told: {duty.title}, due {_minute(duty.due)}")
            for key, duty in past.items()
            if moment.awake - self._standing[key] >= grace
        ]

    async def _engine(self) -> tuple[Client | None, list[Trouble]]:
        """A client of an engine that answers."""
        try:
            async with asyncio.timeout(ENGINE_SECONDS):
                if self._client is None:
                    keys = await asyncio.to_thread(self._keys)
                    self._client = await connect(self._settings, keys, program=Program.WATCHDOG)
                await answers(self._client)
        except (SafeconductError, RPCError, TimeoutError) as error:
            self._client = None  # it may come back at another address
            return None, [Trouble("engine", f"the engine is dead: {_why(error)}")]
        return self._client, []

    def _keys(self) -> Keys | None:
        """What starting a workflow takes. Without it the watchdog still sees, and says, what is wrong."""
        try:
            return open_keys(self._settings, Role.WORK, may_ask=False)[0]
        except (SafeconductError, StoreError):
            return None

    async def _let_them_read(self, client: Client, streams: Iterable[str]) -> None:
        async def ask(stream: str) -> None:
            # one that does not run, and an engine that is ill, are seen to elsewhere
            with contextlib.suppress(RPCError):
                await let_read(client, stream)

        await some_at_once(ask, streams)

    async def _see_that_they_run(self, client: Client, streams: list[str], moment: Moment) -> int:
        """Start every open stream again that has no running workflow; how many had none."""
        batch = self._batch(streams, moment)
        try:
            missing = await not_running(client, batch)
            if missing:
                missing = await self._settled(client, missing)
                # read after the engine was asked: a phase is over in the records before its workflow ends
                still_open = set(await asyncio.to_thread(self._board.open_streams)) if missing else set()
                missing = {stream: how for stream, how in missing.items() if stream in still_open}
        except (RPCError, Unreachable):
            return 1  # the next round says which of the two is ill
        self._asked |= dict.fromkeys(missing, -math.inf)  # these come first in the next round
        found = [Trouble(stream, f"{stream} has no running workflow ({how})") for stream, how in missing.items()]
        self._look(Cause.MISSING, found, moment)
        await self._call_for_help()
        await self._start_again(client, missing, moment)
        return len(missing)

    async def _settled(self, client: Client, missing: dict[str, str]) -> dict[str, str]:
        """Those of them that still do not run, once they become no fewer.

        Raises:
            RPCError: the engine does not answer.
        """
        for _ in range(SETTLING_LOOKS):
            await asyncio.sleep(SETTLING_ROUNDS * self._every)
            before, missing = len(missing), await not_running(client, missing)
            if len(missing) in (0, before):
                break
        return missing

    def _batch(self, streams: list[str], moment: Moment) -> list[str]:
        """The streams to ask for in this round: those that were not asked for longest."""
        asked = {stream: self._asked.get(stream, -math.inf) for stream in streams}
        batch = sorted(streams, key=asked.__getitem__)[: max(SMALL_SWEEP, math.ceil(len(streams) / SWEEP_ROUNDS))]
        self._asked = asked | dict.fromkeys(batch, moment.awake)
        return batch

    async def _start_again(self, client: Client, missing: dict[str, str], moment: Moment) -> None:
        failed: list[Trouble] = []

        async def start(stream: str) -> None:
            try:
                async with asyncio.timeout(ENGINE_SECONDS):
                    await revive(client, stream)
            except Exception as error:  # a missing key, a silent engine: the alarm has gone out, the next round tries
                failed.append(Trouble(f"{stream}|start", f"{stream} could not be started again: {_why(error)}"))

        # paths first: they start their phases themselves
        startable = sorted((stream for stream, how in missing.items() if how != PAUSED), key=lambda one: one.count("/"))
        await some_at_once(start, startable)
        if failed:
            self._look(Cause.MISSING, failed, moment)

    async def _call_for_help(self) -> None:
        """Send what is owed; what cannot be sent now is tried again in the next round, under the same id."""
        for notice in list(self._alarms.owed):
            try:
                with tracing.notice(notice, Urgency.OPERATOR, self._channel.name):
                    await asyncio.to_thread(self._channel.send, notice, Urgency.OPERATOR)
            except Exception as error:  # also of a channel that is set up wrongly
                self._fault("channel", f"no operator could be called: {_why(error)}")
            else:
                del self._alarms.owed[notice]
                self._fault("channel", None)

    async def _beat(self, *, well: bool) -> None:
        if well and self._heartbeat is not None and self._good_rounds % HEARTBEAT_ROUNDS == 0:
            why = await self._heartbeat.ping()
            self._fault("heartbeat", f"the heartbeat's address did not take it: {why}" if why is not None else None)
        self._good_rounds = self._good_rounds + 1 if well else 0

    def _fault(self, what: str, line: str | None) -> None:
        """Say a fault of what only carries news, when it begins or changes."""
        if line is not None and line != self._faults.get(what):
            _log.warning(line)
        self._faults[what] = line


async def answers(client: Client) -> None:
    """Return if the engine answers for its namespace.

    Raises:
        RPCError: it does not.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    await client.workflow_service.describe_namespace(request, timeout=timedelta(seconds=ENGINE_SECONDS))


def _why(error: BaseException) -> str:
    """What a line may say of an error: the project's own sentences, and of all others the kind alone."""
    match error:
        case SafeconductError() | ChannelError() | SealError() | StoreError():
            return str(error)
        case RPCError():
            return error.status.name.lower().replace("_", " ")
        case TimeoutError():
            return "no answer in time"
        case _:
            return type(error).__name__


def _minute(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M} UTC"


async def watch(settings: Settings, channel: Channel, every: float = ROUND_SECONDS) -> None:
    """Watch until SIGTERM or SIGINT.

    Raises:
        NotUnderstood: the heartbeat's address is none.
    """
    stop_telling = telemetry.start("watchdog")
    if supervisor() is not None:
        logs.also_on_terminal(_log, "watchdog")
    telemetry.observe_board(Board(Reader(settings.records)), now)
    watchdog = Watchdog(settings, channel, every=every)
    watching = asyncio.create_task(watchdog.run())
    stop = told_to_stop()
    _log.info("watching")
    await stop.wait()
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    stop_telling()
