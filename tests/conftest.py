"""Fixtures that several tests share."""

import pytest

from domain.case import make_reference


@pytest.fixture
def reference() -> str:
    """A case reference of no real case."""
    return make_reference(lambda: 123_456_789_012_345)
