"""Check-in links over real HTTP: the same bytes for every case and answer, no false thanks, nothing lost."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from domain.check_ins import Answer
from domain.errors import Erased
from records.check_in_links import ANSWERS, LIVES_ON, CheckInLinks
from records.errors import Unreachable
from runtime.check_in_door import LARGEST_FORM, PREFIX
from runtime.check_in_page import ASK, FAILED, OVER, RECEIVED
from runtime.embedded import free_port
from runtime.pages import pages
from runtime.settings import NotRunning, Settings, now
from tests.support.cards import write_case
from tests.support.keys import database_in, keys_in
from tests.support.pages import NOW, REFERENCE, WORDS, Door, on_the_wire, open_door, served

ANOTHER = "00000000011"
PERSONAL = (REFERENCE, ANOTHER, "safeconduct", "case", "danger", "duress", "check-in")
"""What no page may say, to whoever takes the phone."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as door:
        yield door


@pytest.fixture
def door(opened: Door) -> Door:
    """A door at which nobody has answered yet."""
    opened.recorded.answers.clear()
    opened.recorded.fails, opened.now = None, NOW
    return opened


def said(word: str) -> bytes:
    return f"word={quote_plus(word)}".encode()


def test_well_duress_and_unrecognised_are_the_same_bytes_on_the_wire(door: Door) -> None:
    answers = {
        word: on_the_wire(door.url, door.link(), said(word)) for word in ("зеленый чай", "чёрный чай", "кофе", "")
    }
    assert len(set(answers.values())) == 1, answers
    assert answers[""].startswith(b"HTTP/1.1 200 ")
    assert answers[""].endswith(RECEIVED)
    assert door.answers() == [Answer.WELL, Answer.DURESS, Answer.UNRECOGNISED, Answer.UNRECOGNISED]


def test_the_answer_is_the_same_whether_words_are_agreed_or_not_and_for_every_case(door: Door) -> None:
    wire = {
        on_the_wire(door.url, door.link(None), said("anything")),
        on_the_wire(door.url, door.link(reference=ANOTHER), said("anything")),
        on_the_wire(door.url, door.link(), b""),
    }
    assert len(wire) == 1


def test_the_page_is_the_same_bytes_for_every_case_whatever_was_agreed_or_answered_before(door: Door) -> None:
    used = door.link()
    on_the_wire(door.url, used, said("чёрный чай"))
    paths = (door.link(), door.link(None), door.link(reference=ANOTHER), door.link(hours=300), used)
    wire = {on_the_wire(door.url, path) for path in paths}
    assert len(wire) == 1
    assert wire.pop().endswith(ASK)


def test_no_answer_tells_the_time_a_name_or_how_it_is_built(door: Door) -> None:
    head = on_the_wire(door.url, door.link(), b"").partition(b"\r\n\r\n")[0].decode().lower()
    names = {line.partition(":")[0] for line in head.splitlines()[1:]}
    assert not names & {"date", "server", "set-cookie", "etag", "last-modified"}
    assert "cache-control: no-store" in head
    assert "referrer-policy: no-referrer" in head
    assert "default-src 'none'" in head
    assert "x-frame-options: deny" in head


@pytest.mark.parametrize("page", [ASK, RECEIVED, OVER, FAILED], ids=["ask", "received", "over", "failed"])
def test_the_pages_need_no_script_name_nobody_and_speak_four_languages(page: bytes) -> None:
    text = page.decode()
    assert not re.search(r"<script|javascript:|\son\w+=|https?://|<img|<link", text)
    assert set(re.findall(r'<p lang="(\w\w)">', text)) == {"en", "ru", "fr", "de"}
    shown = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL).lower()
    assert not [word for word in PERSONAL if word.lower() in shown]


def test_looking_never_uses_a_link_up(door: Door) -> None:
    path = door.link()
    with door.phone() as phone:
        for _ in range(ANSWERS + 3):
            assert phone.get(path).content == ASK
        assert door.recorded.answers == {}
        assert phone.post(path, data={"word": "зелёный чай"}).content == RECEIVED
    assert door.answers() == [Answer.WELL]


def test_the_same_answer_twice_counts_once_and_duress_counts_after_a_normal_answer(door: Door) -> None:
    path = door.link()
    with door.phone() as phone:
        for word in ("зелёный чай", "зелёный чай", "чёрный чай"):
            assert phone.post(path, data={"word": word}).content == RECEIVED
    assert list(door.recorded.answers.values()) == [(REFERENCE, Answer.WELL), (REFERENCE, Answer.DURESS)]


def test_nobody_is_thanked_for_a_second_answer_days_later_and_the_duress_word_counts_all_the_same(door: Door) -> None:
    path = door.link()
    assert on_the_wire(door.url, path, said("зелёный чай")).endswith(RECEIVED)
    door.now = NOW + LIVES_ON
    assert on_the_wire(door.url, path).endswith(OVER)
    wire = {on_the_wire(door.url, path, said(word)) for word in ("зелёный чай", "чёрный чай", "кофе")}
    assert len(wire) == 1
    assert wire.pop().endswith(OVER)
    assert door.answers() == [Answer.WELL, Answer.DURESS, Answer.UNRECOGNISED]


