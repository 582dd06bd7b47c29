"""Files as a tired jurist writes them: whatever is wrong is said once, in words, with the right file and line."""

from datetime import date
from pathlib import Path

import pytest

from domain.errors import UnknownRule
from domain.rulebook import Fault, check, load, parse
from tests.support.servers import ROOT

TODAY = date(2026, 11, 25)

SOUND = """
code = "XX"
name = "Example"

[place]
time_zone = "UTC"

[sources.law]
url = "https://example.org/law"

[[rule]]
id = "xx.stay.limit"
phase = "transit-stay"
step = "registration"
title = "Register"
starts_on = "entry"
bound = "person"
consequence = "unknown"
pivot = "entry"
amount = 30
unit = "days"
sources = [{ from = "law", cites = "article 1" }]
verified = 2026-01-01
confidence = "high"
"""

OWN = """
code = "KZ"
by = "the desk's lawyer"

[[rule]]
id = "kz.claim.leave-after-refusal"
amount = 15
sources = [{ url = "https://example.org/opinion" }]
verified = 2026-11-20
confidence = "medium"
"""


def faults(folder: Path, text: str, name: str = "xx.toml") -> tuple[Fault, ...]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return check(file, TODAY)[1]


def only_fault(folder: Path, text: str) -> Fault:
    (found,) = faults(folder, text)
    assert "Input should" not in found.says
    assert "pydantic" not in found.says
    return found


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_patterns_of_these_tests_are_sound(tmp_path: Path) -> None:
    assert faults(tmp_path, SOUND) == faults(tmp_path, OWN) == ()


def test_every_delivered_file_is_sound_to_the_check_too() -> None:
    checked = [check(file, TODAY) for file in sorted((ROOT / "domain" / "rulebook").glob("*.toml"))]
    assert len(checked) > 15
    assert [found for _, found in checked if found] == []


# --- no traceback --------------------------------------------------------------------------------------------------

WILD = {
    "a day with an hour": ("amount = 15", "amount = 15\nvalid_from = 2026-01-01T00:00:00", "valid_from"),
    "gaps that are a number": ('code = "KZ"', 'code = "KZ"\ngaps = 5', "gaps"),
    "gaps that are one text": ('code = "KZ"', 'code = "KZ"\ngaps = "abc"', "gaps"),
    "gaps that are numbers": ('code = "KZ"', 'code = "KZ"\ngaps = [1]', "gaps"),
    "a place that is none": ('code = "KZ"', 'code = "KZ"\nplace = 5', "place"),
}


@pytest.mark.parametrize("wild", WILD)
def test_a_wild_value_in_an_own_file_is_one_fault_on_its_line(wild: str, tmp_path: Path) -> None:
    right, wrong, field = WILD[wild]
    text = OWN.replace(right, wrong)
    found = only_fault(tmp_path, text)
    assert (found.file, found.line) == ("xx.toml", line_of(text, f"{field} ="))
    assert field in found.says
    with pytest.raises(UnknownRule, match=r"^xx\.toml, line "):
        load(over=tmp_path)


@pytest.mark.parametrize("code", ['["KZ"]', "5", '{ a = "KZ" }', '"kz"'])
def test_a_code_that_is_none_is_said(code: str, tmp_path: Path) -> None:
    text = SOUND.replace('code = "XX"', f"code = {code}")
    (found,) = faults(tmp_path, text)
    assert found.line == line_of(text, "code =")
    assert found.says.startswith("code: ")
    faults(tmp_path, OWN.replace('"KZ"', code))
    with pytest.raises(UnknownRule, match=r"^xx\.toml"):
        load(over=tmp_path)


def test_what_is_nested_too_deep_or_too_long_is_one_fault(tmp_path: Path) -> None:
    for text in ("a = " + "[" * 5000 + "]" * 5000, f"a = {'9' * 5000}", SOUND.replace("30", f"0x{'f' * 5000}")):
        assert len(faults(tmp_path, text)) == 1


# --- nothing is lost in silence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "meant"), [("rules", "[[rule]]"), ("ruel", "[[rule]]"), ("riskss", "[[risk]]")])
def test_a_table_in_the_plural_is_never_lost(wrong: str, meant: str, tmp_path: Path) -> None:
    text = SOUND.replace("[[rule]]", f"[[{wrong}]]")
    told = [one for one in faults(tmp_path, text) if "would be lost" in one.says]
    assert [(one.line, meant in one.says) for one in told] == [(line_of(text, f"[[{wrong}]]"), True)]


def test_a_step_that_no_phase_asks_for_needs_the_event_that_begins_it(tmp_path: Path) -> None:
    text = SOUND.replace('"registration"', '"registraton"')
    found = only_fault(tmp_path, text)
    assert "perhaps registration is meant" in found.says
    assert found.line == line_of(text, "step =")
    assert faults(tmp_path, text.replace("starts_on", 'begins = "address-change"\nstarts_on')) == ()


