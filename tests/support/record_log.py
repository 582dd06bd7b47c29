"""Records the log that later releases must still read: part of ``make golden``.

Two fictional cases, sealed as any: one that has come a long way, and one with a fact of every kind. Beside them lies in
words what is in them. A recorded folder is never changed: a new release adds one of its own.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path as Folder
from shutil import copyfile
from sqlite3 import connect
from uuid import UUID

from hypothesis import Phase as Step
from hypothesis import find, settings

from domain.case import Path
from domain.events import FACTS, ROOMS, Event
from domain.references import Phase, case_stream, make_reference, phase_stream
from domain.rulebook import load
from records.checkpoints import checkpoint
from records.database import Database
from records.signing import signing_key
from records.store import Store
from runtime.cases import story_of
from tests.domain.strategies import events_of_kind
from tests.support.keys import keys_in, store_in
from tests.support.many_cases import STORY
from tests.support.record_golden import RELEASE
from tests.support.telling import NOON, Author

LOGS = Folder(__file__).parents[1] / "records" / "logs"
ANY = settings(phases=[Step.generate], database=None, derandomize=True)
FILES = ("records.db", "keyring.db", "master.key")
LIVED, EVERY_KIND = (make_reference(iter(range(number, number + 50)).__next__) for number in (100, 200))


def told(events: Iterable[Event]) -> list[str]:
    """What an event says, in words that no release may change."""
    return [
        f"{event.stream} {event.version} {event.event_id} {event.recorded_at.isoformat()} {event.fact.kind} "
        f"by {event.actor} on {event.occurred}, learned {event.learned_on}, {event.outside_path or 'on the path'}"
        for event in events
    ]


def standing(events: tuple[Event, ...]) -> list[str]:
    """Where the case that was lived stands, phase by phase."""
    story = story_of(events, LIVED, load())
    return [str(story.path.state.stage)] + [
        f"{stream}: {ledger.state.headline()}" for stream, ledger in sorted(story.phases.items())
    ]


def _of_every_kind() -> list[Event]:
    """One event of each kind, in the stream where it belongs; what belongs to every phase stands in that of safety."""
    streams = {fact: phase_stream(EVERY_KIND, phase, 1) for phase, room in ROOMS.items() for fact in room.facts}
    streams |= dict.fromkeys(Path.facts, case_stream(EVERY_KIND))
    versions: Counter[str] = Counter()
    found = []
    for number, (kind, fact) in enumerate(FACTS.items(), 1):
        stream = streams.get(fact, phase_stream(EVERY_KIND, Phase.SAFETY, 1))
        versions[stream] += 1
        placed = {"event_id": UUID(int=number), "stream": stream, "version": versions[stream], "recorded_at": NOON}
        found.append(find(events_of_kind(kind), lambda _: True, settings=ANY).model_copy(update=placed))
    return found


def _write(store: Store) -> None:
    """Both cases."""
    author = Author(store, LIVED)
    for day, (fact, who) in enumerate(STORY, 2):
        author.tell(fact, date(2026, 9, day), by=who)
    for event in _of_every_kind():
        store.append(event.stream, store.open(event.stream).epoch, event.version - 1, [event])


def record(folder: Folder) -> None:
    """Write the log of a release into a new folder."""
    with tempfile.TemporaryDirectory() as name:
        home = Folder(name)
        database = Database(home / "records.db")
        store = store_in(home, database)
        _write(store)
        checkpoint(database, signing_key(keys_in(home)[0]), NOON)
        lived, every_kind = store.read_case(LIVED), store.read_case(EVERY_KIND)
        database.close()
        folder.mkdir(parents=True)
        for file in FILES:
            if file.endswith(".db"):
                _make_small(home / file)
            copyfile(home / file, folder / file)
    words = {"told": told((*lived, *every_kind)), "standing": standing(lived)}
    (folder / "told.json").write_text(json.dumps(words, indent=1) + "\n")


def _make_small(path: Folder) -> None:
    """Most of the pages of so small a file are empty."""
    with closing(connect(path)) as connection:
        for pragma in ("journal_mode=DELETE", "page_size=512"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("VACUUM")


if __name__ == "__main__":
    record(LOGS / RELEASE)
    print(f"recorded in {LOGS / RELEASE}")
