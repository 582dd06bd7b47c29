"""``safeconduct journey CASE``: every leg with its dates and how it is known, and what does not fit."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from domain.journey import Finding, Leg
from domain.journey import journey as journey_of
from runtime import screen
from runtime.cases import story_of
from runtime.desk import as_json, at_desk


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command()(journey)


def journey(
    case: Annotated[str, typer.Argument(help="reference or nickname")],
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """The journey log: every leg with dates and how it is known; gaps, overlaps and contradictions."""
    here = at_desk()
    reference = here.find(case)
    found = journey_of(story_of(here.events(reference, "timeline"), reference, here.law))
    if json:
        print(as_json(found.model_dump(mode="json")))
        return
    console = screen.console()
    console.print(_legs_table(found.legs))
    if found.findings:
        console.print(_findings_table(found.findings))


def _legs_table(legs: tuple[Leg, ...]) -> Table:
    table = screen.plain_table("Journey", "When", "Where", "What", "How known", "Event")
    for leg in legs:
        known = ", ".join(leg.known_by)
        table.add_row(str(leg.when), leg.country or "", escape(_what(leg)), known, str(leg.event)[:8])
    return table


def _what(leg: Leg) -> str:
    return ", ".join(_words(leg))


def _words(leg: Leg) -> Iterator[str]:
    yield f"{leg.move} to {leg.to}" if leg.to is not None else str(leg.move)
    if leg.until is not None:
        yield f"until {leg.until}"
    if leg.failure is not None:
        yield leg.failure.replace("-", " ")
    if leg.place is not None:
        yield f"at {leg.place}"
    if leg.document is not None:
        yield f"with {leg.document.replace('-', ' ')}"
    if leg.lawfully is False:
        yield "not lawfully"


def _findings_table(findings: tuple[Finding, ...]) -> Table:
    table = screen.plain_table("To ask about", "What", "Which")
    for one in findings:
        table.add_row(str(one.misfit), escape(one.says))
    return table
