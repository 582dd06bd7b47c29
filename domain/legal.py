"""Duties from the law: a rule, a clock and what was printed make a duty, and with it what a human must find out.

Rules:
    1. What is printed on a served document beats the computation; both are kept, and a difference alarms.
    2. A weak rule never computes in silence: its date carries the doubt, and a duty asks a person to verify.
    3. A clock that stands has no date: a duty asks, again and again, whether it runs on.
    4. A doubtful date that has passed is *act now, ask counsel*, never *missed*: see ``Duty.title_at``.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta

from domain.clocks import Length, Standing, Standstill
from domain.deadlines import Deadline, Place
from domain.duties import LEGAL_ESCALATIONS, LEGAL_REMINDERS, ROUTINE_ESCALATIONS, Bound, Consequence, Duty
from domain.facts import Occurred
from domain.legal_clocks import NOTHING, Happened, Plan, Reckoned, moves, reckon_stated, reckoned, run_days
from domain.rulebook import Dated, Rule, Rules
from domain.starts import local_day

FIND_OUT = timedelta(days=3)
"""How long staff have to find out a period that the rulebook does not know."""

ASK_AGAIN = timedelta(days=14)
"""How often somebody asks whether a clock still stands. Longer, and a short remainder could run out unseen."""

Asked = Callable[[str, datetime], datetime]
"""Since when a routine duty counts: the later of an instant and its last acknowledgement. A room's ``since``."""


def legal_duties(
    rules: Rules,
    step: str,
    start: Occurred | None,
    *,
    name: str | None = None,
    pivot: Occurred | None = None,
    printed: date | None = None,
    stated: Length | None = None,
    required: bool = True,
    facts: Mapping[str, str] | None = None,
    happened: Happened = NOTHING,
    asked: Asked = lambda _, instant: instant,
) -> Iterator[Duty]:
    """The duty that a rule of law makes, and with it what a human must find out where the rule is weak.

    Args:
        rules: what the rulebook holds for this phase and country.
        step: the step of the procedure.
        start: when the clock started; ``None`` while it has not.
        name: id of the duty; the step's own name if not given.
        pivot: the event whose law applies; the start if not given.
        printed: last day as printed on a served document. It beats the computation, and a difference alarms.
        stated: the period as printed there; the same, where no day is.
        required: whether a missing rule is itself something to find out, or only means that the step does not apply.
        facts: conditions of the case that select the rule, such as ``track`` or ``entry``.
        happened: what has happened to the clock.
        asked: when a clock that stands was last asked after.
    """
    if start is None:
        return
    duty_id, conditions = name or step, facts or {}
    rule, plan = reckoned(rules, step, start, pivot or start, conditions, happened)
    if printed is not None or stated is not None:
        _, base = reckoned(rules, step, start, pivot or start, conditions, happened.at_its_start)
        paper = _Paper(rules, rule, start, printed, stated, happened)
        yield from _duty_of(rule, duty_id, paper.plan(plan), start, asked)
        if not paper.agrees_with(base):
            differ = f"Printed and computed dates differ for: {_title(rule, step)}"
            yield asks(f"mismatch.{duty_id}", differ, start, timedelta(), rule)
    elif rule is not None and plan is not None:
        yield from _duty_of(rule, duty_id, plan, start, asked)
        yield from _to_verify(rule, duty_id, plan, start)
    elif rule is not None or required:
        unknown = f"No period is known for: {_title(rule, step)}. Ask counsel"
        yield asks(f"find-out.{duty_id}", unknown, start, FIND_OUT, rule)


def asks(duty_id: str, title: str, start: Occurred, within: timedelta, about: Dated | None = None) -> Duty:
    """What a person must find out before any date may be relied on.

    Args:
        duty_id: its id.
        title: what is asked.
        start: from when on.
        within: how long that may take.
        about: the item of the rulebook that it is about: its sources say where to look.
    """
    return Duty(
        id=duty_id,
        title=title,
        due=start.instant + within,
        bound=Bound.STAFF,
        consequence=Consequence.UNKNOWN,
        doubt="no date may be relied on until a person has found out",
        escalations=LEGAL_ESCALATIONS,
        rule=about.id if about is not None else None,
        version=about.valid_from if about is not None else None,
    )


