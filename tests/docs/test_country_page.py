"""The page on adding a country names every word that a file may hold: a jurist has nothing else to go by."""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path

import pytest

from domain.deadlines import Unit
from domain.duties import Bound, Consequence
from domain.rulebook import check, load
from domain.rulebook.dated import Confidence, Status
from domain.rulebook.known import Actor, Mechanism, Result
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


@pytest.mark.parametrize("words", [Consequence, Bound, Confidence, Status, Actor, Mechanism, Result])
def test_every_word_of_a_closed_list_stands_on_the_page(words: type[StrEnum]) -> None:
    assert missing(words) == []


def test_every_unit_stands_on_the_page() -> None:
    assert [unit for unit in Unit if unit not in PAGE] == []


def test_the_form_on_the_page_is_sound(tmp_path: Path) -> None:
    form = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "xx.toml"
    file.write_text(f"{form[0]}\n{form[1]}".replace("XX", "ZW").replace("xx.", "zw."), encoding="utf-8")
    assert check(file, date(2026, 11, 25))[1] == ()
    file.write_text(form[2], encoding="utf-8")
    assert check(file, date(2026, 11, 25), tmp_path)[1] == ()