def test_an_alarming_answer_counts_again_for_what_the_first_one_began_may_be_over(door: Door) -> None:
    path = door.link()
    for word in ("кофе", "зелёный чай", "кофе", "чёрный чай", "чёрный чай"):
        assert on_the_wire(door.url, path, said(word)).endswith(RECEIVED)
    assert door.answers() == [Answer.UNRECOGNISED, Answer.WELL, Answer.UNRECOGNISED, Answer.DURESS, Answer.DURESS]


def test_nobody_is_thanked_for_an_answer_that_nobody_waits_for_as_the_path_is_closed(tmp_path: Path) -> None:
    with open_door(tmp_path) as door:
        write_case(tmp_path / "records.db", REFERENCE, is_open=False)
        path = door.link()
        assert on_the_wire(door.url, path).endswith(OVER)
        wire = {on_the_wire(door.url, path, said(word)) for word in ("зелёный чай", "чёрный чай", "")}
        assert len(wire) == 1
        assert wire.pop().endswith(OVER)


def test_words_can_not_be_tried_out_on_a_link(door: Door) -> None:
    path = door.link()
    with door.phone() as phone:
        for number in range(ANSWERS):
            assert phone.post(path, data={"word": str(number)}).content == RECEIVED
        assert phone.post(path, data={"word": "зелёный чай"}).content == OVER
        assert phone.get(path).content == OVER
    assert door.answers() == [Answer.UNRECOGNISED] * ANSWERS


def test_a_link_that_is_over_and_one_that_never_was_are_the_same_bytes(door: Door) -> None:
    paths = (door.link(hours=-1), "/c/" + "a" * 32, "/c/x", "/c/" + quote_plus("слово"))
    assert len({on_the_wire(door.url, path) for path in paths}) == 1
    answers = {on_the_wire(door.url, path, said("чёрный чай")) for path in paths}
    assert len(answers) == 1
    assert answers.pop().endswith(OVER)
    assert door.recorded.answers == {}


def test_an_erased_case_answers_as_a_link_that_is_over(door: Door) -> None:
    door.recorded.fails = Erased("gone")
    with door.phone() as phone:
        assert phone.post(door.link(), data={"word": "зелёный чай"}).content == OVER


@pytest.mark.parametrize("trouble", [NotRunning("down"), Unreachable("down"), TimeoutError(), RuntimeError("a defect")])
def test_thanks_are_never_said_for_what_was_not_committed(door: Door, trouble: Exception) -> None:
    path = door.link()
    door.recorded.fails = trouble
    wire = {on_the_wire(door.url, path, said(word)) for word in ("зелёный чай", "чёрный чай", "")}
    assert len(wire) == 1
    answer = wire.pop()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert answer.endswith(FAILED)
    door.recorded.fails = None
    with door.phone() as phone:
        assert phone.post(path, data={"word": "зелёный чай"}).content == RECEIVED


def test_without_records_every_page_says_not_received(tmp_path: Path) -> None:
    with open_door(tmp_path) as door, door.phone() as phone:
        path = door.link()
        door.database.close()
        (tmp_path / "records.db").rename(tmp_path / "taken")
        assert phone.get(path).content == FAILED
        assert phone.post(path, data={"word": "зелёный чай"}).content == FAILED


def test_without_an_engine_nothing_is_received_and_the_page_is_there_all_the_same(tmp_path: Path) -> None:
    with closing(database_in(tmp_path)) as database:
        port = free_port()
        path = PREFIX + CheckInLinks(database).issue(REFERENCE, now() + timedelta(hours=1), WORDS)
        url = f"http://127.0.0.1:{port}"
        with served(pages(Settings(home=tmp_path), database, keys_in(tmp_path)[0], port), port):
            assert on_the_wire(url, path).endswith(ASK)
            wire = {on_the_wire(url, path, said(word)) for word in ("зелёный чай", "чёрный чай", "")}
    assert len(wire) == 1
    assert wire.pop().endswith(FAILED)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"word", b"word=%ff", b"&" * 500, b"other=1"], ids=lambda body: repr(body[:8])
)
def test_a_form_that_is_none_is_no_sign_of_safety(door: Door, body: bytes) -> None:
    assert on_the_wire(door.url, door.link(), body).endswith(RECEIVED)
    assert door.answers() == [Answer.UNRECOGNISED]


def test_what_is_too_long_is_not_read(door: Door) -> None:
    assert on_the_wire(door.url, door.link(), b"word=" + b"a" * LARGEST_FORM).endswith(FAILED)
    assert door.recorded.answers == {}


@pytest.mark.parametrize("origin", ["null", "https://elsewhere.example"])
def test_old_browsers_that_do_not_say_where_a_form_comes_from_are_heard(door: Door, origin: str) -> None:
    with door.phone() as phone:
        answer = phone.post(door.link(), data={"word": "чёрный чай"}, headers={"origin": origin})
    assert answer.content == RECEIVED


def test_another_host_is_not_answered(door: Door) -> None:
    with door.phone() as phone:
        assert phone.get(door.link(), headers={"host": "elsewhere.example"}).status_code == 421


def test_answers_leave_on_whole_paces_alone(tmp_path: Path) -> None:
    pace = 0.2
    with open_door(tmp_path, pace) as door, door.phone() as phone:
        for word in ("зелёный чай", "чёрный чай"):
            elapsed = phone.post(door.link(), data={"word": word}).elapsed
            assert elapsed >= timedelta(seconds=pace)
