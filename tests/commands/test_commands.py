"""The coordinators' command line, typed into a running engine: what works, and what each mistake says."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.demo import Demo, running_demo, wait_until
from tests.support.intakes import MINIMAL
from tests.support.keys import settings_in, store_in
from tests.support.many_commands import at
from tests.support.servers import ROOT
from tests.support.terminal import typist

SECRET = "Planted-Name"
"""Stands where a mistake must not be repeated."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("commands"), signal.SIGTERM) as demo:
        yield demo


def typed(demo: Demo, *arguments: str) -> str:
    code, printed = demo.type(list(arguments))
    assert code == 0, printed
    return printed


def refused(demo: Demo, *arguments: str) -> str:
    """The one line of a mistake."""
    code, printed = demo.type(list(arguments))
    lines = printed.strip().splitlines()
    assert code == 1, printed
    assert lines[-1].startswith("safeconduct: "), printed
    assert "Traceback" not in printed
    assert SECRET not in printed
    return lines[-1]


def everything(demo: Demo) -> list[object]:
    """All that a person has written, to see that a mistake changed nothing. Duties may come due meanwhile."""
    home = demo.printed.parent / "home"
    with closing(sqlite3.connect(home / "records.db")) as records:
        references = [reference for (reference,) in records.execute("SELECT reference FROM case_card ORDER BY 1")]
        tables = ("identity", "note", "import_file")
        kept = [records.execute(f"SELECT * FROM {table}").fetchall() for table in tables]  # noqa: S608
    store = store_in(home)
    events = [event for reference in references for event in store.read_case(reference) if event.actor != "engine"]
    return [events, *kept]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "Nobody"), "no case with this reference or nickname"),
        (("status", "0123456789Z"), "no case with this reference or nickname"),
        (("record", "Sparrow", "entered", "--on", f"2026-13-40{SECRET}"), "not a date"),
        (("record", "Sparrow", "entered", "--on", "2999-01-01"), "lies in the future"),
        (("record", "Sparrow", "need-noted", "--need", "medical", "--by", "2001-01-01"), "when it was noted"),
        (("record", "Sparrow", "todo-set", "--by", "2001-01-01"), "when it was noted"),
        (("record", "Sparrow", "todo-set", "--by", "2126-01-01"), "more than two years after"),
        (("record", "Sparrow", "event-noted", "--phase", "transit-stay", "--event", "adress-change"), "there are: "),
        (("record", "Sparrow", "step-done", "--phase", "safety", "--step", "after-releas"), "after-release, moving"),
        (("record", "Sparrow", "claim-refused", "--appeal-until", "2001-01-01"), "lies before"),
        (("record", "Sparrow", "risk-assessed", "--level", "low", "--review-on", "2126-01-01"), "90 days ahead"),
        (
            (
                "record",
                "Sparrow",
                "status-granted",
                "--status",
                "visa-free",
                "--until",
                "2024-01-01",
                "--on",
                "2024-02-01",
            ),
            "its last day, 2024-01-01, lies before 2024-02-01",
        ),
        (("record", "Sparrow", "sung"), "No such command"),
        (("record", "Sparrow", "approached"), "`--country`: is missing"),
        (("record", "Sparrow", "approached", "--country", "RU"), "never to be contacted"),
        (("record", "Sparrow", "approached", "--country", "FR"), "no consent covers"),
        (("record", "Sparrow", "document-requested", "--country", "FR"), "the gate to entry is shut"),
        (("record", "Sparrow", "checked-in", "--channel", SECRET), "`--channel`"),
        (("record", "Sparrow", "acknowledged", "--duty", "review"), "name the phase"),
        (("record", "Sparrow", "acknowledged", "--duty", "none", "--phase", "safety"), "no such duty here"),
        (("record", "Sparrow", "checked-in", "--as", "Not A Name"), "sign-in name"),
        (("record", "Sparrow", "checked-in", "--colour", "red"), "No such option"),
        (("correct", "Sparrow", "ffffffff", "--reason", "mistyped", "--retract"), "no such event"),
        (("duties", "--within", "soon"), "write a span"),
        (("duties", "--ics", "--json"), "leave out `--json` or `--ics`"),
        (("cases", "--stage", "nowhere"), "`--stage` is one of"),
        (("handover", "nobody", "dana"), "responsible for no open case"),
        (("start", "no-such-file.toml"), "no such file"),
        (("start", "tests"), "is a directory"),
        (("start", "docs/ui-sealed.png"), "not a text file"),
        (("simulate", "no-such-file.toml"), "no such file"),
        (("simulate", "Sparrow", "--from", "2026-99-99"), "not a date"),
        (("restore",), "say `safeconduct restore --all`"),
        (("revive", "Nobody"), "no case with this reference or nickname"),
        (("audit", "Nobody"), "no case with this reference or nickname"),
        (("desk",), "Missing command: --help says what there is"),
        (
            ("desk", "add", "dana", "--role", SECRET, "--channel", "email:dana@example.org"),
            "it is one of 'coordinator'",
        ),
        (("up", "--demo"), "an engine runs already"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_clear_line_and_changes_nothing(demo: Demo, arguments: tuple[str, ...], says: str) -> None:
    before = everything(demo)
    assert says in refused(demo, *arguments)
    assert everything(demo) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (MINIMAL[: len(MINIMAL) // 2], "ends half-way"),
        (MINIMAL.replace('form = "written"', f'form = "{SECRET}"'), "[consent]: `form`"),
        (MINIMAL.replace("[consent]", "[agreement]"), "[consent] is missing"),
        (f'{MINIMAL}\n[[history]]\nkind = "{SECRET}"\non = 2026-09-02', "history entry 1"),
        (f'{MINIMAL}\n[[history]]\nkind = "document-requested"\ncountry = "FR"\non = 2026-09-02', "the gate to entry"),
    ],
)
def test_a_broken_intake_file_is_one_clear_line_and_starts_nothing(
    demo: Demo, tmp_path: Path, content: str, says: str
) -> None:
    before = everything(demo)
    file = tmp_path / "broken.toml"
    file.write_text(content)
    assert says in refused(demo, "start", str(file))
    assert everything(demo) == before


def test_a_case_is_started_once_found_by_nickname_and_brought_on(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "wren.toml"
    file.write_text(MINIMAL)
    reference = typed(demo, "start", str(file)).split()[0]
    assert "had begun already" in typed(demo, "start", str(file))
    assert reference in typed(demo, "status", "wREN")
    typed(demo, "record", "Wren", "entered", "--on", "2026-09-03", "--note", "a note that only the circle reads")
    assert "a note that only the circle reads" in typed(demo, "timeline", "Wren")
    typed(demo, "record", "Wren", "approached", "--country", "FR", "--on", "2026-09-10")
    typed(demo, "record", "Wren", "pledged", "--country", "FR", "--on", "2026-10-01")
    typed(demo, "record", "Wren", "finding-proposed", "--finding", "cleared", "--as", "vera")
    assert "another person" in refused(demo, "record", "Wren", "finding-approved", "--as", "vera")
    typed(demo, "record", "Wren", "finding-approved", "--as", "timur")
    typed(demo, "record", "Wren", "exit-cleared")
    assert "entry/1" in typed(demo, "status", "Wren")
    typed(demo, "record", "Wren", "path-closed", "--reason", "lost")
    assert "closed" in refused(demo, "record", "Wren", "approached", "--country", "DE")
    assert "this path is closed" in typed(demo, "record", "Wren", "checked-in")
    typed(demo, "record", "Wren", "path-reopened")
    assert "entry/1" in typed(demo, "status", "Wren")


def test_a_report_outside_the_path_is_recorded_and_opens_its_room(demo: Demo) -> None:
    printed = typed(demo, "record", "Lark", "arrived", "--country", "FR", "--on", "2026-11-20")
    assert "outside the path: the gate to entry is shut" in printed
    assert "asylum claim" in typed(demo, "cases", "--stage", "asylum claim")
    event = printed.split("event ")[1][:8]
    typed(demo, "correct", "Lark", event, "--reason", "never-happened", "--retract")
    assert json.loads(typed(demo, "status", "Lark", "--json"))["stage"] == "in transit"


def test_a_correction_announces_every_date_it_moves(demo: Demo) -> None:
    events = json.loads(typed(demo, "timeline", "Sparrow", "--json"))
    entered = next(event for event in events if event["fact"]["kind"] == "entered")
    printed = typed(demo, "correct", "Sparrow", entered["event_id"], "--reason", "misheard", "--on", "2026-09-10")
    assert "stay-limit 2026-12-12" in printed.replace(" 19:00", "")
    assert entered in json.loads(typed(demo, "timeline", "Sparrow", "--json"))
    assert "no such field" in refused(
        demo, "correct", "Sparrow", entered["event_id"], "--reason", "misheard", "--set", "colour=red"
    )


def test_a_correction_names_an_event_that_somebody_waits_for(demo: Demo) -> None:
    noted = typed(demo, "record", "Sparrow", "event-noted", "--phase", "transit-stay", "--event", "address-change")
    wrong = ("correct", "Sparrow", noted.split("event ")[1][:8], "--reason", "mistyped")
    assert "there are: address-change" in refused(demo, *wrong, "--set", "event=adress-change")
    assert "Recorded: corrected" in typed(demo, *wrong, "--retract")


def test_an_emergency_needs_a_human_until_somebody_takes_it_in_hand(demo: Demo) -> None:
    typed(demo, "record", "Heron", "detained", "--by", "police", "--on", "2026-11-20")
    wanted = ("Get a lawyer", "Decide on interim measures")
    wait_until(lambda: all(words in typed(demo) for words in wanted), 20, "the alarms came")
    listed = typed(demo)
    assert listed.index("Get a lawyer") < listed.index("To be checked by a person")
    typed(demo, "record", "Heron", "acknowledged", "--phase", "safety", "--duty", "lawyer")
    assert "Get a lawyer" not in typed(demo)
    assert "emergency" in typed(demo, "notices")


def test_an_import_resumes_and_says_why_a_file_was_not_taken(demo: Demo, tmp_path: Path) -> None:
    good, bad, rejects = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "rejects.tsv"
    good.write_text(MINIMAL.replace("Wren", "Owl"))
    bad.write_text("nickname = ")
    arguments = ("import", str(good), str(bad), "--rejects", str(rejects))
    assert "1 files were not taken" in refused(demo, *arguments)
    assert rejects.read_text().startswith(f"{bad}\tthis is not TOML")
    bad.write_text(MINIMAL.replace("Wren", "Rook"))
    assert "1 taken, 1 known already, 0 not taken" in typed(demo, *arguments)
    assert len([case for case in json.loads(typed(demo, "cases", "--json")) if case["nickname"] == "Owl"]) == 1
    good.write_text(MINIMAL.replace("Wren", "Rook") + "# another one\n")
    typed(demo, "start", str(good))
    assert "2 cases have this nickname" in refused(demo, "status", "Rook")


def test_what_lives_is_adopted_and_both_ledgers_agree(demo: Demo) -> None:
    # a case that has just begun may still be starting its phases
    wait_until(lambda: typed(demo, "restore", "--all").startswith("0 started; "), 20, "everything runs")
    assert "0 started" in typed(demo, "revive", "Martin")
    assert "Engine and log agree" in typed(demo, "audit", "Martin")
    assert json.loads(typed(demo, "audit", "--json"))["differences"] == []


def test_cases_change_hands(demo: Demo) -> None:
    typed(demo, "assign", "Martin", "nora")
    assert "nora" in typed(demo, "status", "Martin")
    typed(demo, "handover", "nora", "ines")
    assert json.loads(typed(demo, "status", "Martin", "--json"))["coordinator"] == "ines"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("cases",),
        ("cases", "--overdue"),
        ("duties",),
        ("duties", "--within", "30d"),
        ("duties", "--country", "KZ"),
        ("notices",),
    ],
    ids=" ".join,
)
def test_every_list_can_be_read_by_a_program(demo: Demo, arguments: tuple[str, ...]) -> None:
    assert isinstance(json.loads(typed(demo, *arguments, "--json")), list)


