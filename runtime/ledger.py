"""The commands about the log itself: whether it is what was written, where it stands, and what lists make of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from sqlalchemy import text

from domain.errors import Refused
from records.checkpoints import all_signed, checkpoints
from records.verifying import Verified, verify, verify_case
from runtime import screen
from runtime.desk import Desk, as_json, at_desk
from runtime.settings import now

_LAST = text("SELECT coalesce(max(position), 0) FROM event")


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    for name, command in (("verify", verify_), ("checkpoint", checkpoint_), ("rebuild", rebuild_)):
        app.command(name)(command)


def verify_(
    case: Annotated[str | None, typer.Argument(help="reference or nickname; the whole log if left out")] = None,
    against: Annotated[Path | None, typer.Option(help="file with checkpoints that was kept elsewhere")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Look whether the log is what was written: the first wrong position, if there is one."""
    here = at_desk()
    found = _verified(here, against) if case is None else verify_case(here.database, here.find(case))
    if json:
        print(as_json({"entries": found.entries, "fault": str(found.fault) if found.fault is not None else None}))
    if found.fault is not None:
        raise Refused(f"the log is not what was written: {found.fault}")
    if not json:
        what = "the whole log" if case is None else "this case"
        print(f"{found.entries} entries: {what} is what was written.")


def _verified(here: Desk, against: Path | None) -> Verified:
    from records.signing import signing_key
    from runtime.checkpointing import kept_elsewhere

    key = signing_key(here.keys[0]).public_key()
    signed = all_signed(checkpoints(here.database), key)
    for place in (against, here.settings.checkpoints):
        if place is not None and (place == against or place.exists()):
            signed += kept_elsewhere(place, key)
    with here.database.reading() as connection:
        total = int(connection.execute(_LAST).scalar_one())
    with Progress(console=screen.console(), transient=True) as progress:
        task = progress.add_task("verifying", total=total)
        return verify(here.database, signed, lambda more: progress.advance(task, more))


def checkpoint_() -> None:
    """Sign where the log stands now. Keep the line elsewhere: it shows later what was cut off or written anew."""
    from runtime.checkpointing import sign

    here = at_desk()
    one = sign(here.database, here.keys[0], here.settings.checkpoints, at_once=True)
    if one is None:
        known = checkpoints(here.database)
        if not known:
            raise Refused("the log is empty: there is nothing to sign yet")
        one = known[-1]
    print(one.line)


def rebuild_() -> None:
    """Make the lists anew from the log, while workers go on writing."""
    from runtime.rebuilding import rebuild

    here = at_desk()
    with Progress(console=screen.console(), transient=True) as progress:
        task = progress.add_task("rebuilding")
        number = rebuild(
            here.database,
            here.store,
            here.rulebook,
            now,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    print(f"The lists of {number} cases were made anew from the log.")
