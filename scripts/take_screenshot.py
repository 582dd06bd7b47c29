"""Takes the two pictures in ``docs/`` by headless Chromium: a case of the demo in Temporal's UI, sealed and decoded.

The first is what anybody sees who opens the UI's own address; the second what a person sees who has signed in at the
decoder's.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from temporalio.client import Client

from runtime.keys import DEMO_PASSPHRASE, DEMO_PERSONS
from runtime.settings import Running, Settings
from tests.support.browser import PATIENCE_SECONDS, NoBrowser, Tab, browser

ROOT = Path(__file__).parent.parent
SEALED, DECODED = ROOT / "docs" / "ui-sealed.png", ROOT / "docs" / "ui-decoded.png"
SHOWS = "User Metadata"
"""Words that the page shows once it has drawn the case."""


def sign_in(tab: Tab, person: str, passphrase: str) -> None:
    """Fill the form of the decoder's page, and press its button."""
    tab.wait("Sign in")
    for name, value in (("person", person), ("passphrase", passphrase)):
        tab.run(f"document.querySelector('[name={name}]').value = {json.dumps(value)}")
    tab.run("document.querySelector('button').click()")


def photograph(tab: Tab, shows: str, picture: Path) -> None:
    """Take the page's picture as soon as it shows what it should."""
    tab.wait(shows)
    time.sleep(3)  # the last bars are drawn after the last words
    picture.write_bytes(tab.picture())
    print(f"taken: {picture}")


def photograph_both(running: Running, page: str, profile: Path) -> None:
    """A page of the UI as whoever has not signed in sees it, and as it is behind the decoder's page."""
    with browser(profile) as chromium:
        photograph(Tab(chromium, f"{running.ui}{page}"), SHOWS, SEALED)
        behind = Tab(chromium, f"{running.decoder}{page}")
        sign_in(behind, DEMO_PERSONS[0], DEMO_PASSPHRASE)
        photograph(behind, SHOWS, DECODED)


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
    try:
        photograph_the_demo()
    except NoBrowser as error:
        raise SystemExit(f"screenshot: {error}") from None
