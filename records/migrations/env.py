"""Alembic reads this file: how a revision's steps are run. See records/migrating.py."""

from alembic import context

# The connection is in a transaction already. `application` is for the revisions: op.get_context().opts.
context.configure(**context.config.attributes)
context.run_migrations()
