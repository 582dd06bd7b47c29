"""Data keys, persons, locks, what was erased, and settings.

Revision text is never changed after a release: what comes later is a revision of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "data_key",
        *(_text(name) for name in ("key_id", "scope", "role")),
        sa.Column("generation", sa.Integer(), nullable=False),
        _bytes("wrapped"),
        _text("made_at"),
        sa.PrimaryKeyConstraint("key_id", name="data_key_pkey"),
        sa.UniqueConstraint("scope", "role", name="uq_data_key_scope_role"),
    )
    op.create_table(
        "person",
        *(_text(name) for name in ("name", "recipient")),
        *(_bytes(name) for name in ("salt", "identity", "master")),
        *(_text(name) for name in ("enrolled_at", "rights")),
        sa.PrimaryKeyConstraint("name", name="person_pkey"),
    )
    op.create_table(
        "locked",
        *(_text(name) for name in ("scope", "key_id", "locked_by", "locked_at")),
        sa.Column("generation", sa.Integer(), nullable=False),
        _bytes("sealed"),
        sa.PrimaryKeyConstraint("scope", name="locked_pkey"),
    )
    op.create_table(
        "erased",
        *(_text(name) for name in ("scope", "erased_at")),
        sa.PrimaryKeyConstraint("scope", name="erased_pkey"),
    )
    op.create_table("setting", _text("name"), _bytes("value"), sa.PrimaryKeyConstraint("name", name="setting_pkey"))


def downgrade() -> None:
    for table in ("data_key", "person", "locked", "erased", "setting"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)
