"""Cases in memory: from their events, or from an intake file. No engine is needed."""

from datetime import datetime
from uuid import uuid4

from domain.case import Path
from domain.events import Command, Event
from domain.intake import IntakeFile
from domain.references import Phase, case_stream, phase_stream
from domain.rulebook.editions import Lawbook
from domain.safety import Safety
from domain.story import Story, begin, blank_room
from domain.stream import Ledger, fold


def path_of(events: tuple[Event, ...], reference: str) -> Ledger[Path]:
    """The path of a case, from its stream."""
    stream = case_stream(reference)
    return Ledger.empty(stream, Path(stream=stream)).plus(events)


def story_of(events: tuple[Event, ...], reference: str, law: Lawbook) -> Story:
    """A case as it stands, from all its events: what a forecast starts from."""
    story = Story(reference, law.for_phase)
    own = case_stream(reference)
    story.path = story.path.plus([event for event in events if event.stream == own])
    for stream in dict.fromkeys(event.stream for event in events if event.stream != own):
        ledger = story.ledger(stream)
        story.phases[stream] = ledger.plus([event for event in events if event.stream == stream])
    return story


def safety_of(events: tuple[Event, ...], reference: str) -> Safety:
    """How safe the person is, from all events of a case. It needs no law."""
    stream, own = phase_stream(reference, Phase.SAFETY, 1), case_stream(reference)
    path = path_of(tuple(event for event in events if event.stream == own), reference)
    room = blank_room(path.state, stream)
    assert isinstance(room, Safety)
    return fold(room, [event for event in events if event.stream == stream])


def story_of_file(reference: str, file: IntakeFile, law: Lawbook, now: datetime) -> Story:
    """The case that an intake file would be, in memory.

    Raises:
        SafeconductError: an entry of its past makes no sense.
    """
    command = Command(
        command_id=uuid4(),
        actor=file.intake.opened.coordinator,
        occurred=file.since,
        learned_on=now.date(),
        fact=file.intake,
        sent_at=now,
    )
    return begin(reference, command, file.intake, law.for_phase, now)
