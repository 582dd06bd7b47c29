"""The records' tables, revision by revision."""
