"""Whether this machine stops when its lid is shut."""

import platform
import subprocess
from pathlib import Path

POWER_SUPPLIES = Path("/sys/class/power_supply")
"""Where Linux lists batteries and mains."""

LID = "alarms stop with the lid: a machine that sleeps reminds nobody. Leave it open and on mains, or use a server."


def is_laptop(power_supplies: Path = POWER_SUPPLIES) -> bool | None:
    """Whether the machine runs on a battery of its own; ``None`` if that cannot be found out here."""
    match platform.system():
        case "Linux":
            return any(_is_own_battery(supply) for supply in power_supplies.glob("*"))
        case "Darwin":
            return _mac_has_battery()
        case _:
            return None


def _is_own_battery(supply: Path) -> bool:
    # the battery of a mouse or a headset says that it belongs to a device
    return _word(supply / "type") == "Battery" and _word(supply / "scope") != "Device"


def _word(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _mac_has_battery() -> bool | None:
    try:
        shown = subprocess.run(["/usr/bin/pmset", "-g", "batt"], capture_output=True, text=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    return "InternalBattery" in shown.stdout


def about_the_lid(laptop: bool | None) -> str | None:
    """What whoever starts it here must know; ``None`` on a machine without a lid."""
    if laptop is False:
        return None
    return f"This is a laptop: {LID}" if laptop else f"If this is a laptop, {LID}"
