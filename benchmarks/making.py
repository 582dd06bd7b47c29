"""A store with very many cases, made in minutes: a few hundred are folded, and the rest are these under other names."""

import os
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from domain.events import Event, Past
from domain.facts import Fact, Occurred
from domain.intake import Identity
from domain.references import case_stream, make_reference
from domain.room import Acknowledged
from domain.rulebook import Rulebook, load
from domain.story import Story
from records import projecting
from records.database import Database
from records.keyring import Keyring, Role, wrapping_key
from records.keys import Purpose
from records.log import ROOT, Entry, Statement, chain_of, digest_of, header_of
from records.projecting import instant
from records.ring import wrap
from records.sealing import Sealer, fresh_key, subkey
from records.sqlite_log import INSERT, LOG_PRAGMAS
from records.store import HEADER
from records.vault import identity_place
from runtime.cases import story_of_file
from runtime.rebuilding import cards_of
from tests.support.intakes import minimal, past
from tests.support.keys import MASTER, keys_in
from tests.support.many_cases import STORY

EVENTS = 12
"""Of each case."""

COUNTRIES = ("KZ", "GE", "AM", "KG", "TR", "RS", "MN")
STEPS, DAYS = 5, 40
"""How far a case may have come, and on how many days one may have begun: two thousand templates."""

REFERENCE = "00000000000"
AT_ONCE = 2000
FAST = ("synchronous=OFF", "cache_size=-300000", "temp_store=MEMORY")


@dataclass(frozen=True)
class Template:
    """One case, as it is to be written again and again.

    Attributes:
        heads: of each event the stream, version, schema version and instant.
        bodies: of each event what is sealed.
        ids: the events' ids, which each copy has of its own.
        names: the case's reference and its streams, which each copy has of its own.
        cards: the rows of lists and notices.
    """

    heads: tuple["Head", ...]
    bodies: bytes
    ids: tuple[str, ...]
    names: frozenset[str]
    cards: tuple[Statement, ...]


Head = tuple[str, int, int, str]
_BETWEEN = b"\n"
_HEAD = "INSERT INTO stream (stream, version, epoch, digest) VALUES (?, ?, ?, ?)"
_KEY = "INSERT INTO data_key (key_id, scope, role, generation, wrapped, made_at) VALUES (?, ?, ?, ?, ?, ?)"


def templates(moment: datetime, days_in_all: int = DAYS) -> Iterator[Template]:
    """Cases of exactly so many events: some are looked after, and of some nobody has taken any duty in hand."""
    rulebook = load()
    for days in range(days_in_all):
        for steps in range(STEPS + 1):
            for number, country in enumerate(COUNTRIES):
                began = moment - timedelta(days=30 + 4 * days, hours=steps)
                story = _story(rulebook, country, began, steps, is_looked_after=(days + steps + number) % 3 > 0)
                if len(story.events()) == EVENTS:
                    yield template_of(story, rulebook, moment)


def _story(rulebook: Rulebook, country: str, began: datetime, steps: int, *, is_looked_after: bool) -> Story:
    file = minimal()
    opened = file.intake.opened.model_copy(update={"country": country})
    intake = file.intake.model_copy(update={"opened": opened})
    file = file.model_copy(update={"intake": intake, "since": Occurred.on(began.date())})
    story = story_of_file(REFERENCE, file, rulebook, began)
    for number, (fact, who) in enumerate(STORY[:steps]):
        at = began + timedelta(days=number)
        story.tell(past(fact, at.date(), who), uuid4(), at)
    at = began + timedelta(days=steps)
    while len(story.events()) < EVENTS and (found := story.next_rung(at)) is not None:
        stream, duty, rung = found
        at = max(at, rung.at)
        story.fire(stream, duty, rung)
        if is_looked_after and len(story.events()) < EVENTS:
            _take_in_hand(story, stream, Acknowledged(duty=duty.id), at)
    return story


def _take_in_hand(story: Story, stream: str, fact: Fact, at: datetime) -> None:
    phase = next(one.phase for one in story.path.state.rounds if stream.split("/")[2] == one.phase)
    taken = Past(fact=fact, occurred=Occurred.at_instant(at), learned_on=at.date(), actor="dana", phase=phase)
    story.tell(taken, uuid4(), at)


def template_of(story: Story, rulebook: Rulebook, moment: datetime) -> Template:
    """A case in memory, as it is to be written."""
    events = story.events()
    beside = [*projecting.notices(events), *projecting.cards(cards_of(events, REFERENCE, rulebook, moment))]
    return Template(
        heads=tuple((one.stream, one.version, one.schema_version, instant(one.recorded_at)) for one in events),
        bodies=_BETWEEN.join(_body(one) for one in events),
        ids=tuple(str(one.event_id) for one in events),
        names=frozenset([REFERENCE, *(one.stream for one in events), *_streams(beside)]),
        cards=tuple(one for one in beside if one.sql.startswith("INSERT")),
    )


