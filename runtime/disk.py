"""How much room there is where an installation lives."""

import shutil
from pathlib import Path

LOW_BYTES, EMPTY_BYTES = 2**30, 2**27
"""Below the first there is little room, below the second an append may fail tomorrow."""


def free_bytes(folder: Path) -> int:
    """The room on the disk of a folder, which need not exist yet."""
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    return shutil.disk_usage(place).free


def in_words(free: int) -> str:
    """The room as a person reads it."""
    return f"{free / 2**30:.1f} GiB free"
