"""The keyring's tables, revision by revision."""
