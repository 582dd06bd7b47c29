"""The installed files, and an organisation's own laid over them.

An item of an organisation's file with the id of an installed one replaces it for the days on which it holds; what it
does not say itself, it takes from the installed version, save the fields that it names as ``unset``. Installed
versions of other days stay. An item with a new id is added; a file of a country that is not installed adds the country.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from domain.errors import UnknownRule
from domain.rulebook.model import Country, Misfit, Rulebook
from domain.rulebook.reader import Draft, Fault, File, Table, build, read
from domain.rulebook.steps import never_asked_for

_OWN = frozenset({"sources", "verified", "confidence"})
"""What a correction must say itself: where it comes from, and how sure it is."""

_KEPT = _OWN | {"id", "valid_from", "valid_to", "layer", "corrects"}
"""What a correction has anyway, or never takes over: there is nothing to be taken away."""

_DAY = timedelta(days=1)


def load(folder: Traversable | Path | None = None, over: Path | None = None) -> Rulebook:
    """Read every ``*.toml`` of a folder, and those that are laid over them.

    Args:
        folder: the files; those delivered with the product if none is given.
        over: the folder of an organisation's own files; none if not given.

    Raises:
        UnknownRule: a file is wrong, two are of one country, or there is none.
    """
    if folder is None and over is None:
        return _delivered()
    return _loaded(files("domain.rulebook") if folder is None else folder, over)


@cache
def _delivered() -> Rulebook:
    """Read once in a process: it takes a fifth of a second, and the product's own files do not change."""
    return _loaded(files("domain.rulebook"), None)


def _loaded(folder: Traversable | Path, over: Path | None) -> Rulebook:
    installed = [_read(one) for one in _toml_files(folder)]
    if not installed:
        raise UnknownRule("the folder holds no rulebook: name one with a .toml file for each country")
    own = [_read(one) for one in _toml_files(over)] if over is not None else []
    countries = tuple(_built(file) for file in _laid_over(installed, own))
    codes = [country.code for country in countries]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise UnknownRule(f"there are two rulebooks for {', '.join(twice)}: keep one")
    return Rulebook(countries=countries)


def check(path: Path, today: date, own: Path | None = None) -> tuple[Country | None, tuple[Fault, ...]]:
    """One file, as a country of its own or as a correction of an installed one, and everything that is wrong with it.

    Args:
        path: the file. With ``by``, without a name of its own, or in the folder ``own``, it is an organisation's.
        today: nothing can have been verified after it.
        own: the folder of the organisation's files, if there is one.

    Raises:
        UnknownRule: the file cannot be read at all.
    """
    file = _read(path)
    is_own = own is not None and path.resolve().parent == own.resolve()
    if is_own or file.by is not None or "name" not in file.head:
        installed = map(_read, _toml_files(files("domain.rulebook")) if file.code else ())
        base = next((one for one in installed if one.code == file.code), None)
        if base is not None:
            file = replace(_merged(base, file), name=file.name)
        elif is_own or file.by is not None:
            file = _added(file)

    def too_late(country: Country) -> Iterator[Misfit]:
        for one in country.items:
            if one.verified > today:
                yield (
                    one,
                    f"{one.id}: verified lies after today: write the day on which you read the source",
                    "verified",
                )

    return build(file, never_asked_for, too_late), tuple(file.faults)


def _toml_files(folder: Traversable | Path) -> list[Traversable | Path]:
    try:
        found: list[Traversable | Path] = [one for one in folder.iterdir() if one.name.endswith(".toml")]
    except OSError:
        raise UnknownRule(
            "the folder of rulebooks cannot be read: name one that is there, and that this user may read"
        ) from None
    return sorted(found, key=lambda one: one.name)


def _read(file: Traversable | Path) -> File:
    try:
        text = file.read_text(encoding="utf-8-sig")  # some editors put a mark before the first letter
    except (UnicodeDecodeError, OSError):
        raise UnknownRule(f"{file.name} cannot be read: save it as UTF-8 text that this user may read") from None
    return read(text, file.name)


def _built(file: File) -> Country:
    country = build(file)
    if country is None:
        raise UnknownRule(str(file.faults[0]))
    return country


