"""Where a process gets its keys from.

In this order: the agent of a running installation; ``SAFECONDUCT_MASTER_KEY``; the bare key file of a demo; a person's
passphrase, asked in the terminal. A process gets the wrapping key of its role, and only who needs more (the start,
``keys``, ``staff``) the master key itself.

The agent is a unix socket in a folder that only this account may enter. It hands the wrapping keys to every program of
this account as long as ``make run`` runs, so that a passphrase is typed once.
"""

import asyncio
import contextlib
import getpass
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

from domain.errors import NotFound, NotUnderstood, Refused, SafeconductError
from records.database import Database, Reader, is_there
from records.generations import Generations
from records.keyring import Keyring, Role, WrongMaster, wrapping_key
from records.keys import Keys
from records.log import Where, in_short, name_of
from records.migrating import KEYRING, RECORDS
from records.persons import Right, check_passphrase, master_by_passphrase, new_person, recovery_settings
from records.sealing import KEY_BYTES, fresh_key
from runtime.settings import NotRunning, Settings

MASTER_KEY = "SAFECONDUCT_MASTER_KEY"
"""Variable with the master key: 64 hexadecimal digits (``openssl rand -hex 32``)."""

AGENT_SECONDS = 5.0
"""How long the agent may take to answer: a moment, unless its machine is out of breath."""

DEMO_PERSONS, DEMO_PASSPHRASE = ("dana", "timur"), "made-up cases only"
"""Who can sign in to a demo, and how. No secret: a demo's key lies beside its cases."""

DEMO_RIGHTS = {"timur": {Right.DUPLICATES}}
"""Who may what besides, in a demo."""


class NoKeys(SafeconductError):
    """Nothing gives this process the keys."""

    code = "no-keys"


def open_keys(settings: Settings, *roles: Role, may_ask: bool = True) -> tuple[Keys, ...]:
    """The keys of roles, from wherever this installation has them.

    Args:
        may_ask: whether a person may be asked for a passphrase.

    Raises:
        NoKeys: there is no keyring, or nothing opens it.
    """
    given = _master_from_environment()
    keys = [_from_agent(settings, role) for role in roles]
    if None in keys:
        if given is not None and not is_begun(settings):
            begin(settings, given, settings.recovery_recipient)
        master = master_key(settings, given, may_ask=may_ask)
        keys = [wrapping_key(master, role) for role in roles]
    ring = existing_ring(settings)
    return tuple(Keys(ring, role, key) for role, key in zip(roles, keys, strict=True) if key is not None)


def keys_of(settings: Settings, master: bytes) -> tuple[Keys, ...]:
    """The keys for engine and log, and for the vault, of whoever has the master key."""
    ring = existing_ring(settings)
    return tuple(Keys(ring, role, wrapping_key(master, role)) for role in (Role.WORK, Role.VAULT))


def is_begun(settings: Settings) -> bool:
    """Whether there is a keyring that belongs to a master key."""
    if not is_there(settings.keyring, KEYRING):
        return False
    with contextlib.closing(ring_of(settings)) as ring:
        return ring.is_founded()


def ring_of(settings: Settings) -> Keyring:
    """The keyring, made if there is none, with the records in which its generations are."""
    generations = Generations(Reader(settings.records), lambda: Database(settings.records))
    return Keyring(settings.keyring, generations)


def existing_ring(settings: Settings) -> Keyring:
    """The keyring.

    Raises:
        NoKeys: there is none.
    """
    if not is_begun(settings):
        raise NoKeys(f"nothing has been set up in {settings.folder}: begin with `make run` (or `make demo`)")
    ring = ring_of(settings)
    if not is_there(settings.records, RECORDS):  # what lies over its keys is in there
        raise Refused(f"{in_short(settings.records)} is missing: put it back, and start again")
    return ring


def master_key(settings: Settings, given: bytes | None = None, *, may_ask: bool = True) -> bytes:
    """The master key of an installation that has one.

    Raises:
        NoKeys: nothing opens the keyring.
        Refused: the passphrase or the key is another.
    """
    ring = existing_ring(settings)
    master = given or _master_from_environment() or _master_from_file(settings)
    if master is None:
        if not may_ask:
            raise NoKeys(f"nothing opens the keyring here: start it by `make run`, or set {MASTER_KEY}")
        master = _master_by_passphrase(settings, ring)
    try:
        ring.must_fit(master)
    except WrongMaster:
        where = in_short(settings.keyring)
        raise Refused(f"this master key does not open {where}: it belongs to another keyring") from None
    return master


