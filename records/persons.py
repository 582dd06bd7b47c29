"""Persons and their passphrases: who can open the installation, and who can open a locked case again.

Each person has an ``age`` identity that lies under their passphrase (Argon2id). The master key is sealed to all of
them, so that a new master key, and a locked case, can be given to a person who is not there.
"""

import secrets
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

import pyrage
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from domain.errors import NotFound, NotUnderstood, Refused
from records.keyring import RECOVERY, RECOVERY_COPY, Keyring
from records.keys import Keys
from records.ring import LockRow, PersonRow
from records.sealing import KEY_BYTES, Sealer, SealError, subkey

PASSPHRASE_LENGTH = 12
"""Characters at least. Shorter ones fall to guessing in spite of Argon2id."""

LANES, PASSES, MEMORY_KIB = 4, 3, 65536
"""Argon2id as RFC 9106 recommends where memory is short (64 MiB): a sixth of a second here."""

SALT_BYTES = 16


class Right(StrEnum):
    """What not everybody may who opens the installation."""

    DUPLICATES = "duplicates"


def check_passphrase(passphrase: str) -> str:
    """
    Raises:
        NotUnderstood: it is too short.
    """
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise NotUnderstood(f"a passphrase has {PASSPHRASE_LENGTH} characters at least: five or six words are good")
    return passphrase


def new_person(name: str, passphrase: str, master: bytes, rights: Iterable[Right] = ()) -> PersonRow:
    """Somebody who opens the installation by a passphrase of their own.

    Raises:
        NotUnderstood: the passphrase is too short.
    """
    check_passphrase(passphrase)
    identity, salt = pyrage.x25519.Identity.generate(), secrets.token_bytes(SALT_BYTES)
    recipient = identity.to_public()
    return PersonRow(
        name=name,
        recipient=str(recipient),
        salt=salt,
        identity=_under(passphrase, salt).seal(_place(name), str(identity).encode()),
        master=bytes(pyrage.encrypt(master, [recipient])),
        enrolled_at=datetime.now(UTC).isoformat(),
        rights=_in_words(rights),
    )


def master_by_passphrase(keyring: Keyring, name: str, passphrase: str) -> bytes:
    """The master key, by a person's passphrase.

    Raises:
        NotFound: nobody of this name is enrolled.
        Refused: the passphrase is another.
    """
    person = _person(keyring, name)
    return _opened(person.master, _identity(person, passphrase))


def proves(keyring: Keyring, name: str, passphrase: str) -> bool:
    """Whether this is the person's passphrase. Takes as long for a name that nobody has."""
    try:
        _identity(_person(keyring, name), passphrase)
    except NotFound:
        _under(passphrase, bytes(SALT_BYTES))
        return False
    except Refused:
        return False
    return True


def must_be_their_own(keyring: Keyring, name: str, passphrase: str) -> None:
    """Return if nobody else has this passphrase: who has two names must at least remember two.

    Raises:
        Refused: somebody has.
    """
    if any(proves(keyring, one.name, passphrase) for one in keyring.persons() if one.name != name):
        raise Refused("somebody here has this passphrase already: each person needs their own, nothing was written")


def enrolled_at(keyring: Keyring, name: str) -> datetime:
    """Since when a person has had their passphrase.

    Raises:
        NotFound: nobody of this name is enrolled.
    """
    return datetime.fromisoformat(_person(keyring, name).enrolled_at)


def rights_of(keyring: Keyring, name: str) -> frozenset[Right]:
    """What a person may besides; nothing, if nobody of this name is enrolled."""
    words = " ".join(person.rights for person in keyring.persons() if person.name == name).split()
    return frozenset(right for right in Right if right in words)


def grant(keyring: Keyring, name: str, right: Right, by: str, passphrase: str) -> None:
    """Give a person a right.

    Raises:
        NotFound: one of the two is not enrolled.
        Refused: they are one person, or the passphrase is another.
    """
    may_grant(keyring, name, by)
    _give(keyring, name, by, passphrase, rights_of(keyring, name) | {right})


def may_grant(keyring: Keyring, name: str, by: str) -> None:
    """
    Raises:
        NotFound: one of the two is not enrolled.
        Refused: they are one person.
    """
    _person(keyring, name)
    _person(keyring, by)
    if name == by:
        raise Refused("nobody gives themselves a right: a second person does (--as NAME)")


def revoke(keyring: Keyring, name: str, right: Right, by: str, passphrase: str) -> None:
    """Take a right away; one's own too.

    Raises:
        NotFound: one of the two is not enrolled.
        Refused: the passphrase is another.
    """
    _give(keyring, name, by, passphrase, rights_of(keyring, name) - {right})


def _give(keyring: Keyring, name: str, by: str, passphrase: str, rights: Iterable[Right]) -> None:
    keyring.must_fit(master_by_passphrase(keyring, by, passphrase))
    person = _person(keyring, name)
    person.rights = _in_words(rights)
    keyring.enroll(person)


def _in_words(rights: Iterable[Right]) -> str:
    return " ".join(sorted(rights))


def recovery_settings(master: bytes, recipient: str | None) -> dict[str, bytes]:
    """What the keyring keeps of the recovery key: to whom, and the master key sealed to them, as text.

    Raises:
        NotUnderstood: it is no recipient of age.
    """
    if recipient is None:
        return {}
    copy = bytes(pyrage.encrypt(master.hex().encode(), [recipient_from(recipient)]))
    return {RECOVERY: recipient.encode(), RECOVERY_COPY: copy}


