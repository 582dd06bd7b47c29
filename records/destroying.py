"""The keys of one scope, destroyed in the keyring. It takes no wrapping key: a worker does it, and opens nothing."""

from sqlmodel import Session, delete, select

from records.keyring import DataKeyRow, Keys, LockRow


def destroy(keys: Keys, scope: str) -> None:
    """Delete a scope's keys, of both roles, and those of its lock; done again it changes nothing.

    Raises:
        Unreachable: the keyring does not answer.
    """
    with keys.keyring.database.writing() as connection, Session(bind=connection) as session:
        for row in session.exec(select(DataKeyRow).where(DataKeyRow.scope == scope)).all():
            session.delete(row)
        session.exec(delete(LockRow).where(LockRow.scope == scope))  # type: ignore[arg-type]
        session.flush()
    keys.forget(scope)
