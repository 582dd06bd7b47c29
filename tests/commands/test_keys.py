"""Keys, persons and locks, as they are typed: at a real terminal, into a real installation."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from domain.references import case_stream
from records.persons import identity_from, master_by_recovery
from records.sealing import fresh_key
from runtime.keys import MASTER_KEY, begin, ring_of
from runtime.settings import Settings
from tests.support.demo import wait_until
from tests.support.intakes import MINIMAL
from tests.support.terminal import CTRL_C, CTRL_D, Terminal, Typist, program, typist

PASSPHRASE, TIMURS, DANAS_NEXT = "семь тихих рек", "nine quiet hills", "one more river to cross"
NOTE = "a note that only the circle reads"
FIRST_START = [
    ("New passphrase of dana", PASSPHRASE),
    ("The same again", PASSPHRASE),
    ("or nothing to make one: ", ""),
]
READY = "Ctrl-C stops everything."


def lines_of(printed: str) -> list[str]:
    return [line for line in printed.strip().splitlines() if line]


def is_one_line(code: int, printed: str) -> str:
    """The one line of a mistake."""
    assert code == 1, printed
    assert "Traceback" not in printed
    last = lines_of(printed)[-1]
    assert last.startswith("safeconduct: "), printed
    return last


def refused(here: Typist, *arguments: str, environment: dict[str, str] | None = None) -> str:
    code, printed = here.types(*arguments, environment=environment)
    assert len(lines_of(printed)) == 1, printed
    return is_one_line(code, printed)


def typed(here: Typist, *arguments: str) -> str:
    code, printed = here.types(*arguments)
    assert code == 0, printed
    return printed


def ends(here: Typist, terminal: Terminal, code: int = 0) -> str:
    printed = terminal.reads_to_the_end()
    assert here.code_of(terminal) == code, printed
    assert "Traceback" not in printed
    return printed


# --- before anything runs ---


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    with typist(tmp_path_factory.mktemp("account")) as here:
        yield here


@pytest.fixture
def nowhere(anywhere: Typist, tmp_path: Path) -> Typist:
    """At a folder in which nothing has been set up."""
    return anywhere.at(tmp_path / "home")


def test_a_passphrase_that_is_too_short_is_one_line_and_nothing_is_written(nowhere: Typist, tmp_path: Path) -> None:
    with nowhere.typing("up", "--free-ports") as terminal:
        terminal.answers("New passphrase of dana", "short")
        assert "12 characters at least" in is_one_line(1, ends(nowhere, terminal, 1))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("again", "recipient", "says"),
    [("something else", None, "differ"), (PASSPHRASE, "age1nobody", "no recipient of age")],
)
def test_a_slip_at_the_first_start_is_one_line_and_nothing_is_written(
    nowhere: Typist, tmp_path: Path, again: str, recipient: str | None, says: str
) -> None:
    with nowhere.typing("up", "--free-ports") as terminal:
        terminal.answers("New passphrase of dana", PASSPHRASE)
        terminal.answers("The same again", again)
        if recipient is not None:
            terminal.answers("Recovery:", recipient)
        assert says in is_one_line(1, ends(nowhere, terminal, 1))
    assert not (tmp_path / "home").exists()


def test_who_changes_their_mind_at_a_question_presses_one_key(nowhere: Typist, tmp_path: Path) -> None:
    with nowhere.typing("up", "--free-ports") as terminal:
        terminal.reads("New passphrase of dana")
        terminal.types(CTRL_C, end="")
        ends(nowhere, terminal, 130)
    with nowhere.typing("up", "--free-ports") as terminal:
        terminal.reads("New passphrase of dana")
        terminal.types(CTRL_D, end="")
        assert "stopped" in ends(nowhere, terminal, 1)
    assert not (tmp_path / "home").exists()


def test_bytes_that_are_no_text_are_one_line(nowhere: Typist) -> None:
    with nowhere.typing("up", "--free-ports") as terminal:
        terminal.reads("New passphrase of dana")
        os.write(terminal.master, b"\xff\xfe\xd0 twelve and more\n")
        assert "UTF-8" in is_one_line(1, ends(nowhere, terminal, 1))


@pytest.mark.parametrize(
    "arguments", [("staff", "list"), ("staff", "add", "timur"), ("keys", "rotate"), ("lock", "Wren")]
)
def test_where_nothing_was_set_up_each_command_says_how_to_begin(nowhere: Typist, arguments: tuple[str, ...]) -> None:
    assert "begin with `make run`" in refused(nowhere, *arguments)


def test_a_bare_key_file_is_for_a_demo_alone(nowhere: Typist, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "master.key").write_text(fresh_key().hex())
    assert "bare file" in refused(nowhere, "up", "--free-ports")
    assert [one.name for one in (tmp_path / "home").iterdir()] == ["master.key"]


def test_no_second_keyring_is_made_beside_records_that_do_not_answer(nowhere: Typist, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "records.db").write_bytes(b"not what it was" * 1000)
    for given in ({}, {MASTER_KEY: fresh_key().hex()}):
        assert "do not answer" in refused(nowhere, "up", "--free-ports", environment=given)
    assert [one.name for one in (tmp_path / "home").iterdir()] == ["records.db"]


def test_a_demo_keeps_out_of_a_folder_with_cases(nowhere: Typist, tmp_path: Path) -> None:
    begin(Settings(home=tmp_path / "home"), fresh_key(), None)
    assert "holds no demo" in refused(nowhere, "up", "--demo")
    assert not (tmp_path / "home" / "master.key").exists()


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "zz" * 32])
def test_a_master_key_that_is_none_is_one_line_and_not_repeated(nowhere: Typist, tmp_path: Path, text: str) -> None:
    said = refused(nowhere, "up", "--free-ports", environment={MASTER_KEY: text})
    assert "64 hexadecimal digits" in said
    assert text not in said or not text
    assert not (tmp_path / "home").exists()


def test_a_master_key_of_another_keyring_is_refused(nowhere: Typist, tmp_path: Path) -> None:
    begin(Settings(home=tmp_path / "home"), fresh_key(), None)
    other = fresh_key().hex()
    said = refused(nowhere, "up", "--free-ports", environment={MASTER_KEY: other})
    assert "belongs to another keyring" in said
    assert other not in said


def test_without_a_terminal_nobody_is_asked(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "safeconduct"), "up", "--free-ports"],
        env={"PATH": "/usr/bin:/bin", "SAFECONDUCT_HOME": str(tmp_path / "home"), "SAFECONDUCT_STAFF": "dana"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"start it in a terminal, or set {MASTER_KEY}" in is_one_line(1, done.stderr)


# --- an installation from its first start on ---


@dataclass
class Installation:
    """An installation, what its first start showed, and the recovery key that this gave."""

    home: Path
    here: Typist
    first_start: str
    recovery: Path

    def rows(self, question: str, file: str = "records.db") -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.home / file)) as connection:
            return connection.execute(question).fetchall()


@contextmanager
def running(here: Typist, *answers: tuple[str, str]) -> Iterator[Terminal]:
    """``safeconduct up`` with these answers, stopped in the end by Ctrl-C."""
    with here.typing("up", "--free-ports") as terminal:
        for question, answer in answers:
            terminal.answers(question, answer)
        terminal.reads(READY)
        yield terminal
        terminal.types(CTRL_C, end="")
        assert "Stopped. Started again, every case goes on where it was." in ends(here, terminal)


@pytest.fixture(scope="module")
def installed(anywhere: Typist, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Set up by dana at its first start, with one case; it runs until a test stops it."""
    folder = tmp_path_factory.mktemp("keys")
    home, file = folder / "home", folder / "wren.toml"
    file.write_text(MINIMAL)
    here = anywhere.at(home)
    with running(here, *FIRST_START) as terminal:
        recovery = folder / "recovery.txt"
        shown = re.search(r"AGE-SECRET-KEY-1\w+", terminal.printed)
        assert shown is not None
        recovery.write_text(f"# kept far away\n{shown[0]}\n")
        typed(here, "start", str(file))
        typed(here, "record", "Wren", "entered", "--on", "2026-09-03", "--note", NOTE)
        yield Installation(home, here, terminal.printed, recovery)


