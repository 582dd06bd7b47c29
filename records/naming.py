"""How constraints are called: alike in every database, so that a migration can name what it changes."""

NAMES = {
    "pk": "%(table_name)s_pkey",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
