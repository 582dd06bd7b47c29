"""The log in PostgreSQL. The application may read it, and call one function; another role owns the tables.

The function takes the log's lock first and holds it until the commit, so positions have no gaps and become visible in
their order: whoever reads on from a position misses nothing, however many write.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from psycopg import ClientCursor, Connection
from psycopg.errors import DatabaseError, Error, RaiseException, UniqueViolation
from sqlalchemy import Engine
from sqlalchemy.engine import Connection as SqlConnection

from records.errors import Fenced, StaleWriter, Unreachable, why
from records.log import (
    FENCE_EPOCH,
    NO_KEY,
    Append,
    Entry,
    Log,
    Statement,
    for_psycopg,
    header_of,
    must_be_of_one_case,
)

LOCK = 0x5AFEC0DE
"""The advisory lock of whoever appends."""

APPEND = f"""
CREATE FUNCTION log.append(
    writer text, writer_epoch bigint, expected integer, own text, case_seen integer, headers text, bodies text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = log, pg_temp AS $$
DECLARE
    root bytea := decode(repeat('00', 32), 'hex');
    fence bigint := CASE WHEN writer_epoch >= {FENCE_EPOCH} THEN writer_epoch ELSE 0 END;
    lines text[] := string_to_array(headers, E'\\n');
    sealed text[] := string_to_array(bodies, E'\\n');
    case_head log.stream;
    head log.stream;
    last record;
    header text := '^[!-{{}}~]+\\|[1-9][0-9]*\\|[!-{{}}~]+\\|(0|[1-9][0-9]*)\\|[!-{{}}~]+'
        || '\\|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\\.[0-9]{{6}}\\+00:00$';
    line text;
    place bigint;
    link bytea;
    digests bytea[] := '{{}}';
    links bytea[] := '{{}}';
BEGIN
    IF writer !~ '^[!-{{}}~]+$' OR own IS DISTINCT FROM split_part(writer, '/', 1) || '/' || split_part(writer, '/', 2)
            OR fence > 0 AND (writer <> own OR cardinality(lines) <> 1 OR bodies <> '') THEN
        RAISE EXCEPTION 'not of this case';  -- what shuts another one would not be looked at
    END IF;
    PERFORM pg_advisory_xact_lock({LOCK});
    SELECT * INTO case_head FROM stream WHERE stream.stream = own;
    IF case_head.epoch >= {FENCE_EPOCH} THEN
        RAISE EXCEPTION 'fenced';
    END IF;
    IF writer_epoch IS NULL THEN  -- a new writer takes the stream over
        INSERT INTO stream VALUES (writer, 0, 1, root)
            ON CONFLICT (stream) DO UPDATE SET epoch = stream.epoch + 1
            RETURNING epoch INTO place;
        RETURN place;
    END IF;
    SELECT * INTO head FROM stream WHERE stream.stream = writer;
    IF writer_epoch < coalesce(head.epoch, 0) THEN
        RAISE EXCEPTION 'stale';
    END IF;
    IF fence > 0 THEN  -- its version is given here
        lines[1] := own || '|' || coalesce(case_head.version, 0) + 1 || lines[1];
    ELSIF coalesce(head.version, 0) <> expected
            OR case_seen IS NOT NULL AND coalesce(case_head.version, 0) <> case_seen THEN
        RAISE EXCEPTION 'behind';
    END IF;
    SELECT event.position, event.chain INTO last FROM event ORDER BY event.position DESC LIMIT 1;
    place := coalesce(last.position, 0);
    link := coalesce(last.chain, root);
    FOR one IN 1 .. cardinality(lines) LOOP
        line := lines[one];
        IF head.stream IS DISTINCT FROM split_part(line, '|', 1) THEN
            SELECT * INTO head FROM stream WHERE stream.stream = split_part(line, '|', 1);
            head.stream := split_part(line, '|', 1);
        END IF;
        head.version := coalesce(head.version, 0) + 1;
        IF split_part(line, '|', 2) <> head.version::text THEN
            RAISE EXCEPTION 'behind';
        END IF;
        IF line !~ header OR (split_part(line, '|', 5) = '{NO_KEY}') <> (fence > 0) THEN
            RAISE EXCEPTION 'this is no header';  -- what is digested must be what is stored, and read in one way alone
        END IF;
        IF split_part(line, '|', 1) <> own AND NOT starts_with(line, own || '/') THEN
            RAISE EXCEPTION 'not of this case';
        END IF;
        place := place + 1;
        head.digest := sha256(
            coalesce(head.digest, root)
            || convert_to(line || E'\\n', 'UTF8') || decode(coalesce(sealed[one], ''), 'hex')
        );
        link := sha256(link || int8send(place) || head.digest);
        digests[one] := head.digest;
        links[one] := link;
        IF head.stream IS DISTINCT FROM split_part(lines[one + 1], '|', 1) THEN
            INSERT INTO stream VALUES (head.stream, head.version, fence, head.digest)
                ON CONFLICT (stream) DO UPDATE SET version = excluded.version,
                    epoch = greatest(stream.epoch, excluded.epoch), digest = excluded.digest;
        END IF;
    END LOOP;
    INSERT INTO event (stream, version, event_id, schema_version, key_id, recorded_at, position, body, digest, chain)
        SELECT split_part(new.line, '|', 1), split_part(new.line, '|', 2)::integer, split_part(new.line, '|', 3),
            split_part(new.line, '|', 4)::integer, split_part(new.line, '|', 5), split_part(new.line, '|', 6),
            place - cardinality(lines) + new.number, decode(coalesce(new.body, ''), 'hex'), new.digest, new.chain
        FROM unnest(lines, sealed, digests, links) WITH ORDINALITY AS new (line, body, digest, chain, number);
    RETURN place;
END $$
"""  # noqa: S608 - our own numbers alone
"""The one function. It takes headers as the chain takes them, one a line, and bodies in hexadecimal digits: text that
is taken apart here costs less than arrays. Its words for what is wrong are errors' texts, so that nothing of the
transaction stays."""

_CALL = "SELECT log.append(?::text, ?::bigint, ?::integer, ?::text, ?::integer, ?::text, ?::text)"
_CASE = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
_HEAD = "SELECT version, epoch FROM stream WHERE stream = %s"


class PostgresqlLog(Log):
    """The log behind a pool of connections of the application's role."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, wanted: Append) -> bool:
        must_be_of_one_case(wanted.own, (wanted.stream, *(entry.stream for entry in wanted.entries)))
        headers = "\n".join([header_of(entry).decode() for entry in wanted.entries])
        try:
            self._call(wanted, wanted.epoch, headers)
        except UniqueViolation:
            return False  # an id is stored already
        except RaiseException as error:
            return _refused(error)
        return True

    def take_over(self, stream: str, own: str) -> int:
        must_be_of_one_case(own, [stream])
        try:
            return self._call(Append(stream, 0, 0, own, None, (), ()), None, "")
        except RaiseException as error:
            _refused(error)
            raise

    def fence(self, fence: Entry, beside: Sequence[Statement], seen: int | None = None) -> bool:
        wanted = Append(fence.stream, FENCE_EPOCH, 0, fence.stream, None, (fence,), beside)
        headers = header_of(fence).decode().removeprefix(f"{fence.stream}|{fence.version}")
        with self._connection() as (connection, known), connection.transaction():
            connection.execute(for_psycopg(_CASE), (fence.stream,))  # until the end nobody else writes to the case
            found = connection.execute(_HEAD, (fence.stream,)).fetchone()
            version, epoch = found or (0, 0)
            if epoch >= FENCE_EPOCH:
                return True
            if seen is not None and version != seen:
                return False
            _run(connection, known, wanted, FENCE_EPOCH, headers)
            return True

    def hold(self, connection: SqlConnection, owns: Sequence[str]) -> None:
        for own in sorted(owns):
            connection.exec_driver_sql(for_psycopg(_CASE), (own,))

    def close(self) -> None:
        """The pool belongs to the database."""

    def _call(self, wanted: Append, epoch: int | None, headers: str) -> int:
        """Everything in one message, which is one transaction: it is committed when it is answered."""
        with self._connection() as (connection, known):
            return _run(connection, known, wanted, epoch, headers)

    @contextmanager
    def _connection(self) -> Iterator[tuple[Connection, dict[Any, Any]]]:
        """A connection on which each message is a transaction, and what it keeps prepared."""
        try:
            pooled = self._engine.raw_connection()
        except Exception as error:
            raise Unreachable(f"the records do not answer: {why(error)}") from None
        try:
            connection = pooled.driver_connection
            assert isinstance(connection, Connection)
            connection.autocommit = True
            try:
                yield connection, pooled.info
            finally:
                if not connection.broken:
                    connection.autocommit = False
        except (UniqueViolation, RaiseException):
            raise
        except Error as error:
            pooled.invalidate()
            raise Unreachable(f"the records do not answer: {why(error)}") from None
        finally:
            pooled.close()


def _run(connection: Connection, known: dict[Any, Any], wanted: Append, epoch: int | None, headers: str) -> int:
    """Send what is wanted as one message.

    The case's lock comes first: two writers of one case would else meet in its read models in different order.
    What stands beside the log comes before it, so that the log's own lock is held as briefly as can be.
    """
    bodies = "\n".join([entry.body.hex() for entry in wanted.entries])
    head = (wanted.stream, epoch, wanted.expected, wanted.own, wanted.case_seen)
    run: list[str] = [_prepared(connection, known, _CASE)]
    values: list[object] = [wanted.own]
    for sql, rows in wanted.beside:
        if rows:
            run += [_prepared(connection, known, sql)] * len(rows)
            values += chain.from_iterable(rows)
    run.append(_prepared(connection, known, _CALL))
    cursor = ClientCursor(connection)
    cursor.execute(";".join(run), (*values, *head, headers, bodies))
    while cursor.nextset():
        pass
    answer = cursor.fetchone()
    assert answer is not None
    return int(answer[0])


def _prepared(connection: Connection, known: dict[Any, Any], sql: str) -> str:
    """How a statement is run that the server has planned once, with a place for each of its values."""
    if sql not in known:
        name, parts = f"log_{len(known)}", sql.split("?")
        numbered = "".join(f"${number}{part}" for number, part in enumerate(parts[1:], start=1))
        connection.execute(f"PREPARE {name} AS {parts[0]}{numbered}".encode())
        known[sql] = f"EXECUTE {name} ({', '.join(['%s'] * (len(parts) - 1))})"
    return str(known[sql])


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
