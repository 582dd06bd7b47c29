"""Sealing and opening: AES-256-GCM, and keys that come from other keys by HKDF.

A seal is bound to its *place* (where a body stands, or whose payload it is): moved elsewhere, it does not open.
"""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
"""Random for each seal: 2**32 bodies under one key are far below where two nonces could meet."""


STEP = 128
"""Lengths of what is sealed are multiples of this. A duress is two letters longer than a good sign, which would do for
whoever knows the form of a check-in."""


class SealError(ValueError):
    """A seal that can't be opened, or a key that is not there. Its text names no value."""


def fresh_key() -> bytes:
    """A key of pure chance."""
    return secrets.token_bytes(KEY_BYTES)


def subkey(key: bytes, purpose: str) -> bytes:
    """The key for one purpose. From it neither the key nor another purpose's can be reckoned."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"safeconduct|{purpose}".encode()).derive(key)


@dataclass(frozen=True)
class Sealer:
    """Seals and opens under one key.

    Attributes:
        key_id: names the key in clear beside each sealed body.
    """

    key_id: str
    key: bytes = field(repr=False)

    def seal(self, place: str | bytes, body: bytes) -> bytes:
        """The body, sealed for a place."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, body, _as_bytes(place))

    def unseal(self, place: str | bytes, sealed: bytes) -> bytes:
        """The body that was sealed for this place.

        Raises:
            SealError: it was changed, moved from another place, or sealed under another key.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _as_bytes(place))
        except (InvalidTag, ValueError):
            raise SealError("this seal does not open here: it was changed, moved, or made with another key") from None

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.key)  # made once: the schedule of a key takes longer than a short body

    def digest(self, content: bytes) -> str:
        """What tells the same content again, to nobody but the holder of the key."""
        return hmac.digest(self.key, content, "sha256").hex()


def lengthened(body: bytes) -> bytes:
    """JSON with blanks at its end, which mean nothing: its sealed length tells one word from another no more."""
    return body + b" " * (-len(body) % STEP)


def _as_bytes(place: str | bytes) -> bytes:
    return place.encode() if isinstance(place, str) else place
