"""Backups: records and keyring as two files that belong together, and the way back.

The records are copied first: a key is on the disk before it is used for the first time, so the keyring, copied after
them, holds every key they need. A case erased between the two would have taken its generation away; then both are
copied once more.
"""

import json
import shutil
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ValidationError

from domain.errors import NotUnderstood, Refused
from records.copying import KEYRING_KIND, RECORDS_KIND, copy_from_file, copy_to_file
from records.database import Database, Reader
from records.generations import Generations
from records.keyring import Keyring
from records.verifying import verify
from runtime.keys import holds_events, is_begun
from runtime.settings import NotRunning, Settings, now

TRIES = 3
"""So often an erasure may come between the two copies."""

RECORDS, KEYRING, MANIFEST = "records.db", "keyring.db", "backup.json"
_NAME = "safeconduct-%Y%m%dT%H%M%SZ"


class Manifest(BaseModel):
    """What a backup says of itself. Nothing of a case stands in it.

    Attributes:
        made_at: when.
        delete_by: until when it is to be kept; what was erased meanwhile can be read in it until then.
        entries: of the log.
        chain: the log's chain after the last of them, in hexadecimal digits.
    """

    made_at: datetime
    delete_by: datetime
    entries: int
    chain: str


def back_up(settings: Settings, place: Path) -> tuple[Path, list[Path]]:
    """Make a backup in a folder, and delete those there that have expired.

    Returns:
        The new backup, and the deleted ones.

    Raises:
        Refused: the copy is not what the log was.
        StoreError: records, keyring or disk do not answer.
    """
    moment = now()
    made = place / moment.strftime(_NAME)
    unfinished = made.with_suffix(".unfinished")
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        _copy_both(settings, unfinished)
        found = verify(Reader(unfinished / RECORDS))
        if found.fault is not None:
            raise Refused(f"the log is not what was written: {found.fault}")
        delete_by = moment + timedelta(days=settings.backup_days)
        manifest = Manifest(made_at=moment, delete_by=delete_by, entries=found.entries, chain=found.chain.hex())
        (unfinished / MANIFEST).write_text(manifest.model_dump_json(indent=2))
        if settings.recovery_path.exists():
            shutil.copy(settings.recovery_path, unfinished)
        unfinished.rename(made)
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    return made, _delete_expired(place, moment)


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
        manifest = Manifest.model_validate(json.loads((backup / MANIFEST).read_text()))
    except (OSError, ValueError, ValidationError):
        raise NotUnderstood(f"{backup} is no backup: `safeconduct backup` makes one in a folder of its own") from None
    found = verify(Reader(backup / RECORDS))
    if found.fault is not None or (found.entries, found.chain.hex()) != (manifest.entries, manifest.chain):
        raise Refused(f"this backup is not what was written: {found.fault or 'entries are missing at its end'}")
    copy_from_file(backup / KEYRING, KEYRING_KIND, settings.keyring)
    copy_from_file(backup / RECORDS, RECORDS_KIND, settings.records_of_owner)
    if (backup / settings.recovery_path.name).exists():
        shutil.copy(backup / settings.recovery_path.name, settings.recovery_path)
    return manifest


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


def _delete_expired(place: Path, moment: datetime) -> list[Path]:
    """Delete what a manifest says is no longer to be kept. What has none is not ours."""
    deleted = []
    for manifest in sorted(place.glob(f"*/{MANIFEST}")):
        try:
            until = Manifest.model_validate_json(manifest.read_text()).delete_by
        except (OSError, ValueError):
            continue
        if until <= moment:
            shutil.rmtree(manifest.parent)
            deleted.append(manifest.parent)
    return deleted
