"""Headless Chromium, told what to do through its debugging pipe."""

import base64
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60.0
COMMAND = (
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


class NoBrowser(Exception):
    """Chromium is missing, has ended, or never showed what was waited for."""


class Browser:
    """Chromium: it reads from descriptor 3 and writes to 4."""

    def __init__(self, profile: Path) -> None:
        our_input, its_output = os.pipe()
        its_input, our_output = os.pipe()
        # above 4 first: else the one could take the other's place
        its_input, its_output = (fcntl.fcntl(one, fcntl.F_DUPFD, 5) for one in (its_input, its_output))

        def where_chromium_looks() -> None:
            os.dup2(its_input, 3)
            os.dup2(its_output, 4)

        try:
            self._process = subprocess.Popen(
                (*COMMAND, f"--user-data-dir={profile}"),
                preexec_fn=where_chromium_looks,  # not by a shell: Debian's redirects one-digit descriptors only
                pass_fds=(3, 4),
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise NoBrowser(
                "chromium is missing: install it (on Debian and Ubuntu: as root, scripts/setup dev)"
            ) from None
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
                    raise NoBrowser("chromium has ended")
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
        self._input.close()
        self._output.close()


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile."""
    found = Browser(profile)
    try:
        yield found
    finally:
        found.close()


class Tab:
    """One tab of the browser."""

    def __init__(self, browser: Browser, page: str = "about:blank") -> None:
        target = browser.tell("Target.createTarget", url=page)["targetId"]
        self._session = browser.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._browser = browser

    def tell(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.tell(method, self._session, **parameters)

    def run(self, script: str) -> Any:
        """What a line of script comes to in the page as it stands now; a promise is awaited."""
        answer = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer.get("result", {}).get("value")

    def open(self, page: str) -> None:
        """Open a page, and wait until it is there."""
        self.tell("Page.navigate", url=page)
        self.until(lambda: self.run("location.href + document.readyState") == f"{page}complete", page)

    def wait(self, words: str) -> None:
        """Wait until the page shows these words.

        Raises:
            NoBrowser: it never does.
        """
        self.until(lambda: words in str(self.run("document.body ? document.body.innerText : ''")), words)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for whatever follows from what was done here.

        Raises:
            NoBrowser: it never does.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise NoBrowser(f"never came: {what}")
            time.sleep(0.05)

    def picture(self) -> bytes:
        """The page as it is seen, as PNG."""
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"])
