"""Check-in links: one-time addresses by which a person lets staff know how he is.

Whoever serves them needs no key of the vault, and the table alone tells nothing: of a link's token it keeps a digest,
and of the agreed words what the token makes of them. Who has both, table and link, can try words.

Rules:
    1. Both words are compared for every answer, and nothing is decided before.
    2. That he is well counts once, so that no page that is opened again says it for him. An alarming answer counts each
       time: what was begun by the last one may be over. Sent again because no thanks came, it is the same answer.
       After the first a link lives on for a while, for slips of the finger; then it is used up, so that nobody is
       thanked for a second answer that counts for nothing.
    3. The duress word counts as long as the link was made for, used up or not, until it has taken all its answers.
    4. Where the path of the case is closed nobody waits for an answer, so nobody is thanked for one: it is used up. An
       alarming one calls the desk all the same.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, col, delete, select

from domain.agreed_words import AgreedWords, normalised
from domain.check_ins import Answer
from records.board import text
from records.database import Database
from records.errors import Fenced
from records.models import CaseRow, CheckInLinkRow, FenceRow

TOKEN_BYTES = 20
"""160 random bits, 32 letters. Letters and digits alone: messengers cut addresses off at a dash."""

ANSWERS = 5
"""So many answers a link takes: room for slips of the finger, and none for trying out words."""

LIVES_ON = timedelta(hours=1)
"""After its first answer. Longer, and who checks in again by the same link is thanked in vain; shorter, and who has
mistyped the word, or must type the other one after all, finds the link over."""


@dataclass(frozen=True)
class Link:
    """A link within the time that it was made for.

    Attributes:
        reference: of the case.
        is_used_up: whether its first answer is long ago, or nobody waits for one.
    """

    reference: str
    is_used_up: bool
    _token: str
    _answers: int
    _well: bytes | None
    _duress: bytes | None

    def answer(self, word: str) -> Answer:
        """What a check-in with this word says. Where no words are agreed, any says that he is well."""
        said = _under(self._token, normalised(word))
        is_well, is_duress = (hmac.compare_digest(said, agreed or b"") for agreed in (self._well, self._duress))
        if self._duress is None:
            return Answer.WELL
        return Answer.DURESS if is_duress else Answer.WELL if is_well else Answer.UNRECOGNISED

    def command_id(self, answer: Answer) -> UUID:
        """The id of the command: the same answer is the same command, an alarming one until it is counted.

        Made with the token: ids stand in clear, and nobody may find out from one what was answered.
        """
        which = 0 if answer is Answer.WELL else self._answers
        return UUID(bytes=_under(self._token, f"command|{answer}|{which}")[:16], version=5)


class CheckInLinks:
    """All check-in links.

    Args:
        database: the records.
        now: the clock.
    """

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def issue(self, reference: str, until: datetime, words: AgreedWords | None) -> str:
        """Make a link; what has expired of others is deleted.

        Returns:
            Its token, which nobody can find out again.

        Raises:
            Fenced: the case was erased meanwhile.
        """
        token = base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()
        row = CheckInLinkRow(
            digest=_digest(token),
            reference=reference,
            until=text(until),
            well=_under(token, normalised(words.well)) if words is not None else None,
            duress=_under(token, normalised(words.duress)) if words is not None else None,
        )
        with self._database.writing() as connection, Session(bind=connection) as session:
            if session.get(FenceRow, reference) is not None:
                raise Fenced
            session.exec(delete(CheckInLinkRow).where(col(CheckInLinkRow.until) <= text(self._now())))
            session.add(row)
            session.flush()
        return token

    def find(self, token: str) -> Link | None:
        """The link with this token, unless its time is over or it never was."""
        with self._database.reading() as connection, Session(bind=connection) as session:
            row = session.get(CheckInLinkRow, _digest(token))
            now = self._now()
            if row is None or row.until <= text(now) or row.answers >= ANSWERS:
                return None
            case = session.get(CaseRow, row.reference)
            is_old = row.answered_at is not None and row.answered_at <= text(now - LIVES_ON)
            is_used_up = is_old or (case is not None and not case.is_open)
            return Link(row.reference, is_used_up, token, row.answers, row.well, row.duress)

    def count(self, token: str) -> None:
        """An answer was recorded."""
        with self._database.writing() as connection, Session(bind=connection) as session:
            row = session.get(CheckInLinkRow, _digest(token))
            if row is not None:
                row.answers += 1
                row.answered_at = row.answered_at or text(self._now())
                session.add(row)
                session.flush()

    def end(self, reference: str) -> int:
        """End all links of a case.

        Returns:
            How many there were.
        """
        with self._database.writing() as connection, Session(bind=connection) as session:
            rows = session.exec(select(CheckInLinkRow).where(CheckInLinkRow.reference == reference)).all()
            for row in rows:
                session.delete(row)
            session.flush()
            return sum(row.until > text(self._now()) for row in rows)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _under(token: str, word: str) -> bytes:
    """What a token makes of a word."""
    return hmac.digest(token.encode(), word.encode(), "sha256")
