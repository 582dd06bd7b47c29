"""Brings a notice to the people at the desk: to each through their own channels, in their order, in their language.

Rules:
    1. Addressees are written down before the first try, and each is marked when a channel has taken the message; so a
       try goes on where the last one ended. One message id for each notice and addressee, over all tries: what was
       gathered into one message is written down too, and stays one, whichever of its notices is tried again.
    2. A channel that says *for now* is tried again after the time it names; where it asks for long, or keeps saying
       so, the next channel of that person is tried meanwhile, and at once where it hangs. One that says *never*, or *a
       human is needed*, gives way at once, and an operator hears of it.
    3. Whoever can't be reached at all gives way to the whole desk, and the desk to the installation's own channel.
    4. Reminders wait some minutes, and all that wait for one person by then, or for the own channel, are one message.
       All else waits for nothing, nor for other notices of the same person; nor does a reminder of an emergency, which
       has an alarm's urgency.
    5. Somebody who takes the duty in hand stops what has not been brought yet.
    6. A provider that hangs holds up its own people alone. Once it has hung, few notices at a time ask it; to all
       others it has said *for now*. What else is being brought takes no room and no thread from an emergency. A try
       that found no room, or a reminder whose people are all being reminded already, is no try.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import BoundedSemaphore, Lock
from uuid import UUID, uuid5

from activities import tracing
from activities.notifications.channel import (
    ACCEPTED,
    Answer,
    Carrier,
    Channel,
    ChannelError,
    Lasting,
    Message,
    Outcome,
)
from activities.notifications.providers import Providers, provider_of
from activities.notifications.sentences import TEXTS
from domain.colleagues import WHOLE_DESK, Address, Colleague, addressees, call_of, is_taken_in_hand
from domain.duties import Urgency
from domain.events import Event
from records.colleagues import Colleagues
from records.deliveries import OWN, Batch, Deliveries, Unsent
from records.errors import StoreError, Unreachable, Unreadable
from records.store import Store

SOONEST, LATEST = timedelta(minutes=1), timedelta(minutes=10)
"""When a reminder goes out after it was written: who watches the channel can't tell one case's hour from another's."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
"""Between tries, where the other side names no time: longer each time. At the longest, a provider that is back after a
day brings the notices of that day within five minutes."""

PATIENT_TRIES = 3
"""So often one channel may say *for now* before the next one is tried too; in an emergency it may not once."""

SHORT_WAIT = timedelta(minutes=1)
"""A channel that asks for longer gives way at once: an alarm does not wait for a day."""

AT_ONCE = 4
"""Notices that one worker brings at a time. Its threads are few, and appends need them more."""

MORE_IN_EMERGENCIES = 2
"""Emergencies besides, which alarms to providers that hang would keep waiting. Both leave some of the worker's threads
to appends, whatever hangs."""

BUSY, LONGEST_BUSY = timedelta(seconds=2), timedelta(seconds=15)
"""After which a notice that found no room is tried again, or a reminder whose people are all being reminded already.
For all but emergencies it is later each time: thousands that ask all the time would take the machine from the rest."""

SAID_AGAIN = 12
"""After so many tries a fault that lasts is in the log again: about an hour."""

TAKEN_IN_HAND = "taken-in-hand"

_NAMESPACE = UUID("7b1f5c52-3a0f-5f0e-8d55-51f2c4a9a6d3")
_log = logging.getLogger("safeconduct.notices")


@dataclass(frozen=True)
class Errand:
    """One try to bring one notice.

    Attributes:
        attempt: the how manyeth, from 1; those that found no room do not count.
        told_in: the workflow on whose behalf, for the trace.
    """

    notice: UUID
    unsent: Unsent
    attempt: int
    told_in: str | None

    @property
    def is_emergency(self) -> bool:
        return self.unsent.urgency is Urgency.EMERGENCY

    @property
    def is_reminder(self) -> bool:
        return self.unsent.urgency is Urgency.REMINDER


