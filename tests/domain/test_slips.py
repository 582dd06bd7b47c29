"""Slips of the finger: days that can't be true together are asked again, and what is only unlikely is recorded."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.asylum_facts import AttestationIssued, CardIssued, ClaimRegistered, InterviewSummoned, RefusalServed
from domain.consent import ConsentForm, ConsentGiven, Material, Purpose, Recipient, Scope
from domain.custody import Detained, Disappeared, Found, InterimMeasureGranted, Released
from domain.danger import RISK_HOLDS_AT_MOST, Risk, RiskAssessed
from domain.documents import DocumentHeld
from domain.embassy_contacts import Pledged
from domain.errors import NotUnderstood
from domain.events import ROOMS
from domain.extradition import ExtraditionDecided, RequestOutcome
from domain.facts import Fact, Occurred
from domain.intake import read_entry
from domain.needs import NeedKind, NeedNoted, NeedPromised, Promiser, TodoSet
from domain.references import Phase
from domain.room import EventNoted, StepDone
from domain.rulebook import load
from domain.safety import Safety
from domain.slips import NEEDED_WITHIN, must_be_known, must_be_looked_at_soon, must_make_sense
from domain.stay_facts import (
    AppealOutcome,
    ClaimAppealDecided,
    ClaimFinallyRefused,
    ClaimRefused,
    ExpulsionOrdered,
    Status,
    StatusGranted,
    StatusRefused,
    StayedBefore,
    TravelDocument,
)
from domain.vetting import Finding, FindingProposed
from tests.domain.strategies import Tale

DAY = date(2026, 5, 10)
BEFORE = DAY - timedelta(days=1)
ON = Occurred.on(DAY)
SCOPE = Scope(recipient=Recipient.LAWYER, purpose=Purpose.LEGAL_HELP, materials=(Material.IDENTITY,))


def states(last: date) -> list[Fact]:
    """Every fact with a last day that can't lie before its own."""
    return [
        ClaimRefused(appeal_until=last),
        ClaimAppealDecided(outcome=AppealOutcome.DISMISSED, appeal_until=last),
        StatusRefused(status=Status.EXTENSION, appeal_until=last),
        StatusGranted(status=Status.EXTENSION, until=last),
        ExtraditionDecided(by="RU", outcome=RequestOutcome.GRANTED, appeal_until=last),
        ExpulsionOrdered(appeal_until=last),
        ExpulsionOrdered(leave_until=last),
        ClaimRegistered(attestation_until=last),
        ClaimRegistered(lodge_until=last),
        AttestationIssued(until=last),
        InterimMeasureGranted(against="KZ", until=last),
        Pledged(country="FR", until=last),
        NeedPromised(id="need-3", by=Promiser.DOCTOR, until=last),
        ConsentGiven(scopes=(SCOPE,), language="ru", form=ConsentForm.SPOKEN, until=last),
        FindingProposed(finding=Finding.CLEARED, until=last),
        StayedBefore(until=last),
    ]


def line(fact: Fact, occurred: Occurred = ON) -> str:
    with pytest.raises(NotUnderstood) as refused:
        must_make_sense(fact, occurred)
    return refused.value.sentence


@pytest.mark.parametrize("fact", states(BEFORE), ids=lambda fact: str(fact.kind))
def test_a_last_day_that_lies_before_the_fact_itself_is_asked_again(fact: Fact) -> None:
    assert line(fact).startswith(f"its last day, {BEFORE}, lies before {DAY}")
    # with an hour, the day is that of UTC: where it was typed it may still have been the day before
    must_make_sense(fact, Occurred.at_instant(datetime(2026, 5, 10, 1, tzinfo=UTC)))


@pytest.mark.parametrize("fact", states(DAY), ids=lambda fact: str(fact.kind))
def test_a_last_day_may_be_the_day_itself(fact: Fact) -> None:
    must_make_sense(fact, ON)


