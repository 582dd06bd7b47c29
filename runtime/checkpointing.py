"""Signs checkpoints of the log as it grows, and keeps each one elsewhere as well, where the settings name a file."""

import asyncio
import logging
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.errors import Refused
from records.checkpoints import Checkpoint, all_signed, checkpoint, keep_elsewhere, kept_in
from records.database import Database, Reader
from records.errors import StoreError
from records.keyring import Keys
from records.signing import signing_key
from records.verifying import stands_at
from runtime.settings import now

LOOK_SECONDS = 30.0
"""How often a worker looks whether a checkpoint is due. A look costs one small question to the records."""

_log = logging.getLogger("safeconduct.checkpoints")


async def keep_checkpoints(database: Database, keys: Keys, elsewhere: Path | None) -> None:
    """Sign a checkpoint whenever one is due, until cancelled. Several workers may do so side by side."""
    while True:
        try:
            await asyncio.to_thread(sign, database, keys, elsewhere)
        except (StoreError, OSError) as error:
            # what is wrong with the records is said by everybody else; the next look tries again
            _log.warning("no checkpoint was kept: %s", type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


def sign(database: Database, keys: Keys, elsewhere: Path | None, *, at_once: bool = False) -> Checkpoint | None:
    """Sign where the log stands, if that is due, and keep it elsewhere.

    Raises:
        StoreError: the records or the keyring do not answer.
        OSError: the place elsewhere can't be written.
    """
    one = checkpoint(database, signing_key(keys), now(), at_once=at_once)
    if one is not None and elsewhere is not None:
        keep_elsewhere(elsewhere, one)
    return one


def kept_elsewhere(place: Path, key: Ed25519PublicKey) -> list[Checkpoint]:
    """The checkpoints of a file elsewhere, each found to be signed by this installation.

    Raises:
        BadCheckpoint: one is not, or a line is none.
        Refused: the file can't be read.
    """
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{place}: cannot be read") from None
    return all_signed(kept_in(lines), key)


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
            "records, or move that file away if what came after is lost"
        )