@pytest.mark.parametrize("field", ["earlier_of", "later_of", "suspended_by"])
def test_an_event_that_no_phase_gives_is_a_fault(field: str, tmp_path: Path) -> None:
    text = SOUND.replace("amount = 30", f'amount = 30\n{field} = ["legal-aid-requst"]')
    found = only_fault(tmp_path, text)
    assert found.line == line_of(text, f"{field} =")


def test_a_tracks_step_that_can_never_run_on_it_is_a_fault(tmp_path: Path) -> None:
    track = """
[[track]]
id = "xx.track.normal"
track = "normal"
title = "Normal"
steps = ["xx.stay.limit"]
sources = [{ from = "law" }]
verified = 2026-01-01
confidence = "high"
"""
    text = SOUND.replace("amount = 30", 'amount = 30\nwhen = { track = ["dublin"] }') + track
    found = only_fault(tmp_path, text)
    assert "can never run on this track" in found.says
    assert found.line == line_of(text, "steps =")
    assert faults(tmp_path, text.replace('["dublin"]', '["dublin", "normal"]')) == ()


STRICT = {
    "a day that is a number": ("verified = 2026-01-01", "verified = 1767225600", "verified"),
    "a day with an hour": ("verified = 2026-01-01", "verified = 2026-01-01T00:00:00", "verified"),
    "a day to come": ("verified = 2026-01-01", "verified = 2026-12-01", "verified"),
    "true for a number": ("amount = 30", "amount = true", "amount"),
    "a number in quotation marks": ("amount = 30", 'amount = "90"', "amount"),
    "a broken number": ("amount = 30", "amount = 30.0", "amount"),
    "a flag in quotation marks": ("amount = 30", 'amount = 30\ncurable = "no"', "curable"),
    "words that contest": ("amount = 30", 'amount = 30\ncontested = ["x"]', "contested"),
    "a layer of one's own": ("amount = 30", 'amount = 30\nlayer = "x"', "layer"),
}


@pytest.mark.parametrize("strict", STRICT)
def test_a_value_of_another_kind_is_not_taken_for_what_it_may_mean(strict: str, tmp_path: Path) -> None:
    right, wrong, field = STRICT[strict]
    text = SOUND.replace(right, wrong)
    assert only_fault(tmp_path, text).line == line_of(text, f"{field} =")


# --- words, and the right place -------------------------------------------------------------------------------------

IN_WORDS = {
    "no source": ('sources = [{ from = "law", cites = "article 1" }]\n', "", "write where it stands"),
    "empty sources": ('sources = [{ from = "law", cites = "article 1" }]\n', "sources = []\n", "write where it stands"),
    "no place": ('[place]\ntime_zone = "UTC"\n', "", "the table [place] is missing"),
    "a place without a zone": ('time_zone = "UTC"\n', 'region = "Y"\n', "add time_zone"),
    "no name": ('name = "Example"\n', "", "name is missing"),
    "an id that is none": ('id = "xx.stay.limit"', 'id = "XX stay"', "such as kz.stay.visa-free"),
    "a word that is none": ("amount = 30", "amount = 30\nwhen = { track = ['Dublin III'] }", "small letters"),
    "a unit that is none": ('unit = "days"', 'unit = "day"', "perhaps days is meant"),
    "a page that is none": ('url = "https://example.org/law"', 'url = "example.org"', "begins with https://"),
    "an amount of nothing": ("amount = 30", "amount = 0", "a number from 1"),
    "a name that is empty": ('name = "Example"', 'name = ""', "it is empty"),
}


@pytest.mark.parametrize("wrong", IN_WORDS)
def test_what_the_model_refuses_is_said_in_words(wrong: str, tmp_path: Path) -> None:
    right, text, words = IN_WORDS[wrong]
    assert right in SOUND
    assert words in only_fault(tmp_path, SOUND.replace(right, text)).says


def test_a_wrong_zone_is_told_with_its_line(tmp_path: Path) -> None:
    found = only_fault(tmp_path, SOUND.replace('"UTC"', '"Asia/Almaata"'))
    assert found.line == line_of(SOUND, "time_zone")


NOT_TOML = {
    "a day that is not in the calendar": ("2026-01-01", "2026-02-30", "look at the calendar"),
    "a name that is given twice": ("amount = 30", "amount = 30\namount = 31", "given twice"),
    "a table that is given twice": ("[sources.law]", "[place]\n[sources.law]", "given twice"),
    "a quotation mark that is missing": ('unit = "days"', 'unit = "days', "quotation mark"),
}


@pytest.mark.parametrize("wrong", NOT_TOML)
def test_what_is_no_toml_is_said_as_what_it_is_and_nothing_is_invented_after_it(wrong: str, tmp_path: Path) -> None:
    right, text, words = NOT_TOML[wrong]
    assert words in only_fault(tmp_path, SOUND.replace(right, text)).says


