"""Check-ins: how often the person lets staff know that he is safe, and what silence does.

A part of the safety room. Silence is never consent, refusal or safety:
    1. Only the person ends a silence: a check-in, or a contact in which he himself was reached. A release begins the
       clock anew; custody and disappearance have duties of their own.
    2. To take a missed check-in in hand is no sign of safety: it is due again within hours, until what was found is
       recorded.
    3. What was missed stays missed: no other plan and no pause moves it.
    4. Only ``duress-ended`` ends a duress, and only what was known of it by then.
    5. No list tells a duress from an answer without the agreed word: both make the same duty, in the same words.
    6. Each alarming answer calls anew, at once. On a closed path it calls the whole desk, and needs a human until the
       path is open again.
    7. Silence calls staff whatever was consented to; they are told to ask nobody whom consent does not cover.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from domain.case import Path
from domain.consent import Purpose, Recipient
from domain.custody import Released
from domain.deadlines import Place
from domain.duties import EMERGENCY_ESCALATIONS, LEGAL_ESCALATIONS, Consequence, Duty, emergency_duty
from domain.facts import Decision, Fact, Frozen, Record, Report, StaffId
from domain.quiet import QuietHours, TimeZone, after_quiet
from domain.room import Room, whole_minute

PAUSED_AT_MOST = timedelta(days=32)
"""However often it is paused, after a check-in was expected: else pause upon pause were a silence that nobody hears."""

FOUND_WITHIN = timedelta(hours=6)
"""Who takes a silence in hand records within these what he found."""

ANSWER = "check-in-answer"
"""The duty that an alarming answer makes. Its name and title lie in clear, so they say nothing of the answer."""


class Channel(StrEnum):
    """How staff and person reach each other."""

    LINK = "link"
    MESSAGE = "message"
    CALL = "call"
    RELAY = "relay"
    VISIT = "visit"


class Answer(StrEnum):
    """What a check-in said. Whoever looks over the person's shoulder sees no difference."""

    WELL = "well"
    DURESS = "duress"
    """He used the word that was agreed for being forced."""
    UNRECOGNISED = "unrecognised"
    """Words were agreed, and none of them was used: it counts as no sign of safety."""


class Reached(StrEnum):
    """Who was spoken with."""

    PERSON = "person"
    THIRD_PARTY = "third-party"
    NOBODY = "nobody"


class Step(StrEnum):
    """What was agreed for the case that the person is silent."""

    CALL = "call"
    RELAY = "relay"
    VISIT = "visit"
    PARTNER = "partner"
    LAWYER = "lawyer"
    NEVER_AUTHORITIES = "never-authorities"


_IN_WORDS: Mapping[Step, str] = {
    Step.CALL: "call",
    Step.RELAY: "ask the relay",
    Step.VISIT: "visit",
    Step.PARTNER: "ask a partner",
    Step.LAWYER: "ask the lawyer",
    Step.NEVER_AUTHORITIES: "never the authorities",
}


_ASKED: Mapping[Step, tuple[Recipient, tuple[Purpose, ...]]] = {
    Step.PARTNER: (Recipient.PARTNER, (Purpose.SAFETY,)),
    Step.LAWYER: (Recipient.LAWYER, (Purpose.LEGAL_HELP, Purpose.SAFETY)),
}
"""Who hears of the person by a step, and for which purpose he may have agreed to it."""


class CheckInPlanned(Decision):
    """Agree how often the person lets staff know that he is safe, and what his silence does."""

    kind: Literal["check-in-planned"] = "check-in-planned"
    every_days: int = Field(ge=1, le=92, description="days between check-ins")
    window_hours: int = Field(default=0, ge=0, le=168, description="hours he may take; then staff are reminded")
    grace_hours: int = Field(default=24, ge=1, le=168, description="hours of grace before the alarm")
    time_zone: TimeZone | None = Field(default=None, description="the person's, such as Asia/Almaty; UTC if left out")
    quiet_hours: QuietHours | None = Field(default=None, description="when nobody asks him, such as 22:00-08:00")
    told: tuple[StaffId, ...] = Field(default=(), max_length=9, description="staff, in the order they are called")
    on_silence: tuple[Step, ...] = Field(default=(), max_length=9, description="what is done then, step by step")
    words_agreed: bool = Field(default=False, description="words are agreed for being well and for being forced")

    @field_validator("quiet_hours")
    @classmethod
    def _are_somewhere(cls, hours: str | None, fields: ValidationInfo) -> str | None:
        # those of another zone would wake him at night
        if hours is not None and fields.data.get("time_zone") is None:
            raise ValueError("quiet hours are the person's: say in which time zone, such as Asia/Almaty")
        return hours

    @property
    def zone(self) -> str:
        """The time zone in which the plan's days and quiet hours are reckoned."""
        return self.time_zone or "UTC"


