"""The pages of a running installation: a link made at the terminal, answered from a phone, taken in hand on another."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.check_ins import ANSWER
from runtime.doctor import about_pages
from runtime.findings import Verdict
from runtime.settings import Running, Settings
from tests.support.demo import Demo, running_demo, wait_until
from tests.support.pages import PASSPHRASE, on_the_wire
from tests.support.terminal import Typist, typist

WELL, DURESS = "Зелёный чай", "Чёрный чай"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("pages")) as demo:
        address = str(Settings(home=Path(demo.environment["SAFECONDUCT_HOME"])).running().pages)
        wait_until(lambda: responds(f"{address}/login"), 30, "the pages are up")
        yield demo


@pytest.fixture(scope="module")
def typing(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    with typist(tmp_path_factory.mktemp("typist")) as somebody:
        yield somebody.at(Path(demo.environment["SAFECONDUCT_HOME"]))


def responds(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def link(typing: Typist, case: str) -> tuple[str, str]:
    """The address of the pages, and the path of a fresh link."""
    code, printed = typing.types("check-in", "link", case)
    assert code == 0, printed
    address, _, token = printed.splitlines()[0].partition("/c/")
    return address, f"/c/{token}"


def answers(typing: Typist, case: str) -> list[tuple[str, str]]:
    """Who said what, of all check-ins by link in the log."""
    events = json.loads(typing.types("timeline", case, "--json")[1])
    return [
        (event["actor"], event["fact"]["answer"])
        for event in events
        if event["fact"]["kind"] == "checked-in" and event["fact"]["channel"] == "link"
    ]


def duty(typing: Typist, name: str) -> list[dict[str, object]]:
    """What needs a human now, of one kind."""
    return [one for one in json.loads(typing.types("--json")[1]) if one["duty"] == name]


def test_a_duress_answer_looks_like_any_other_and_calls_its_ladder_which_a_colleague_takes_in_hand(
    typing: Typist,
) -> None:
    with typing.typing("check-in", "words", "Sparrow") as terminal:
        for question, word in (('well"', WELL), ("(again)", WELL), ('forced"', DURESS), ("(again)", DURESS)):
            terminal.answers(f"{question}: ", word)
        assert WELL not in terminal.reads_to_the_end()
        assert typing.code_of(terminal) == 0
    address, path = link(typing, "Sparrow")
    wire = [on_the_wire(address, path, f"word={word}".encode()) for word in (WELL, WELL, DURESS)]
    assert len(set(wire)) == 1
    assert wire[0].startswith(b"HTTP/1.1 200 ")
    assert answers(typing, "Sparrow") == [("check-in-link", "well"), ("check-in-link", "duress")]
    wait_until(lambda: bool(duty(typing, ANSWER)), 20, "the ladder has begun")

    assert typing.types("desk", "add", "eli", "--role", "second", "--channel", "email:eli@example.org")[0] == 0
    with typing.typing("desk", "passphrase", "eli") as terminal:
        terminal.answers("words): ", PASSPHRASE)
        terminal.answers("again: ", PASSPHRASE)
        assert "eli can sign in on a phone." in terminal.reads_to_the_end()
    with httpx.Client(base_url=address, headers={"origin": address}, trust_env=False, timeout=30) as phone:
        assert phone.post("/login", data={"person": "eli", "passphrase": PASSPHRASE}).status_code == 303
        assert "A check-in needs a human at once" in phone.get("/").text
        [stands] = duty(typing, ANSWER)
        assert phone.post("/take", data={"stream": str(stands["stream"]), "duty": ANSWER}).status_code == 303
        assert "A check-in needs a human at once" not in phone.get("/").text
    assert duty(typing, ANSWER) == []


def test_what_opens_the_installation_is_no_passphrase_for_a_phone(typing: Typist) -> None:
    assert typing.types("desk", "add", "noa", "--role", "desk", "--channel", "email:noa@example.org")[0] == 0
    with typing.typing("desk", "passphrase", "noa") as terminal:
        terminal.answers("words): ", "made-up cases only")
        terminal.answers("again: ", "made-up cases only")
        assert "opens the installation" in terminal.reads_to_the_end()
        assert typing.code_of(terminal) == 1


def test_a_path_that_is_closed_takes_no_new_link_and_thanks_nobody_for_an_old_one_but_keeps_the_answer(
    typing: Typist,
) -> None:
    address, path = link(typing, "Swift")
    assert typing.types("record", "Swift", "path-closed", "--reason", "withdrew")[0] == 0
    code, printed = typing.types("check-in", "link", "Swift")
    assert (code, "path is closed" in printed) == (1, True)
    assert on_the_wire(address, path, b"word=").startswith(b"HTTP/1.1 404 ")
    assert answers(typing, "Swift") == [("check-in-link", "well")]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("check-in", "link", "Nobody"), "no case"),
        (("check-in", "link", "Lark", "--hours", "0"), "--hours"),
        (("check-in", "words", "Nobody"), "no case"),
        (("desk", "passphrase", "nobody"), "nobody of this name"),
    ],
)
def test_mistakes_are_one_line(demo: Demo, command: tuple[str, ...], why: str) -> None:
    code, printed = demo.type(command)
    assert (code, len(printed.splitlines())) == (1, 1), printed
    assert why in printed


@pytest.mark.parametrize("with_whoever_forks_them", [False, True])
def test_pages_that_are_killed_come_back_and_their_links_hold(
    demo: Demo, typing: Typist, with_whoever_forks_them: bool
) -> None:
    address, path = link(typing, "Heron")
    pages = int((Path(demo.environment["SAFECONDUCT_HOME"]) / "pages.pid").read_text())
    parent = Path(f"/proc/{pages}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent) if with_whoever_forks_them else pages, signal.SIGKILL)
    wait_until(lambda: not responds(address + path), 30, "the pages are gone")
    wait_until(lambda: responds(address + path), 30, "the pages are back")
    assert on_the_wire(address, path, b"word=").startswith(b"HTTP/1.1 200 ")
    assert set(answers(typing, "Heron")) == {("check-in-link", "well")}
    assert "pages ended" in demo.printed.read_text()
    log = (Path(demo.environment["SAFECONDUCT_HOME"]) / "pages.log").read_text()
    assert path.removeprefix("/c/") not in log


async def test_the_doctor_says_when_the_pages_are_dead_or_out_of_reach(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = Settings(home=Path(demo.environment["SAFECONDUCT_HOME"]))
    assert [one.verdict for one in await about_pages(alive)] == [Verdict.WARN]
    dead = Settings(home=tmp_path)
    assert await about_pages(dead) == []
    dead.announce(Running(address="127.0.0.1:1", pages="http://127.0.0.1:1", pid=os.getpid()))
    assert [one.verdict for one in await about_pages(dead)] == [Verdict.FAIL]
    monkeypatch.setenv("SAFECONDUCT_PAGES_URL", "https://check.example.org")
    assert [one.verdict for one in await about_pages(Settings(home=alive.home))] == [Verdict.OK]