def begin(
    settings: Settings,
    master: bytes,
    recovery: str | None,
    persons: dict[str, str] | None = None,
    rights: Mapping[str, Iterable[Right]] | None = None,
) -> None:
    """Make the keyring of a new installation, and its recovery copy.

    Args:
        recovery: the recipient of the recovery copy.
        persons: names, and passphrases.
        rights: what some of them may besides.

    Raises:
        Refused: there are records already, so their keyring is missing.
        Unreachable: the records do not say whether they hold anything.
        NotUnderstood: the recipient is none, or a passphrase is too short.
    """
    _must_hold_no_events(settings)
    rows = [
        new_person(name, passphrase, master, (rights or {}).get(name, ()))
        for name, passphrase in (persons or {}).items()
    ]
    about_recovery = recovery_settings(master, recovery)
    ring = ring_of(settings)
    ring.found(master, about_recovery, rows)
    write_recovery_copy(settings, ring)
    ring.close()


def write_recovery_copy(settings: Settings, ring: Keyring) -> None:
    """Write the recovery copy beside the keyring, for safekeeping elsewhere."""
    copy = ring.recovery_copy()
    if copy is not None:
        settings.recovery_path.touch(mode=0o600)
        settings.recovery_path.write_bytes(copy)


def master_of_demo(settings: Settings) -> bytes:
    """The master key of a demo, made now if there is none. It lies in a file: a demo holds nobody.

    Raises:
        Refused: the folder holds no demo, but cases.
    """
    if not settings.master_path.exists() and (is_begun(settings) or holds_events(settings.records)):
        raise Refused(f"{settings.folder} holds no demo: choose another SAFECONDUCT_HOME for made-up cases")
    if not is_begun(settings):
        _must_hold_no_events(settings)
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.master_path.touch(mode=0o600)
        settings.master_path.write_text(fresh_key().hex())
        master = _master_from_file(settings)
        assert master is not None
        begin(settings, master, None, dict.fromkeys(DEMO_PERSONS, DEMO_PASSPHRASE), DEMO_RIGHTS)
    return master_key(settings)


def master_of_installation(settings: Settings) -> bytes:
    """The master key for ``make run``, which asks at its first start for a passphrase.

    Raises:
        NoKeys: there is nobody to ask.
        Refused: the folder is a demo's, or the passphrase is another.
    """
    given = _master_from_environment()
    if settings.master_path.exists():
        raise Refused(f"{settings.folder} holds a demo, whose key is a bare file: choose another SAFECONDUCT_HOME")
    if not is_begun(settings):
        if given is None:
            given = _first_start(settings)
        else:
            begin(settings, given, settings.recovery_recipient)
            _tell_what_is_lost(settings, MASTER_KEY)
    return master_key(settings, given)


def ask_passphrase(name: str, otherwise: str) -> str:
    """A person's passphrase.

    Raises:
        NoKeys: there is no terminal; ``otherwise`` says what to do then.
    """
    _must_be_a_terminal(otherwise)
    return _typed(f"Passphrase of {name}: ")


def ask_new_passphrase(name: str) -> str:
    """A new passphrase, asked twice.

    Raises:
        NoKeys: there is no terminal.
        NotUnderstood: the two differ, or it is too short.
    """
    _must_be_a_terminal("a new passphrase is typed into a terminal")
    first = check_passphrase(_typed(f"New passphrase of {name} (five or six words): "))
    if _typed("The same again: ") != first:
        raise NotUnderstood("the two passphrases differ: nothing was written")
    return first


def _typed(question: str) -> str:
    """What was typed without being shown."""
    try:
        return getpass.getpass(question)
    except UnicodeDecodeError:
        print(file=sys.stderr)
        raise NotUnderstood("this terminal does not write UTF-8: nothing was written") from None


def who(settings: Settings) -> str:
    """Who sits here."""
    return settings.staff or getpass.getuser()