class Telling:
    """Brings notices to people.

    Args:
        store: the records.
        carriers: the channels that are set up, by name.
        own: the installation's own channel, which calls operators.
        now: the worker's clock.
    """

    def __init__(
        self, store: Store, carriers: Mapping[str, Carrier], own: Channel, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._colleagues = Colleagues(store.database, store.keys)
        self._deliveries = Deliveries(store.database)
        self._carriers = carriers
        self._own = own
        self._now = now
        self._slots = BoundedSemaphore(AT_ONCE)
        self._emergency_slots = BoundedSemaphore(MORE_IN_EMERGENCIES)
        self._threads = ThreadPoolExecutor(2 * AT_ONCE, thread_name_prefix="notice")
        self._emergency_threads = ThreadPoolExecutor(4 * AT_ONCE, thread_name_prefix="emergency")
        self._guard = Lock()
        self._reminded: set[str] = set()
        self._missed: dict[UUID, int] = {}
        self._called: set[UUID] = set()
        self._providers = Providers()

    def tell(self, notice: UUID, attempt: int, told_in: str | None = None) -> timedelta | None:
        """Try once to bring a notice to everybody it is for.

        Args:
            attempt: the how manyeth the engine makes, from 1, those among them that this worker could not use.
            told_in: the workflow on whose behalf, for the trace.

        Returns:
            After how long to try again; nothing when it is done.

        Raises:
            ChannelError: the installation's own channel did not take it.
            Unreachable: the records do not answer.
        """
        wait = self._told(notice, attempt, told_in)
        if wait is None:
            self._missed.pop(notice, None)
        return wait

    def _told(self, notice: UUID, attempt: int, told_in: str | None) -> timedelta | None:
        unsent = self._deliveries.unsent(notice)
        if unsent is None:
            return None
        desk = self._everybody()
        errand = Errand(notice, unsent, attempt - self._missed.get(notice, 0), told_in)
        if self._is_decided(errand, desk):
            return None
        if errand.is_reminder and attempt == 1 and (wait := jitter(notice)):
            return wait
        if errand.is_reminder and self._is_everybody_reminded(notice):
            return self._miss(errand)
        with ExitStack() as ends:
            slot = self._slot(errand)
            if slot is None:
                return self._miss(errand)
            ends.callback(slot.release)
            return self._round(errand, {one.name: one for one in desk})

    def _miss(self, errand: Errand) -> timedelta:
        """Nothing was tried; after how long to come again. The engine counts it as a try, and we take it off."""
        with self._guard:
            times = self._missed[errand.notice] = self._missed.get(errand.notice, 0) + 1
        return BUSY if errand.is_emergency else min(pause(times), LONGEST_BUSY)

    def _is_everybody_reminded(self, notice: UUID) -> bool:
        """Whether all who still wait are being reminded already: then there is nothing to take room for."""
        waiting = {one.addressee for one in self._deliveries.to(notice) if one.waits}
        with self._guard:
            return bool(waiting) and waiting <= self._reminded

    def _slot(self, errand: Errand) -> BoundedSemaphore | None:
        """Room to bring a notice, if there is any; for an emergency some is kept."""
        kept = (self._emergency_slots,) if errand.is_emergency else ()
        return next((slots for slots in (*kept, self._slots) if slots.acquire(blocking=False)), None)

    def _everybody(self) -> tuple[Colleague, ...]:
        try:
            return self._colleagues.all()
        except Unreadable as error:
            self._call_operator("desk", f"nobody at the desk can be reached: {error}")
            return ()

    def _is_decided(self, errand: Errand, desk: tuple[Colleague, ...]) -> bool:
        """Write down to whom it goes, unless that stands. Whether nobody need be told any more."""
        notice, unsent = errand.notice, errand.unsent
        events = self._events(unsent.stream)
        if is_taken_in_hand(events, notice):
            self._store.mark_sent(notice, TAKEN_IN_HAND, self._now())
            return True
        known = self._deliveries.to(notice)
        there = {one.name for one in desk} - {one.addressee for one in known if not one.waits} or {OWN}
        # it may have taken the message, though it did not say so: under another id that would be another message
        there |= {one.addressee for one in known if one.addressee == OWN and one.batch is not None}
        for one in known:
            if one.waits and one.addressee not in there:
                self._deliveries.drop(notice, one.addressee)
        if not any(not one.waits or one.addressee in there for one in known):
            call = call_of(events, notice) if events else WHOLE_DESK
            found = addressees(desk, call, unsent.urgency, unsent.coordinator, self._now().date())
            self._deliveries.add(notice, unsent.stream, [one.name for one in found] or [OWN])
        return False

    def _events(self, stream: str) -> Sequence[Event]:
        try:
            return self._store.read(stream)
        except Unreachable:
            raise
        except StoreError:  # whatever keeps the stream from being read: then everybody is called
            return ()

    def _round(self, errand: Errand, desk: Mapping[str, Colleague]) -> timedelta | None:
        """Try everybody who still waits, side by side; who is reached by nothing gives way to the others.

        Raises:
            ChannelError: nobody can be reached, and the installation's own channel did not take it.
        """
        threads = self._emergency_threads if errand.is_emergency else self._threads
        while self._deliveries.unsent(errand.notice) is not None:
            rows = self._deliveries.to(errand.notice)
            waiting = [desk[one.addressee] for one in rows if one.waits and one.addressee in desk]
            waits = [wait for wait in threads.map(partial(self._reach, errand), waiting) if wait is not None]
            if any(one.waits and one.addressee == OWN for one in rows) and self._by_own(errand) is not None:
                waits.append(BUSY)
            if waits:
                # by identity: a first pause is as long
                return min(waits) if any(wait is not BUSY for wait in waits) else self._miss(errand)
            known = self._deliveries.to(errand.notice)
            if any(one.sent_at is not None for one in known):
                return None
            others = desk.keys() - {one.addressee for one in known}
            self._deliveries.add(errand.notice, errand.unsent.stream, sorted(others) or [OWN])
            if errand.is_reminder:
                self._deliveries.give_way(desk.keys())  # what was for the same people comes along
        return None

    @contextmanager
    def _alone(self, errand: Errand, whom: str) -> Iterator[bool]:
        """Whether no reminder is on its way to somebody that might take this one along; until the end none will be.

        Anything else is a message of its own, and is alone.
        """
        if not errand.is_reminder:
            yield True
            return
        with self._guard:
            is_alone = whom not in self._reminded
            self._reminded.add(whom)
        try:
            yield is_alone
        finally:
            if is_alone:
                with self._guard:
                    self._reminded.discard(whom)

    def _reach(self, errand: Errand, colleague: Colleague) -> timedelta | None:
        """Try to reach one person; after how long to try again, if they were not."""
        with self._alone(errand, colleague.name) as is_alone:
            if not is_alone:
                return BUSY
            while (batch := self._batch(errand, colleague.name)) is not None:
                answer, channel = self._by_some_channel(errand, colleague, batch.message)
                if answer.outcome is Outcome.TRANSIENT:
                    return answer.wait or pause(errand.attempt)
                if answer.outcome is Outcome.ACCEPTED:
                    self._deliveries.sent(batch.notices, colleague.name, channel, self._now())
                else:
                    self._call_operator(f"{colleague.name}", f"{colleague.name} can't be reached: {answer.why}")
                    self._deliveries.unreachable(batch.notices, colleague.name, self._now())
            return None

    def _by_own(self, errand: Errand) -> timedelta | None:
        """Send by the installation's own channel; after how long to try again, if another reminder is on its way.

        Raises:
            ChannelError: it was not taken.
        """
        with self._alone(errand, OWN) as is_alone:
            if not is_alone:
                return BUSY
            while (batch := self._batch(errand, OWN)) is not None:
                with (
                    self._providers.asked(errand.notice, OWN, self._own.name, is_emergency=errand.is_emergency),
                    tracing.notice(errand.notice, errand.unsent.urgency, self._own.name, errand.told_in),
                ):
                    self._own.send(batch.message, errand.unsent.urgency)
                self._deliveries.sent(batch.notices, OWN, self._own.name, self._now())
            return None

    def _batch(self, errand: Errand, addressee: str) -> Batch | None:
        """The next message to somebody; none if this notice has reached them meanwhile."""
        message = errand.notice if addressee == OWN else uuid5(errand.notice, addressee)
        if errand.is_reminder:
            return self._deliveries.batch(errand.notice, addressee, message)
        still = any(one.waits and one.addressee == addressee for one in self._deliveries.to(errand.notice))
        return Batch(message, [str(errand.notice)]) if still else None

    def _by_some_channel(self, errand: Errand, colleague: Colleague, message_id: UUID) -> tuple[Answer, str]:
        """The first channel that takes it, in the person's own order."""
        text = TEXTS[colleague.language][errand.unsent.urgency]
        message = Message(message_id, text)
        transient: list[Answer] = []
        last = Answer(Outcome.PERMANENT, "no channel")
        for address in colleague.channels:
            last = self._try(errand, address, message)
            if last.outcome is Outcome.ACCEPTED:
                return last, address.channel
            if errand.attempt % SAID_AGAIN == 1:
                _log.warning("a notice was not taken: %s (%s)", last.why, last.outcome)
            if last.outcome is Outcome.NEEDS_A_HUMAN:
                self._call_operator(f"{colleague.name}|{address.channel}", f"somebody is needed: {last.why}")
            if last.outcome is Outcome.TRANSIENT:
                transient.append(last)
                if self._waits_for_it(errand, address, last):
                    break
        if not transient:
            return last, ""
        waits = [answer.wait or pause(errand.attempt) for answer in transient]
        return Answer(Outcome.TRANSIENT, transient[0].why, min(waits)), ""

    def _waits_for_it(self, errand: Errand, address: Address, answer: Answer) -> bool:
        """Whether a channel that says *for now* is worth waiting for, rather than trying the next one too."""
        if errand.is_emergency or self._providers.hangs(provider_of(address)):
            return False
        return errand.attempt <= PATIENT_TRIES and (answer.wait is None or answer.wait <= SHORT_WAIT)

    def _try(self, errand: Errand, address: Address, message: Message) -> Answer:
        """One try by one channel; who asked to be left alone is left alone."""
        carrier = self._carriers.get(address.channel)
        if carrier is None:
            return Answer(Outcome.NEEDS_A_HUMAN, f"{address.channel}: it is not set up where this worker runs")
        left = self._providers.left_alone(address)
        if left > timedelta():
            return Answer(Outcome.TRANSIENT, f"{carrier.name}: asked to wait", left)
        try:
            with (
                self._providers.asked(
                    errand.notice, provider_of(address), carrier.name, is_emergency=errand.is_emergency
                ),
                tracing.notice(errand.notice, errand.unsent.urgency, carrier.name, errand.told_in),
            ):
                answer = carrier.deliver(address.to, message)
                if answer.outcome is not Outcome.ACCEPTED:
                    raise ChannelError(answer.why, Lasting(answer.outcome), answer.wait)
        except ChannelError as error:
            if error.wait is not None:
                self._providers.leave_alone(address, error.wait)
            return Answer(Outcome(error.lasting), str(error), error.wait)
        except Exception as error:  # a channel with a defect must not keep the others from being tried
            return Answer(Outcome.NEEDS_A_HUMAN, f"{carrier.name}: {type(error).__name__}")
        return ACCEPTED

    def _call_operator(self, about: str, line: str) -> None:
        """Call an operator by the installation's own channel, once a day for each thing that is wrong."""
        notice = uuid5(_NAMESPACE, f"{about}|{self._now().date()}")
        with self._guard:
            if notice in self._called:
                return
            self._called.add(notice)
        _log.error(line)
        try:
            self._own.send(notice, Urgency.OPERATOR)
        except Exception as error:  # nor must this one
            with self._guard:
                self._called.discard(notice)
            _log.error("no operator could be called: %s", error if isinstance(error, ChannelError) else type(error))


def jitter(notice: UUID) -> timedelta:
    """How long a reminder waits: always the same for one notice, and any length for another."""
    span = int((LATEST - SOONEST).total_seconds())
    return SOONEST + timedelta(seconds=notice.int % span)


def pause(attempt: int) -> timedelta:
    """Before the next try, where the other side names no time."""
    doubled: int = 2 ** min(attempt - 1, 20)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)
