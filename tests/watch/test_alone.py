"""A watchdog without a worker, without an engine, and without records that answer."""

import re
import signal
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from records.database import Database
from runtime.settings import now
from tests.support.cards import duty, write_case
from tests.support.many_commands import ended
from tests.support.rehearsal import eventually
from tests.support.servers import new_place
from tests.support.watched import calls_an_operator, outside, watching


async def test_a_dead_engine_calls_an_operator_stops_the_heartbeat_and_both_end_when_it_answers_again(
    tmp_path: Path,
) -> None:
    place = new_place(tmp_path)
    Database(tmp_path / "records.db").close()
    with outside() as received:
        settings = {**calls_an_operator(received), "heartbeat_url": f"{received.url}/beat"}
        async with watching(tmp_path, place.address, settings, every=0.2) as watchdog:
            await eventually(lambda: len(received.notices) == 1, "an operator was called: there never was an engine")
            assert received.beats == []
            async with place.server() as server:
                await eventually(lambda: bool(received.beats), "all is well")
                assert watchdog.said("answers again") == ["the engine answers again"]
                server.send_signal(signal.SIGKILL)
                await eventually(lambda: len(received.notices) == 2, "an operator was called: the engine was killed")
                beats = len(received.beats)
            async with place.server():
                await eventually(lambda: len(watchdog.said("answers again")) == 2, "it answers again")
                await eventually(lambda: len(received.beats) > beats, "all is well again")
                assert len(watchdog.said("the engine is dead")) == 2
    assert len(set(received.ids())) >= 2
    assert len({body for _, body in received.notices}) == 1


async def test_a_duty_past_due_that_no_worker_tells_calls_an_operator_and_says_which_it_is(
    tmp_path: Path, reference: str
) -> None:
    place = new_place(tmp_path)
    late = duty("lawyer", "Get a lawyer to the detained person", now() - timedelta(minutes=3))
    early = duty("check-in", "The person has not checked in", now() + timedelta(days=1))
    write_case(tmp_path / "records.db", reference, late, early)
    with outside() as received:
        received.answer = 503
        settings = {**calls_an_operator(received), "heartbeat_url": f"{received.url}/beat"}
        async with place.server(), watching(tmp_path, place.address, settings) as watchdog:
            told = f"case/{reference}/safety/1: nobody was told: Get a lawyer to the detained person, due "
            await eventually(lambda: len(watchdog.said(told)) == 1, "the duty is named")
            refused = len(received.notices)
            await eventually(lambda: len(received.notices) > refused + 3, "a channel that is down is tried again")
            ids = set(received.ids())
            received.answer = 204
            count = len(received.notices)
            await eventually(lambda: len(received.notices) >= count + len(ids), "the channel takes them")
        assert len(watchdog.said("no operator could be called: webhook: answer 503")) == 1
        assert "checked in" not in watchdog.printed.read_text()
    assert ids == set(received.ids())
    assert len(ids) == 2, "one for the workflows that nobody had started, one for the duty"
    assert received.beats == []


async def test_records_that_are_locked_or_gone_call_an_operator_and_are_not_made_anew(tmp_path: Path) -> None:
    place, records = new_place(tmp_path), tmp_path / "records.db"
    Database(records).close()
    with outside() as received:
        settings = {**calls_an_operator(received), "heartbeat_url": f"{received.url}/beat"}
        async with place.server(), watching(tmp_path, place.address, settings, every=0.2) as watchdog:
            await eventually(lambda: bool(received.beats), "all is well")
            with closing(sqlite3.connect(records, isolation_level=None)) as other:
                other.execute("PRAGMA locking_mode=EXCLUSIVE")
                other.execute("BEGIN EXCLUSIVE")
                await eventually(lambda: len(received.notices) == 1, "an operator was called: they are locked")
            await eventually(lambda: bool(watchdog.said("the records can be read again")), "they can be read")
            records.rename(tmp_path / "elsewhere.db")
            await eventually(lambda: len(received.notices) == 2, "an operator was called: they are gone")
            assert not records.exists()
            beats = len(received.beats)
            (tmp_path / "elsewhere.db").rename(records)
            await eventually(lambda: len(received.beats) > beats, "all is well again")
        assert len(watchdog.said("the records do not answer")) == 2
        assert re.match(r'{"time": "\d{4}-\d\d-\d\dT', watchdog.printed.read_text()), "each line has its time"


def test_a_heartbeat_without_a_proper_address_is_one_line_that_does_not_repeat_it(tmp_path: Path) -> None:
    address = "ftp://outside.example/secret-token"
    done = ended(["watchdog"], {"SAFECONDUCT_HOME": str(tmp_path), "SAFECONDUCT_HEARTBEAT_URL": address})
    assert done.code == 1
    assert done.errors.startswith("safeconduct: SAFECONDUCT_HEARTBEAT_URL is no address")
    assert len(done.errors.splitlines()) == 1
    assert "secret-token" not in done.errors
