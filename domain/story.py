"""A whole case in memory: the path, its phases, and how facts travel between them.

The pure twin of the running engine. Imports are computed with it, and forecasts; a test drives the same story on the
real server and finds the same chronology.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.case import Path, PhaseOpened, RoomOpenedForReport, Round
from domain.country import Country
from domain.duties import Duty, Rung
from domain.erasing import is_erasure
from domain.erasure import Erasure
from domain.errors import NotFound, NotUnderstood, Refused
from domain.events import (
    ENGINE,
    ROOMS,
    Command,
    Corrected,
    Event,
    Intake,
    Past,
    id_from_cause,
    id_from_command,
    is_answer_to,
)
from domain.facts import Fact, Nature, Occurred
from domain.references import Phase, case_stream, phase_of, phase_stream
from domain.room import Acknowledged, HistoryImported, PastDuty, Room, belongs
from domain.rulebook import Rules
from domain.rulebook.editions import RulesFor
from domain.stream import (
    REUSED,
    Ledger,
    Surroundings,
    came_due,
    decide,
    must_belong,
    path_hears,
    path_settles,
    standings,
)
from domain.watching import is_watch, moved


def blank_room(path: Path, stream: str) -> Room:
    """The state of a phase before its first event: what the path says of its round.

    Raises:
        NotFound: the path never opened this round.
    """
    one = _round(path, stream)
    return ROOMS[one.phase](stream=stream, country=one.country, opened=one.opened)


def _round(path: Path, stream: str) -> Round:
    parts = phase_of(stream)
    for one in path.rounds:
        if parts == (one.phase, one.number):
            return one
    raise NotFound(f"the path has not opened {stream.split('/', 2)[-1]}")


def must_have_a_place(stream: str, fact: Fact) -> None:
    """Return if some state of this stream could take such a fact.

    Raises:
        NotUnderstood: none could.
    """
    parts = phase_of(stream)
    if is_erasure(stream):
        # nobody takes an erasure in hand, or corrects one: it is approved, withdrawn, or insists
        if type(fact) not in Erasure.facts:
            raise NotUnderstood(f"{fact.kind} does not belong to an erasure")
    elif is_watch(stream):
        if type(fact) not in (*Country.facts, Acknowledged):
            raise NotUnderstood(f"{fact.kind} does not belong to the watch of a country")
    elif not isinstance(fact, Corrected) and not (parts is None and isinstance(fact, Intake)):
        must_belong(fact, ROOMS[parts[0]] if parts is not None else Path, stream)


def phase_for(fact: Fact, named: Phase | None = None) -> Phase | None:
    """The phase a fact belongs to; ``None`` for the path's own facts.

    Raises:
        NotUnderstood: it belongs to every phase, and none was named.
    """
    if type(fact) in Path.facts:
        return None
    owners = [phase for phase, room in ROOMS.items() if belongs(room, fact)]
    if len(owners) == 1:
        return owners[0]
    if named is None:
        raise NotUnderstood(f"{fact.kind} can belong to every phase: name the phase")
    return named


@dataclass(frozen=True)
class Route:
    """Where a command goes: the stream, and the room that must be opened for it first."""

    stream: str
    opens: RoomOpenedForReport | None = None


def route(path: Path, reference: str, past: Past) -> Route:
    """Where a fact goes: to the open round, a report of former times to the round of then, else to a new one.

    A decision for a phase that is over goes to its last round, too, which refuses it: only the one writer of a stream
    can say no for good, for an earlier sending of the same command may still be under way to it.

    Raises:
        Refused: a decision for a phase that was never open.
        NotUnderstood: the phase isn't clear.
    """
    phase = phase_for(past.fact, past.phase)
    if phase is None:
        return Route(case_stream(reference))
    running, latest = path.running(phase), path.latest(phase)
    if running is not None and phase is Phase.TRANSIT_STAY and past.country not in (None, running.country):
        return Route(phase_stream(reference, phase, _former_stay(path, running, past).number))
    if running is not None:
        return Route(phase_stream(reference, phase, running.number))
    is_report = past.fact.nature is Nature.REPORT
    if latest is not None and not (is_report and _begins_a_round(past, latest)):
        return Route(phase_stream(reference, phase, latest.number))
    if not is_report:
        raise Refused(path.gate(phase) or f"{phase} is not open")
    number = latest.number + 1 if latest is not None else 1
    country = past.country or getattr(past.fact, "country", None) or path.country
    return Route(phase_stream(reference, phase, number), RoomOpenedForReport(phase=phase, country=country))


def must_say_where(path: Path, past: Past, way: Route) -> None:
    """Return if it is clear in which country a report opens a stay.

    Raises:
        NotUnderstood: the person was removed, and has hardly entered the country that he was removed to.
    """
    opens = way.opens is not None and way.opens.phase is Phase.TRANSIT_STAY
    if opens and past.country is None and path.deported:
        raise NotUnderstood(f"he was removed to {path.country}: say with `--in` which country this is about")


def _former_stay(path: Path, running: Round, past: Past) -> Round:
    """The stay in another country than the present one that a report of former times is about.

    Raises:
        NotUnderstood: there was none, or it tells of a new one.
    """
    is_new = past.fact.begins_round and past.occurred.earliest > running.opened.latest
    stays = [one for one in path.rounds if (one.phase, one.country) == (running.phase, past.country)]
    if is_new or not stays:
        raise NotUnderstood(
            f"the stay in {running.country} is open: record first that he has moved on "
            f"(`relocated --to {past.country}`), or leave `--in` out"
        )
    return max(stays, key=lambda one: one.number)


def _begins_a_round(past: Past, latest: Round) -> bool:
    """Whether a report tells of a new round, and not of the last one that was open."""
    anew = past.country is not None or past.fact.begins_round
    return anew and latest.ended is not None and past.occurred.earliest > latest.ended.latest


@dataclass
class Story:
    """A case in memory.

    Attributes:
        reference: the case's reference.
        rules_for: the rulebooks.
        path: the case's own stream.
        phases: the streams of all rounds, open or ended.
    """

    reference: str
    rules_for: RulesFor
    path: Ledger[Path] = field(init=False)
    phases: dict[str, Ledger[Room]] = field(default_factory=dict)
    _next: dict[str, tuple[Ledger[Room], Ledger[Path], tuple[str, Duty, Rung]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stream = case_stream(self.reference)
        self.path = Ledger.empty(stream, Path(stream=stream))

    def around(self, stream: str, now: datetime) -> Surroundings:
        return Surroundings(case=self.path.state, rules=self.rules(stream), now=now)

    def rules(self, stream: str) -> Rules:
        parts = phase_of(stream)
        if parts is None:
            return self.rules_for(None, Phase.SAFETY)
        held = self.path.state.runs_on(*parts, self.ledger(stream).state.edition)
        return self.rules_for(_round(self.path.state, stream).country, parts[0], held)

    def ledger(self, stream: str) -> Ledger[Room]:
        if stream not in self.phases:
            self.phases[stream] = Ledger.empty(stream, blank_room(self.path.state, stream))
        return self.phases[stream]

    def open_streams(self) -> list[str]:
        """The streams of the open rounds."""
        rounds = [one for one in self.path.state.rounds if one.ended is None]
        return [phase_stream(self.reference, one.phase, one.number) for one in rounds]

    def tell(self, past: Past, command_id: UUID, now: datetime) -> tuple[Event, ...]:
        """Let a decision be taken, or a report come in. Returns all that follows from it.

        Raises:
            SafeconductError: a decision is refused, or the fact has no meaning.
        """
        if repeated := answer_in(self.events(), command_id, past):
            return repeated
        way = route(self.path.state, self.reference, past)
        opened: tuple[Event, ...] = ()
        if way.opens is not None:
            opened = self._to_path(_command(past, way.opens, id_from_cause(command_id, "opens"), now), now)
        command = _command(past, past.fact, command_id, now)
        if phase_of(way.stream) is None:
            return opened + self._to_path(command, now)
        return opened + self._to_phase(way.stream, command, now)

    def events(self) -> tuple[Event, ...]:
        """All events: the path's, then each phase's."""
        return self.path.events + tuple(event for ledger in self.phases.values() for event in ledger.events)

    def _to_path(self, command: Command, now: datetime) -> tuple[Event, ...]:
        events = decide_path(self.path, command, now)
        self.path = self.path.plus(events[self._known(events) :])
        return events + self._safety_hears(now)

    def _known(self, events: Sequence[Event]) -> int:
        return sum(1 for event in events if event.version <= self.path.version)

    def _to_phase(self, stream: str, command: Command, now: datetime) -> tuple[Event, ...]:
        before = self.ledger(stream)
        events = decide(before, command, self.around(stream, now))
        self.phases[stream] = before.plus([event for event in events if event.version > before.version])
        return events + self._told(stream, now)

    def _told(self, stream: str, now: datetime) -> tuple[Event, ...]:
        heard = path_hears(self.path, stream, standings(self.phases[stream]), now)
        self.path = self.path.plus(heard)
        return heard + self._safety_hears(now)

    def _safety_hears(self, now: datetime) -> tuple[Event, ...]:
        """What safety records when the path has moved."""
        stream = phase_stream(self.reference, Phase.SAFETY, 1)
        safety = self.phases.get(stream)
        if safety is None or stream not in self.open_streams():
            return ()
        heard = moved(safety, self.path, now)
        self.phases[stream] = safety.plus(heard)
        return heard

    def next_rung(self, now: datetime) -> tuple[str, Duty, Rung] | None:
        """The rung that is due now or comes next, over all open phases."""
        standing = [found for stream in self.open_streams() if (found := self._next_of(stream, now)) is not None]
        return min(standing, key=lambda one: (one[2].at, one[0], one[1].id), default=None)

    def _next_of(self, stream: str, now: datetime) -> tuple[str, Duty, Rung] | None:
        """The next rung of one phase; reckoned anew only when the phase or the path has changed, or it has come due."""
        ledger = self.ledger(stream)
        kept = self._next.get(stream)
        if kept is not None and kept[0] is ledger and kept[1] is self.path and kept[2][2].at > now:
            return kept[2]
        duties = ledger.state.duties(self.path.state, self.rules(stream))
        found = ledger.next_rung(duties, now)
        if found is None:
            return None
        self._next[stream] = (ledger, self.path, (stream, *found))
        return stream, *found

    def fire(self, stream: str, duty: Duty, rung: Rung) -> Event:
        """Let a rung be reached."""
        event = came_due(self.ledger(stream), duty, rung, rung.at)
        self.phases[stream] = self.ledger(stream).plus([event])
        return event


def _command(past: Past, fact: Fact, command_id: UUID, now: datetime) -> Command:
    return Command(
        command_id=command_id,
        actor=past.actor,
        occurred=past.occurred,
        learned_on=past.learned_on,
        fact=fact,
        sent_at=now,
    )


def decide_path(path: Ledger[Path], command: Command, now: datetime) -> tuple[Event, ...]:
    """The events that a command to the path yields, with the phases that open and end because of it.

    Raises:
        SafeconductError: as ``decide`` does.
    """
    no_rules = Rules.unknown(None)
    decided = decide(path, command, Surroundings(case=path.state, rules=no_rules, now=now))
    if decided[0].version <= path.version:
        return decided
    opening = decided[0].fact
    if isinstance(opening, RoomOpenedForReport):
        decided = (*decided, _opened_for_report(path, decided[0], opening))
    return path_settles(path, decided, now)


def _opened_for_report(path: Ledger[Path], cause: Event, fact: RoomOpenedForReport) -> Event:
    latest = path.state.latest(fact.phase)
    number = latest.number + 1 if latest is not None else 1
    opened = PhaseOpened(phase=fact.phase, number=number, country=fact.country, outside_path=True)
    return cause.model_copy(
        update={
            "event_id": id_from_cause(cause.event_id, f"{opened.kind}|{opened.phase}|{number}"),
            "version": cause.version + 1,
            "actor": ENGINE,
            "command_id": None,
            "fact": opened,
        }
    )


def begin(reference: str, command: Command, intake: Intake, rules_for: RulesFor, now: datetime) -> Story:
    """A case with its past, as one intake tells it. Nothing of the past sounds an alarm, but a danger that lasts.

    Raises:
        SafeconductError: an entry of the history makes no sense, with its number.
    """
    story = Story(reference, rules_for)
    opening = (intake.opened, intake.consent, intake.never_contact)
    for index, fact in enumerate(opening):
        past = Past(fact=fact, occurred=command.occurred, learned_on=command.learned_on, actor=command.actor)
        story.tell(past, command.command_id if index == 0 else id_from_command(command.command_id, index), now)
    for index, past in enumerate(sorted(intake.history, key=lambda one: one.occurred.earliest), start=1):
        try:
            story.tell(past, id_from_cause(command.command_id, f"history|{index}"), now)
        except (Refused, NotUnderstood, NotFound) as error:
            raise type(error)(f"history, {past.fact.kind} on {past.occurred}: {error.sentence}") from None
    if intake.history:
        _mark_imported(story, command, now)
    return story


def _mark_imported(story: Story, command: Command, now: datetime) -> None:
    """Draw the line under the past: what was due before it goes into one digest, in the stream of safety."""
    duties = {stream: _past_duties(story, stream, command, now) for stream in story.open_streams()}
    past = {stream: _listed(stream, (one for one in due if not one.is_danger_now)) for stream, due in duties.items()}
    everything = tuple(one for listed in past.values() for one in listed)
    for stream, due in duties.items():
        parts = phase_of(stream)
        listed = everything if parts is not None and parts[0] is Phase.SAFETY else past[stream]
        sounding = _listed(stream, (one for one in due if one.is_danger_now))
        ledger = story.ledger(stream)
        story.phases[stream] = ledger.plus([_imported(ledger, command, now, listed, sounding)])


def _imported(
    ledger: Ledger[Room],
    command: Command,
    now: datetime,
    past: tuple[PastDuty, ...] = (),
    sounding: tuple[PastDuty, ...] = (),
) -> Event:
    return Event(
        event_id=id_from_cause(command.command_id, f"imported|{ledger.stream}"),
        stream=ledger.stream,
        version=ledger.version + 1,
        actor=ENGINE,
        occurred=Occurred.at_instant(now),
        learned_on=now.date(),
        recorded_at=now,
        fact=HistoryImported(at=now, past=past, sounding=sounding),
    )


def _listed(stream: str, duties: Iterable[Duty]) -> tuple[PastDuty, ...]:
    return tuple(
        PastDuty(stream=stream, duty=duty.id, title=duty.title, due=duty.due, curable=duty.curable) for duty in duties
    )


def _past_duties(story: Story, stream: str, command: Command, now: datetime) -> tuple[Duty, ...]:
    """What is past although the import itself has begun every routine anew."""
    ledger = story.ledger(stream)
    begun_anew = ledger.plus([_imported(ledger, command, now)]).state
    found = begun_anew.duties(story.path.state, story.rules(stream))
    return tuple(duty for duty in found if duty.due <= now)


def events_of(story: Story) -> tuple[Event, ...]:
    """All events of a story."""
    return story.events()


def answer_in(events: Sequence[Event], command_id: UUID, said: Past) -> tuple[Event, ...]:
    """What a command has yielded already, wherever in a case it went.

    Raises:
        NotUnderstood: the command id was used for another command.
    """
    answered = tuple(event for event in events if event.command_id == command_id)
    if answered and not is_answer_to(answered[0], said):
        raise NotUnderstood(REUSED)
    return answered
