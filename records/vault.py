"""The vault: who a reference is, and free notes. No worker reads it; commands carry ids only."""

import hashlib
import secrets
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from domain.facts import Frozen
from domain.intake import Identity
from records.database import Database
from records.models import IdentityRow, ImportRow, NoteRow
from records.sealing import seal, unseal


class Import(Frozen):
    """Which case an intake file became."""

    reference: str
    command_id: UUID
    is_started: bool


class Vault:
    """Identities, notes, and which intake file became which case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, reference: str, identity: Identity) -> None:
        """Write who a reference is, before its case is started."""
        key_id, body = seal(f"identity|{reference}", identity.model_dump_json().encode())
        with self._database.writing() as connection, Session(bind=connection) as session:
            session.merge(IdentityRow(reference=reference, key_id=key_id, body=body))
            session.flush()

    def identity(self, reference: str) -> Identity | None:
        """Who a reference is."""
        with self._database.reading() as connection, Session(bind=connection) as session:
            row = session.get(IdentityRow, reference)
            return _identity(row) if row is not None else None

    def find(self, nickname: str) -> list[str]:
        """References with this nickname, in whatever case. Opens every identity: nothing of them is indexed."""
        with self._database.reading() as connection, Session(bind=connection) as session:
            rows = session.exec(select(IdentityRow).order_by(col(IdentityRow.reference))).all()
            return [row.reference for row in rows if _identity(row).nickname.casefold() == nickname.casefold()]

    def note(self, reference: str, body: str) -> UUID:
        """Keep a free note; returns the id that a command carries."""
        note_id = uuid4()
        key_id, sealed = seal(f"note|{note_id}", body.encode())
        with self._database.writing() as connection, Session(bind=connection) as session:
            session.add(NoteRow(note_id=str(note_id), reference=reference, key_id=key_id, body=sealed))
            session.flush()
        return note_id

    def drop_note(self, note_id: UUID) -> None:
        """Forget a note whose command was refused."""
        with self._database.writing() as connection, Session(bind=connection) as session:
            row = session.get(NoteRow, str(note_id))
            if row is not None:
                session.delete(row)
                session.flush()

    def read_note(self, note_id: UUID) -> str | None:
        """A free note."""
        with self._database.reading() as connection, Session(bind=connection) as session:
            row = session.get(NoteRow, str(note_id))
            return unseal(f"note|{note_id}", row.key_id, row.body).decode() if row is not None else None

    def import_of(self, content: bytes, fresh_reference: str) -> Import:
        """The case that an intake file is, or now becomes. Durable before the case is started, so an import resumes."""
        with self._database.writing() as connection, Session(bind=connection) as session:
            digest = hashlib.sha256(_salt(session) + content).hexdigest()
            row = session.get(ImportRow, digest)
            if row is None:
                row = ImportRow(digest=digest, reference=fresh_reference, command_id=str(uuid4()))
                session.add(row)
                session.flush()
            return Import(reference=row.reference, command_id=UUID(row.command_id), is_started=row.is_started)

    def mark_started(self, reference: str) -> None:
        """The case of an intake file has been started."""
        with self._database.writing() as connection, Session(bind=connection) as session:
            for row in session.exec(select(ImportRow).where(ImportRow.reference == reference)):
                row.is_started = True
                session.add(row)
            session.flush()


_SALT = "salt"


def _salt(session: Session) -> bytes:
    """Of this installation: a file's digest must not tell anybody whether they hold the same file."""
    row = session.get(ImportRow, _SALT)
    if row is None:
        row = ImportRow(digest=_SALT, reference=secrets.token_hex(16), command_id="")
        session.add(row)
        session.flush()
    return bytes.fromhex(row.reference)


def _identity(row: IdentityRow) -> Identity:
    return Identity.model_validate_json(unseal(f"identity|{row.reference}", row.key_id, row.body))
