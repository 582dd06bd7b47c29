"""Logs of pure chance, and all the ways in which somebody may change one behind the program's back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import Connection

from records.log import FENCE_EPOCH, NO_KEY, ROOT, Append, Entry, Log, Statement, chain_of, digest_of

PHASES = ("", "/safety/1", "/vetting/1", "/vetting/2", "/entry/1")
TEXTS = ("event_id", "stream", "key_id", "recorded_at")
NUMBERS = ("version", "schema_version")
BLOBS = ("body", "digest", "chain")
_COLUMNS = "position, event_id, stream, version, schema_version, key_id, recorded_at, body, digest, chain"
_ROWS = text(f"SELECT {_COLUMNS} FROM event ORDER BY position")  # noqa: S608
_HEADS = text("SELECT stream, version, epoch, digest FROM stream ORDER BY stream")
_INSERT = text(
    f"INSERT INTO event ({_COLUMNS}) VALUES (:position, :event_id, :stream, :version, :schema_version, :key_id, "  # noqa: S608
    ":recorded_at, :body, :digest, :chain)"
)


_FENCE = "INSERT INTO fence (reference, fenced_at) VALUES (?, ?)"
AT = "2026-09-30T00:00:00.000000+00:00"


def grow(log: Log, chance: Random, entries: int) -> None:
    """Let some writers write: entries of several cases, alone and in batches; now and then a case is erased."""
    versions: dict[str, int] = {}
    cases = [f"case/{number:011d}" for number in range(chance.randint(1, 4))]
    erased: set[str] = set()
    while sum(versions.values()) < entries:
        own = chance.choice(cases)
        stream = own + chance.choice(PHASES)
        version = versions.get(stream, 0)
        batch = [
            Entry(
                str(UUID(int=chance.getrandbits(128))),
                stream,
                version + number,
                1,
                f"key-{own[-1]}",
                f"2026-09-{chance.randint(1, 30):02d}T00:00:00.000000+00:00",
                _body(chance),
            )
            for number in range(1, chance.randint(1, 4) + 1)
        ]
        if own not in erased and log.append(Append(stream, 1, version, own, None, batch, ())):
            versions[stream] = version + len(batch)
        if chance.random() < 0.03 or len(erased) == len(cases):
            erased.add(own)
            beside = [Statement(_FENCE, [(own.split("/")[1], AT)])]
            log.fence(Entry(str(UUID(int=chance.getrandbits(128))), own, 0, 0, NO_KEY, AT, b""), beside)
            cases.append(f"case/{len(cases):011d}")


def _body(chance: Random) -> bytes:
    """Sealed bytes are of every kind: now and then they begin as a line of text."""
    begins = b"a line\n" if chance.random() < 0.3 else b""
    return begins + chance.randbytes(chance.randint(0, 80))


@dataclass(frozen=True)
class Written:
    """A log as it was written."""

    rows: Sequence[dict[str, Any]]
    heads: Sequence[dict[str, Any]]


def read_raw(connection: Connection) -> Written:
    """All that stands in the tables, whatever it is. Text that is no text keeps its bytes."""
    driver: Any = connection.connection.driver_connection
    is_file = connection.dialect.name == "sqlite"
    if is_file:
        driver.text_factory = lambda content: content.decode(errors="surrogateescape")
    rows = [dict(row) for row in connection.execute(_ROWS).mappings()]
    heads = [dict(row) for row in connection.execute(_HEADS).mappings()]
    if is_file:
        driver.text_factory = str
    return Written(rows, heads)


def first_difference(before: Written, after: Written) -> int | None:
    """The first position at which the log is another one; ``None`` where only heads are."""
    for index, row in enumerate(before.rows):
        if index >= len(after.rows) or after.rows[index] != row:
            return index + 1
    return len(before.rows) + 1 if len(after.rows) > len(before.rows) else None


Mutation = Callable[[Connection, Written, Random], None]
"""Changes something. What it draws may turn out to be what stood there: then nothing is changed."""


def _set(connection: Connection, at: object, /, **columns: object) -> None:
    words = ", ".join(f"{column} = :{column}" for column in columns)
    statement = text(f"UPDATE event SET {words} WHERE position = :at")  # noqa: S608
    connection.execute(statement, {"at": at, **columns})


def write(connection: Connection, row: dict[str, Any]) -> None:
    """A row, whatever it is."""
    connection.execute(_INSERT, row)


def _delete(connection: Connection, position: int) -> None:
    connection.execute(text("DELETE FROM event WHERE position = :at"), {"at": position})


def _move(connection: Connection, where: Callable[[int], int], rows: Sequence[dict[str, Any]]) -> None:
    """Give rows other positions, by way of where none stands."""
    for row in rows:
        _set(connection, row["position"], position=row["position"] + 1_000_000)
    for row in rows:
        _set(connection, row["position"] + 1_000_000, position=where(row["position"]))


def _a_byte(connection: Connection, written: Written, chance: Random) -> None:
    """One byte of one column, in a text perhaps one that is no text any more."""
    row, column = chance.choice(written.rows), chance.choice(TEXTS + BLOBS)
    content = row[column].encode() if column in TEXTS else row[column]
    if not content:
        return
    is_file = connection.dialect.name == "sqlite"
    at = chance.randrange(len(content))
    other = content[at] ^ (1 << chance.randrange(8 if column in BLOBS or is_file else 4))
    changed = content[:at] + bytes([other]) + content[at + 1 :]
    if column in TEXTS and is_file:
        statement = text(f"UPDATE event SET {column} = CAST(:changed AS TEXT) WHERE position = :at")  # noqa: S608
        connection.execute(statement, {"changed": changed, "at": row["position"]})
    else:
        value = changed.decode(errors="replace").replace("\0", "0") if column in TEXTS else changed
        _set(connection, row["position"], **{column: value})


def over_the_border(connection: Connection, written: Written, chance: Random) -> None:
    """A line of a body becomes part of the header: what is digested is the same, and the event is gone."""
    lines = [row for row in written.rows if row["body"].startswith(b"a line\n")]
    if lines:
        row = chance.choice(lines)
        line, _, rest = row["body"].partition(b"\n")
        _set(connection, row["position"], recorded_at=f"{row['recorded_at']}\n{line.decode()}", body=rest)


def _a_number(connection: Connection, written: Written, chance: Random) -> None:
    column = chance.choice(NUMBERS)
    row = chance.choice(written.rows)
    used = {(one["stream"], one["version"]) for one in written.rows}
    value = chance.choice((0, 1, 2, 99, row[column] + 1, row[column] - 1))
    if column == "schema_version" or (row["stream"], value) not in used:
        _set(connection, row["position"], **{column: value})


def _a_position(connection: Connection, written: Written, chance: Random) -> None:
    beyond = len(written.rows) + chance.randint(1, 9)
    _set(connection, chance.choice(written.rows)["position"], position=chance.choice((beyond, 0, -7)))


def _a_row_less(connection: Connection, written: Written, chance: Random) -> None:
    _delete(connection, chance.choice(written.rows)["position"])


def _a_row_less_and_no_gap(connection: Connection, written: Written, chance: Random) -> None:
    gone = chance.choice(written.rows)["position"]
    _delete(connection, gone)
    _move(connection, lambda position: position - 1, written.rows[gone:])


def _a_row_more(connection: Connection, written: Written, chance: Random) -> None:
    """At the end, before the beginning, or between two others."""
    row = {**chance.choice(written.rows), "event_id": str(UUID(int=chance.getrandbits(128)))}
    row["version"] = max(one["version"] for one in written.rows if one["stream"] == row["stream"]) + 1
    position = chance.choice((len(written.rows) + 1, 0, -7, chance.choice(written.rows)["position"]))
    if position > 0:
        _move(connection, lambda known: known + 1, written.rows[position - 1 :])
    connection.execute(_INSERT, {**row, "position": position})


def _two_swapped(connection: Connection, written: Written, chance: Random) -> None:
    """Two rows change their places, or only their bodies."""
    if len(written.rows) < 2:
        return
    one, two = chance.sample(written.rows, 2)
    if chance.random() < 0.5:
        _set(connection, one["position"], body=two["body"])
        _set(connection, two["position"], body=one["body"])
    else:
        other = {one["position"]: two["position"], two["position"]: one["position"]}
        _move(connection, lambda position: other[position], [one, two])


def _some_reversed(connection: Connection, written: Written, chance: Random) -> None:
    begin = chance.randrange(len(written.rows))
    some = written.rows[begin : begin + chance.randint(2, 6)]
    ends = some[0]["position"] + some[-1]["position"]
    _move(connection, lambda position: ends - position, some)


def _cut_off(connection: Connection, written: Written, chance: Random) -> None:
    last = chance.randrange(len(written.rows))
    connection.execute(text("DELETE FROM event WHERE position > :last"), {"last": last})


def _a_type(connection: Connection, written: Written, chance: Random) -> None:
    """A file takes bytes for text, and text for bytes: the same header, and no search would find it by its id."""
    if connection.dialect.name != "sqlite":
        return
    column, kind = chance.choice([*((one, "BLOB") for one in TEXTS), *((one, "TEXT") for one in BLOBS)])
    statement = text(f"UPDATE event SET {column} = CAST({column} AS {kind}) WHERE position = :at")  # noqa: S608
    connection.execute(statement, {"at": chance.choice(written.rows)["position"]})


def replaced(connection: Connection, written: Written, chance: Random) -> None:
    """A row in place of another, with the digest and the link that fit what stands before it."""
    row = chance.choice(written.rows)
    index = row["position"] - 1
    fresh = reckoned([*written.rows[:index], {**row, "body": chance.randbytes(20)}], index)[-1]
    if connection.dialect.name == "sqlite":
        connection.execute(text(_INSERT.text.replace("INSERT", "INSERT OR REPLACE", 1)), fresh)
    else:
        _delete(connection, row["position"])
        connection.execute(_INSERT, fresh)


def _a_head(connection: Connection, written: Written, chance: Random) -> None:
    head = chance.choice([one for one in written.heads if one["version"]])
    other = chance.choice(("version", "digest", "stream", "fence", "gone", "more"))
    if other == "gone":
        statement = "DELETE FROM stream WHERE stream = :stream"
    elif other == "more":
        statement = "INSERT INTO stream (stream, version, epoch, digest) VALUES ('case/none', 3, :none, :digest)"
    elif other == "fence":
        fence = 1 if head["epoch"] >= FENCE_EPOCH else FENCE_EPOCH
        statement = f"UPDATE stream SET epoch = {fence} WHERE stream = :stream"  # noqa: S608
    else:
        value = {"version": "version + :way", "digest": ":other", "stream": "'case/other'"}[other]
        statement = f"UPDATE stream SET {other} = {value} WHERE stream = :stream"  # noqa: S608
    known = {"stream": head["stream"], "digest": head["digest"], "none": 1}
    given = {**known, "way": chance.choice((-1, 1)), "other": chance.randbytes(32)}
    connection.execute(text(statement), {name: value for name, value in given.items() if f":{name}" in statement})


MUTATIONS: tuple[Mutation, ...] = (
    _a_byte,
    _a_byte,
    _a_byte,
    _a_number,
    _a_position,
    _a_row_less,
    _a_row_less_and_no_gap,
    _a_row_more,
    _two_swapped,
    _some_reversed,
    _cut_off,
    _a_type,
    over_the_border,
    replaced,
    _a_head,
)
"""Whoever does one of these has not reckoned the chain anew to its end."""


def reckoned(rows: Sequence[dict[str, Any]], begin: int) -> list[dict[str, Any]]:
    """The rows with digests and links that fit, from an index on."""
    found = [dict(row) for row in rows]
    for index in range(begin, len(found)):
        row = found[index]
        before = [one["digest"] for one in found[:index] if one["stream"] == row["stream"]]
        entry = Entry._make(row[column] for column in Entry._fields)
        row["digest"] = digest_of(before[-1] if before else ROOT, entry)
        row["chain"] = chain_of(found[index - 1]["chain"] if index else ROOT, index + 1, row["digest"])
    return found


def write_anew(connection: Connection, written: Written, chance: Random) -> int:
    """The masterpiece: everything from a position on is another story, digests, links and heads as they must be."""
    begin = chance.randrange(len(written.rows))
    rows = [dict(row) for row in written.rows]
    if chance.random() < 0.3:
        rows = rows[:begin]
    else:
        rows[begin]["body"] = chance.randbytes(30)
    rows = reckoned(rows, begin)
    connection.execute(text("DELETE FROM event"))
    if rows:
        connection.execute(_INSERT, rows)
    for head in written.heads:
        own = [row for row in rows if row["stream"] == head["stream"]]
        version, digest = (own[-1]["version"], own[-1]["digest"]) if own else (0, ROOT)
        fence = bool(own) and own[-1]["key_id"] == NO_KEY
        _, bare, *of_a_phase = head["stream"].split("/")
        if not (fence or of_a_phase):
            connection.execute(text("DELETE FROM fence WHERE reference = :bare"), {"bare": bare})
        epoch = head["epoch"] if fence or head["epoch"] < FENCE_EPOCH else 1
        connection.execute(
            text("UPDATE stream SET version = :version, digest = :digest, epoch = :epoch WHERE stream = :stream"),
            {"stream": head["stream"], "version": version, "digest": digest, "epoch": epoch},
        )
    return begin + 1
