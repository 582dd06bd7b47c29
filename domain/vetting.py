"""Vetting: is he who he says he is, what did he do, and is there reason to exclude him from protection?

A finding is proposed by one person and approved by another. An adverse finding closes the gate to entry and nothing
else. *Not to be settled* is a finding of its own: the question can't be answered, which is neither yes nor no.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.case import Milestone, Path
from domain.consent import Material, Purpose, Recipient
from domain.duties import Consequence, Duty
from domain.facts import Decision, Fact, Occurred, Record, Report
from domain.room import Room, dated_duty
from domain.rulebook import Rules

VETTING_EXPECTED = timedelta(days=60)
"""Months of checking are normal (facts: layer 3); after this long somebody asks how far it is."""

APPROVAL_EXPECTED = timedelta(days=7)
"""How long a proposed finding waits for its second person."""


class Check(StrEnum):
    """What is checked. The list is the organisation's own; no source fixes it."""

    IDENTITY = "identity"
    SERVICE_PAPERS = "service-papers"
    UNIT_AND_PLACES = "unit-and-places"
    ROLE_AND_COMMAND = "role-and-command"
    OWN_ACTS = "own-acts"
    REFUSAL_ACTS = "refusal-acts"
    WANTED_LIST = "wanted-list"
    OPEN_SOURCES = "open-sources"
    SECURITY_SERVICE_CONTACT = "security-service-contact"
    WITNESSES = "witnesses"


class Result(StrEnum):
    """What a check gave."""

    CONSISTENT = "consistent"
    DOUBT = "doubt"
    CONTRADICTION = "contradiction"


class Finding(StrEnum):
    """What vetting found."""

    CLEARED = "cleared"
    ADVERSE = "adverse"
    NOT_TO_BE_SETTLED = "not-to-be-settled"


class VettingRequested(Decision):
    """Give the story to the vetters."""

    kind: Literal["vetting-requested"] = "vetting-requested"


class CheckRecorded(Report):
    """A check was made."""

    kind: Literal["check-recorded"] = "check-recorded"
    check: Check = Field(description="what was checked")
    result: Result = Field(description="what it gave")


class FindingProposed(Decision):
    """Propose what vetting found. Another person approves it."""

    kind: Literal["finding-proposed"] = "finding-proposed"
    finding: Finding = Field(description="the finding")
    until: date | None = Field(default=None, description="last day on which it holds")


class FindingApproved(Decision):
    """Approve the proposed finding. The proposer cannot."""

    kind: Literal["finding-approved"] = "finding-approved"


class FindingRejected(Decision):
    """Send the proposed finding back."""

    kind: Literal["finding-rejected"] = "finding-rejected"


class NewInformation(Report):
    """Something came up that puts the finding in question: vetting is open again."""

    kind: Literal["new-information"] = "new-information"


class Vetting(Room):
    """The state of one person's vetting."""

    facts = (VettingRequested, CheckRecorded, FindingProposed, FindingApproved, FindingRejected, NewInformation)
    review_title = "Review the vetting: what is still to be checked?"

    requested: Occurred | None = None
    checks: Mapping[Check, Result] = Field(default_factory=dict)
    proposed: Finding | None = None
    proposed_by: str | None = None
    proposed_on: Occurred | None = None
    proposed_until: date | None = None
    finding: Finding | None = None
    found_on: Occurred | None = None
    valid_until: date | None = None
    in_question: bool = False

    def after(self, record: Record) -> dict[str, object]:
        nothing_proposed = {"proposed": None, "proposed_by": None, "proposed_on": None, "proposed_until": None}
        match record.fact:
            case VettingRequested():
                return {"requested": record.occurred}
            case CheckRecorded(check=check, result=result):
                return {"checks": {**self.checks, check: result}}
            case FindingProposed(finding=finding, until=until):
                by = {"proposed_by": record.actor, "proposed_on": record.occurred}
                return by | {"proposed": finding, "proposed_until": until}
            case FindingApproved() if self.proposed is not None and self.proposed_by != record.actor:
                found = {"finding": self.proposed, "found_on": record.occurred, "valid_until": self.proposed_until}
                return found | nothing_proposed | {"in_question": False}
            case FindingRejected():
                return dict(nothing_proposed)
            case NewInformation():
                return {"in_question": True}
            case _:
                return {}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        match fact:
            case VettingRequested():
                asked = case.covers(Recipient.VETTER, Purpose.VETTING, (Material.IDENTITY, Material.STORY), on)
                return None if asked else "no consent covers giving vetters: identity, story"
            case FindingApproved() if self.proposed is None:
                return "no finding is proposed"
            case FindingApproved() if self.proposed_by == actor:
                return "a finding is approved by another person than the one who proposed it"
            case FindingRejected() if self.proposed is None:
                return "no finding is proposed"
            case NewInformation() if self.finding is None:
                return "no finding is recorded that it could put in question"
            case _:
                return None

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case FindingApproved():
                return _MILESTONES.get(self.finding) if self.finding is not None else None
            case NewInformation() if self.finding is Finding.CLEARED:
                return Milestone.CLEARANCE_LAPSED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if self.proposed is not None and self.proposed_on is not None:
            due = self.since("approval", self.proposed_on.instant) + APPROVAL_EXPECTED
            yield Duty(id="approval", title="A proposed finding waits for a second person", due=due)
        elif self.finding is None or self.in_question:
            start = self.requested.instant if self.requested is not None else self.anchor
            due = self.since("vetting-progress", start) + VETTING_EXPECTED
            progress = Duty(id="vetting-progress", title="Ask the vetters how far they are", due=due)
            told = (Material.IDENTITY, Material.STORY)
            yield from case.while_covered([progress], Recipient.VETTER, Purpose.VETTING, *told)
        if self.finding is Finding.CLEARED:
            yield from dated_duty(
                "clearance-ends",
                "The clearance runs out: have it renewed",
                self.valid_until,
                Consequence.CLEARANCE_LAPSES,
            )

    def headline(self) -> str:
        if self.proposed is not None:
            return f"{self.proposed} proposed, waits for a second person"
        if self.finding is not None:
            return f"{self.finding}{', in question' if self.in_question else ''}"
        return "under way" if self.requested is not None else "not asked for yet"


_MILESTONES = {
    Finding.CLEARED: Milestone.CLEARED,
    Finding.ADVERSE: Milestone.ADVERSE,
    Finding.NOT_TO_BE_SETTLED: Milestone.CLEARANCE_LAPSED,
}
"""What the path hears. A question that can't be settled opens no gate, but is no adverse finding either."""
