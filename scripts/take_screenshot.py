"""Runs the demo in a folder of its own and takes ``docs/ui-case.png``: one case in Temporal's UI."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    "--hide-scrollbars",
    "--window-size=1440,1000",
    "--timeout=12000",
)


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
            shot = [*BROWSER, f"--user-data-dir={profile}", f"--screenshot={PICTURE}", page]
            subprocess.run(shot, check=True, capture_output=True, timeout=PATIENCE_SECONDS)  # noqa: S603
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait()
    print(f"taken: {PICTURE}")


if __name__ == "__main__":
    main()
