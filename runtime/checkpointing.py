"""Signs checkpoints of the log as it grows, and keeps each one elsewhere as well, where the settings name a file."""

import asyncio
import logging
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
    keep_elsewhere,
    kept_in,
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
    """Sign where the log stands, if that is due, and keep it elsewhere.

    Raises:
        WrittenAnew: the newest checkpoint, here or elsewhere, does not lie on the log.
        StoreError: it was not signed by this installation, or records or keyring do not answer.
        Refused: the file elsewhere can't be read.
        OSError: the place elsewhere can't be written.
    """
    key = signing_key(keys)
    newest = partial(newest_elsewhere, elsewhere, key.public_key())
    one = checkpoint(database, key, now(), at_once=at_once, elsewhere=newest)
    if one is not None and elsewhere is not None:
        keep_elsewhere(elsewhere, one)
    return one


def newest_elsewhere(place: Path | None, key: Ed25519PublicKey) -> Checkpoint | None:
    """The newest checkpoint of a file elsewhere, if there is one.

    Raises:
        BadCheckpoint: it was not signed by this installation, or a line is none.
        Refused: the file can't be read.
    """
    if place is None or not place.exists():
        return None
    newest = max(kept_in(_lines(place)), key=lambda one: one.position, default=None)
    return all_signed([newest], key)[0] if newest is not None else None


def kept_elsewhere(place: Path, key: Ed25519PublicKey) -> list[Checkpoint]:
    """The checkpoints of a file elsewhere, each found to be signed by this installation.

    Raises:
        BadCheckpoint: one is not, or a line is none.
        Refused: the file can't be read.
    """
    return all_signed(kept_in(_lines(place)), key)


def _lines(place: Path) -> list[str]:
    try:
        return place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{place}: cannot be read") from None


def must_not_be_older(records: Reader, keys: Keys, elsewhere: Path | None) -> None:
    """Return if the log holds what the newest checkpoint elsewhere says: an old copy would forget, and tell nobody.

    Raises:
        Refused: it ends before that, or was another one.
        StoreError: the checkpoint is not this installation's, or the records do not answer.
    """
    if elsewhere is None or not elsewhere.exists():
        return
    found = kept_elsewhere(elsewhere, signing_key(keys).public_key())
    newest = max(found, key=lambda one: one.position, default=None)
    if newest is not None and stands_at(records, newest.position) != newest.chain:
        raise Refused(
            f"the log is older than the checkpoint of {newest.at[:16]} in {elsewhere}: put back the newest copy of the "
            'records; if there is none, see "When only an old backup is left" in docs/operators.md'
        )