class CheckInsPaused(Decision):
    """Expect no check-in for some days. Emergencies go on; a check-in is due again when the pause ends."""

    kind: Literal["check-ins-paused"] = "check-ins-paused"
    days: int = Field(ge=1, le=31, description="how many days it lasts, 31 at most")


class CheckInsResumed(Decision):
    """End a pause early."""

    kind: Literal["check-ins-resumed"] = "check-ins-resumed"


class CheckedIn(Report):
    """The person let staff know how he is."""

    kind: Literal["checked-in"] = "checked-in"
    channel: Channel = Field(default=Channel.MESSAGE, description="how")
    answer: Answer = Field(default=Answer.WELL, description="what was said")


class ContactLogged(Report):
    """Staff tried to reach the person, or spoke with him or about him. What was said goes into the note."""

    kind: Literal["contact-logged"] = "contact-logged"
    channel: Channel = Field(default=Channel.MESSAGE, description="how")
    reached: Reached = Field(default=Reached.NOBODY, description="who was reached; only the person is a sign of safety")


class DuressEnded(Decision):
    """The person spoke freely with somebody who knows him: the duress is over."""

    kind: Literal["duress-ended"] = "duress-ended"


NO_PLAN = CheckInPlanned(every_days=14)
"""Until one is agreed with the person."""


