"""After a sleep the first line says what fell due meanwhile. The clocks are injected: nothing here waits."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.notifications.terminal import Terminal
from runtime.clocks import Moment, gap, read_clocks, span
from runtime.settings import Settings
from runtime.watchdog import Watchdog
from tests.support.cards import duty, write_case

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Clocks:
    """A machine's clocks, moved by hand."""

    moment: Moment = Moment(BEGAN, 1000.0, 5000.0)  # noqa: RUF009 - it is frozen

    def __call__(self) -> Moment:
        return self.moment

    def go_on(self, *, awake: timedelta, asleep: timedelta = timedelta(), moved: timedelta = timedelta()) -> None:
        before = self.moment
        self.moment = Moment(
            before.wall + awake + asleep + moved,
            before.awake + awake.total_seconds(),
            before.passed + (awake + asleep).total_seconds(),
        )


@contextmanager
def a_case_with_duties(folder: Path, reference: str) -> Iterator[tuple[Watchdog, Clocks]]:
    """A watchdog without any engine, and records in which one duty falls due in an hour and another in two days."""
    soon = duty("lawyer", "Get a lawyer to the detained person", BEGAN + HOUR)
    later = duty("check-in", "The person has not checked in", BEGAN + 48 * HOUR)
    write_case(folder / "records.db", reference, soon, later)
    clocks = Clocks()
    settings = Settings(home=folder)
    yield Watchdog(settings, Terminal(), clocks), clocks


async def test_after_a_sleep_the_first_line_says_how_long_and_what_fell_due(
    tmp_path: Path, reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_case_with_duties(tmp_path, reference) as (watchdog, clocks):
        await watchdog.round()
        caplog.clear()
        clocks.go_on(awake=timedelta(seconds=15), asleep=7 * HOUR)
        await watchdog.round()
    assert caplog.messages[:2] == [
        "asleep 7 hours, these fell due:",
        f"  {reference} Get a lawyer to the detained person, due 2026-09-01 10:00 UTC",
    ]
    assert "checked in" not in caplog.text


async def test_what_the_worker_has_told_in_the_moment_of_waking_fell_due_all_the_same(
    tmp_path: Path, reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_case_with_duties(tmp_path, reference) as (watchdog, clocks):
        await watchdog.round()
        told = duty("lawyer", "Get a lawyer", BEGAN + HOUR, fired_at=BEGAN + 4 * HOUR, next_at=BEGAN + 13 * HOUR)
        write_case(tmp_path / "records.db", reference, told)
        clocks.go_on(awake=timedelta(seconds=15), asleep=7 * HOUR)
        caplog.clear()
        await watchdog.round()
    assert caplog.messages[0] == "asleep 7 hours, these fell due:"
    assert "Get a lawyer" in caplog.messages[1]


@pytest.mark.parametrize(
    ("asleep", "moved", "says"),
    [
        (30 * 60, 0, "asleep 30 minutes, nothing fell due"),
        (0, 3 * 3600, "the clock was set forwards by 3 hours, these fell due:"),
        (0, -3 * 3600, "the clock was set backwards by 3 hours: what is due comes later by as much"),
    ],
)
async def test_a_short_sleep_and_a_clock_that_was_set_are_a_line_too(
    tmp_path: Path, reference: str, caplog: pytest.LogCaptureFixture, asleep: int, moved: int, says: str
) -> None:
    with a_case_with_duties(tmp_path, reference) as (watchdog, clocks):
        await watchdog.round()
        caplog.clear()
        clocks.go_on(awake=timedelta(seconds=15), asleep=timedelta(seconds=asleep), moved=timedelta(seconds=moved))
        await watchdog.round()
    assert caplog.messages[0] == says


async def test_a_machine_that_stayed_awake_and_a_drifting_clock_are_no_line(
    tmp_path: Path, reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_case_with_duties(tmp_path, reference) as (watchdog, clocks):
        for _ in range(5):
            clocks.go_on(awake=timedelta(seconds=40), moved=timedelta(seconds=2))
            await watchdog.round()
    assert "asleep" not in caplog.text
    assert "clock" not in caplog.text


async def test_a_duty_that_fell_due_in_a_sleep_gets_its_grace_after_waking(
    tmp_path: Path, reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_case_with_duties(tmp_path, reference) as (watchdog, clocks):
        await watchdog.round()
        clocks.go_on(awake=timedelta(seconds=15), asleep=7 * HOUR)
        await watchdog.round()
        assert "nobody was told" not in caplog.text
        clocks.go_on(awake=timedelta(seconds=61))
        await watchdog.round()
    assert f"case/{reference}/safety/1: nobody was told: Get a lawyer" in caplog.text


async def test_a_round_that_breaks_off_is_a_line_and_the_next_one_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    readings = iter([OSError("no clock"), KeyboardInterrupt()])

    def broken() -> Moment:
        raise next(readings)

    with pytest.raises(KeyboardInterrupt):
        await Watchdog(Settings(home=tmp_path), Terminal(), broken, every=0.0).run()
    assert caplog.messages == ["this round of the watchdog broke off: OSError"]


def test_the_clocks_of_this_machine_can_be_read_and_agree() -> None:
    first, second = read_clocks(), read_clocks()
    assert second.passed >= first.passed
    assert abs(gap(first, second).asleep) < timedelta(seconds=1)
    assert abs(gap(first, second).moved) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("length", "words"),
    [(10 * HOUR / 60, "10 minutes"), (HOUR, "1 hour"), (1.5 * HOUR, "1.5 hours"), (71 * HOUR, "71 hours")],
)
def test_a_span_is_said_in_words(length: timedelta, words: str) -> None:
    assert span(length) == words
