"""Duties that a country's file makes by itself: any rule that says which event begins its clock.

So a jurist can add a step that no phase knows: it is due from its event on, until it is recorded as done.
"""

from collections.abc import Iterator, Mapping

from domain.duties import Duty
from domain.facts import Occurred
from domain.legal import legal_duties
from domain.rulebook import Rules


def further_duties(
    rules: Rules,
    events: Mapping[str, Occurred | None],
    done: Mapping[str, Occurred],
    facts: Mapping[str, str],
) -> Iterator[Duty]:
    """The duties of all rules with ``begins`` whose event has happened.

    Args:
        rules: what the rulebook holds for this phase and country.
        events: what has happened, by the names that rules use; ``None`` for what has not.
        done: when each step was last done.
        facts: conditions of the case. What has been noted is a condition too, with the value ``yes``.
    """
    known = {**{name: "yes" for name, when in events.items() if when is not None}, **facts}
    for step, begins in sorted({(rule.step, rule.begins) for rule in rules.rules if rule.begins is not None}):
        start = events.get(begins or "")
        if start is None or _is_done(done.get(step), start):
            continue
        yield from legal_duties(rules, step, start, required=False, facts=known)


def events_asked_for(rules: Rules) -> frozenset[str]:
    """The events by whose names a rule begins, or holds once they were noted: any other would move nothing."""
    begins = {rule.begins for rule in rules.rules if rule.begins is not None}
    when = [*(rule.when for rule in rules.rules), *(limit.when for limit in rules.stay_limits)]
    conditions = {name for one in when for name, values in one.items() if "yes" in values}
    return frozenset(begins | conditions)


def steps_asked_for(rules: Rules) -> frozenset[str]:
    """The steps of which a rule makes a duty until they are recorded as done."""
    return frozenset(rule.step for rule in rules.rules if rule.begins is not None)


def _is_done(done: Occurred | None, start: Occurred) -> bool:
    """Whether it was done since its clock last started; on one day the doing counts."""
    return done is not None and done.latest >= start.earliest