@contextlib.asynccontextmanager
async def agent(master: bytes) -> AsyncIterator[Path]:
    """Hand the wrapping keys to this account's programs, as long as the context lasts.

    Yields:
        The socket.
    """
    folder = Path(tempfile.mkdtemp(prefix="safeconduct-"))  # 0700; a socket's path must be short

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            asked = await asyncio.wait_for(reader.readline(), AGENT_SECONDS)
            writer.write(wrapping_key(master, Role(asked.decode().strip())))
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, folder / "agent")
    try:
        async with server:
            yield folder / "agent"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _from_agent(settings: Settings, role: Role) -> bytes | None:
    path = settings.agent
    if path is None:
        with contextlib.suppress(NotRunning):
            path = settings.running().agent
    if path is None:
        return None
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as door:
        door.settimeout(AGENT_SECONDS)
        door.connect(str(path))
        door.sendall(f"{role}\n".encode())
        with door.makefile("rb") as answer:
            key = answer.read(KEY_BYTES)
        if len(key) == KEY_BYTES:
            return key
    return None


def _master_from_environment() -> bytes | None:
    """Taken out of the environment, so that no child process inherits it."""
    text = os.environ.pop(MASTER_KEY, None)
    return _master_from_text(text, MASTER_KEY) if text is not None else None


def _master_from_file(settings: Settings) -> bytes | None:
    try:
        return _master_from_text(settings.master_path.read_text(), str(settings.master_path))
    except OSError:
        return None


def _master_from_text(text: str, where: str) -> bytes:
    try:
        master = bytes.fromhex(text.strip())
    except ValueError:
        master = b""
    if len(master) != KEY_BYTES:
        raise NotUnderstood(f"{where} is no master key: 64 hexadecimal digits (`openssl rand -hex 32`)")
    return master


def _master_by_passphrase(settings: Settings, ring: Keyring) -> bytes:
    name = who(settings)
    if not any(person.name == name for person in ring.persons()):
        known = ", ".join(person.name for person in ring.persons()) or "nobody"
        raise NotFound(f"{name} can't open this installation (enrolled: {known}): set $SAFECONDUCT_STAFF")
    return master_by_passphrase(ring, name, ask_passphrase(name, f"start `make run`, which asks, or set {MASTER_KEY}"))


def _first_start(settings: Settings) -> bytes:
    _must_be_a_terminal(f"the first start asks for a passphrase: start it in a terminal, or set {MASTER_KEY}")
    _must_hold_no_events(settings)
    name, master = who(settings), fresh_key()
    print(f"First start in {settings.folder}. Everything in it is sealed with a passphrase of yours.")
    passphrase = ask_new_passphrase(name)
    recipient = settings.recovery_recipient or input(
        "Recovery: who loses the passphrase needs another key. A recipient of age (age1…), or nothing to make one: "
    )
    if not recipient.strip():
        # shown before anything is sealed to it: whoever is interrupted here begins again
        made, recipient = _fresh_identity()
        print(f"\nRecovery key, shown only now: {made}\nWrite it down, and keep it far from this machine.")
    begin(settings, master, recipient.strip(), {name: passphrase})
    _tell_what_is_lost(settings, "the passphrase")
    return master


def _tell_what_is_lost(settings: Settings, opener: str) -> None:
    """Say plainly what nobody can bring back."""
    if settings.recovery_path.exists():
        print(f"\nA copy of the master key, sealed to the recovery key, is in {settings.recovery_path}.")
        print(f"Whoever loses both, {opener} and the recovery key, loses every case: nobody can open them again.")
    else:
        print(f"\nThere is no recovery copy: whoever loses {opener} loses every case, and nobody can open them again.")
    names = f"{name_of(settings.keyring)} and {name_of(settings.records)}"
    print(f"Keep copies of {names}: without its keyring a case can't be read.\n", flush=True)


def _fresh_identity() -> tuple[str, str]:
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def _must_be_a_terminal(what_to_do: str) -> None:
    if not sys.stdin.isatty():
        raise NoKeys(f"nothing opens the keyring here: {what_to_do}")


def _must_hold_no_events(settings: Settings) -> None:
    """
    Raises:
        Refused: there are records already, so their keyring is missing.
        Unreachable: the records do not say.
    """
    if holds_events(settings.records):
        raise Refused(f"{in_short(settings.keyring)} is missing: put back the keyring that belongs to these records")


def holds_events(records: Where) -> bool:
    """Whether there are records, and something in them.

    Raises:
        Unreachable: the records do not say. Whoever took that for a no would put a second keyring beside them.
    """
    if not is_there(records, RECORDS):
        return False
    reader = Reader(records)
    try:
        with reader.reading() as connection:
            return connection.exec_driver_sql("SELECT 1 FROM event LIMIT 1").first() is not None
    finally:
        reader.close()
