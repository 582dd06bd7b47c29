"""`duties --ics`: read by a calendar's own library, and nothing of a case in it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlmodel import Session
from typer.testing import CliRunner

from activities.notifications.sentences import TEXTS
from domain.colleagues import Address, Colleague, Language, Role
from domain.duties import Urgency
from domain.references import Phase, make_reference, phase_stream
from records.board import text
from records.colleagues import Colleagues
from records.models import DutyRow
from runtime.calendar import calendar, escaped, folded
from starter import app
from tests.support.intakes import fresh_reference_bits
from tests.support.keys import database_in, keys_in

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
TITLE = "Planted title of a duty"


def a_duty(number: int, due: datetime) -> DutyRow:
    reference = make_reference(fresh_reference_bits)
    return DutyRow(
        stream=phase_stream(reference, Phase.TRANSIT_STAY, 1),
        duty=f"stay-limit.{number}",
        reference=reference,
        phase="transit-stay",
        title=TITLE,
        due=text(due),
        bound="staff",
        consequence="danger",
        rule="planted-rule",
        doubt="planted doubt",
        emergency=False,
        level=None,
        fired_at=None,
        acknowledged=False,
        passed_over=False,
        next_at=None,
        country="KZ",
        calls=None,
    )


def entries(content: str) -> list[tuple[str, datetime, str]]:
    """Of each entry its id, its instant and its text, as a calendar reads them."""
    found = Calendar.from_ical(content).walk("VEVENT")
    return [(str(one["UID"]), one.decoded("DTSTART"), str(one["SUMMARY"])) for one in found]


def keyed(content: bytes) -> str:
    return content.hex()[::-1]


@pytest.mark.parametrize("language", list(Language))
def test_a_calendar_is_read_as_it_was_meant_in_every_language(language: Language) -> None:
    chance, sentence = Random(5), TEXTS[language][Urgency.ALARM]
    duties = [a_duty(number, NOW + timedelta(minutes=chance.randrange(10**6))) for number in range(50)]
    content = calendar(duties, sentence, keyed, NOW)
    assert [(due, said) for _, due, said in entries(content)] == [
        (datetime.fromisoformat(duty.due), sentence) for duty in duties
    ]
    assert len({uid for uid, _, _ in entries(content)}) == len(duties)
    lines = content.split("\r\n")
    assert lines[-1] == ""
    assert not [line for line in lines if len(line.encode()) > 75 or "\n" in line]


def test_where_nothing_is_due_the_calendar_is_one_all_the_same() -> None:
    content = calendar([], TEXTS[Language.ENGLISH][Urgency.ALARM], keyed, NOW)
    assert entries(content) == []
    assert Calendar.from_ical(content).subcomponents  # RFC 5545, 3.6: one at least


def test_a_duty_that_moves_keeps_its_entry() -> None:
    duty = a_duty(1, NOW)
    ((before, _, _),) = entries(calendar([duty], "x", keyed, NOW))
    duty.due = text(NOW + timedelta(days=9))
    ((after, due, _),) = entries(calendar([duty], "x", keyed, NOW + timedelta(hours=1)))
    assert (after, due) == (before, NOW + timedelta(days=9))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300))
def test_whatever_is_folded_and_escaped_is_read_again(said: str) -> None:
    parts = list(folded(f"SUMMARY:{escaped(said)}"))
    assert all(len(part.encode()) <= 75 for part in parts)
    ((_, _, read),) = entries(calendar([a_duty(1, NOW)], said, keyed, NOW))
    assert read == said


def test_a_calendar_holds_instants_and_one_sentence_and_nothing_of_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, (keys, *_) = database_in(tmp_path), keys_in(tmp_path)
    duties = [a_duty(number, NOW + timedelta(days=number)) for number in range(60)]
    planted = {TITLE, "planted", "KZ", "stay-limit", "transit", *(duty.reference for duty in duties)}
    with database.writing() as connection, Session(bind=connection, expire_on_commit=False) as session:
        session.add_all(duties)
        session.flush()
        session.expunge_all()
    way = Address(channel="signal", to="+4915200000001")
    Colleagues(database, keys).put(
        Colleague(name="dana", role=Role.COORDINATOR, language=Language.RUSSIAN, channels=(way,))
    )
    database.close()
    monkeypatch.setenv("SAFECONDUCT_HOME", str(tmp_path))
    monkeypatch.setenv("SAFECONDUCT_STAFF", "dana")
    result = CliRunner().invoke(app, ["duties", "--ics"], catch_exceptions=False)
    content = result.stdout_bytes.decode()
    found = entries(content)
    assert len(found) == len(duties)
    assert {said for _, _, said in found} == {TEXTS[Language.RUSSIAN][Urgency.ALARM]}
    assert all(re.fullmatch(r"[0-9a-f]{64}", uid) for uid, _, _ in found)
    assert not [word for word in planted if word in content.replace("\r\n ", "")]
