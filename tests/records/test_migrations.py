"""Every migration up, down and with data in it, on both databases; in the end the tables are the models'."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.operations.ops import UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, create_engine, event, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from records.database import Database
from records.errors import TooNew
from records.migrating import KEYRING, RECORDS, Tree, as_owner, is_current, migrate, revision_of, step_back
from records.models import EventRow
from records.postgresql_log import APPEND
from records.ring import DataKeyRow
from tests.support.keys import store_in
from tests.support.postgres import Databases
from tests.support.servers import ROOT, WARM


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """A transaction in a database, whichever it is."""
    if url.startswith("postgresql"):
        with as_owner(url) as connection:
            yield connection
        return
    engine = create_engine(url, poolclass=NullPool)
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        yield connection


def migrate_it(url: str, tree: Tree, application: str | None) -> None:
    with opened(url) as connection:
        migrate(connection, tree, application=application)


@dataclass(frozen=True)
class Ground:
    """An empty database, the revisions that belong to it, and the tables it must have in the end."""

    url: str
    tree: Tree
    models: MetaData
    application: str | None = None

    def open(self) -> AbstractContextManager[Connection]:
        return opened(self.url)

    def migrate(self, to: str = "head") -> None:
        with self.open() as connection:
            migrate(connection, self.tree, to, self.application)

    def step_back(self, to: str = "base") -> None:
        with self.open() as connection:
            step_back(connection, self.tree, to)

    def tables(self) -> list[str]:
        with self.open() as connection:
            return sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})

    def fill(self) -> dict[str, int]:
        """One row in every table, whatever revision they are of."""
        with self.open() as connection:
            for table in _reflected(connection):
                connection.execute(table.insert().values(_made_up(table)))
        return self.counts()

    def counts(self) -> dict[str, int]:
        with self.open() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in _reflected(connection)
            }


@pytest.fixture(params=["records on sqlite", "keyring on sqlite", "records on postgres", "keyring on postgres"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    what, _, kind = request.param.partition(" on ")
    tree, models = {"records": (RECORDS, EventRow.metadata), "keyring": (KEYRING, DataKeyRow.metadata)}[what]
    if kind == "sqlite":
        return Ground(f"sqlite:///{tmp_path / '50%'}.db", tree, models)
    databases: Databases = request.getfixturevalue("databases")
    if what == "keyring":
        return Ground(databases.keyring, tree, models)
    return Ground(databases.records_owner, tree, models, databases.app_role)


@pytest.fixture
def migrated(databases: Databases) -> Databases:
    """Migrated records on PostgreSQL."""
    with as_owner(databases.records_owner) as connection:
        migrate(connection, application=databases.app_role)
    return databases


@pytest.mark.parametrize("tree", [RECORDS, KEYRING])
def test_the_newest_revision_is_the_one_the_program_looks_for(tree: Tree) -> None:
    assert ScriptDirectory(str(tree.folder)).get_current_head() == tree.head


def test_the_tables_are_the_models_after_the_last_migration(ground: Ground) -> None:
    ground.migrate()
    with ground.open() as connection:
        options = {"target_metadata": ground.models, "include_name": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, ground.models)
        steps = produce_migrations(context, ground.models).upgrade_ops
    assert isinstance(steps, UpgradeOps)
    assert not differences, f"write a new revision in {ground.tree.folder}/versions:\n{render_python_code(steps)}"
    assert ground.tables() == sorted(ground.models.tables)


def test_every_migration_goes_up_with_data_and_back_to_nothing_and_up_again(ground: Ground) -> None:
    revisions = _revisions(ground.tree)
    assert revisions
    for revision in revisions:
        ground.migrate(revision)
        filled = ground.fill()
        assert set(filled.values()) == {1}
        ground.migrate()
        assert filled.items() <= ground.counts().items()
        ground.step_back(revision)
        assert ground.counts() == filled
        ground.step_back()
        assert ground.tables() == []
    ground.migrate()
    assert set(ground.counts().values()) == {0}
    assert set(ground.fill().values()) == {1}


def test_a_database_is_current_only_at_the_newest_revision(ground: Ground) -> None:
    for move, current in ((None, False), (ground.migrate, True), (ground.migrate, True), (ground.step_back, False)):
        if move is not None:
            move()
        with ground.open() as connection:
            assert is_current(connection, ground.tree) is current


def test_a_migration_that_breaks_off_leaves_nothing_behind(ground: Ground) -> None:
    def broken() -> None:
        with ground.open() as connection:
            migrate(connection, ground.tree, application=ground.application)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    with ground.open() as connection:
        assert revision_of(connection, ground.tree) is None
    assert ground.tables() == []


def test_a_database_of_a_newer_program_is_left_alone(ground: Ground) -> None:
    ground.migrate()
    with ground.open() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    for move in (ground.migrate, ground.step_back):
        with pytest.raises(TooNew, match="newer version"):
            move()
    assert ground.tables() == sorted(ground.models.tables)


def test_two_processes_that_migrate_at_once_wait_for_each_other(ground: Ground) -> None:
    both = [WARM.Process(target=migrate_it, args=(ground.url, ground.tree, ground.application)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    with ground.open() as connection:
        assert is_current(connection, ground.tree)


def test_who_looks_whether_a_database_is_current_does_not_wait_for_alembic() -> None:
    program = "import sys, records.database, records.migrating; sys.exit('alembic' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_application_can_see_that_its_records_are_current(migrated: Databases) -> None:
    with as_owner(migrated.records_app) as connection:
        assert is_current(connection)


def test_the_application_adds_to_the_log_by_the_one_function(migrated: Databases, tmp_path: Path) -> None:
    database = Database(migrated.records_app)
    store = store_in(tmp_path, database)
    epoch = store.open("case/00000000000").epoch
    database.close()
    assert epoch == 1


CHANGES = ["UPDATE event SET version = 9", "DELETE FROM event", "DELETE FROM stream"]
MORE_CHANGES = [
    "INSERT INTO stream VALUES ('case/1', 0, 1, '')",
    "TRUNCATE event",
    "DROP TABLE event",
    "ALTER TABLE event ADD mine text",
    "CREATE TABLE log.mine (what text)",
    "CREATE TABLE app.mine (what text)",
    "UPDATE log.alembic_version SET version_num = '0'",
    "DROP FUNCTION log.append",
]


def test_the_application_cannot_change_the_log_and_can_change_no_table(migrated: Databases) -> None:
    for change in (*CHANGES, *MORE_CHANGES):
        refused = pytest.raises(DBAPIError, match=r"permission denied|must be owner")
        with refused, as_owner(migrated.records_app) as connection:
            connection.execute(text(change))
            pytest.fail(f"done: {change}")


def test_whatever_is_not_the_log_is_the_application_s_own(migrated: Databases) -> None:
    with as_owner(migrated.records_app) as connection:
        own = [table for table in _reflected(connection) if table.name not in ("event", "stream")]
        assert own
        for table in own:
            row = _made_up(table)
            if table.name == "reading":
                del row["position"]  # the database counts
            connection.execute(table.insert().values(row))
            if table.name not in ("fence", "checkpoint"):  # these stay
                assert connection.execute(table.delete()).rowcount == 1


def test_nobody_but_the_application_may_call_the_function(migrated: Databases) -> None:
    with as_owner(migrated.records_owner) as connection:
        entries = connection.execute(
            text("SELECT grantee FROM information_schema.role_routine_grants WHERE routine_name = 'append'")
        )
        assert {grantee for (grantee,) in entries} - {migrated.app_role} == {migrated.records_owner.split(":")[1][2:]}


def test_the_function_that_adds_to_a_migrated_log_is_the_one_that_the_program_expects(migrated: Databases) -> None:
    of_it = text("SELECT pg_get_functiondef('log.append'::regproc)")
    with as_owner(migrated.records_owner) as connection:
        found = connection.execute(of_it).scalar_one()
        connection.execute(text("DROP FUNCTION log.append"))
        connection.exec_driver_sql(APPEND)
        assert found == connection.execute(of_it).scalar_one(), "write a new revision that makes it anew"


@pytest.mark.parametrize("tree", [RECORDS, KEYRING])
def test_a_revision_takes_nothing_from_the_program_for_it_means_the_same_for_ever(tree: Tree) -> None:
    files = [*tree.folder.glob("versions/*.py"), *tree.folder.glob("r0*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    taken = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    taken |= {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    assert "alembic" in taken
    assert {name for name in taken if not name.startswith("records.migrations.")} <= {"alembic", "sqlalchemy"}


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_in_sqlite_cannot_be_changed(tmp_path: Path, change: str) -> None:
    ground = Ground(f"sqlite:///{tmp_path / 'records.db'}", RECORDS, EventRow.metadata)
    ground.migrate()
    ground.fill()
    refused = pytest.raises(DBAPIError, match=r"the log only grows|heads do not go back")
    with refused, ground.open() as connection:
        connection.execute(text(change))


def test_a_file_that_is_migrated_has_the_triggers_of_one_that_is_made(tmp_path: Path) -> None:
    ground = Ground(f"sqlite:///{tmp_path / 'migrated.db'}", RECORDS, EventRow.metadata)
    ground.migrate()
    made = Database(tmp_path / "made.db")
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    with ground.open() as connection, made.reading() as other:
        triggers = connection.execute(query).all()
        assert triggers
        assert triggers == other.execute(query).all()
    made.close()


def _revisions(tree: Tree) -> list[str]:
    """The oldest first."""
    return [script.revision for script in ScriptDirectory(str(tree.folder)).walk_revisions()][::-1]


def _reflected(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return (kind, name) != ("table", "alembic_version")


def _made_up(table: Table) -> dict[str, object]:
    made: dict[type, object] = {str: "a", int: 1, bool: True, bytes: b"a"}
    return {column.name: made[column.type.python_type] for column in table.columns}
