"""An order to expel the person, until it is lifted or carried out. A part of the transit stay.

The periods of the rulebook are here. Lawyer and interim measures are emergencies of safety, which hears of the order by
a milestone (see ``domain.custody``).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import ClassVar

from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty
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
                return Expulsion(ordered=record.occurred, appeal_until=appeal, leave_until=leave)
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
            yield from legal_duties(rules, "removal-order-appeal", self.ordered, printed=appeal, facts=facts)
        else:
            yield Duty(
                id="expulsion-round",
                title="Ask about the appeal against the expulsion: does it still keep him here?",
                due=room.since("expulsion-round", self.appealed.instant) + EXPULSION_ROUND,
                consequence=Consequence.REMOVAL,
                escalations=LEGAL_ESCALATIONS,
            )
        leave = self.leave_until
        yield from legal_duties(rules, "expulsion-departure", self.ordered, printed=leave, required=False, facts=facts)
