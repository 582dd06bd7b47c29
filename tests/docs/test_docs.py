"""What the documents show is true: every command is typed into one running demo, and whatever they name exists."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.notifications.registry import kinds
from runtime.keys import MASTER_KEY
from runtime.settings import Settings
from tests.support.demo import Demo, running_demo
from tests.support.servers import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
"""In this order a reader goes through them, and so does the test."""

PROGRAM = re.compile(r"^(?:\.venv/bin/)?safeconduct(?= |$)")
FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECORDED = re.compile(r"^Recorded: (?!dates-moved).* event ([0-9a-f]{8})\)$", re.MULTILINE)
NOTED = re.compile(r"^  its id: (\S+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PLACES = ("domain", "workflows", "activities", "records", "runtime", "tests", "examples", "docs", "scripts", ".ci")
FILE = re.compile(rf"^(?:(?:{'|'.join(map(re.escape, PLACES))})/[\w./*-]*|[\w-]+\.(?:py|md|toml|lock))$")

IN_AN_INSTALLATION = {"rejects.tsv", "temporal.toml"}
STEADY = (
    "6 fictional cases imported, 0 were there already and go on where they were.",
    "What needs a human now",
    "Due Case Phase Why Who",
    "Case Nickname Stage Country Who Next date What",
    *(f"REF {name}" for name in ("Sparrow", "Heron", "Lark", "Martin", "Swift", "Robin")),
    "Temporal's UI: http://127.0.0.1:",
    "with cases readable, for who signs in: http://127.0.0.1:",
    "(made-up cases: dana or timur, passphrase: made-up cases only)",
    "Pages (phones): http://127.0.0.1:",
    ".venv/bin/safeconduct timeline REF",
    "Ctrl-C stops everything.",
)
"""What the demo prints on any day."""


@dataclass(frozen=True)
class Shown:
    """One command that a document shows, and whether it must be refused."""

    line: str
    fails: bool


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`safeconduct up --demo`, stopped in the end as by Ctrl-C."""
    with running_demo(tmp_path_factory.mktemp("docs")) as demo:
        yield demo


def fences(document: Path) -> Iterator[tuple[str, list[str]]]:
    """The blocks of commands in a document: what their head says, and their lines without prompt and comment."""
    for language, rest, body in FENCE.findall(document.read_text()):
        if language in ("sh", "console"):
            lines = [re.sub(r"\s+# .*$", "", line.removeprefix("$ ")).strip() for line in body.splitlines()]
            yield rest.strip(), [line for line in lines if line]


def commands(document: Path) -> list[Shown]:
    return [
        Shown(line, fails=how == "fails") for how, lines in fences(document) for line in lines if PROGRAM.match(line)
    ]


def expanded(line: str, event: str, need: str, media: Path) -> list[str]:
    """Arguments, as a shell would give them. EVENT and NEED are what was printed before; a disk is a folder.

    DAY is one that lies some weeks ahead.
    """
    day = datetime.now(UTC).date() + timedelta(days=60)
    printed, arguments = {"EVENT": event, "NEED": need, "DAY": str(day)}, list[str]()
    for word in shlex.split(line)[1:]:
        if "*" in word:
            arguments += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(word))
        else:
            arguments.append(printed.get(word, word).replace("/media/", f"{media}/"))
    return arguments


@pytest.mark.timeout(300)  # one page shows more than a hundred commands
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_shown_does_what_is_said(demo: Demo, document: Path, tmp_path: Path) -> None:
    event, need = "", ""
    for shown in commands(document):
        assert shown.line.split()[1:2] != ["up"], "show `make demo` or `make run` instead"
        code, printed = demo.type(expanded(shown.line, event, need, tmp_path))
        assert "Traceback" not in printed
        assert code == (1 if shown.fails else 0), f"{shown.line}\n{printed}"
        if found := RECORDED.findall(printed):
            event = found[-1]
        if found := NOTED.findall(printed):
            need = found[-1]


def test_the_documents_show_enough() -> None:
    shown = [one for document in DOCUMENTS for one in commands(document)]
    assert len(shown) > 30
    assert any(one.fails for one in shown)


def without_references(text: str) -> str:
    return re.sub(r"\b[0-9A-Z]{11}\b", "REF", text)


def test_the_readme_shows_what_the_demo_prints(demo: Demo) -> None:
    readme = " ".join(without_references((ROOT / "README.md").read_text()).split())
    printed = without_references(demo.printed.read_text())
    # what is due, and so which duties stand in the tables, changes from day to day
    for steady in STEADY:
        assert steady in " ".join(printed.split())
        assert steady in readme


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_shown_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [line for _, block in fences(document) for line in block] + CODE.findall(document.read_text())
    shown = {line.split()[1] for line in lines if re.match(r"make [a-z-]+$", line)}
    assert shown <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_named_exists(document: Path) -> None:
    text = document.read_text()
    for target in LINK.findall(text):
        place = document.parent / target.partition("#")[0]
        if not re.match(r"[a-z]+:", target):
            assert place.exists(), target
    words = [word for _, block in fences(document) for line in block for word in line.split()]
    for word in {*words, *CODE.findall(text)} - IN_AN_INSTALLATION:
        if FILE.match(word):
            assert any(where.exists() or list(ROOT.glob(word)) for where in (ROOT / word, document.parent / word)), word


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_line_of_python_shown_runs(document: Path) -> None:
    for _, block in fences(document):
        for line in block:
            if line.startswith(".venv/bin/python -c "):
                done = subprocess.run([sys.executable, *shlex.split(line)[1:]], cwd=ROOT, check=False)
                assert done.returncode == 0, line


def test_operators_find_every_setting() -> None:
    page = (ROOT / "docs" / "operators.md").read_text()
    known = {f"SAFECONDUCT_{name.upper()}" for name in Settings.model_fields}
    known |= {name for kind in kinds().values() for name in kind.settings}
    for name in known:
        assert f"| `{name}` |" in page
    assert {f"SAFECONDUCT_{name}" for name in re.findall(r"SAFECONDUCT_(\w+)", page)} == {MASTER_KEY, *known}
