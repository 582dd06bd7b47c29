"""What a case is called, and its parts: its reference, its phases, and the streams in which they are recorded."""

from collections.abc import Callable
from enum import StrEnum

from domain.errors import NotUnderstood

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_DIGITS = 10
"""Fifty random bits: a million cases collide with a chance of one in two thousand, and a collision is refused."""


def make_reference(draw: Callable[[], int]) -> str:
    """A new random case reference: ten Crockford base32 digits and Crockford's check character.

    Args:
        draw: gives random numbers of at least 50 bits. Numbers whose check character would be a sign that shells or
            URLs read (Crockford has five) are drawn again.
    """
    while True:
        number = draw() % (32**_REFERENCE_DIGITS)
        if number % 37 < len(_ALPHABET):
            digits = "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_REFERENCE_DIGITS)))
            return digits + _ALPHABET[number % 37]


def parse_reference(text: str) -> str:
    """The reference a person typed, in its one spelling.

    Raises:
        NotUnderstood: it is no reference, or its check character does not fit.
    """
    spelling = text.strip().upper().replace("-", "").translate(str.maketrans("OIL", "011"))
    if len(spelling) != _REFERENCE_DIGITS + 1 or any(sign not in _ALPHABET for sign in spelling):
        raise NotUnderstood("this is not a case reference: it has eleven letters and digits")
    number = 0
    for sign in spelling[:-1]:
        number = number * 32 + _ALPHABET.index(sign)
    if number % 37 >= len(_ALPHABET) or _ALPHABET[number % 37] != spelling[-1]:
        raise NotUnderstood("this case reference is mistyped: its last character does not fit the others")
    return spelling


class Phase(StrEnum):
    """The phases of a path. Each is a child workflow with a stream of its own."""

    SAFETY = "safety"
    TRANSIT_STAY = "transit-stay"
    EMBASSY_CONTACTS = "embassy-contacts"
    VETTING = "vetting"
    ENTRY = "entry"
    ASYLUM_FILING = "asylum-filing"


def case_stream(reference: str) -> str:
    """The stream, and workflow id, of a case's path."""
    return f"case/{reference}"


def phase_stream(reference: str, phase: Phase, number: int) -> str:
    """The stream, and workflow id, of one round of a phase."""
    return f"case/{reference}/{phase}/{number}"


def reference_of(stream: str) -> str:
    """The case a stream belongs to."""
    return stream.split("/")[1]


def phase_of(stream: str) -> tuple[Phase, int] | None:
    """The phase and round of a stream; ``None`` for the case's own."""
    parts = stream.split("/")
    return (Phase(parts[2]), int(parts[3])) if len(parts) == 4 else None
