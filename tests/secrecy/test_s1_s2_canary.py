"""S1, S2: planted values stand in no byte outside ciphertext, neither after a full run nor after some thirty faults.

A whole installation runs, as ``make run`` starts it, with a channel, a receiver of telemetry and a folder for temporary
files that are all read in the end.
"""

import asyncio
import base64
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from temporalio.client import (
    Client,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from domain.references import Phase, case_stream, phase_stream
from records.sealing import fresh_key
from runtime.keys import MASTER_KEY, begin
from runtime.settings import Running, Settings
from tests.support.demo import wait_until
from tests.support.intakes import MINIMAL
from tests.support.receiver import Receiver, receiver
from tests.support.searching import Trace, files_below, leaks
from tests.support.terminal import CTRL_C, Terminal, Typist, typist
from tests.support.watched import SECRET, Outside, outside

PASSPHRASE = "семь тихих рек"
NICKNAME, NAME, LATIN = "Канарейка", "Иван Вымыслов", "Plantedsson"
PHONE, DOCUMENT, CHANNEL = "+77005550102", "N7654321X", "@planted-channel"
NOTE, RELATIVE = "heard by planted-ear", "Марфа Подставнова"
WELL, DURESS = "Plantedtea", "Посаженный чай"
PLANTED = (NICKNAME, NAME, LATIN, PHONE, DOCUMENT, CHANNEL, "planted-ear", RELATIVE, WELL, DURESS)

INTAKE = (
    MINIMAL.replace("Wren", NICKNAME)
    + f"""
[identity]
name = "{NAME} {LATIN}"
phone = "{PHONE}"
documents = "passport {DOCUMENT}"
channels = "Signal {CHANNEL}"
"""
)


@dataclass
class Lived:
    """What was written while a case was lived, and while it was harmed.

    Attributes:
        calm: after the run.
        harmed: after the faults.
        injected: the names of the faults.
        refused: of each mistake at the command line, what it printed.
    """

    calm: list[Trace] = field(default_factory=list)
    harmed: list[Trace] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Installation:
    """A running installation, and all that it writes to."""

    folder: Path
    here: Typist
    screen: Terminal
    channel: Outside
    telemetry: Receiver
    reference: str = ""

    @property
    def running(self) -> Running:
        return Settings(home=self.folder / "home").running()

    def traces(self) -> list[Trace]:
        """Everything written so far. The files are copied first: they are in use."""
        copy = self.folder / "copies" / str(uuid4())
        shutil.copytree(self.folder / "home", copy / "home")
        shutil.copytree(self.folder / "tmp", copy / "tmp", ignore=shutil.ignore_patterns("agent", "listener-*"))
        self.screen._more()
        return [
            *files_below(copy),
            Trace("the terminal", self.screen.printed.encode()),
            *(Trace("telemetry", body) for body in self.telemetry.raw),
            *(Trace("a notice", repr(headers).encode() + body) for headers, body in self.channel.notices),
            *(Trace("a history", text.encode()) for text in asyncio.run(histories(self.running))),
        ]


async def histories(running: Running) -> list[str]:
    """Every history, and every entry of the list, as somebody without keys exports them."""
    client = await Client.connect(running.address)
    found = []
    async for one in client.list_workflows():
        found.append(str(one.raw_info))
        handle = client.get_workflow_handle(one.id, run_id=one.run_id)
        found.append((await handle.fetch_history()).to_json())
    return found


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder, master = tmp_path_factory.mktemp("canary"), fresh_key()
    (folder / "tmp").mkdir()
    (folder / "intake.toml").write_text(INTAKE)
    settings, found = Settings(home=folder / "home"), Lived()
    begin(settings, master, None, {"dana": PASSPHRASE, "timur": PASSPHRASE})
    with typist(folder) as typing, outside() as channel, receiver() as telemetry:
        here = typing.at(settings.folder)
        here.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetry.url
        here.environment["TMPDIR"] = str(folder / "tmp")
        given = {
            MASTER_KEY: master.hex(),
            "SAFECONDUCT_WEBHOOK_URL": f"{channel.url}/hook",
            "SAFECONDUCT_WEBHOOK_SECRET": SECRET,
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
        }
        with here.typing("up", "--free-ports", environment=given) as screen:
            screen.reads("Ctrl-C stops everything.")
            place = Installation(folder, here, screen, channel, telemetry)
            live(place)
            found.calm = place.traces()
            for name, harm in FAULTS.items():
                harm(place)
                found.injected.append(name)
            found.refused = [here.types(*mistake) for mistake in mistakes(folder)]
            wait_until(lambda: type_ok(here, "status", NICKNAME), 40, "the case goes on")
            found.harmed = place.traces()
            screen.types(CTRL_C, end="")
            screen.reads_to_the_end()
            assert here.code_of(screen) == 0
        found.harmed += [*files_below(settings.folder), Trace("the terminal", screen.printed.encode())]
        yield found


def type_ok(here: Typist, *arguments: str) -> bool:
    return here.types(*arguments)[0] == 0


def live(place: Installation) -> None:
    """A person is taken in, enters, asks, is vetted, is detained, and is read of."""
    for command in (
        ("start", str(place.folder / "intake.toml")),
        ("record", NICKNAME, "entered", "--on", "2026-09-03", "--note", f"{NOTE} {RELATIVE}"),
        ("record", NICKNAME, "approached", "--country", "FR", "--on", "2026-09-10"),
        ("record", NICKNAME, "pledged", "--country", "FR", "--on", "2026-10-01"),
        ("record", NICKNAME, "finding-proposed", "--finding", "cleared", "--as", "vera"),
        ("record", NICKNAME, "finding-approved", "--as", "timur", "--note", LATIN),
        ("record", NICKNAME, "detained", "--by", "police", "--on", "2026-11-20"),
        ("status", NICKNAME),
        ("timeline", NICKNAME),
        ("person", NICKNAME),
        ("cases",),
        ("simulate", NICKNAME, "--days", "60"),
    ):
        code, printed = place.here.types(*command)
        assert code == 0, (command, printed)
    place.reference = str(json.loads(place.here.types("cases", "--json")[1])[0]["reference"])
    wait_until(lambda: len(place.channel.notices) > 0, 20, "the channel was told")
    wait_until(lambda: bool(place.telemetry.spans and place.telemetry.metrics), 20, "telemetry has come")
    check_in(place)
    decode_everything(place)


def check_in(place: Installation) -> None:
    """Words are agreed, and the person uses both by a link."""
    with place.here.typing("check-in", "words", NICKNAME) as terminal:
        for question, word in (('well"', WELL), ("(again)", WELL), ('forced"', DURESS), ("(again)", DURESS)):
            terminal.answers(f"{question}: ", word)
        terminal.reads_to_the_end()
        assert place.here.code_of(terminal) == 0
    url = place.here.types("check-in", "link", NICKNAME)[1].splitlines()[0]
    with httpx.Client(trust_env=False, timeout=30) as phone:
        for word in (WELL, DURESS, NAME):
            assert phone.post(url, data={"word": word}).status_code == 200


def decode_everything(place: Installation) -> None:
    """A person signs in at the decoder and reads whole histories."""
    with browser(place) as signed_in:
        signed_in.post("/login", data={"person": "dana", "passphrase": PASSPHRASE})
        for text in asyncio.run(histories(place.running)):
            if text.startswith("{"):
                found = payloads_in(json.loads(text))
                answer = signed_in.post("/decode", json={"payloads": found})
                assert answer.status_code == 200


def payloads_in(node: object) -> list[object]:
    """Every payload of a history."""
    if isinstance(node, dict):
        if "metadata" in node and "data" in node:
            return [node]
        return [one for value in node.values() for one in payloads_in(value)]
    return [one for value in node for one in payloads_in(value)] if isinstance(node, list) else []


def browser(place: Installation) -> httpx.Client:
    url = str(place.running.decoder)
    return httpx.Client(base_url=url, headers={"origin": url}, trust_env=False, timeout=20)


def record_something(place: Installation) -> None:
    place.here.types("record", NICKNAME, "contact-logged", "--note", f"{NOTE} {RELATIVE}")


def with_the_channel_down(place: Installation) -> None:
    place.channel.answer = 500
    before = len(place.channel.notices)
    place.here.types("record", NICKNAME, "released", "--on", "2026-11-21")
    place.here.types("record", NICKNAME, "detained", "--by", "police", "--on", "2026-11-22")
    wait_until(lambda: len(place.channel.notices) > before, 20, "the channel has refused")
    place.channel.answer = 204


def with_a_redirecting_channel(place: Installation) -> None:
    place.channel.answer = 302
    record_something(place)
    place.channel.answer = 204


def with_records_locked(place: Installation) -> None:
    with closing(sqlite3.connect(place.folder / "home" / "records.db", isolation_level=None)) as records:
        records.execute("BEGIN EXCLUSIVE")
        record_something(place)
        records.execute("ROLLBACK")


def with_a_worker_killed(place: Installation) -> None:
    kill_one(place, "worker")
    record_something(place)


def at_the_pages(place: Installation) -> None:
    """Somebody writes names where none belong."""
    url = str(place.running.pages)
    with httpx.Client(base_url=url, headers={"origin": url}, trust_env=False, timeout=30) as phone:
        phone.get(f"/c/{LATIN}")
        phone.post(f"/c/{LATIN}", content=f"{NAME} {LATIN}".encode())
        phone.post("/login", data={"person": NAME, "passphrase": LATIN})
        phone.post("/take", data={"stream": NAME, "duty": LATIN})


def with_the_decoder_killed(place: Installation) -> None:
    kill_one(place, "decoder")
    wait_until(lambda: answers(place), 30, "the decoder is back")


def answers(place: Installation) -> bool:
    with suppress(httpx.TransportError), browser(place) as asking:
        return asking.get("/login").status_code == 200
    return False


def kill_one(place: Installation, named: str) -> None:
    """``kill -9`` of a process of this installation."""
    with suppress(ProcessLookupError):
        os.kill(int((place.folder / "home" / f"{named}.pid").read_text()), signal.SIGKILL)


ANSWERS = (RPCError, WorkflowUpdateFailedError, WorkflowQueryFailedError, WorkflowUpdateRPCTimeoutOrCancelledError)
ENGINE_SECONDS = 3
"""An update whose path is being started again would be waited for."""


def at_the_engine(call: Callable[[Client, str], Coroutine[Any, Any, object]]) -> Callable[[Installation], None]:
    """Somebody with a client of their own, without keys, who has reached the engine's port."""

    async def run(place: Installation) -> None:
        client = await Client.connect(place.running.address)
        # whatever the engine or the workflow says to it: the other tests look at answers, this one at what is written
        with suppress(*ANSWERS):
            await asyncio.wait_for(call(client, place.reference), ENGINE_SECONDS)

    def harm(place: Installation) -> None:
        with suppress(TimeoutError):
            asyncio.run(run(place))

    return harm


def at_the_decoder(ask: Callable[[httpx.Client], object]) -> Callable[[Installation], None]:
    def harm(place: Installation) -> None:
        with suppress(httpx.TransportError), browser(place) as asking:
            ask(asking)

    return harm


SEALED_NAME = {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IngiCg=="}
FAULTS: dict[str, Callable[[Installation], None]] = {
    "the channel answers 500": with_the_channel_down,
    "the channel redirects": with_a_redirecting_channel,
    "the records are locked": with_records_locked,
    "the worker is killed": with_a_worker_killed,
    "the decoder is killed": with_the_decoder_killed,
    "names at the pages": at_the_pages,
    "a phase is terminated": at_the_engine(
        lambda client, reference: client.get_workflow_handle(phase_stream(reference, Phase.VETTING, 1)).terminate()
    ),
    "a path is cancelled": at_the_engine(
        lambda client, reference: client.get_workflow_handle(case_stream(reference)).cancel()
    ),
    "an unknown query": at_the_engine(
        lambda client, reference: client.get_workflow_handle(phase_stream(reference, Phase.SAFETY, 1)).query("none")
    ),
    "a signal that holds nothing": at_the_engine(
        lambda client, reference: client.get_workflow_handle(case_stream(reference)).signal("milestones")
    ),
    "an update that holds nothing": at_the_engine(
        lambda client, reference: client.get_workflow_handle(case_stream(reference)).execute_update("command")
    ),
    "an update of another name": at_the_engine(
        lambda client, reference: client.get_workflow_handle(case_stream(reference)).execute_update("sing")
    ),
    "a workflow of an unknown type": at_the_engine(
        lambda client, _: client.start_workflow("unknown", id="unknown", task_queue="safeconduct")
    ),
    "a workflow that fails": at_the_engine(
        lambda client, _: client.start_workflow("safety", 3, id="case/broken/safety/1", task_queue="safeconduct")
    ),
    "a wrong passphrase": at_the_decoder(
        lambda asking: asking.post("/login", data={"person": NAME, "passphrase": LATIN})
    ),
    "a foreign payload": at_the_decoder(lambda asking: asking.post("/decode", json={"payloads": [SEALED_NAME]})),
    "a body that is none": at_the_decoder(lambda asking: asking.post("/decode", content=f"{NAME} {LATIN}".encode())),
    "an address with a name": at_the_decoder(lambda asking: asking.get(f"/{LATIN}", params={"query": NAME})),
    "another host": at_the_decoder(lambda asking: asking.get("/", headers={"host": LATIN})),
}


def mistakes(folder: Path) -> list[tuple[str, ...]]:
    """What a person may mistype, a planted value in each place where text is taken."""
    half, wrong, other = (folder / f"{name}.toml" for name in ("half", "wrong", "other"))
    half.write_text(INTAKE[: INTAKE.index(PHONE)])
    wrong.write_text(INTAKE.replace('form = "written"', f'form = "{LATIN}"'))
    other.write_text(INTAKE.replace('country = "KZ"', f'country = "{NAME}"'))
    case = NICKNAME
    return [
        ("status", LATIN),
        ("timeline", NAME),
        ("person", RELATIVE),
        ("duties", "--within", LATIN),
        ("cases", "--stage", NAME),
        ("cases", "--in", LATIN),
        ("record", LATIN, "entered"),
        ("record", case, LATIN),
        ("record", case, "entered", "--on", NAME),
        ("record", case, "entered", "--learned", LATIN),
        ("record", case, "entered", "--as", NAME),
        ("record", case, "entered", "--in", LATIN),
        ("record", case, "checked-in", "--channel", NAME),
        ("record", case, "approached", "--country", LATIN),
        ("record", case, "approached", "--country", "RU", "--note", f"{NOTE} {RELATIVE}"),
        ("record", case, "acknowledged", "--phase", LATIN, "--duty", "review"),
        ("record", case, "acknowledged", "--phase", "safety", "--duty", NAME),
        ("correct", case, LATIN, "--reason", "mistyped", "--retract"),
        ("correct", case, "ffffffff", "--reason", NAME, "--retract"),
        ("assign", case, NAME),
        ("start", str(half)),
        ("start", str(wrong)),
        ("start", str(other)),
        ("simulate", case, "--from", LATIN),
        ("simulate", case, "--days", NAME),
        ("record", case, "entered", f"--{LATIN}"),
        ("cases", LATIN),
        (LATIN,),
        ("staff", "add", NAME),
        ("check-in", "link", LATIN),
        ("check-in", "words", NAME),
        ("desk", "passphrase", NAME),
    ]


def test_s1_no_planted_value_stands_in_clear_after_a_full_run(lived: Lived) -> None:
    names = " ".join(trace.where for trace in lived.calm)
    wanted = ("records.db", "records.db-wal", "keyring.db", "temporal.db", "worker.log", "temporal.log", "telemetry")
    assert all(where in names for where in (*wanted, "a notice", "a history", "the terminal", "rows of"))
    assert leaks(PLANTED, lived.calm) == []


def test_s2_no_planted_value_stands_in_clear_after_faults_and_no_error_repeats_one(lived: Lived) -> None:
    assert len(lived.injected) + len(lived.refused) > 40
    assert [printed for code, printed in lived.refused if code != 1] == []
    assert leaks(PLANTED, lived.harmed) == []
    assert leaks(PLANTED, [Trace("an error", printed.encode()) for _, printed in lived.refused]) == []
    assert not [printed for _, printed in lived.refused if "Traceback" in printed]


def test_s1_the_search_finds_a_value_in_every_form(tmp_path: Path) -> None:
    for number, (name, text) in enumerate(
        {
            "plain": f"x{NAME}y",
            "escaped": json.dumps({"name": NAME}),
            "capital": json.dumps(NAME).upper().replace("\\U", "\\u"),
            "percent": str(httpx.QueryParams({"q": NAME})),
        }.items()
    ):
        (tmp_path / f"{number}.txt").write_text(text)
        assert leaks(PLANTED, [Trace(name, text.encode())]), name
    for offset in range(3):
        encoded = base64.b64encode(b"-" * offset + f"{NAME} and more".encode())
        assert leaks(PLANTED, [Trace("base64", encoded)])
    with closing(sqlite3.connect(tmp_path / "some.db")) as database, database:
        database.execute("CREATE TABLE some (name TEXT)")
        database.execute("INSERT INTO some VALUES (?)", (NAME,))
    assert leaks(PLANTED, files_below(tmp_path))
