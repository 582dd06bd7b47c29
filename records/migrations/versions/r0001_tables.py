"""The log, the read models and the vault.

Revision text is never changed after a release: what comes later is a revision of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

READ_MODELS = ("stream", "case_card", "phase_card", "duty_card", "notice")
VAULT = ("identity", "note")
BOOKS = ("import_file", "reading")


def upgrade() -> None:
    _make_log()
    _make_cards()
    _make_duties_and_notices()
    _make_vault()
    _make_books()
    match op.get_bind().dialect.name:
        case "sqlite":
            _guard_on_sqlite()
        case "postgresql":
            _grant_on_postgres(op.get_context().opts["application"])


def downgrade() -> None:
    for table in ("event", *READ_MODELS, *VAULT, *BOOKS):
        op.drop_table(table)  # with its indexes, triggers and grants


def _guard_on_sqlite() -> None:
    """The log is only ever added to. (`INSERT OR REPLACE` deletes: each connection sets ``recursive_triggers=ON``.)"""
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER event_no_{change.lower()} BEFORE {change} ON event "
            "BEGIN SELECT RAISE(ABORT, 'the log is only ever added to'); END"
        )


def _grant_on_postgres(application: str | None) -> None:
    """The application adds to the log and reads it; all else is its own."""
    if application is None:
        return
    role = op.get_bind().dialect.identifier_preparer.quote(application)
    op.execute(f"GRANT SELECT, INSERT ON event TO {role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join((*READ_MODELS, *VAULT, *BOOKS))} TO {role}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")


def _make_log() -> None:
    op.create_table(
        "event",
        sa.Column("position", sa.Integer(), nullable=False),
        _text("event_id"),
        _text("stream"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        _text("key_id"),
        _text("recorded_at"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_event"),
        sa.UniqueConstraint("event_id", name="uq_event_event_id"),
        sa.UniqueConstraint("stream", "version", name="uq_event_stream_version"),
    )
    op.create_table(
        "stream",
        _text("stream"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_stream"),
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
        sa.PrimaryKeyConstraint("reference", name="pk_case_card"),
    )
    _index("case_card", "stage", "country", "coordinator")
    op.create_table(
        "phase_card",
        _text("stream"),
        _text("reference"),
        _text("phase"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("country", nullable=True),
        _text("headline"),
        _flag("is_open"),
        sa.PrimaryKeyConstraint("stream", name="pk_phase_card"),
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
        sa.PrimaryKeyConstraint("stream", "duty", name="pk_duty_card"),
    )
    _index("duty_card", "reference", "due", "next_at")
    op.create_table(
        "notice",
        _text("notice_id"),
        _text("stream"),
        _text("urgency"),
        _text("written_at"),
        _text("sent_at", nullable=True),
        _text("channel", nullable=True),
        sa.PrimaryKeyConstraint("notice_id", name="pk_notice"),
    )
    _index("notice", "stream")


def _make_vault() -> None:
    op.create_table(
        "identity",
        _text("reference"),
        _text("key_id"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_identity"),
    )
    op.create_table(
        "note",
        _text("note_id"),
        _text("reference"),
        _text("key_id"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name="pk_note"),
    )
    _index("note", "reference")


def _make_books() -> None:
    op.create_table(
        "import_file",
        _text("digest"),
        _text("reference"),
        _text("command_id"),
        _flag("is_started"),
        sa.PrimaryKeyConstraint("digest", name="pk_import_file"),
    )
    op.create_table(
        "reading",
        sa.Column("position", sa.Integer(), nullable=False),
        *(_text(name) for name in ("staff", "reference", "what", "at")),
        sa.PrimaryKeyConstraint("position", name="pk_reading"),
    )
    _index("reading", "reference")


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])
