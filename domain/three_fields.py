"""The three fields of a case as it stands: in the country of transit, of refuge, or in none that is known."""

from datetime import date, datetime

from domain import refuge_protection, transit_protection
from domain.asylum_filing import AsylumFiling
from domain.case import Path
from domain.protection import (
    LawfulStay,
    RemovalProtection,
    ThreeFields,
    actual_safety,
    of_safety,
    protected_by,
    threats_of_safety,
)
from domain.references import Phase, phase_stream
from domain.room import Room
from domain.rulebook import Rules
from domain.rulebook.dated import Answer
from domain.safety import Safety
from domain.story import Story
from domain.transit_stay import TransitStay

NOTHING_OPEN = "no stay in transit and no claim is open"


def three_fields(story: Story, now: datetime) -> ThreeFields:
    """The three fields of a case on the day that it is where the person is."""
    path = story.path.state
    safety = story.ledger(phase_stream(story.reference, Phase.SAFETY, 1)).state
    assert isinstance(safety, Safety)
    room, rules = _where(story)
    on = now.astimezone(rules.place.zone).date()
    lawful, protection = _of_the_stay(room, safety, path, rules, on)
    return ThreeFields(
        country=path.where,
        on=on,
        lawful_stay=lawful,
        removal_protection=protection,
        actual_safety=actual_safety(safety, path),
    )


def _where(story: Story) -> tuple[Room | None, Rules]:
    """The room of the stay or of the claim that is open; that of the stay first."""
    for phase in (Phase.TRANSIT_STAY, Phase.ASYLUM_FILING):
        if (running := story.path.state.running(phase)) is not None:
            stream = phase_stream(story.reference, phase, running.number)
            return story.ledger(stream).state, story.rules(stream)
    return None, Rules.unknown(None)


def _of_the_stay(
    room: Room | None, safety: Safety, case: Path, rules: Rules, on: date
) -> tuple[LawfulStay, RemovalProtection]:
    match room:
        case TransitStay():
            lawful = transit_protection.lawful_stay(room, case, rules, on)
            return lawful, transit_protection.removal_protection(room, safety, case, rules, on)
        case AsylumFiling():
            lawful = refuge_protection.lawful_stay(room, on)
            return lawful, refuge_protection.removal_protection(room, safety, rules, on)
        case _:
            unknown = LawfulStay(holds=Answer.UNKNOWN, ground=None, doubt=(NOTHING_OPEN,))
            return unknown, protected_by(of_safety(safety, case.where), threats_of_safety(safety), on)
