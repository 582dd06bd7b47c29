"""Worker, watchdog and command line as processes: what they export, and what it costs when they do not."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from records.board import Board, text
from records.database import Reader
from runtime.embedded import free_port
from runtime.settings import now
from tests.support.intakes import MINIMAL
from tests.support.keys import settings_in
from tests.support.many_commands import typed
from tests.support.receiver import Receiver, receiver
from tests.support.rehearsal import eventually
from tests.support.servers import ROOT, clean_environment, new_place
from tests.support.watched import SECRET

LABELS = {
    "phase": r"path|[a-z]+(-[a-z]+)*",
    "outcome": r"accepted|written|behind|transient|CancelledError",
    "urgency": r"reminder|alarm|emergency|operator",
    "channel": r"webhook",
    "stage": r"[a-z ,-]+",
    "country": r"[A-Z]{2}|unknown",
}
"""What our own figures are told apart by."""

RESOURCE = {
    "service.name",
    "service.instance.id",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
}
"""What a process may say about itself: no machine, no account, no folder."""


def program(given: Mapping[str, str], *arguments: str, log: BinaryIO | None = None) -> subprocess.Popen[bytes]:
    environment = {**clean_environment(), **given}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stderr=log)


async def ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, 30)


async def test_each_process_exports_its_part_and_the_watchdog_alone_counts_the_board(tmp_path: Path) -> None:
    place, intake = new_place(tmp_path), tmp_path / "wren.toml"
    settings_in(tmp_path)
    intake.write_text(MINIMAL)
    with receiver() as received:
        environment = {
            "SAFECONDUCT_HOME": str(tmp_path),
            "TEMPORAL_ADDRESS": place.address,
            "SAFECONDUCT_STAFF": "dana",
            "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
            "SAFECONDUCT_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/{SECRET}",
            "SAFECONDUCT_WEBHOOK_SECRET": SECRET,
        }
        log = tmp_path / "worker.log"
        async with place.server():
            with log.open("wb") as file:
                worker = program(environment, "worker.py", log=file)
            watchdog = program(environment, "starter.py", "watchdog", "--round", "0.5")
            try:
                for command in (["start", str(intake)], ["record", "Wren", "contact-logged"]):
                    code, printed = await asyncio.to_thread(typed, command, environment)
                    assert code == 0, printed
                await eventually(lambda: bool(received.points("safeconduct.cases.open")), "the board is counted")
                await eventually(lambda: bool(received.named("notice", "transient")), "a notice is not taken")
            finally:
                for process in (worker, watchdog):
                    process.send_signal(signal.SIGTERM)
                assert [await ended(process) for process in (worker, watchdog)] == [0, 0]
    assert received.points("safeconduct.cases.open") == [({"stage": "in transit", "country": "KZ"}, 1)]
    duties, moment = Board(Reader(tmp_path / "records.db")).duties(), now()
    expected = {
        "due": sum(text(moment) < duty.due <= text(moment + timedelta(days=1)) for duty in duties),
        "overdue": sum(duty.due <= text(moment) and not duty.acknowledged for duty in duties),
        "unacknowledged": sum(duty.level is not None and not duty.acknowledged for duty in duties),
    }
    assert expected["unacknowledged"] > 0
    for name, number in expected.items():
        assert received.points(f"safeconduct.duties.{name}") == [({}, number)]
    assert received.services("safeconduct.cases.") == {"safeconduct-watchdog"}
    assert received.services("safeconduct.append.") == {"safeconduct-worker"}
    assert received.services("safeconduct.command.") == {"safeconduct-command-line"}
    commands = received.named("command", "accepted")
    assert len(commands) == 2
    appends = {(span.trace, span.parent) for span in received.named("append", "written")}
    assert {(span.trace, span.id) for span in commands} <= appends
    outcomes = {labels["outcome"] for labels, _ in received.points("safeconduct.notices")}
    assert outcomes - {"CancelledError"} == {"transient"}, "a try that a stopping worker breaks off is told as such"
    nothing_but_words(received)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    [*_, failed] = [line for line in lines if line["logger"] == "temporalio.activity"]
    assert failed["message"].startswith("Completing activity as failed (")
    assert re.fullmatch(r"case/[0-9A-Z]{11}/[a-z-]+/1", failed["stream"])
    assert failed["errors"] == ["ChannelError"]
    assert SECRET not in log.read_text()


def nothing_but_words(received: Receiver) -> None:
    labels = set(received.labels())
    assert {name for name, _ in labels} >= {"stage", "country", "outcome"}
    for name, value in labels:
        if name in LABELS:
            assert re.fullmatch(LABELS[name], value), (name, value)
        assert not re.search(r"case/|[0-9A-Z]{11}|dana", value), (name, value)
    for resource in received.resources:
        assert resource.keys() <= RESOURCE, resource
    for name in ("Wren", "dana", str(ROOT), SECRET):
        assert not [body for body in received.raw if name.encode() in body]


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    without = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    looks = "; ".join(
        (
            "import sys, starter, worker, runtime.watchdog",
            "from runtime import telemetry",
            "telemetry.start('worker')()",
            "telemetry.export('command-line')()",
            "print([name for name in sys.modules if name.startswith('opentelemetry')])",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", looks], cwd=ROOT, env=without, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_receiver_that_is_silent_costs_a_command_neither_words_nor_minutes() -> None:
    program = f"""
import time
from uuid import uuid4
from activities import tracing
from runtime import telemetry
stop = telemetry.export("command-line")
with tracing.command("case/{"0" * 11}", uuid4()):
    pass
began = time.monotonic()
stop()
print(time.monotonic() - began < 5)
"""
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_an_endpoint_that_is_no_address_is_one_clear_line(tmp_path: Path) -> None:
    environment = {"SAFECONDUCT_HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}
    for entry, arguments in (("worker", []), ("starter", ["watchdog"])):
        code, printed = typed(arguments, environment, entry)
        assert code == 1
        assert printed.endswith("OTEL_EXPORTER_OTLP_ENDPOINT is no address: it begins with http:// or https://\n")
        assert len(printed.splitlines()) == 1
