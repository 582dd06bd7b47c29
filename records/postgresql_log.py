"""The log in PostgreSQL. The application may read it, and call one function; another role owns the tables.

The function takes the log's lock first and holds it until the commit, so positions have no gaps and become visible in
their order: whoever reads on from a position misses nothing, however many write.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, Cursor
from psycopg.errors import DatabaseError, Error, RaiseException, UniqueViolation
from sqlalchemy import Engine
from sqlalchemy.engine import Connection as SqlConnection

from records.errors import Fenced, StaleWriter, Unreachable, why
from records.log import FENCE_EPOCH, Append, Entry, Log, Statement, for_psycopg

LOCK = 0x5AFEC0DE
"""The advisory lock of whoever appends."""

APPEND = f"""
CREATE FUNCTION log.append(
    writer text, writer_epoch bigint, expected integer, own text, case_seen integer,
    ids text[], streams text[], versions integer[], schemas integer[], keys text[], times text[], bodies bytea[]
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = log, pg_temp AS $$
DECLARE
    head log.stream;
    case_head log.stream;
    place bigint;
    link bytea;
    digest bytea;
    current text;
    reached integer;
    fence bigint := CASE WHEN writer_epoch >= {FENCE_EPOCH} THEN writer_epoch ELSE 0 END;
    places bigint[] := '{{}}';
    digests bytea[] := '{{}}';
    links bytea[] := '{{}}';
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    SELECT * INTO case_head FROM stream WHERE stream.stream = own;
    IF case_head.epoch >= {FENCE_EPOCH} THEN
        RAISE EXCEPTION 'fenced';
    END IF;
    SELECT * INTO head FROM stream WHERE stream.stream = writer;
    IF writer_epoch IS NULL THEN  -- a new writer takes the stream over
        INSERT INTO stream VALUES (writer, 0, 1, decode(repeat('00', 32), 'hex'))
            ON CONFLICT (stream) DO UPDATE SET epoch = stream.epoch + 1
            RETURNING epoch INTO place;
        RETURN place;
    END IF;
    IF writer_epoch < coalesce(head.epoch, 0) THEN
        RAISE EXCEPTION 'stale';
    END IF;
    IF fence = 0 AND (coalesce(head.version, 0) <> expected
            OR case_seen IS NOT NULL AND coalesce(case_head.version, 0) <> case_seen) THEN
        RAISE EXCEPTION 'behind';
    END IF;
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;
    SELECT event.position, event.chain INTO place, link FROM event ORDER BY event.position DESC LIMIT 1;
    place := coalesce(place, 0);
    link := coalesce(link, decode(repeat('00', 32), 'hex'));
    FOR one IN 1 .. cardinality(ids) LOOP
        IF current IS DISTINCT FROM streams[one] THEN
            current := streams[one];
            SELECT stream.version, stream.digest INTO reached, digest FROM stream WHERE stream.stream = current;
            reached := coalesce(reached, 0);
            digest := coalesce(digest, decode(repeat('00', 32), 'hex'));
        END IF;
        IF fence > 0 THEN
            versions[one] := reached + 1;
        END IF;
        IF versions[one] <> reached + 1 THEN
            RAISE EXCEPTION 'behind';
        END IF;
        reached := versions[one];
        digest := sha256(digest || convert_to(
            streams[one] || '|' || versions[one] || '|' || ids[one] || '|' || schemas[one] || '|' || keys[one]
            || '|' || times[one] || E'\\n', 'UTF8') || bodies[one]);
        place := place + 1;
        link := sha256(link || int8send(place) || digest);
        places[one] := place;
        digests[one] := digest;
        links[one] := link;
        IF current IS DISTINCT FROM streams[one + 1] THEN
            INSERT INTO stream VALUES (current, reached, fence, digest)
                ON CONFLICT (stream) DO UPDATE SET version = excluded.version,
                    epoch = greatest(stream.epoch, excluded.epoch), digest = excluded.digest;
        END IF;
    END LOOP;
    INSERT INTO event (position, event_id, stream, version, schema_version, key_id, recorded_at, body, digest, chain)
        SELECT * FROM unnest(places, ids, streams, versions, schemas, keys, times, bodies, digests, links);
    RETURN place;
END $$
"""  # noqa: S608 - our own numbers alone
"""The one function. Its words for what is wrong are errors' texts, so that nothing of the transaction stays."""

_CALL = "SELECT log.append(%s, %s::bigint, %s, %s, %s, %s, %s, %s::int[], %s::int[], %s, %s, %s)"
_CASE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class PostgresqlLog(Log):
    """The log behind a pool of connections of the application's role."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, wanted: Append) -> bool:
        try:
            with self._connection() as connection:
                _call(connection, wanted.epoch, wanted)
        except UniqueViolation:
            return False  # an id is stored already
        except RaiseException as error:
            return _refused(error)
        return True

    def take_over(self, stream: str, own: str) -> int:
        try:
            with self._connection() as connection:
                answer = _call(connection, None, Append(stream, 0, 0, own, None, (), ())).fetchone()
                assert answer is not None
                return int(answer[0])
        except RaiseException as error:
            _refused(error)
            raise

    def fence(self, fence: Entry, beside: Sequence[Statement]) -> None:
        wanted = Append(fence.stream, FENCE_EPOCH, 0, fence.stream, None, (fence,), beside)
        try:
            with self._connection() as connection:
                _call(connection, FENCE_EPOCH, wanted)
        except RaiseException as error:
            try:
                _refused(error)
            except Fenced:
                return

    def hold(self, connection: SqlConnection, owns: Sequence[str]) -> None:
        for own in sorted(owns):
            connection.exec_driver_sql(_CASE, (own,))

    def close(self) -> None:
        """The pool belongs to the database."""

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            pooled = self._engine.raw_connection()
        except Exception as error:
            raise Unreachable(f"the records do not answer: {why(error)}") from None
        try:
            connection = pooled.driver_connection
            assert isinstance(connection, Connection)
            yield connection
            pooled.commit()
        except (UniqueViolation, RaiseException):
            pooled.rollback()
            raise
        except Error as error:
            pooled.invalidate()
            raise Unreachable(f"the records do not answer: {why(error)}") from None
        finally:
            pooled.close()


def _call(connection: Connection, epoch: int | None, wanted: Append) -> Cursor[Any]:
    """What stands beside the log goes first, so that the log's own lock is held as briefly as can be."""
    columns = [list(column) for column in zip(*wanted.entries, strict=True)] or [[] for _ in Entry._fields]
    ids, streams, versions, schemas, keys, times, bodies = columns
    head = (wanted.stream, epoch, wanted.expected, wanted.own, wanted.case_seen)
    with connection.pipeline():
        # two writers of one case would else meet in its read models in different order
        connection.execute(_CASE, (wanted.own,))
        for statement in wanted.beside:
            for row in statement.rows:
                connection.execute(for_psycopg(statement.sql), row)
        return connection.execute(_CALL, (*head, ids, streams, versions, schemas, keys, times, bodies))


def _refused(error: DatabaseError) -> bool:
    """What the function said: ``False`` where the writer is behind.

    Raises:
        Fenced: the case was erased.
        StaleWriter: a newer run has taken the stream over.
    """
    match error.diag.message_primary:
        case "fenced":
            raise Fenced from None
        case "stale":
            raise StaleWriter("a newer run has taken this stream over") from None
        case _:
            return False
