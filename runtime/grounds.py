"""``safeconduct grounds CASE``: the stays of a case with their history of statuses, read back as on paper."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.references import Phase, phase_of
from domain.rulebook import Rules
from domain.story import Story
from domain.transit_claim import Claim
from domain.transit_stay import TransitStay
from runtime import screen
from runtime.cases import story_of
from runtime.desk import as_json, at_desk
from runtime.settings import now


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command()(grounds)


def grounds(
    case: Annotated[str, typer.Argument(help="reference or nickname")],
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Every ground to stay as a history: asked for, granted, renewed, refused, expired, withdrawn; and the claim."""
    here, today = at_desk(), now().date()
    reference = here.find(case)
    found = list(_stays(story_of(here.events(reference, "timeline"), reference, here.law)))
    if json:
        print(as_json([_as_row(number, stay, rules, today) for number, stay, rules in found]))
        return
    console = screen.console()
    for number, stay, rules in found:
        console.print(_head(number, stay), style="bold")
        for table in (_history(stay, rules, today), _blockers(stay), _claim(stay.claim)):
            if table.row_count:
                console.print(table)


def _stays(story: Story) -> Iterator[tuple[int, TransitStay, Rules]]:
    for stream, ledger in sorted(story.phases.items()):
        parts, stay = phase_of(stream), ledger.state
        if parts is not None and parts[0] is Phase.TRANSIT_STAY and isinstance(stay, TransitStay):
            yield parts[1], stay, story.rules(stream)


def _head(number: int, stay: TransitStay) -> str:
    if stay.entered is None:
        return f"Stay {number}, {stay.country}: no entry is recorded"
    how = "lawfully" if stay.lawfully else "not lawfully"
    registered = ", ".join(f"{one.on} by the {one.by}" for one in stay.registrations) or "not recorded"
    return f"Stay {number}, {stay.country}: entered on {stay.entered} {how}, {stay.document}; registered: {registered}"


def _history(stay: TransitStay, rules: Rules, today: date) -> Table:
    table = screen.plain_table("Grounds to stay", "When", "Ground", "What", "Last day")
    for one in stay.grounds.history(today, rules):
        table.add_row(str(one.on), str(one.status), str(one.turn), str(one.until or ""))
    return table


def _blockers(stay: TransitStay) -> Table:
    table = screen.plain_table("In the way", "Since", "What", "Of")
    for blocker, found in stay.grounds.blockers.items():
        table.add_row(str(found.since), str(blocker), str(found.status or "any ground"))
    return table


def _claim(claim: Claim) -> Table:
    table = screen.plain_table(f"Asylum claim: {claim.state}", "When", "What", "Last day")
    for when, what, until in claim_steps(claim):
        table.add_row(when, what, str(until or ""))
    return table


def claim_steps(claim: Claim) -> Iterator[tuple[str, str, date | None]]:
    """The steps of the claim that are known, in order, with the last day that was printed with each."""
    refused_until = claim.appeal_until if claim.dismissed is None else None
    for when, what, until in (
        (claim.lodged, "lodged", None),
        (claim.refused, "refused", refused_until),
        (claim.appealed, "appealed", None),
        (claim.dismissed, "appeal dismissed", claim.appeal_until),
        (claim.finally_refused, "finally refused", claim.leave_until),
    ):
        if when is not None:
            yield str(when), what, until


def _as_row(number: int, stay: TransitStay, rules: Rules, today: date) -> dict[str, Any]:
    return {
        "stay": number,
        "country": stay.country,
        "entered": str(stay.entered) if stay.entered is not None else None,
        "lawfully": stay.lawfully,
        "document": stay.document,
        "registrations": [one.model_dump(mode="json") for one in stay.registrations],
        "history": [one.model_dump(mode="json") for one in stay.grounds.history(today, rules)],
        "blockers": {blocker: found.model_dump(mode="json") for blocker, found in stay.grounds.blockers.items()},
        "claim": {"state": stay.claim.state, "steps": [list(one) for one in claim_steps(stay.claim)]},
    }
