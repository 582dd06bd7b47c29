"""Takes the two pictures in ``docs/`` by headless Chromium: a case of the demo in Temporal's UI, sealed and decoded.

The first is what anybody sees who opens the UI's own address; the second what a person sees who has signed in at the
decoder's.
"""

import asyncio
import base64
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from temporalio.client import Client

from runtime.keys import DEMO_PASSPHRASE, DEMO_PERSONS
from runtime.settings import Running, Settings

ROOT = Path(__file__).parent.parent
SEALED, DECODED = ROOT / "docs" / "ui-sealed.png", ROOT / "docs" / "ui-decoded.png"
PATIENCE_SECONDS = 60.0
BROWSER = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
    "--window-size=1440,1000",
)
SHOWS = "User Metadata"
"""Words that the page shows once it has drawn the case."""


class Browser:
    """Chromium, told what to do through its debugging pipe: it reads from descriptor 3 and writes to 4."""

    def __init__(self, profile: Path) -> None:
        our_input, its_output = os.pipe()
        its_input, our_output = os.pipe()
        # above 4 first: else the one could take the other's place
        its_input, its_output = (fcntl.fcntl(one, fcntl.F_DUPFD, 5) for one in (its_input, its_output))

        def where_chromium_looks() -> None:
            os.dup2(its_input, 3)
            os.dup2(its_output, 4)

        self._process = subprocess.Popen(  # noqa: S603
            (*BROWSER, f"--user-data-dir={profile}"),
            preexec_fn=where_chromium_looks,  # not by a shell: Debian's redirects one-digit descriptors only
            pass_fds=(3, 4),
            stderr=subprocess.DEVNULL,
        )
        os.close(its_input)
        os.close(its_output)
        self._input, self._output = os.fdopen(our_input, "rb"), os.fdopen(our_output, "wb")
        self._sent, self._rest = 0, b""

    def tell(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """Send one instruction, and wait for its own answer."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        self._output.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        self._output.flush()
        while True:
            while b"\0" not in self._rest:
                read = os.read(self._input.fileno(), 1 << 16)
                if not read:
                    raise SystemExit("screenshot: Chromium has ended")
                self._rest += read
            line, self._rest = self._rest.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self._sent:
                found: dict[str, Any] = answer.get("result", {})
                return found

    def close(self) -> None:
        self._output.write(b'{"id":0,"method":"Browser.close"}\0')
        self._output.flush()
        self._process.wait(PATIENCE_SECONDS)


class Tab:
    """One tab of the browser."""

    def __init__(self, browser: Browser, page: str) -> None:
        target = browser.tell("Target.createTarget", url=page)["targetId"]
        self._session = browser.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._browser = browser

    def run(self, script: str) -> Any:
        """What a line of script comes to in the page as it stands now."""
        answer = self._browser.tell("Runtime.evaluate", self._session, expression=script, returnByValue=True)
        return answer.get("result", {}).get("value")

    def wait(self, words: str) -> None:
        """Wait until the page shows these words.

        Raises:
            SystemExit: it never does.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in str(self.run("document.body ? document.body.innerText : ''")):
            if time.monotonic() > deadline:
                raise SystemExit(f"screenshot: the page never showed: {words}")
            time.sleep(0.2)

    def sign_in(self, person: str, passphrase: str) -> None:
        """Fill the form of the decoder's page, and press its button."""
        self.wait("Sign in")
        for name, value in (("person", person), ("passphrase", passphrase)):
            self.run(f"document.querySelector('[name={name}]').value = {json.dumps(value)}")
        self.run("document.querySelector('button').click()")

    def photograph(self, shows: str, picture: Path) -> None:
        """Take the page's picture as soon as it shows what it should."""
        self.wait(shows)
        time.sleep(3)  # the last bars are drawn after the last words
        shot = self._browser.tell("Page.captureScreenshot", self._session, format="png")["data"]
        picture.write_bytes(base64.b64decode(shot))
        print(f"taken: {picture}")


def photograph_both(running: Running, page: str, profile: Path) -> None:
    """A page of the UI as whoever has not signed in sees it, and as it is behind the decoder's page."""
    browser = Browser(profile)
    try:
        Tab(browser, f"{running.ui}{page}").photograph(SHOWS, SEALED)
        behind = Tab(browser, f"{running.decoder}{page}")
        behind.sign_in(DEMO_PERSONS[0], DEMO_PASSPHRASE)
        behind.photograph(SHOWS, DECODED)
    finally:
        browser.close()


async def page_of_a_case(running: Running) -> str:
    """The page, in the UI, of the first stay that has something to show."""
    client = await Client.connect(running.address)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        async for found in client.list_workflows("WorkflowType = 'transit-stay' AND ExecutionStatus = 'Running'"):
            return f"/namespaces/default/workflows/{found.id.replace('/', '%2F')}/{found.run_id}/user-metadata"
        await asyncio.sleep(0.2)
    raise SystemExit("screenshot: no case appeared in time")


def photograph_the_demo() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, profile = Path(folder) / "home", Path(folder) / "profile"
        environment = {**os.environ, "SAFECONDUCT_HOME": str(home)}
        command = [str(Path(sys.executable).parent / "safeconduct"), "up", "--demo"]
        printed = Path(folder) / "printed.txt"
        with printed.open("w") as terminal:
            demo = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=terminal)  # noqa: S603
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while "Ctrl-C stops everything." not in printed.read_text() and time.monotonic() < deadline:
                time.sleep(0.1)
            running = Settings(home=home).running()
            photograph_both(running, asyncio.run(page_of_a_case(running)), profile)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait()


if __name__ == "__main__":
    photograph_the_demo()