class _Paper:
    """What a served document says of its own period, by a day or by a length."""

    def __init__(
        self,
        rules: Rules,
        rule: Rule | None,
        start: Occurred,
        printed: date | None,
        stated: Length | None,
        happened: Happened,
    ) -> None:
        self.rules, self.rule, self.start = rules, rule, start
        self.printed, self.stated, self.happened = printed, stated, happened

    @property
    def place(self) -> Place:
        return self.rules.place

    def plan(self, computed: Plan) -> Reckoned | Standing:
        """The plan it gives, with what has happened since; the computed one stands beside it in the reckoning."""
        found = self._by_day() if self.printed is not None else self._by_length(self.happened)
        assert found is not None
        notes = self.happened.notes
        beside = tuple(line for line in computed.reckoning if line not in notes) if computed is not None else ()
        said = (self._line, *found.reckoning, *(f"computed: {line}" for line in beside))
        return found.model_copy(update={"reckoning": said})

    @property
    def _line(self) -> str:
        if self.printed is None:
            return f"stated on the served document: {self.stated}"
        return f"printed on the served document: {self.printed}, to the end of that day in {self.place.time_zone}"

    def _by_day(self) -> Plan:
        assert self.printed is not None
        first = local_day(self.start, self.place)
        days = (self.printed - first).days
        if moves(self.rule, self.happened) and 1 <= days <= 999:
            # the paper knew nothing of what happened later: its last day is read as the length it gave
            return run_days(days, self.rule, Occurred.on(first), self.happened, self.place)
        return Reckoned(
            due=self.place.end_of(self.printed),
            last_day=self.printed,
            doubt=self.happened.doubts,
            reckoning=self.happened.notes,
        )

    def _by_length(self, happened: Happened) -> Plan:
        assert self.stated is not None
        return reckon_stated(self.rules, self.rule, self.start, self.stated, happened)

    def agrees_with(self, computed: Plan) -> bool:
        """Whether day, length and computation say the same; what cannot be computed contradicts nothing."""
        lengths = self._by_length(self.happened.at_its_start) if self.stated is not None else None
        by_length = lengths.last_day if isinstance(lengths, Reckoned) else None
        if self.printed is not None and by_length not in (None, self.printed):
            return False
        day = self.printed or by_length
        return day is None or self._is_within(computed, day)

    def _is_within(self, computed: Plan, day: date) -> bool:
        if not isinstance(computed, Reckoned) or computed.last_day == day:
            return True
        due, latest = self.place.end_of(day), computed.latest or computed.due
        if self.rule is not None and self.rule.up_to:
            return due <= latest
        return computed.due <= due <= latest


def _duty_of(
    rule: Rule | None, duty_id: str, plan: Reckoned | Standing, start: Occurred, asked: Asked
) -> Iterator[Duty]:
    if isinstance(plan, Standing):
        yield _standing_duty(rule, duty_id, plan, start, asked)
    elif rule is None:
        yield _bare_duty(duty_id, plan)
    else:
        yield _duty(rule, duty_id, plan)


def _duty(rule: Rule, duty_id: str, deadline: Deadline) -> Duty:
    return Duty(
        id=duty_id,
        title=rule.title,
        due=deadline.due,
        bound=rule.bound,
        consequence=rule.consequence,
        rule=rule.id,
        version=rule.valid_from,
        doubt="; ".join(deadline.doubt),
        curable=rule.curable,
        reminders=_reminders(rule),
        escalations=LEGAL_ESCALATIONS,
        reckoning=deadline.reckoning,
    )


def _bare_duty(duty_id: str, deadline: Deadline) -> Duty:
    """A paper's own date where no rule is known."""
    return Duty(
        id=duty_id,
        title=f"Date printed on the served document: {duty_id}",
        due=deadline.due,
        doubt="; ".join(deadline.doubt),
        reminders=LEGAL_REMINDERS,
        escalations=LEGAL_ESCALATIONS,
        reckoning=deadline.reckoning,
    )


def _standing_duty(rule: Rule | None, duty_id: str, standing: Standing, start: Occurred, asked: Asked) -> Duty:
    """Ask whether a clock runs on. Its date is the organisation's own: no doubt of the law belongs to it."""
    standing_id, too_often = f"stands.{duty_id}", standing.because is Standstill.REVIVED_TOO_OFTEN
    since = Occurred.on(standing.since).instant if standing.since is not None else start.instant
    return Duty(
        id=standing_id,
        title=_standing_title(_title(rule, duty_id), standing),
        due=asked(standing_id, since) + (FIND_OUT if too_often else ASK_AGAIN),
        consequence=rule.consequence if rule is not None else Consequence.UNKNOWN,
        rule=rule.id if rule is not None else None,
        version=rule.valid_from if rule is not None else None,
        escalations=LEGAL_ESCALATIONS if too_often else ROUTINE_ESCALATIONS,
        reckoning=(*standing.reckoning, *(f"doubt: {one}" for one in standing.doubt)),
    )


def _standing_title(title: str, standing: Standing) -> str:
    match standing.because:
        case Standstill.REVIVED_TOO_OFTEN:
            return f"Ask counsel, for the law allows it only so often: {title}"
        case Standstill.NOT_STARTED:
            return f"The clock has not begun. Ask whether what starts it has happened: {title}"
        case Standstill.SUSPENDED:
            return f"The clock stands with {standing.left} left. Ask when it runs on: {title}"


def _to_verify(rule: Rule, duty_id: str, plan: Plan, start: Occurred) -> Iterator[Duty]:
    # how long the state may take binds nobody here: the doubt is shown, and no one is sent to find out
    if isinstance(plan, Reckoned) and plan.law_doubt and rule.bound is not Bound.STATE:
        yield asks(
            f"verify.{duty_id}", f"Verify with counsel and write down the period: {rule.title}", start, FIND_OUT, rule
        )


def _reminders(rule: Rule) -> tuple[timedelta, ...]:
    days = {*rule.reminders, *((rule.margin,) if rule.margin is not None else ())}
    return tuple(timedelta(days=one) for one in sorted(days, reverse=True))


def _title(rule: Rule | None, step: str) -> str:
    return rule.title if rule is not None else step.replace("-", " ")
