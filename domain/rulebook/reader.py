"""Reading a country's file. Whatever is wrong with it is one sentence that names the file, the rule and what to do.

The form of a file: the country's own fields, ``[sources.<name>]`` for pages that several rules share, and ``[[rule]]``
with its versions as ``[[rule.version]]``. A version repeats only what differs; a rule without versions is its only one.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from domain.errors import UnknownRule
from domain.facts import Frozen
from domain.rulebook.model import Country, EntryDocument, Rule, Rulebook

Table = dict[str, Any]
Model = TypeVar("Model", bound=Frozen)

_ID = re.compile(r"[a-z]{2}(\.[a-z0-9-]{1,40}){1,6}")
"""What may be repeated in an error. Anything else might be something that was pasted by mistake."""


def load(folder: Traversable | Path | None = None) -> Rulebook:
    """Read every ``*.toml`` of a folder; those delivered with the product if none is given.

    Raises:
        UnknownRule: a file is wrong, two are of one country, or there is none.
    """
    place = files("domain.rulebook") if folder is None else folder
    names = sorted((one for one in place.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    countries = tuple(parse(_text(one), one.name) for one in names)
    codes = [country.code for country in countries]
    if not countries:
        raise UnknownRule("the folder holds no rulebook: name one with a .toml file for each country")
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise UnknownRule(f"there are two rulebooks for {', '.join(twice)}: keep one")
    return Rulebook(countries=countries)


def parse(text: str, name: str) -> Country:
    """Read one country.

    Args:
        text: the file's content.
        name: the file's name, for errors.

    Raises:
        UnknownRule: the file is wrong; the sentence says where, and never repeats what stands there.
    """
    table = _toml(text, name)
    shared = _table(table.pop("sources", {}), f"{name}, sources")
    rules = tuple(
        _build(Rule, version, where)
        for number, head in enumerate(_list(table.pop("rule", []), name), 1)
        for version, where in _versions(head, f"{name}, {_called(head, number)}", shared)
    )
    documents = tuple(
        _build(EntryDocument, _with_sources(one, shared, where), where)
        for number, one in enumerate(_list(table.pop("entry_document", []), name), 1)
        if (where := f"{name}, entry document {number}")
    )
    place = {"country": table.get("code"), **_table(table.pop("place", {}), f"{name}, place")}
    return _build(Country, {**table, "place": place, "entry_documents": documents, "rules": rules}, name)


def _text(file: Traversable | Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        raise UnknownRule(f"{file.name} cannot be read: save it as UTF-8 text that this user may read") from None


def _toml(text: str, name: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f" at line {line[1]}" if line else " at its end"
        raise UnknownRule(f"{name} is not TOML{where}: look for a missing quotation mark or bracket") from None


def _versions(head: Table, where: str, shared: Table) -> Iterator[tuple[Table, str]]:
    versions = _list(head.get("version", [{}]), where) or [{}]
    common = {key: value for key, value in head.items() if key != "version"}
    for number, version in enumerate(versions, 1):
        here = where if len(versions) == 1 else f"{where}, version {number}"
        yield _with_sources({**common, **version}, shared, here), here


def _with_sources(table: Table, shared: Table, where: str) -> Table:
    """Put the shared pages in the place of their names."""
    sources = [_source(one, shared, where) for one in _list(table.get("sources", []), where)]
    return {**table, "sources": sources}


def _source(source: Table, shared: Table, where: str) -> Table:
    if "from" not in source:
        return source
    page = shared.get(str(source["from"]))
    if page is None:
        raise UnknownRule(f"{where}: a source is from a page that is not among [sources]: add it there")
    return {**_table(page, where), **{key: value for key, value in source.items() if key != "from"}}


def _build(model: type[Model], table: Table, where: str) -> Model:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise UnknownRule(f"{where}: {_first_fault(error, model)}") from None


def _first_fault(error: ValidationError, model: type[Frozen]) -> str:
    """The first fault in words. Names of fields are ours, unless the field is unknown: then ours are listed."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if fault["type"] == "extra_forbidden":
        return f"it has a field that is not known here; known are {', '.join(model.model_fields)}"
    field = next((str(part) for part in fault["loc"] if part in model.model_fields), "")
    if fault["type"] == "missing":
        return f"{field} is incomplete or missing: add it"
    words = fault["msg"].removeprefix("Value error, ")
    return f"{field}: {words}" if field else words


def _called(rule: Table, number: int) -> str:
    name = rule.get("id")
    return name if isinstance(name, str) and _ID.fullmatch(name) else f"rule {number}"


def _table(value: object, where: str) -> Table:
    if not isinstance(value, dict):
        raise UnknownRule(f"{where}: a table is expected, as [name] and lines below it")
    return value


def _list(value: object, where: str) -> list[Table]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UnknownRule(f"{where}: a list of tables is expected, as [[name]] or [{{ … }}]")
    return value