def _streams(beside: Iterable[Statement]) -> Iterator[str]:
    values = (value for _, rows in beside for row in rows for value in row)
    return (value for value in values if isinstance(value, str) and value.startswith(case_stream(REFERENCE)))


def _body(event: Event) -> bytes:
    return event.model_dump_json(exclude=HEADER).encode()


def make(folder: Path, cases: int, moment: datetime, known: Sequence[Template] = ()) -> None:
    """Make an installation with so many cases. Its log is whole: it verifies.

    Args:
        known: what the cases are copied from; many cases of a dozen events if left out.
    """
    keys = keys_in(folder)
    Database(folder / "records.db").close()
    known = known or list(templates(moment))
    chance = random.Random(cases)
    with closing(_open(folder / "records.db", LOG_PRAGMAS)) as records, closing(_open(folder / "keyring.db")) as ring:
        copies = Copies(keys[0].keyring)
        for begins in range(0, cases, AT_ONCE):
            some = range(begins, min(begins + AT_ONCE, cases))
            for number in some:
                copies.write(chance.choice(known), make_reference(lambda: chance.getrandbits(60)), number)
            copies.put(records, ring)


def _open(path: Path, pragmas: Sequence[str] = ()) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in (*pragmas, *FAST):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class Copies:
    """Cases under names and keys of their own, gathered until they are put into the files."""

    def __init__(self, keyring: Keyring) -> None:
        self._generation = keyring.generations.get(keyring.generation())
        self._wrapping = {role: wrapping_key(MASTER, role) for role in Role}
        self._position, self._chain = 0, ROOT
        self._records: dict[str, list[tuple[object, ...]]] = defaultdict(list)
        self._ring: list[tuple[object, ...]] = []

    def write(self, template: Template, reference: str, number: int) -> None:
        """One more case."""
        scope = case_stream(reference)
        sealers = {role: self._sealer(scope, role) for role in Role}
        ids = [str(UUID(bytes=os.urandom(16), version=4)) for _ in template.ids]
        swap: dict[object, str] = dict(zip(template.ids, ids, strict=True))
        bodies = template.bodies
        for old, new in zip(template.ids, ids, strict=True):
            bodies = bodies.replace(old.encode(), new.encode())
        bodies = bodies.replace(REFERENCE.encode(), reference.encode())
        swap |= {one: one.replace(REFERENCE, reference) for one in template.names}
        heads = [(swap[stream], version, schema, at) for stream, version, schema, at in template.heads]
        self._log(heads, ids, bodies.split(_BETWEEN), sealers[Role.WORK])
        for sql, rows in template.cards:
            self._records[sql] += (tuple(swap.get(value, value) for value in row) for row in rows)
        identity = Identity(nickname=f"Wren {number}").model_dump_json().encode()
        sealer = sealers[Role.VAULT]
        row = (reference, sealer.key_id, sealer.seal(identity_place(reference), identity))
        self._records["INSERT INTO identity (reference, key_id, body) VALUES (?, ?, ?)"].append(row)

    def _sealer(self, scope: str, role: Role) -> Sealer:
        key_id, data_key = str(uuid4()), fresh_key()
        row = wrap(scope, role, key_id, data_key, self._wrapping[role], self._generation)
        self._ring.append((row.key_id, row.scope, row.role, row.generation, row.wrapped, row.made_at))
        return Sealer(key_id, subkey(data_key, Purpose.LOG if role is Role.WORK else Purpose.VAULT))

    def _log(self, heads: Sequence[Head], ids: Sequence[str], bodies: Sequence[bytes], sealer: Sealer) -> None:
        digests: dict[str, tuple[int, bytes]] = {}
        for (stream, version, schema, at), event_id, body in zip(heads, ids, bodies, strict=True):
            bare = Entry(event_id, stream, version, schema, sealer.key_id, at, b"")
            entry = bare._replace(body=sealer.seal(header_of(bare), body))
            digest = digest_of(digests.get(stream, (0, ROOT))[1], entry)
            self._position += 1
            self._chain = chain_of(self._chain, self._position, digest)
            digests[stream] = (version, digest)
            self._records[INSERT].append((self._position, *entry, digest, self._chain))
        self._records[_HEAD] += ((stream, version, 1, digest) for stream, (version, digest) in digests.items())

    def put(self, records: sqlite3.Connection, ring: sqlite3.Connection) -> None:
        """Write what was gathered: the keys first."""
        for connection, all_rows in (ring, {_KEY: self._ring}), (records, self._records):
            connection.execute("BEGIN IMMEDIATE")
            for sql, rows in all_rows.items():
                connection.executemany(sql, rows)
            connection.execute("COMMIT")
        self._records.clear()
        self._ring.clear()
