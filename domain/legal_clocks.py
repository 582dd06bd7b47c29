"""How a rule's clock runs in one case: the rule and what has happened to its clock give a date, or a standstill.

Rules:
    1. Only what the rule itself names lets its clock stand or begins it anew; anything else that happened is said, and
       the clock runs on.
    2. Where the law has changed within the days on which the clock may have started, the earliest date plans.
    3. Nothing recorded ever stops the count: what cannot be counted is left out, and said.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from pydantic import Field

from domain.clocks import Clock, Length, Standing, Suspension
from domain.deadlines import Counting, Deadline, Place, Unit
from domain.facts import Frozen, Occurred
from domain.rulebook import Rule, Rules
from domain.running import run
from domain.starts import earlier_of, later_of

DISAGREE = "the law changed within the days on which this may have begun: the earliest date is taken"
MIXED = "it was changed by hours or by days, and counts in the other: the change is left out"


class Happened(Frozen):
    """What has happened to a clock beside its start.

    Attributes:
        events: by the names that the rulebook gives them: of these a rule with ``earlier_of`` or ``later_of`` takes its
            start, and one with ``restarted_by`` begins anew.
        suspensions: the times in which it may stand, by the name of the event that began them. They count where the
            rule's ``suspended_by`` has that name.
        held: times in which another track held the claim.
        revivals: when it began anew although it had run out.
        extended: by how much an authority made it longer.
        shortened: by how much shorter.
        doubts: what is not certain of all this.
        notes: lines for the reckoning.
    """

    events: Mapping[str, Occurred] = Field(default_factory=dict)
    suspensions: Mapping[str, tuple[Suspension, ...]] = Field(default_factory=dict)
    held: tuple[Suspension, ...] = ()
    revivals: tuple[Occurred, ...] = ()
    extended: tuple[Length, ...] = ()
    shortened: tuple[Length, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def plus(self, other: "Happened") -> "Happened":
        """Both together."""
        lists = ("held", "revivals", "extended", "shortened", "doubts", "notes")
        return Happened(
            events={**self.events, **other.events},
            suspensions={**self.suspensions, **other.suspensions},
            **{name: (*getattr(self, name), *getattr(other, name)) for name in lists},
        )

    @property
    def at_its_start(self) -> "Happened":
        """Only what starts it: the clock as the one who served the paper may have counted it."""
        return Happened(events=self.events, doubts=self.doubts)


NOTHING = Happened()


class Reckoned(Deadline):
    """A deadline, and why its rule may not be relied on.

    Attributes:
        law_doubt: the doubt that a person must clear up: the rule's own, and that of what happened.
    """

    law_doubt: tuple[str, ...] = ()


Plan: TypeAlias = Reckoned | Standing | None
"""A date, a clock that has none, or nothing that could be counted."""


def reckoned(
    rules: Rules,
    step: str,
    start: Occurred,
    pivot: Occurred,
    facts: Mapping[str, str],
    happened: Happened = NOTHING,
) -> tuple[Rule | None, Plan]:
    """The rule that plans a step, and its plan; of several versions that may apply the one with the earliest date."""
    versions = list(_versions(rules, step, pivot, facts))
    plans = [(rule, reckon(rules, rule, start, happened)) for rule in versions]
    dated = [(plan.due, number) for number, (_, plan) in enumerate(plans) if isinstance(plan, Reckoned)]
    if not dated:
        without = (versions[0] if versions else None, None)
        return next(((rule, plan) for rule, plan in plans if plan is not None), without)
    rule, plan = plans[min(dated)[1]]
    if isinstance(plan, Reckoned) and (len({due for due, _ in dated}) > 1 or len(dated) < len(plans)):
        doubts = {"doubt": (*plan.doubt, DISAGREE), "law_doubt": (*plan.law_doubt, DISAGREE)}
        plan = plan.model_copy(update=doubts)
    return rule, plan


def reckon(rules: Rules, rule: Rule, start: Occurred, happened: Happened = NOTHING) -> Plan:
    """One rule's clock, run through all that has happened; ``None`` when the rule is a gap."""
    if rule.amount is None or rule.unit is None:
        return None
    clock = Clock(
        start=begins(rule, start, happened.events, rules.place),
        amount=rule.amount,
        unit=rule.unit,
        counting=rule.counting,
        at_most=rule.at_most,
        at_most_unit=rule.at_most_unit,
    )
    return _run(clock, rule, happened, rules.place, rule.doubt)


