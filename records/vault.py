"""The vault: who a reference is, which words are agreed with them, and free notes. No worker opens it; commands carry
ids only.

Whatever a person reads here is written down first: who, of whom, what, when.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from domain.agreed_words import AgreedWords
from domain.facts import Frozen
from domain.intake import Identity
from domain.references import case_stream
from records import duplicates
from records.database import Database
from records.errors import Fenced, Unreadable
from records.keyring import INSTALLATION
from records.keys import Keys, Purpose
from records.models import AgreedWordsRow, FenceRow, IdentityRow, ImportRow, NoteRow
from records.readings import EVERYBODY, log_readings
from records.sealing import Sealer, SealError

UNREADABLE = "(unreadable)"
"""In place of a nickname that does not open: the case itself is there, by its reference."""


AT_ONCE = 500
"""References in one question: a database takes only so many."""


class Import(Frozen):
    """Which case an intake file became."""

    reference: str
    command_id: UUID
    is_started: bool


class Vault:
    """Identities, notes, and which intake file became which case.

    Args:
        database: the records.
        keys: the vault's keys.
        staff: who reads.
        now: their clock.
    """

    def __init__(
        self, database: Database, keys: Keys, staff: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._keys = keys
        self._staff = staff
        self._now = now

    def keep(self, reference: str, identity: Identity) -> None:
        """Write who a reference is, before its case is started, and notice whether the person was here before.

        Of what was noticed nothing comes back: see :mod:`records.duplicates`.

        Raises:
            Locked: the case is locked.
            Fenced: it was erased meanwhile.
        """
        sealer = self._sealer(reference)
        body = sealer.seal(identity_place(reference), identity.model_dump_json().encode())
        digests = duplicates.digests_of(self._keys, identity)
        with self._database.writing() as connection, Session(bind=connection) as session:
            if session.get(FenceRow, reference) is not None:
                raise Fenced
            session.merge(IdentityRow(reference=reference, key_id=sealer.key_id, body=body))
            duplicates.notice(session, reference, digests, self._now())

    def identity(self, reference: str) -> Identity | None:
        """Who a reference is. A reading.

        Raises:
            Locked: the case is locked.
        """
        self._keys.must_be_unlocked(case_stream(reference))
        self._log("identity", reference)
        with self._database.reading() as connection, Session(bind=connection) as session:
            row = session.get(IdentityRow, reference)
            return self._identity(row) if row is not None else None

    def nicknames(self, what: str, *references: str) -> dict[str, str]:
        """The nicknames of cases, of all if none is named; a locked case has none. A reading.

        Args:
            what: why they are read: ``list``, ``status``, ``search``.
        """
        self._log(what, *(references or (EVERYBODY,)))
        return self._nicknames(references)

    def nicknames_among_all(self, what: str, references: Collection[str]) -> dict[str, str]:
        """The nicknames of a few cases, written down as a reading of all: which they are stays with who reads."""
        self._log(what, EVERYBODY)
        found: dict[str, str] = {}
        wanted = sorted(set(references))
        for begins in range(0, len(wanted), AT_ONCE):
            found |= self._nicknames(wanted[begins : begins + AT_ONCE])
        return found

    def _nicknames(self, references: Collection[str]) -> dict[str, str]:
        """Of these, or of all."""
        query = select(IdentityRow).order_by(col(IdentityRow.reference))
        if references:
            query = query.where(col(IdentityRow.reference).in_(references))
        self._keys.read_all(Purpose.VAULT, [case_stream(reference) for reference in references])
        locked = self._keys.keyring.locked()
        with self._database.reading() as connection, Session(bind=connection) as session:
            rows = session.exec(query).all()
            return {row.reference: self._nickname(row) for row in rows if case_stream(row.reference) not in locked}

    def _nickname(self, row: IdentityRow) -> str:
        """One damaged row must not hide all other cases."""
        try:
            return self._identity(row).nickname
        except Unreadable:
            return UNREADABLE

    def find(self, nickname: str) -> list[str]:
        """References with this nickname, in whatever case. Opens every identity: nothing of them is indexed."""
        wanted = nickname.casefold()
        return [reference for reference, name in self.nicknames("search").items() if name.casefold() == wanted]

    def note(self, reference: str, body: str) -> UUID:
        """Keep a free note; returns the id that a command carries.

        Raises:
            Locked: the case is locked.
        """
        note_id, sealer = uuid4(), self._sealer(reference)
        sealed = sealer.seal(_note_place(note_id), body.encode())
        with self._database.writing() as connection, Session(bind=connection) as session:
            session.add(NoteRow(note_id=str(note_id), reference=reference, key_id=sealer.key_id, body=sealed))
            session.flush()
        return note_id

    def drop_note(self, note_id: UUID) -> None:
        """Forget a note whose command was refused."""
        with self._database.writing() as connection, Session(bind=connection) as session:
            row = session.get(NoteRow, str(note_id))
            if row is not None:
                session.delete(row)
                session.flush()

    def notes(self, reference: str) -> dict[UUID, str]:
        """The free notes of a case. A reading.

        Raises:
            Locked: the case is locked.
        """
        self._keys.must_be_unlocked(case_stream(reference))
        self._log("notes", reference)
        with self._database.reading() as connection, Session(bind=connection) as session:
            rows = session.exec(select(NoteRow).where(NoteRow.reference == reference)).all()
            return {UUID(row.note_id): self._note(row) for row in rows}

    def agree_words(self, reference: str, words: AgreedWords) -> None:
        """Keep the words agreed with a person, in place of those that were.

        Raises:
            Locked: the case is locked.
            Fenced: it was erased meanwhile.
        """
        sealer = self._sealer(reference)
        body = sealer.seal(_words_place(reference), words.model_dump_json().encode())
        with self._database.writing() as connection, Session(bind=connection) as session:
            if session.get(FenceRow, reference) is not None:
                raise Fenced
            session.merge(AgreedWordsRow(reference=reference, key_id=sealer.key_id, body=body))
            session.flush()

    def agreed_words(self, reference: str, what: str) -> AgreedWords | None:
        """The words agreed with a person. A reading.

        Args:
            what: why they are read: ``words``, ``link``.

        Raises:
            Locked: the case is locked.
        """
        self._keys.must_be_unlocked(case_stream(reference))
        self._log(what, reference)
        with self._database.reading() as connection, Session(bind=connection) as session:
            row = session.get(AgreedWordsRow, reference)
            if row is None:
                return None
            return AgreedWords.model_validate_json(self._opened(reference, _words_place(reference), row.body))

    def keeps_words(self, reference: str) -> bool:
        """Whether words agreed with a person are kept. Nothing is opened for it: no reading, and no key is needed."""
        with self._database.reading() as connection, Session(bind=connection) as session:
            return session.get(AgreedWordsRow, reference) is not None

    def import_of(self, content: bytes, fresh_reference: str) -> Import:
        """The case that an intake file is, or now becomes. Durable before the case is started, so an import resumes."""
        digest = self._keys.sealer(INSTALLATION, Purpose.VAULT).digest(content)
        with self._database.writing() as connection, Session(bind=connection) as session:
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

    def _log(self, what: str, *references: str) -> None:
        log_readings(self._database, self._staff, what, references, self._now())

    def _sealer(self, reference: str) -> Sealer:
        self._keys.must_be_unlocked(case_stream(reference))
        return self._keys.sealer(case_stream(reference), Purpose.VAULT)

    def _identity(self, row: IdentityRow) -> Identity:
        return Identity.model_validate_json(self._opened(row.reference, identity_place(row.reference), row.body))

    def _note(self, row: NoteRow) -> str:
        return self._opened(row.reference, _note_place(UUID(row.note_id)), row.body).decode()

    def _opened(self, reference: str, place: str, sealed: bytes) -> bytes:
        try:
            return self._keys.opener(case_stream(reference), Purpose.VAULT).unseal(place, sealed)
        except SealError:
            raise Unreadable("the vault holds something that was changed, or moved from another place") from None


def identity_place(reference: str) -> str:
    """Where an identity lies: moved elsewhere, it does not open."""
    return f"identity|{reference}"


def _words_place(reference: str) -> str:
    return f"words|{reference}"


def _note_place(note_id: UUID) -> str:
    return f"note|{note_id}"
