"""Looks for planted values in bytes, in every form in which a program may have written them down."""

import json
import sqlite3
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 5
"""Characters of a value that is looked for. A shorter one would meet itself in ciphertext by chance."""

_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Trace:
    """Bytes that were written somewhere.

    Attributes:
        where: a file, or what else it was.
    """

    where: str
    content: bytes


@dataclass(frozen=True)
class Leak:
    """A planted value that stands where it must not."""

    where: str
    value: str
    form: str
    around: str


def forms_of(value: str) -> dict[bytes, str]:
    """All forms of a value, each with its name.

    Raises:
        ValueError: the value is too short to be told from chance.
    """
    if len(value) < SHORTEST:
        raise ValueError("too short to look for")
    found: dict[bytes, str] = {}
    for case, text in (("", value), (" in small letters", value.lower()), (" in capitals", value.upper())):
        for name, form in _forms(text):
            found.setdefault(form, name + case)
    return found


def _forms(text: str) -> Iterator[tuple[str, bytes]]:
    escaped = json.dumps(text)[1:-1]
    capital = "".join(rf"\u{ord(one):04X}" if ord(one) > 127 else one for one in text)
    encoded = {
        "UTF-8": text.encode(),
        "UTF-16, little end first": text.encode("utf-16-le"),
        "UTF-16, big end first": text.encode("utf-16-be"),
        r"JSON, \u0abc": escaped.encode(),
        r"JSON, \u0ABC": capital.encode(),
    }
    yield from encoded.items()
    for name, written in (("lower", escaped), ("upper", capital)):
        yield f"JSON in JSON, {name}", written.replace("\\", "\\\\").encode()
    for name, raw in encoded.items():
        yield f"hexadecimal of {name}", raw.hex().encode()
        for offset in range(3):
            for kind, encode in (("base64", b64encode), ("base64 for addresses", urlsafe_b64encode)):
                yield f"{kind} of {name}, {offset} bytes in", _certain(encode(bytes(offset) + raw), offset, len(raw))
    for name, written in (("percent", quote(text, safe="")), ("form field", quote_plus(text))):
        yield name, written.encode()
        yield f"{name}, small", _small_escapes(written).encode()
    yield "bytes as Python shows them", repr(text.encode())[2:-1].encode()


def _certain(encoded: bytes, offset: int, length: int) -> bytes:
    """The digits of base64 that depend on the value alone, whatever stands before and after it."""
    return encoded[-(-offset * 8 // 6) : (offset + length) * 8 // 6]


def _small_escapes(written: str) -> str:
    first, *rest = written.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def leaks(values: Iterable[str], traces: Iterable[Trace]) -> list[Leak]:
    """Every planted value in every trace, in every form."""
    wanted = [(value, form, name) for value in values for form, name in forms_of(value).items()]
    return [
        Leak(trace.where, value, name, _around(trace.content, form))
        for trace in traces
        for value, form, name in wanted
        if form in trace.content
    ]


def _around(content: bytes, form: bytes) -> str:
    place = content.index(form)
    return repr(content[max(0, place - 80) : place + len(form) + 40])


def files_below(folder: Path) -> Iterator[Trace]:
    """Every file, its name included, and the rows of every database: a value may lie across two of its pages."""
    for path in sorted(folder.rglob("*")):
        where = str(path.relative_to(folder))
        yield Trace(f"name of {where}", where.encode())
        if path.is_file():
            content = path.read_bytes()
            yield Trace(where, content)
            if content.startswith(_SQLITE):
                yield Trace(f"rows of {where}", b"\n".join(_cells(path)))


def _cells(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table.decode()}"'):  # noqa: S608
                yield from (cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)
