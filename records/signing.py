"""The installation's own signature (Ed25519): under checkpoints of the log, and under certificates."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from records.keyring import INSTALLATION
from records.keys import Keys, Purpose
from records.sealing import subkey


def signing_key(keys: Keys) -> Ed25519PrivateKey:
    """The key with which this installation signs, as long as it exists. It comes from the installation's own work key.

    Args:
        keys: for engine and log.

    Raises:
        Unreadable: the keyring is another one, or was changed.
        Unreachable: the keyring does not answer.
    """
    return Ed25519PrivateKey.from_private_bytes(subkey(keys.sealer(INSTALLATION, Purpose.LOG).key, "sign"))


def public_key_of(keys: Keys) -> str:
    """What others need to check a signature, in hexadecimal digits."""
    return signing_key(keys).public_key().public_bytes_raw().hex()
