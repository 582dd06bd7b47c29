"""S5: whatever is changed in the log is found, and the first wrong position is named.

``make soak`` changes it as often on PostgreSQL as ``make test`` does in a file.
"""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from records.checkpoints import Checkpoint, stands_at
from records.database import Database, Reader
from records.log import NO_KEY, Append, Entry, Statement, Where
from records.verifying import verify, verify_case
from tests.support.mutating import (
    AT,
    MUTATIONS,
    Written,
    first_difference,
    grow,
    over_the_border,
    read_raw,
    reckoned,
    replaced,
    write,
    write_anew,
)
from tests.support.postgres import Databases
from tests.support.tampering import AsItStands, owning

MUTATIONS_IN_A_FILE = 10_000
MUTATIONS_IN_POSTGRESQL = int(os.environ.get("SAFECONDUCT_MUTATIONS", "500"))
LOGS = 20
SEED = int(os.environ.get("SAFECONDUCT_SEED", "0")) or secrets.randbits(32)
AGAIN = f"again with SAFECONDUCT_SEED={SEED}"


def mutate(connection: Connection, written: Written, chance: Random) -> str:
    """Change something, and look whether it is found where it is."""
    mutation = chance.choice(MUTATIONS)
    try:
        mutation(connection, written, chance)
    except IntegrityError:  # two rows would be called the same
        connection.rollback()
        return ""
    after = read_raw(connection)
    fault = verify(AsItStands(connection)).fault
    connection.rollback()
    changed = after != written
    assert (fault is not None) == changed, (mutation.__name__, AGAIN)
    if (wanted := first_difference(written, after)) is not None:
        assert fault is not None
        # a row that was reckoned anew fits what stands before it: the first that does not fit is the next one
        positions = (wanted, wanted + 1) if mutation is replaced else (wanted,)
        assert fault.position in positions, (mutation.__name__, wanted, str(fault), AGAIN)
    return mutation.__name__ if changed else ""


def changed_again_and_again(database: Database, owned: Where, chance: Random, times: int) -> set[str]:
    """Grow a log, and change it so many times; returns which mutations there were."""
    grow(database.log, chance, chance.randint(1, 40))
    assert verify(database).fault is None
    done: list[str] = []
    with owning(owned) as connection:
        written = read_raw(connection)
        connection.rollback()
        while len(done) < times:
            if found := mutate(connection, written, chance):
                done.append(found)
    return set(done)


@pytest.mark.parametrize("number", range(LOGS))
def test_s5_each_of_ten_thousand_random_mutations_is_found_at_its_first_position(tmp_path: Path, number: int) -> None:
    database = Database(tmp_path / "records.db")
    times = MUTATIONS_IN_A_FILE // LOGS
    done = changed_again_and_again(database, tmp_path / "records.db", Random(SEED + number), times)
    database.close()
    assert len(done) > 8, "only some kinds of mutation were tried"


@pytest.mark.timeout(60 + MUTATIONS_IN_POSTGRESQL)
def test_s5_random_mutations_by_the_owner_of_a_postgresql_are_found_at_their_first_position(ground: Databases) -> None:
    database = Database(ground.records_app)
    done = changed_again_and_again(database, ground.records_owner, Random(SEED), MUTATIONS_IN_POSTGRESQL)
    database.close()
    assert len(done) > 6, "only some kinds of mutation were tried"


def test_s5_bytes_that_were_moved_from_a_body_into_its_header_are_found(database: Database, owned: Where) -> None:
    stream = "case/0000000000A"
    entry = Entry("one", stream, 1, 1, "key", AT, b"a line\nand the rest")
    assert database.log.append(Append(stream, 1, 0, stream, None, [entry], ()))
    with owning(owned) as connection:
        over_the_border(connection, read_raw(connection), Random(SEED))
        for found in (verify(AsItStands(connection)), verify_case(AsItStands(connection), "0000000000A")):
            assert found.fault is not None
            assert found.fault.position == 1
        connection.rollback()


def test_s5_a_phase_that_goes_on_after_its_case_was_erased_is_found_however_well_it_is_chained(
    database: Database, owned: Where
) -> None:
    own, phase = "case/0000000000A", "case/0000000000A/safety/1"
    for stream in (own, phase):
        entry = Entry(f"id of {stream}".replace(" ", "-"), stream, 1, 1, "key", AT, b"body")
        assert database.log.append(Append(stream, 1, 0, own, None, [entry], ()))
    database.log.fence(Entry("fence", own, 0, 0, NO_KEY, AT, b""), ())
    with owning(owned) as connection:
        rows = read_raw(connection).rows
        more = {**rows[1], "event_id": "more", "position": 4, "version": 2}
        write(connection, reckoned([*rows, more], 3)[3])
        head = text("UPDATE stream SET version = 2, digest = (SELECT digest FROM event WHERE position = 4)")
        connection.execute(text(f"{head} WHERE stream = '{phase}'"))
        for found in (verify(AsItStands(connection)), verify_case(AsItStands(connection), "0000000000A")):
            assert found.fault is not None
            assert str(found.fault) == f"position 4: {phase} goes on after the case was erased"
        connection.rollback()


