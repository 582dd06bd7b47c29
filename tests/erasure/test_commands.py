"""``safeconduct erase``, typed into a running installation whose worker is killed on the way, to the certificate."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from records.sealing import fresh_key
from runtime.keys import MASTER_KEY, begin
from runtime.settings import Settings
from tests.support.demo import wait_until
from tests.support.erasures import INTAKE, NICKNAME, NOTE, PLANTED, RELATIVE
from tests.support.searching import Trace, files_below, leaks
from tests.support.terminal import CTRL_C, Terminal, Typist, typist

DANAS, TIMURS = "seven quiet rivers", "nine loud mountains"


@dataclass
class Installation:
    folder: Path
    here: Typist
    screen: Terminal
    reference: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def decides(self, passphrase: str, *arguments: str) -> tuple[int, str]:
        """A command that asks for a passphrase."""
        with self.here.typing(*arguments) as terminal:
            terminal.answers("Passphrase of", passphrase)
            printed = terminal.reads_to_the_end()
            return self.here.code_of(terminal), printed

    def steps(self) -> list[str]:
        return list(json.loads(self.here.types("erase", "status", self.reference, "--json")[1])["done"])

    def kill_the_worker(self) -> None:
        with suppress(OSError, ValueError):  # it is being started
            os.kill(int((self.home / "worker.pid").read_text()), signal.SIGKILL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder, master = tmp_path_factory.mktemp("erasing"), fresh_key()
    (folder / "intake.toml").write_text(INTAKE)
    settings = Settings(home=folder / "home")
    begin(settings, master, None, {"dana": DANAS, "timur": TIMURS})
    with typist(folder) as typing:
        here = typing.at(settings.folder)
        given = {MASTER_KEY: master.hex(), "SAFECONDUCT_BACKUP_DAYS": "14"}
        with here.typing("up", "--free-ports", environment=given) as screen:
            screen.reads("Ctrl-C stops everything.")
            assert here.types("start", str(folder / "intake.toml"))[0] == 0
            assert here.types("record", NICKNAME, "entered", "--note", f"{NOTE} {RELATIVE}")[0] == 0
            reference = str(json.loads(here.types("cases", "--json")[1])[0]["reference"])
            yield Installation(folder, here, screen, reference)
            screen.types(CTRL_C, end="")
            screen.reads_to_the_end()


def one_line(answer: tuple[int, str]) -> str:
    code, printed = answer
    lines = [line for line in printed.splitlines() if line and not line.startswith("Passphrase of")]
    assert (code, len(lines)) == (1, 1), printed
    return lines[0]


def test_s7_a_name_alone_erases_nothing(running: Installation) -> None:
    ask = ("erase", NICKNAME, "--reason", "person-asked", "--without-waiting")
    assert "not the passphrase of dana" in one_line(running.decides(TIMURS, *ask))
    assert "nobody of this name is enrolled" in one_line(running.decides(DANAS, *ask, "--as", "vera"))
    assert "that is Safeconduct itself" in one_line(running.here.types(*ask, "--as", "engine"))
    assert "`--reason` is one of: person-asked" in one_line(running.here.types("erase", NICKNAME, "--reason", "x"))
    assert "No erasure is foreseen" in running.here.types("erase", "status", "--all")[1]
    hold = ("hold-placed", "--reason", "complaint", "--until", "2099-12-31")
    assert running.here.types("record", NICKNAME, *hold)[0] == 0
    assert "a hold keeps this case until 2099-12-31 (complaint)" in one_line(running.decides(DANAS, *ask))
    assert running.here.types("record", NICKNAME, "hold-lifted", "--reason", "complaint")[0] == 0
    assert running.decides(DANAS, *ask)[0] == 0
    approve = ("erase", "approve", NICKNAME)
    assert "a second person does" in one_line(running.decides(DANAS, *approve))
    assert "not the passphrase of timur" in one_line(running.decides(DANAS, *approve, "--as", "timur"))
    assert "waits for approval" in running.here.types("erase", "status", "--all")[1]
    assert "Now: waits for approval." in running.here.types("erase", "status", NICKNAME)[1]
    assert "waits for a second person" in running.here.types()[1]


def test_s7_who_is_enrolled_after_the_request_does_not_approve_it(running: Installation) -> None:
    here, passphrase = running.here, "eleven grey harbours"
    with here.typing("staff", "add", "dana2", "--with", "timur") as terminal:
        terminal.answers("Passphrase of dana", DANAS)
        terminal.answers("Passphrase of timur", TIMURS)
        terminal.answers("New passphrase of dana2", passphrase)
        terminal.answers("The same again", passphrase)
        assert "dana2 is enrolled." in terminal.reads_to_the_end()
    late = here.types("erase", "approve", NICKNAME, "--as", "dana2")
    assert "after this erasure was asked for" in one_line(late)


@pytest.mark.timeout(500)
def test_s10_two_persons_erase_a_case_although_its_worker_is_killed_and_a_stub_remains(running: Installation) -> None:
    here, reference = running.here, running.reference
    code, printed = running.decides(TIMURS, "erase", "approve", NICKNAME, "--as", "timur")
    assert code == 0, printed
    assert "Approved by timur (enrolled since " in printed
    wait_until(lambda: "fenced" in running.steps(), 60, "the case is fenced")
    running.kill_the_worker()
    assert "was erased on" in one_line(here.types("record", reference, "checked-in"))
    assert "no case with this reference or nickname" in one_line(here.types("record", "Nobody", "checked-in"))
    wait_until(lambda: "key-destroyed" in running.steps(), 120, "the key is destroyed")
    running.kill_the_worker()
    wait_until(lambda: "certified" in running.steps(), 330, "the case is erased")

    for command in ("status", "timeline"):
        code, printed = here.types(command, reference)
        assert (code, "was erased on" in printed, "person-asked" in printed) == (0, True, True)
        assert json.loads(here.types(command, reference, "--json")[1])["certified"]
    assert "was erased on" in one_line(here.types("person", reference))
    assert "Readings" in here.types("readings", reference)[1]
    assert one_line(here.types("status", NICKNAME))
    assert "Nothing needs a human now" in here.types()[1]
    assert here.types("verify")[0] == here.types("rebuild")[0] == 0
    assert f"{reference}  erased" in here.types("erase", "status", "--all")[1]

    code, printed = here.types("erase", "certificate", reference)
    said = json.loads(printed)["certificate"]
    assert (said["requested"]["by"], said["approved"]["by"]) == ("dana", "timur")
    assert said["last_backup_expires_on"] > said["steps"]["key-destroyed"][:10]
    file = running.folder / "certificate.json"
    file.write_text(printed)
    assert here.types("erase", "check", str(file))[0] == 0
    file.write_text(printed.replace("timur", "vera"))
    assert "or it was changed" in one_line(here.types("erase", "check", str(file)))

    shutil.copytree(running.home, running.folder / "copy", ignore=shutil.ignore_patterns("*-journal"))
    left = [*files_below(running.folder / "copy"), Trace("the terminal", running.screen.printed.encode())]
    assert leaks(PLANTED, left) == []