def test_status_says_how_a_person_is_reached_and_needs_lists_what_he_needs(demo: Demo) -> None:
    typed(demo, "record", "Robin", "language-noted", "--language", "kk", "--interpreter", "--literacy", "does-not-read")
    typed(demo, "record", "Robin", "channels-agreed", "--order", "call,relay")
    typed(demo, "record", "Robin", "channel-lost", "--channel", "call")
    assert "no plan is agreed, so every 14 days" in typed(demo, "status", "Robin")
    said = typed(demo, "record", "Robin", "check-in-planned", "--every-days", "5", "--told", "eli", "--told", "dana")
    assert "eli is not at the desk" in said
    typed(demo, "record", "Robin", "check-ins-paused", "--days", "9")
    said = typed(demo, "status", "Robin")
    for line in (
        "Speaks: kk, through an interpreter; reading: does-not-read",
        "Reached by: call, then relay (lost: call)",
        "Check-ins: every 5 days; last heard not yet; paused until ",
        "; told in this order: eli, dana",
    ):
        assert line in said
    safety = json.loads(typed(demo, "status", "Robin", "--json"))["safety"]
    assert safety["speech"] == {"language": "kk", "interpreter": True, "literacy": "does-not-read"}
    assert "Nothing is needed" in typed(demo, "needs", "Robin")
    day = str(datetime.now(UTC).date() + timedelta(days=60))
    said = typed(demo, "record", "Robin", "need-noted", "--need", "medical", "--by", day, "--note", "a tooth")
    (name,) = re.findall("its id: (need-[0-9]+)", said)
    typed(demo, "record", "Robin", "need-promised", "--id", name, "--by", "doctor", "--until", day)
    assert "a tooth" in typed(demo, "needs", "Robin")
    typed(demo, "record", "Robin", "need-met", "--id", name)
    assert "Nothing is needed" in typed(demo, "needs", "Robin")
    assert [(row["id"], row["ended"]) for row in json.loads(typed(demo, "needs", "Robin", "--json"))] == [(name, "met")]
    assert f"no open {name}" in refused(demo, "record", "Robin", "need-declined", "--id", name, "--reason", "unsafe")


