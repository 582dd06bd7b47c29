"""What the domain's tests share: a tale that is told step by step, and strategies for facts of every kind."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from domain.case import CaseOpened, NeverContactSet, Stage
from domain.consent import ConsentForm, ConsentGiven, Material, Purpose, Recipient, Scope
from domain.country import Country
from domain.duties import Duty
from domain.embassy_contacts import Approached, Pledged
from domain.entry import DocumentIssued
from domain.events import FACTS, Command, Corrected, CorrectionReason, Event, Intake, Past
from domain.facts import Fact, Nature, Occurred
from domain.references import Phase, phase_of, phase_stream
from domain.room import Acknowledged, EventNoted, Room, StepDone
from domain.rulebook import load
from domain.stay_facts import Entered, ExitCleared, TravelDocument
from domain.story import Story, begin, events_of
from domain.stream import Ledger
from domain.vetting import Finding, FindingApproved, FindingProposed

RULEBOOK = load()
REFERENCE = "0000000000A"
NEVER = "RU"
"""Stands on every tale's list of states that must never be contacted."""

_IDS = UUID("0b9b7b0e-6c53-5f0e-9d5e-3c6f0a2f4a11")

EVERYTHING = tuple(
    Scope(recipient=recipient, purpose=purpose, materials=tuple(Material))
    for recipient, purpose in (
        (Recipient.EMBASSY, Purpose.ENTRY),
        (Recipient.VETTER, Purpose.VETTING),
        (Recipient.TRANSIT_AUTHORITY, Purpose.SAFETY),
        (Recipient.HOST_AUTHORITY, Purpose.ASYLUM),
    )
)


def noon(day: date | str) -> datetime:
    """Noon of a day, UTC."""
    return datetime.combine(date.fromisoformat(day) if isinstance(day, str) else day, time(12), UTC)


def past(day: str | Occurred, fact: Fact, *, by: str = "anna", phase: Phase | None = None) -> Past:
    occurred = day if isinstance(day, Occurred) else Occurred.parse(day)
    return Past(fact=fact, occurred=occurred, learned_on=occurred.latest, actor=by, phase=phase)


