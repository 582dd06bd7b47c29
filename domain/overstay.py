"""Before a stay stops being lawful: what overstaying costs, named in the duty, and relocation thought of in time."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty
from domain.facts import Frozen, Occurred
from domain.rulebook import Penalty, Rules

RELOCATION_AHEAD = timedelta(days=45)
"""Before the last lawful day. A document, a route and a country that lets him in take weeks; later is too late."""

RELOCATION_REMINDERS = (timedelta(days=14), timedelta(days=3))

_ENDS = (Consequence.LOSS_OF_LAWFUL_STAY, Consequence.REMOVAL)


def with_what_overstaying_costs(duty: Duty, rules: Rules) -> Duty:
    """The duty with the consequence of an overstay: its first step in the title, the whole scale in the reckoning."""
    scale = _scale(rules, duty.due.date())
    if duty.consequence not in _ENDS or not scale:
        return duty
    said = tuple(f"an overstay: {_said(one)}; source: {one.sources[0].url}" for one in scale)
    return duty.model_copy(
        update={"title": f"{duty.title}. Overstay: {scale[0].title}", "reckoning": (*duty.reckoning, *said)}
    )


class Cost(Frozen):
    """One step of what an overstay costs, and where that stands."""

    says: str
    source: str


def overstay_scale(rules: Rules, on: date) -> tuple[Cost, ...]:
    """What an overstay costs on a day, step by step, the mildest first."""
    return tuple(Cost(says=_said(one), source=one.sources[0].url) for one in _scale(rules, on))


def _scale(rules: Rules, on: date) -> tuple[Penalty, ...]:
    holding = (one for one in rules.penalties if one.offence == "overstay" and one.holds_on(on))
    return tuple(sorted(holding, key=lambda one: (one.from_months or 0, one.from_days or 0, len(one.when), one.id)))


def _said(penalty: Penalty) -> str:
    doubt = f" (doubt: {'; '.join(penalty.doubt)})" if penalty.doubt else ""
    fine = f", {penalty.fine}" if penalty.fine else ""
    return f"{penalty.title}{fine}{doubt}"


def relocation_duty(ends: Iterable[Duty], entered: Occurred) -> Iterator[Duty]:
    """Relocation is thought of before the lawful stay ends, and at once where that is near.

    Args:
        ends: the duties of whatever ends it; the ground that reaches furthest counts.
        entered: the present entry: nobody is asked before it.
    """
    dated = [duty for duty in ends if duty.consequence in _ENDS]
    last = max(dated, key=lambda duty: duty.due, default=None)
    if last is None:
        return
    day = (last.due - timedelta(microseconds=1)).date()
    yield Duty(
        id="relocation",
        title=f"Think of relocation: the lawful stay ends on {day}, and no other ground reaches further",
        due=max(last.due - RELOCATION_AHEAD, entered.instant + timedelta(days=1)),
        consequence=last.consequence,
        doubt=last.doubt,
        reminders=RELOCATION_REMINDERS,
        escalations=LEGAL_ESCALATIONS,
        reckoning=(f"{RELOCATION_AHEAD.days} days before: {last.title}",),
    )
