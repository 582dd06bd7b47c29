"""The tables. They only store: whatever is written was validated as a plain pydantic model before.

Instants are text in UTC, ISO 8601, so that they sort alike in every database.
"""

from typing import ClassVar

from sqlmodel import BigInteger, Field, Index, Integer, SQLModel, UniqueConstraint

from records.naming import NAMES

SQLModel.metadata.naming_convention = NAMES


POSITION = BigInteger().with_variant(Integer(), "sqlite")
"""A place in the log. In an SQLite file an INTEGER key is the table's own order, and needs no index beside it."""


class EventRow(SQLModel, table=True):
    """The log. Header in clear, body sealed; rows are never changed and never deleted. See ``records.log``."""

    __tablename__: ClassVar[str] = "event"
    __table_args__ = (UniqueConstraint("stream", "version"),)

    position: int = Field(primary_key=True, sa_type=POSITION, sa_column_kwargs={"autoincrement": False})
    event_id: str = Field(unique=True)
    stream: str
    version: int
    schema_version: int
    key_id: str
    recorded_at: str
    body: bytes
    digest: bytes
    chain: bytes


class StreamRow(SQLModel, table=True):
    """The head of each stream, and the epoch of the one writer that may append to it. A head never goes back."""

    __tablename__: ClassVar[str] = "stream"

    stream: str = Field(primary_key=True)
    version: int
    epoch: int = Field(sa_type=BigInteger)
    digest: bytes


class CaseRow(SQLModel, table=True):
    """Read model: the list of cases."""

    __tablename__: ClassVar[str] = "case_card"

    reference: str = Field(primary_key=True)
    stage: str = Field(index=True)
    country: str | None = Field(index=True)
    coordinator: str | None = Field(index=True)
    is_open: bool
    missing_for_entry: str
    opened_on: str
    erase_by: str | None = Field(default=None, index=True)
    held_until: str | None = None


class PhaseRow(SQLModel, table=True):
    """Read model: where each round of a phase stands."""

    __tablename__: ClassVar[str] = "phase_card"

    stream: str = Field(primary_key=True)
    reference: str = Field(index=True)
    phase: str
    number: int
    country: str | None
    headline: str
    is_open: bool


class DutyRow(SQLModel, table=True):
    """Read model: every duty of every open phase.

    Attributes:
        country: where the case is, as its own card says.
        calls: its place in what needs a human now: 0 for an emergency, 1 for all else; nothing if it needs nobody.
    """

    __tablename__: ClassVar[str] = "duty_card"
    # what is looked for most, in the order in which it is shown; the second is counted by the hundred thousand
    __table_args__ = (
        Index("ix_duty_card_calls", "calls", "due", "stream"),
        Index("ix_duty_card_country", "country", "due"),
    )

    stream: str = Field(primary_key=True)
    duty: str = Field(primary_key=True)
    reference: str = Field(index=True)
    phase: str
    title: str
    due: str = Field(index=True)
    bound: str
    consequence: str
    rule: str | None
    doubt: str
    emergency: bool
    level: str | None
    fired_at: str | None
    acknowledged: bool
    passed_over: bool
    next_at: str | None = Field(index=True)
    country: str | None
    calls: int | None


class AlertRow(SQLModel, table=True):
    """Read model: which alert has reached which case. The alert itself is public, and stands in its country's stream.

    Attributes:
        waits: whether the person was asked for a sign of safety, and none has come.
    """

    __tablename__: ClassVar[str] = "alert_card"

    stream: str = Field(primary_key=True)
    alert: str = Field(primary_key=True, index=True)
    reference: str = Field(index=True)
    reached_at: str
    waits: bool


class NoticeRow(SQLModel, table=True):
    """Notices, written with the event that causes them, sent afterwards. They hold no case data."""

    __tablename__: ClassVar[str] = "notice"

    notice_id: str = Field(primary_key=True)
    stream: str = Field(index=True)
    urgency: str
    written_at: str
    sent_at: str | None = None
    channel: str | None = None


class DeliveryRow(SQLModel, table=True):
    """To whom a notice goes, by sign-in names alone, and how it got there.

    Attributes:
        batch: the id of the message in which a reminder was tried first, with others; all of them keep it.
        channel: the channel that took it; ``unreachable`` where none ever will; nothing as long as it waits.
    """

    __tablename__: ClassVar[str] = "delivery"

    notice_id: str = Field(primary_key=True)
    addressee: str = Field(primary_key=True)
    stream: str = Field(index=True)
    batch: str | None = None
    channel: str | None = None
    sent_at: str | None = None


