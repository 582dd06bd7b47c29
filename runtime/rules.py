"""``safeconduct rules``: what the rulebook says, whether a file of it is sound, and what a change of it would move."""

from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from domain.errors import NotUnderstood, UnknownRule
from domain.facts import Occurred
from domain.references import phase_of, reference_of
from domain.rulebook import Country, Fault, Rulebook, check, load
from domain.rulebook.comparing import Change, compare
from domain.rulebook.model import KINDS
from domain.rulebook.risk import Risk, reckon_risk
from runtime import law, screen
from runtime.amending import Affected, affected, days_between, let_take_over
from runtime.desk import Desk, as_json, at_desk, run
from runtime.progress import progress, stopped_answering
from runtime.settings import NotRunning, Settings, now

INSTALLED = Path(str(files("domain.rulebook")))
"""Where the delivered files lie."""

NO_ADVICE = "Facts with their sources and doubts, not legal advice: let a lawyer check before anyone relies on them."


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command("rules")(rules_)


def rules_(
    what: Annotated[
        list[str] | None, typer.Argument(help="a country's code; all countries if left out; with --check files")
    ] = None,
    check_: Annotated[bool, typer.Option("--check", help="look whether these files are sound")] = False,
    on: Annotated[str | None, typer.Option(help="the law of another day than today")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="what the files would move in open cases")] = False,
    apply_: Annotated[bool, typer.Option("--apply", help="let open cases run on the files, and record it")] = False,
    staff: Annotated[str | None, typer.Option("--as", help="who applies them")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """What applies in a country today: with sources, doubts, reports of danger and what changes soon."""
    if check_:
        _check([Path(one) for one in what or ()], json=json)
        return
    country = _one(what or [])
    if diff or apply_:
        if diff == apply_ or country is not None:
            raise NotUnderstood(
                "look with `rules --diff`, then apply with `rules --apply`: each by itself, for all cases"
            )
        here = at_desk(staff)
        _apply(here) if apply_ else _diff(here, json=json)
        return
    book = load(over=Settings().rules)
    day = Occurred.parse(on).earliest if on is not None else now().date()
    if country is None:
        _countries(book, day, json=json)
    else:
        _country(book.must_have(country), day, json=json)


def _one(what: list[str]) -> str | None:
    if len(what) > 1:
        raise NotUnderstood("look at one country at a time, such as `rules KZ`; files are checked with `rules --check`")
    return what[0] if what else None


def _country(country: Country, day: date, *, json: bool) -> None:
    risk = reckon_risk(country.risks, day)
    if json:
        holding = {
            many: [one.model_dump(mode="json") for one in getattr(country, many) if one.holds_on(day)]
            for many, _ in KINDS.values()
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
    for path in _files(paths):
        country, found = check(path, now().date(), Settings().rules)
        faults.extend(found)
        if country is not None and not json:
            doubtful = sum(bool(one.doubt) for one in country.items)
            print(f"{path.name}: {country.name}, {len(country.items)} items, {doubtful} of them doubtful: sound.")
            if path.resolve().parent != INSTALLED and not any(one.layer for one in country.items):
                print(f'{path.name}: in a folder of your own it needs by = "…" at the top: who stands behind it.')
    if json:
        print(as_json([{"file": one.file, "line": one.line, "says": one.says} for one in faults]))
    elif faults:
        print("\n".join(str(one) for one in faults))
    if faults:
        raise UnknownRule(
            f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}: mend the lines above, then check again"
        )


def _files(paths: list[Path]) -> Iterator[Path]:
    """The files that were named, and those of the folders that were."""
    if not paths:
        raise NotUnderstood("name the files to be checked: `rules --check FILE…`")
    for path in paths:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not found:
            raise UnknownRule(f"{path.name} holds no .toml file: name the folder that does")
        yield from found


def _diff(here: Desk, *, json: bool) -> None:
    law, files = here.law, here.files
    changes = list(compare(law.rulebook, files))
    found = list(_affected(here))
    if json:
        rows = [{"stream": one.stream, "moved": [move.model_dump(mode="json") for move in one.moved]} for one in found]
        print(as_json({"edition": law.latest, "changes": [one.model_dump() for one in changes], "phases": rows}))
        return
    if not changes:
        print(f"The files say what edition {law.latest} says, on which the cases run: nothing would move.")
        return
    console = screen.console()
    console.print(_changes_table(changes))
    if any(one.moved for one in found):
        console.print(_moved_table(here, found, {one.item: one.says for one in changes}))
    untouched = sum(not one.moved for one in found)
    print(f"{sum(bool(one.moved) for one in found)} open phases with dates that move; {untouched} with none.")


def _affected(here: Desk) -> Iterator[Affected]:
    streams = [one for one in here.board.open_streams() if phase_of(one) is not None]
    total = len({reference_of(one) for one in streams})
    with progress("reckoning", total) as done:
        yield from affected(here.store, streams, here.law, here.files, done)


def _changes_table(changes: list[Change]) -> Table:
    table = screen.plain_table("What the files say differently", "Item", "Version from", "Change", "File")
    for one in changes:
        table.add_row(one.item, one.valid_from, escape(one.says), escape(one.layer or ""))
    return table


def _moved_table(here: Desk, found: list[Affected], why: dict[str, str]) -> Table:
    references = dict.fromkeys(reference_of(one.stream) for one in found)
    name = here.names("rules", *references)
    table = screen.plain_table("Dates that would move", "Case", "Phase", "Duty", "Now", "Then", "By", "Why")
    for one in found:
        for move in one.moved:
            rule = one.rules.get(move.duty, "")
            reference = reference_of(one.stream)
            case = f"{reference} {escape(name(reference))}"
            because = f"{rule}: {why.get(rule, 'another rule applies')}" if rule else "another rule applies"
            dates = (screen.day(move.before), screen.day(move.after), days_between(move))
            table.add_row(case, screen.phase_of_stream(one.stream), move.duty, *dates, escape(because))
    return table


def _apply(here: Desk) -> None:
    from temporalio.service import RPCError

    from records.database import is_there
    from records.migrating import RECORDS

    files = here.files  # read before anything is written: a wrong file must change nothing
    if not is_there(here.settings.records, RECORDS):
        raise NotRunning("there are no records yet, and no case that the law could move: `make run` begins them")
    try:
        run(_applied(here, files))
    except RPCError as error:
        raise stopped_answering(error) from None


async def _applied(here: Desk, files: Rulebook) -> None:
    """Apply the files, and tell every open phase; nothing is applied while no engine could tell them.

    Raises:
        NotRunning: no engine answers.
        RPCError: it stopped answering.
    """
    from records.editions import apply

    client = (await here.office()).client
    law = apply(here.database, files, here.staff, now())
    print(f"Edition {law.latest} of the law is applied: phases that open from now on run on it.")
    streams = [one for one in here.board.open_streams() if phase_of(one) is not None]
    with progress("telling", len(streams)) as done:
        missing = await let_take_over(client, streams, done)
    print(f"{len(streams) - len(missing)} open phases look what it moves, and record it: `safeconduct timeline CASE`.")
    if missing:
        print(f"{len(missing)} do not run; they look as soon as they do: `safeconduct restore --all` starts them.")
