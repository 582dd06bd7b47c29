"""Backups: records and keyring as two files that belong together, and the way back.

The records are copied first: a key is on the disk before it is used for the first time, so the keyring, copied after
them, holds every key they need. A case erased between the two would have taken its generation away; then both are
copied once more.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import NotUnderstood, Refused
from records.copying import KEYRING_KIND, RECORDS_KIND, copy_from_file, copy_to_file
from records.database import Database, Reader
from records.generations import Generations
from records.keyring import Keyring
from records.verifying import verify
from runtime.backup_places import KEYRING, MANIFEST, RECORDS, UNFINISHED, Manifest, alone_in, expired, note, unfinished
from runtime.keys import holds_events, is_begun
from runtime.settings import NotRunning, Settings, now

TRIES = 3
"""So often an erasure may come between the two copies."""

_NAME = "safeconduct-%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BackedUp:
    """What a backup has done.

    Attributes:
        made: the new one.
        expired: those that had expired, and are deleted.
        unfinished: those whose program had died, and are deleted.
    """

    made: Path
    expired: list[Path]
    unfinished: list[Path]


def back_up(settings: Settings, place: Path) -> BackedUp:
    """Make a backup in a folder, and delete those there that have expired, or were never finished.

    Raises:
        Refused: the copy is not what the log was, or the folder can't be written.
        StoreError: records, keyring or disk do not answer.
    """
    moment = now()
    with alone_in(place):
        note(settings, place)
        left = _delete(unfinished(place))  # first: they are never finished, and hold what is erased meanwhile
        return BackedUp(_made(settings, place, moment), _delete(expired(place, moment)), left)


def _made(settings: Settings, place: Path, moment: datetime) -> Path:
    begun = place / f"{moment.strftime(_NAME)}{UNFINISHED}"
    begun.mkdir(mode=0o700)
    try:
        _copy_both(settings, begun)
        found = verify(Reader(begun / RECORDS))
        if found.fault is not None:
            raise Refused(f"the log is not what was written: {found.fault}")
        delete_by = moment + timedelta(days=settings.backup_days)
        manifest = Manifest(made_at=moment, delete_by=delete_by, entries=found.entries, chain=found.chain.hex())
        (begun / MANIFEST).write_text(manifest.model_dump_json(indent=2))
        if settings.recovery_path.exists():
            shutil.copy(settings.recovery_path, begun)
        return begun.rename(_free(begun.with_suffix("")))
    except BaseException:
        shutil.rmtree(begun)
        raise


def _free(wanted: Path) -> Path:
    """A name that no backup has: there may be one of this second."""
    number, found = 2, wanted
    while found.exists():
        number, found = number + 1, wanted.with_name(f"{wanted.name}-{number}")
    return found


def _delete(backups: list[Path]) -> list[Path]:
    for one in backups:
        shutil.rmtree(one)
    return backups


def _copy_both(settings: Settings, folder: Path) -> None:
    for _ in range(TRIES):
        copy_to_file(settings.records, RECORDS_KIND, folder / RECORDS)
        copy_to_file(settings.keyring, KEYRING_KIND, folder / KEYRING)
        if _belong_together(folder / RECORDS, folder / KEYRING):
            return
        (folder / RECORDS).unlink()
        (folder / KEYRING).unlink()
    raise Refused("cases are being erased just now: make the backup again in a minute")


def _belong_together(records: Path, keyring: Path) -> bool:
    """Whether the generation under which a copied keyring lies is in the copied records."""
    reader = Reader(records)
    with closing(reader), closing(Keyring(keyring, Generations(reader, lambda: Database(records)))) as ring:
        return ring.generation() in {0, *(one.number for one in ring.generations.all())}


def put_back(settings: Settings, backup: Path) -> Manifest:
    """Bring a backup back where nothing is; a log that was changed meanwhile is not put back.

    Raises:
        Refused: something is there or runs already, or the backup is not what was written.
        NotUnderstood: this is no backup.
        StoreError: the disk or the PostgreSQL does not answer.
    """
    _must_be_empty(settings)
    try:
        manifest = Manifest.model_validate_json((backup / MANIFEST).read_text())
    except (OSError, ValueError):
        raise NotUnderstood(f"{backup} is no backup: `safeconduct backup` makes one in a folder of its own") from None
    found = verify(Reader(backup / RECORDS))
    if found.fault is not None or (found.entries, found.chain.hex()) != (manifest.entries, manifest.chain):
        raise Refused(f"this backup is not what was written: {found.fault or 'entries are missing at its end'}")
    with _both_or_none(settings):
        copy_from_file(backup / KEYRING, KEYRING_KIND, settings.keyring)
        copy_from_file(backup / RECORDS, RECORDS_KIND, settings.records_of_owner)
        if (backup / settings.recovery_path.name).exists():
            shutil.copy(backup / settings.recovery_path.name, settings.recovery_path)
    return manifest


@contextmanager
def _both_or_none(settings: Settings) -> Iterator[None]:
    """Take away again what was put back, if the rest can't be: half of it would stand in the way of the next try.

    Raises:
        Refused: the folder can't be written.
    """
    try:
        yield
    except BaseException as error:
        for path in (settings.records, settings.keyring):
            if isinstance(path, Path):
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Refused(
                f"nothing can be put back: {(error.strerror or 'the disk does not answer').lower()}"
            ) from None
        raise


def _must_be_empty(settings: Settings) -> None:
    for path in (settings.records, settings.keyring):
        if isinstance(path, Path) and path.exists():
            raise Refused(f"{path} exists already: move it away first, nothing is written over it")
    if is_begun(settings) or holds_events(settings.records):
        raise Refused("records or keyring hold something already: nothing is written over it")
    try:
        settings.running()
    except NotRunning:
        return
    raise Refused("stop the installation first (Ctrl-C where it runs)")
