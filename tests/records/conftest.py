"""What tests of the records share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from records.database import Database
from records.log import Where
from records.store import Store
from tests.support.keys import store_in
from tests.support.postgres import Databases


@pytest.fixture
def owned(where: Where, request: pytest.FixtureRequest) -> Where:
    """The same place for whoever owns its tables, and can change everything."""
    if isinstance(where, Path):
        return where
    ground: Databases = request.getfixturevalue("ground")
    return ground.records_owner


@pytest.fixture
def database(where: Where) -> Iterator[Database]:
    """Empty records."""
    database = Database(where)
    yield database
    database.close()


@pytest.fixture
def store(database: Database, tmp_path: Path) -> Store:
    """The log in them, with keys of its own."""
    return store_in(tmp_path, database)
