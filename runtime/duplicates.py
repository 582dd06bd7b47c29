"""The commands about people who may have come back, for those who have the right and prove each time who they are."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import typer

from domain.errors import NotUnderstood, Refused
from records import duplicates, persons
from records.duplicates import LOOKED, Finding
from runtime import screen
from runtime.desk import LOCKED_NAME, Desk, as_json, at_desk
from runtime.keys import ask_passphrase, existing_ring, is_begun, keys_of
from runtime.settings import now

LOOK_EVERY = timedelta(days=7)
"""Who may see hits is reminded to look after so long, hits or none. Longer lets a returning person be taken in as a
stranger; shorter is not read any more."""

duplicates_app = typer.Typer(help="Cases that may be the same person, for those who may see that.")

As = Annotated[str | None, typer.Option("--as", help="who looks; $SAFECONDUCT_STAFF if left out")]


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    app.add_typer(duplicates_app, name="duplicates")


def reminder(here: Desk, moment: datetime) -> str | None:
    """One line for who has the right and has not looked for a while. It is the same whether there are hits or not."""
    if not is_begun(here.settings):
        return None
    if persons.Right.DUPLICATES not in persons.rights_of(existing_ring(here.settings), here.staff):
        return None
    if duplicates.looked_since(here.database, here.staff, moment - LOOK_EVERY):
        return None
    return "You have not looked for duplicates this week: safeconduct duplicates"


@duplicates_app.callback(invoke_without_command=True)
def list_hits(
    context: typer.Context,
    staff: As = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Cases that may be the same person, for those who may see that. Asks for a passphrase each time."""
    if context.invoked_subcommand is not None:
        context.obj = staff
        return
    here = _at_the_desk_of_who_may(staff)
    hits = duplicates.open_hits(here.database)
    # written down without saying which cases, hits or none: whoever reads the list of readings must not learn of one
    names = here.vault.nicknames_among_all(LOOKED, {one for row in hits for one in (row.reference, row.other)})
    duplicates.mark_seen(here.database, hits, here.staff, now())

    def name_of(reference: str) -> str:
        return names.get(reference, LOCKED_NAME)

    if json:
        shown = [{**row.model_dump(), "nicknames": [name_of(row.reference), name_of(row.other)]} for row in hits]
        print(as_json(shown))
    elif not hits:
        print("No hit is open.")
    else:
        screen.console().print(screen.hits_table(hits, name_of))
        print("Look at both, and settle it: safeconduct duplicates settle HIT --same (or --other)")


@duplicates_app.command()
def settle(
    context: typer.Context,
    hit: Annotated[int, typer.Argument(help="its number in the list")],
    same: Annotated[
        bool | None, typer.Option("--same/--other", help="the same person, or two", show_default=False)
    ] = None,
    staff: As = None,
) -> None:
    """Write down what you found: this pair does not come again. It changes nothing in either case."""
    if same is None:
        raise NotUnderstood("say what you found: --same or --other")
    here = _at_the_desk_of_who_may(staff or context.obj)
    finding = Finding.SAME if same else Finding.OTHER
    reference, other = duplicates.settle(here.database, hit, finding, here.staff, now())
    print(f"{reference} and {other} are {'the same person' if same else 'two people'}.")


def _at_the_desk_of_who_may(staff: str | None) -> Desk:
    """The desk of somebody who has the right, and has proved by a passphrase who they are.

    Raises:
        Refused: they have not the right, or the passphrase is another.
    """
    here = at_desk(staff)
    ring = existing_ring(here.settings)
    if persons.Right.DUPLICATES not in persons.rights_of(ring, here.staff):
        raise Refused(f"{here.staff} may not see duplicates: `safeconduct staff list` says who may (--as NAME)")
    passphrase = ask_passphrase(here.staff, "hits are shown at a terminal, to who types a passphrase there")
    master = persons.master_by_passphrase(ring, here.staff, passphrase)
    ring.must_fit(master)
    return replace(here, held=keys_of(here.settings, master))
