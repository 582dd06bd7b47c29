"""The page on adding a country names every word that a file may hold: a jurist has nothing else to go by."""

import re
from collections.abc import Iterable

from domain.rulebook import load
from domain.rulebook.steps import LOOKED_UP, ONLY_SHOWN, STARTS, SUSPENDS
from tests.support.servers import ROOT

PAGE = (ROOT / "docs" / "adding-a-country.md").read_text(encoding="utf-8")


def missing(words: Iterable[str]) -> list[str]:
    return [word for word in words if f"`{word}`" not in PAGE]


def test_the_table_of_steps_is_what_the_phases_ask_for() -> None:
    told: dict[str, set[str]] = {}
    for phase, steps in re.findall(r"^\| ([a-z-]+) \| ([^|]+) \|", PAGE, re.MULTILINE):
        told.setdefault(phase, set()).update(re.findall(r"`([a-z-]+)`", steps))
    assert {phase: told[phase] - {"outcome", "no"} for phase in LOOKED_UP} == LOOKED_UP


def test_a_step_that_is_only_shown_stands_in_a_delivered_file() -> None:
    used = {(rule.phase, rule.step) for one in load().countries for rule in one.rules}
    assert {(phase, step) for phase, steps in ONLY_SHOWN.items() for step in steps} <= used
    assert all(not steps & LOOKED_UP[phase] for phase, steps in ONLY_SHOWN.items())


def test_the_events_that_phases_give_stand_on_the_page() -> None:
    assert missing(STARTS | SUSPENDS) == []