@pytest.mark.parametrize(
    "fact",
    [
        RefusalServed(appeal_until=BEFORE),
        InterviewSummoned(day=BEFORE),
        CardIssued(until=BEFORE),
        DocumentHeld(document=TravelDocument.INTERNATIONAL_PASSPORT, until=BEFORE),
        ClaimFinallyRefused(leave_until=BEFORE),
    ],
    ids=lambda fact: str(fact.kind),
)
def test_what_may_have_run_out_before_it_came_is_taken_as_it_is_printed(fact: Fact) -> None:
    must_make_sense(fact, ON)


@pytest.mark.parametrize("kind", ["need", "todo"])
def test_a_need_and_a_todo_lie_two_years_ahead_at_most(kind: str) -> None:
    def noted(by: date) -> Fact:
        return NeedNoted(need=NeedKind.MEDICAL, by=by) if kind == "need" else TodoSet(by=by)

    must_make_sense(noted(DAY + NEEDED_WITHIN), ON)
    assert "more than two years after 2026-05-10" in line(noted(DAY + NEEDED_WITHIN + timedelta(days=1)))
    assert "more than two years" in line(noted(date.max))
    assert "lies before" in line(noted(BEFORE))


def test_a_risk_is_looked_at_again_within_ninety_days_of_a_decision_and_a_file_tells_what_was_decided_once() -> None:
    late = DAY + RISK_HOLDS_AT_MOST + timedelta(days=1)
    must_be_looked_at_soon(RiskAssessed(level=Risk.LOW, review_on=DAY + RISK_HOLDS_AT_MOST), ON)
    with pytest.raises(NotUnderstood, match="90 days ahead at most"):
        must_be_looked_at_soon(RiskAssessed(level=Risk.LOW, review_on=late), ON)
    told = {"kind": "risk-assessed", "on": DAY, "level": "low", "review_on": late}
    assert read_entry(told, "event 1", "dana").fact == RiskAssessed(level=Risk.LOW, review_on=late)


def test_an_event_or_a_step_that_nobody_waits_for_is_asked_again_and_what_there_is_is_listed() -> None:
    serbia, germany, nowhere = (
        load().for_phase(country, phase)
        for country, phase in (("RS", "transit-stay"), ("DE", "asylum-filing"), (None, "safety"))
    )
    for fact, rules in (
        (EventNoted(event="address-change"), serbia),
        (StepDone(step="own-report"), serbia),
        (EventNoted(event="sued"), germany),  # a condition: no rule begins with it
    ):
        must_be_known(fact, ROOMS[Phase.TRANSIT_STAY], rules)
    with pytest.raises(NotUnderstood, match="knows such an event; there are: address-change, arrival-at-centre, entry"):
        must_be_known(EventNoted(event="adress-change"), ROOMS[Phase.TRANSIT_STAY], serbia)
    with pytest.raises(NotUnderstood, match="ends with such a step; there are: address-change, application, "):
        must_be_known(StepDone(step="own-reports"), ROOMS[Phase.TRANSIT_STAY], serbia)
    with pytest.raises(NotUnderstood, match="there are: after-found, after-release, moving-after-release"):
        must_be_known(StepDone(step="after-releas"), ROOMS[Phase.SAFETY], nowhere)
    with pytest.raises(NotUnderstood, match="there are none"):
        must_be_known(EventNoted(event="address-change"), ROOMS[Phase.SAFETY], nowhere)


def test_the_steps_of_safety_are_those_that_its_duties_wait_for() -> None:
    tale, waited_for = Tale(), set[str]()
    for number, fact in enumerate((Disappeared(), Found(), Detained(), Released()), start=1):
        tale.tell(f"2024-01-0{number + 2}", fact)
        waited_for |= {name for name in tale.duties(Phase.SAFETY) if name in Safety.own_steps}
    assert waited_for == Safety.own_steps
    for step in sorted(waited_for):
        tale.tell("2024-01-08", StepDone(step=step), phase=Phase.SAFETY)
    assert not Safety.own_steps & tale.duties(Phase.SAFETY).keys()
