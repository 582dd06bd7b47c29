"""Channels against real receivers that give the answers which the other sides are known to give."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID

import pytest

from activities.notifications import registry
from activities.notifications.channel import Answer, Message, Outcome
from activities.notifications.email import PAUSE, Email, EmailSettings, Security
from activities.notifications.http import LONGEST_WAIT, retry_after
from activities.notifications.sentences import TEXTS
from activities.notifications.signal import RATE_LIMIT, Signal
from activities.notifications.webhook import Signed
from domain.colleagues import Address, Language
from domain.duties import Urgency
from domain.errors import NotUnderstood
from tests.support.answering import Said, http, smtp
from tests.support.certificates import Authority
from tests.support.watched import SECRET

ID = UUID("7d3c6f0e-6f7e-5d1c-9d0e-0c9f8b1f2a11")
HIS, OURS = "+4915200000000", "+4915211111111"
SENTENCE = TEXTS[Language.RUSSIAN][Urgency.ALARM]
MESSAGE = Message(ID, SENTENCE)
NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)

CAPTCHA = {
    "error": f'Failed to send (some) messages:\n{HIS}: CAPTCHA proof required for sending to "{HIS}", available '
    'options "RECAPTCHA, PUSH_CHALLENGE" with challenge token "26ccfae6", or wait "86400" seconds.\n'
}
LIMITED = {"error": "Failed to send message due to rate limiting", "challenge_tokens": [""], "account": OURS}
CHALLENGED = {**LIMITED, "challenge_tokens": ["26ccfae6"]}
WAIT_A_DAY = {"error": 'Rate limit exceeded, or wait "86400" seconds. Failed to send message due to rate limiting'}
WAIT_FOR_MONTHS = {"error": 'Rate limit exceeded, or wait "9999999" seconds'}
UNREGISTERED = {"error": f'Failed to send (some) messages:\n{HIS}: Unregistered user "{HIS}"\n1780171156320'}
UNTRUSTED = {"error": "Failed to send message due to untrusted identities"}
OLD_UNTRUSTED = {"error": f'Failed to send (some) messages:\nUntrusted Identity for "{HIS}"\n\n'}
NOT_OURS = {"error": f"User {OURS} is not registered.\n"}
NO_NETWORK = {"error": f'Failed to send (some) messages:\n{HIS}: Network failure for "{HIS}"\n1697566654816\n'}

KNOWN = {
    "it was taken": (Said(201, {"timestamp": "1780171156320"}), Outcome.ACCEPTED, None),
    "a captcha, in words": (Said(400, CAPTCHA), Outcome.NEEDS_A_HUMAN, None),
    "a captcha, as a token": (Said(429, CHALLENGED), Outcome.NEEDS_A_HUMAN, None),
    "a day's silence": (Said(429, LIMITED), Outcome.TRANSIENT, RATE_LIMIT),
    "a day's silence, in words": (Said(400, WAIT_A_DAY), Outcome.TRANSIENT, timedelta(seconds=86_400)),
    "four months' silence, in words": (Said(400, WAIT_FOR_MONTHS), Outcome.TRANSIENT, LONGEST_WAIT),
    "too much, with a time": (Said(429, None, {"retry-after": "90"}), Outcome.TRANSIENT, timedelta(seconds=90)),
    "an unregistered number": (Said(400, UNREGISTERED), Outcome.PERMANENT, None),
    "another safety number": (Said(400, UNTRUSTED), Outcome.NEEDS_A_HUMAN, None),
    "another safety number, of old": (Said(400, OLD_UNTRUSTED), Outcome.NEEDS_A_HUMAN, None),
    "our own number is gone": (Said(400, NOT_OURS), Outcome.NEEDS_A_HUMAN, None),
    "Signal out of reach": (Said(400, NO_NETWORK), Outcome.TRANSIENT, None),
    "words that nobody knows": (Said(400, {"error": "mumble"}), Outcome.PERMANENT, None),
    "it broke": (Said(500, {"error": "boom"}), Outcome.TRANSIENT, None),
}


def plain(answer: Answer) -> tuple[Outcome, timedelta | None]:
    return answer.outcome, answer.wait


@pytest.mark.parametrize("case", KNOWN)
def test_the_known_answers_of_signals_daemon_are_told_apart(case: str) -> None:
    said, outcome, wait = KNOWN[case]
    with http(said) as daemon:
        answer = Signal(daemon.url, OURS).deliver(HIS, MESSAGE)
    assert plain(answer) == (outcome, wait)
    assert not any(secret in answer.why for secret in (HIS, OURS, daemon.url, "26ccfae6"))
    assert [path for path, _, _ in daemon.calls] == ["/v2/send"]
    assert daemon.bodies() == [{"message": SENTENCE, "number": OURS, "recipients": [HIS]}]


@pytest.mark.parametrize(
    ("said", "outcome", "wait"),
    [
        (Said(204), Outcome.ACCEPTED, None),
        (Said(429, None, {"retry-after": "120"}), Outcome.TRANSIENT, timedelta(minutes=2)),
        (Said(503, None, {"retry-after": "3600"}), Outcome.TRANSIENT, timedelta(hours=1)),
        (Said(500), Outcome.TRANSIENT, None),
        *(
            (Said(status, None, {"location": "https://elsewhere.invalid"}), Outcome.NEEDS_A_HUMAN, None)
            for status in (301, 302, 303, 307, 308)
        ),
        (Said(410), Outcome.PERMANENT, None),
        (Said(401), Outcome.NEEDS_A_HUMAN, None),
    ],
)
def test_a_webhooks_answers_are_told_apart(said: Said, outcome: Outcome, wait: timedelta | None) -> None:
    with http(said) as receiver:
        answer = Signed(SECRET, lambda: NOW).deliver(f"{receiver.url}/hook", MESSAGE)
    assert plain(answer) == (outcome, wait)
    assert receiver.url not in answer.why
    assert "elsewhere" not in answer.why
    assert [headers["webhook-id"] for _, headers, _ in receiver.calls] == [str(ID)]


def test_nobody_there_is_transient() -> None:
    with http() as gone:
        pass
    assert Signed(SECRET, lambda: NOW).deliver(gone.url, MESSAGE).outcome is Outcome.TRANSIENT
    assert Signal(gone.url, OURS).deliver(HIS, MESSAGE).outcome is Outcome.TRANSIENT
    with smtp() as server:
        pass
    assert mail_to(server.port).outcome is Outcome.TRANSIENT


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        (format_datetime(NOW + timedelta(hours=2), usegmt=True), timedelta(hours=2)),
        (format_datetime(NOW - timedelta(hours=2), usegmt=True), timedelta()),
        ("99999999999999999999", None),
        ("9999999", LONGEST_WAIT),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOW) == wait


def mail_to(port: int, address: str = "dana@example.org", **more: object) -> Answer:
    given = {"host": "127.0.0.1", "port": port, "security": Security.NONE, "sender": "desk@example.org", **more}
    return Email(EmailSettings.model_validate(given)).deliver(address, MESSAGE)


def test_a_mail_holds_the_sentence_and_its_id() -> None:
    with smtp() as server:
        assert mail_to(server.port).outcome is Outcome.ACCEPTED
    (mail,) = server.taken
    assert mail.get_content().strip() == SENTENCE
    assert mail["subject"] == "Safeconduct"
    assert str(ID) in mail["message-id"]
    assert (mail["from"], mail["to"]) == ("desk@example.org", "dana@example.org")


@pytest.mark.parametrize(
    ("answers", "outcome", "wait"),
    [
        ({"CONNECT": "421 too busy"}, Outcome.TRANSIENT, PAUSE),
        ({"MAIL": "421 going away"}, Outcome.TRANSIENT, PAUSE),
        ({"RCPT": "450 try later"}, Outcome.TRANSIENT, PAUSE),
        ({"RCPT": "451 greylisted"}, Outcome.TRANSIENT, PAUSE),
        ({"END": "452 no room"}, Outcome.TRANSIENT, PAUSE),
        ({"RCPT": "550 nobody here"}, Outcome.PERMANENT, None),
        ({"END": "554 not wanted"}, Outcome.PERMANENT, None),
        ({"MAIL": "530 sign in first"}, Outcome.NEEDS_A_HUMAN, None),
        ({"MAIL": "550 who are you"}, Outcome.NEEDS_A_HUMAN, None),
        ({"AUTH": "535 wrong password"}, Outcome.NEEDS_A_HUMAN, None),
        ({"AUTH": "454 for now"}, Outcome.TRANSIENT, PAUSE),
        ({"AUTH": "535 unasked", "EHLO": "250 nothing else"}, Outcome.NEEDS_A_HUMAN, None),
        ({"CONNECT": "HTTP/1.1 502 Bad Gateway"}, Outcome.TRANSIENT, None),
    ],
)
def test_a_mail_servers_answers_are_told_apart(
    answers: dict[str, str], outcome: Outcome, wait: timedelta | None
) -> None:
    signs_in = {"user": "desk", "password": "made up"} if "AUTH" in answers else {}
    with smtp(answers) as server:
        answer = mail_to(server.port, **signs_in)
    assert plain(answer) == (outcome, wait)
    assert "@" not in answer.why


def test_a_mail_that_the_server_can_never_take_needs_a_human() -> None:
    with smtp() as server:
        assert plain(mail_to(server.port, security=Security.STARTTLS)) == (Outcome.NEEDS_A_HUMAN, None)
        assert plain(mail_to(server.port, "дана@example.org")) == (Outcome.NEEDS_A_HUMAN, None)
    assert server.taken == []


def test_a_mail_server_that_falls_silent_or_hangs_up_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.notifications.email.TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert plain(mail_to(silent.getsockname()[1])) == (Outcome.TRANSIENT, None)
    with smtp({"CONNECT": "220 ready", "EHLO": "221 bye", "HELO": "421 bye"}) as server:
        assert mail_to(server.port).outcome is Outcome.TRANSIENT


def test_a_mail_server_that_shows_a_certificate_of_nobody_gets_no_mail(tmp_path: Path) -> None:
    shown = Authority(tmp_path, "nobody").issue("mail")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    with smtp(tls=context) as server:
        answer = mail_to(server.port, security=Security.TLS)
    assert answer.outcome is not Outcome.ACCEPTED
    assert server.taken == []


@pytest.fixture
def nothing_set_up(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for kind in registry.kinds().values():
        for name in kind.settings:
            monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_channel_is_there_when_its_settings_are(nothing_set_up: pytest.MonkeyPatch) -> None:
    assert set(registry.kinds()) >= {"signal", "email", "webhook"}
    assert registry.carriers() == {}
    nothing_set_up.setenv("SAFECONDUCT_SIGNAL_URL", "http://127.0.0.1:8080")
    with pytest.raises(NotUnderstood, match="both"):
        registry.carriers()
    nothing_set_up.setenv("SAFECONDUCT_SIGNAL_NUMBER", "+49 152 11111111")
    nothing_set_up.setenv("SAFECONDUCT_EMAIL_HOST", "mail.example.org")
    nothing_set_up.setenv("SAFECONDUCT_EMAIL_SENDER", "desk@example.org")
    nothing_set_up.setenv("SAFECONDUCT_WEBHOOK_SECRET", SECRET)
    assert set(registry.carriers()) == {"signal", "email", "webhook"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAFECONDUCT_SIGNAL_URL", "http://signal.example.org"),
        ("SAFECONDUCT_EMAIL_SECURITY", "none"),
        ("SAFECONDUCT_EMAIL_PORT", "four"),
    ],
)
def test_a_way_that_others_could_read_or_that_makes_no_sense_is_refused(
    nothing_set_up: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for known, good in {
        "SAFECONDUCT_SIGNAL_URL": "https://signal.example.org",
        "SAFECONDUCT_SIGNAL_NUMBER": OURS,
        "SAFECONDUCT_EMAIL_HOST": "mail.example.org",
        "SAFECONDUCT_EMAIL_SENDER": "desk@example.org",
    }.items():
        nothing_set_up.setenv(known, good)
    assert set(registry.carriers()) == {"signal", "email"}
    nothing_set_up.setenv(name, value)
    with pytest.raises(NotUnderstood, match=name.rpartition("_")[2]):
        registry.carriers()


NO_MAIL = [
    f"email:{text}"
    for text in (
        "(x)@y",
        "дана@example.org",
        "dana@exämple.org",
        "a..b@c",
        ".a@b",
        "a@b..c",
        "a@[::1]",
        "a@b.",
        "a\\@b",
    )
]


@pytest.mark.parametrize(
    "text", ["signal:015200000000", "email:dana", *NO_MAIL, "webhook:http://example.org/hook", "fax:1", "x"]
)
def test_an_address_that_makes_no_sense_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NotUnderstood) as raised:
        registry.understood(Address.parse(text))
    assert text.partition(":")[2] == "" or text.partition(":")[2] not in raised.value.sentence


@pytest.mark.parametrize("to", ["dana@example.org", "o'neil.x+y@mail-1.example.org", "x@localhost", "_@1.example"])
def test_an_address_of_a_mail_that_is_let_in_can_be_delivered_to(to: str) -> None:
    assert registry.understood(Address.parse(f"email:{to}")).to == to
    with smtp() as server:
        assert mail_to(server.port, to).outcome is Outcome.ACCEPTED


HOSTILE = (
    "http://hooks.example.org/",
    "https://127.0.0.1/",
    "https://localhost/",
    "http://127.0.0.1:7233/",
    "http://[::1]:7233/",
    "https://10.0.0.1/",
    "https://[fd00::1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://hooks.example.org@127.0.0.1/",
    "https://user:secret@hooks.example.org/",
    "https://127.0.0.1#@hooks.example.org/",
    "https://127.0.0.1\\@hooks.example.org/",
    "https://hooks.example.org.evil.example/",
    "https://evil.example/?hooks.example.org",
    "https://hооks.example.org/",
    "https://hooks.example.org\t.evil.example/",
    "https://hooks.example.org:99999/",
    "//hooks.example.org/",
    "file:///etc/passwd",
    "ftp://hooks.example.org/",
    "https://",
    "",
)


@pytest.mark.parametrize("url", HOSTILE)
def test_s14_nothing_goes_to_a_host_that_is_not_allowed(nothing_set_up: pytest.MonkeyPatch, url: str) -> None:
    nothing_set_up.setenv("SAFECONDUCT_WEBHOOK_SECRET", SECRET)
    nothing_set_up.setenv("SAFECONDUCT_WEBHOOK_HOSTS", "hooks.example.org, other.example.org")
    assert registry.understood(Address.parse("webhook:https://hooks.example.org/a?b=c")).to.endswith("/a?b=c")
    with pytest.raises(NotUnderstood):
        registry.understood(Address.parse(f"webhook:{url}"))
    # one that got into the records all the same
    answer = registry.carriers()["webhook"].deliver(url, MESSAGE)
    assert answer == Answer(Outcome.NEEDS_A_HUMAN, "webhook: the host is not among those that are allowed")


def test_s14_a_redirect_is_not_followed() -> None:
    with http() as elsewhere, http(Said(307, None, {"location": f"{elsewhere.url}/v2/send"})) as first:
        assert Signed(SECRET, lambda: NOW).deliver(first.url, MESSAGE).outcome is Outcome.NEEDS_A_HUMAN
        assert Signal(first.url, OURS).deliver(HIS, MESSAGE).outcome is Outcome.NEEDS_A_HUMAN
    assert len(first.calls) == 2
    assert elsewhere.calls == []


def test_a_fourth_channel_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pigeon.py").write_text(
        "from activities.notifications.channel import ACCEPTED\n"
        "from activities.notifications.registry import Kind\n"
        "class Pigeon:\n"
        "    name = 'pigeon'\n"
        "    def deliver(self, address, message):\n"
        "        return ACCEPTED\n"
        "KIND = Kind('pigeon', 'loft', str.strip, Pigeon, ())\n"
    )
    import activities.notifications as package

    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    registry.kinds.cache_clear()
    try:
        assert registry.understood(Address.parse("pigeon: roof ")).to == "roof"
        assert registry.carriers()["pigeon"].deliver("roof", MESSAGE).outcome is Outcome.ACCEPTED
    finally:
        registry.kinds.cache_clear()
