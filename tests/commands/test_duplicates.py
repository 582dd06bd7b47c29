"""People who came back, as it is typed: whoever takes them in sees nothing; who has the right proves who they are."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.keys import DEMO_PASSPHRASE
from tests.support.demo import Demo, running_demo
from tests.support.intakes import MINIMAL
from tests.support.searching import files_below, leaks
from tests.support.terminal import Typist, typist

NAMES = {"Wren": "Щербаковский Сергей Юрьевич", "Lori": "Кузнецовский Иван Петрович", "Rook": "Serhii SHCHERBAKOVSKYI"}
VERAS, NORAS = "ten quiet lakes", "four slow ferries"
HIT = ["Wren", "Rook"]


@dataclass(frozen=True)
class Office:
    """A running demo with three more cases; the third person is the first one again.

    Attributes:
        started: what ``start`` showed for each.
    """

    folder: Path
    here: Typist
    references: dict[str, str]
    started: dict[str, str]

    def typed(self, *arguments: str, code: int = 0) -> str:
        """A command that asks nothing."""
        ended, printed = self.here.types(*arguments)
        assert ended == code, printed
        assert "Traceback" not in printed
        return printed

    def asked(self, *arguments: str, staff: str = "timur", passphrase: str = DEMO_PASSPHRASE, code: int = 0) -> str:
        """A command that asks for a passphrase; what it shows after that."""
        with self.here.typing(*arguments, "--as", staff) as terminal:
            terminal.answers(f"Passphrase of {staff}: ", passphrase)
            printed = terminal.reads_to_the_end()
            assert self.here.code_of(terminal) == code, printed
        assert "Traceback" not in printed
        return printed.partition(f"Passphrase of {staff}: ")[2].lstrip()

    def enrols(self, name: str, passphrase: str) -> None:
        """Two persons enrol another, who may see duplicates."""
        with self.here.typing("staff", "add", name, "--may-see-duplicates", "--with", "timur") as terminal:
            for one in ("dana", "timur"):
                terminal.answers(f"Passphrase of {one}", DEMO_PASSPHRASE)
            terminal.answers(f"New passphrase of {name}", passphrase)
            terminal.answers("The same again", passphrase)
            assert f"{name} is enrolled." in terminal.reads_to_the_end()

    def hits(self) -> list[dict[str, object]]:
        found = json.loads(self.asked("duplicates", "--json"))
        assert isinstance(found, list)
        return found


def intake(nickname: str) -> str:
    return MINIMAL.replace("Wren", nickname) + f'\n[identity]\nname = "{NAMES[nickname]}"\nbirth_date = 1991-04-17\n'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("duplicates")) as demo:
        yield demo


@pytest.fixture(scope="module")
def office(demo: Demo) -> Iterator[Office]:
    folder = demo.printed.parent
    with typist(folder) as typing:
        here, started = typing.at(folder / "home"), dict[str, str]()
        for nickname in NAMES:
            (folder / f"{nickname}.toml").write_text(intake(nickname))
            code, started[nickname] = here.types("start", str(folder / f"{nickname}.toml"))
            assert code == 0, started[nickname]
        references = {nickname: shown.split()[0] for nickname, shown in started.items()}
        yield Office(folder, here, references, started)


def without_the_case(printed: str, office: Office, nickname: str) -> str:
    """What was shown, without what differs between any two cases."""
    blank = printed.replace(office.references[nickname], "REFERENCE").replace(nickname, "NICKNAME")
    return re.sub(r"\d\d:\d\d", "HH:MM", blank)


def test_whoever_takes_a_person_in_sees_the_same_whether_he_was_here_before_or_not(office: Office) -> None:
    shown = {}
    for nickname in NAMES:
        file = str(office.folder / f"{nickname}.toml")
        commands = (("start", file), ("import", file), *((word, nickname) for word in ("status", "duties", "person")))
        pages = [office.started[nickname], *(office.typed(*command) for command in commands)]
        shown[nickname] = without_the_case("".join(pages).replace(NAMES[nickname], "NAME"), office, nickname)
    assert (
        office.started["Rook"].encode()
        == office.started["Lori"].replace(office.references["Lori"], office.references["Rook"]).encode()
    )
    assert shown["Rook"].encode() == shown["Lori"].encode()
    for lists in ((), ("notices",), ("cases",), ("readings", "Rook"), ("readings", "Wren")):
        assert "duplicate" not in office.typed(*lists)
    # or there was nothing to see
    assert [hit["nicknames"] for hit in office.hits()] == [HIT[::-1]]


def test_who_has_the_right_sees_both_cases_after_a_passphrase_and_is_written_down(office: Office) -> None:
    shown = office.asked("duplicates")
    assert "May be the same person" in shown
    for nickname in HIT:
        assert f"{office.references[nickname]} {nickname}" in " ".join(shown.split())
    assert "names and birth date" in shown
    assert office.references["Lori"] not in shown
    assert not [name for name in NAMES.values() if name in shown]
    for nickname in NAMES:
        rows = json.loads(office.typed("readings", nickname, "--json"))
        assert {(row["staff"], row["what"], row["reference"]) for row in rows if row["what"] == "duplicates"} == {
            ("timur", "duplicates", "*")
        }


def test_without_the_right_there_is_one_clear_line_and_no_question(office: Office) -> None:
    for command in (("duplicates",), ("duplicates", "--json"), ("duplicates", "settle", "1", "--same")):
        assert office.typed(*command, code=1) == (
            "safeconduct: dana may not see duplicates: `safeconduct staff list` says who may (--as NAME)\n"
        )
    assert "nobody may not see duplicates" in office.typed("duplicates", "--as", "nobody", code=1)


def test_a_name_alone_is_not_enough(office: Office) -> None:
    said = office.asked("duplicates", passphrase="not the passphrase", code=1)
    assert said == "safeconduct: this is not the passphrase of timur\n"
    assert "settle it" not in office.asked("duplicates", "settle", "1", "--same", passphrase="not it at all", code=1)
    assert [hit["finding"] for hit in office.hits()] == [None]


def test_without_a_terminal_nobody_is_asked_and_nothing_is_shown(demo: Demo, office: Office) -> None:
    code, printed = demo.type(["duplicates", "--as", "timur"])
    assert (code, len(printed.splitlines())) == (1, 1)
    assert "at a terminal" in printed
    assert not [reference for reference in office.references.values() if reference in printed]


def test_a_locked_case_is_listed_without_its_name(office: Office) -> None:
    office.typed("lock", "Wren")
    try:
        assert [hit["nicknames"] for hit in office.hits()] == [["Rook", "(locked)"]]
        shown = office.asked("duplicates")
        assert f"{office.references['Wren']} (locked)" in " ".join(shown.split())
    finally:
        assert "open again" in office.asked("unlock", office.references["Wren"])


def test_nobody_gives_themselves_the_right_and_a_second_person_does(office: Office) -> None:
    assert "a second person does" in office.typed("staff", "grant", "dana", "duplicates", code=1)
    assert "vera is not enrolled" in office.typed("staff", "grant", "vera", "duplicates", code=1)
    assert "not the passphrase" in office.asked("staff", "grant", "dana", "duplicates", passphrase="wrong", code=1)
    assert "may not see" in office.typed("duplicates", code=1)
    assert office.asked("staff", "grant", "dana", "duplicates") == "dana may see duplicates.\n"
    assert "May be the same person" in office.asked("duplicates", staff="dana")
    assert office.asked("staff", "revoke", "dana", "duplicates", staff="dana") == (
        "dana may not see duplicates any more.\n"
    )
    assert "may not see" in office.typed("duplicates", code=1)
    assert re.search(r"^timur  since \S+  may see: duplicates$", office.typed("staff", "list"), re.MULTILINE)


def test_a_person_is_enrolled_with_the_right(office: Office) -> None:
    office.enrols("vera", VERAS)
    assert "May be the same person" in office.asked("duplicates", staff="vera", passphrase=VERAS)


def test_who_has_the_right_is_reminded_to_look_hits_or_none(office: Office) -> None:
    line = "You have not looked for duplicates this week: safeconduct duplicates"
    office.enrols("nora", NORAS)
    nora = office.here.at(office.folder / "home", "nora")
    assert nora.types()[1].splitlines()[-1] == line
    assert line not in nora.types("--json")[1]
    office.asked("duplicates", staff="nora", passphrase=NORAS)
    assert line not in nora.types()[1]
    assert line not in office.typed()


def test_a_settled_hit_is_gone_and_the_cases_are_as_they_were(office: Office) -> None:
    [hit] = office.hits()
    before = [office.typed("timeline", nickname) for nickname in HIT]
    number = str(hit["hit"])
    assert "--same or --other" in office.typed("duplicates", "settle", number, "--as", "timur", code=1)
    assert "no such hit" in office.asked("duplicates", "settle", "999", "--other", code=1)
    said = office.asked("duplicates", "settle", number, "--same")
    assert said == f"{office.references['Rook']} and {office.references['Wren']} are the same person.\n"
    assert "timur has settled this hit already: same" in office.asked("duplicates", "settle", number, "--other", code=1)
    assert office.asked("duplicates") == "No hit is open.\n"
    assert [office.typed("timeline", nickname) for nickname in HIT] == before


def test_no_name_lies_in_any_file_of_the_installation(office: Office) -> None:
    wanted = [part for name in NAMES.values() for part in name.split() if len(part) > 6]
    assert len(wanted) > 4
    assert leaks(wanted, files_below(office.folder / "home")) == []
