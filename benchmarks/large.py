"""Lists over a quarter of a million cases, each question as its command asks it.

The store is made fast, not otherwise: cases are folded by the domain, each at another point and from another day; then
each is written again and again under other references and ids, sealed with keys of its own, digested and chained.
"""

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from sqlalchemy import text

from benchmarks.figures import Figure, show
from records.board import SHOWN
from records.verifying import verify
from runtime.desk import Desk
from runtime.ending import leave
from runtime.settings import now
from tests.support.keys import keys_in, settings_in

CASES = 250_000
RUNS = 100
LIMIT_MILLISECONDS = 50
LIMIT_MEGABYTES = 300
WEEK = timedelta(days=7)

_SOME = text("SELECT reference FROM case_card LIMIT 1 OFFSET :at")


def needs(desk: Desk, moment: datetime) -> None:
    """What needs a human now, as ``safeconduct`` asks."""
    found = desk.board.needs_a_human(moment)
    desk.names_shown({need.duty.reference for need in found})
    assert len(found) == SHOWN <= desk.board.number_of_needs()


def duties(desk: Desk, country: str, moment: datetime) -> None:
    """As ``safeconduct duties --country KZ --within 7d`` asks."""
    until = moment + WEEK
    found = desk.board.duties(country=country, until=until, limit=SHOWN)
    desk.names_shown({duty.reference for duty in found})
    assert len(found) == SHOWN <= desk.board.number_of_duties(country=country, until=until)


def case(desk: Desk, reference: str) -> None:
    """As ``safeconduct status CASE`` asks."""
    found = desk.find(reference)
    assert desk.board.case(found) is not None
    assert desk.board.phases(found)
    desk.board.duties(found)
    desk.names("status", found)(found)


def read(folder: Path) -> list[Figure]:
    """Ask all questions, in a process that has asked nothing yet. No key is kept from one question to the next."""
    moment = now()
    with Desk(settings_in(folder), "dana").database.reading() as connection:
        total = connection.execute(text("SELECT count(*) FROM case_card")).scalar_one()
        countries = connection.execute(text("SELECT DISTINCT country FROM case_card")).scalars().all()
        some = [connection.execute(_SOME, {"at": random.randrange(total)}).scalar_one() for _ in range(RUNS)]
    asked = iter(some)
    figures = [
        _figure(f"{total} cases: {SHOWN} that need a human, and how many", folder, lambda desk: needs(desk, moment)),
        _figure(
            f"{total} cases: {SHOWN} duties of a country's week, and how many",
            folder,
            lambda desk: duties(desk, random.choice(countries), moment),
        ),
        _figure(f"{total} cases: one by its reference", folder, lambda desk: case(desk, next(asked))),
    ]
    megabytes, aim = _peak_megabytes(), f"{LIMIT_MEGABYTES} or less"
    held_back = "that is the most it has held at once"
    is_met = megabytes < LIMIT_MEGABYTES
    return [*figures, Figure("the reader's memory", None, megabytes, None, "MB", aim, is_met, held_back)]


def _peak_megabytes() -> float:
    """The most this process has held. What the system tells of a child counts its parent's memory too, where it can."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _figure(name: str, folder: Path, ask: Callable[[Desk], None]) -> Figure:
    taken = []
    for _ in range(RUNS):
        desk = Desk(settings_in(folder), "dana", keys_in(folder))
        began = time.perf_counter()
        ask(desk)
        taken.append((time.perf_counter() - began) * 1000)
        desk.database.close()
    p95, held_back = statistics.quantiles(taken, n=20)[-1], f"half of them take {statistics.median(taken):.1f} ms"
    aim = f"p95 {LIMIT_MILLISECONDS} or less"
    return Figure(name, None, p95, None, "ms", aim, p95 <= LIMIT_MILLISECONDS, held_back)


def measure(folder: Path, cases: int) -> list[Figure]:
    """Make the store, let another process ask, and look at the whole log once."""
    from benchmarks.making import EVENTS, make  # the process that asks does without

    began = time.perf_counter()
    make(folder, cases, now())
    print(f"{cases} cases, {cases * EVENTS} events made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.large", "--read", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = [Figure(**one) for one in json.loads(answer.stdout)]
    began = time.perf_counter()
    database = Desk(settings_in(folder), "dana").database
    found = verify(database)
    rate = found.entries / (time.perf_counter() - began)
    database.close()
    assert found.fault is None, str(found.fault)
    assert found.entries == cases * EVENTS
    return [*figures, Figure(f"verify {found.entries} entries", None, rate, None, "entries/s")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and show it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="JSON to standard output, the table to standard error")
    options = parser.parse_args(arguments)
    if options.read is not None:
        print(json.dumps([asdict(one) for one in read(options.read)]))
        return 0
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="safeconduct-bench-") as name:
        figures = measure(Path(name), options.cases)
    console = Console(stderr=options.json)
    show(figures, console)
    console.print(f"One run, {os.cpu_count()} cores, load {load_before:.1f} before it began.", highlight=False)
    if options.json:
        print(json.dumps({"load_before": load_before, "figures": [asdict(one) for one in figures]}, indent=2))
    return 0


if __name__ == "__main__":
    leave(main())
