"""Runs the demo in a folder of its own and takes ``docs/ui-case.png``: one case in Temporal's UI."""

import asyncio
import base64
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

from runtime.settings import Settings

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "ui-case.png"
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
SHOWS = "Event History"
"""Words that the page shows once it has drawn the case."""


class Browser:
    """Chromium, told what to do through its debugging pipe: it reads from descriptor 3 and writes to 4."""

    def __init__(self, profile: Path) -> None:
        our_input, its_output = os.pipe()
        its_input, our_output = os.pipe()
        self._process = subprocess.Popen(  # noqa: S602 - the shell only moves the two descriptors to where Chromium looks
            f"exec {' '.join(BROWSER)} --user-data-dir={profile} 3<&{its_input} 4>&{its_output}",
            shell=True,
            pass_fds=(its_input, its_output),
            stderr=subprocess.DEVNULL,
        )
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
                self._rest += os.read(self._input.fileno(), 1 << 16)
            line, self._rest = self._rest.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self._sent:
                found: dict[str, Any] = answer.get("result", {})
                return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def photograph(browser: Browser, page: str) -> bytes:
    """Open a page, wait until it shows what it should, and take its picture."""
    target = browser.tell("Target.createTarget", url=page)["targetId"]
    session = browser.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        text = browser.tell("Runtime.evaluate", session, expression="document.body.innerText")
        if SHOWS in str(text.get("result", {}).get("value", "")):
            break
        time.sleep(0.2)
    time.sleep(1)  # the last bars are drawn after the last words
    return base64.b64decode(browser.tell("Page.captureScreenshot", session, format="png")["data"])


async def page_of_a_case(settings: Settings) -> str:
    """The address, in the UI, of the first case whose phases have all begun."""
    running = settings.running()
    client = await Client.connect(running.address)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        async for found in client.list_workflows("WorkflowType = 'case-path'"):
            description = await client.get_workflow_handle(found.id).describe()
            if description.history_length > 15:
                path = found.id.replace("/", "%2F")
                return f"{running.ui}/namespaces/default/workflows/{path}/{found.run_id}/timeline"
        await asyncio.sleep(0.2)
    raise SystemExit("screenshot: no case appeared in time")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, profile = Path(folder) / "home", Path(folder) / "profile"
        settings = Settings(home=home)
        environment = {**os.environ, "SAFECONDUCT_HOME": str(home)}
        command = [str(Path(sys.executable).parent / "safeconduct"), "up", "--demo"]
        demo = subprocess.Popen(command, env=environment, cwd=ROOT)  # noqa: S603
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (home / "running.json").exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            page = asyncio.run(page_of_a_case(settings))
            browser = Browser(profile)
            try:
                PICTURE.write_bytes(photograph(browser, page))
            finally:
                browser.close()
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait()
    print(f"taken: {PICTURE}")


if __name__ == "__main__":
    main()
