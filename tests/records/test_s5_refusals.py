"""S5: the application itself can only add to the log, whatever it is told to do."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from records.database import Database, Reader
from records.errors import Unreachable
from records.log import FENCE_EPOCH, NO_KEY, Append, Entry, Statement
from records.verifying import verify
from tests.support.mutating import AT, read_raw
from tests.support.postgres import Databases

OWN = "case/0000000000A"

CHANGES = (
    "UPDATE event SET recorded_at = '2026-09-02' WHERE position = 2",
    "UPDATE event SET body = body WHERE position = 2",
    "UPDATE event SET position = 9 WHERE position = 3",
    "DELETE FROM event WHERE position = 3",
    "DELETE FROM event",
    "DELETE FROM stream",
    "UPDATE stream SET version = 2",
    "UPDATE stream SET version = 9",
    "UPDATE stream SET epoch = 0",
    "UPDATE stream SET digest = chain FROM event",
    "UPDATE stream SET stream = 'case/0000000000B'",
    "INSERT INTO stream (stream, version, epoch, digest) SELECT 'case/0000000000B', version, epoch, digest FROM stream",
)
"""What neither database lets the application do."""

_REST = "schema_version, key_id, recorded_at, body, digest, chain"
_COPY = f"SELECT {{}}, {{}}, stream, 4, {_REST} FROM event WHERE position = 3"  # noqa: S608
_EVENT = f"(position, event_id, stream, version, {_REST})"
REPLACEMENTS = (
    f"INSERT OR REPLACE INTO event {_EVENT} {_COPY.format('3', 'event_id')}",
    f"INSERT OR REPLACE INTO event {_EVENT} {_COPY.format('4', 'event_id')}",
    f"REPLACE INTO event {_EVENT} {_COPY.format('1', chr(39) + 'other' + chr(39))}",
    f"INSERT INTO event {_EVENT} {_COPY.format('9', chr(39) + 'other' + chr(39))}",
    f"INSERT INTO event {_EVENT} {_COPY.format('0', chr(39) + 'other' + chr(39))}",
    "UPDATE OR REPLACE event SET event_id = 'id-1' WHERE position = 2",
    "INSERT OR REPLACE INTO stream (stream, version, epoch, digest) SELECT stream, 1, epoch, digest FROM stream",
    "INSERT INTO stream (stream, version, epoch, digest) SELECT stream, 1, epoch, digest FROM stream WHERE true "
    "ON CONFLICT (stream) DO UPDATE SET version = excluded.version",
)
"""What SQLite knows besides."""


def three_entries(database: Database) -> None:
    entries = [Entry(f"id-{number}", OWN, number, 1, "key", AT, b"body") for number in (1, 2, 3)]
    assert database.log.append(Append(OWN, database.log.take_over(OWN, OWN), 0, OWN, None, entries, ()))


@pytest.fixture
def records(tmp_path: Path) -> Database:
    database = Database(tmp_path / "records.db")
    three_entries(database)
    return database


@pytest.mark.parametrize("statement", CHANGES + REPLACEMENTS)
def test_s5_a_file_refuses_every_change_through_the_applications_own_connection(
    records: Database, statement: str
) -> None:
    with records.reading() as connection:
        before = read_raw(connection)
    with records.writing() as connection:
        refused = pytest.raises(IntegrityError, match=r"only grows|no gaps|heads do not go back|heads follow the log")
        with refused:
            connection.execute(text(statement))
    with records.reading() as connection:
        assert read_raw(connection) == before
    assert verify(records).fault is None
    records.close()


@pytest.mark.parametrize("statement", CHANGES + REPLACEMENTS)
def test_s5_the_connection_that_appends_refuses_the_same(records: Database, statement: str) -> None:
    entry = Entry("id-4", OWN, 4, 1, "key", AT, b"body")
    wanted = Append(OWN, 1, 3, OWN, None, [entry], [Statement(statement, [()])])
    assert not records.log.append(wanted)
    with records.reading() as connection:
        assert len(read_raw(connection).rows) == 3
    records.close()


def test_s5_who_only_looks_can_write_nothing_at_all(records: Database) -> None:
    reader = Reader(records.where)
    with pytest.raises(Unreachable), reader.reading() as connection:
        connection.execute(text("DELETE FROM checkpoint"))
    with reader.reading() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("INSERT OR REPLACE INTO event SELECT * FROM event"))
    records.close()


STAYS = (
    "DELETE FROM fence",
    "UPDATE fence SET fenced_at = '2027-01-01'",
    "UPDATE fence SET reference = '0000000000B'",
    "DELETE FROM checkpoint",
    "UPDATE checkpoint SET chain = digest FROM event",
    "UPDATE checkpoint SET position = 2",
)


@pytest.mark.parametrize("statement", STAYS)
def test_s5_neither_fence_nor_checkpoint_is_changed_or_deleted(database: Database, statement: str) -> None:
    three_entries(database)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO fence (reference, fenced_at) VALUES ('0000000000A', '2026-09-01')"))
        connection.execute(
            text(
                "INSERT INTO checkpoint (position, chain, at, signature) SELECT 1, chain, '', digest FROM event LIMIT 1"
            )
        )
    with pytest.raises((IntegrityError, Unreachable)), database.writing() as connection:
        connection.execute(text(statement))
    with database.writing() as connection:  # the one thing that becomes of a fence
        assert connection.execute(text("UPDATE fence SET keys_destroyed_at = '2026-09-02'")).rowcount == 1
        assert connection.execute(text("SELECT count(*) FROM checkpoint")).scalar_one() == 1


GOOD = Entry("id-4", OWN, 4, 1, "key", AT, b"body")
NO_HEADERS = (
    GOOD._replace(event_id="id|4"),
    GOOD._replace(event_id=""),
    GOOD._replace(event_id="id\n4"),
    GOOD._replace(key_id="a key"),
    GOOD._replace(key_id="key|"),
    GOOD._replace(schema_version=-1),
    GOOD._replace(recorded_at="now"),
    GOOD._replace(recorded_at=f"{AT}\nmore"),
    GOOD._replace(recorded_at=f"{AT}|"),
    GOOD._replace(recorded_at=f"{AT}||more"),
)


@pytest.mark.parametrize("entry", NO_HEADERS, ids=map(str, range(len(NO_HEADERS))))
def test_s5_no_log_takes_a_header_that_could_be_read_in_two_ways(database: Database, entry: Entry) -> None:
    three_entries(database)
    assert not database.log.append(Append(OWN, 1, 3, OWN, None, [entry], ()))
    assert database.log.append(Append(OWN, 1, 3, OWN, None, [GOOD], ()))
    assert verify(database).fault is None


def test_s5_no_log_takes_entries_of_one_case_on_behalf_of_another(database: Database) -> None:
    """Whether a case was erased is looked up for one case alone."""
    three_entries(database)
    other, phase = "case/0000000000B", f"{OWN}/safety/1"
    for stream, own, of in ((phase, other, phase), (OWN, OWN, other), (phase, phase, phase), (other, OWN, other)):
        entry = GOOD._replace(stream=of, version=1)
        with pytest.raises(ValueError, match="one case alone"):
            database.log.append(Append(stream, 1, 3 if stream == OWN else 0, own, None, [entry], ()))
    with pytest.raises(ValueError, match="one case alone"):
        database.log.take_over(phase, other)
    assert verify(database).entries == 3


def test_s5_nothing_but_a_fence_says_that_a_case_was_erased(database: Database) -> None:
    three_entries(database)
    says_so = GOOD._replace(schema_version=0, key_id=NO_KEY, body=b"")
    assert not database.log.append(Append(OWN, 1, 3, OWN, None, [says_so], ()))
    database.log.fence(says_so, ())
    assert verify(database).fences == {OWN: 4}


POSTGRESQL = (
    *CHANGES,
    "TRUNCATE log.event",
    "TRUNCATE log.stream CASCADE",
    f"INSERT INTO log.event {_EVENT} {_COPY.format('4', chr(39) + 'other' + chr(39))}",
    "INSERT INTO log.stream VALUES ('case/0000000000B', 0, 1, '')",
    "ALTER TABLE log.event DISABLE TRIGGER ALL",
    "ALTER TABLE log.event ADD COLUMN more text",
    "ALTER TABLE log.event OWNER TO CURRENT_USER",
    "DROP TABLE log.event",
    "DROP SCHEMA log CASCADE",
    "CREATE TABLE log.mine (what text)",
    "CREATE TABLE app.mine (what text)",
    "CREATE TRIGGER mine BEFORE INSERT ON log.event EXECUTE FUNCTION log.append()",
    "CREATE INDEX mine ON log.event (key_id)",
    "CREATE RULE mine AS ON INSERT TO log.event DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION log.append() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER FUNCTION log.append SECURITY INVOKER",
    "DROP FUNCTION log.append",
    "DO $$ BEGIN LOCK TABLE log.event IN ACCESS EXCLUSIVE MODE; END $$",
    "SELECT * FROM log.event FOR UPDATE",
    "COPY log.event FROM STDIN",
    "SET ROLE postgres",
)


@pytest.fixture
def application(ground: Databases) -> Iterator[psycopg.Connection]:
    database = Database(ground.records_app)
    three_entries(database)
    database.close()
    with closing(psycopg.connect(ground.records_app, autocommit=True, options="-c search_path=app,log")) as connection:
        yield connection


def test_s5_a_postgresql_lets_the_applications_role_read_the_log_and_call_one_function(
    ground: Databases, application: psycopg.Connection
) -> None:
    for statement in POSTGRESQL:
        with pytest.raises(psycopg.Error) as refused:
            application.execute(statement.encode())
        assert isinstance(refused.value, InsufficientPrivilege), (statement, refused.value)
    application.execute("GRANT UPDATE, DELETE, INSERT ON log.event TO CURRENT_USER")  # a warning, and nothing more
    rights = application.execute(
        "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE table_schema = 'log'"
    ).fetchall()
    assert rights == [("SELECT",)]
    functions = application.execute(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname IN ('log', 'app') AND has_function_privilege(p.oid, 'EXECUTE')"
    ).fetchall()
    assert functions == [("append",)]
    assert application.execute("SELECT count(*) FROM event").fetchone() == (3,)
    application.close()
    database = Database(ground.records_app)
    assert verify(database).fault is None
    database.close()


FENCED = "case/0000000000B"
_LINE = f"|x|1|key|{AT}"
LIES = (
    (f"{FENCED}/safety/1", 1, OWN, f"{FENCED}/safety/1|1{_LINE}", "79"),
    (f"{FENCED}/safety/1", None, OWN, "", ""),
    (OWN, 1, OWN, f"{OWN}|4{_LINE}\n{FENCED}/safety/1|1{_LINE}", "79\n79"),
    (OWN, 1, OWN, f"{OWN}|4{_LINE}|", "79"),
    (OWN, 1, OWN, f"{OWN}|4{_LINE}||evil", "79"),
    (OWN, 1, OWN, f"{OWN}|4|x|1|key", "79"),
    (OWN, 1, OWN, f"{OWN}|4|x|01|key|{AT}", "79"),
    (OWN, 1, OWN, f"{OWN}|4|x|0|none|{AT}", ""),
    (OWN, FENCE_EPOCH, OWN, f"|x|0|none|{AT}", "79"),
    (OWN, FENCE_EPOCH, OWN, f"|x|0|key|{AT}", ""),
    (f"{OWN}/safety/1", FENCE_EPOCH, OWN, f"|x|0|none|{AT}", ""),
    (f"{OWN}|", None, f"{OWN}|", "", ""),
    (OWN, 1, None, f"{OWN}|4{_LINE}", "79"),
)
"""Writer, its epoch, the case it says it is of, headers, bodies."""


def test_s5_the_one_function_believes_nothing_that_its_caller_says(
    ground: Databases, application: psycopg.Connection
) -> None:
    database = Database(ground.records_app)
    beside = Statement("INSERT INTO fence (reference, fenced_at) VALUES (?, ?)", [("0000000000B", AT)])
    database.log.fence(Entry("fence", FENCED, 0, 0, NO_KEY, AT, b""), [beside])
    before = application.execute("SELECT * FROM stream ORDER BY stream").fetchall()
    call = "SELECT log.append(%s, %s::bigint, %s, %s, NULL, %s, %s)"
    for writer, epoch, own, headers, bodies in LIES:
        with pytest.raises(psycopg.errors.RaiseException, match=r"no header|not of this case"):
            application.execute(call, [writer, epoch, 3 if writer == OWN else 0, own, headers, bodies])
    assert application.execute("SELECT * FROM stream ORDER BY stream").fetchall() == before
    assert verify(database).fault is None
    database.close()
    application.close()


def test_s5_the_one_function_is_not_led_astray_by_tables_of_the_same_name(
    ground: Databases, application: psycopg.Connection
) -> None:
    """It runs with its owner's rights: what the caller puts in its way must not be taken for the log."""
    with psycopg.connect(ground.records_owner) as owner:
        owner.execute(f"GRANT TEMPORARY ON DATABASE {owner.info.dbname} TO {ground.app_role}".encode())
    application.execute("CREATE TEMPORARY TABLE event (LIKE log.event)")
    application.execute("CREATE TEMPORARY TABLE stream (LIKE log.stream)")
    application.execute("SET search_path = pg_temp, app, log")
    application.execute("SELECT log.append('case/B', 1::bigint, 0, 'case/B', NULL, %s, '79')", ["case/B|1|x|1|k|" + AT])
    assert application.execute("SELECT count(*) FROM log.event").fetchone() == (4,)
    assert application.execute("SELECT count(*) FROM pg_temp.event").fetchone() == (0,)
    application.close()
