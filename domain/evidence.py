"""How a thing that happened is known, so that vetting can check it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.facts import Report

PlaceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
"""A border crossing or a town in small letters with dashes: no room for anything about a person."""


class Evidence(StrEnum):
    """By what a thing is known."""

    STAMP = "stamp"
    TICKET = "ticket"
    PHOTO = "photo"
    RECORD = "authority-record"
    WITNESS = "witness"
    STATEMENT = "statement"
    """The person says so, and nothing else is known."""


class Evidenced(Report):
    """A report of which it is said how it is known."""

    known_by: tuple[Evidence, ...] = Field(
        default=(Evidence.STATEMENT,),
        min_length=1,
        description="how it is known; by the person's statement if left out",
    )
