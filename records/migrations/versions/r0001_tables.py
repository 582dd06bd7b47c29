"""The log, the read models and the vault, as the first release has them.

Nothing of the program is imported here, for that goes on: a revision never changes.
"""

import sqlalchemy as sa
from alembic import op

from records.migrations.r0001_guards import APPEND, TRIGGERS

revision = "0001"
down_revision = None

LOG = ("event", "stream")
ALL_ELSE = (
    "case_card",
    "phase_card",
    "alert_card",
    "duty_card",
    "notice",
    "delivery",
    "colleague",
    "identity",
    "note",
    "agreed_words",
    "check_in_link",
    "import_file",
    "reading",
    "checkpoint",
    "generation",
    "fence",
    "blind_index",
    "duplicate_hit",
    "edition",
)


def upgrade() -> None:
    _make_log()
    _make_cards()
    _make_duties_and_notices()
    _make_vault()
    _make_books()
    _make_duplicates()
    _make_editions()
    match op.get_bind().dialect.name:
        case "sqlite":
            _guard_on_sqlite()
        case "postgresql":
            _guard_on_postgresql(op.get_context().opts["application"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION log.append")
    for table in ALL_ELSE:
        op.drop_table(table)  # with its indexes, triggers and grants
    for table in LOG:
        op.drop_table(table, schema=_log())


def _guard_on_sqlite() -> None:
    for trigger in TRIGGERS:
        op.execute(trigger)


def _guard_on_postgresql(application: str | None) -> None:
    """The application reads the log and adds to it by one function; all else is its own, but for what stays."""
    op.get_bind().exec_driver_sql(APPEND)
    op.execute("REVOKE ALL ON FUNCTION log.append FROM PUBLIC")
    if application is None:
        return
    role = op.get_bind().dialect.identifier_preparer.quote(application)
    for grant in (
        "USAGE ON SCHEMA app, log",
        "SELECT ON ALL TABLES IN SCHEMA log",
        "EXECUTE ON FUNCTION log.append",
        "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app",
        "USAGE ON ALL SEQUENCES IN SCHEMA app",
    ):
        op.execute(f"GRANT {grant} TO {role}")
    op.execute(f"REVOKE UPDATE, DELETE ON app.fence, app.checkpoint FROM {role}")  # they stay, as the log does
    op.execute(f"GRANT UPDATE (keys_destroyed_at) ON app.fence TO {role}")


def _make_log() -> None:
    op.create_table(
        "event",
        sa.Column("position", _position(), autoincrement=False, nullable=False),
        _text("event_id"),
        _text("stream"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        _text("key_id"),
        _text("recorded_at"),
        *(_bytes(name) for name in ("body", "digest", "chain")),
        sa.PrimaryKeyConstraint("position", name="event_pkey"),
        sa.UniqueConstraint("event_id", name="uq_event_event_id"),
        sa.UniqueConstraint("stream", "version", name="uq_event_stream_version"),
        schema=_log(),
    )
    op.create_table(
        "stream",
        _text("stream"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        _bytes("digest"),
        sa.PrimaryKeyConstraint("stream", name="stream_pkey"),
        schema=_log(),
    )


def _make_cards() -> None:
    op.create_table(
        "case_card",
        _text("reference"),
        _text("stage"),
        _text("country", nullable=True),
        _text("coordinator", nullable=True),
        _flag("is_open"),
        _text("missing_for_entry"),
        _text("opened_on"),
        _text("erase_by", nullable=True),
        _text("held_until", nullable=True),
        sa.PrimaryKeyConstraint("reference", name="case_card_pkey"),
    )
    _index("case_card", "stage", "country", "coordinator", "erase_by")
    op.create_table(
        "phase_card",
        _text("stream"),
        _text("reference"),
        _text("phase"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("country", nullable=True),
        _text("headline"),
        _flag("is_open"),
        sa.PrimaryKeyConstraint("stream", name="phase_card_pkey"),
    )
    _index("phase_card", "reference")


def _make_duties_and_notices() -> None:
    op.create_table(
        "duty_card",
        *(_text(name) for name in ("stream", "duty", "reference", "phase", "title", "due", "bound", "consequence")),
        _text("rule", nullable=True),
        _text("doubt"),
        _flag("emergency"),
        _text("level", nullable=True),
        _text("fired_at", nullable=True),
        _flag("acknowledged"),
        _flag("passed_over"),
        _text("next_at", nullable=True),
        _text("country", nullable=True),
        sa.Column("calls", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("stream", "duty", name="duty_card_pkey"),
    )
    _index("duty_card", "reference", "due", "next_at")
    op.create_index("ix_duty_card_calls", "duty_card", ["calls", "due", "stream"])
    op.create_index("ix_duty_card_country", "duty_card", ["country", "due"])
    op.create_table(
        "alert_card",
        *(_text(name) for name in ("stream", "alert", "reference", "reached_at")),
        _flag("waits"),
        sa.PrimaryKeyConstraint("stream", "alert", name="alert_card_pkey"),
    )
    _index("alert_card", "alert", "reference")
    op.create_table(
        "notice",
        _text("notice_id"),
        _text("stream"),
        _text("urgency"),
        _text("written_at"),
        _text("sent_at", nullable=True),
        _text("channel", nullable=True),
        sa.PrimaryKeyConstraint("notice_id", name="notice_pkey"),
    )
    _index("notice", "stream")
    op.create_table(
        "delivery",
        *(_text(name) for name in ("notice_id", "addressee", "stream")),
        *(_text(name, nullable=True) for name in ("batch", "channel", "sent_at")),
        sa.PrimaryKeyConstraint("notice_id", "addressee", name="delivery_pkey"),
    )
    _index("delivery", "stream")
    op.create_table(
        "colleague",
        *(_text(name) for name in ("name", "key_id")),
        _bytes("body"),
        sa.PrimaryKeyConstraint("name", name="colleague_pkey"),
    )


def _make_vault() -> None:
    op.create_table(
        "identity",
        _text("reference"),
        _text("key_id"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("reference", name="identity_pkey"),
    )
    op.create_table(
        "note",
        _text("note_id"),
        _text("reference"),
        _text("key_id"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("note_id", name="note_pkey"),
    )
    _index("note", "reference")
    op.create_table(
        "agreed_words",
        _text("reference"),
        _text("key_id"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("reference", name="agreed_words_pkey"),
    )
    op.create_table(
        "check_in_link",
        *(_text(name) for name in ("digest", "reference", "until")),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in ("well", "duress")),
        sa.Column("answers", sa.Integer(), nullable=False),
        _text("answered_at", nullable=True),
        sa.PrimaryKeyConstraint("digest", name="check_in_link_pkey"),
    )
    _index("check_in_link", "reference")


def _make_editions() -> None:
    op.create_table(
        "edition",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *(_text(name) for name in ("applied_at", "applied_by", "digest", "content")),
        sa.PrimaryKeyConstraint("number", name="edition_pkey"),
    )


def _make_books() -> None:
    op.create_table(
        "import_file",
        _text("digest"),
        _text("reference"),
        _text("command_id"),
        _flag("is_started"),
        sa.PrimaryKeyConstraint("digest", name="import_file_pkey"),
    )
    op.create_table(
        "reading",
        sa.Column("position", sa.Integer(), nullable=False),
        *(_text(name) for name in ("staff", "reference", "what", "at")),
        sa.PrimaryKeyConstraint("position", name="reading_pkey"),
    )
    _index("reading", "reference")
    op.create_table(
        "checkpoint",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        _bytes("chain"),
        _text("at"),
        _bytes("signature"),
        sa.PrimaryKeyConstraint("position", name="checkpoint_pkey"),
    )
    op.create_table(
        "generation",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _bytes("secret"),
        _text("made_at"),
        sa.PrimaryKeyConstraint("number", name="generation_pkey"),
    )
    op.create_table(
        "fence",
        _text("reference"),
        _text("fenced_at"),
        _text("keys_destroyed_at", nullable=True),
        sa.PrimaryKeyConstraint("reference", name="fence_pkey"),
    )


def _make_duplicates() -> None:
    op.create_table(
        "blind_index",
        sa.Column("entry", sa.Integer(), nullable=False),
        *(_text(name) for name in ("reference", "digest")),
        sa.PrimaryKeyConstraint("entry", name="blind_index_pkey"),
    )
    _index("blind_index", "reference", "digest")
    op.create_table(
        "duplicate_hit",
        sa.Column("hit", sa.Integer(), nullable=False),
        *(_text(name) for name in ("reference", "other", "basis", "found_at")),
        *(_text(name, nullable=True) for name in ("seen_by", "seen_at", "finding", "settled_by", "settled_at")),
        sa.PrimaryKeyConstraint("hit", name="duplicate_hit_pkey"),
        sqlite_autoincrement=True,
    )
    _index("duplicate_hit", "reference", "other")


def _log() -> str | None:
    """The schema that the application can only read; what has none comes into the application's own."""
    return "log" if op.get_bind().dialect.name == "postgresql" else None


def _position() -> sa.types.TypeEngine[int]:
    """In an SQLite file an INTEGER key is the table's own order, and needs no index beside it."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])