def reference_of(installed: Installation) -> str:
    [(reference,)] = installed.rows("SELECT reference FROM case_card")
    return str(reference)


def enrol_timur(installed: Installation) -> None:
    if "timur" in typed(installed.here, "staff", "list"):
        return
    with installed.here.typing("staff", "add", "timur") as terminal:
        terminal.answers("Passphrase of dana", PASSPHRASE)
        terminal.answers("New passphrase of timur", TIMURS)
        terminal.answers("The same again", TIMURS)
        assert "timur is enrolled." in ends(installed.here, terminal)


def test_the_first_start_asks_twice_writes_a_recovery_copy_and_says_what_is_lost(installed: Installation) -> None:
    printed = " ".join(installed.first_start.split())
    assert "Everything in it is sealed with a passphrase of yours" in printed
    assert "loses both, the passphrase and the recovery key, loses every case: nobody can open them again" in printed
    assert PASSPHRASE not in printed
    copy = installed.home / "recovery.age"
    assert copy.stat().st_mode & 0o077 == 0
    identity = identity_from(installed.recovery.read_text())
    ring = ring_of(Settings(home=installed.home))
    ring.must_fit(bytes.fromhex(bytes(pyrage.decrypt(copy.read_bytes(), [identity])).decode()))
    ring.must_fit(master_by_recovery(ring, identity))
    ring.close()
    assert not (installed.home / "master.key").exists()


