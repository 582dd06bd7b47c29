"""`rules`, typed: what it shows without any installation, and a change of the law under live cases."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.demo import Demo, running_demo, wait_until
from tests.support.many_commands import at
from tests.support.servers import ROOT

OWN = """
code = "KZ"
by = "the desk's lawyer"

[[rule]]
id = "kz.claim.leave-after-refusal"
amount = 15
sources = [{ url = "https://example.org/counsel", cites = "opinion of 2026-11-20 (made up for this test)" }]
verified = 2026-11-20
confidence = "medium"

[[rule]]
id = "kz.stay.asylum-seeker-certificate"
amount = 2
sources = [{ url = "https://example.org/counsel", cites = "opinion of 2026-11-20 (made up for this test)" }]
verified = 2026-11-20
confidence = "medium"
"""


def typed_alone(*arguments: str, **environment: str) -> tuple[int, str]:
    """A command where nothing is installed."""
    return at(Path("/nowhere"), **environment).type(arguments)


def test_a_country_is_shown_without_an_installation_with_sources_doubts_and_gaps() -> None:
    code, shown = typed_alone("rules", "kz", "--on", "2026-11-25")
    assert code == 0
    assert "Kazakhstan (KZ) as the law stood on 2026-11-25" in shown
    for words in ("kz.stay-limit.visa-free", "announced", "What nobody has found out", "https://", "not legal advice"):
        assert words in shown
    code, shown = typed_alone("rules", "KZ", "--on", "2022-10-01", "--json")
    found = {one["id"]: one for one in json.loads(shown)["stay_limits"]}
    assert code == 0
    assert found["kz.stay-limit.visa-free"]["valid_to"] == "2023-01-26"


def test_all_rulebooks_are_listed_with_how_much_of_them_is_doubtful() -> None:
    code, shown = typed_alone("rules")
    assert code == 0
    assert {"KZ", "FR"} <= {line.split()[0] for line in shown.splitlines() if line.strip()}


def test_a_country_without_a_rulebook_is_one_clear_line() -> None:
    code, said = typed_alone("rules", "xx")
    assert code == 1
    assert said.startswith("safeconduct: there is no rulebook for this country: ")
    assert said.count("\n") == 1


def test_every_fault_of_a_file_is_told_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    sound = (ROOT / "domain" / "rulebook" / "kz.toml").read_text()
    file = tmp_path / "kz.toml"
    file.write_text(sound)
    assert typed_alone("rules", "--check", str(file))[0] == 0
    file.write_text(sound.replace('unit = "working-days"', 'unit = "workdays"').replace("bound =", "bounds =", 1))
    code, shown = typed_alone("rules", "--check", str(file))
    *told, said = shown.splitlines()
    lines = file.read_text().splitlines()
    numbers = [int(line.split("line ")[1].split(":")[0]) for line in told]
    assert code == 1
    assert {"workdays" in lines[number - 1] or "bounds" in lines[number - 1] for number in numbers} >= {True}
    assert "perhaps bound is meant" in shown
    assert "mend the lines above" in said
    assert typed_alone("rules", "--check", str(tmp_path / "none.toml"))[0] == 1


def test_several_files_and_a_folder_are_checked_each_with_its_own_faults(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text((ROOT / "domain" / "rulebook" / "kz.toml").read_text())
    bad.write_text(good.read_text().replace("bound =", "bounds =", 1))
    for asked in ([str(good), str(bad)], [str(tmp_path)]):
        code, shown = typed_alone("rules", "--check", *asked)
        assert code == 1
        assert "good.toml: Kazakhstan" in shown
        assert 'good.toml: in a folder of your own it needs by = "…"' in shown
        assert "bad.toml, line" in shown
    code, shown = typed_alone("rules", "--check", str(ROOT / "domain" / "rulebook" / "kz.toml"))
    assert (code, "needs by" in shown) == (0, False)
    for wrong in (["--check"], ["KZ", "FR"], ["--check", str(tmp_path / "none")]):
        code, said = typed_alone("rules", *wrong)
        assert code == 1
        assert said.count("\n") == 1


def test_an_own_file_corrects_and_says_who_did_it(tmp_path: Path) -> None:
    (tmp_path / "kz.toml").write_text(OWN)
    code, shown = typed_alone("rules", "KZ", "--json", SAFECONDUCT_RULES=str(tmp_path))
    one = next(one for one in json.loads(shown)["rules"] if one["id"] == "kz.claim.leave-after-refusal")
    assert code == 0
    assert (one["amount"], one["layer"]) == (15, "kz.toml, by the desk's lawyer")
    assert one["corrects"].startswith("30 days")
    assert typed_alone("rules", "--check", str(tmp_path / "kz.toml"))[0] == 0
    (tmp_path / "kz.toml").write_text(OWN.replace("by = ", "# by = "))
    code, said = typed_alone("rules", "KZ", SAFECONDUCT_RULES=str(tmp_path))
    assert code == 1
    assert "say who changes the rules" in said


@dataclass
class Desk:
    demo: Demo
    own: Path

    def types(self, *arguments: str) -> str:
        code, printed = self.demo.type(list(arguments))
        assert code == 0, printed
        return printed

    def due(self, case: str, duty: str) -> str | None:
        found = json.loads(self.types("duties", case, "--json"))
        return next((str(one["due"]) for one in found if one["duty"] == duty), None)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("rules")
    own = folder / "own"
    own.mkdir()
    with running_demo(folder, environment={"SAFECONDUCT_RULES": str(own)}) as demo:
        yield Desk(demo, own)


def test_a_change_moves_nothing_before_it_is_applied_and_is_recorded_in_each_case_it_moves(desk: Desk) -> None:
    assert "nothing would move" in desk.types("rules", "--diff")
    desk.types("start", "examples/intake.toml")
    granted = ("status-granted", "--status", "asylum-seeker-certificate", "--on", "2026-11-05")
    desk.types("record", "Wren", *granted)
    before = desk.due("Wren", "certificate-renewal")
    assert before is not None
    assert before.startswith("2027-02-05")

    (desk.own / "kz.toml").write_text(OWN)
    told = desk.types("rules", "--diff")
    assert "certificate-renewal" in told
    assert "amount 3 -> 2" in told
    assert "the desk's lawyer" in told
    rows = json.loads(desk.types("rules", "--diff", "--json"))
    moved = {one["stream"].rsplit("/", 1)[0].rsplit("/", 1)[-1] for one in rows["phases"] if one["moved"]}
    assert moved == {"transit-stay"}
    assert desk.due("Wren", "certificate-renewal") == before
    assert "the files say something else than edition 1" in desk.types("doctor")
    desk.types("record", "Wren", "checked-in")
    assert desk.due("Wren", "certificate-renewal") == before

    assert "Edition 2 of the law is applied" in desk.types("rules", "--apply")
    wait_until(lambda: desk.due("Wren", "certificate-renewal") != before, 30, "the stay took the law over")
    after = desk.due("Wren", "certificate-renewal")
    assert after is not None
    assert after.startswith("2027-01-05")
    events = json.loads(desk.types("timeline", "Wren", "--json"))
    (changed,) = [one["fact"] for one in events if one["fact"]["kind"] == "law-changed"]
    assert changed["applied_by"] == "dana"
    dates = {one["duty"]: (one["before"][:10], one["after"][:10]) for one in changed["moved"]}
    assert dates["certificate-renewal"] == ("2027-02-05", "2027-01-05")
    assert "law-changed" in desk.types("timeline", "Wren")
    why = desk.types("explain", "Wren", "certificate-renewal")
    for words in (
        "kz.stay.asylum-seeker-certificate (Kazakhstan), edition 2",
        "corrected by kz.toml, by the desk's lawyer; installed: 3 months",
        "starts on Thursday 2026-11-05",
        "2 months",
        "2027-02-05 19:00 -> 2027-01-05 19:00",
        "https://example.org/counsel",
    ):
        assert words in why
    code, said = desk.demo.type(["explain", "Wren", "no-such-duty"])
    assert (code, "safeconduct duties CASE" in said) == (1, True)
    assert json.loads(desk.types("explain", "Wren", "review", "--phase", "safety", "--json"))["rule"] is None

    assert "nothing would move" in desk.types("rules", "--diff")
    desk.types("rules", "--apply")
    desk.types("rebuild")
    assert desk.due("Wren", "certificate-renewal") == after
    again = json.loads(desk.types("timeline", "Wren", "--json"))
    assert [one["event_id"] for one in again] == [one["event_id"] for one in events]
    assert "Engine and log agree" in desk.types("audit")
