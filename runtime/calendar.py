"""Duties as a calendar (RFC 5545) with nothing of a case in it: when something is due, and one constant sentence.

A calendar ends up on phones and at whoever serves them. So an entry's id comes from the duty by a key of this
installation: it stays the same when the date moves, and nobody who guesses a duty can test the guess.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from records.models import DutyRow

_UTC = (
    "BEGIN:VTIMEZONE",
    "TZID:UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "END:STANDARD",
    "END:VTIMEZONE",
)
"""A calendar has one component at least (3.6), also where nothing is due."""

LINE_BYTES = 75
"""Of a line, without its end (RFC 5545, 3.1)."""


def calendar(duties: Iterable[DutyRow], sentence: str, digest: Callable[[bytes], str], now: datetime) -> str:
    """The calendar, as a file of it is written.

    Args:
        duties: what it shows.
        sentence: the text of every entry.
        digest: keyed, and this installation's own.
        now: when it is made.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Safeconduct//Duties//EN",
        *_UTC,
        *(line for duty in duties for line in _entry(duty, sentence, digest, now)),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def _entry(duty: DutyRow, sentence: str, digest: Callable[[bytes], str], now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{digest(f'calendar|{duty.stream}|{duty.duty}'.encode())}"
    yield f"DTSTAMP:{_instant(now)}"
    yield f"DTSTART:{_instant(datetime.fromisoformat(duty.due))}"
    yield f"SUMMARY:{escaped(sentence)}"
    yield "CLASS:PRIVATE"
    yield "END:VEVENT"


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """A text in which nothing is taken for the end of a value (3.3.11)."""
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def folded(line: str) -> Iterator[str]:
    """A line in parts of 75 bytes at most, never through a letter; each further one begins with a space."""
    part, size = "", 0
    for letter in line:
        needs = len(letter.encode())
        if size + needs > LINE_BYTES:
            yield part
            part, size = " ", 1
        part, size = part + letter, size + needs
    yield part