def test_s5_a_fence_that_was_taken_away_or_made_up_beside_the_log_is_found(database: Database, owned: Where) -> None:
    own = "case/0000000000A"
    add = "INSERT INTO fence (reference, fenced_at) VALUES ({}, '2026-09-30')"
    database.log.fence(Entry("one", own, 0, 0, NO_KEY, AT, b""), [Statement(add.format("?"), [("0000000000A",)])])
    assert verify(database).fault is None
    for change, says in (
        ("DELETE FROM fence", f"position 1: {own} was erased, and its fence is gone"),
        (add.format("'0000000000B'"), "case/0000000000B has a fence, and the log does not know that it was erased"),
    ):
        with owning(owned) as connection:
            connection.execute(text(change))
            assert str(verify(AsItStands(connection)).fault) == says
            connection.rollback()


def checkpoint_at(row: dict[str, Any]) -> Checkpoint:
    """One that was found to be signed before."""
    return Checkpoint(row["position"], row["chain"], "2026-09-01", b"")


def test_s5_what_was_cut_off_or_written_anew_is_found_by_the_next_checkpoint_that_was_kept_elsewhere(
    database: Database, owned: Where
) -> None:
    chance = Random(SEED)
    grow(database.log, chance, 30)
    with owning(owned) as connection:
        written = read_raw(connection)
        connection.rollback()
        for _ in range(100):
            kept = [checkpoint_at(row) for row in (*chance.sample(written.rows, 3), written.rows[-1])]
            begin = write_anew(connection, written, chance)
            rows = len(read_raw(connection).rows)
            assert verify(AsItStands(connection)).fault is None, "without a checkpoint nobody can know"
            fault = verify(AsItStands(connection), kept).fault
            connection.rollback()
            assert fault is not None
            first = min(one.position for one in kept if one.position >= begin)
            assert fault.position == (first if first <= rows else rows + 1), AGAIN


def test_s5_two_checkpoints_that_contradict_each_other_do_not_both_lie_on_the_log(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    grow(database.log, Random(SEED), 5)
    true = Checkpoint(3, stands_at(database, 3) or b"", "2026-09-01", b"")
    false = Checkpoint(3, bytes(32), "2026-09-02", b"")
    assert verify(database, [true]).fault is None
    for kept in ([true, false], [false, true]):
        fault = verify(database, kept).fault
        assert fault is not None
        assert fault.position == 3
    database.close()


def test_s5_a_case_is_verified_alone_and_another_ones_fault_is_none_of_its_own(
    database: Database, owned: Where
) -> None:
    log, entry = database.log, Entry("", "", 1, 1, "key", AT, b"body")
    one, two = "case/0000000000A", "case/0000000000B"
    for stream in (one, f"{one}/safety/1", two, f"{two}/safety/1"):
        batch = [entry._replace(event_id=f"{stream}{number}", stream=stream, version=number) for number in (1, 2, 3)]
        assert log.append(Append(stream, 1, 0, stream[: len(one)], None, batch, ()))
    assert verify_case(database, "0000000000A").entries == 6
    for statement, position in (
        ("UPDATE event SET recorded_at = '2026-09-02' WHERE position = 5", 5),
        ("DELETE FROM event WHERE position = 2", 3),
        ("DELETE FROM event WHERE position = 6", None),
        ("UPDATE stream SET version = 1 WHERE stream = 'case/0000000000A'", 2),
        ("DELETE FROM stream WHERE stream = 'case/0000000000A/safety/1'", 4),
    ):
        with owning(owned) as connection:
            connection.execute(text(statement))
            mine, other = (verify_case(AsItStands(connection), name) for name in ("0000000000A", "0000000000B"))
            connection.rollback()
        assert mine.fault is not None, statement
        assert mine.fault.position == position, statement
        assert other.fault is None


def test_s5_a_damaged_file_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    """Chance is written over the file itself, where entries lie: rows, and what holds the rows together."""
    path, chance = tmp_path / "records.db", Random(SEED)
    database = Database(path)
    grow(database.log, chance, 30)
    with database.reading() as connection:
        bodies = [row["body"] for row in read_raw(connection).rows if len(row["body"]) > 20]
    database.close()
    whole = path.read_bytes()
    for _ in range(100):
        begin = whole.index(chance.choice(bodies)) - chance.randrange(300)
        path.write_bytes(whole[:begin] + chance.randbytes(320) + whole[begin + 320 :])
        assert verify(Reader(path)).fault is not None, AGAIN
        verify_case(Reader(path), "00000000000")


def test_s5_a_log_is_verified_while_others_write_and_never_found_wrong(database: Database) -> None:
    stop = Event()

    def write(number: int) -> None:
        chance, stream = Random(number), f"case/{number:011d}"
        for version in count(1):
            entry = Entry(str(UUID(int=chance.getrandbits(128))), stream, version, 1, "key", AT, b"body")
            assert database.log.append(Append(stream, 1, version - 1, stream, None, [entry], ()))
            if stop.is_set():
                return

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        reader, entries = Reader(database.where), 0
        while entries < 40:
            found = verify(reader)
            assert found.fault is None, AGAIN
            assert found.entries >= entries
            entries = found.entries
        reader.close()
        stop.set()
        assert [writer.result() for writer in writers] == [None] * 4
