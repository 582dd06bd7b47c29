"""Duties: what must happen by when, who is bound, what a miss costs, and how the engine insists.

A duty has a *ladder*: reminders before the instant, an alarm at it, escalations after it until somebody acknowledges
or the awaited fact arrives. Rungs are pure functions of the duty, so a forecast and the running engine climb alike.

Invariants:
    1. The rungs of a duty are strictly ascending and never end.
    2. An acknowledgement covers the rungs fired before it. One that covers the alarm ends this ladder; one that
       covers a reminder never silences the alarm.
    3. A duty whose instant moves has a new ladder.
    4. After a silence of the engine only the highest rung that was missed is fired, once.
    5. An import passes over what is past, but not over a danger that lasts: its alarm sounds at the import.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from domain.facts import Frozen, StaffId


class Bound(StrEnum):
    """Who is bound by a duty."""

    PERSON = "person"
    HOST = "host"
    STATE = "state"
    STAFF = "staff"


class Consequence(StrEnum):
    """What a miss costs, typed so that nobody has to read a sentence to sort by it."""

    NONE = "none"
    UNKNOWN = "unknown"
    FINE = "fine"
    LOSS_OF_LAWFUL_STAY = "loss-of-lawful-stay"
    REMOVAL = "removal"
    CLAIM_CLOSED = "claim-closed"
    CLAIM_INADMISSIBLE = "claim-inadmissible"
    ACCELERATED_TRACK = "accelerated-track"
    LOSS_OF_APPEAL = "loss-of-appeal"
    LOSS_OF_BENEFITS = "loss-of-benefits"
    LOSS_OF_SUSPENSION = "loss-of-suspension"
    RESPONSIBILITY_SHIFTS = "responsibility-shifts"
    DEEMED_REFUSAL = "deemed-refusal"
    DOCUMENT_EXPIRES = "document-expires"
    PLEDGE_LAPSES = "pledge-lapses"
    CLEARANCE_LAPSES = "clearance-lapses"
    CONSENT_ENDS = "consent-ends"
    SILENCE = "silence"
    DANGER = "danger"


class Urgency(StrEnum):
    """How loudly a notice speaks. Its sentence depends on nothing else."""

    REMINDER = "reminder"
    ALARM = "alarm"
    EMERGENCY = "emergency"
    OPERATOR = "operator"
    """Never a rung's: the engine itself is ill, and who gets this need not know any case."""


class Level(StrEnum):
    """Where on its ladder a rung stands."""

    REMINDER = "reminder"
    ALARM = "alarm"
    ESCALATION = "escalation"


LEGAL_REMINDERS = (timedelta(days=30), timedelta(days=14), timedelta(days=7), timedelta(days=3), timedelta(days=1))
"""Before a legal deadline, where the rulebook names no other."""

LEGAL_ESCALATIONS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""After a missed legal deadline; the last repeats until somebody acknowledges. Shorter annoys, longer forgets."""

EMERGENCY_ESCALATIONS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=12), timedelta(hours=24))
"""After a missed emergency duty: a man in custody can be handed over within hours (facts: Kazakhstan, 2026)."""

ROUTINE_ESCALATIONS = (timedelta(days=3), timedelta(days=7))
"""After a missed routine review."""


_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)

Due = Annotated[AwareDatetime, AfterValidator(lambda instant: min(max(instant, _FIRST), _LAST))]
"""An instant that has room for a ladder before and after it: a slip such as 0001-01-01 must not stop a phase."""


class Duty(Frozen):
    """What must happen by when.

    Attributes:
        id: stable within its phase. The pair (id, due) names one ladder.
        title: one sentence for a coordinator; never a personal value.
        due: the instant by which it must have happened (UTC). Under doubt, the earliest safe one.
        bound: who is bound.
        consequence: what a miss costs.
        rule: id of the rule the date comes from; ``None`` for the organisation's own duties.
        doubt: why the date is not certain, in words; empty when it is.
        curable: whether doing it late still helps.
        reminders: how long before ``due`` to remind.
        escalations: how long after ``due`` to insist; the last step repeats for ever.
        emergency: whether its alarm speaks with the loudest voice.
        version: first day of the rule's version; ``None`` for one without, and for what is no law.
        reckoning: how the date was counted, line by line, for a person to check.
        told: who is told, one after the other, before the whole desk is; empty for the usual ladder of people.
        aftermath: whether the danger itself has ended, and this is what is left to do after it.
        outlives_path: whether it calls the whole desk though the path is closed, and nobody's clock runs.
        unheard: whether it follows another call that nobody has heard: its alarm stands as high as an escalation, and
            calls the whole desk.
    """

    id: str
    title: str
    due: Due
    bound: Bound = Bound.STAFF
    consequence: Consequence = Consequence.SILENCE
    rule: str | None = None
    doubt: str = ""
    curable: bool = True
    reminders: tuple[timedelta, ...] = ()
    escalations: tuple[timedelta, ...] = ROUTINE_ESCALATIONS
    emergency: bool = False
    version: date | None = None
    reckoning: tuple[str, ...] = ()
    told: tuple[StaffId, ...] = ()
    aftermath: bool = False
    outlives_path: bool = False
    unheard: bool = False

    @property
    def is_danger_now(self) -> bool:
        """Whether somebody is in danger for as long as this duty stands: not even an import passes over it."""
        return self.emergency and not self.aftermath

    def title_at(self, now: datetime) -> str:
        """What to do. A doubtful date of the law that has passed is the earliest possible one: nothing is lost yet."""
        binds = self.rule is not None and self.bound in (Bound.PERSON, Bound.HOST)
        is_late = binds and self.doubt and now >= self.due
        return f"Act now, ask counsel: {self.title}" if is_late else self.title


def emergency_duty(duty_id: str, title: str, due: datetime, told: tuple[StaffId, ...] = ()) -> Duty:
    """A duty of the loudest kind: somebody is in danger now."""
    return Duty(
        id=duty_id,
        title=title,
        due=due,
        consequence=Consequence.DANGER,
        escalations=EMERGENCY_ESCALATIONS,
        emergency=True,
        told=told,
    )


class Rung(Frozen):
    """One step of a duty's ladder."""

    duty_id: str
    due: AwareDatetime
    level: Level
    number: int
    at: AwareDatetime
    urgency: Urgency


