"""Duties from the law: a rule, a clock and what was printed make a duty, and with it what a human must find out.

Rules:
    1. What is printed on a served document beats the computation; both are kept, and a difference alarms.
    2. A weak rule never computes in silence: its date carries the doubt, and a duty asks a person to verify.
    3. Where the law has changed within the days on which the clock may have started, the earliest date plans.
    4. A doubtful date that has passed is *act now, ask counsel*, never *missed*: see ``Duty.title_at``.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from domain.deadlines import Deadline
from domain.duties import LEGAL_ESCALATIONS, LEGAL_REMINDERS, Bound, Consequence, Duty
from domain.facts import Occurred
from domain.rulebook import Rule, Rules

FIND_OUT = timedelta(days=3)
"""How long staff have to find out a period that the rulebook does not know."""

DISAGREE = "the law changed within the days on which this may have begun: the earliest date is taken"


def legal_duties(
    rules: Rules,
    step: str,
    start: Occurred | None,
    *,
    name: str | None = None,
    pivot: Occurred | None = None,
    printed: date | None = None,
    required: bool = True,
    facts: Mapping[str, str] | None = None,
) -> Iterator[Duty]:
    """The duty that a rule of law makes, and with it what a human must find out where the rule is weak.

    Args:
        rules: what the rulebook holds for this phase and country.
        step: the step of the procedure.
        start: when the clock started; ``None`` while it has not.
        name: id of the duty; the step's own name if not given.
        pivot: the event whose law applies; the start if not given.
        printed: last day as printed on a served document. It beats the computation, and a difference alarms.
        required: whether a missing rule is itself something to find out, or only means that the step does not apply.
        facts: conditions of the case that select the rule, such as ``track`` or ``entry``.
    """
    if start is None:
        return
    duty_id = name or step
    rule, computed = reckoned(rules, step, start, pivot or start, facts or {})
    if printed is not None:
        yield _printed_duty(rules, rule, duty_id, printed, computed)
        if computed is not None and computed.last_day != printed:
            differ = f"Printed and computed dates differ for: {_title(rule, step)}"
            yield asks(f"mismatch.{duty_id}", differ, start, timedelta())
        return
    if rule is None and not required:
        return
    if rule is None or computed is None:
        yield asks(f"find-out.{duty_id}", f"No period is known for: {_title(rule, step)}. Ask counsel", start, FIND_OUT)
        return
    yield _duty(rule, duty_id, computed.due, computed)
    # how long the state may take binds nobody here: the doubt is shown, and no one is sent to find out
    if computed.law_doubt and rule.bound is not Bound.STATE:
        yield asks(f"verify.{duty_id}", f"Verify with counsel and write down the period: {rule.title}", start, FIND_OUT)


class Reckoned(Deadline):
    """A deadline, and why its rule may not be relied on.

    Attributes:
        law_doubt: the rule's own doubt, without that of the dates.
    """

    law_doubt: tuple[str, ...] = ()


def reckoned(
    rules: Rules, step: str, start: Occurred, pivot: Occurred, facts: Mapping[str, str]
) -> tuple[Rule | None, Reckoned | None]:
    """The rule that plans a step, and its deadline; of several versions that may apply the one with the earliest."""
    versions = list(_versions(rules, step, pivot, facts))
    counted = [(rule, _counted(rules, rule, start)) for rule in versions]
    known = [(deadline.due, number) for number, (_, deadline) in enumerate(counted) if deadline is not None]
    if not known:
        return (versions[0] if versions else None), None
    rule, deadline = counted[min(known)[1]]
    if deadline is not None and (len({due for due, _ in known}) > 1 or len(known) < len(counted)):
        doubts = {"doubt": (*deadline.doubt, DISAGREE), "law_doubt": (*deadline.law_doubt, DISAGREE)}
        deadline = deadline.model_copy(update=doubts)
    return rule, deadline


def _counted(rules: Rules, rule: Rule, start: Occurred) -> Reckoned | None:
    deadline = rules.deadline(rule, start)
    return Reckoned(**dict(deadline), law_doubt=rule.doubt) if deadline is not None else None


def _versions(rules: Rules, step: str, pivot: Occurred, facts: Mapping[str, str]) -> Iterator[Rule]:
    """The versions that hold on some day on which the pivot event can have happened, oldest first."""
    begins = {rule.valid_from for rule in rules.rules if rule.step == step and rule.valid_from is not None}
    days = [pivot.earliest, *sorted(day for day in begins if pivot.earliest < day <= pivot.latest)]
    found = (rules.find(step, day, **facts) for day in days)
    yield from {id(rule): rule for rule in found if rule is not None}.values()


def _duty(rule: Rule, duty_id: str, due: datetime, deadline: Deadline | None, *, printed: str = "") -> Duty:
    reckoning = deadline.reckoning if deadline is not None else ()
    return Duty(
        id=duty_id,
        title=rule.title,
        due=due,
        bound=rule.bound,
        consequence=rule.consequence,
        rule=rule.id,
        version=rule.valid_from,
        doubt="" if printed or deadline is None else "; ".join(deadline.doubt),
        curable=rule.curable,
        reminders=_reminders(rule),
        escalations=LEGAL_ESCALATIONS,
        reckoning=(printed, *(f"computed: {line}" for line in reckoning)) if printed else reckoning,
    )


def _reminders(rule: Rule) -> tuple[timedelta, ...]:
    days = {*rule.reminders, *((rule.margin,) if rule.margin is not None else ())}
    return tuple(timedelta(days=one) for one in sorted(days, reverse=True))


def _printed_duty(rules: Rules, rule: Rule | None, duty_id: str, printed: date, computed: Deadline | None) -> Duty:
    due = rules.place.end_of(printed)
    line = f"printed on the served document: {printed}, to the end of that day in {rules.place.time_zone}"
    if rule is not None:
        return _duty(rule, duty_id, due, computed, printed=line)
    title = f"Date printed on the served document: {duty_id}"
    return Duty(
        id=duty_id,
        title=title,
        due=due,
        reminders=LEGAL_REMINDERS,
        escalations=LEGAL_ESCALATIONS,
        reckoning=(line,),
    )


def asks(duty_id: str, title: str, start: Occurred, within: timedelta) -> Duty:
    """The duty to find something out: nothing may be relied on until a person has."""
    return Duty(
        id=duty_id,
        title=title,
        due=start.instant + within,
        bound=Bound.STAFF,
        consequence=Consequence.UNKNOWN,
        doubt="no date may be relied on until a person has found out",
        escalations=LEGAL_ESCALATIONS,
    )


def _title(rule: Rule | None, step: str) -> str:
    return rule.title if rule is not None else step.replace("-", " ")
