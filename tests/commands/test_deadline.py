"""`deadline`, typed where nothing is installed: dates, standstills, doubts, and one clear line for every mistake."""

import json
from collections.abc import Callable

import pytest

from tests.support import many_commands

Typed = Callable[..., tuple[int, str]]

MONTH = ("1", "month", "--from", "2024-01-31", "--convention", "fr-free")


@pytest.fixture(scope="module")
def typed() -> Typed:
    """Types `deadline` where nothing is installed; answers with the exit code and all that was printed."""
    return lambda *arguments: many_commands.typed(["deadline", *arguments], {"SAFECONDUCT_HOME": "/nowhere"})


def test_a_french_month_with_its_reckoning_sources_and_a_last_word(typed: Typed) -> None:
    code, shown = typed(*MONTH)
    lines = shown.splitlines()
    assert code == 0
    assert lines[0] == "Last day: Friday 2024-03-01"
    assert "  ends with that day in Europe/Paris: 2024-03-01 23:00 UTC" in lines
    assert "code de procédure civile, article 642" in shown
    assert "not legal advice" in lines[-1]


def test_hours_over_the_night_in_which_clocks_change(typed: Typed) -> None:
    code, shown = typed("48 hours", "--from", "2024-03-30T22:00+01:00", "--zone", "Europe/Paris")
    assert (code, shown.splitlines()[0]) == (0, "Until 2024-04-01 21:00 UTC")


def test_a_day_that_is_not_certain_is_written_with_a_stroke_too(typed: Typed) -> None:
    code, shown = typed(*MONTH, "--suspended", "2024-02-10/2024-02-12..2024-02-20", "--json")
    assert code == 0
    assert any("only known roughly" in one for one in json.loads(shown)["doubt"])


def test_suspensions_restarts_extensions_and_bands_are_counted(typed: Typed) -> None:
    _, shown = typed(*MONTH, "--suspended", "2024-02-10..2024-02-20", "--suspended", "2024-02-15..2024-03-01", "--json")
    found = json.loads(shown)
    assert (found["last_day"], found["latest"]) == ("2024-03-21", "2024-03-22T23:00:00Z")
    assert not found["stands"]
    _, shown = typed(*MONTH, "--restarted", "2024-02-20", "--extended", "2 weeks", "--json")
    assert json.loads(shown)["last_day"] == "2024-03-21"
    _, shown = typed("2 weeks", "--at-most", "1 month", "--from", "2026-07-01", "--country", "FR", "--json")
    found = json.loads(shown)
    assert (found["last_day"], found["latest"]) == ("2026-07-15", "2026-08-01T22:00:00Z")


def test_a_clock_that_stands_has_no_date_and_that_is_no_mistake(typed: Typed) -> None:
    code, shown = typed(*MONTH, "--suspended", "2024-02-10..")
    assert (code, shown.splitlines()[0]) == (0, "No date: it stands since 2024-02-10, with 20 days left")
    code, shown = typed(*MONTH, "--suspended", "2024-02-10..", "--json")
    found = json.loads(shown)
    assert (code, found["stands"], found["due"], found["left"]["amount"]) == (0, True, None, 20)
    code, shown = typed(*MONTH, "--revived", "2024-05-02", "--revived", "2024-09-02")
    assert (code, shown.splitlines()[0]) == (0, "No date: revived too often")


def test_a_region_flags_and_a_country_without_a_convention(typed: Typed) -> None:
    asked = ("5 days", "--from", "2024-03-24", "--roll-over", "--country")
    assert typed(*asked, "FR")[1].startswith("Last day: Friday 2024-03-29\n")
    assert typed(*asked, "fr", "--region", "Moselle")[1].startswith("Last day: Tuesday 2024-04-02\n")
    assert typed("90 days", "--from", "2024-01-01", "--first-day-counts", "--country", "KZ")[1].startswith(
        "Last day: Saturday 2024-03-30\n"
    )
    assert typed(*MONTH, "--no-roll-over", "--no-free-days")[1].startswith("Last day: Thursday 2024-02-29\n")


def test_without_a_place_the_doubt_is_said(typed: Typed) -> None:
    _, shown = typed("3 working days", "--from", "2024-06-01")
    assert "Doubt: no place is named: days end at midnight UTC here; say --country or --zone" in shown