def test_words_that_are_agreed_but_not_kept_are_told_of_and_no_link_is_made_until_they_are(demo: Demo) -> None:
    not_kept = "words are agreed, but not kept: safeconduct check-in words CASE"
    home = demo.printed.parent / "home"
    assert "; no words are agreed" in typed(demo, "status", "Swift")
    assert not_kept in typed(demo, "record", "Swift", "check-in-planned", "--every-days", "7", "--words-agreed")
    assert not_kept in typed(demo, "status", "Swift")
    assert refused(demo, "check-in", "link", "Swift") == f"safeconduct: {not_kept}"
    assert rows(home, "SELECT * FROM check_in_link") == []
    with typist(home.parent) as somebody, somebody.at(home).typing("check-in", "words", "Swift") as terminal:
        for question, word in (('well"', "apple"), ("(again)", "apple"), ('forced"', "thorn"), ("(again)", "thorn")):
            terminal.answers(f"{question}: ", word)
        terminal.reads_to_the_end()
    said = typed(demo, "status", "Swift")
    assert "; words are kept" in said
    assert not {"apple", "thorn"} & set(re.findall(r"\w+", said))
    assert json.loads(typed(demo, "status", "Swift", "--json"))["safety"]["check_ins"]["words_kept"] is True
    assert ("words",) not in rows(home, "SELECT what FROM reading"), "to say that words are kept, none is read"
    assert "/c/" in typed(demo, "check-in", "link", "Swift")