def _laid_over(installed: list[File], own: list[File]) -> Iterator[File]:
    for base in installed:
        over = [file for file in own if file.code == base.code]
        for file in over:
            base = _merged(base, file)
        yield base
    known = {file.code for file in installed}
    for file in own:
        if file.code not in known:
            yield _added(file)


def _added(file: File) -> File:
    """A country that is not installed, with its layer in every item."""
    return replace(file, drafts=[_marked(draft, file) for draft in file.drafts])


def _merged(base: File, over: File) -> File:
    """The installed items, with those of an organisation's file in their place."""
    drafts = list(base.drafts)
    for draft in over.drafts:
        former = [one for one in drafts if _same(one, draft)]
        drafts = [one for one in drafts if not _same(one, draft)]
        drafts.extend(part for one in former for part in _left_of(one, draft.table))
        met = [one for one in former if _overlap(one.table, draft.table)]
        drafts.append(_corrected(met[-1], draft, over) if met else _marked(draft, over))
    head, gaps = {**base.head, **over.head}, over.head.get("gaps", [])
    if isinstance(gaps, list):
        head["gaps"] = [*base.head.get("gaps", []), *gaps]
    found_at = {**base.found_at, **over.found_at}
    return replace(base, head=head, drafts=drafts, faults=[*base.faults, *over.faults], found_at=found_at)


def _same(one: Draft, other: Draft) -> bool:
    return (one.kind, one.table.get("id")) == (other.kind, other.table.get("id"))


def _corrected(former: Draft, draft: Draft, file: File) -> Draft:
    missing = _OWN - draft.own - draft.table.keys()
    inherited = {key: value for key, value in former.table.items() if key not in _OWN and key not in _BEGINNING_AND_END}
    if missing or not draft.table.get("sources"):
        wanted = ", ".join(sorted(missing or {"sources"}))
        file.fault(f"{draft.called}: a correction says where it comes from: add {wanted}", draft.line)
    marked = _marked(draft, file)
    own = {key: value for key, value in marked.table.items() if key != "unset"}
    for name in _unset(former, draft, file):
        inherited.pop(name)
    return replace(marked, table={**inherited, **own, "corrects": in_short(former.table)})


def _unset(former: Draft, draft: Draft, file: File) -> list[str]:
    """The fields that a correction takes away from what is installed: nobody knows them any more."""
    names = draft.table.get("unset", [])
    if isinstance(names, list) and all(isinstance(one, str) and one in former.table.keys() - _KEPT for one in names):
        return list(dict.fromkeys(names))
    says = 'unset is a list of fields that the installed item has, such as ["amount", "unit"]: mend the names'
    file.fault(f"{draft.called}: {says}", draft.lines.get("unset", draft.line))
    return []


def _marked(draft: Draft, file: File) -> Draft:
    if file.by is None:
        file.fault('say who changes the rules: add by = "…" at the top')
    return replace(draft, table={**draft.table, "layer": f"{file.name}, by {file.by}"})


_BEGINNING_AND_END = ("valid_from", "valid_to")


def in_short(table: Table) -> str:
    """What an item said, for a reader to compare."""
    amount, unit = table.get("amount"), table.get("unit")
    period = f"{amount} {unit}" if amount is not None else ""
    holds = f"from {table['valid_from']}" if table.get("valid_from") else ""
    said = (period, str(table.get("confidence", "")), str(table.get("status", "")), holds)
    return ", ".join(one for one in said if one)


def _first(table: Table) -> date:
    found = table.get("valid_from")
    return found if type(found) is date else date.min  # with an hour it is none: its fault is told later


def _last(table: Table) -> date:
    found = table.get("valid_to")
    return found if type(found) is date else date.max


def _overlap(one: Table, other: Table) -> bool:
    return max(_first(one), _first(other)) <= min(_last(one), _last(other))


def _left_of(former: Draft, over: Table) -> Iterator[Draft]:
    """What stays of an installed version beside the one that is laid over it: before, and after."""
    if not _overlap(former.table, over):
        yield former
        return
    if _first(former.table) < _first(over):
        yield replace(former, table={**former.table, "valid_to": _first(over) - _DAY})
    if _last(over) < _last(former.table):
        yield replace(former, table={**former.table, "valid_from": _last(over) + _DAY})