class Ladder(Frozen):
    """How far the ladder of one duty, for one due instant, has been climbed."""

    due: AwareDatetime
    fired: Rung | None = None
    acknowledged: bool = False
    passed_over: bool = False
    """The duty was past when the case was imported: it is in the digest, and its alarm does not sound."""
    begins: AwareDatetime | None = None
    """The import that found the duty past and the danger lasting: its alarm sounds then, and all else follows that."""

    @property
    def needs_a_human(self) -> bool:
        return self.fired is not None and not self.acknowledged

    @property
    def is_over(self) -> bool:
        alarmed = self.fired is not None and self.fired.level is not Level.REMINDER
        return self.acknowledged and (alarmed or self.passed_over)


def rungs(duty: Duty) -> Iterator[Rung]:
    """All rungs of a duty in ascending order, without end."""
    return (_rung(duty, *step) for step in _steps(duty, duty.due))


def _steps(duty: Duty, alarm: datetime) -> Iterator[tuple[Level, int, datetime]]:
    """The rungs in short, around the instant of the alarm: an old ladder has hundreds, of which one is wanted."""
    number = 0
    for ahead in sorted(duty.reminders, reverse=True):
        yield Level.REMINDER, number, alarm - ahead
        number += 1
    yield Level.ESCALATION if duty.unheard else Level.ALARM, number, alarm
    after = timedelta()
    for step in duty.escalations:
        number, after = number + 1, step
        yield Level.ESCALATION, number, alarm + after
    pause = duty.escalations[-1] if duty.escalations else timedelta(days=7)
    while True:
        number, after = number + 1, after + pause
        yield Level.ESCALATION, number, alarm + after


def _rung(duty: Duty, level: Level, number: int, at: datetime) -> Rung:
    loud = Urgency.EMERGENCY if duty.emergency else Urgency.ALARM
    # a reminder waits for others, and nothing that is said of an emergency may wait
    quiet = Urgency.ALARM if duty.emergency else Urgency.REMINDER
    urgency = quiet if level is Level.REMINDER else loud
    return Rung(duty_id=duty.id, due=duty.due, level=level, number=number, at=at, urgency=urgency)


def next_rung(duty: Duty, ladder: Ladder | None, now: datetime, *, silent_until: datetime | None = None) -> Rung | None:
    """The rung that is due now, or the next one to come; ``None`` when this ladder is over.

    Args:
        duty: the duty as it stands.
        ladder: how far its ladder has been climbed; ``None`` if it has not been touched.
        now: the case clock.
        silent_until: the instant of an import at which the duty was past. Rungs up to it never sound.
    """
    if ladder is not None and (ladder.is_over or (ladder.passed_over and not duty.curable)):
        return None
    done = ladder.fired.at if ladder is not None and ladder.fired is not None else None
    missed: tuple[Level, int, datetime] | None = None
    begins = ladder.begins if ladder is not None else None
    for step in _steps(duty, begins or duty.due):
        at = step[2]
        if (done is not None and at <= done) or (silent_until is not None and at <= silent_until):
            continue
        if at > now:
            return _rung(duty, *(missed or step))
        missed = step
    raise AssertionError("a ladder never ends")
