"""The folders in which backups lie: one backup is made in each at a time, and what must not stay there is seen."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel

from domain.errors import Refused
from runtime.settings import Settings

RECORDS, KEYRING, MANIFEST = "records.db", "keyring.db", "backup.json"
UNFINISHED = ".unfinished"
"""Ends the name of a backup that is being made, or whose program died: it holds every case, and has no last day."""

_LOCK = ".safeconduct-backup"
_NOTED = "backup-places"


class Manifest(BaseModel):
    """What a backup says of itself. Nothing of a case stands in it.

    Attributes:
        made_at: when.
        delete_by: until when it is to be kept; what was erased meanwhile can be read in it until then.
        entries: of the log.
        chain: the log's chain after the last of them, in hexadecimal digits.
    """

    made_at: AwareDatetime
    delete_by: AwareDatetime
    entries: int
    chain: str


@contextmanager
def alone_in(place: Path) -> Iterator[None]:
    """Make a folder for backups if there is none, and hold it: whoever dies lets go of it.

    Raises:
        Refused: a backup is being made there, or nothing can be written.
    """
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (place / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise Refused(f"a backup is being made in {place} just now: wait for it") from None
    except OSError as error:
        raise Refused(f"no backup can be made in {place}: {(error.strerror or 'it is no folder').lower()}") from None


def is_held(place: Path) -> bool:
    """Whether a backup is being made there."""
    with suppress(FileNotFoundError), (place / _LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def unfinished(place: Path) -> list[Path]:
    """What was begun there. While nobody holds the folder, nobody will finish it."""
    return sorted(place.glob(f"safeconduct-*{UNFINISHED}"))


def expired(place: Path, moment: datetime) -> list[Path]:
    """What its manifest says is no longer to be kept. What has none is not ours."""
    return [
        manifest.parent
        for manifest in sorted(place.glob(f"*/{MANIFEST}"))
        if (said := _read(manifest)) is not None and said.delete_by <= moment
    ]


def _read(manifest: Path) -> Manifest | None:
    try:
        return Manifest.model_validate_json(manifest.read_text())
    except (OSError, ValueError):
        return None


def note(settings: Settings, place: Path) -> None:
    """Write down where backups lie, for the doctor to look there."""
    known = noted(settings)
    if (fresh := place.absolute()) not in known:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (settings.folder / _NOTED).write_text("".join(f"{one}\n" for one in (*known, fresh)))


def noted(settings: Settings) -> list[Path]:
    """Where this installation's backups were made."""
    try:
        return [Path(line) for line in (settings.folder / _NOTED).read_text().splitlines() if line]
    except (OSError, UnicodeDecodeError):
        return []
