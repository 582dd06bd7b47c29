"""``safeconduct rules``: what the rulebook says, whether a file of it is sound, and what a change of it would move."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from domain.errors import UnknownRule
from domain.facts import Occurred
from domain.rulebook import Country, Fault, Rulebook, check, load
from domain.rulebook.model import KINDS
from domain.rulebook.risk import Risk, reckon_risk
from runtime import law, screen
from runtime.desk import as_json
from runtime.settings import Settings, now

NO_ADVICE = "Facts with their sources and doubts, not legal advice: let a lawyer check before anyone relies on them."


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command("rules")(rules_)


def rules_(
    country: Annotated[str | None, typer.Argument(help="a country's code; all countries if left out")] = None,
    check_: Annotated[list[Path] | None, typer.Option("--check", help="look whether this file is sound")] = None,
    on: Annotated[str | None, typer.Option(help="the law of another day than today")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """What applies in a country today: with sources, doubts, reports of danger and what changes soon."""
    if check_:
        _check(check_, json=json)
        return
    book = load(over=Settings().rules)
    day = Occurred.parse(on).earliest if on is not None else now().date()
    if country is None:
        _countries(book, day, json=json)
    else:
        _country(book.must_have(country), day, json=json)


def _country(country: Country, day: date, *, json: bool) -> None:
    risk = reckon_risk(country.risks, day)
    if json:
        holding = {
            many: [one.model_dump(mode="json") for one in getattr(country, many) if one.holds_on(day)]
            for many in KINDS.values()
        }
        soon = [{"day": str(when), "how": how, "id": one.id} for when, how, one in law.changes(country, day)]
        print(as_json({**_head(country, risk, day), **holding, "soon": soon, "gaps": list(country.gaps)}))
        return
    console = screen.console()
    console.print(f"{country.name} ({country.code}) as the law stood on {day}", style="bold")
    for table in law.country_tables(country, risk, day):
        console.print(table)
    console.print(NO_ADVICE)


def _head(country: Country, risk: Risk, day: date) -> dict[str, object]:
    return {"code": country.code, "name": country.name, "on": str(day), "risk": str(risk.level)}


def _countries(book: Rulebook, day: date, *, json: bool) -> None:
    found = [(one, reckon_risk(one.risks, day)) for one in book.countries]
    if json:
        print(as_json([_head(country, risk, day) for country, risk in found]))
        return
    table = screen.plain_table("Rulebooks", "Code", "Country", "Items", "Doubtful", "Gaps", "Reports of danger")
    for country, risk in found:
        holding = [one for one in country.items if one.holds_on(day)]
        doubtful = sum(bool(one.doubt) for one in holding)
        reports = f"{risk.level} ({len(risk.records)})"
        counts = (len(holding), doubtful, len(country.gaps))
        table.add_row(country.code, escape(country.name), *(str(one) for one in counts), reports)
    console = screen.console()
    console.print(table)
    console.print(NO_ADVICE)


def _check(paths: list[Path], *, json: bool) -> None:
    faults: list[Fault] = []
    for path in paths:
        country, found = check(path)
        faults.extend(found)
        if country is not None and not json:
            doubtful = sum(bool(one.doubt) for one in country.items)
            print(f"{path.name}: {country.name}, {len(country.items)} items, {doubtful} of them doubtful: sound.")
    if json:
        print(as_json([{"file": one.file, "line": one.line, "says": one.says} for one in faults]))
    elif faults:
        print("\n".join(str(one) for one in faults))
    if faults:
        raise UnknownRule(
            f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}: mend the lines above, then check again"
        )
