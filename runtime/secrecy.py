"""The commands about who may read: persons, readings, locks, staff and keys."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import NotUnderstood, Refused
from domain.references import case_stream
from records import persons
from records.keyring import Keyring, WrongMaster
from records.log import name_of
from records.readings import readings_of
from records.sealing import fresh_key
from runtime import screen
from runtime.desk import as_json, at_desk, check_name, read_text
from runtime.keys import (
    MASTER_KEY,
    ask_new_passphrase,
    ask_passphrase,
    existing_ring,
    master_key,
    who,
    write_recovery_copy,
)
from runtime.settings import NotRunning, Settings

staff_app = typer.Typer(help="Who can open this installation.")
keys_app = typer.Typer(help="The master key.")

Case = Annotated[str, typer.Argument(help="reference or nickname")]
AsJson = Annotated[bool, typer.Option("--json", help="for a program to read")]
RecoveryFile = Annotated[
    Path | None, typer.Option("--recovery", help="file with the recovery key (AGE-SECRET-KEY-1…), as age writes it")
]
Name = Annotated[str, typer.Argument(help="sign-in name of whom")]
RightName = Annotated[persons.Right, typer.Argument(help="what they may see")]
By = Annotated[str | None, typer.Option("--as", help="who gives or takes it; $SAFECONDUCT_STAFF if left out")]


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    app.add_typer(staff_app, name="staff")
    app.add_typer(keys_app, name="keys")
    for command in (person, readings, lock, unlock):
        app.command()(command)


def person(case: Case, json: AsJson = False) -> None:
    """Who a case is, and how to reach them. Each reading is logged."""
    here = at_desk()
    identity = here.vault.identity(here.find(case))
    known = identity.model_dump(mode="json", exclude_none=True) if identity is not None else {}
    if json:
        print(as_json(known))
        return
    for name, value in known.items():
        print(f"{name.replace('_', ' ')}: {value}")


def readings(case: Case, json: AsJson = False) -> None:
    """Who has read of a case, and when."""
    here = at_desk()
    found = readings_of(here.database, here.find_or_erased(case))
    if json:
        print(as_json([row.model_dump() for row in found]))
    else:
        screen.console().print(screen.readings_table(found))


def lock(case: Case) -> None:
    """Close a case to every reader at once: names, notes, timeline, decoder. Its duties and ladders go on."""
    here = at_desk()
    reference = here.find(case)
    openers = persons.lock(here.keys[1], case_stream(reference), here.staff)
    print(f"{reference} is locked: nobody reads its names, notes and timeline, and its duties go on.")
    print(f"It is opened again by {' or '.join(openers)}: safeconduct unlock {reference}")


def unlock(
    case: Case,
    recovery: RecoveryFile = None,
    staff: Annotated[str | None, typer.Option("--as", help="the second person; $SAFECONDUCT_STAFF if left out")] = None,
) -> None:
    """Open a locked case again: a second person with their passphrase, or the recovery key."""
    here = at_desk(staff)
    reference = here.find(case)
    vault = here.keys[1]
    if recovery is not None:
        persons.unlock_by_recovery(vault, case_stream(reference), persons.identity_from(read_text(recovery)))
    else:
        persons.may_unlock(vault.keyring, case_stream(reference), here.staff)
        passphrase = ask_passphrase(here.staff, "or give --recovery FILE")
        persons.unlock_by_person(vault, case_stream(reference), here.staff, passphrase)
    print(f"{reference} is open again.")


@staff_app.command("add")
def add_staff(
    name: Annotated[str, typer.Argument(help="their sign-in name")],
    may_see_duplicates: Annotated[
        bool, typer.Option("--may-see-duplicates", help="who may be told that a person came back")
    ] = False,
    witness: Annotated[str | None, typer.Option("--with", help="a second person, where two are enrolled")] = None,
) -> None:
    """Let another person open this installation, by a passphrase of their own. Where two are enrolled, two agree."""
    settings = Settings()
    ring = existing_ring(settings)
    check_name(name)
    if any(row.name == name for row in ring.persons()):
        raise Refused(f"{name} is enrolled already")
    master = master_key(settings) if len(ring.persons()) < 2 else _master_of_two(ring, who(settings), witness)
    _enroll(ring, name, master, {persons.Right.DUPLICATES} if may_see_duplicates else ())
    print(f"{name} is enrolled.")


def _master_of_two(ring: Keyring, staff: str, witness: str | None) -> bytes:
    """The master key, from two persons: whoever could enrol themselves again alone would be two persons.

    Raises:
        NotUnderstood: no second one is named.
        Refused: they are one person, or a passphrase is another.
        NotFound: one of them is not enrolled.
    """
    if witness is None:
        raise NotUnderstood("two persons enrol a third: name the second with --with NAME, who types their passphrase")
    if witness == staff:
        raise Refused("two persons enrol a third: --with names another than who types")
    master = b""
    for one in (staff, witness):
        persons.enrolled_at(ring, one)  # who is not enrolled is not asked
        master = persons.master_by_passphrase(ring, one, ask_passphrase(one, "persons are enrolled at a terminal"))
    return master


def _enroll(ring: Keyring, name: str, master: bytes, rights: Iterable[persons.Right]) -> None:
    """Ask for the passphrase, and write the person down; the master key may have been changed while they typed."""
    passphrase = ask_new_passphrase(name)
    persons.must_be_their_own(ring, name, passphrase)
    person = persons.new_person(name, passphrase, master, rights)
    try:
        ring.must_fit(master)
    except WrongMaster:
        raise Refused("the master key was changed meanwhile: nothing was written, do it again") from None
    ring.enroll(person)


@staff_app.command("list")
def list_staff() -> None:
    """Who is enrolled, and what they may besides."""
    for row in existing_ring(Settings()).persons():
        print(f"{row.name}  since {row.enrolled_at[:10]}{f'  may see: {row.rights}' if row.rights else ''}")


@staff_app.command("grant")
def grant_right(name: Name, right: RightName, staff: By = None) -> None:
    """Give a person a right. A second person does it, with their passphrase."""
    here, ring = at_desk(staff), existing_ring(Settings())
    persons.may_grant(ring, name, here.staff)
    persons.grant(ring, name, right, here.staff, ask_passphrase(here.staff, "rights are given at a terminal"))
    print(f"{name} may see {right}.")


@staff_app.command("revoke")
def revoke_right(name: Name, right: RightName, staff: By = None) -> None:
    """Take a right away."""
    here, ring = at_desk(staff), existing_ring(Settings())
    persons.revoke(ring, name, right, here.staff, ask_passphrase(here.staff, "rights are taken at a terminal"))
    print(f"{name} may not see {right} any more.")


@keys_app.command()
def rotate() -> None:
    """Change the master key. The log is not touched, and nobody's passphrase changes."""
    settings = Settings()
    ring = existing_ring(settings)
    _must_stand_still(settings)
    if settings.master_path.exists():
        raise Refused("this is a demo: its key is a bare file, which nobody should trust twice")
    is_given = MASTER_KEY in os.environ  # reading the key takes it away
    old, new = master_key(settings), fresh_key()
    if is_given or not ring.persons():
        print(f"The new {MASTER_KEY}, in force as soon as this command says so:\n{new.hex()}", flush=True)
    persons.rotate(ring, old, new)
    write_recovery_copy(settings, ring)
    print(f"The master key has changed. Old copies of {name_of(settings.keyring)} still open with the old one.")


@keys_app.command()
def recover(
    recovery: RecoveryFile = None,
    staff: Annotated[str | None, typer.Option("--as", help="who gets a new passphrase")] = None,
) -> None:
    """Give a person a new passphrase, by the recovery key."""
    here = at_desk(staff)
    ring = existing_ring(here.settings)
    if recovery is None:
        raise NotUnderstood("say where the recovery key is: --recovery FILE (it begins with AGE-SECRET-KEY-1)")
    master = persons.master_by_recovery(ring, persons.identity_from(read_text(recovery)))
    _enroll(ring, here.staff, master, persons.rights_of(ring, here.staff))
    print(f"{here.staff} has a new passphrase.")


def _must_stand_still(settings: Settings) -> None:
    """
    Raises:
        Refused: something runs that holds the old key.
    """
    try:
        settings.running()
    except NotRunning:
        return
    raise Refused("stop the installation first (Ctrl-C where it runs): its programs hold the old key")
