"""`stay`, typed where nothing is installed: dates in, reckoning out."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import starter
from domain.errors import SafeconductError
from tests.support.many_commands import ended

OWN = """
code = "KZ"
by = "the desk's lawyer"

[[stay_limit]]
id = "kz.stay-limit.visa-free"
title = "Without a visa"
entry_day_counts = "yes"
exit_day_counts = "unknown"
sources = [{ url = "https://example.org/counsel", cites = "opinion of 2026-11-20 (made up for this test)" }]
verified = 2026-11-20
confidence = "medium"

[[stay_limit.version]]
valid_to = 2023-01-26
constraints = [{ kind = "per-entry", amount = 90, reset = "yes" }]

[[stay_limit.version]]
valid_from = 2023-01-27
confidence = "low"
constraints = [{ kind = "rolling", amount = 90, window = 180 }, { kind = "absence", amount = 90, disputed = true }]
"""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is printed, where nothing is installed."""
    monkeypatch.setenv("SAFECONDUCT_HOME", "/nowhere")

    def shown(*arguments: str) -> str:
        starter.app(["stay", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    return shown


SCHENGEN = ("--rolling", "90/180", "--entry-day", "--exit-day")


def test_a_present_stay_is_shown_with_all_that_was_asked(shown: Callable[..., str]) -> None:
    printed = shown(*SCHENGEN, "--on", "2014-11-30", "2014-08-15..2014-09-30", "2014-11-01..")
    for words in (
        "present stay, since 2014-11-01",
        "Last lawful day: 2014-12-13",
        "Days left after 2014-11-30: 13",
        "Overstay: none",
        "Earliest new entry, having left on 2014-12-13: 2015-02-11, for",
        "First day of a full new stay: 2015-03-14, for 90 days",
        "window from 2014-06-04 to 2014-11-30: 77 of 90 days used",
        "2014-08-15 to 2014-09-30: 47 days of it in the window",
        "not legal advice",
    ):
        assert words in printed


def test_without_a_stay_it_says_what_an_entry_would_give(shown: Callable[..., str]) -> None:
    assert "An entry on that day would give: 90 days" in shown(*SCHENGEN, "--on", "2024-01-01")


def test_several_limits_hold_at_once_and_the_one_that_binds_is_named(shown: Callable[..., str]) -> None:
    printed = shown(
        "--rolling", "90/180", "--per-entry", "30", "--on", "2024-05-10", "2024-01-10..2024-02-08", "2024-05-01.."
    )
    bound = [line for line in printed.splitlines() if "30 days for each entry" in line and "yes" in line]
    assert len(bound) == 1
    assert "Last lawful day: 2024-05-30" in printed
    assert "whether the day of entry counts" in printed


def test_a_year_that_nobody_can_read_is_counted_both_ways(shown: Callable[..., str]) -> None:
    found = json.loads(shown("--year", "180", "--on", "2024-02-01", "--json", "2023-09-01..2023-12-31", "2024-01-10.."))
    assert [one["last_day"] for one in found["answers"]] == ["2024-07-07", "2024-03-07"]
    assert found["last_day"] == "2024-03-07"
    assert found["overstay"] is None
    assert any("both readings" in one for one in found["doubt"])


def test_a_country_s_own_versions_are_taken_by_the_day_of_entry_with_their_sources(
    shown: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kz.toml").write_text(OWN)
    monkeypatch.setenv("SAFECONDUCT_RULES", str(tmp_path))
    history = ("2022-11-01..2023-01-20", "2023-02-10..")
    printed = shown("--country", "kz", "--on", "2023-02-20", *history)
    for words in (
        "in Kazakhstan: present stay, since 2023-02-10",
        "https://example.org/counsel",
        "to 2023-01-26",
        "from 2023-01-27",
        "the source of this rule is weak",
        "before 2023-01-27",
        "was too early, if this holds",
    ):
        assert words in printed, printed
    found = json.loads(shown("--country", "KZ", "--on", "2023-01-10", "--json", *history[:1]))
    assert found["last_day"] == "2023-01-29"
    assert [one["valid_to"] for one in found["rules"]] == ["2023-01-26"]


def test_uncertain_dates_are_written_with_a_stroke_a_month_or_a_wave(shown: Callable[..., str]) -> None:
    printed = shown(*SCHENGEN, "--on", "2024-04-01", "2024-01-05/2024-01-10..2024-02", "~2024-03-20..")
    for occurred in ("2024-01-05..2024-01-10", "2024-02-01..2024-02-29", "~2024-03-20"):
        assert f"on {occurred} is not certain" in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("2024-01-01..",), "give either `--country CODE`"),
        (("--country", "KZ", "--year", "180"), "give either `--country CODE`"),
        (("--country", "ZZ"), "there is no rulebook for this country"),
        (("--country", "KZ", "--exit-day"), "the rulebook says whether"),
        (("--country", "KZ", "--where", "nationality"), "write a fact as name=value"),
        (("--rolling", "90", "2024-01-01.."), "write a rolling limit as 90/180"),
        (("--rolling", "180/90"), "never binds"),
        (("--rolling", "0/90"), "from 1 to 9999"),
        (("--calendar-year", "366"), "never binds"),
        (("--per-entry", "3w"), "write a limit for each entry"),
        (("--per-entry", "30", "--reset", "perhaps"), "`--reset` is yes, no or unknown"),
        ((*SCHENGEN, "2024-01-01"), "write a stay as"),
        ((*SCHENGEN, "2024-01-01..2024-02-01..2024-03-01"), "write a stay as"),
        ((*SCHENGEN, "2024-01-01..31 Jan"), "this is not a date"),
        ((*SCHENGEN, "2024-02-01..2024-01-01"), "the exit lies before the entry"),
        ((*SCHENGEN, "2024-01-01..2024-02-01", "2024-01-05..2024-03-01"), "two stays lie over each other"),
        ((*SCHENGEN, "2024-01-01..", "2024-02-05..2024-03-01"), "has no exit"),
        ((*SCHENGEN, "--on", "soon"), "this is not a date"),
        ((*SCHENGEN, "--on", "2201-01-01"), "from 1900 to 2200"),
        ((*SCHENGEN, "9999-12-30.."), "from 1900 to 2200"),
        ((*SCHENGEN, "1899-12-30..1900-01-02"), "from 1900 to 2200"),
        (("--country", "GE", "--where", "nationalty=ru"), "does not ask for this fact"),
    ],
)
def test_every_mistake_is_one_clear_line(shown: Callable[..., str], arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(SafeconductError, match=re.escape(says)) as error:
        shown(*arguments)
    assert "\n" not in str(error.value)


def test_it_runs_alone_and_a_mistake_ends_with_code_1() -> None:
    for stay, code in (("2024-01-01..", 0), ("2024-01-01", 1)):
        done = ended(["stay", stay, "--year", "180"], {"SAFECONDUCT_HOME": "/nowhere"})
        assert done.code == code
        assert len(done.errors.splitlines()) == code
        assert done.errors.startswith("safeconduct: ") or not code
