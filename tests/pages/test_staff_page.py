"""The staff page over real HTTP: who comes in, what is shown, and what is taken in hand under whose name."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from domain.colleagues import Address, Colleague, Role
from domain.erasing import ERASURE
from domain.errors import Refused
from domain.references import Phase, phase_stream
from records.board import Board, Need
from runtime.sessions import FREE_TRIES, IDLE_END
from runtime.settings import NotRunning
from runtime.staff_page import staff_page
from tests.support.cards import duty
from tests.support.pages import DUE, PASSPHRASE, REFERENCE, Staff, open_staff

SAFETY = phase_stream(REFERENCE, Phase.SAFETY, 1)
DURESS = duty("duress", "The person answered under <duress>", DUE, fired_at=DUE)
ROUTINE = DURESS.model_copy(update={"duty": "check-in", "title": "The person has not checked in", "emergency": False})
LATER = DURESS.model_copy(update={"duty": "review", "title": "Review", "fired_at": None, "level": None})
TAKE = {"stream": SAFETY, "duty": "duress"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    with open_staff(tmp_path_factory.mktemp("staff"), DURESS, ROUTINE, LATER) as staff:
        yield staff


@pytest.fixture
def staff(opened: Staff) -> Staff:
    """The pages, an hour after the test before: nobody has to wait, and nobody is signed in any more."""
    opened.taken.clear()
    opened.fails = None
    opened.now += timedelta(hours=1)
    return opened


@pytest.fixture
def phone(staff: Staff) -> Iterator[httpx.Client]:
    """A phone whose owner has signed in."""
    with staff.phone() as phone:
        assert staff.sign_in(phone) == 303
        yield phone


def test_nothing_is_shown_or_taken_before_somebody_has_signed_in(staff: Staff) -> None:
    with staff.phone() as stranger:
        for answer in (stranger.get("/"), stranger.post("/take", data=TAKE)):
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
            assert REFERENCE not in answer.text
        for person, passphrase in (("dana", "three rivers"), ("eli", PASSPHRASE), ("nobody", PASSPHRASE), ("", "")):
            assert staff.sign_in(stranger, person, passphrase) in (401, 429)
        assert stranger.get("/").status_code == 303
    assert staff.taken == []


def test_what_needs_a_human_is_shown_emergencies_first_and_without_script(phone: httpx.Client) -> None:
    text = phone.get("/").text
    assert re.findall(r"<h2>(.*?)</h2>", text) == [
        "<strong>Emergency.</strong> The person answered under &lt;duress&gt; (danger)",
        "The person has not checked in (danger)",
    ]
    assert text.count("Take in hand</button>") == 2
    assert REFERENCE in text
    assert "dana is responsible" in text
    assert not re.search(r"<script|\son\w+=|https?://|<img|<link", text)


def test_who_presses_the_button_takes_it_in_hand_under_their_own_name(staff: Staff, phone: httpx.Client) -> None:
    answer = phone.post("/take", data=TAKE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert staff.taken == [(SAFETY, "duress", "dana")]


@pytest.mark.parametrize("form", [{}, {"stream": SAFETY, "duty": "review"}, {"stream": "case/X", "duty": "duress"}])
def test_what_needs_nobody_is_not_taken(staff: Staff, phone: httpx.Client, form: dict[str, str]) -> None:
    assert phone.post("/take", data=form).status_code == 303
    assert staff.taken == []


@pytest.mark.parametrize("trouble", [NotRunning("the engine does not answer"), Refused("the path is closed")])
def test_what_was_not_recorded_is_said_and_stands_there_still(
    staff: Staff, phone: httpx.Client, trouble: Exception
) -> None:
    staff.fails = trouble
    answer = phone.post("/take", data=TAKE)
    assert answer.status_code == 503
    assert f"Not recorded: {trouble}" in answer.text
    assert "&lt;duress&gt;" in answer.text


@pytest.mark.parametrize("headers", [{"origin": "https://elsewhere.example"}, {"origin": "null"}])
def test_no_page_of_somebody_else_presses_the_button(
    staff: Staff, phone: httpx.Client, headers: dict[str, str]
) -> None:
    assert phone.post("/take", data=TAKE, headers=headers).status_code == 403
    assert staff.taken == []


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites_and_needs_tls_outside(staff: Staff) -> None:
    form = {"person": "dana", "passphrase": PASSPHRASE}
    outside = {"host": "check.example.org", "origin": "https://check.example.org"}
    with staff.phone() as phone:
        here = phone.post("/login", data=form).headers["set-cookie"].lower()
        there = phone.post("/login", data=form, headers=outside).headers["set-cookie"].lower()
    assert "httponly" in here
    assert "samesite=strict" in here
    assert "secure" not in here
    assert "secure" in there


def test_failing_keeps_out_whoever_fails_and_no_colleague(staff: Staff) -> None:
    with staff.phone() as phone:
        codes = [staff.sign_in(phone, "eli", "three rivers") for _ in range(FREE_TRIES + 1)]
        assert (codes[0], codes[-1]) == (401, 429)
        assert [staff.sign_in(phone, name) for name in ("x", "y", "z", "w")][-1] == 429
        assert staff.sign_in(phone) == 303


def test_a_session_ends_by_itself_at_the_button_with_another_passphrase_and_when_its_owner_leaves(
    staff: Staff, phone: httpx.Client
) -> None:
    assert phone.get("/").status_code == 200
    staff.now += IDLE_END
    assert phone.get("/").status_code == 303
    assert staff.sign_in(phone) == 303
    assert phone.post("/logout").status_code == 303
    assert phone.get("/").status_code == 303
    assert staff.sign_in(phone) == 303
    staff.colleagues.sign_in_with("dana", PASSPHRASE)
    assert phone.get("/").status_code == 303
    assert staff.sign_in(phone) == 303
    staff.colleagues.remove("dana")
    assert phone.get("/").status_code == 303
    assert phone.post("/take", data=TAKE).headers["location"] == "/login"
    assert staff.taken == []
    put_back(staff)


def put_back(staff: Staff) -> None:
    """Dana is at the desk again, with her first passphrase."""
    address = Address(channel="email", to="dana@example.org")
    staff.colleagues.put(Colleague(name="dana", role=Role.COORDINATOR, channels=(address,)))
    staff.colleagues.sign_in_with("dana", PASSPHRASE)


def test_a_passphrase_lies_sealed_stays_when_other_things_change_and_goes_with_its_owner(staff: Staff) -> None:
    desk = staff.colleagues
    address = Address(channel="email", to="dana@example.net")
    desk.put(Colleague(name="dana", role=Role.DESK, channels=(address,)))
    assert desk.proves("dana", PASSPHRASE)
    assert not desk.proves("dana", PASSPHRASE + ".")
    desk.sign_in_with("dana", "ещё семь других рек")
    assert not desk.proves("dana", PASSPHRASE)
    desk.remove("dana")
    desk.put(Colleague(name="dana", role=Role.DESK, channels=(address,)))
    assert not desk.proves("dana", "ещё семь других рек")
    put_back(staff)


def test_without_records_it_says_so_and_nothing_is_recorded(tmp_path: Path) -> None:
    with open_staff(tmp_path, DURESS) as staff, staff.phone() as phone:
        assert staff.sign_in(phone) == 303
        staff.database.close()
        (tmp_path / "records.db").rename(tmp_path / "taken")
        for answer in (phone.get("/"), phone.post("/take", data=TAKE), phone.post("/login", data={"person": "dana"})):
            assert answer.status_code == 503
            assert "Nothing was recorded." in answer.text
        assert staff.taken == []


def test_nothing_due_is_said_too(tmp_path: Path) -> None:
    with open_staff(tmp_path) as staff, staff.phone() as phone:
        assert staff.sign_in(phone) == 303
        assert "Nothing needs a human now." in phone.get("/").text


def test_the_page_says_of_when_it_is(staff: Staff, phone: httpx.Client) -> None:
    ago = int((staff.now - DUE).total_seconds() // 3600)
    assert f"{DUE:%Y-%m-%d %H:%M}, {ago} h ago" in phone.get("/").text
    assert f"{staff.now:%Y-%m-%d %H:%M} UTC" in phone.get("/").text


def test_what_two_persons_decide_has_no_button_and_what_is_not_shown_is_counted(staff: Staff) -> None:
    [need, *_] = Board(staff.database).needs_a_human(staff.now)
    erasure = Need(need.duty.model_copy(update={"phase": ERASURE}), None, is_overdue=True)
    text = staff_page("dana", [need, erasure], 52, staff.now)
    assert text.count("Take in hand</button>") == 1
    assert "safeconduct erase" in text
    assert "nobody is responsible" in text
    assert "50 more" in text