def test_service_by_fiction_plans_the_earliest_day_until_it_is_known_when(typed: Typed) -> None:
    asked = ("2 weeks", "--from", "2024-07-05", "--convention", "de-civil", "--served", "de-reception-centre")
    code, shown = typed(*asked)
    assert (code, shown.splitlines()[0]) == (0, "Last day: Friday 2024-07-19")
    assert "say --opened DATE or --never-opened" in shown
    assert typed(*asked, "--never-opened")[1].startswith("Last day: Monday 2024-07-22\n")
    assert typed(*asked, "--opened", "2024-07-06")[1].startswith("Last day: Monday 2024-07-22\n")


def test_the_earlier_and_the_later_of_two_events(typed: Typed) -> None:
    asked = ("10 days", "--from", "2024-07-05", "--country", "FR")
    assert typed(*asked, "--later-of", "2024-07-09")[1].startswith("Last day: Friday 2024-07-19\n")
    assert typed(*asked, "--earlier-of", "2024-07-01")[1].startswith("Last day: Thursday 2024-07-11\n")


def test_all_conventions_are_listed_with_sources_and_what_is_not_known(typed: Typed) -> None:
    code, shown = typed("--conventions")
    assert code == 0
    for words in ("eu-1182-71", "fr-free", "de-civil", "dublin-iii", "fr-portal", "https://", "not read", "unverified"):
        assert words in shown
    found = json.loads(typed("--conventions", "--json")[1])
    assert {one["name"] for one in found["served"]} >= {"fr-portal", "de-reception-centre", "de-last-address"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("2 fortnights", "--from", "2024-01-01"), "this is not a period"),
        (("--from", "2024-01-01"), "this is not a period"),
        (("0 days", "--from", "2024-01-01"), "from 1 to 999"),
        (("1 month",), "--from 2024-05-31"),
        (("1 month", "--from", "2024-13-01"), "this is not a date"),
        (("1 month", "--from", "9999-12-31"), "from 1900 to 2200"),
        (("1 month", "--from", "1899-12-31"), "from 1900 to 2200"),
        (("1 month", "--from", "2024-01-01", "--extended", "0 days"), "from 1 to 999"),
        (("1 month", "--from", "2024-01-01", "--convention", "french"), "fr-free"),
        (("1 month", "--from", "2024-01-01", "--country", "France"), "code of two letters"),
        (("1 month", "--from", "2024-01-01", "--country", "US"), "--zone"),
        (("1 month", "--from", "2024-01-01", "--region", "Moselle"), "--country"),
        (("1 month", "--from", "2024-01-01", "--country", "FR", "--region", "Mars"), "Moselle"),
        (("1 month", "--from", "2024-01-01", "--zone", "Mars"), "no such time zone"),
        (("1 month", "--from", "2024-01-01", "--free-days", "--first-day-counts"), "free days"),
        (("5 hours", "--from", "2024-01-01", "--roll-over"), "hours run to the minute"),
        (("5 hours", "--from", "2024-01-01", "--extended", "2 days"), "longer or shorter by hours"),
        (("5 days", "--from", "2024-01-01", "--at-most", "3 days"), "ends before it begins"),
        (("5 days", "--from", "2024-01-01", "--suspended", "2024-02-01"), "write a suspension as"),
        (("5 days", "--from", "2024-01-01", "--suspended", "2024-02-01..2024-01-01"), "ends before it begins"),
        (("5 days", "--from", "2024-02-01", "--restarted", "2024-01-01"), "lies before the start"),
        (("5 days", "--from", "2024-02-01", "--served", "pigeon"), "fr-portal"),
        (("5 days", "--from", "2024-02-01", "--never-opened"), "--served"),
        (("5 days", "--from", "2024-02-01", "--earlier-of", "2024-02-02", "--later-of", "2024-02-03"), "leave one out"),
    ],
)
def test_every_mistake_is_one_clear_line(typed: Typed, arguments: tuple[str, ...], says: str) -> None:
    code, said = typed(*arguments)
    assert code == 1
    assert said.startswith("safeconduct: ")
    assert len(said.splitlines()) == 1
    assert says in said
