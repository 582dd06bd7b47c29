"""Who brings messages: which of them hangs, and which asked to be left alone.

A provider that hangs holds up its own people alone: once it has hung, few notices at a time ask it, and to all others
it has said *for now*.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from time import monotonic
from uuid import UUID

from activities.notifications.channel import ChannelError, Lasting
from domain.colleagues import Address

HANGS = timedelta(seconds=1)
"""Who takes longer to take nothing hangs."""

HANGING_AT_ONCE = 2
"""Notices that ask whoever has hung, and so many emergencies besides: all other room is for what another can bring.
More than one, as it may hang for one person alone, who has many notices."""


class Providers:
    """What one worker knows of them. It is safe to use from many threads."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._asking: defaultdict[tuple[str, bool], Counter[UUID]] = defaultdict(Counter)
        self._hanging: set[str] = set()
        self._shut: dict[Address, float] = {}

    def leave_alone(self, address: Address, wait: timedelta) -> None:
        """A channel has asked not to be tried for so long."""
        self._shut[address] = monotonic() + wait.total_seconds()

    def left_alone(self, address: Address) -> timedelta:
        """For how long it must not be tried; zero or less if it may."""
        return timedelta(seconds=self._shut.get(address, 0.0) - monotonic())

    def hangs(self, provider: str) -> bool:
        """Whether it took long to take nothing, when it was asked last."""
        return provider in self._hanging

    @contextmanager
    def asked(self, notice: UUID, provider: str, name: str, *, is_emergency: bool) -> Iterator[None]:
        """While a provider is asked, which takes the message unless this ends in an error.

        Args:
            name: of the channel, which may be told.

        Raises:
            ChannelError: it hangs, and enough ask it already.
        """
        lane, this = (provider, is_emergency), Counter([notice])
        with self._guard:
            asking = self._asking[lane]
            if provider in self._hanging and notice not in asking and len(asking) >= HANGING_AT_ONCE:
                raise ChannelError(f"{name}: it hangs", Lasting.TRANSIENT)
            self._asking[lane] += this
        began, is_taken = monotonic(), False
        try:
            yield
            is_taken = True
        finally:
            hangs = not is_taken and monotonic() - began > HANGS.total_seconds()
            with self._guard:
                self._asking[lane] -= this
                (self._hanging.add if hangs else self._hanging.discard)(provider)


def provider_of(address: Address) -> str:
    """Who is behind an address: what has a host of its own hangs by itself, all else with its channel."""
    return f"{address.channel}:{address.to.partition('://')[2].partition('/')[0]}"