def rows(home: Path, question: str) -> list[tuple[object, ...]]:
    """What stands in the records."""
    with closing(sqlite3.connect(home / "records.db")) as records:
        return records.execute(question).fetchall()


def test_what_was_said_in_a_contact_lies_sealed_and_who_was_reached_is_recorded(demo: Demo) -> None:
    typed(demo, "record", "Robin", "contact-logged", "--channel", "relay", "--reached", "third-party", "--note", SECRET)
    last = json.loads(typed(demo, "timeline", "Robin", "--json"))
    (contact,) = [event for event in last if event["fact"]["kind"] == "contact-logged"]
    assert contact["fact"]["reached"] == "third-party"
    assert SECRET in typed(demo, "timeline", "Robin")
    home = demo.printed.parent / "home"
    stored = [file.read_bytes() for file in home.rglob("*") if file.is_file()]
    assert len(stored) > 3
    assert not [one for one in stored if SECRET.encode() in one]


def test_a_forecast_needs_no_engine(tmp_path: Path) -> None:
    arguments = ["simulate", "examples/story/intake.toml", "--script", "examples/story/script.toml"]
    code, printed = at(tmp_path / "nothing").type([*arguments, "--from", "2022-09-28"])
    assert code == 0, printed
    assert "card-issued" in printed


