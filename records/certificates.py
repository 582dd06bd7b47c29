"""Certificates of erasure: what was destroyed, where and when, signed by the installation (Ed25519).

A certificate is JSON text. Whoever has the installation's public key can check it, and needs nothing else for it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.erasure import Erasure, Step
from domain.references import reference_of

KEPT = (
    "headers of the log (stream, number, id, instant) and bodies whose key is destroyed",
    "who has read of the case, with its bare reference",
    "in the engine, under no name, until its next sweep: what it was given with starts that it refused because the "
    "workflow ran; sealed, and its key is destroyed. The embedded engine sweeps every twelve hours while it runs",
    "who asked for this erasure, who approved it, why and when",
    "in the engine's queues, until its instant or until the embedded engine starts again: of each timer the instant, "
    "and the id of its workflow (reference and phase); none fires",
)
"""What is left, in words. What ``records.forgetting.KEPT`` lists is in it."""

BACKUPS = "those that `safeconduct backup` has made, as long as it goes on making them; no copy made otherwise"
NO_BACKUPS = "backups were not accounted for: nobody has told Safeconduct how long they are kept"
COUNTED = "as the last try of each step found it; what a try that was broken off had destroyed is not counted again"
MEMORY = (
    "processes drop a key within a minute, one that sleeps when it wakes; a workflow that did not answer and was "
    "terminated may stay in a worker's memory until that is started again"
)
_PREFIX = b"safeconduct certificate|"


def content_of(erasure: Erasure, backup_days: int | None) -> dict[str, Any]:
    """What a certificate says of an erasure whose steps are done.

    Args:
        erasure: with all steps done but this one.
        backup_days: how long backups are kept, if somebody has said so.
    """
    counts = {one.what: one.number for one in erasure.counts}
    destroyed_at = erasure.done[Step.KEY_DESTROYED]
    content: dict[str, Any] = {
        "what": "erasure of one case",
        "reference": reference_of(erasure.stream),
        "reason": erasure.reason,
        "requested": {"by": erasure.requested_by, "at": str(erasure.requested_at)},
        "approved": {"by": erasure.approved_by, "at": str(erasure.approved_at)},
        "steps": {step: str(at) for step, at in erasure.done.items()},
        "destroyed": {
            "keys": "the case's, of both roles, in the keyring",
            "histories": "every run of its workflows",
            **counts,
        },
        "counted": COUNTED,
        "memory": MEMORY,
        "kept": list(KEPT),
    }
    if backup_days is None:
        content["backups"] = NO_BACKUPS
    else:
        content["backups"] = BACKUPS
        content["last_backup_expires_on"] = str(destroyed_at.date() + timedelta(days=backup_days))
    return content


def certify(content: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """The signed certificate, as text."""
    signature, public = key.sign(_signed(content)), key.public_key().public_bytes_raw()
    whole = {"certificate": content, "signature": signature.hex(), "public_key": public.hex()}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def is_signed_by(text: str, key: Ed25519PublicKey) -> bool:
    """Whether the holder of a key has signed a certificate as it stands: all of it, and nothing beside it."""
    try:
        whole = json.loads(text, object_pairs_hook=_each_name_once)
        if whole.keys() != {"certificate", "signature", "public_key"}:
            return False
        if whole["public_key"] != key.public_bytes_raw().hex():
            return False
        signature = bytes.fromhex(whole["signature"])
        key.verify(signature, _signed(whole["certificate"]))
    except (InvalidSignature, ValueError, AttributeError, TypeError, RecursionError):
        return False
    return bool(signature.hex() == whole["signature"])


def _each_name_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values under one name a reader sees the first, and a program checks the last.

    Raises:
        ValueError: a name stands there twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _signed(content: Mapping[str, Any]) -> bytes:
    return _PREFIX + json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
