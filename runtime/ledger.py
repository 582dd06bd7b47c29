"""The commands about the records as a whole: whether they are what was written, copies of them, and their tables."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr
from sqlalchemy import text

from domain.errors import NotUnderstood, Refused
from domain.references import parse_reference
from records.checkpoints import Checkpoint, all_signed, checkpoints, kept_in
from records.database import answering
from records.errors import StoreError
from records.migrating import url_of
from records.verifying import Verified, verify, verify_case
from runtime.desk import Desk, as_json, at_desk, read_text
from runtime.keys import existing_ring
from runtime.progress import progress
from runtime.settings import Settings, now

if TYPE_CHECKING:
    from runtime.backup_places import Manifest

_LAST = text("SELECT coalesce(max(position), 0) FROM event")


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    for name, command in (
        ("verify", verify_),
        ("checkpoint", checkpoint_),
        ("rebuild", rebuild_),
        ("backup", backup_),
        ("put-back", put_back_),
        ("migrate", migrate_),
    ):
        app.command(name)(command)


def verify_(
    case: Annotated[str | None, typer.Argument(help="reference or nickname; the whole log if left out")] = None,
    against: Annotated[Path | None, typer.Option(help="file with checkpoints that was kept elsewhere")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Look whether the log is what was written: the first wrong position, if there is one."""
    here = at_desk()
    found = _verified(here, against) if case is None else _verified_case(here, case)
    is_erased = case is not None and bool(found.fences)
    if json:
        said = {"entries": found.entries, "fault": str(found.fault) if found.fault is not None else None}
        print(as_json(said if case is None else {**said, "erased": is_erased}))
    if found.fault is not None:
        raise Refused(f"the log is not what was written: {found.fault}")
    if not json:
        what = "the whole log" if case is None else "this case"
        until = ", up to its fence: it was erased, and nobody can open it again" if is_erased else ""
        print(f"{found.entries} entries: {what} is what was written{until}.")


def _verified_case(here: Desk, case: str) -> Verified:
    """One case, by what the log holds of its reference: of an erased one nothing else is left.

    Raises:
        NotFound: there is none, or more than one.
    """
    with suppress(NotUnderstood):
        found = verify_case(here.database, parse_reference(case))
        if found.entries or found.fault is not None:
            return found
    return verify_case(here.database, here.find(case))


def _verified(here: Desk, against: Path | None) -> Verified:
    from records.signing import signing_key
    from runtime.checkpointing import kept_elsewhere

    key = signing_key(here.keys[0]).public_key()
    signed = all_signed(checkpoints(here.database), key)
    if against is not None:
        read_text(against)  # a file that is named must be there
    for place in (against, here.settings.checkpoints):
        signed += kept_elsewhere(place, key) if place is not None else []
    with here.database.reading() as connection:
        total = int(connection.execute(_LAST).scalar_one())
    with progress("verifying", total) as done:
        return verify(here.database, signed, done)


def checkpoint_() -> None:
    """Sign where the log stands now. Keep the line elsewhere: it shows later what was cut off or written anew."""
    from runtime.checkpointing import sign

    here = at_desk()
    place = here.settings.checkpoints
    try:
        one = sign(here.database, here.keys[0], place, at_once=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refused(
            f"{place} cannot be written ({why}): it was signed beside the log, and is sent there as soon as that can be"
        ) from None
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
    with progress("rebuilding") as bar:
        number = rebuild(here.database, here.store, here.law, now, bar.reach)
    print(f"The lists of {number} cases were made anew from the log.")


def backup_(
    folder: Annotated[Path, typer.Argument(help="where backups lie; each is a folder of its own in it")],
) -> None:
    """Copy records and keyring while everything runs, and delete the backups there that have expired or broke off."""
    from runtime.backup import back_up

    settings = Settings()
    existing_ring(settings)
    done = back_up(settings, folder)
    for one in done.unfinished:
        print(f"Deleted, for it was never finished: {one}")
    for one in done.expired:
        print(f"Deleted, for it had expired: {one}")
    print(f"{done.made} holds everything up to now, and opens with the same passphrases and keys.")
    print(f"It is deleted by the first backup after {settings.backup_days} days: until then, a case that is erased")
    print("meanwhile can still be read in it.")


def put_back_(
    backup: Annotated[Path, typer.Argument(help="one backup: the folder with its backup.json")],
) -> None:
    """Bring a backup back, where nothing is. Then start, and the engine is told what the records hold."""
    from runtime.backup import put_back

    settings = Settings()
    manifest = put_back(settings, backup)
    print(f"{manifest.entries} entries are back, as they were at {manifest.made_at:%Y-%m-%d %H:%M} UTC.")
    for line in _what_came_after(settings, manifest):
        print(line)
    print("Start it (`make run`), then: safeconduct restore --all")


def _role_in(address: SecretStr) -> str | None:
    return url_of(address.get_secret_value()).username


def _what_came_after(settings: Settings, manifest: "Manifest") -> Iterator[str]:
    """What a backup does not know, and brings back to life: nobody but persons can tell which cases those are."""
    yield (
        f"Whoever was erased after {manifest.made_at:%Y-%m-%d %H:%M} UTC is here again: erase them again, by the "
        "certificates since then"
    )
    yield '  (docs/operators.md, "When only an old backup is left"): safeconduct erase REFERENCE --reason WHY'
    if (last := _last_kept(settings.checkpoints)) is not None and last.position > manifest.entries:
        yield (
            f"{last.position - manifest.entries} entries or more are lost: {settings.checkpoints} knows of "
            f"{last.position}, the last of them of {last.at[:16]} or before"
        )


def _last_kept(place: Path | None) -> Checkpoint | None:
    """The newest checkpoint elsewhere, as it stands there: whether it is ours the next start says."""
    if place is None:
        return None
    with suppress(OSError, ValueError, StoreError):
        return max(kept_in(place.read_text().splitlines()), key=lambda one: one.position, default=None)
    return None


def migrate_() -> None:
    """Bring the tables of a PostgreSQL up to this version, as their owner. Files need it not."""
    from records.migrating import KEYRING, RECORDS, Tree, as_owner, migrate

    settings = Settings()
    wanted: list[tuple[str, SecretStr, Tree, str | None]] = []
    if settings.records_url is not None:
        if settings.records_owner_url is None:
            raise NotUnderstood(
                "set SAFECONDUCT_RECORDS_OWNER_URL: the tables' owner makes them, the application only reads"
            )
        role, owner = (_role_in(url) for url in (settings.records_url, settings.records_owner_url))
        if role == owner:
            raise Refused(
                "SAFECONDUCT_RECORDS_URL and SAFECONDUCT_RECORDS_OWNER_URL name one role: who owns the log can change "
                "it, so let the application have a role of its own"
            )
        wanted.append(("records", settings.records_owner_url, RECORDS, role))
    if settings.keyring_url is not None:
        wanted.append(("keyring", settings.keyring_url, KEYRING, None))
    if not wanted:
        raise NotUnderstood(
            "there is nothing to migrate: set SAFECONDUCT_RECORDS_URL and SAFECONDUCT_KEYRING_URL first"
        )
    for what, url, tree, role in wanted:
        with answering(), as_owner(url.get_secret_value()) as connection:
            migrate(connection, tree, application=role)
        print(f"{what}: the tables of this version are there.")
