"""``safeconduct relocate CASE``: what is known of each country, side by side. Facts with their doubts, never advice."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from domain.errors import NotUnderstood
from domain.relocating import Destination, Traveller, Way, destinations, traveller
from domain.rulebook import EntryDocument
from domain.rulebook.known import RiskRecord
from domain.stay_answers import days_in_words
from runtime import law, screen
from runtime.cases import story_of
from runtime.desk import as_json, at_desk
from runtime.rules import NO_ADVICE
from runtime.settings import now

REPORTS_SHOWN = 3
"""Of each country when all stand side by side; `--to` shows every report, and what it says."""


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command()(relocate)


def relocate(
    case: Annotated[str, typer.Argument(help="reference or nickname")],
    to: Annotated[
        list[str] | None, typer.Option(help="only this country, with all that is known; repeat for more")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """What is known of each country this person might go to, in the order of codes: facts, never advice."""
    here, today = at_desk(), now().date()
    reference = here.find(case)
    person = traveller(story_of(here.events(reference, "timeline"), reference, here.law))
    found = _chosen(destinations(here.law.rulebook, person, today), to or [])
    if json:
        rows = {"person": person.model_dump(mode="json"), "on": str(today), "says": NO_ADVICE}
        print(as_json({**rows, "countries": [one.model_dump(mode="json") for one in found]}))
        return
    console, sources = screen.console(), law.Sources()
    console.print(_person_table(person, today))
    console.print(_overview(found, sources))
    for one in found if to else ():
        console.print(_whole(one, sources))
    console.print(sources.table())
    if not to:
        console.print("All that is known of one country: safeconduct relocate CASE --to CODE")
    console.print(NO_ADVICE)


def _chosen(found: tuple[Destination, ...], codes: list[str]) -> tuple[Destination, ...]:
    wanted = {code.upper() for code in codes}
    if unknown := wanted - {one.code for one in found}:
        known = ", ".join(one.code for one in found)
        raise NotUnderstood(f"{len(unknown)} of these countries have no rulebook: `--to` is one of {known}")
    return tuple(one for one in found if not wanted or one.code in wanted)


def _person_table(person: Traveller, today: date) -> Table:
    table = screen.plain_table("Documents of this person", "Which", "Valid until", "Known from", "Doubts")
    for one in person.documents:
        doubts = "; ".join(one.doubts(today))
        table.add_row(str(one.document), str(one.until or ""), escape(one.known_from), escape(doubts))
    if not person.documents:
        table.add_row("none recorded", "", "", "record what he holds: record CASE document-held")
    return table


def _overview(found: tuple[Destination, ...], sources: law.Sources) -> Table:
    table = screen.plain_table(
        "Countries, in the order of their codes", "Country", "His documents", "Days and preconditions", "Reports"
    )
    for one in found:
        cells = (
            (f"{one.code} {one.name}", *one.marks),
            _documents(one, sources),
            _stay(one, sources),
            (*_reports(one, sources), f"{len(one.gaps)} open questions"),
        )
        table.add_row(*(escape("\n".join(lines)) for lines in cells))
        table.add_section()
    return table


def _documents(one: Destination, sources: law.Sources) -> Iterator[str]:
    for way in one.ways:
        yield _way(way, sources)
    for other in one.others:
        yield f"he has none, accepted: {_border(other, sources)}"
    if not one.ways and not one.others:
        yield "nothing is known"


def _way(way: Way, sources: law.Sources) -> str:
    says = _border(way.item, sources) if way.item is not None else f"{way.document}: not known"
    doubts = f"; doubt: {'; '.join(way.doubts)}" if way.doubts else ""
    return f"{says}{doubts}"


def _border(item: EntryDocument, sources: law.Sources) -> str:
    document, says = law.words_of(item)
    return f"{document}: {says} {sources.of(item)}"


def _stay(one: Destination, sources: law.Sources) -> Iterator[str]:
    if one.limit is None:
        yield "limit of stay: not known"
    else:
        says = " and ".join(limit.says for limit in one.limit.constraints) or "no limit is known"
        yield f"{says} {sources.of(one.limit)}"
    if one.days is not None:
        yield f"an entry today: {days_in_words(one.days)}"
    for needed in one.preconditions:
        yield f"wanted: {law.words_of(needed)[1]} {sources.of(needed)}"


def _reports(one: Destination, sources: law.Sources) -> Iterator[str]:
    records = one.risk.records
    if not records:
        yield "no report is known, which is no safety"
        return
    rising = ", rising" if one.risk.rising else ""
    yield f"{len(records)} known; by their weight: {one.risk.level}{rising}"
    for record in records[:REPORTS_SHOWN]:
        yield _report(record, sources)
    if len(records) > REPORTS_SHOWN:
        yield f"and {len(records) - REPORTS_SHOWN} older ones"


def _report(record: RiskRecord, sources: law.Sources) -> str:
    return f"{record.happened} {record.group}, {record.mechanism}, {record.result} {sources.of(record)}"


def _whole(one: Destination, sources: law.Sources) -> Table:
    table = screen.plain_table(f"{one.name}: reports, treaties, doubts, and what nobody has found out", "", "")
    reports = (f"{_report(record, sources)}: {record.says}" for record in one.risk.records)
    treaties = (" ".join((*law.words_of(treaty), sources.of(treaty))) for treaty in one.treaties)
    for what, lines in (("report", reports), ("treaty", treaties), ("doubt", one.doubts), ("gap", one.gaps)):
        for line in lines:
            table.add_row(what, escape(line))
    return table
