"""The decoder over real HTTP: who is let in, what is answered, and what never leaves it."""

import asyncio
import dataclasses
import json
import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import temporalio.converter
from temporalio.client import Client

from runtime.decoder import LARGEST_BODY
from runtime.embedded import embedded_server, free_port
from runtime.sessions import ABSOLUTE_END, FREE_TRIES, IDLE_END, LONGEST_WAIT
from tests.support.decoding import LOCKED, PASSPHRASE, PERSON, Desk, StandInSeal, open_desk, sealed, text_of
from tests.support.rehearsal import eventually
from tests.support.servers import ROOT

NAME = "Иван Safonov"
STAY = "case/7K2M9/transit-stay/1"
RIGHT = {"person": PERSON, "passphrase": PASSPHRASE}
WRONG = {"person": PERSON, "passphrase": "три реки"}
PAGE = {"sec-fetch-mode": "navigate"}
"""What a browser says when a person opens an address."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as desk:
        yield desk


@pytest.fixture
def browser(desk: Desk) -> Iterator[httpx.Client]:
    """A browser whose person has signed in."""
    with desk.signed_in() as browser:
        yield browser


def decoded(browser: httpx.Client, *payloads: object, **headers: str) -> httpx.Response:
    """What the UI sends."""
    question = {"payloads": payloads}
    return browser.post("/decode?preserveStorageRefs=true", json=question, headers={"x-namespace": "default"} | headers)


def reveals_nothing(answer: httpx.Response) -> bool:
    """Neither the name, nor what was sent, nor anything of how it is built."""
    told = answer.text.lower()
    return not any(word in told for word in ("иван", "traceback", "payload", "error", "input", "/work"))


def test_who_has_signed_in_reads_what_is_sealed_and_the_reading_is_logged_under_their_name(
    desk: Desk, browser: httpx.Client
) -> None:
    answer = decoded(browser, sealed(NAME, STAY), sealed("b", "case/7K2M9"), sealed("c", "country/KZ"))
    assert answer.status_code == 200
    assert [text_of(one) for one in answer.json()["payloads"]] == [f'"{NAME}"', '"b"', '"c"']
    assert desk.readings == [(PERSON, {"case/7K2M9", "country/KZ"})]


def test_without_signing_in_nothing_is_decoded(desk: Desk) -> None:
    with desk.browser() as stranger:
        answer = decoded(stranger, sealed(NAME, STAY))
    assert answer.status_code == 401
    assert reveals_nothing(answer)
    assert desk.readings == []


def test_a_forged_cookie_is_nobodys(desk: Desk, browser: httpx.Client) -> None:
    ((name, token),) = browser.cookies.items()
    for forged in ("", "x", token[:-1], token + "x", token.swapcase()):
        with desk.browser() as forger:
            assert decoded(forger, sealed(NAME, STAY), cookie=f"{name}={forged}").status_code == 401
    assert desk.readings == []


def test_the_cookie_is_random_hidden_from_scripts_and_stays_on_this_site(desk: Desk) -> None:
    tokens = set()
    for _ in range(3):
        with desk.browser() as browser:
            cookie = browser.post("/login", data=RIGHT).headers["set-cookie"]
        first, *attributes = cookie.split("; ")
        assert {one.lower() for one in attributes} == {"httponly", "samesite=strict", "path=/"}
        name, token = first.split("=")
        assert name == f"safeconduct-{desk.port}"
        tokens.add(token)
    assert len(tokens) == 3
    assert min(len(token) for token in tokens) >= 256 / 6


def test_a_session_ends_when_nobody_reads(desk: Desk, browser: httpx.Client) -> None:
    for _ in range(3):
        desk.pass_time(IDLE_END - timedelta(seconds=1))
        assert decoded(browser, sealed(NAME, STAY)).status_code == 200
    desk.pass_time(IDLE_END)
    assert decoded(browser, sealed(NAME, STAY)).status_code == 401


def test_what_the_ui_asks_by_itself_keeps_no_session_open(desk: Desk, browser: httpx.Client) -> None:
    desk.pass_time(IDLE_END - timedelta(seconds=1))
    assert browser.get("/api/v1/settings").status_code == 502
    desk.pass_time(timedelta(seconds=1))
    assert browser.get("/api/v1/settings").status_code == 401


def test_a_session_ends_in_the_end_however_much_is_read(desk: Desk, browser: httpx.Client) -> None:
    steps = ABSOLUTE_END // (IDLE_END / 2)
    answers = []
    for _ in range(steps):
        answers.append(decoded(browser, sealed(NAME, STAY)).status_code)
        desk.pass_time(IDLE_END / 2)
    assert set(answers) == {200}
    assert decoded(browser, sealed(NAME, STAY)).status_code == 401


def test_a_clock_that_is_set_back_ends_a_session(desk: Desk, browser: httpx.Client) -> None:
    desk.pass_time(timedelta(minutes=-1))
    assert decoded(browser, sealed(NAME, STAY)).status_code == 401


def test_who_signs_out_is_out_with_a_copied_cookie_too(desk: Desk, browser: httpx.Client) -> None:
    copied = browser.cookies[f"safeconduct-{desk.port}"]
    out = browser.post("/logout")
    assert out.status_code == 303
    assert out.headers["location"] == "/login"
    assert decoded(browser, sealed(NAME, STAY)).status_code == 401
    assert decoded(browser, sealed(NAME, STAY), cookie=f"safeconduct-{desk.port}={copied}").status_code == 401


def test_signing_in_anew_ends_the_session_before(desk: Desk, browser: httpx.Client) -> None:
    before = browser.cookies[f"safeconduct-{desk.port}"]
    browser.post("/login", data=RIGHT)
    assert decoded(browser, sealed(NAME, STAY)).status_code == 200
    with desk.browser() as thief:
        assert decoded(thief, sealed(NAME, STAY), cookie=f"safeconduct-{desk.port}={before}").status_code == 401


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_another_name_for_this_machine_is_refused_before_anything_else(
    desk: Desk, browser: httpx.Client, host: str
) -> None:
    named = {"host": host.format(port=desk.port)}
    answers = [decoded(browser, sealed(NAME, STAY), **named)]
    answers += [browser.get(path, headers=named) for path in ("/", "/login", "/_app/version.json")]
    answers += [browser.post("/login", data=RIGHT, headers=named)]
    assert {answer.status_code for answer in answers} == {421}
    assert desk.readings == []
    assert len(desk.tried) == 1


@pytest.mark.parametrize(
    "origin", ["null", "http://127.0.0.1:8233", "https://127.0.0.1:{port}", "http://localhost:{port}"]
)
def test_a_page_from_elsewhere_can_neither_read_nor_sign_anybody_in_or_out(
    desk: Desk, browser: httpx.Client, origin: str
) -> None:
    foreign = {"origin": origin.format(port=desk.port)}
    answers = [decoded(browser, sealed(NAME, STAY), **foreign)]
    answers += [browser.post(path, data=RIGHT, headers=foreign) for path in ("/login", "/logout", "/api/v1/x")]
    answers += [browser.get(path, headers=foreign) for path in ("/", "/login", "/api/v1/x")]
    assert {answer.status_code for answer in answers} == {403}
    assert not any(name.startswith("access-control") for answer in answers for name in answer.headers)
    assert desk.readings == []
    assert len(desk.tried) == 1
    assert decoded(browser, sealed(NAME, STAY)).status_code == 200


def test_what_changes_something_must_say_where_it_comes_from(browser: httpx.Client) -> None:
    del browser.headers["origin"]
    assert decoded(browser, sealed(NAME, STAY)).status_code == 403
    assert browser.post("/login", data=RIGHT).status_code == 403
    assert browser.get("/login").status_code == 200


def test_a_browser_that_asks_whether_another_page_may_read_is_told_no(desk: Desk) -> None:
    asked = {
        "origin": "http://127.0.0.1:8233",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-namespace",
    }
    with desk.browser() as browser:
        answer = browser.options("/decode?preserveStorageRefs=true", headers=asked)
    assert answer.status_code == 403
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("path", ["/encode", "/download", "/encode?preserveStorageRefs=true"])
def test_nothing_is_ever_sealed_here(browser: httpx.Client, path: str) -> None:
    assert browser.post(path, json={"payloads": []}).status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/metrics"])
def test_there_are_no_pages_about_the_app(desk: Desk, browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 502  # passed on to the UI, which is not there
    with desk.browser() as stranger:
        assert stranger.get(path).status_code == 401


def test_a_body_beyond_the_limit_is_refused_whether_or_not_it_says_its_size(browser: httpx.Client) -> None:
    large = b'{"payloads": [' + b" " * LARGEST_BODY + b"]}"
    assert browser.post("/decode", content=large).status_code == 413
    assert browser.post("/decode", content=(part for part in (large[:9], large[9:]))).status_code == 413
    assert browser.post("/login", data={"person": "x" * 5000}).status_code == 413
    assert decoded(browser, sealed("x" * 1_000_000, STAY)).status_code == 200


GARBAGE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"payloads": 3}',
    b'{"payloads": {"a": "%s"}}' % NAME.encode(),
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"payloads": [NaN]}',
    rb'{"payloads": ["\ud800"]}',
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_without_being_shown_again(desk: Desk, browser: httpx.Client, body: bytes) -> None:
    answer = browser.post("/decode", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 500)
    assert reveals_nothing(answer)
    assert desk.readings == []


def test_a_form_that_is_none_signs_nobody_in(desk: Desk) -> None:
    with desk.browser() as browser:
        for body in (b"\xff=\xff", b"%ff=%ff", b"&".join(b"a=1" for _ in range(100)), b""):
            assert browser.post("/login", content=body).status_code in (400, 401)
    assert desk.tried == []


FOREIGN: list[Any] = [
    {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IngiCg=="},
    {"metadata": {"encoding": "YmluYXJ5L3NlYWxlZA=="}, "data": "AAAA"},
    {"metadata": {"encoding": "?"}, "data": 3},
    {"unknown": True},
    {},
    None,
    "text",
    [],
]


def test_what_cannot_be_opened_goes_back_as_it_came_and_is_no_reading(desk: Desk, browser: httpx.Client) -> None:
    locked, swapped = sealed(NAME, LOCKED), sealed(NAME, STAY)
    swapped["metadata"]["workflow-id"] = sealed("", "case/8XXX8")["metadata"]["workflow-id"]
    unopened = [*FOREIGN, locked, swapped]
    answer = decoded(browser, *unopened)
    assert answer.status_code == 200
    assert answer.json()["payloads"] == unopened
    assert desk.readings == []


def test_one_payload_that_cannot_be_opened_does_not_keep_the_others_shut(desk: Desk, browser: httpx.Client) -> None:
    locked = sealed(NAME, f"{LOCKED}/safety/1")
    first, second = decoded(browser, locked, sealed("b", STAY)).json()["payloads"]
    assert first == locked
    assert text_of(second) == '"b"'
    assert desk.readings == [(PERSON, {"case/7K2M9"})]


def test_a_reading_that_cannot_be_logged_does_not_happen(
    desk: Desk, browser: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    desk.log_fails = True
    answer = decoded(browser, sealed(NAME, STAY))
    assert answer.status_code == 503
    assert reveals_nothing(answer)
    assert "OSError" in caplog.text
    assert "Иван" not in caplog.text


def test_no_request_leaves_a_line_in_any_log_and_no_fault_its_text(
    browser: httpx.Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)  # the test's own browser
    decoded(browser, sealed(NAME, STAY))
    browser.post("/decode", content=b'{"payloads": ["%s\\ud800"]}' % NAME.encode())
    browser.get(f"/namespaces/default?query={NAME}")
    assert "UnicodeEncodeError" in caplog.text
    assert [word for word in ("Иван", "Safonov", "%D0", PERSON, PASSPHRASE) if word in caplog.text] == []


def test_every_answer_forbids_the_browser_what_it_need_not_do(desk: Desk, browser: httpx.Client) -> None:
    with desk.browser() as stranger:
        answers = [stranger.get("/login"), stranger.get("/"), stranger.get("/", headers=PAGE), stranger.options("/")]
    answers += [decoded(browser, sealed(NAME, STAY)), decoded(browser, host="x"), browser.post("/decode")]
    answers += [browser.post("/encode"), browser.get("/api/v1/x"), browser.put("/login"), browser.post("/logout")]
    assert len({answer.status_code for answer in answers}) >= 7
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "server" not in answer.headers


def test_the_sign_in_page_has_no_script_and_shows_names_in_any_alphabet_as_they_were_typed(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get("/login").text
        assert "<script" not in page
        assert 'method="post" action="/login"' in page
        again = browser.post("/login", data={"person": 'Оля "<b>', "passphrase": PASSPHRASE})
    assert again.status_code == 401
    assert 'value="Оля &quot;&lt;b&gt;"' in again.text
    assert PASSPHRASE not in again.text


def test_after_signing_in_one_goes_on_where_one_wanted_to(desk: Desk) -> None:
    page = f"/namespaces/default/workflows/{STAY.replace('/', '%2F')}?tab=1"
    with desk.browser() as browser:
        asked = browser.get(page, headers=PAGE)
        assert asked.status_code == 303
        form = browser.get(asked.headers["location"]).text
        assert f'value="{desk.url}{page}"' in form
        answer = browser.post("/login", data=RIGHT | {"back": desk.url + page})
    assert answer.headers["location"] == desk.url + page


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "http://127.0.0.1:{port}@evil.example/"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(desk: Desk, elsewhere: str) -> None:
    with desk.browser() as browser:
        answer = browser.post("/login", data=RIGHT | {"back": elsewhere.format(port=desk.port)})
    assert answer.headers["location"] == "/"


def test_guessing_is_slowed_down_until_it_is_hopeless_and_a_slip_costs_nothing(desk: Desk) -> None:
    waits = []
    with desk.browser() as browser:
        for tried in range(14):
            if tried < FREE_TRIES:
                assert browser.post("/login", data=WRONG).status_code == 401
                continue
            refused = browser.post("/login", data=RIGHT)
            assert refused.status_code == 429
            waits.append(int(refused.headers["retry-after"]))
            desk.pass_time(timedelta(seconds=waits[-1]))
            assert browser.post("/login", data={"person": "mallory", "passphrase": "guess"}).status_code == 401
        assert waits == sorted(waits)
        assert waits[0] < 10
        assert waits[-1] == LONGEST_WAIT.total_seconds() + 1
        desk.pass_time(LONGEST_WAIT)
        assert browser.post("/login", data=RIGHT).status_code == 303
        assert browser.post("/login", data=WRONG).status_code == 401  # forgiven: no wait


def test_guesses_sent_all_at_once_are_counted_one_by_one(desk: Desk) -> None:
    with desk.browser() as browser, ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda _: browser.post("/login", data=WRONG).status_code, range(32)))
    assert answers.count(401) == len(desk.tried) == FREE_TRIES
    assert answers.count(429) == 32 - FREE_TRIES


def test_it_listens_on_loopback_alone(desk: Desk) -> None:
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, desk.port), 2)


@contextmanager
def decoder_process(ui: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A decoder as a process of its own, that listens."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.decoding", str(port), ui]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=9)) as waiting:
                waiting.get(f"http://127.0.0.1:{port}/login")
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_told_to_even_while_somebody_waits_for_the_ui(number: signal.Signals) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        decoder_process(f"http://127.0.0.1:{silent.getsockname()[1]}") as (process, url),
        httpx.Client(base_url=url, headers={"origin": url}, timeout=90) as browser,
        ThreadPoolExecutor() as pool,
    ):
        assert browser.post("/login", data=RIGHT).status_code == 303
        waiting = pool.submit(browser.get, "/api/v1/settings")
        held, _ = silent.accept()
        with held:
            process.send_signal(number)
            assert process.wait(60) == 0  # the browser would wait for longer
            assert waiting.exception() is not None or waiting.result().status_code >= 500


def test_a_port_that_is_taken_is_said_in_one_line(desk: Desk) -> None:
    taken = [sys.executable, "-m", "tests.support.decoding", str(desk.port), "http://127.0.0.1:9"]
    ended = subprocess.run(taken, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert f"port {desk.port} is taken" in ended.stderr


async def test_the_real_ui_works_behind_it_with_the_calls_that_its_pages_make(tmp_path: Path) -> None:
    port, ui_port = free_port(), free_port()
    with open_desk(f"http://127.0.0.1:{ui_port}") as desk:
        async with embedded_server(tmp_path / "temporal.db", port, ui_port, "--ui-codec-endpoint", desk.url):
            seal = dataclasses.replace(temporalio.converter.default(), payload_codec=StandInSeal(STAY))
            client = await Client.connect(f"127.0.0.1:{port}", data_converter=seal)
            await client.start_workflow("transit-stay", NAME, id=STAY, task_queue="nobody")
            await ui_reaches_its_engine(f"http://127.0.0.1:{ui_port}")
            await asyncio.to_thread(walk_through_the_ui, desk)


async def ui_reaches_its_engine(ui: str) -> None:
    """Its first try comes before the engine's port opens, the next a second later."""
    async with httpx.AsyncClient(base_url=ui, trust_env=False) as asking:

        async def reaches() -> bool:
            return (await asking.get("/api/v1/namespaces/default")).status_code == 200

        await eventually(reaches, "the UI reaches its engine")


