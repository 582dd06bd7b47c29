"""The law of duties: no open phase falls silent, whatever is recorded, in whatever order."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.case import CaseOpened, PhaseOpened
from domain.errors import NotFound, NotUnderstood, Refused
from domain.events import FACTS, Event, is_a_persons
from domain.facts import Fact, Nature, Occurred
from domain.references import Phase, phase_of
from domain.story import events_of
from domain.stream import fold, standings
from domain.vetting import Finding
from tests.domain.strategies import Tale, facts, kinds_of, models, noon, occasions, occasions_until, staff

BEGINNING = "2022-01-01"
NOW = noon(date(2023, 3, 1))
"""Soon after the first facts: every rung of a ladder is climbed anew, and a long ladder is slow."""

mostly_past = occasions_until(NOW.date()) | occasions_until(NOW.date()) | occasions


@dataclass(frozen=True)
class Told:
    fact: Fact
    occurred: Occurred
    by: str
    phase: Phase


@dataclass(frozen=True)
class TakenInHand:
    which: int


@dataclass(frozen=True)
class Mistaken:
    which: int
    occurred: Occurred | None
    again: bool


@dataclass(frozen=True)
class Waited:
    days: int
    fires: bool


Step = Told | TakenInHand | Mistaken | Waited

AT_THE_GATE = ["Pledged", "PledgeLapsed", "FindingProposed", "FindingApproved", "NewInformation"]
AT_THE_GATE += [
    "Deported",
    "Released",
    "ExitCleared",
    "ExitBarred",
    "Detained",
    "Relocated",
    "ExpulsionOrdered",
    "ExpulsionLifted",
    "Departed",
    "JourneyFailed",
    "Arrived",
]


def _gate_kinds() -> list[type[Fact]]:
    found = [fact for fact in FACTS.values() if fact.__name__ in AT_THE_GATE]
    assert len(found) == len(AT_THE_GATE)
    return found


at_the_gate: st.SearchStrategy[Step] = st.builds(
    Told,
    fact=st.sampled_from(_gate_kinds()).flatmap(models),
    occurred=mostly_past,
    by=staff,
    phase=st.sampled_from(Phase),
)

steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Told, fact=facts, occurred=mostly_past, by=staff, phase=st.sampled_from(Phase)),
    at_the_gate,
    at_the_gate,
    st.builds(TakenInHand, which=st.integers(min_value=0, max_value=40)),
    st.builds(
        Mistaken, which=st.integers(min_value=0, max_value=40), occurred=st.none() | mostly_past, again=st.booleans()
    ),
    st.builds(Waited, days=st.integers(min_value=0, max_value=200), fires=st.booleans()),
)


class Reader:
    """Tells generated steps, and keeps the clock."""

    def __init__(self, now: datetime = NOW) -> None:
        self.tale = Tale(BEGINNING)
        self.now = now

    def take(self, step: Step) -> tuple[Event, ...]:
        try:
            return self._take(step)
        except (Refused, NotUnderstood, NotFound):
            return ()

    def _take(self, step: Step) -> tuple[Event, ...]:
        match step:
            case Told(fact=fact, occurred=occurred, by=by, phase=phase):
                return self.tale.tell(occurred, fact, by=by, phase=phase, now=self.now)
            case TakenInHand(which=which):
                return self._acknowledge(which)
            case Mistaken():
                return self._correct(step)
            case Waited(days=days, fires=fires):
                self.now += timedelta(days=days, hours=7)
                return tuple(self.tale.fire_until(self.now)) if fires else ()

    def _acknowledge(self, which: int) -> tuple[Event, ...]:
        standing = [
            (parts[0], duty)
            for stream in self.tale.story.open_streams()
            if (parts := phase_of(stream)) is not None
            for duty in self.tale.duties(*parts)
        ]
        if not standing:
            return ()
        phase, duty = standing[which % len(standing)]
        return self.tale.acknowledge(phase, duty, self.now)

    def _correct(self, step: Mistaken) -> tuple[Event, ...]:
        # Whoever retracts the beginning itself: see test_path.
        wrong = [
            event
            for event in events_of(self.tale.story)
            if is_a_persons(event.fact) and not isinstance(event.fact, CaseOpened)
        ]
        event = wrong[step.which % len(wrong)]
        again = event.fact if step.again and event.fact.kind != "corrected" else None
        return self.tale.correct(event, self.now, replacement=again, occurred=step.occurred)

    def no_phase_is_silent(self) -> None:
        story = self.tale.story
        for stream in story.open_streams():
            ledger = story.ledger(stream)
            duties = ledger.state.duties(story.path.state, story.rules(stream))
            assert ledger.next_rung(duties, self.now) is not None, stream

    def every_phase_has_a_future(self) -> None:
        self.tale.fire_until(self.now)
        story = self.tale.story
        for stream in story.open_streams():
            ledger = story.ledger(stream)
            duties = ledger.state.duties(story.path.state, story.rules(stream))
            found = ledger.next_rung(duties, self.now)
            assert found is not None, stream
            assert found[1].at > self.now, stream


def test_the_generated_facts_are_of_every_kind() -> None:
    assert len(kinds_of(Nature.REPORT)) > 50
    assert len(kinds_of(Nature.DECISION)) > 15
    assert all(models(kind) is not None for kind in kinds_of(Nature.REPORT, Nature.DECISION))


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=3, max_size=10))
def test_no_open_phase_is_ever_silent_and_safety_is_always_open(script: list[Step]) -> None:
    reader = Reader()
    for step in script:
        reader.take(step)
        reader.no_phase_is_silent()
        path = reader.tale.story.path.state
        assert path.closed is not None or path.is_running(Phase.SAFETY, 1)
    reader.every_phase_has_a_future()


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=5))
def test_once_everything_has_fired_every_open_phase_still_looks_ahead(script: list[Step]) -> None:
    reader = Reader()
    for step in script:
        reader.take(step)
        reader.every_phase_has_a_future()


def _stand(tale: Tale, standing: set[str]) -> None:
    """Bring about some of what entry needs."""
    tale.enter()
    if "pledge" in standing:
        tale.pledge()
    if "clearance" in standing:
        tale.find(Finding.CLEARED)
    if "exit" in standing:
        tale.clear_exit()


@settings(max_examples=120, deadline=None)
@given(st.sets(st.sampled_from(["pledge", "clearance", "exit"])), st.lists(at_the_gate, max_size=8))
def test_entry_opens_only_when_pledge_and_clearance_and_exit_stand(standing: set[str], script: list[Step]) -> None:
    reader = Reader(noon(date(2025, 1, 1)))
    seen = 0
    for step in (None, *script):
        if step is None:
            _stand(reader.tale, standing)
        else:
            reader.take(step)
        path = reader.tale.story.path
        opened = [event.fact for event in path.events[seen:] if isinstance(event.fact, PhaseOpened)]
        if any(one.phase is Phase.ENTRY and not one.outside_path for one in opened):
            assert path.state.missing_for_entry() == ()
        seen = path.version


@settings(max_examples=120, deadline=None)
@given(st.lists(at_the_gate, min_size=2, max_size=10))
def test_nothing_that_moves_the_path_ends_the_watch_over_safety(script: list[Step]) -> None:
    reader = Reader(noon(date(2025, 1, 1)))
    for step in script:
        reader.take(step)
        assert reader.tale.story.path.state.is_running(Phase.SAFETY, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(at_the_gate | steps, min_size=2, max_size=8))
def test_the_path_has_heard_what_the_phases_say_and_every_state_is_its_fold(script: list[Step]) -> None:
    reader = Reader()
    for step in script:
        reader.take(step)
    story = reader.tale.story
    assert list(story.path.state.next_steps()) == []
    assert story.path.state == fold(story.path.blank, story.path.events)
    for stream, ledger in story.phases.items():
        assert ledger.state == fold(ledger.blank, ledger.events)
        heard = {(one.source, one.milestone) for one in story.path.state.heard if one.stream == stream}
        assert heard == {(one.source, one.milestone) for one in standings(ledger)}, stream
    ids = [event.event_id for event in events_of(story)]
    assert len(ids) == len(set(ids))
