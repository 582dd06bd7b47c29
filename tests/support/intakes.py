"""Intakes of fictional persons, for tests."""

from datetime import date
from uuid import uuid4

from domain.events import Past
from domain.facts import Fact, Occurred
from domain.intake import IntakeFile, read_intake

MINIMAL = """
nickname = "Wren"
coordinator = "dana"
country = "KZ"
since = 2026-09-01
never_contact = ["RU"]

[consent]
language = "ru"
form = "written"
scopes = [
  "embassy:entry:existence+identity+story+documents",
  "vetter:vetting:identity+story",
  "host-authority:asylum:identity+story+documents",
]
"""
"""A fictional person who has just been found, with consent for everything that the tests do."""


def minimal() -> IntakeFile:
    return read_intake(MINIMAL)


def past(fact: Fact, on: date, actor: str = "dana") -> Past:
    """Something that happened on a day."""
    return Past(fact=fact, occurred=Occurred.on(on), learned_on=on, actor=actor)


def fresh_reference_bits() -> int:
    return uuid4().int
