"""The watchdog as a process of its own, what it prints, and an address outside that it calls."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.rehearsal import eventually
from tests.support.servers import ROOT, clean_environment
from tests.support.serving import Handler, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Outside:
    """What came to an address outside: notices (POST) and heartbeats (GET).

    ``answer`` is what it answers, as soon as ``may_answer`` is set; and it is, unless a test clears it.
    """

    url: str = ""
    answer: int = 204
    notices: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    beats: list[str] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.notices]


@contextmanager
def outside() -> Iterator[Outside]:
    """A real receiver on the loopback address."""
    received = Outside()

    class Answering(Handler):
        def do_POST(self) -> None:
            body = self.content()
            received.notices.append((self.named(), body))
            self._answer()

        def do_GET(self) -> None:
            received.beats.append(self.path)
            self._answer()

        def _answer(self) -> None:
            received.may_answer.wait()
            self.send_response(received.answer)
            self.send_header("location", f"{received.url}/elsewhere")
            self.end_headers()

    with serving(Answering) as received.url:
        try:
            yield received
        finally:
            received.may_answer.set()


@dataclass(frozen=True)
class Watched:
    """A running watchdog."""

    process: subprocess.Popen[bytes]
    printed: Path

    def lines(self) -> list[str]:
        """What it said; whatever is no line of its log is kept as it is."""
        found = self.printed.read_text().splitlines()
        return [json.loads(line)["message"] if line.startswith("{") else line for line in found]

    def said(self, text: str) -> list[str]:
        return [line for line in self.lines() if text in line]


@asynccontextmanager
async def watching(
    folder: Path, address: str, settings: Mapping[str, str] | None = None, every: float = 0.5
) -> AsyncIterator[Watched]:
    """``safeconduct watchdog`` on a folder; it must stop in order, with exit code 0."""
    ours = {"home": str(folder), **(settings or {})}
    environment = {
        **clean_environment(),
        "TEMPORAL_ADDRESS": address,
        **{f"SAFECONDUCT_{name.upper()}": value for name, value in ours.items()},
    }
    printed = folder / "watchdog.txt"
    with printed.open("wb") as file:
        process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "starter.py", "watchdog", "--round", str(every)],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
        )
    watchdog = Watched(process, printed)
    try:
        await eventually(lambda: bool(watchdog.said("watching")), "the watchdog watches")
        yield watchdog
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 15) == 0, printed.read_text()
        assert "Traceback" not in printed.read_text()
    finally:
        process.kill()
        process.wait()


def calls_an_operator(received: Outside) -> dict[str, str]:
    """The settings of a watchdog that calls this receiver."""
    return {"webhook_url": f"{received.url}/hook", "webhook_secret": SECRET}
