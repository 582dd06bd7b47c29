"""One stream: the fold of its events, the decision about a command, and the next rung of a duty.

Everything here is pure. The running engine and the forecast both do nothing but call it.

Invariants:
    1. The state is only ever the fold of the stream. Corrected and withdrawn facts stay in it, and leave the fold.
    2. Reports take their place in the story by their own dates, and within a day by their hours where these are known,
       so a late report does not overwrite a newer one.
       Decisions and engine facts come after everything that was known when they were recorded.
    3. A command id that is in the stream gets its first answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Generic, Self, TypeVar
from uuid import UUID

from domain.case import CaseOpened, Milestone, MilestoneReached, MilestoneWithdrawn, Path
from domain.duties import Duty, Ladder, Level, Rung, next_rung
from domain.errors import NotFound, NotUnderstood, Refused
from domain.events import (
    ENGINE,
    Command,
    Corrected,
    Event,
    Standing,
    id_from_cause,
    id_from_command,
    id_from_rung,
    id_of_law,
    is_a_persons,
    is_answer_to,
    retracted,
)
from domain.facts import Fact, Nature, Occurred
from domain.references import phase_of
from domain.room import Acknowledged, DatesMoved, DutyCameDue, HistoryImported, LawChanged, MovedDate, Room, belongs
from domain.rulebook import Rules
from domain.stay_facts import Entered, Exited, StayedBefore
from domain.transit_stay import TransitStay

State = TypeVar("State", bound=Room)

REUSED = "this command id has been used for another command"

LadderKey = tuple[str, datetime]


@dataclass(frozen=True)
class Ledger(Generic[State]):
    """A stream with its fold.

    Attributes:
        stream: the stream's name.
        blank: the state before the first event.
        events: all events, in the order of the log.
        state: the fold of the effective events, in the order of the story.
        ladders: how far each duty's ladder has been climbed.
        imported_at: the instant of the import; what was past then never sounds for it, but a danger that lasts.
    """

    stream: str
    blank: State
    state: State
    events: tuple[Event, ...] = ()
    ladders: Mapping[LadderKey, Ladder] = field(default_factory=dict)
    imported_at: datetime | None = None
    story_ends: date = date.min
    last_hour: datetime | None = None

    @classmethod
    def empty(cls, stream: str, blank: State) -> Self:
        return cls(stream=stream, blank=blank, state=blank)

    def plus(self, events: Sequence[Event]) -> Self:
        """The ledger after more events.

        However many come at once, the whole story is folded anew at most once: when one of them belongs further back.
        """
        every = (*self.events, *events)
        state, ladders, imported_at = self.state, self.ladders, self.imported_at
        ends, hour = self.story_ends, self.last_hour
        is_in_order = True
        for event in events:
            fact = event.fact
            ladders = _climbed(self.stream, ladders, fact)
            if isinstance(fact, HistoryImported):
                imported_at = fact.at
            day, at = event.occurred.earliest, event.occurred.at if fact.dated else None
            before = day == ends and at is not None and hour is not None and at < hour
            late = fact.dated and (day < ends or before)
            is_in_order = is_in_order and not late and not isinstance(fact, Corrected | MilestoneWithdrawn)
            ends, hour = max((ends, hour), (day, at if at is not None or day > ends else hour), key=_ends)
            if is_in_order:
                state = state.apply(event)
        if any(isinstance(event.fact, Corrected) for event in events):
            ladders = _ladders(self.stream, every)
        if not is_in_order:
            state = fold(self.blank, every)
            ends, hour = max(((day, _hour(event)) for day, event in told(every)), key=_ends, default=(date.min, None))
        return replace(
            self,
            events=every,
            state=state,
            ladders=ladders,
            imported_at=imported_at,
            story_ends=ends,
            last_hour=hour,
        )

    def answer_to(self, command_id: UUID) -> tuple[Event, ...]:
        """The events that a command has yielded already."""
        return tuple(event for event in self.events if event.command_id == command_id)

    def event(self, event_id: UUID) -> Event | None:
        return next((event for event in self.events if event.event_id == event_id), None)

    @property
    def version(self) -> int:
        return len(self.events)

    def next_rung(self, duties: Iterable[Duty], now: datetime) -> tuple[Duty, Rung] | None:
        """The rung that is due now or comes next, over all duties; the most overdue first."""
        standing = [(duty, rung) for duty in duties if (rung := self._next_of(duty, now))]
        return min(standing, key=lambda pair: (pair[1].at, pair[0].id), default=None)

    def _next_of(self, duty: Duty, now: datetime) -> Rung | None:
        ladder = self.ladders.get((duty.id, duty.due))
        past = ladder is not None and ladder.passed_over
        return next_rung(duty, ladder, now, silent_until=self.imported_at if past else None)


def _ladders(stream: str, events: Sequence[Event]) -> Mapping[LadderKey, Ladder]:
    """The ladders after all events: what was taken in hand by mistake, and taken back, has stopped none."""
    taken_back = retracted(events)
    ladders: Mapping[LadderKey, Ladder] = {}
    for event in events:
        if event.event_id not in taken_back:
            ladders = _climbed(stream, ladders, event.fact)
    return ladders


def _climbed(stream: str, ladders: Mapping[LadderKey, Ladder], fact: Fact) -> Mapping[LadderKey, Ladder]:
    """The ladders of a stream after one more fact."""
    match fact:
        case DutyCameDue():
            rung = Rung(
                duty_id=fact.duty,
                due=fact.due,
                level=fact.level,
                number=fact.number,
                at=fact.at,
                urgency=fact.urgency,
            )
            before = ladders.get((fact.duty, fact.due))
            begins = before.begins if before is not None else None
            return {**ladders, (fact.duty, fact.due): Ladder(due=fact.due, fired=rung, begins=begins)}
        case Acknowledged(duty=duty):
            return {
                key: ladder.model_copy(update={"acknowledged": True}) if key[0] == duty else ladder
                for key, ladder in ladders.items()
            }
        case HistoryImported(at=at, past=past, sounding=sounding):
            passed = {
                (one.duty, one.due): Ladder(due=one.due, passed_over=True) for one in past if one.stream == stream
            }
            begun = {(one.duty, one.due): Ladder(due=one.due, begins=at) for one in sounding}
            return {**ladders, **passed, **begun}
        case _:
            return ladders


def fold(blank: State, events: Sequence[Event]) -> State:
    """The state after all effective events, in the order of the story."""
    state = blank
    for event in effective(events):
        state = state.apply(event)
    return state


def effective(events: Sequence[Event]) -> list[Event]:
    """The events that count, corrected, in the order of the story."""
    return [event for _, event in told(events)]


def told(events: Sequence[Event]) -> list[tuple[date, Event]]:
    """The events that count, corrected, each with its day in the story, in the order of the story.

    A corrected event takes the id of its correction: whoever heard of the old one hears that it was withdrawn.
    """
    corrections = {event.fact.event: event for event in events if isinstance(event.fact, Corrected)}
    withdrawn_at = {event.fact.source: event.version for event in events if isinstance(event.fact, MilestoneWithdrawn)}
    story: list[tuple[date, Event]] = []
    latest = date.min
    for event in events:
        counted = _corrected(event, corrections.get(event.event_id))
        if counted is None or _is_withdrawn(counted, withdrawn_at):
            continue
        day = counted.occurred.earliest if counted.fact.dated else max(latest, counted.occurred.earliest)
        latest = max(latest, day)
        story.append((day, counted))
    return _by_the_hour(sorted(story, key=lambda pair: (pair[0], pair[1].version)))


def _by_the_hour(story: list[tuple[date, Event]]) -> list[tuple[date, Event]]:
    """The same story, where a report goes before those of its day that happened at a later hour.

    What has no hour, and what is no report, keeps its place: a decision stays after all that was known by then.
    """
    found: list[tuple[date, Event]] = []
    for day, event in story:
        place, hour = len(found), _hour(event)
        for earlier in range(len(found) - 1, -1, -1) if hour is not None else ():
            other_day, other = found[earlier]
            if other_day != day:
                break
            other_hour = _hour(other)
            if hour is not None and other_hour is not None and other_hour > hour:
                place = earlier
        found.insert(place, (day, event))
    return found


def _hour(event: Event) -> datetime | None:
    return event.occurred.at if event.fact.dated else None


def _ends(end: tuple[date, datetime | None]) -> tuple[date, datetime]:
    day, hour = end
    return day, hour or datetime.min.replace(tzinfo=UTC)


def _is_withdrawn(event: Event, withdrawn_at: Mapping[UUID, int]) -> bool:
    """A milestone that was withdrawn, and has not been told again since."""
    return isinstance(event.fact, MilestoneReached) and event.version < withdrawn_at.get(event.fact.source, 0)


def _corrected(event: Event, correction: Event | None) -> Event | None:
    if correction is None or not isinstance(correction.fact, Corrected):
        return event
    if correction.fact.retracts:
        return None
    changes: dict[str, object] = {"event_id": correction.event_id}
    if correction.fact.replacement is not None:
        changes["fact"] = correction.fact.replacement
    if correction.fact.occurred is not None:
        changes["occurred"] = correction.fact.occurred
    return event.model_copy(update=changes)


def standings(ledger: Ledger[State]) -> tuple[Standing, ...]:
    """The milestones of a phase that stand now, each on its day in the story."""
    found: list[Standing] = []
    state = ledger.blank
    for day, event in told(ledger.events):
        state = state.apply(event)
        milestone = state.milestone(event)
        if milestone not in (None, Milestone.ENTERED):  # entries stand as the stays that they began
            country = getattr(event.fact, "to", None) or getattr(event.fact, "country", None)
            occurred = event.occurred if day == event.occurred.earliest else Occurred.on(day)
            one = Standing(source=event.event_id, milestone=milestone, occurred=occurred, country=country)
            if isinstance(event.fact, StayedBefore):
                stayed = {"country": event.fact.where or state.country, "until": event.fact.until}
                one = one.model_copy(update=stayed)
            found.append(one)
    return (*found, *_entries(state, ledger.events)) if isinstance(state, TransitStay) else tuple(found)


def _entries(stay: TransitStay, events: Sequence[Event]) -> Iterator[Standing]:
    """The stays of a round, for later rounds in its country: each from its entry on, and again when an exit ends it."""
    entered, counting = Milestone.ENTERED, effective(events)
    entries = {event.occurred: event.event_id for event in counting if isinstance(event.fact, Entered)}
    exits = {event.occurred: event.event_id for event in counting if isinstance(event.fact, Exited)}
    for one in stay.entries():
        if (source := entries.get(one.entered)) is None:
            continue  # it was told as a former one
        yield Standing(source=source, milestone=entered, occurred=one.entered, country=stay.country)
        if one.left is not None and (ended := exits.get(one.left)) is not None:
            both, until = id_from_cause(source, f"left|{ended}"), one.left.latest  # another one if either is corrected
            yield Standing(source=both, milestone=entered, occurred=one.entered, country=stay.country, until=until)


@dataclass(frozen=True)
class Surroundings:
    """What a decision looks at beside its own stream.

    Attributes:
        case: the case's own state: consent, states never to be contacted, gates.
        rules: the rulebook of the phase's country.
        now: the case clock.
    """

    case: Path
    rules: Rules
    now: datetime


def decide(ledger: Ledger[State], command: Command, around: Surroundings) -> tuple[Event, ...]:
    """The events that a command yields. An accepted command id yields its first events again.

    Raises:
        Refused: a decision does not fit now.
        NotUnderstood: the command has no meaning in this stream.
        NotFound: it names an event or duty that is not there.
    """
    if answered := ledger.answer_to(command.command_id):
        if not is_answer_to(answered[0], command):
            raise NotUnderstood(REUSED)
        return answered
    fact = command.fact
    if command.occurred.earliest > around.now.date() + timedelta(days=1):
        raise NotUnderstood("this date lies in the future: record what has happened, when it has happened")
    if isinstance(fact, Corrected):
        return _correct(ledger, command, fact, around)
    must_belong(fact, type(ledger.state), ledger.stream)
    if fact.nature is Nature.DECISION:
        _must_be_open(around.case, ledger.stream)
    if isinstance(fact, Acknowledged):
        _must_stand(ledger, fact.duty, around)
        objection = None
    else:
        closed = around.case.why_closed() if around.case.stream != ledger.stream else None
        objection = closed or ledger.state.objection(fact, command.actor, command.occurred.earliest, around.case)
    if objection is not None and fact.nature is Nature.DECISION:
        raise Refused(objection)
    event = _event(ledger, command, fact, 0, around.now, outside_path=objection)
    return (event, *_called_all_the_same(ledger.plus([event]), around))


def _called_all_the_same(ledger: Ledger[State], around: Surroundings) -> Iterator[Event]:
    """The call that a report makes on a closed path, where no clock runs that would make it later."""
    if around.case.closed is None:
        return
    duties = ledger.state.duties(around.case, around.rules)
    found = ledger.next_rung((duty for duty in duties if duty.outlives_path), around.now)
    if found is not None and found[1].at <= around.now:
        # nobody is responsible for a closed case: a rung above the usual ones calls the whole desk
        rung = found[1].model_copy(update={"level": Level.ESCALATION})
        yield came_due(ledger, found[0], rung, around.now)


def _must_be_open(case: Path, stream: str) -> None:
    parts = phase_of(stream)
    if parts is not None and (over := case.why_over(*parts)) is not None:
        raise Refused(over)


def must_belong(fact: Fact, room: type[Room], stream: str) -> None:
    """
    Raises:
        NotUnderstood: no state of this stream could take such a fact.
    """
    if not belongs(room, fact):
        raise NotUnderstood(f"{fact.kind} does not belong to {stream.split('/', 2)[-1]}")


def _must_stand(ledger: Ledger[State], duty: str, around: Surroundings) -> None:
    if duty not in {one.id for one in ledger.state.duties(around.case, around.rules)}:
        raise NotFound("there is no such duty here: `safeconduct duties CASE` lists them")


def _correct(ledger: Ledger[State], command: Command, fact: Corrected, around: Surroundings) -> tuple[Event, ...]:
    wrong = ledger.event(fact.event)
    if wrong is None or not is_a_persons(wrong.fact) or isinstance(wrong.fact, Corrected):
        raise NotFound("there is no such event to correct: `safeconduct timeline CASE` shows their ids")
    if isinstance(wrong.fact, Acknowledged) and not fact.retracts:
        raise NotUnderstood(
            "who has taken the wrong duty in hand takes that back (`--retract`), and takes the right one"
        )
    if isinstance(wrong.fact, CaseOpened) and fact.retracts:
        raise Refused("the beginning of a case cannot be taken back: close the path instead")
    if fact.replacement is not None and fact.replacement.kind != wrong.fact.kind:
        raise NotUnderstood(f"a correction keeps the kind of its event, which is {wrong.fact.kind}")
    if fact.occurred is not None and fact.occurred.earliest > around.now.date() + timedelta(days=1):
        raise NotUnderstood("the corrected date lies in the future")
    correction = _event(ledger, command, fact, 0, around.now)
    parts = phase_of(ledger.stream)
    is_open = parts is None or around.case.is_running(*parts)
    moved = tuple(_moved(ledger, ledger.plus([correction]), around)) if is_open else ()
    if not moved:
        return (correction,)
    announced = _event(ledger, command, DatesMoved(moved=moved), 1, around.now)
    return (correction, announced)


def _moved(before: Ledger[State], after: Ledger[State], around: Surroundings) -> Iterator[MovedDate]:
    duties = (ledger.state.duties(around.case, around.rules) for ledger in (before, after))
    return dates_moved(*duties)


def _event(
    ledger: Ledger[State],
    command: Command,
    fact: Fact,
    index: int,
    now: datetime,
    *,
    outside_path: str | None = None,
) -> Event:
    return Event(
        event_id=id_from_command(command.command_id, index),
        stream=ledger.stream,
        version=ledger.version + 1 + index,
        command_id=command.command_id,
        actor=command.actor,
        occurred=command.occurred,
        learned_on=command.learned_on,
        recorded_at=now,
        outside_path=outside_path,
        note=command.note,
        fact=fact,
    )


def came_due(ledger: Ledger[State], duty: Duty, rung: Rung, now: datetime) -> Event:
    """The event that a rung was reached."""
    fact = DutyCameDue(
        duty=duty.id,
        title=duty.title_at(now),
        due=rung.due,
        level=rung.level,
        number=rung.number,
        at=rung.at,
        urgency=rung.urgency,
        told=duty.told,
    )
    event_id = id_from_rung(ledger.stream, duty.id, rung.due, rung.number)
    return event_of_engine(ledger, event_id, fact, Occurred.at_instant(rung.at), now)


def law_changed(ledger: Ledger[State], around: Surroundings, fresh: Rules, applied_by: str) -> Event:
    """The event that a phase takes over another edition of the law, with every date that moves by it."""
    old = ledger.state.duties(around.case, around.rules)
    new = ledger.state.duties(around.case, fresh)
    fact = LawChanged(edition=fresh.edition, applied_by=applied_by, moved=tuple(dates_moved(old, new)))
    event_id = id_of_law(ledger.stream, fresh.edition)
    return event_of_engine(ledger, event_id, fact, Occurred.at_instant(around.now), around.now)


def dates_moved(before: Iterable[Duty], after: Iterable[Duty]) -> Iterator[MovedDate]:
    """Duties whose date is another one than before, and those that came or went. A review moves by itself."""
    old, new = ({duty.id: duty.due for duty in duties} for duties in (before, after))
    for duty in sorted(old.keys() | new.keys()):
        if old.get(duty) != new.get(duty) and duty != "review":
            yield MovedDate(duty=duty, before=old.get(duty), after=new.get(duty))


def event_of_engine(ledger: Ledger[State], event_id: UUID, fact: Fact, occurred: Occurred, now: datetime) -> Event:
    """The next event of a stream, where it is the engine that records it."""
    return Event(
        event_id=event_id,
        stream=ledger.stream,
        version=ledger.version + 1,
        actor=ENGINE,
        occurred=occurred,
        learned_on=now.date(),
        recorded_at=now,
        fact=fact,
    )


def path_hears(path: Ledger[Path], stream: str, standing: Sequence[Standing], now: datetime) -> tuple[Event, ...]:
    """What the path records when a phase tells it which milestones stand."""
    known = {_key(fact) for fact in path.state.heard if fact.stream == stream}
    stands = {_key(one) for one in standing}
    events: list[Event] = []

    def add(fact: Fact, cause: UUID, occurred: Occurred) -> None:
        times = sum(getattr(event.fact, "source", None) == cause for event in (*path.events, *events))
        event_id = id_from_cause(cause, f"{fact.kind}|{times}")
        events.append(event_of_engine(path.plus(events), event_id, fact, occurred, now))

    for source, *_ in sorted(known - stands, key=str):
        add(MilestoneWithdrawn(source=source), source, Occurred.at_instant(now))
    for one in standing:
        if _key(one) not in known:
            fact = MilestoneReached(
                milestone=one.milestone, source=one.source, stream=stream, country=one.country, until=one.until
            )
            add(fact, one.source, one.occurred)
    return path_settles(path, events, now)


def _key(one: MilestoneReached | Standing) -> tuple[UUID, Milestone, str | None, date | None]:
    return one.source, one.milestone, one.country, one.until


def path_settles(path: Ledger[Path], events: Sequence[Event], now: datetime) -> tuple[Event, ...]:
    """Events of the path, followed by the phases that end and open because of them: one append."""
    settled = list(events)
    if not settled:
        return ()
    cause = settled[-1]
    ledger = path.plus(settled)
    for step in ledger.state.next_steps():
        event_id = id_from_cause(cause.event_id, f"{step.kind}|{step.phase}|{step.number}")
        event = event_of_engine(ledger, event_id, step, cause.occurred, now)
        settled.append(event)
        ledger = ledger.plus([event])
    return tuple(settled)
