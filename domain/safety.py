"""Safety watches over everything: check-ins, danger, needs, and what happens when a man is taken.

Open from the first day until a person closes the path, in every country. The room is put together from parts, each
with its facts, its state and its duties: ``check_ins``, ``reaching``, ``needs``, ``danger``, ``custody``,
``extradition``, ``alerts``, ``documents``.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.alerts import Alerts
from domain.case import Milestone, Path
from domain.check_ins import ANSWER, CheckIns
from domain.custody import STEPS, Custody, Deported, Detained, Released
from domain.danger import Danger
from domain.documents import Documents
from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty, emergency_duty
from domain.extradition import Extradition
from domain.facts import Fact, Occurred, Record
from domain.needs import Needs
from domain.reaching import Reaching
from domain.room import DIGEST, Acknowledged, HistoryImported, PastDuty, Room, dated_duty
from domain.rulebook import Rules

DIGEST_WITHIN = timedelta(days=7)
"""How long staff have to go through what was past at an import."""


class Safety(Room):
    """The state of one person's safety."""

    facts = (
        *(*CheckIns.facts, *Reaching.facts, *Needs.facts, *Danger.facts),
        *(*Custody.facts, *Extradition.facts, *Alerts.facts, *Documents.facts),
    )
    own_steps = STEPS
    review_title = "Review this person's safety"

    check_ins: CheckIns = CheckIns()
    reaching: Reaching = Reaching()
    needs: Needs = Needs()
    danger: Danger = Danger()
    custody: Custody = Custody()
    extradition: Extradition = Extradition()
    alerts: Alerts = Alerts()
    documents: Documents = Documents()
    past: tuple[PastDuty, ...] = ()

    def apply(self, record: Record) -> "Safety":
        applied = super().apply(record)
        match record.fact:
            case HistoryImported(past=past):
                return applied.model_copy(update={"past": past, "check_ins": applied.check_ins.imported()})
            case Acknowledged(duty=duty) if duty == DIGEST:
                return applied.model_copy(update={"past": ()})
            case Acknowledged(duty=duty) if duty == ANSWER:
                return applied.model_copy(update={"check_ins": applied.check_ins.taken_in_hand(record.version)})
            case _:
                return applied

    def after(self, record: Record) -> dict[str, object]:
        return {
            "check_ins": self.check_ins.after(record, self),
            "reaching": self.reaching.after(record),
            "needs": self.needs.after(record),
            "danger": self._danger_after(record),
            "custody": self.custody.after(record),
            "extradition": self.extradition.after(record),
            "alerts": self.alerts.after(record),
            "documents": self.documents.after(record),
        }

    def _danger_after(self, record: Record) -> Danger:
        danger, level = self.danger.after(record), self.alerts.raised_by(record)
        return danger.raised_by(record, level) if level is not None else danger

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        taken = self.custody.objection(fact) or self.extradition.objection(fact)
        own = self.reaching.objection(fact) or self.needs.objection(fact)
        return taken or own or self.check_ins.objection(fact, on) or self.danger.objection(fact, on)

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Detained():
                return Milestone.DETAINED
            case Released() if self.custody.held is None:
                return Milestone.RELEASED
            case Deported():
                return Milestone.DEPORTED
            case _:
                return None

    def alerted(self) -> Mapping[UUID, datetime]:
        return {alert: one.at for alert, one in self.alerts.in_force.items()}

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        is_free = self.custody.emergency is None
        is_found = self.reaching.explains_silence
        yield from self.check_ins.duties(self, case, is_free=is_free, is_found=is_found)
        yield from self.needs.duties(self)
        yield from self.custody.duties(self, case.where, *self._removals(case))
        yield from self.extradition.duties(self)
        yield from self.documents.duties()
        yield from self.danger.duties(self)
        if is_free:  # else nobody expects a sign of him, and louder duties stand already
            yield from self.reaching.duties(self, self.check_ins.plan)
            yield from self.alerts.duties(self, case.where, self.check_ins.plan.told)
        for state, when in sorted(case.forbidden_contacts.items()):
            title = f"A contact with {state}, which must never be contacted, is reported: protect the person"
            yield emergency_duty(f"forbidden-contact.{state}", title, when.instant)
        yield from self._past_duties()
        yield from self._consent_duties(case)

    def _removals(self, case: Path) -> tuple[list[Occurred], list[Occurred]]:
        """Since when removals have been asked for or ordered, and the latest step of each."""
        expulsion = [case.expulsion] if case.expulsion is not None else []
        requests = self.extradition.requests.values()
        return [one.on for one in requests] + expulsion, [one.granted or one.on for one in requests] + expulsion

    def _past_duties(self) -> Iterator[Duty]:
        if self.past:
            listed = ", ".join(sorted({one.duty for one in self.past}))
            yield Duty(
                id=DIGEST,
                title=f"To be checked by a person, past at the import: {listed}",
                due=self.anchor + DIGEST_WITHIN,
                escalations=LEGAL_ESCALATIONS,
            )

    def _consent_duties(self, case: Path) -> Iterator[Duty]:
        """Consent is asked for again before it ends; a withdrawal is talked over."""
        ends = min((one.until for one in case.consents if one.until is not None), default=None)
        yield from dated_duty("consent-ends", "Consent ends: ask the person again", ends, Consequence.CONSENT_ENDS)
        if case.withdrawn:
            asked = self.since("consent-withdrawn", self.anchor)
            title = "Consent was withdrawn: stop what is pending, and ask the person what he wishes"
            due = asked + timedelta(days=1)
            yield Duty(id="consent-withdrawn", title=title, due=due, consequence=Consequence.CONSENT_ENDS)

    def headline(self) -> str:
        found = f"{self.custody.emergency}: emergency" if self.custody.emergency is not None else "watched"
        return f"{found}, risk {self.danger.level}" if self.danger.level is not None else found
