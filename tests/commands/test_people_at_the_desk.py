"""The commands about the people at the desk. They need no engine."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.errors import NotFound, NotUnderstood
from starter import app
from tests.support.keys import settings_in

NUMBER, MAIL = "+4915200000001", "dana@example.org"


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_in(tmp_path)
    monkeypatch.setenv("SAFECONDUCT_HOME", str(tmp_path))
    monkeypatch.setenv("SAFECONDUCT_STAFF", "timur")


def typed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["desk", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_somebody_is_put_at_the_desk_changed_put_on_the_rota_and_removed() -> None:
    assert "Nobody is at the desk" in typed("list")
    typed("add", "dana", "--role", "coordinator", "--language", "ru", "--channel", f"signal:{NUMBER}")
    typed("rota", "dana", "--on", "2126-12-01..2126-12-07")
    said = typed(
        "add", "dana", "--role", "second", "--channel", f"email:{MAIL}", "--channel", "signal:+49 152 00000001"
    )
    assert said == "dana is changed: second, by email, then signal.\n"
    shown = typed("list")
    assert "2126-12-01..2126-12-07" in shown
    assert NUMBER not in shown
    assert MAIL not in shown
    assert NUMBER in typed("list", "--addresses")
    (row,) = json.loads(typed("list", "--json", "--addresses"))
    assert row["channels"] == [f"email:{MAIL}", f"signal:{NUMBER}"]
    assert (row["role"], row["language"]) == ("second", "en")
    typed("rota", "dana", "--clear", "--on", "2127-01-01")
    assert [turn["first"] for turn in json.loads(typed("list", "--json"))[0]["turns"]] == ["2127-01-01"]
    assert typed("rota", "dana", "--clear") == "dana has no turn on the rota any more.\n"
    assert json.loads(typed("list", "--json"))[0]["turns"] == []
    typed("remove", "dana")
    assert json.loads(typed("list", "--json")) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "dana", "--role", "desk", "--channel", NUMBER), "channel in front"),
        (("add", "dana", "--role", "desk", "--channel", f"fax:{NUMBER}"), "no such channel"),
        (("add", "dana", "--role", "desk", "--channel", "signal:0152"), "in full"),
        (("add", "Dana D", "--role", "desk", "--channel", f"signal:{NUMBER}"), "sign-in name"),
        (("add", "dana", "--role", "desk", *(("--channel", f"signal:{NUMBER}") * 5)), "enough"),
        (("rota", "dana", "--on", "2026-12-07..2026-12-01"), "end before"),
        (("rota", "dana", "--on", "2001-01-01"), "has passed"),
        (("rota", "dana"), "whose turn it is"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_that_repeats_nothing(arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(NotUnderstood, match=why) as refused:
        typed(*arguments)
    assert NUMBER not in refused.value.sentence


@pytest.mark.parametrize("arguments", [("remove", "dana"), ("rota", "dana", "--on", "2126-12-01")])
def test_who_is_not_at_the_desk_can_not_be_changed(arguments: tuple[str, ...]) -> None:
    with pytest.raises(NotFound, match="desk list"):
        typed(*arguments)
