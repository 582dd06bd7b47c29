"""When the watchdog speaks: once for each thing, again while it lasts, never in a flood, and never under two ids."""

from datetime import UTC, datetime, timedelta

from runtime.alarms import REPEATS, SHOWN, SOONEST, Alarms, Cause, Trouble
from runtime.clocks import Moment

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)
ROUND = timedelta(seconds=15)


def at(since: timedelta) -> Moment:
    return Moment(BEGAN + since, since.total_seconds(), since.total_seconds())


def late(*items: str) -> list[Trouble]:
    return [Trouble(item, f"{item} is late") for item in items]


def test_what_lasts_for_three_days_is_told_again_at_growing_intervals_under_a_new_id_each() -> None:
    alarms, told = Alarms(), dict[str, timedelta]()
    for number in range(3 * 24 * 60 * 4):
        since = number * ROUND
        alarms.look(Cause.UNFIRED, late("lawyer"), at(since))
        for notice in list(alarms.owed):
            told[str(notice)] = since
            del alarms.owed[notice]
    instants = list(told.values())
    assert instants[:4] == [timedelta(), REPEATS[0], REPEATS[0] + REPEATS[1], sum(REPEATS[:3], timedelta())]
    assert len(instants) == 6


def test_the_same_thing_is_one_line_and_its_end_is_another() -> None:
    alarms = Alarms()
    assert alarms.look(Cause.UNFIRED, late("lawyer"), at(timedelta())) == ["lawyer is late"]
    assert alarms.look(Cause.UNFIRED, late("lawyer"), at(ROUND)) == []
    assert len(alarms.look(Cause.UNFIRED, [], at(2 * ROUND))) == 1
    assert alarms.look(Cause.UNFIRED, [], at(3 * ROUND)) == []


def test_a_notice_that_could_not_be_sent_is_owed_under_the_same_id_even_when_all_is_well_again() -> None:
    alarms = Alarms()
    alarms.look(Cause.UNFIRED, late("lawyer"), at(timedelta()))
    owed = dict(alarms.owed)
    assert len(owed) == 1
    for hour in range(1, 30):
        alarms.look(Cause.UNFIRED, late("lawyer"), at(timedelta(hours=hour)))
    alarms.look(Cause.UNFIRED, [], at(timedelta(hours=30)))
    assert alarms.owed == owed


def test_something_new_calls_again_but_a_hundred_things_one_by_one_do_not_call_a_hundred_times() -> None:
    alarms, notices, lines = Alarms(), 0, list[str]()
    for number in range(100):
        lines += alarms.look(Cause.UNFIRED, late(*(f"duty-{one}" for one in range(number + 1))), at(number * ROUND))
        notices += len(alarms.owed)
        alarms.owed.clear()
    assert {f"duty-{number} is late" for number in range(SHOWN)} <= set(lines)
    assert notices == 100 * ROUND // SOONEST


def test_a_workflow_that_ends_again_and_again_is_told_once() -> None:
    alarms, lines = Alarms(), list[str]()
    for number in range(50):
        lines += alarms.look(Cause.MISSING, late("case") if number % 2 == 0 else [], at(number * ROUND))
    assert lines == ["case is late"]
    calm = alarms.look(Cause.MISSING, [], at(timedelta(hours=2)))
    assert len(calm) == 1
    assert alarms.look(Cause.MISSING, late("case"), at(timedelta(hours=3))) == ["case is late"]


def test_an_engine_that_is_silent_for_one_round_is_no_dead_engine() -> None:
    alarms = Alarms()
    for number in range(10):
        assert alarms.look(Cause.ENGINE, late("engine") if number % 2 == 0 else [], at(number * ROUND)) == []
    assert not alarms.owed
    assert alarms.look(Cause.ENGINE, late("engine"), at(10 * ROUND)) == []
    assert alarms.look(Cause.ENGINE, late("engine"), at(11 * ROUND)) == ["engine is late"]


def test_a_lost_engine_with_thousands_of_streams_does_not_fill_the_log() -> None:
    lines = Alarms().look(Cause.MISSING, late(*(f"case-{number}" for number in range(8000))), at(timedelta()))
    assert len(lines) == SHOWN + 1
    assert lines[-1] == f"and {8000 - SHOWN} more like this"