def reckon_stated(rules: Rules, rule: Rule | None, start: Occurred, stated: Length, happened: Happened) -> Plan:
    """The period that the served paper states, counted as the rule counts."""
    unknown = () if rule is not None and rule.amount is not None else ("how the stated period is counted is not known",)
    counting = rule.counting if rule is not None and stated.unit is not Unit.HOURS else Counting()
    clock = Clock(start=start, amount=stated.amount, unit=stated.unit, counting=counting)
    return _run(clock, rule, happened, rules.place, unknown)


def begins(rule: Rule, start: Occurred, events: Mapping[str, Occurred], place: Place) -> Occurred | None:
    """What starts the rule's clock: the events it names, where one of them is known; else the given start."""
    names = rule.earlier_of or rule.later_of
    if not any(name in events for name in names):
        return start
    chosen = earlier_of if rule.earlier_of else later_of
    return chosen(*(events.get(name) for name in names), place=place)


def moves(rule: Rule | None, happened: Happened) -> bool:
    """Whether anything happened that moves this rule's clock."""
    return not _with_changes(Clock(start=None, amount=1, unit=Unit.DAYS), rule, happened).is_plain


def run_days(days: int, rule: Rule | None, start: Occurred, happened: Happened, place: Place) -> Plan:
    """So many days from the start of a rule's clock, with all that has happened to it."""
    return _run(Clock(start=start, amount=days, unit=Unit.DAYS), rule, happened, place, ())


def _run(clock: Clock, rule: Rule | None, happened: Happened, place: Place, law_doubt: tuple[str, ...]) -> Plan:
    changed = _with_changes(clock, rule, happened)
    wrong = len(changed.extended) + len(changed.shortened) < len(happened.extended) + len(happened.shortened)
    law = tuple(dict.fromkeys((*law_doubt, *happened.doubts, *((MIXED,) if wrong else ()))))
    found = run(changed, place)
    told = {
        # a band is doubtful both as a rule and as a count: say it once
        "doubt": tuple(dict.fromkeys((*law, *found.doubt))),
        "reckoning": (*happened.notes, *found.reckoning, *_unnamed(rule, happened)),
    }
    if isinstance(found, Standing):
        return found.model_copy(update=told)
    return Reckoned(**{**dict(found), **told}, law_doubt=law)


def _with_changes(clock: Clock, rule: Rule | None, happened: Happened) -> Clock:
    by_name = [one for name in (rule.suspended_by if rule else ()) for one in happened.suspensions.get(name, ())]
    anew = [happened.events[name] for name in (rule.restarted_by if rule else ()) if name in happened.events]
    changed = clock.model_copy(
        update={
            "suspensions": (*happened.held, *by_name),
            "restarts": tuple(anew),
            "revivals": happened.revivals,
            "revivable": (rule.revivable if rule else None) or 1,
            "extended": _alike(clock, happened.extended),
            "shortened": _alike(clock, happened.shortened),
        }
    )
    if changed.is_plain or not _is_mixed(clock):
        return changed
    # a band from hours to days cannot stand: its shortest plans, and the rule says that it is a band
    return changed.model_copy(update={"at_most": None, "at_most_unit": None})


def _is_mixed(clock: Clock) -> bool:
    longest = clock.at_most_unit or clock.unit
    return (longest is Unit.HOURS) != (clock.unit is Unit.HOURS)


def _alike(clock: Clock, lengths: tuple[Length, ...]) -> tuple[Length, ...]:
    """Hours are changed by hours, and days by the others."""
    return tuple(one for one in lengths if (one.unit is Unit.HOURS) == (clock.unit is Unit.HOURS))


def _unnamed(rule: Rule | None, happened: Happened) -> Iterator[str]:
    named = rule.suspended_by if rule is not None else ()
    for name in happened.suspensions:
        if name not in named:
            yield f"{name.replace('-', ' ')}: this rule does not say that its clock stands for that: it runs on"


def _versions(rules: Rules, step: str, pivot: Occurred, facts: Mapping[str, str]) -> Iterator[Rule]:
    """The versions that hold on some day on which the pivot event can have happened, oldest first."""
    begins_on = {rule.valid_from for rule in rules.rules if rule.step == step and rule.valid_from is not None}
    days = [pivot.earliest, *sorted(day for day in begins_on if pivot.earliest < day <= pivot.latest)]
    found = (rules.find(step, day, **facts) for day in days)
    yield from {id(rule): rule for rule in found if rule is not None}.values()
