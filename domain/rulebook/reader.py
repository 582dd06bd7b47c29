"""Reading a country's file. Whatever is wrong with it is one sentence that names file, line, item and what to do.

The form of a file: the country's own fields, ``[sources.<name>]`` for pages that several items share, and a list of
tables for each kind of item, such as ``[[rule]]``, with its versions as ``[[rule.version]]``. A version repeats only
what differs; an item without versions is its only one.

An organisation's own file has the same form, and is laid over the installed ones: see ``domain.rulebook.layers``.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from domain.errors import UnknownRule
from domain.rulebook.dated import Dated
from domain.rulebook.lines import Lines
from domain.rulebook.model import KINDS, Country, Misfit
from domain.rulebook.wording import sentences

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
        file: the name of the file it comes from.
        kind: the name of its table.
        table: its fields, those of its head included.
        own: the fields that it gives itself.
        called: how an error calls it.
        line: where it begins.
        lines: where each field stands.
    """

    file: str
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
        found_at: where each of the country's own fields stands: file and line.
        is_toml: whether it could be read at all. Otherwise nothing more is said of it: it would be invented.
    """

    name: str
    head: Table = field(default_factory=dict)
    by: str | None = None
    drafts: list[Draft] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    found_at: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    is_toml: bool = True

    @property
    def code(self) -> str | None:
        """The country's code, if it is at least text."""
        code = self.head.get("code")
        return code if isinstance(code, str) else None

    def fault(self, says: str, line: int | None = None) -> None:
        self.add(Fault(self.name, line, says))

    def add(self, fault: Fault) -> None:
        if fault not in self.faults:
            self.faults.append(fault)


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
    file.head = {**dict(_head(table, file, lines)), **({"place": place} if place else {})}
    file.found_at = {name: (file.name, line) for name, line in lines.of_head().items()}
    return file


_HEAD = ("code", "name", "gaps")
_NAMES = (*_HEAD, "place", "sources", "by", *KINDS)


def _head(table: Table, file: File, lines: Lines) -> Iterator[tuple[str, object]]:
    """The country's own fields. Any other name is a fault: what stands below it would be lost."""
    for name, value in table.items():
        if name in _HEAD:
            yield name, value
            continue
        singular = {many: kind for kind, (many, _) in KINDS.items()}.get(name, name)
        near = get_close_matches(singular, _NAMES, 1)
        meant = f"[[{near[0]}]]" if near and near[0] in KINDS else near[0] if near else ""
        says = f"perhaps {meant} is meant" if meant else f"known are {', '.join(_NAMES)}"
        file.fault(f"a name is not known here, and all that stands under it would be lost: {says}", lines.of_name(name))


Look = Callable[[Country], Iterator[Misfit]]
"""A further look at a country: what does not fit, and in which field."""


def build(file: File, *looks: Look) -> Country | None:
    """The country of a file; ``None`` when it has faults, which are then all in ``file.faults``."""
    if not file.is_toml:
        return None
    items: dict[str, list[Dated]] = {kind: [] for kind in KINDS}
    drafts: dict[int, Draft] = {}
    for draft in file.drafts:
        if (item := _item(draft, file)) is not None:
            items[draft.kind].append(item)
            drafts[id(item)] = draft
    country = _country(file, {KINDS[kind][0]: tuple(found) for kind, found in items.items()})
    if country is None:
        return None
    is_whole = len(drafts) == len(file.drafts)
    for look in (lambda one: one.misfits(is_whole=is_whole), *looks):
        for wrong, says, name in look(country):
            _add(file, drafts.get(id(wrong)), says, name)
    return None if file.faults else country


def _add(file: File, draft: Draft | None, says: str, name: str) -> None:
    if draft is None:
        where, line = file.found_at.get(name, (file.name, None))
        file.add(Fault(where, line, says))
    else:
        file.add(Fault(draft.file, draft.lines.get(name, draft.line), says))


def _country(file: File, items: dict[str, tuple[Dated, ...]]) -> Country | None:
    head, place = dict(file.head), file.head.get("place")
    if isinstance(place, dict):
        head["place"] = {"country": file.code, **place} if file.code else place
    try:
        return Country.model_validate({**head, **items})
    except ValidationError as error:
        for says, names in sentences(error, Country):
            if names == ("place", "country") and "country" not in file.head["place"]:
                continue  # it is the code's fault
            path = [".".join(names[: count + 1]) for count in range(len(names))]
            known = [file.found_at[one] for one in reversed(path) if one in file.found_at]
            where, line = known[0] if known else (file.name, None)
            file.add(Fault(where, line, says))
    return None


def _item(draft: Draft, file: File) -> Dated | None:
    """An item, strictly: a number in quotation marks, or true for a number, is a mistake and not a value."""
    model = KINDS[draft.kind][1]
    try:
        return model.model_validate_json(json.dumps(draft.table, default=str), strict=True)
    except ValidationError as error:
        for says, names in sentences(error, model, ("version",)):
            line = draft.lines.get(names[0], draft.line) if names else draft.line
            file.add(Fault(draft.file, line, f"{draft.called}: {says}"))
    except (ValueError, RecursionError):
        file.add(Fault(draft.file, draft.line, f"{draft.called}: a value in it is too long, or nested too deep"))
    return None


_MISTAKES = {
    "Invalid date": "there is no such day or time: look at the calendar",
    "overwrite": "a name is given twice: leave one out",
    "twice": "a name is given twice: leave one out",
    "Duplicate": "a name is given twice: leave one out",
    "mutate": "a name is given twice: leave one out",
}
"""What the parser says, and what it means."""


def _toml(text: str, file: File) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = "here" if line else "at its end"
        lost = f"this is not TOML {where}: look for a missing quotation mark or bracket"
        says = next((says for part, says in _MISTAKES.items() if part in str(error)), lost)
        file.fault(says, int(line[1]) if line else None)
    except RecursionError:
        file.fault("its brackets are nested too deep: leave out those that are too many")
    except ValueError:
        file.fault("a number in it is too long: shorten it")
    file.is_toml = False
    return {}


_SET_BY_THE_READER = {"layer", "corrects"}


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
        fields = lines.fields(kind, number, count)
        for name in _SET_BY_THE_READER & table.keys():
            file.fault(f"{here}: {name} is written by the reader of the file: leave it out", fields.get(name, line))
            del table[name]
        if "contested" in table:
            table["contested"] = [
                {**one, "sources": _sources(one.get("sources", []), shared, file, here, line)}
                for one in _list(table["contested"], file, f"{here}: contested", fields.get("contested", line))
            ]
        yield Draft(file.name, kind, table, frozenset(version or common), here, line, fields)


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
