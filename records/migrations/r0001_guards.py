"""What guards the log of the first release, in full: revision 0001 means the same for ever, whatever the program says.

A trigger or function that is to become another one is made anew by a later revision, not here.
"""

TRIGGERS = (
    "CREATE TRIGGER IF NOT EXISTS event_is_not_changed BEFORE UPDATE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
    "CREATE TRIGGER IF NOT EXISTS event_is_not_deleted BEFORE DELETE ON event "
    "BEGIN SELECT RAISE(ABORT, 'the log only grows'); END",
    "CREATE TRIGGER IF NOT EXISTS event_is_next BEFORE INSERT ON event "
    "WHEN NEW.position IS NOT coalesce((SELECT max(position) FROM event), 0) + 1 "
    "BEGIN SELECT RAISE(ABORT, 'the log has no gaps'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_does_not_go_back BEFORE UPDATE ON stream "
    "WHEN NEW.version < OLD.version OR NEW.epoch < OLD.epoch OR NEW.stream IS NOT OLD.stream "
    "BEGIN SELECT RAISE(ABORT, 'heads do not go back'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_follows_the_log BEFORE UPDATE ON stream "
    "WHEN (NEW.version, NEW.digest) IS NOT (OLD.version, OLD.digest) AND NOT EXISTS (SELECT 1 FROM event "
    "WHERE event.stream = NEW.stream AND event.version = NEW.version AND event.digest = NEW.digest) "
    "BEGIN SELECT RAISE(ABORT, 'heads follow the log'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_begins_with_the_log BEFORE INSERT ON stream "
    "WHEN NEW.version > 0 AND NOT EXISTS (SELECT 1 FROM event "
    "WHERE event.stream = NEW.stream AND event.version = NEW.version AND event.digest = NEW.digest) "
    "BEGIN SELECT RAISE(ABORT, 'heads follow the log'); END",
    "CREATE TRIGGER IF NOT EXISTS stream_is_not_deleted BEFORE DELETE ON stream "
    "BEGIN SELECT RAISE(ABORT, 'heads do not go back'); END",
    "CREATE TRIGGER IF NOT EXISTS fence_is_not_moved BEFORE UPDATE OF reference, fenced_at ON fence "
    "BEGIN SELECT RAISE(ABORT, 'an erased case stays erased'); END",
    "CREATE TRIGGER IF NOT EXISTS fence_is_not_deleted BEFORE DELETE ON fence "
    "BEGIN SELECT RAISE(ABORT, 'an erased case stays erased'); END",
    "CREATE TRIGGER IF NOT EXISTS checkpoint_is_not_changed BEFORE UPDATE ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'a checkpoint stays as it was signed'); END",
    "CREATE TRIGGER IF NOT EXISTS checkpoint_is_not_deleted BEFORE DELETE ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'a checkpoint stays as it was signed'); END",
)
"""SQLite's."""

APPEND = r"""
CREATE FUNCTION log.append(
    writer text, writer_epoch bigint, expected integer, own text, case_seen integer, headers text, bodies text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = log, pg_temp AS $$
DECLARE
    root bytea := decode(repeat('00', 32), 'hex');
    fence bigint := CASE WHEN writer_epoch >= 1099511627776 THEN writer_epoch ELSE 0 END;
    lines text[] := string_to_array(headers, E'\n');
    sealed text[] := string_to_array(bodies, E'\n');
    case_head log.stream;
    head log.stream;
    last record;
    header text := '^[!-{}~]+\|[1-9][0-9]*\|[!-{}~]+\|(0|[1-9][0-9]*)\|[!-{}~]+'
        || '\|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00$';
    line text;
    place bigint;
    link bytea;
    digests bytea[] := '{}';
    links bytea[] := '{}';
BEGIN
    IF writer !~ '^[!-{}~]+$' OR own IS DISTINCT FROM split_part(writer, '/', 1) || '/' || split_part(writer, '/', 2)
            OR fence > 0 AND (writer <> own OR cardinality(lines) <> 1 OR bodies <> '') THEN
        RAISE EXCEPTION 'not of this case';  -- what shuts another one would not be looked at
    END IF;
    PERFORM pg_advisory_xact_lock(1526644958);
    SELECT * INTO case_head FROM stream WHERE stream.stream = own;
    IF case_head.epoch >= 1099511627776 THEN
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
        IF line !~ header OR (split_part(line, '|', 5) = 'none') <> (fence > 0) THEN
            RAISE EXCEPTION 'this is no header';  -- what is digested must be what is stored, and read in one way alone
        END IF;
        IF split_part(line, '|', 1) <> own AND NOT starts_with(line, own || '/') THEN
            RAISE EXCEPTION 'not of this case';
        END IF;
        place := place + 1;
        head.digest := sha256(
            coalesce(head.digest, root)
            || convert_to(line || E'\n', 'UTF8') || decode(coalesce(sealed[one], ''), 'hex')
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
"""
"""PostgreSQL's one function."""