def walk_through_the_ui(desk: Desk) -> None:
    """What Chromium was seen to ask of UI 2.54.1 for one case, from the first page to the decoded payload."""
    case = f"/api/v1/namespaces/default/workflows/{STAY.replace('/', '%2F')}"
    with desk.browser() as stranger:
        assert {stranger.get(path).status_code for path in (case, "/_app/../api/v1/settings", "/")} == {401}
    with desk.signed_in() as browser:
        del browser.headers["origin"]  # browsers leave it out of their own GETs
        page = browser.get(f"/namespaces/default/workflows/{STAY.replace('/', '%2F')}", headers=PAGE)
        assert page.status_code == 200
        assert f"{PERSON} · Sign out" in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        rendered = browser.get("/render?content=stay-limit", headers={"sec-fetch-dest": "iframe"} | PAGE)
        assert "stay-limit" in rendered.text
        assert "Sign out" not in rendered.text
        assert rendered.headers["x-frame-options"] == "SAMEORIGIN"
        assert "default-src 'none'" in rendered.headers["content-security-policy"]
        assert browser.get("/api/v1/settings").json()["Codec"]["Endpoint"] == desk.url
        described = browser.get(case).json()
        assert described["workflowExecutionInfo"]["execution"]["workflowId"] == STAY
        history = browser.get(f"{case}/history-reverse?maximumPageSize=1000&waitNewEvent=false").text
        assert NAME not in history
        started = json.loads(history)["history"]["events"][-1]["workflowExecutionStartedEventAttributes"]
        answer = decoded(browser, *started["input"]["payloads"], origin=desk.url)
        assert [text_of(one) for one in answer.json()["payloads"]] == [json.dumps(NAME)]
        assert desk.readings == [(PERSON, {"case/7K2M9"})]
        assert browser.get(f"{case}/history?waitNewEvent=true").status_code == 200
        change = {"origin": desk.url, "x-csrf-token": browser.cookies.get("_csrf") or "", "caller-type": "operator"}
        assert browser.post(f"{case}/cancel", json={}, headers=change).status_code == 200
        programs = re.findall(r"/_app/[^\"']+\.js", page.text)
    assert programs
    with desk.browser() as stranger:
        assert {stranger.get(program).status_code for program in programs} == {200}
