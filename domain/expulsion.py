"""An order to expel the person, until it is lifted or carried out. A part of the transit stay.

The periods of the rulebook are here. Lawyer and interim measures are emergencies of safety, which hears of the order by
a milestone (see ``domain.custody``).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import ClassVar

from domain.duties import LEGAL_ESCALATIONS, Bound, Consequence, Duty
from domain.facts import Fact, Frozen, Occurred, Record
from domain.legal import legal_duties
from domain.room import Room
from domain.rulebook import Rules
from domain.stay_facts import ExpulsionAppealed, ExpulsionLifted, ExpulsionOrdered

EXPULSION_ROUND = timedelta(days=7)
"""While an appeal against the order is pending, somebody asks this often whether it still keeps him here."""


class Expulsion(Frozen):
    """The order that stands, if there is one."""

    facts: ClassVar[tuple[type[Fact], ...]] = (ExpulsionOrdered, ExpulsionAppealed, ExpulsionLifted)

    ordered: Occurred | None = None
    appeal_until: date | None = None
    leave_until: date | None = None
    appealed: Occurred | None = None

    def after(self, record: Record) -> "Expulsion":
        match record.fact:
            case ExpulsionOrdered(appeal_until=appeal, leave_until=leave):
                on, open_until = record.occurred, self.appeal_until if self.appealed is None else None
                return Expulsion(
                    ordered=on,
                    appeal_until=_earlier(open_until, appeal, on),
                    leave_until=_earlier(self.leave_until, leave, on),
                )
            case ExpulsionAppealed():
                return self.model_copy(update={"appealed": record.occurred})
            case ExpulsionLifted():
                return Expulsion()
            case _:
                return self

    def objection(self, fact: Fact) -> str | None:
        if isinstance(fact, ExpulsionAppealed | ExpulsionLifted) and self.ordered is None:
            return "no order to expel is recorded"
        return None

    @property
    def events(self) -> Mapping[str, Occurred | None]:
        """By the names that rules with ``begins`` use."""
        is_open = self.ordered is not None
        return {
            "expulsion-order": self.ordered,
            "removal-order": self.ordered if self.appealed is None else None,
            "removal-appeal": self.appealed if is_open else None,
        }

    def duties(self, rules: Rules, room: Room, facts: Mapping[str, str]) -> Iterator[Duty]:
        """The periods that the order begins.

        Args:
            rules: what the rulebook holds for the country.
            room: the stay, which knows what was acknowledged when.
            facts: conditions that select a rule.
        """
        if self.ordered is None:
            return
        if self.appealed is None:
            appeal = self.appeal_until
            found = legal_duties(rules, "removal-order-appeal", self.ordered, printed=appeal, facts=facts)
            yield from _named(found, "removal-order-appeal", "Appeal against the order to expel")
        else:
            yield Duty(
                id="expulsion-round",
                title="Ask about the appeal against the expulsion: does it still keep him here?",
                due=room.since("expulsion-round", self.appealed.instant) + EXPULSION_ROUND,
                consequence=Consequence.REMOVAL,
                escalations=LEGAL_ESCALATIONS,
            )
        yield from self.leaving(rules, facts)

    def leaving(self, rules: Rules, facts: Mapping[str, str]) -> tuple[Duty, ...]:
        """The days to leave by oneself that the order gives."""
        step, leave = "expulsion-departure", self.leave_until
        found = legal_duties(rules, step, self.ordered, printed=leave, required=False, facts=facts)
        return tuple(_named(found, step, "Have left before the order to expel is carried out"))


def _earlier(known: date | None, told: date | None, on: Occurred) -> date | None:
    """The last day of two orders that is kept to: that of the first, where it had not passed when the second came."""
    days = [day for day in (known, told) if day is not None]
    return min((day for day in days if day is told or day >= on.earliest), default=None)


def _named(duties: Iterable[Duty], step: str, title: str) -> Iterator[Duty]:
    """The duties, where a date that stands on the paper alone says what is to be done, and what a miss costs."""
    for duty in duties:
        bare = duty.id == step and duty.rule is None
        changes = {"title": title, "bound": Bound.PERSON, "consequence": Consequence.REMOVAL}
        yield duty.model_copy(update=changes) if bare else duty
