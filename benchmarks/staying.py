"""What stays cost: ten thousand long histories, and the same count day by day on a few of them."""

import random
import time
from collections.abc import Sequence
from datetime import date

from benchmarks.figures import Figure
from domain.stay_reckoning import reckon
from domain.stays import Constraint, Limit, Stay
from tests.support import slow_stays

HISTORIES, ENTRIES, SLOW = 10_000, 40, 2
SECONDS_AIM = 2.0
LIMIT = Limit(
    constraints=(
        Constraint(kind="rolling", amount=90, window=180),
        Constraint(kind="per-entry", amount=60, reset="yes"),
    ),
    entry_day_counts="yes",
    exit_day_counts="yes",
)


def staying() -> list[Figure]:
    """Whole reckonings: every overstay, the last lawful day, the next entry and the next full stay. Processor time."""
    taken = 0.0
    for number in range(HISTORIES):
        history = _history(random.Random(number))
        began = time.process_time()
        reckon(history, LIMIT, _last_day(history))
        taken += time.process_time() - began
    few = [_history(random.Random(number)) for number in range(SLOW)]
    began = time.process_time()
    for history in few:
        _day_by_day(history)
    slow = (time.process_time() - began) / SLOW * HISTORIES
    name = f"{HISTORIES:,} histories of {ENTRIES} stays (bare: day by day)"
    return [
        Figure(name, slow, taken, taken / slow, "s", f"{SECONDS_AIM:.0f} or less", taken <= SECONDS_AIM, _HELD_BACK)
    ]


_HELD_BACK = "each stay is held against each limit in Python, and every overstay and new entry is searched"


def _history(chance: random.Random) -> list[Stay]:
    """Stays of up to a month, a month apart on average: some of them too long."""
    day, found = date(2015, 1, 1).toordinal(), []
    for _ in range(ENTRIES):
        entered = day + chance.randint(1, 60)
        day = entered + chance.randint(0, 30)
        found.append(Stay.between(date.fromordinal(entered), date.fromordinal(day)))
    return found


def _last_day(history: Sequence[Stay]) -> date:
    left = history[-1].left
    assert left is not None
    return left.latest


def _day_by_day(history: Sequence[Stay]) -> None:
    visits = [(one.entered.earliest, _last_day([one])) for one in history]
    list(slow_stays.overstays(visits, LIMIT))
    slow_stays.last_lawful(visits[-1][0], visits[:-1], LIMIT)
