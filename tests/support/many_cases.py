"""Many fictional cases, each at another point of its path."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from domain.asylum_facts import ClaimPresented, ClaimRegistered, FileLodged, Track
from domain.cards import CaseCard, PhaseCard, case_card, phase_card
from domain.check_ins import CheckInPlanned
from domain.embassy_contacts import Approached, Pledged
from domain.entry import Arrived, Departed, DocumentIssued
from domain.events import Past
from domain.facts import Fact
from domain.intake import IntakeFile
from domain.references import make_reference
from domain.rulebook import load
from domain.stay_facts import Entered, ExitCleared, Registered, TravelDocument
from domain.story import Story
from domain.vetting import Finding, FindingApproved, FindingProposed, VettingRequested
from records.store import Store
from runtime.cases import story_of_file
from tests.support.intakes import minimal, past

STORY: tuple[tuple[Fact, str], ...] = (
    (Entered(), "dana"),
    (Registered(), "dana"),
    (CheckInPlanned(every_days=14), "dana"),
    (Approached(country="FR"), "dana"),
    (VettingRequested(), "dana"),
    (FindingProposed(finding=Finding.CLEARED), "vera"),
    (FindingApproved(), "timur"),
    (Pledged(country="FR"), "dana"),
    (ExitCleared(), "dana"),
    (DocumentIssued(document=TravelDocument.LAISSEZ_PASSER), "dana"),
    (Departed(), "dana"),
    (Arrived(country="FR"), "dana"),
    (ClaimPresented(), "dana"),
    (ClaimRegistered(track=Track.NORMAL), "dana"),
    (FileLodged(), "dana"),
)
"""One fact a day; a case has come some way along it."""


def many_cases(number: int, today: date) -> Iterator[tuple[str, IntakeFile]]:
    """References and intakes: no two of them stand at the same point on the same day."""
    for index in range(number):
        steps = index % (len(STORY) + 1)
        began = today - timedelta(days=steps + 2 + index // (len(STORY) + 1))
        history = tuple(_told(began, place) for place in range(steps))
        file = minimal()
        yield _reference(index), file.model_copy(update={"intake": file.intake.model_copy(update={"history": history})})


def _reference(index: int) -> str:
    return make_reference(lambda: (7_000_000 + index) * 37)


def _told(began: date, place: int) -> Past:
    fact, who = STORY[place]
    return past(fact, began + timedelta(days=place), who)


def write(cases: Iterable[tuple[str, IntakeFile]], store: Store, now: datetime) -> None:
    """Put cases into the records as their paths would, without an engine: two hundred take a second."""
    law = load()
    for reference, file in cases:
        story = story_of_file(reference, file, law, now)
        streams = dict.fromkeys((*story.phases, *story.open_streams()))
        cards: list[CaseCard | PhaseCard] = [case_card(story.path)]
        cards += [_card(story, stream, now) for stream in streams]
        store.append(story.path.stream, 0, 0, story.events(), cards=cards)


def _card(story: Story, stream: str, now: datetime) -> PhaseCard:
    ledger = story.ledger(stream)
    duties = ledger.state.duties(story.path.state, story.rules(stream))
    return phase_card(ledger, duties, now, is_open=stream in story.open_streams())
