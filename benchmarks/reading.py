"""What is read from the log: a case and its timeline, all entries for their digests, and the lists made anew."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.cipher import AESCipher
from eventsourcing.domain import Aggregate, event

from benchmarks.figures import Figure
from benchmarks.making import REFERENCE, Template, make, template_of, templates
from domain.forecast import HORIZON, forecast
from domain.intake import read_intake, read_script
from domain.rulebook import load
from domain.story import Story
from records.board import Board
from records.database import Database
from records.store import Store
from records.verifying import verify
from runtime import screen
from runtime.cases import story_of, story_of_file
from runtime.rebuilding import rebuild
from runtime.settings import now
from tests.support.keys import keys_in

STORY = Path("examples/story")
TURNS = 9
ENTRIES = 100_000
TEMPLATES_OF_DAYS = 8
"""Of the small cases; more would only take longer to fold before anything is measured."""


def reading() -> Iterator[Figure]:
    """Figures of everything that is read."""
    moment, story = now(), two_years()
    with tempfile.TemporaryDirectory(prefix="safeconduct-bench-") as name:
        yield from _of_one_case(Path(name), template_of(story, load(), moment))
    small = list(templates(moment, TEMPLATES_OF_DAYS))
    for what, known in (
        ("in cases of two years", [template_of(story, load(), moment)]),
        (f"in cases of {len(small[0].ids)} events", small),
    ):
        with tempfile.TemporaryDirectory(prefix="safeconduct-bench-") as name:
            folder = Path(name)
            make(folder, ENTRIES // len(known[0].ids), moment, known)
            yield from _of_all(folder, what)


def two_years() -> Story:
    """The story of two years, from its first day to the end of its script."""
    file = read_intake((STORY / "intake.toml").read_text())
    script = read_script((STORY / "script.toml").read_text())
    begins = datetime(file.since.earliest.year, file.since.earliest.month, file.since.earliest.day, tzinfo=UTC)
    story = story_of_file(REFERENCE, file, load(), begins)
    for _ in forecast(story, script, begins, begins + HORIZON):
        pass
    return story


class Noted(Aggregate):
    """Their events, of 256 bytes."""

    @event("Began")
    def __init__(self) -> None:
        self.last = ""

    @event("WasNoted")
    def note(self, last: str) -> None:
        self.last = last


def _theirs(folder: Path, number: int) -> tuple[Application[UUID], UUID]:
    """A sequence of theirs under their cipher."""
    application: Application[UUID] = Application(
        {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(folder / "theirs.db"),
            "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
            "CIPHER_KEY": AESCipher.create_key(32),
        }
    )
    noted = Noted()
    for _ in range(number - 1):
        noted.note(last="x" * 256)
    application.save(noted)
    return application, noted.id


def _of_one_case(folder: Path, template: Template) -> Iterator[Figure]:
    make(folder, 1, now(), [template])
    database = Database(folder / "records.db")
    store, number, rulebook = Store(database, keys_in(folder)[0]), len(template.ids), load()
    reference = Board(database).cases()[0].reference
    application, noted = _theirs(folder, number)

    def ours() -> None:
        story_of(store.read_case(reference), reference, rulebook)

    theirs_seconds, ours_seconds = _by_turns(lambda: application.repository.get(noted), ours)
    yield _rate("open and fold, theirs with their cipher", number / theirs_seconds, number / ours_seconds, 50_000)
    (seconds,) = _by_turns(lambda: screen.timeline_table(store.read_case(reference), lambda _: None))
    aim = 20
    yield Figure(
        f"a case of two years to its timeline, {number} events",
        None,
        seconds * 1000,
        None,
        "ms",
        f"{aim} or less",
        seconds * 1000 <= aim,
    )
    application.close()
    database.close()


def _by_turns(*calls: Callable[[], object]) -> list[float]:
    """The median of each, in seconds; they take turns."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(TURNS + 1):
        for found, call in zip(taken, calls, strict=True):
            began = time.perf_counter()
            call()
            if turn:  # the first one only warms up
                found.append(time.perf_counter() - began)
    return [statistics.median(found) for found in taken]


def _of_all(folder: Path, what: str) -> Iterator[Figure]:
    database = Database(folder / "records.db")
    store, rulebook = Store(database, keys_in(folder)[0]), load()
    entries = verify(database).entries
    (seconds,) = _by_turns(lambda: verify(database))
    yield _rate(f"verify {entries} entries, {what}", None, entries / seconds, 400_000)
    began = time.perf_counter()
    rebuild(database, store, rulebook, now, lambda *_: None)
    seconds, aim = time.perf_counter() - began, timedelta(seconds=3).total_seconds()
    held_back = "one process opens, parses and folds each event, and reckons the duties of each phase"
    name = f"rebuild of {entries} events, {what}"
    yield Figure(name, None, seconds, None, "s", f"{aim:.0f} or less", seconds <= aim, held_back)
    database.close()


def _rate(name: str, bare: float | None, ours: float, aim: int) -> Figure:
    ratio = ours / bare if bare is not None else None
    held_back = "it is one process in Python"
    return Figure(name, bare, ours, ratio, "events/s", f"{aim} or more", ours >= aim, held_back)