class Tale:
    """One case, told step by step; every step has a command id of its own."""

    def __init__(
        self,
        day: str = "2024-01-01",
        *,
        scopes: tuple[Scope, ...] = EVERYTHING,
        history: Sequence[Past] = (),
        imported_on: str | None = None,
    ) -> None:
        self.count = 0
        occurred = Occurred.parse(day)
        intake = Intake(
            opened=CaseOpened(coordinator="anna", country="KZ"),
            consent=ConsentGiven(scopes=scopes, language="ru", form=ConsentForm.SPOKEN),
            never_contact=NeverContactSet(states=(NEVER,)),
            history=tuple(history),
        )
        now = noon(imported_on or day)
        self.story: Story = begin(REFERENCE, self.command(intake, occurred, now), intake, RULEBOOK.for_phase, now)

    def next_id(self) -> UUID:
        self.count += 1
        return uuid5(_IDS, str(self.count))

    def command(self, fact: Fact, occurred: Occurred, now: datetime, by: str = "anna") -> Command:
        return Command(
            command_id=self.next_id(),
            actor=by,
            occurred=occurred,
            learned_on=occurred.latest,
            fact=fact,
            sent_at=now,
        )

    def tell(
        self,
        day: str | Occurred,
        fact: Fact,
        *,
        by: str = "anna",
        now: datetime | str | None = None,
        phase: Phase | None = None,
        command_id: UUID | None = None,
    ) -> tuple[Event, ...]:
        """Tell one fact; ``now`` is the noon of its day if left out."""
        one = past(day, fact, by=by, phase=phase)
        instant = now if isinstance(now, datetime) else noon(now or one.occurred.latest)
        return self.story.tell(one, command_id or self.next_id(), instant)

    def correct(
        self,
        wrong: Event,
        now: datetime | str,
        *,
        replacement: Fact | None = None,
        occurred: Occurred | None = None,
    ) -> tuple[Event, ...]:
        """Correct an event; with nothing in its place it is retracted."""
        instant = now if isinstance(now, datetime) else noon(now)
        fact = Corrected(
            event=wrong.event_id, reason=CorrectionReason.MISTYPED, replacement=replacement, occurred=occurred
        )
        command = self.command(fact, Occurred.on(instant.date()), instant)
        if phase_of(wrong.stream) is None:
            return self.story._to_path(command, instant)
        return self.story._to_phase(wrong.stream, command, instant)

    def acknowledge(self, phase: Phase, duty: str, now: datetime) -> tuple[Event, ...]:
        return self.tell(Occurred.on(now.date()), Acknowledged(duty=duty), now=now, phase=phase)

    def fire_until(self, now: datetime) -> list[Event]:
        """Let every rung up to now be reached, as the engine would after a silence."""
        fired: list[Event] = []
        while (found := self.story.next_rung(now)) is not None and found[2].at <= now:
            fired.append(self.story.fire(*found))
            assert len(fired) < 1000, "the same rungs fire again and again"
        return fired

    @property
    def open(self) -> set[str]:
        """The open rounds, as ``entry/1``."""
        return {stream.split("/", 2)[2] for stream in self.story.open_streams()}

    def ledger(self, phase: Phase, number: int = 1) -> Ledger[Room]:
        return self.story.ledger(phase_stream(REFERENCE, phase, number))

    def duties(self, phase: Phase, number: int = 1) -> dict[str, Duty]:
        stream = phase_stream(REFERENCE, phase, number)
        state = self.story.ledger(stream).state
        return {duty.id: duty for duty in state.duties(self.story.path.state, self.story.rules(stream))}

    def events(self, kind: str) -> list[Event]:
        return [event for event in events_of(self.story) if event.fact.kind == kind]

    def event(self, kind: str) -> Event:
        """The last event of a kind."""
        return self.events(kind)[-1]

    def pledge(self, country: str = "FR") -> None:
        self.tell("2024-01-03", Approached(country=country))
        self.tell("2024-01-04", Pledged(country=country))

    def find(self, finding: Finding) -> None:
        self.tell("2024-01-05", FindingProposed(finding=finding))
        self.tell("2024-01-06", FindingApproved(), by="boris")

    def enter(self) -> None:
        self.tell("2024-01-02", Entered())

    def clear_exit(self) -> None:
        self.tell("2024-01-07", ExitCleared())

    def open_entry(self) -> None:
        """Entered on 2 January, everything for entry by 7 January, the document in hand on the 8th."""
        self.enter()
        self.pledge()
        self.find(Finding.CLEARED)
        self.clear_exit()
        self.tell("2024-01-08", DocumentIssued(document=TravelDocument.LAISSEZ_PASSER))

    def stage(self) -> Stage:
        return self.story.path.state.stage


# --- strategies ----------------------------------------------------------------------------------------------------

