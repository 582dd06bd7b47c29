"""The append-only log, the read models, and the vault."""