class ColleagueRow(SQLModel, table=True):
    """Who is at the desk. Role, language, addresses and rota are sealed, under a key that workers have."""

    __tablename__: ClassVar[str] = "colleague"

    name: str = Field(primary_key=True)
    key_id: str
    body: bytes


class IdentityRow(SQLModel, table=True):
    """Vault: who a reference is. Sealed; no worker reads it."""

    __tablename__: ClassVar[str] = "identity"

    reference: str = Field(primary_key=True)
    key_id: str
    body: bytes


class NoteRow(SQLModel, table=True):
    """Vault: free notes. Sealed; events hold their ids."""

    __tablename__: ClassVar[str] = "note"

    note_id: str = Field(primary_key=True)
    reference: str = Field(index=True)
    key_id: str
    body: bytes


class AgreedWordsRow(SQLModel, table=True):
    """Vault: the words agreed with a person for check-ins. Sealed."""

    __tablename__: ClassVar[str] = "agreed_words"

    reference: str = Field(primary_key=True)
    key_id: str
    body: bytes


class CheckInLinkRow(SQLModel, table=True):
    """A one-time link for a check-in. See ``records.check_in_links``.

    Attributes:
        digest: of its token, which stands nowhere.
        until: when it is over.
        well: what the token makes of the word that says *well*; nothing where no words are agreed.
        duress: the same of the other word.
        answers: how many were recorded.
        answered_at: when the first was.
    """

    __tablename__: ClassVar[str] = "check_in_link"

    digest: str = Field(primary_key=True)
    reference: str = Field(index=True)
    until: str
    well: bytes | None = None
    duress: bytes | None = None
    answers: int = 0
    answered_at: str | None = None


class ImportRow(SQLModel, table=True):
    """Which intake file became which case, written before the case is started, so that an import can resume."""

    __tablename__: ClassVar[str] = "import_file"

    digest: str = Field(primary_key=True)
    reference: str
    command_id: str
    is_started: bool = False


class ReadingRow(SQLModel, table=True):
    """Who has read what of whom. One row for a list."""

    __tablename__: ClassVar[str] = "reading"

    position: int | None = Field(default=None, primary_key=True)
    staff: str
    reference: str = Field(index=True)
    what: str
    at: str


class CheckpointRow(SQLModel, table=True):
    """Where the log stood, signed. See ``records.checkpoints``."""

    __tablename__: ClassVar[str] = "checkpoint"

    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    chain: bytes
    at: str
    signature: bytes


class GenerationRow(SQLModel, table=True):
    """A generation: the secret under which the keyring's keys lie, beside the master key. Deleted with each erasure."""

    __tablename__: ClassVar[str] = "generation"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    secret: bytes
    made_at: str


class FenceRow(SQLModel, table=True):
    """A case that takes nothing any more, because it is erased. Written with the event that says so; never deleted."""

    __tablename__: ClassVar[str] = "fence"

    reference: str = Field(primary_key=True)
    fenced_at: str
    keys_destroyed_at: str | None = None


class BlindIndexRow(SQLModel, table=True):
    """Tells a person again who comes back: keyed digests of names and birth date. Never unique, never in clear."""

    __tablename__: ClassVar[str] = "blind_index"

    entry: int | None = Field(default=None, primary_key=True)
    reference: str = Field(index=True)
    digest: str = Field(index=True)


class DuplicateHitRow(SQLModel, table=True):
    """Two cases that may be one person, for those who may see that; and what one of them found."""

    __tablename__: ClassVar[str] = "duplicate_hit"
    # the number of a hit that is gone is not given again: somebody may still have it on the screen
    __table_args__ = ({"sqlite_autoincrement": True},)

    hit: int | None = Field(default=None, primary_key=True)
    reference: str = Field(index=True)
    other: str = Field(index=True)
    basis: str
    found_at: str
    seen_by: str | None = None
    seen_at: str | None = None
    finding: str | None = None
    settled_by: str | None = None
    settled_at: str | None = None


class EditionRow(SQLModel, table=True):
    """An edition of the law that was applied here. Public law, and nothing of any case; never changed."""

    __tablename__: ClassVar[str] = "edition"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    applied_at: str
    applied_by: str
    digest: str
    content: str
