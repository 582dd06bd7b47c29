"""Fixtures that several tests share."""

import os
from pathlib import Path

import pytest

from domain.case import make_reference


@pytest.fixture
def reference() -> str:
    """A case reference of no real case."""
    return make_reference(lambda: 123_456_789_012_345)


@pytest.fixture
def no_engine_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have an engine and a temporal.toml of their own."""
    for name in os.environ:
        if name.startswith("TEMPORAL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