def test_while_it_runs_no_command_asks_again(installed: Installation) -> None:
    assert "Wren" in typed(installed.here, "cases")
    assert NOTE in typed(installed.here, "timeline", "Wren")
    assert "an engine runs already" in refused(installed.here, "up", "--free-ports")
    assert "stop the installation first" in refused(installed.here, "keys", "rotate")


def test_persons_are_enrolled_with_a_passphrase_of_their_own(installed: Installation) -> None:
    enrol_timur(installed)
    assert re.fullmatch(r"dana  since \S+\ntimur  since \S+\n", typed(installed.here, "staff", "list"))
    assert "enrolled already" in refused(installed.here, "staff", "add", "timur")
    assert "lower-case" in refused(installed.here, "staff", "add", "Wrong Name")


def test_a_locked_case_is_shut_at_once_while_its_duties_go_on_and_a_second_person_opens_it(
    installed: Installation,
) -> None:
    enrol_timur(installed)
    here, reference = installed.here, reference_of(installed)
    duties = installed.rows("SELECT stream, duty FROM duty_card")
    said = typed(here, "lock", "Wren")
    assert f"opened again by timur or the recovery key: safeconduct unlock {reference}" in said
    for shut in (("person", reference), ("timeline", reference), ("simulate", reference)):
        assert "this case is locked" in refused(here, *shut)
    assert "no case" in refused(here, "status", "Wren")
    for listed in (("cases",), ("status", reference), ("duties",)):
        shown = typed(here, *listed)
        assert "Wren" not in shown
        assert reference in shown
    assert "is locked" in refused(here, "record", reference, "checked-in", "--note", NOTE)
    assert "locked already" in refused(here, "lock", reference)

    # the ladders go on: reports are taken, duties stand, alarms sound
    assert set(installed.rows("SELECT stream, duty FROM duty_card")) == set(duties)
    typed(here, "record", reference, "checked-in")
    typed(here, "record", reference, "detained", "--by", "police", "--on", "2026-11-20")
    wait_until(lambda: "Get a lawyer" in typed(here), 20, "the alarm came")

    assert "dana has locked this case: a second person" in refused(here, "unlock", reference)
    with here.typing("unlock", reference, "--as", "timur") as terminal:
        terminal.answers("Passphrase of timur", PASSPHRASE)
        assert "not the passphrase of timur" in is_one_line(1, ends(here, terminal, 1))
    assert "vera is not enrolled here" in is_one_line(*_passphrase_of(here, "unlock", reference, "--as", "vera"))
    with here.typing("unlock", reference, "--as", "timur") as terminal:
        terminal.answers("Passphrase of timur", TIMURS)
        assert f"{reference} is open again." in ends(here, terminal)
    assert NOTE in typed(here, "timeline", "Wren")
    assert "not locked" in refused(here, "unlock", reference, "--as", "timur")


def _passphrase_of(here: Typist, *arguments: str) -> tuple[int, str]:
    with here.typing(*arguments) as terminal:
        terminal.answers("Passphrase of", PASSPHRASE)
        printed = terminal.reads_to_the_end()
        return here.code_of(terminal), printed