days = st.dates(min_value=date(2022, 1, 1), max_value=date(2026, 12, 31))
instants = st.datetimes(
    min_value=datetime(2022, 1, 1),  # noqa: DTZ001
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def occasions_until(last: date) -> st.SearchStrategy[Occurred]:
    """Days, instants, ranges and guesses from 2022 on."""
    some = st.dates(min_value=date(2022, 1, 1), max_value=last)
    return st.one_of(
        st.builds(Occurred.on, some),
        st.builds(lambda day, hour: Occurred.at_instant(noon(day) + timedelta(hours=hour)), some, st.integers(-12, 11)),
        st.builds(
            lambda day, width, about: Occurred(earliest=day, latest=day + timedelta(days=width), about=about),
            some,
            st.integers(min_value=0, max_value=40),
            st.booleans(),
        ),
    )


occasions = occasions_until(date(2026, 12, 31))
countries = st.sampled_from(["FR", "DE", "KZ", "GE", NEVER])
staff = st.sampled_from(["anna", "boris"])

_TEXTS: dict[str, st.SearchStrategy[str]] = {
    "coordinator": staff,
    "language": st.sampled_from(["ru", "kk"]),
    "duty": st.sampled_from(["review", "check-in"]),
    "event": st.sampled_from(["address-change", "expulsion-order", "entry"]),
    "step": st.sampled_from(["own-report", "residence-application", "address-change", "after-release", "after-found"]),
    "track": st.sampled_from(["accelerated", "regular"]),
    "title": st.just("A title"),
    "place": st.sampled_from(["almaty-airport", "petukhovo"]),
    "told": staff,
    "id": st.sampled_from(["need-1", "need-2", "todo-3"]),
    "time_zone": st.sampled_from(["UTC", "Asia/Almaty", "America/New_York", "Australia/Lord_Howe"]),
    "quiet_hours": st.sampled_from(["22:00-08:00", "01:30-03:00", "00:00-12:00"]),
    "region": st.sampled_from(["KZ-ALA", "KZ-AST", "GE-TB"]),
    "source": st.just("https://example.org/notice"),
    "what": st.just("Registration within three days"),
    "stream": st.just(phase_stream(REFERENCE, Phase.SAFETY, 1)),
}
"""Texts by their field's name; every other text in a fact is a country."""

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(min_value=1, max_value=30),
    date: days,
    datetime: instants,
    AwareDatetime: instants,
    UUID: st.uuids(),
    Occurred: occasions,
    NoneType: st.none(),
}


def _values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if name == "time_zone":
        return _TEXTS[name]  # quiet hours need one
    if hint is str:
        return _TEXTS.get(name, countries)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_values(name, arguments[0]), min_size=1, max_size=3).map(tuple)
    if origin in (Union, UnionType):
        return st.one_of([_values(name, argument) for argument in arguments])
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert issubclass(hint, BaseModel), hint
    return models(hint)


@cache
def models(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a model, built from its own fields."""
    hints = get_type_hints(model)
    return st.builds(model, **{name: _values(name, hints[name]) for name in model.model_fields})


def kinds_of(*natures: Nature) -> list[type[Fact]]:
    """The types of all facts of some natures, without those that only frame others, or that no case takes."""
    framing = {"corrected", "acknowledged", "case-opened", "event-noted", "step-done"}
    left_out = {kind for kind, fact in FACTS.items() if kind in framing or fact in Country.facts}
    return [fact for kind, fact in FACTS.items() if fact.nature in natures and kind not in left_out]


reports: st.SearchStrategy[Fact] = st.sampled_from(kinds_of(Nature.REPORT)).flatmap(models)
facts: st.SearchStrategy[Fact] = st.sampled_from(kinds_of(Nature.REPORT, Nature.DECISION)).flatmap(models)


def events_of_kind(kind: str) -> st.SearchStrategy[Event]:
    """Events whose fact is of one kind."""
    return st.builds(
        Event,
        event_id=st.uuids(),
        stream=st.just(phase_stream(REFERENCE, Phase.SAFETY, 1)),
        version=st.integers(min_value=1, max_value=99),
        schema_version=st.just(1),
        command_id=st.none() | st.uuids(),
        actor=staff,
        occurred=occasions,
        learned_on=days,
        recorded_at=instants,
        outside_path=st.none() | st.just("the gate is shut"),
        note=st.none() | st.uuids(),
        fact=models(FACTS[kind]),
    )


def events_in(room: type[Room]) -> st.SearchStrategy[list[Event]]:
    """Streams of the facts that a room takes, in any order of dates, numbered as a log numbers them."""
    taken = (*room.facts, EventNoted, StepDone)
    bare = st.sampled_from([kind for kind, fact in FACTS.items() if fact in taken]).flatmap(events_of_kind)
    return st.lists(bare, max_size=8, unique_by=lambda event: event.event_id).map(
        lambda found: [event.model_copy(update={"version": place}) for place, event in enumerate(found, start=1)]
    )