def master_by_recovery(keyring: Keyring, identity: pyrage.x25519.Identity) -> bytes:
    """The master key, by the recovery key.

    Raises:
        Refused: there is no recovery copy, or it was sealed to another key.
    """
    copy = keyring.recovery_copy()
    if copy is None:
        raise Refused("this installation began without a recovery key")
    return bytes.fromhex(_opened(copy, identity).decode())


def recipient_from(text: str) -> pyrage.x25519.Recipient:
    """
    Raises:
        NotUnderstood: it is no recipient of age.
    """
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise NotUnderstood("this is no recipient of age: it begins with age1 (`age-keygen` makes one)") from None


def identity_from(text: str) -> pyrage.x25519.Identity:
    """An age identity, as ``age-keygen`` writes it: lines that begin with # are left out.

    Raises:
        NotUnderstood: it is none.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return pyrage.x25519.Identity.from_str(lines[0] if len(lines) == 1 else "")
    except pyrage.IdentityError:
        raise NotUnderstood("this is no identity of age: it begins with AGE-SECRET-KEY-1") from None


def rotate(keyring: Keyring, old: bytes, new: bytes) -> None:
    """Change the master key. Nobody's passphrase changes, and the log is not touched."""
    persons, recipient = keyring.persons(), keyring.setting(RECOVERY)
    for person in persons:
        person.master = bytes(pyrage.encrypt(new, [recipient_from(person.recipient)]))
    keyring.rewrap(old, new, recovery_settings(new, recipient.decode() if recipient is not None else None), persons)


def lock(keys: Keys, scope: str, staff: str) -> list[str]:
    """Close a case to every reader at once. Its duties go on.

    Returns:
        Who can open it again.

    Raises:
        Refused: nobody but the one who locks could open it again, or it is locked already.
    """
    keyring = keys.keyring
    if keyring.lock_of(scope) is not None:
        raise Refused("this case is locked already")
    others = [person for person in keyring.persons() if person.name != staff]
    recovery = keyring.setting(RECOVERY)
    texts = [person.recipient for person in others] + ([recovery.decode()] if recovery is not None else [])
    if not texts:
        raise Refused(
            "nobody could open it again: enrol a second person first (`safeconduct staff add NAME`), "
            "or begin with a recovery key"
        )
    key_id, data_key = keys.data_key(scope)
    sealed = bytes(pyrage.encrypt(data_key, [recipient_from(text) for text in texts]))
    keyring.lock(scope, key_id, staff, sealed, datetime.now(UTC))
    keys.forget(scope)
    return [*(person.name for person in others), *(["the recovery key"] if recovery is not None else [])]


def unlock_by_person(keys: Keys, scope: str, name: str, passphrase: str) -> None:
    """Open a locked case again, by somebody else than the one who locked it.

    Raises:
        Refused: it is not locked, or this person locked it, or the passphrase is another.
        NotFound: nobody of this name is enrolled.
    """
    found = may_unlock(keys.keyring, scope, name)
    keys.put_back(scope, _opened(keys.keyring.age_file(found), _identity(_person(keys.keyring, name), passphrase)))


def may_unlock(keyring: Keyring, scope: str, name: str) -> LockRow:
    """The lock of a case, for a person who may open it.

    Raises:
        Refused: it is not locked, or this person locked it.
    """
    found = _lock_of(keyring, scope)
    if found.locked_by == name:
        raise Refused(f"{name} has locked this case: a second person opens it, or the recovery key")
    return found


def unlock_by_recovery(keys: Keys, scope: str, identity: pyrage.x25519.Identity) -> None:
    """Open a locked case again, with the recovery key.

    Raises:
        Refused: it is not locked, or this is another key.
    """
    keys.put_back(scope, _opened(keys.keyring.age_file(_lock_of(keys.keyring, scope)), identity))


def _lock_of(keyring: Keyring, scope: str) -> LockRow:
    found = keyring.lock_of(scope)
    if found is None:
        raise Refused("this case is not locked")
    return found


def _person(keyring: Keyring, name: str) -> PersonRow:
    persons = keyring.persons()
    for person in persons:
        if person.name == name:
            return person
    known = ", ".join(person.name for person in persons) or "nobody yet"
    raise NotFound(f"{name} is not enrolled here (enrolled: {known}): set $SAFECONDUCT_STAFF or --as")


def _identity(person: PersonRow, passphrase: str) -> pyrage.x25519.Identity:
    try:
        text = _under(passphrase, person.salt).unseal(_place(person.name), person.identity)
    except SealError:
        raise Refused(f"this is not the passphrase of {person.name}") from None
    return pyrage.x25519.Identity.from_str(text.decode())


def _opened(sealed: bytes, identity: pyrage.x25519.Identity) -> bytes:
    try:
        return bytes(pyrage.decrypt(sealed, [identity]))
    except pyrage.DecryptError:
        raise Refused("this was not sealed to that key") from None


def stretched(passphrase: str, salt: bytes, purpose: str) -> bytes:
    """A key made from a passphrase. Slow on purpose."""
    derived = Argon2id(salt=salt, length=KEY_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
    # keyboards, browsers and systems compose й and é in different ways
    typed = unicodedata.normalize("NFKC", passphrase).encode()
    return subkey(derived.derive(typed), purpose)


def _under(passphrase: str, salt: bytes) -> Sealer:
    return Sealer("", stretched(passphrase, salt, "identity"))


def _place(name: str) -> str:
    return f"identity of {name}"
