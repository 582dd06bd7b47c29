"""Dates that are typed for a calculator: a mistyped year is told, not counted with."""

from domain.errors import NotUnderstood
from domain.facts import Occurred

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""What a person can mean. Farther away the calculus counts a nearer day, and public holidays are not known."""


def typed_date(text: str) -> Occurred:
    """A date, a range of dates or an instant; a range may be written with a stroke too: ``2024-01-10/2024-01-15``.

    Raises:
        NotUnderstood: it is none, or in a year that nobody can mean.
    """
    found = Occurred.parse(text.replace("/", ".."))
    if found.earliest.year < FIRST_YEAR or found.latest.year > LAST_YEAR:
        raise NotUnderstood(f"dates are counted from {FIRST_YEAR} to {LAST_YEAR}: look at the year")
    return found