class CheckIns(Frozen):
    """What is agreed about check-ins, and when the last sign of safety came.

    Attributes:
        last: when the clock began anew: at a sign of safety, or a release.
        silent_since: a missed check-in that another plan or a pause came too late for.
        paused_until: when the last pause ends, or ended.
        duress: when it was told that he was forced, by the place of the report in the log.
        unrecognised: the same of answers without the agreed word, since the last sign of safety.
        late: which of them came when the path was closed, and nobody waited for an answer.
        taken: the place in the log where such answers were last taken in hand. It covers those before it, no others.
    """

    facts: ClassVar[tuple[type[Fact], ...]] = (
        CheckInPlanned,
        CheckInsPaused,
        CheckInsResumed,
        CheckedIn,
        ContactLogged,
        DuressEnded,
    )

    plan: CheckInPlanned = NO_PLAN
    last: AwareDatetime | None = None
    silent_since: AwareDatetime | None = None
    paused_until: AwareDatetime | None = None
    duress: Mapping[int, AwareDatetime] = Field(default_factory=dict)
    unrecognised: Mapping[int, AwareDatetime] = Field(default_factory=dict)
    late: frozenset[int] = frozenset()
    taken: int = 0

    def after(self, record: Record, room: Room) -> "CheckIns":
        instant, told_at = whole_minute(record.occurred.instant), record.recorded_at
        match record.fact:
            case CheckInPlanned() as plan:
                return self._kept(record, room, plan=plan)
            case CheckInsPaused(days=days):
                last = record.occurred.earliest + timedelta(days=days)
                return self._kept(record, room, paused_until=self._end_of(last))
            case CheckInsResumed() if self.paused_until is not None:
                return self._kept(record, room, paused_until=min(self.paused_until, whole_minute(told_at)))
            case CheckedIn(answer=Answer.DURESS):
                return self._with(duress={**self.duress, record.version: told_at}, late=self._late_after(record))
            case CheckedIn(answer=Answer.UNRECOGNISED):
                unrecognised = {**self.unrecognised, record.version: told_at}
                return self._with(unrecognised=unrecognised, late=self._late_after(record))
            case CheckedIn() | ContactLogged(reached=Reached.PERSON):
                return self._heard(instant, unrecognised={})
            case Released():
                return self._heard(instant)
            case DuressEnded():
                # what is told later of a duress was not known when somebody said that it is over
                return self._with(duress={at: when for at, when in self.duress.items() if at > record.version})
            case _:
                return self

    def _heard(self, instant: datetime, **changes: object) -> "CheckIns":
        return self._with(last=max(self.last or instant, instant), silent_since=None, **changes)

    def _late_after(self, record: Record) -> frozenset[int]:
        return self.late if record.outside_path is None else self.late | {record.version}

    def taken_in_hand(self, place: int) -> "CheckIns":
        """After somebody took the alarming answers in hand."""
        return self._with(taken=place)

    def imported(self) -> "CheckIns":
        """After an import: the routine begins anew."""
        return self._with(silent_since=None)

    def _kept(self, record: Record, room: Room, **changes: object) -> "CheckIns":
        """A change of the plan, which comes too late for a check-in that was missed before it."""
        due = self._missed_at(room)
        return self._with(silent_since=due if due <= record.recorded_at else None, **changes)

    def _with(self, **changes: object) -> "CheckIns":
        return self.model_copy(update=changes)

    def _end_of(self, day: date) -> datetime:
        return Place(country="ZZ", time_zone=self.plan.zone).end_of(day)

    def objection(self, fact: Fact, on: date) -> str | None:
        match fact:
            case CheckInsResumed() if self.paused_until is None or self.paused_until.date() < on:
                return "there is no pause"
            case DuressEnded() if not self.duress:
                return "no duress is recorded"
            case _:
                return None

    def duties(self, room: Room, case: Path, *, is_free: bool, is_found: bool) -> Iterator[Duty]:
        """The duties of check-ins.

        Args:
            room: the safety room, which knows what was acknowledged when.
            case: its path, which knows whom consent covers.
            is_free: whether a check-in can be expected: not while custody or disappearance lasts.
            is_found: whether it is recorded why he is silent, by something that has duties of its own.
        """
        if is_free:
            yield from self._check_in(room, case, is_found=is_found)
        if self.duress or self.unrecognised:
            title = "A check-in needs a human at once: safeconduct status says why"
            duty = emergency_duty(ANSWER, title, self._answer_due(room), self.plan.told)
            is_late = bool(self.late & self._fresh.keys())
            yield duty.model_copy(update={"outlives_path": is_late, "unheard": self._is_unheard})

    def _answer_due(self, room: Room) -> datetime:
        """At the last alarming answer that nobody has taken in hand: each calls anew. Else within hours again."""
        return max(self._fresh.values()) if self._fresh else room.acknowledged_at[ANSWER] + FOUND_WITHIN

    @property
    def _is_unheard(self) -> bool:
        """Whether the last alarming answer came when the first had called in vain for as long as one rung waits.

        A new ladder begins at its foot. Within that hour nobody above the foot was called yet, so the way up to the
        whole desk begins an hour later at most; after it the whole desk is called at once. So answers that come every
        few minutes put nothing off, and none calls fewer than were called before it.
        """
        fresh = self._fresh.values()
        return bool(fresh) and max(fresh) - min(fresh) >= EMERGENCY_ESCALATIONS[0]

    @property
    def _fresh(self) -> dict[int, datetime]:
        """The alarming answers that nobody has taken in hand."""
        alarming = {**self.duress, **self.unrecognised}
        return {place: at for place, at in alarming.items() if place > self.taken}

    def _check_in(self, room: Room, case: Path, *, is_found: bool) -> Iterator[Duty]:
        missed = self._missed_at(room)
        due = room.again("check-in", missed, FOUND_WITHIN)
        if due > missed and is_found:
            return
        title = "The person has not checked in: find out whether he is safe"
        if due > missed:
            title = "Still nothing from the person himself: record what was found, or go on looking"
        reminders: tuple[timedelta, ...] = ()
        if due == missed and self.plan.window_hours and self.silent_since is None:
            reminders = (missed - self._window_ends(room),)
        alarm = self._loud(due)
        yield Duty(
            id="check-in",
            title=f"{title}{self._steps(case, alarm.date())}",
            due=alarm,
            consequence=Consequence.DANGER,
            reminders=reminders,
            escalations=LEGAL_ESCALATIONS,
            told=self.plan.told,
        )

    def _steps(self, case: Path, on: date) -> str:
        steps = "; then ".join(
            _step(step, case, on) for step in self.plan.on_silence if step is not Step.NEVER_AUTHORITIES
        )
        never = _IN_WORDS[Step.NEVER_AUTHORITIES] if Step.NEVER_AUTHORITIES in self.plan.on_silence else ""
        agreed = "; ".join(filter(None, (steps, never)))
        return f". As agreed: {agreed}" if agreed else ""

    def _missed_at(self, room: Room) -> datetime:
        """When a check-in that has not come is missed."""
        return self.silent_since or self._loud(self._window_ends(room) + timedelta(hours=self.plan.grace_hours))

    def _window_ends(self, room: Room) -> datetime:
        clock = max(self.last or room.anchor, room.anchor) + timedelta(days=self.plan.every_days)
        paused = min(self.paused_until or clock, clock + PAUSED_AT_MOST)
        expected = self._loud(whole_minute(max(clock, paused)))
        return self._loud(expected + timedelta(hours=self.plan.window_hours))

    def _loud(self, instant: datetime) -> datetime:
        """The instant, or the end of the quiet hours around it."""
        return after_quiet(instant, self.plan.quiet_hours, self.plan.zone)


def _step(step: Step, case: Path, on: date) -> str:
    """A step in words: whom consent does not cover on this day, nobody is told to ask."""
    is_covered = step not in _ASKED or case.may_hear(*_ASKED[step], on)
    return _IN_WORDS[step] if is_covered else f"(no consent to {_IN_WORDS[step]})"
