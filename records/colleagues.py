"""The people at the desk, sealed: how somebody is reached is as personal as anything of a case.

Workers open this, for they send notices; it lies under a key of its own, which opens nothing of a case.
"""

import hmac
import secrets
from collections.abc import Callable

from sqlmodel import Session, col, select

from domain.colleagues import Colleague
from domain.errors import NotFound
from records.database import Database
from records.errors import Unreadable
from records.keyring import DESK
from records.keys import Keys, Purpose
from records.models import ColleagueRow
from records.persons import SALT_BYTES, check_passphrase, stretched
from records.sealing import SealError

PHONE = "phone"
"""What the passphrase of somebody at the desk is for: it opens no key."""


class Colleagues:
    """Everybody at the desk.

    Args:
        database: the records.
        keys: the keys for engine and log.
    """

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def all(self) -> tuple[Colleague, ...]:
        """Everybody, by name.

        Raises:
            Unreadable: somebody's entry does not open.
            Unreachable: the records do not answer.
        """
        with self._database.reading() as connection, Session(bind=connection) as session:
            rows = session.exec(select(ColleagueRow).order_by(col(ColleagueRow.name))).all()
            return tuple(self._opened(row) for row in rows)

    def put(self, colleague: Colleague) -> bool:
        """Write somebody down, in place of what was known of them, whose turns and passphrase stay.

        Returns:
            Whether they were there before.
        """
        with self._database.writing() as connection, Session(bind=connection) as session:
            row = session.get(ColleagueRow, colleague.name)
            if row is not None:
                known = self._opened(row)
                colleague = colleague.model_copy(update={"turns": known.turns, "passphrase": known.passphrase})
            session.merge(self._sealed(colleague))
            session.flush()
            return row is not None

    def change(self, name: str, changed: Callable[[Colleague], Colleague]) -> None:
        """Change what is known of somebody.

        Raises:
            NotFound: nobody of this name is at the desk.
        """
        with self._database.writing() as connection, Session(bind=connection) as session:
            row = session.get(ColleagueRow, name)
            if row is None:
                raise _nobody()
            session.merge(self._sealed(changed(self._opened(row))))
            session.flush()

    def names(self) -> frozenset[str]:
        """The sign-in names of everybody at the desk."""
        with self._database.reading() as connection, Session(bind=connection) as session:
            return frozenset(session.exec(select(ColleagueRow.name)))

    def sign_in_with(self, name: str, passphrase: str) -> None:
        """Let somebody sign in on a phone, with this passphrase from now on.

        Raises:
            NotFound: nobody of this name is at the desk.
            NotUnderstood: it is too short.
        """
        salt = secrets.token_bytes(SALT_BYTES)
        proof = f"{salt.hex()}:{stretched(check_passphrase(passphrase), salt, PHONE).hex()}"
        self.change(name, lambda colleague: colleague.model_copy(update={"passphrase": proof}))

    def proof_of(self, name: str) -> str | None:
        """What the passphrase is known by with which somebody signs in on a phone; nothing, if they can't."""
        return next((one.passphrase for one in self.all() if one.name == name), None)

    def proves(self, name: str, passphrase: str) -> bool:
        """Whether this is the passphrase by which somebody signs in on a phone. As slow for who has none."""
        salt, _, expected = (self.proof_of(name) or f"{bytes(SALT_BYTES).hex()}:").partition(":")
        return hmac.compare_digest(stretched(passphrase, bytes.fromhex(salt), PHONE).hex(), expected)

    def remove(self, name: str) -> None:
        """
        Raises:
            NotFound: nobody of this name is at the desk.
        """
        with self._database.writing() as connection, Session(bind=connection) as session:
            row = session.get(ColleagueRow, name)
            if row is None:
                raise _nobody()
            session.delete(row)
            session.flush()

    def _sealed(self, colleague: Colleague) -> ColleagueRow:
        sealer = self._keys.sealer(DESK, Purpose.DESK)
        body = sealer.seal(_place(colleague.name), colleague.model_dump_json().encode())
        return ColleagueRow(name=colleague.name, key_id=sealer.key_id, body=body)

    def _opened(self, row: ColleagueRow) -> Colleague:
        try:
            opened = self._keys.opener(DESK, Purpose.DESK).unseal(_place(row.name), row.body)
        except SealError:
            raise Unreadable(
                "an entry of the desk does not open: it was changed, or moved from another place"
            ) from None
        return Colleague.model_validate_json(opened)


def _place(name: str) -> str:
    """Where an entry lies: under another name it does not open."""
    return f"colleague|{name}"


def _nobody() -> NotFound:
    return NotFound("nobody of this name is at the desk: `safeconduct desk list` shows who is")
