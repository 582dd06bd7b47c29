"""The three clocks of a machine, and what lies between two readings: sleep, or a clock that was moved."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from records.passing import passed


@dataclass(frozen=True)
class Moment:
    """One reading of the clocks.

    Attributes:
        wall: the present instant, by which dates go. Anybody may set it.
        awake: seconds that pass only while the machine is awake.
        passed: seconds that pass always, and that nobody can set.
    """

    wall: datetime
    awake: float
    passed: float


@dataclass(frozen=True)
class Gap:
    """What lies between two readings beside the time that was worked through.

    Attributes:
        asleep: how long the machine slept. A virtual machine that was paused from outside notices nothing of it
            until its clock is set: to it, that is a clock that was moved.
        moved: how far the wall clock was set, forwards or (below zero) backwards.
    """

    asleep: timedelta
    moved: timedelta


def read_clocks() -> Moment:
    """The clocks as they stand now."""
    return Moment(datetime.now(UTC), time.monotonic(), passed())


def gap(before: Moment, after: Moment) -> Gap:
    """What lies between two readings."""
    passed = after.passed - before.passed
    return Gap(
        asleep=timedelta(seconds=passed - (after.awake - before.awake)),
        moved=after.wall - before.wall - timedelta(seconds=passed),
    )


def span(length: timedelta) -> str:
    """A length of time in words: minutes below an hour, else hours."""
    minutes = length / timedelta(minutes=1)
    number, unit = (max(1, round(minutes)), "minute") if minutes < 60 else (round(minutes / 60, 1), "hour")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
