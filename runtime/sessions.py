"""Who is signed in at an app of ours, and how soon one may try again. Kept in memory: a restart signs everybody out."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

IDLE_END = timedelta(minutes=15)
"""Without a page opened or a payload read. Longer, and a laptop left on a table stays open; shorter, and people pick
short passphrases. What Temporal's UI asks by itself, to refresh a page that nobody looks at, does not count."""

ABSOLUTE_END = timedelta(hours=4)
"""Whatever happens. A stolen cookie is worth no more than half a working day."""

FREE_TRIES = 3
"""Slips of the finger that cost nothing."""

LONGEST_WAIT = timedelta(minutes=5)
"""After each further failure the wait doubles, up to this: 288 guesses a day. Not longer, for whoever reaches this
machine's loopback can fail on purpose and so keep the coordinators out."""


@dataclass(frozen=True)
class _Session:
    person: str
    proof: str | None
    began: datetime
    used: datetime

    def is_over(self, now: datetime) -> bool:
        # wall clock, not a monotonic one, which stands still while a laptop sleeps; a clock set back ends it as well
        return not (self.began <= now < self.began + ABSOLUTE_END and self.used <= now < self.used + IDLE_END)


class Sessions:
    """The open sessions. Only hashes of their tokens are kept.

    Attributes:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._open: dict[bytes, _Session] = {}

    def begin(self, person: str, proof: str | None) -> str:
        """Open a session, and return its token of 256 bits.

        Args:
            proof: what their passphrase is known by; with another one the session is over.
        """
        now, token = self.now(), secrets.token_urlsafe(32)
        self._open = {key: one for key, one in self._open.items() if not one.is_over(now)}
        self._open[_key(token)] = _Session(person, proof, now, now)
        return token

    def person(self, token: str, *, acts: bool) -> str | None:
        """Whose session it is; nobody's if it is over or never was. Who ``acts`` begins the idle time anew."""
        now, session = self.now(), self._open.get(_key(token))
        if session is None:
            return None
        if session.is_over(now):
            self.end(token)
            return None
        if acts:
            self._open[_key(token)] = replace(session, used=now)
        return session.person

    def proof(self, token: str) -> str | None:
        """What the person's passphrase was known by when the session began."""
        session = self._open.get(_key(token))
        return session.proof if session is not None else None

    def end(self, token: str) -> None:
        """Sign out."""
        self._open.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Tries:
    """Failed attempts to sign in, of everybody together: whoever guesses also guesses names.

    Attributes:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._failed, self._last = 0, now()

    @property
    def wait(self) -> timedelta:
        """How long the next try has to wait; zero if it may come now."""
        if self._failed < FREE_TRIES:
            return timedelta()
        pause = min(timedelta(seconds=2 ** min(self._failed, 30)), LONGEST_WAIT)
        return max(timedelta(), min(pause, self._last + pause - self.now()))

    def begin(self) -> None:
        """A try begins. It counts as failed until it has succeeded, however it ends."""
        self._failed, self._last = self._failed + 1, self.now()

    def succeed(self) -> None:
        """The try was right: those before it are forgiven."""
        self._failed = 0