def test_nothing_is_said_to_be_missing_that_another_fault_took_away(tmp_path: Path) -> None:
    assert "unit" in only_fault(tmp_path, SOUND.replace('"days"', '"moons"')).says


def test_a_file_with_the_mark_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "xx.toml").write_text(SOUND, encoding="utf-8-sig")
    assert load(tmp_path).must_have("XX").name == "Example"


def test_a_fault_of_an_own_file_names_that_file_and_its_line(tmp_path: Path) -> None:
    text = OWN.replace("leave-after-refusal", "leave-after-refusl")
    for found in faults(tmp_path, text, "own.toml"):
        assert found.file == "own.toml"
        assert line_of(text, "[[rule]]") <= (found.line or 0) <= len(text.splitlines())
    with pytest.raises(UnknownRule, match=r"^own\.toml, line 5: "):
        load(over=tmp_path)
    text = OWN.replace("amount = 15", 'amount = 15\nwhen = { track = ["no-such"] }\nunit = "moons"')
    assert [(one.file, one.line) for one in faults(tmp_path, text, "own.toml")] == [
        ("own.toml", line_of(text, "unit ="))
    ]


def test_an_own_item_can_take_away_what_is_no_longer_known(tmp_path: Path) -> None:
    text = OWN.replace("amount = 15", 'unset = ["amount", "unit"]')
    assert faults(tmp_path, text) == ()
    kz = load(over=tmp_path).must_have("KZ")
    (rule,) = (one for one in kz.rules if one.id == "kz.claim.leave-after-refusal")
    assert (rule.amount, rule.unit) == (None, None)
    assert "no period is known" in rule.doubt
    assert rule.corrects is not None
    assert rule.corrects.startswith("30 days")


@pytest.mark.parametrize("names", ['["amuont"]', '"amount"', "[5]", '[["amount"]]', '["verified"]', '["id"]'])
def test_what_cannot_be_taken_away_is_a_fault(names: str, tmp_path: Path) -> None:
    text = OWN.replace("amount = 15", f"unset = {names}")
    (found,) = faults(tmp_path, text)
    assert (found.line, "unset" in found.says) == (line_of(text, "unset ="), True)


def test_there_is_nothing_to_take_away_from_an_item_that_is_not_installed(tmp_path: Path) -> None:
    text = SOUND.replace("amount = 30", 'amount = 30\nunset = ["title"]')
    assert only_fault(tmp_path, text).line == line_of(text, "unset =")


def test_a_country_of_ones_own_says_who_stands_behind_it(tmp_path: Path) -> None:
    file = tmp_path / "xx.toml"
    file.write_text(SOUND)
    assert check(file, TODAY, None)[1] == ()
    assert [one.says for one in check(file, TODAY, tmp_path)[1]] == [
        'say who changes the rules: add by = "…" at the top'
    ]
    file.write_text(f'by = "the desk"\n{SOUND}')
    country, found = check(file, TODAY, tmp_path)
    assert found == ()
    assert country is not None
    assert country.rules[0].layer == "xx.toml, by the desk"


def test_what_was_pasted_by_mistake_is_never_repeated(tmp_path: Path) -> None:
    for right in ("XX", "Example", "UTC", "registration", "days", "xx.stay.limit", "law", "high"):
        told = faults(tmp_path, SOUND.replace(f'"{right}"', '"SECRET NAME"', 1))
        assert all("SECRET" not in str(one) for one in told)
    with pytest.raises(UnknownRule):
        parse(SOUND.replace("[[rule]]", "[[SECRET]]"), "xx.toml")


WILD_VALUES = (
    "5",
    '""',
    "[]",
    '["a"]',
    "{ a = 1 }",
    "[{ a = 5 }]",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "99999999999999999999999999",
)


@pytest.mark.parametrize("value", WILD_VALUES)
@pytest.mark.parametrize("text", [SOUND, OWN], ids=["sound", "own"])
def test_no_value_in_any_field_ends_in_a_traceback(text: str, value: str, tmp_path: Path) -> None:
    more = f"valid_from = 2026-01-01\nvalid_to = 2026-12-31\nwhen = {{}}\ncontested = []\nversion = []\n{text.strip()}"
    head, _, item = text.partition("[[rule]]")
    fields = [line.split(" = ")[0] for line in more.splitlines() if " = " in line]
    for field in dict.fromkeys(fields):
        of_head = any(line.startswith(f"{field} =") for line in head.splitlines())
        wild = f"{field} = {value}\n{head}[[rule]]{item}" if of_head else f"{head}[[rule]]\n{field} = {value}\n{item}"
        kept = [line for line in wild.splitlines() if not line.startswith(f"{field} = ") or line.endswith(value)]
        for one in faults(tmp_path, "\n".join(kept)):
            assert "Input should" not in one.says, one
            assert one.file == "xx.toml", one