def test_without_an_engine_a_command_says_so_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "wren.toml"
    file.write_text(MINIMAL)
    settings_in(tmp_path / "home")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "safeconduct"), "start", str(file)],
        cwd=ROOT,
        env={"SAFECONDUCT_HOME": str(tmp_path / "home"), "SAFECONDUCT_STAFF": "dana", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "safeconduct: the engine is not running: start it with `make run` (or `make demo`)\n"


def test_started_again_the_same_cases_go_on_and_nothing_is_imported_twice(tmp_path: Path) -> None:
    with running_demo(tmp_path) as first:
        before = {case["reference"] for case in json.loads(typed(first, "cases", "--json"))}
        typed(first, "record", "Sparrow", "checked-in")
    with running_demo(tmp_path) as second:
        assert "0 fictional cases imported, 6 were there already" in second.printed.read_text()
        assert {case["reference"] for case in json.loads(typed(second, "cases", "--json"))} == before
        events = json.loads(typed(second, "timeline", "Sparrow", "--json"))
        assert len({event["event_id"] for event in events}) == len(events)
        assert [event["fact"]["kind"] for event in events].count("checked-in") == 1
        typed(second, "record", "Sparrow", "checked-in")


def test_an_alert_is_raised_shown_answered_and_ended(demo: Demo) -> None:
    printed = typed(demo, "alert", "KZ", "--source", "Raids [Almaty]", "--level", "high", "--within", "6")
    number = int(re.findall(r"It has reached (\d+) open cases in KZ\.", printed)[0])
    assert number > 0
    (alert,) = re.findall(r"alert-raised \(country-watch, event ([0-9a-f]{8})\)", printed)
    shown = json.loads(typed(demo, "alert", "KZ", "--show", "--json"))
    assert [(one["reached"], one["source"]) for one in shown["alerts"]] == [(number, "Raids [Almaty]")]
    silent = {one["reference"]: one["coordinator"] for one in shown["unanswered"]}
    assert "Raids [Almaty]" in typed(demo, "alert", "KZ", "--show")
    assert "Who has not answered" in typed(demo, "alert", "KZ", "--show")
    answers = min(silent)
    typed(demo, "record", answers, "checked-in")
    assert answers not in typed(demo, "alert", "KZ", "--show")
    assert "Look at the alert for KZ" in typed(demo, "country", "KZ")
    assert json.loads(typed(demo, "country", "KZ", "--json"))["risk"] == "high"
    for slip in (" ", "-", alert[:3]):
        assert "safeconduct alert KZ --show" in refused(demo, "alert", "KZ", "--end", slip)
    assert "Nobody is asked" in typed(demo, "alert", "KZ", "--end", alert)
    assert "No alert is in force" in typed(demo, "alert", "KZ", "--show")
    assert "Nothing is recorded of MN yet" in typed(demo, "country", "MN")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("alert", "Kazakhstan", "--show"), "code of two letters"),
        (("alert", "KZ"), "raise an alert"),
        (("alert", "KZ", "--source", SECRET, "--show"), "raise an alert"),
        (("alert", "KZ", "--level", "high", "--within", "6"), "`--source`: is missing"),
        (("alert", "KZ", "--source", "a", "--level", "high"), "`--within`: is missing"),
        (("alert", "KZ", "--source", "a", "--level", SECRET, "--within", "6"), "`--level`"),
        (("alert", "KZ", "--source", "a", "--level", "high", "--within", "999"), "`--within`"),
        *(
            (("alert", "KZ", "--source", f"a{sign}b", "--level", "high", "--within", "6"), "`--source`: a sign in it")
            for sign in ("\n", "\x85", "\u2028", "\u202e", "\u2066")
        ),
        (("alert", "KZ", "--source", "a", "--level", "high", "--within", "6", "--region", "GE-TB"), "no region of KZ"),
        (("alert", "KZ", "--source", "a", "--level", "high", "--within", "6", "--until", "2001-01-01"), "past"),
        (("alert", "XQ", "--source", "a", "--level", "high", "--within", "6"), "is this the right code"),
        (("alert", "KZ", "--end", "ffff"), "none of this id here: `safeconduct alert KZ --show`"),
        *((("alert", "KZ", "--end", slip), "at least 4 digits") for slip in ("", " ", "-", "a", "-b-c-d-", "none")),
        (("country", "KZ", "risk-set", "--level", "low", "--review-on", "2001-01-01"), "after today"),
        (
            ("country", "KZ", "rule-change-in-force", "--change", "ffff"),
            "none of this id here: `safeconduct country KZ`",
        ),
        (("country", "KZ", "rule-change-in-force", "--change", "-"), "`safeconduct country KZ` lists them"),
        (("country", "MN", "acknowledged", "--duty", "none"), "no such duty here"),
        (("country", "KZ", "sung"), "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_about_a_country_is_one_clear_line(demo: Demo, arguments: tuple[str, ...], says: str) -> None:
    assert says in refused(demo, *arguments)