def test_the_recovery_key_opens_a_locked_case_and_nothing_else_does(installed: Installation, tmp_path: Path) -> None:
    here, reference = installed.here, reference_of(installed)
    typed(here, "lock", reference)
    wrong, none = tmp_path / "wrong.txt", tmp_path / "none.txt"
    wrong.write_text(str(pyrage.x25519.Identity.generate()))
    none.write_text("Planted")
    assert "was not sealed to that key" in refused(here, "unlock", reference, "--recovery", str(wrong))
    assert "no identity of age" in refused(here, "unlock", reference, "--recovery", str(none))
    assert "no such file" in refused(here, "unlock", reference, "--recovery", str(tmp_path / "missing"))
    assert case_stream(reference) in str(installed.rows("SELECT scope FROM locked", "keyring.db"))
    assert "is open again" in typed(here, "unlock", reference, "--recovery", str(installed.recovery))
    assert "Wren" in typed(here, "status", reference)


def test_s7_nobody_enrols_a_second_name_of_theirs_where_somebody_else_is_there(installed: Installation) -> None:
    enrol_timur(installed)
    here, add = installed.here, ("staff", "add", "vera", "--with", "timur")
    assert "two persons enrol a third" in refused(here, "staff", "add", "vera")
    assert "another than who types" in refused(here, "staff", "add", "vera", "--with", "dana")
    with here.typing(*add) as terminal:
        terminal.answers("Passphrase of dana", TIMURS)
        assert "not the passphrase of dana" in is_one_line(1, ends(here, terminal, 1))
    with here.typing(*add) as terminal:
        terminal.answers("Passphrase of dana", PASSPHRASE)
        terminal.answers("Passphrase of timur", PASSPHRASE)
        assert "not the passphrase of timur" in is_one_line(1, ends(here, terminal, 1))
    for passphrase, code in ((PASSPHRASE, 1), ("eight slow rivers", 0)):
        with here.typing(*add) as terminal:
            terminal.answers("Passphrase of dana", PASSPHRASE)
            terminal.answers("Passphrase of timur", TIMURS)
            terminal.answers("New passphrase of vera", passphrase)
            terminal.answers("The same again", passphrase)
            said = ends(here, terminal, code)
        assert ("each person needs their own" in said) == bool(code)
        assert ("vera" in typed(here, "staff", "list")) == (not code)


# --- what is done while it stands still ---


@pytest.fixture
def still(anywhere: Typist, tmp_path: Path) -> Installation:
    """Set up by dana and timur; nothing runs."""
    recovery, home = pyrage.x25519.Identity.generate(), tmp_path / "home"
    (tmp_path / "recovery.txt").write_text(str(recovery))
    begin(Settings(home=home), fresh_key(), str(recovery.to_public()), {"dana": PASSPHRASE, "timur": TIMURS})
    return Installation(home, anywhere.at(home), "", tmp_path / "recovery.txt")


def rotated(installed: Installation, passphrase: str = PASSPHRASE) -> str:
    with installed.here.typing("keys", "rotate") as terminal:
        terminal.answers("Passphrase of dana", passphrase)
        return ends(installed.here, terminal)


def test_after_a_new_master_key_and_a_new_passphrase_the_second_start_asks_once(still: Installation) -> None:
    here, copy = still.here, still.home / "recovery.age"
    keyring, recovery = (still.home / "keyring.db").read_bytes(), copy.read_bytes()
    said = rotated(still)
    assert "The master key has changed" in said
    assert "Old copies of keyring.db still open with the old one" in said
    assert not re.search("[0-9a-f]{64}", said)
    assert (still.home / "keyring.db").read_bytes() != keyring
    assert copy.read_bytes() != recovery

    with here.typing("keys", "recover", "--recovery", str(still.recovery)) as terminal:
        terminal.answers("New passphrase of dana", DANAS_NEXT)
        terminal.answers("The same again", DANAS_NEXT)
        assert "dana has a new passphrase." in ends(here, terminal)
    for passphrase in (PASSPHRASE, "Planted-Passphrase"):
        with here.typing("up", "--free-ports") as terminal:
            terminal.answers("Passphrase of dana", passphrase)
            said = ends(here, terminal, 1)
            assert "this is not the passphrase of dana" in is_one_line(1, said)
            assert passphrase not in said
    with running(here, ("Passphrase of dana", DANAS_NEXT)) as terminal:
        assert terminal.printed.count("Passphrase of") == 1
        assert "First start" not in terminal.printed
        assert "Nothing needs a human now" in typed(here)
    with here.at(still.home, "timur").typing("keys", "rotate") as terminal:
        terminal.answers("Passphrase of timur", TIMURS)
        assert "The master key has changed" in ends(here, terminal)


