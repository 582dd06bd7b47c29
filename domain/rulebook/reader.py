"""Reading a country's file. Whatever is wrong with it is one sentence that names file, line, item and what to do.

The form of a file: the country's own fields, ``[sources.<name>]`` for pages that several items share, and a list of
tables for each kind of item, such as ``[[rule]]``, with its versions as ``[[rule.version]]``. A version repeats only
what differs; an item without versions is its only one.

An organisation's own file has the same form, and is laid over the installed ones: see ``domain.rulebook.layers``.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from domain.errors import UnknownRule
from domain.facts import Frozen
from domain.rulebook.dated import Dated
from domain.rulebook.lines import Lines
from domain.rulebook.model import KINDS, MODELS, Country

Table = dict[str, Any]

_ID = re.compile(r"[a-z]{2}(\.[a-z0-9-]{1,60}){1,8}")
"""What may be repeated in an error. Anything else might be something that was pasted by mistake."""


@dataclass(frozen=True)
class Fault:
    """What is wrong in a file.

    Attributes:
        file: its name.
        line: where; ``None`` when it is no single line.
        says: which item, and what to do.
    """

    file: str
    line: int | None
    says: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.says}"


@dataclass(frozen=True)
class Draft:
    """One version of one item, as it stands in a file.

    Attributes:
        kind: the name of its table.
        table: its fields, those of its head included.
        own: the fields that it gives itself.
        called: how an error calls it.
        line: where it begins.
        lines: where each field stands.
    """

    kind: str
    table: Table
    own: frozenset[str]
    called: str
    line: int | None
    lines: dict[str, int]


@dataclass
class File:
    """What was read of one file, before any item is built.

    Attributes:
        name: of the file.
        head: the country's own fields.
        by: who made it, where it is an organisation's own.
        drafts: its items.
        faults: what is wrong so far.
    """

    name: str
    head: Table = field(default_factory=dict)
    by: str | None = None
    drafts: list[Draft] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, says: str, line: int | None = None) -> None:
        self.faults.append(Fault(self.name, line, says))


def parse(text: str, name: str) -> Country:
    """Read one country.

    Args:
        text: the file's content.
        name: the file's name, for errors.

    Raises:
        UnknownRule: the file is wrong; the sentence says where, and never repeats what stands there.
    """
    file = read(text, name)
    country = build(file)
    if country is None:
        raise UnknownRule(str(file.faults[0]))
    return country


def read(text: str, name: str) -> File:
    """What stands in a file. Its faults are in the answer."""
    file = File(name)
    table = _toml(text, file)
    lines = Lines(text)
    shared = _tables(table.pop("sources", {}), file, lines.of("sources"))
    for kind in KINDS:
        for number, head in enumerate(_list(table.pop(kind, []), file, kind, lines.of(kind)), 1):
            file.drafts.extend(_drafts(kind, number, head, shared, file, lines))
    by, place = table.pop("by", None), table.pop("place", {})
    file.by = by if isinstance(by, str) and by.strip() else None
    file.head = {**table, "place": place} if place else table
    return file


def build(file: File) -> Country | None:
    """The country of a file; ``None`` when it has faults, which are then all in ``file.faults``."""
    items: dict[str, list[Dated]] = {kind: [] for kind in KINDS}
    drafts: dict[int, Draft] = {}
    for draft in file.drafts:
        if (item := _item(draft, file)) is not None:
            items[draft.kind].append(item)
            drafts[id(item)] = draft
    place = file.head.get("place")
    head = {**file.head, "place": {"country": file.head.get("code"), **place} if isinstance(place, dict) else place}
    country: Country | None = None
    try:
        country = Country.model_validate({**head, **{KINDS[kind]: tuple(found) for kind, found in items.items()}})
    except ValidationError as error:
        file.faults.extend(Fault(file.name, None, says) for says, _ in _sentences(error, Country))
    if country is None:
        return None
    for wrong, says in country.faults():
        file.fault(says, drafts[id(wrong)].line if wrong is not None and id(wrong) in drafts else None)
    return None if file.faults else country


def _item(draft: Draft, file: File) -> Dated | None:
    model = MODELS[draft.kind]
    try:
        return model.model_validate(draft.table)
    except ValidationError as error:
        for says, name in _sentences(error, model):
            file.fault(f"{draft.called}: {says}", draft.lines.get(name, draft.line))
    return None


def _toml(text: str, file: File) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = "here" if line else "at its end"
        file.fault(
            f"this is not TOML {where}: look for a missing quotation mark or bracket", int(line[1]) if line else None
        )
        return {}


def _drafts(kind: str, number: int, head: Table, shared: Table, file: File, lines: Lines) -> Iterator[Draft]:
    name = head.get("id")
    called = name if isinstance(name, str) and _ID.fullmatch(name) else f"{kind.replace('_', ' ')} {number}"
    versions = _list(head.get("version", [{}]), file, called, lines.of(kind, number)) or [{}]
    common = {key: value for key, value in head.items() if key != "version"}
    for count, version in enumerate(versions, 1):
        here = called if len(versions) == 1 else f"{called}, version {count}"
        line = lines.of(kind, number, count) or lines.of(kind, number)
        table = {**common, **version}
        table["sources"] = _sources(table.get("sources", []), shared, file, here, line)
        if isinstance(contested := table.get("contested"), list):
            table["contested"] = [
                {**one, "sources": _sources(one.get("sources", []), shared, file, here, line)}
                for one in contested
                if isinstance(one, dict)
            ]
        yield Draft(kind, table, frozenset(version or common), here, line, lines.fields(kind, number, count))


def _sources(value: object, shared: Table, file: File, where: str, line: int | None) -> list[Table]:
    """The sources of an item, with the shared pages in the place of their names."""
    found = []
    for source in _list(value, file, where, line):
        page = shared.get(str(source.get("from")), None) if "from" in source else {}
        if page is None:
            file.fault(f"{where}: a source is from a page that is not among [sources]: add it there", line)
        else:
            found.append({**page, **{key: one for key, one in source.items() if key != "from"}})
    return found


def _sentences(error: ValidationError, model: type[Frozen]) -> Iterator[tuple[str, str]]:
    """The faults in words, each with the name by which its line is found. An unknown name is never repeated."""
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = next((str(part) for part in fault["loc"] if part in model.model_fields), "")
        if fault["type"] == "default_factory_not_called":
            continue  # another fault is why
        if fault["type"] == "extra_forbidden":
            wrong = str(fault["loc"][-1])
            yield (f"{name} has a field that is not known here" if name else _unknown(wrong, model)), name or wrong
        elif fault["type"] == "missing":
            yield f"{name} is incomplete or missing: add it", name
        else:
            words = fault["msg"].removeprefix("Value error, ")
            yield (f"{name}: {words}" if name else words), name


def _unknown(wrong: str, model: type[Frozen]) -> str:
    known = list(_fields(model))
    if near := get_close_matches(wrong, known, 1):
        return f"it has a field that is not known here: perhaps {near[0]} is meant"
    return f"it has a field that is not known here; known are {', '.join(known)}"


def _fields(model: type[Frozen]) -> Iterator[str]:
    return (name for name in model.model_fields if name not in ("layer", "corrects", *KINDS.values()))


def _tables(value: object, file: File, line: int | None) -> Table:
    if isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
        return value
    file.fault("sources: a table is expected for each page, as [sources.name] and lines below it", line)
    return {}


def _list(value: object, file: File, where: str, line: int | None) -> list[Table]:
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return value
    file.fault(f"{where}: a list of tables is expected, as [[name]] or [{{ … }}]", line)
    return []
