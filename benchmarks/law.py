"""What the law costs: reading and checking all rulebooks, and the duties of a two-year case from its events."""

import statistics
import time
from collections.abc import Callable
from importlib.resources import files

from benchmarks.figures import Figure
from benchmarks.making import REFERENCE
from benchmarks.reading import two_years
from domain.events import Event
from domain.rulebook import load
from domain.rulebook.editions import Law
from runtime.cases import story_of

TIMES = 20
READ_AIM, DUTIES_AIM = 200.0, 5.0


def law() -> list[Figure]:
    """Both figures, each the median of several times."""
    known, events = Law.of(load()), two_years().events()
    reading = _median(lambda: load(files("domain.rulebook")))
    duties = _median(lambda: _duties(events, known))
    return [
        _figure(f"read and check {len(known.rulebook.countries)} rulebooks", reading, READ_AIM),
        _figure(f"duties of a case from its {len(events)} events", duties, DUTIES_AIM),
    ]


def _duties(events: tuple[Event, ...], known: Law) -> None:
    story = story_of(events, REFERENCE, known)
    for stream in story.open_streams():
        story.ledger(stream).state.duties(story.path.state, story.rules(stream))


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _figure(name: str, taken: float, aim: float) -> Figure:
    return Figure(name, None, taken, None, "ms", f"{aim:.0f} or less", taken <= aim)