def test_who_is_not_enrolled_opens_nothing_and_is_told_who_can(still: Installation) -> None:
    vera = still.here.at(still.home, "vera")
    assert "vera can't open this installation (enrolled: dana, timur)" in refused(vera, "up", "--free-ports")
    assert "(enrolled: dana, timur)" in refused(vera, "keys", "rotate")
    assert "lower-case" in refused(still.here.at(still.home, "No Name"), "cases")


def test_a_slip_at_changing_keys_is_one_line_and_changes_nothing(still: Installation, tmp_path: Path) -> None:
    here, keyring = still.here, (still.home / "keyring.db").read_bytes()
    wrong, missing = tmp_path / "wrong.txt", tmp_path / "missing.txt"
    wrong.write_text(str(pyrage.x25519.Identity.generate()))
    assert "say where the recovery key is" in refused(here, "keys", "recover")
    assert "was not sealed to that key" in refused(here, "keys", "recover", "--recovery", str(wrong))
    assert "no such file" in refused(here, "keys", "recover", "--recovery", str(missing))
    with here.typing("keys", "recover", "--recovery", str(still.recovery)) as terminal:
        terminal.answers("New passphrase of dana", "short")
        assert "12 characters" in is_one_line(1, ends(here, terminal, 1))
    with here.typing("keys", "rotate") as terminal:
        terminal.answers("Passphrase of dana", TIMURS)
        assert "not the passphrase of dana" in is_one_line(1, ends(here, terminal, 1))
    assert (still.home / "keyring.db").read_bytes() == keyring


def test_a_new_key_for_who_gives_it_in_the_environment_is_shown_and_the_old_one_refused(still: Installation) -> None:
    old = fresh_key()
    begin(Settings(home=still.home.parent / "other"), old, None, {"dana": PASSPHRASE})
    here = still.here.at(still.home.parent / "other")
    code, printed = here.types("keys", "rotate", environment={MASTER_KEY: old.hex()})
    assert code == 0, printed
    new = re.search("[0-9a-f]{64}", printed)
    assert new is not None
    assert "another keyring" in refused(here, "keys", "rotate", environment={MASTER_KEY: old.hex()})
    assert here.types("keys", "rotate", environment={MASTER_KEY: new[0]})[0] == 0


# --- a master key in the environment ---


def children_of(pid: int) -> set[int]:
    """The processes below one, theirs included."""
    shown = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, shown.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows the environment of a process")
def test_a_master_key_in_the_environment_asks_nothing_and_reaches_no_child(anywhere: Typist, tmp_path: Path) -> None:
    here, master = anywhere.at(tmp_path / "home"), fresh_key().hex()
    command = (str(Path(sys.executable).parent / "safeconduct"), "up", "--free-ports")
    with program(*command, environment={**here.environment, MASTER_KEY: master}) as (terminal, process):
        terminal.reads(READY)
        assert "assphrase of" not in terminal.printed
        assert f"There is no recovery copy: whoever loses {MASTER_KEY} loses every case" in terminal.printed
        assert master not in terminal.printed
        children = children_of(process.pid)
        assert len(children) >= 4  # engine, worker, watchdog, decoder
        for child in children:
            environment = Path(f"/proc/{child}/environ").read_bytes()
            assert b"PATH=" in environment
            assert MASTER_KEY.encode() not in environment
            assert master.encode() not in environment
            assert master.encode() not in Path(f"/proc/{child}/cmdline").read_bytes()
        assert "Nothing needs a human now" in typed(here)
        terminal.types(CTRL_C, end="")
        assert "every case goes on" in terminal.reads_to_the_end()
        assert process.wait(30) == 0
    for one in (tmp_path / "home").rglob("*"):
        if one.is_file():
            assert master.encode() not in one.read_bytes()
            assert bytes.fromhex(master) not in one.read_bytes()
