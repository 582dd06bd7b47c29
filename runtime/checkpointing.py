"""Signs checkpoints of the log as it grows, and keeps each one elsewhere as well, where the settings name a file."""

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.errors import Refused
from records.checkpoints import (
    BadCheckpoint,
    Checkpoint,
    WrittenAnew,
    all_signed,
    checkpoint,
    checkpoints,
    is_broken_off,
    keep_elsewhere,
    kept_in,
    newest_beside,
    stands_at,
)
from records.database import Database, Reader
from records.errors import StoreError
from records.keys import Keys
from records.signing import signing_key
from runtime.settings import now

LOOK_SECONDS = 30.0
"""How often a worker looks whether a checkpoint is due. A look costs one small question to the records."""

_log = logging.getLogger("safeconduct.checkpoints")


async def keep_checkpoints(
    database: Database, keys: Keys, elsewhere: Path | None, alarm: Callable[[str], bool]
) -> None:
    """Sign a checkpoint whenever one is due, until cancelled. Several workers may do so side by side.

    Args:
        alarm: says that the log was written anew, and calls an operator; whether one was reached.
    """
    told: str | None = None
    while True:
        told = await asyncio.to_thread(look, database, keys, elsewhere, alarm, told)
        await asyncio.sleep(LOOK_SECONDS)


def look(
    database: Database, keys: Keys, elsewhere: Path | None, alarm: Callable[[str], bool], told: str | None = None
) -> str | None:
    """Sign a checkpoint if one is due. Whatever is wrong, the next look tries again.

    Returns:
        What is wrong with the log and somebody knows: it is said once, not at each look.
    """
    try:
        sign(database, keys, elsewhere)
    except (WrittenAnew, BadCheckpoint) as error:
        wrong = str(error)
        return wrong if wrong == told or alarm(wrong) else told
    except (StoreError, Refused, OSError) as error:
        # what is wrong with the records is said by everybody else
        _log.warning("no checkpoint was kept: %s", type(error).__name__)
        return told
    return None


def sign(database: Database, keys: Keys, elsewhere: Path | None, *, at_once: bool = False) -> Checkpoint | None:
    """Sign where the log stands, if that is due, and keep elsewhere whatever is lacking there.

    Raises:
        WrittenAnew: the newest checkpoint, here or elsewhere, does not lie on the log.
        StoreError: it was not signed by this installation, or records or keyring do not answer.
        Refused: the file elsewhere can't be read.
        OSError: the place elsewhere can't be written.
    """
    key = signing_key(keys)
    newest = partial(newest_elsewhere, elsewhere, key.public_key())
    one = checkpoint(database, key, now(), at_once=at_once, elsewhere=newest)
    if elsewhere is not None and (lacking := lacking_elsewhere(database, elsewhere)):
        keep_elsewhere(elsewhere, all_signed(lacking, key.public_key()))
    return one


def lacking_elsewhere(records: Reader, place: Path) -> list[Checkpoint]:
    """The checkpoints beside the log that a file elsewhere lacks, oldest first: that disk may have been away.

    Raises:
        BadCheckpoint: a line of the file is none.
        Refused: the file can't be read.
    """
    newest = newest_beside(records)
    if newest is None or _ends_with(place, newest):  # almost always: they are added in their order
        return []
    kept = set(_kept(place))
    return [one for one in checkpoints(records) if one not in kept]


def _ends_with(place: Path, one: Checkpoint) -> bool:
    line = f"{one.line}\n".encode()
    try:
        with place.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(line)))
            return file.read() == line
    except OSError:
        return False


def newest_elsewhere(place: Path | None, key: Ed25519PublicKey) -> Checkpoint | None:
    """The newest checkpoint of a file elsewhere, if there is one.

    Raises:
        BadCheckpoint: it was not signed by this installation, or a line is none.
        Refused: the file can't be read.
    """
    if place is None:
        return None
    newest = max(_kept(place), key=lambda one: one.position, default=None)
    return all_signed([newest], key)[0] if newest is not None else None


def kept_elsewhere(place: Path, key: Ed25519PublicKey) -> list[Checkpoint]:
    """The checkpoints of a file elsewhere, each found to be signed by this installation; none if there is no file.

    Raises:
        BadCheckpoint: one is not, or a line is none.
        Refused: the file can't be read.
    """
    if broken := broken_off(place):
        _log.warning("%s: a line was broken off, and tells nothing (%s)", place, ", ".join(map(str, broken)))
    return all_signed(_kept(place), key)


def broken_off(place: Path) -> list[int]:
    """The numbers of the lines of a file elsewhere that were broken off.

    Raises:
        Refused: the file can't be read.
    """
    return [number for number, line in enumerate(_lines(place), 1) if is_broken_off(line) and line]


def _kept(place: Path) -> list[Checkpoint]:
    try:
        return kept_in(_lines(place))
    except BadCheckpoint as error:
        raise BadCheckpoint(f"{place}: {error}") from None


def _lines(place: Path) -> list[str]:
    try:
        return place.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{place}: cannot be read") from None


def must_not_be_older(records: Reader, keys: Keys, elsewhere: Path | None) -> None:
    """Return if the log holds what the newest checkpoint elsewhere says: an old copy would forget, and tell nobody.

    Raises:
        Refused: it ends before that, or was another one.
        StoreError: the checkpoint is not this installation's, or the records do not answer.
    """
    if elsewhere is None:
        return
    found = kept_elsewhere(elsewhere, signing_key(keys).public_key())
    newest = max(found, key=lambda one: one.position, default=None)
    if newest is not None and stands_at(records, newest.position) != newest.chain:
        raise Refused(
            f"the log is older than the checkpoint of {newest.at[:16]} in {elsewhere}: put back the newest copy of the "
            'records; if there is none, see "When only an old backup is left" in docs/operators.md'
        )
