"""Checkpoints: when one is due, who may sign, and what is believed."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from activities.notifications.channel import ChannelError, Lasting
from domain.duties import Urgency
from domain.errors import Refused
from records import checkpoints as module
from records.checkpoints import (
    EVERY,
    BadCheckpoint,
    Checkpoint,
    WrittenAnew,
    all_signed,
    checkpoint,
    checkpoints,
    keep_elsewhere,
    kept_in,
)
from records.database import Database
from records.log import Append, Entry, Where
from records.signing import public_key_of, signing_key
from records.verifying import verify
from runtime.checkpointing import kept_elsewhere, look, must_not_be_older, sign
from runtime.standing import alarm
from tests.support.calls import Calls
from tests.support.keys import keys_in
from tests.support.mutating import AT
from tests.support.tampering import owning

NOW = datetime(2026, 9, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)


@pytest.fixture
def write(database: Database) -> Callable[[int], None]:
    """Appends so many entries."""
    stream, written = "case/0000000000A", [0]

    def append(number: int) -> None:
        entries = [Entry(str(uuid4()), stream, written[0] + at, 1, "key", AT, b"body") for at in range(1, number + 1)]
        assert database.log.append(Append(stream, 1, written[0], stream, None, entries, ()))
        written[0] += number

    return append


def test_a_checkpoint_is_due_after_so_many_entries_or_so_long_and_never_where_nothing_was_written(
    database: Database, write: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_EVENTS", 10)
    assert checkpoint(database, KEY, NOW) is None, "an empty log has nothing to sign"
    write(1)
    first = checkpoint(database, KEY, NOW)
    assert first is not None
    assert first.position == 1
    assert checkpoint(database, KEY, NOW + 2 * EVERY) is None, "nothing was written"
    write(9)
    assert checkpoint(database, KEY, NOW + EVERY - timedelta(seconds=1)) is None
    assert checkpoint(database, KEY, NOW, at_once=True) is not None
    write(9)
    assert checkpoint(database, KEY, NOW) is None
    write(1)
    assert checkpoint(database, KEY, NOW) is not None, "ten entries"
    write(1)
    assert checkpoint(database, KEY, NOW + EVERY) is not None, "a quarter of an hour"
    found = checkpoints(database)
    assert [one.position for one in found] == [1, 10, 20, 21]
    assert all_signed(found, KEY.public_key()) == found
    assert verify(database, found).fault is None


def test_several_workers_sign_side_by_side(database: Database, write: Callable[[int], None]) -> None:
    for _ in range(5):
        write(1)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: checkpoint(database, KEY, NOW, at_once=True), range(8)))
    assert [one.position for one in checkpoints(database)] == [1, 2, 3, 4, 5]


def test_a_checkpoint_that_was_forged_or_signed_by_another_installation_is_refused(
    database: Database, write: Callable[[int], None]
) -> None:
    write(2)
    true = checkpoint(database, KEY, NOW)
    assert true is not None
    forged = [
        Checkpoint(3, true.chain, true.at, true.signature),
        Checkpoint(2, bytes(32), true.at, true.signature),
        Checkpoint(2, true.chain, "2026-09-02", true.signature),
        Checkpoint(2, true.chain, true.at, bytes(64)),
        Checkpoint(2, true.chain, true.at, b""),
    ]
    for one in forged:
        with pytest.raises(BadCheckpoint, match="was not signed by this installation"):
            all_signed([true, one], KEY.public_key())
    with pytest.raises(BadCheckpoint):
        all_signed([true], OTHER.public_key())


def test_a_line_that_was_kept_elsewhere_is_the_checkpoint(
    database: Database, write: Callable[[int], None], tmp_path: Path
) -> None:
    place = tmp_path / "elsewhere" / "checkpoints.jsonl"
    kept = []
    for _ in range(3):
        write(1)
        one = checkpoint(database, KEY, NOW, at_once=True)
        assert one is not None
        keep_elsewhere(place, [one])
        kept.append(one)
    assert kept_elsewhere(place, KEY.public_key()) == kept
    assert set(json.loads(kept[0].line)) == {"position", "chain", "at", "signature"}


@pytest.mark.parametrize("after", [1, 9, 40, 200])
def test_a_line_that_was_broken_off_is_told_stops_no_start_and_the_next_one_stands_on_a_line_of_its_own(
    database: Database, write: Callable[[int], None], tmp_path: Path, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere, (keys, *_) = tmp_path / "elsewhere.jsonl", keys_in(tmp_path)
    for _ in range(2):
        write(1)
        assert sign(database, keys, elsewhere, at_once=True) is not None
    first, second = elsewhere.read_text().splitlines()
    elsewhere.write_text(f"{first}\n{second[:after]}")
    must_not_be_older(database, keys, elsewhere)
    assert caplog.messages == [f"{elsewhere}: a line was broken off, and tells nothing (2)"]
    write(1)
    assert sign(database, keys, elsewhere, at_once=True) is not None
    lines = elsewhere.read_text().splitlines()
    assert lines[:3] == [first, second[:after], second]
    assert [one.position for one in kept_in(lines)] == [1, 2, 3]
    must_not_be_older(database, keys, elsewhere)
    elsewhere.write_text(f"{first}\n" + "\0" * 300)  # a machine died before it wrote what it had made room for
    must_not_be_older(database, keys, elsewhere)


def test_what_is_no_beginning_of_a_checkpoint_stops_the_start_and_the_file_is_named(
    database: Database, tmp_path: Path
) -> None:
    elsewhere, (keys, *_) = tmp_path / "elsewhere.jsonl", keys_in(tmp_path)
    for content in ("positions", "{}", '{"position": 3}', "[" * 200_000):
        elsewhere.write_text(content)
        with pytest.raises(BadCheckpoint, match=f"{elsewhere}: line 1 is no checkpoint"):
            must_not_be_older(database, keys, elsewhere)


def test_what_could_not_be_kept_elsewhere_is_sent_there_as_soon_as_that_can_be(
    database: Database, write: Callable[[int], None], tmp_path: Path
) -> None:
    (keys, *_), away = keys_in(tmp_path), tmp_path / "away"
    away.write_text("no folder: the other disk is not there")
    for _ in range(3):
        write(1)
        with pytest.raises(OSError, match="away"):
            sign(database, keys, away / "kept.jsonl", at_once=True)
    assert len(checkpoints(database)) == 3
    away.unlink()
    assert sign(database, keys, away / "kept.jsonl") is None, "nothing was written since"
    assert kept_elsewhere(away / "kept.jsonl", signing_key(keys).public_key()) == checkpoints(database)
    written = (away / "kept.jsonl").read_bytes()
    assert sign(database, keys, away / "kept.jsonl") is None
    assert (away / "kept.jsonl").read_bytes() == written


NAMES = st.sampled_from(["position", "chain", "at", "signature"])
VALUES = st.text() | st.integers() | st.none() | st.just("00" * 32) | st.just("\ud800")


@given(
    st.text()
    | st.dictionaries(NAMES, VALUES).map(json.dumps)
    | st.fixed_dictionaries(
        {"position": st.integers(), "chain": st.just("00" * 32), "at": VALUES, "signature": st.just("00" * 64)}
    ).map(json.dumps)
)
def test_whatever_a_file_elsewhere_holds_it_is_a_checkpoint_of_ours_or_refused(content: str) -> None:
    try:
        found = all_signed(kept_in(content.splitlines()), KEY.public_key())
    except BadCheckpoint:
        return
    assert found == []


def test_the_installations_key_comes_from_its_keyring_and_others_can_check_it(tmp_path: Path) -> None:
    (keys, *_), (others, *_) = keys_in(tmp_path / "one"), keys_in(tmp_path / "two")
    assert public_key_of(keys) == public_key_of(keys_in(tmp_path / "one")[0])
    assert public_key_of(keys) != public_key_of(others)


CUT_OFF = "DELETE FROM event WHERE position > 3"
WRITTEN_ANEW = ("UPDATE event SET chain = digest", "UPDATE event SET chain = digest WHERE position = 5", CUT_OFF)


@pytest.mark.parametrize("change", WRITTEN_ANEW)
def test_nothing_is_signed_on_a_log_on_which_the_last_checkpoint_does_not_lie(
    database: Database, owned: Where, write: Callable[[int], None], change: str
) -> None:
    write(5)
    assert checkpoint(database, KEY, NOW) is not None
    changed(owned, change)
    for at_once in (False, True):
        with pytest.raises(WrittenAnew, match="at position 5: it was cut off or written anew"):
            checkpoint(database, KEY, NOW + 2 * EVERY, at_once=at_once)
    assert [one.position for one in checkpoints(database)] == [5]


def test_a_checkpoint_beside_the_log_that_was_made_to_fit_it_is_no_ground_for_another(
    database: Database, owned: Where, write: Callable[[int], None]
) -> None:
    write(5)
    assert checkpoint(database, KEY, NOW) is not None
    changed(owned, "UPDATE event SET chain = digest")
    changed(owned, "UPDATE checkpoint SET chain = (SELECT chain FROM event WHERE position = 5)")
    with pytest.raises(BadCheckpoint, match="at 5 was not signed by this installation"):
        checkpoint(database, KEY, NOW, at_once=True)


def test_without_one_beside_the_log_the_newest_that_is_kept_elsewhere_must_lie_on_it(
    database: Database, owned: Where, write: Callable[[int], None], tmp_path: Path
) -> None:
    elsewhere, (keys, *_) = tmp_path / "elsewhere.jsonl", keys_in(tmp_path)
    for _ in range(2):
        write(2)
        assert sign(database, keys, elsewhere, at_once=True) is not None
    changed(owned, "DELETE FROM checkpoint")
    write(1)
    assert sign(database, keys, elsewhere) is not None, "it lies there still"
    changed(owned, "DELETE FROM checkpoint")
    changed(owned, CUT_OFF)
    with pytest.raises(WrittenAnew, match="at position 5"):
        sign(database, keys, elsewhere)
    assert len(kept_elsewhere(elsewhere, signing_key(keys).public_key())) == 3


def changed(where: Where, statement: str) -> None:
    """Change what stands there, as only the owner of the tables can."""
    with owning(where) as connection:
        assert connection.execute(text(statement)).rowcount
        connection.commit()


def test_a_worker_says_once_that_the_log_was_written_anew_and_again_only_while_nobody_could_be_called(
    database: Database, owned: Where, write: Callable[[int], None], tmp_path: Path
) -> None:
    (keys, *_) = keys_in(tmp_path)
    said: list[str] = []
    channel = Calls(ChannelError("down", Lasting.TRANSIENT))

    def looks(told: str | None) -> str | None:
        return look(database, keys, None, partial(alarm, channel, said.append), told)

    write(5)
    assert looks(None) is None
    changed(owned, CUT_OFF)
    told = looks(None)
    assert told is None
    assert len(said) == 2, "the line, and that nobody could be called"
    channel.fault = None
    told = looks(told)
    assert told is not None
    assert said[2] == f"ALARM: {told}"
    assert looks(told) == told
    assert len(said) == 3
    assert [urgency for _, urgency in channel.sent] == [Urgency.OPERATOR]


def test_records_that_are_older_than_the_newest_checkpoint_elsewhere_are_not_started(
    database: Database, write: Callable[[int], None], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    (keys, *_) = keys_in(tmp_path)
    must_not_be_older(database, keys, elsewhere)
    write(3)
    assert sign(database, keys, elsewhere) is not None
    must_not_be_older(database, keys, elsewhere)
    ahead = Checkpoint(4, bytes(32), "2026-09-01T00:00", b"")
    signed = signing_key(keys).sign(f"safeconduct checkpoint|4|{ahead.chain.hex()}|{ahead.at}".encode())
    keep_elsewhere(elsewhere, [Checkpoint(4, ahead.chain, ahead.at, signed)])
    with pytest.raises(Refused, match=r"older than the checkpoint of 2026-09-01.*\"When only an old backup"):
        must_not_be_older(database, keys, elsewhere)
    write(1)
    with pytest.raises(Refused, match="older than the checkpoint"):
        must_not_be_older(database, keys, elsewhere)  # as long, but another log
    elsewhere.write_bytes(b"\xff")
    with pytest.raises(Refused, match="cannot be read"):
        must_not_be_older(database, keys, elsewhere)
