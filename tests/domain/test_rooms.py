"""The rooms: what each phase accepts, flags or refuses, and the duties its facts make."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.asylum_facts import (
    AppealLodged,
    AuthorityContacted,
    CardIssued,
    ClaimClosed,
    ClaimPresented,
    ClaimRegistered,
    CompletionAsked,
    FileCompleted,
    FileLodged,
    FinalRefusalServed,
    InterviewHeld,
    InterviewSummoned,
    LegalAidRequested,
    Protection,
    ProtectionGranted,
    RefusalServed,
    RemovalOrdered,
    Track,
    TransferDecided,
)
from domain.check_ins import CheckedIn, CheckInPlanned
from domain.custody import Detained, Disappeared, Found, InterimMeasureGranted, Released
from domain.danger import Risk, RiskAssessed
from domain.duties import Bound
from domain.embassy_contacts import Answer, Answered, Approached, Pledged
from domain.entry import Arrived, Departed, DocumentRefused, DocumentRequested, JourneyPlanned
from domain.errors import NotUnderstood, Refused
from domain.events import ROOMS, Event
from domain.facts import Fact, Nature
from domain.references import Phase
from domain.room import EventNoted, Room, StepDone
from domain.rulebook import Country
from domain.stay_facts import (
    AuthorityApproached,
    ClaimAppealed,
    ClaimFinallyRefused,
    ClaimLodged,
    ClaimRefused,
    ClaimTracked,
    Entered,
    Exited,
    Fingerprinted,
    Registered,
    Relocated,
    Status,
    StatusEnded,
    StatusGranted,
    StayedBefore,
)
from domain.vetting import Finding, FindingApproved, FindingProposed, FindingRejected, VettingRequested
from tests.domain.strategies import EVERYTHING, RULEBOOK, Tale, events_in, noon

DAY = timedelta(days=1)


def utc(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def in_france() -> Tale:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-02-01", Arrived(country="FR"))
    return tale


@pytest.mark.parametrize("phase", list(Phase))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_facts_in_any_order_leave_a_room_that_has_a_headline_and_a_duty(phase: Phase, data: st.DataObject) -> None:
    room: Room = ROOMS[phase](stream=f"case/0000000000A/{phase}/1", country="FR")
    case = Tale().story.path.state
    for event in data.draw(events_in(ROOMS[phase])):
        room.objection(event.fact, event.actor, event.occurred.earliest, case)
        room = room.apply(event)
        room.milestone(event)
    duties = room.duties(case, RULEBOOK.for_phase("FR", phase))
    assert duties
    assert [duty.due for duty in duties] == sorted(duty.due for duty in duties)
    assert len({duty.id for duty in duties}) == len(duties)
    assert room.headline()


def test_every_phase_has_a_room_and_every_fact_has_one_room() -> None:
    assert set(ROOMS) == set(Phase)
    owned = [fact for room in ROOMS.values() for fact in room.facts]
    assert len(owned) == len(set(owned))
    assert all(fact.nature is not Nature.ENGINE for fact in owned)


def flag(events: tuple[Event, ...]) -> str:
    assert events[0].outside_path is not None
    return events[0].outside_path


# --- vetting -------------------------------------------------------------------------------------------------------


def test_who_proposed_a_finding_cannot_approve_it() -> None:
    tale = Tale()
    tale.tell("2024-01-05", FindingProposed(finding=Finding.CLEARED), by="anna")
    with pytest.raises(Refused, match="another person"):
        tale.tell("2024-01-06", FindingApproved(), by="anna")
    assert not tale.story.path.state.cleared
    tale.tell("2024-01-06", FindingApproved(), by="boris")
    assert tale.story.path.state.cleared


def test_an_approval_approves_nothing_where_nothing_is_proposed() -> None:
    tale = Tale()
    for decision in (FindingApproved(), FindingRejected()):
        with pytest.raises(Refused, match="no finding is proposed"):
            tale.tell("2024-01-06", decision)


def test_a_rejected_finding_cannot_be_approved() -> None:
    tale = Tale()
    tale.tell("2024-01-05", FindingProposed(finding=Finding.CLEARED))
    tale.tell("2024-01-06", FindingRejected(), by="boris")
    with pytest.raises(Refused, match="no finding is proposed"):
        tale.tell("2024-01-07", FindingApproved(), by="boris")


def test_a_proposed_finding_waits_a_week_for_its_second_person() -> None:
    tale = Tale()
    tale.tell("2024-01-05", FindingProposed(finding=Finding.CLEARED, until=date(2024, 12, 31)))
    assert tale.duties(Phase.VETTING)["approval"].due == utc("2024-01-12")
    tale.tell("2024-01-06", FindingApproved(), by="boris")
    assert tale.duties(Phase.VETTING)["clearance-ends"].due == utc("2025-01-01")


def test_a_story_goes_to_the_vetters_only_with_consent() -> None:
    Tale().tell("2024-01-05", VettingRequested())
    tale = Tale(scopes=EVERYTHING[:1])
    with pytest.raises(Refused, match="no consent covers giving vetters"):
        tale.tell("2024-01-05", VettingRequested())


# --- safety --------------------------------------------------------------------------------------------------------


def test_a_missed_check_in_alarms_after_its_grace() -> None:
    tale = Tale()
    tale.tell("2024-01-02", CheckInPlanned(every_days=7, grace_hours=12))
    tale.tell("2024-01-05T10:00+00:00", CheckedIn(), now=noon("2024-01-05"))
    assert tale.duties(Phase.SAFETY)["check-in"].due == datetime(2024, 1, 12, 22, tzinfo=UTC)


def test_a_late_report_of_an_older_check_in_changes_nothing() -> None:
    tale = Tale()
    tale.tell("2024-01-20", CheckedIn())
    due = tale.duties(Phase.SAFETY)["check-in"].due
    tale.tell("2024-01-10", CheckedIn(), now="2024-01-21")
    assert tale.duties(Phase.SAFETY)["check-in"].due == due


def test_nobody_waits_for_a_check_in_from_custody() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Detained())
    assert "check-in" not in tale.duties(Phase.SAFETY)
    tale.tell("2024-02-02", Released())
    assert "check-in" in tale.duties(Phase.SAFETY)


def test_a_disappearance_is_an_emergency_until_the_person_is_found() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Disappeared())
    assert {"whereabouts", "custody-round"} <= set(tale.duties(Phase.SAFETY))
    tale.tell("2024-02-05", Found())
    assert "whereabouts" not in tale.duties(Phase.SAFETY)


@pytest.mark.parametrize(("fact", "why"), [(Released(), "no custody"), (Found(), "no disappearance")])
def test_an_end_without_its_beginning_is_recorded_and_flagged(fact: Fact, why: str) -> None:
    assert why in flag(Tale().tell("2024-02-01", fact))


def test_a_risk_is_looked_at_again_on_a_later_day() -> None:
    tale = Tale()
    with pytest.raises(Refused, match="must lie after"):
        tale.tell("2024-01-05", RiskAssessed(level=Risk.HIGH, review_on=date(2024, 1, 5)))
    tale.tell("2024-01-05", RiskAssessed(level=Risk.HIGH, review_on=date(2024, 2, 5)))
    assert tale.duties(Phase.SAFETY)["risk-review"].due == utc("2024-02-05")


def test_an_interim_measure_of_a_former_detention_does_not_silence_the_next() -> None:
    tale = Tale()
    tale.tell("2024-01-03", Detained())
    tale.tell("2024-01-04", InterimMeasureGranted(against="KZ", until=date(2024, 2, 1)))
    tale.tell("2024-01-05", Released())
    tale.tell("2024-06-05", Detained())
    assert "interim-measures" in tale.duties(Phase.SAFETY)


def test_an_interim_measure_without_an_end_is_an_interim_measure() -> None:
    tale = Tale()
    tale.tell("2024-01-03", Detained())
    tale.tell("2024-01-04", InterimMeasureGranted(against="KZ"))
    assert "interim-measures" not in tale.duties(Phase.SAFETY)


def test_a_man_who_is_found_in_custody_is_still_in_custody() -> None:
    tale = Tale()
    tale.tell("2024-01-03", Detained())
    tale.tell("2024-01-04", Disappeared())
    tale.tell("2024-01-05", Found())
    assert tale.story.path.state.in_custody
    assert "custody-round" in tale.duties(Phase.SAFETY)


# --- transit stay --------------------------------------------------------------------------------------------------


def test_a_stay_without_an_entry_flags_what_is_reported_of_it() -> None:
    assert "no entry" in flag(Tale().tell("2024-01-05", Registered()))


def test_an_entry_starts_the_clocks_of_the_stay_and_of_its_registration() -> None:
    tale = Tale()
    tale.enter()
    assert {"stay-limit", "registration"} <= set(tale.duties(Phase.TRANSIT_STAY))
    tale.tell("2024-01-03", Registered())
    assert "registration" not in tale.duties(Phase.TRANSIT_STAY)
    tale.tell("2024-02-01", Exited())
    assert set(tale.duties(Phase.TRANSIT_STAY)) == {"outside", "review"}


def test_each_ground_to_stay_has_a_duty_of_its_own() -> None:
    tale = Tale()
    tale.enter()
    for status, duty in (
        (Status.ASYLUM_SEEKER_CERTIFICATE, "certificate-renewal"),
        (Status.TEMPORARY_RESIDENCE, "residence-renewal"),
        (Status.EXTENSION, "extension-ends"),
    ):
        tale.tell("2024-02-01", StatusGranted(status=status, until=date(2024, 8, 1)))
        assert duty in tale.duties(Phase.TRANSIT_STAY)
        assert "stay-limit" not in tale.duties(Phase.TRANSIT_STAY)


def test_a_ground_that_is_not_the_present_one_cannot_end_it() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", StatusGranted(status=Status.EXTENSION, until=date(2024, 8, 1)))
    assert "is not held" in flag(tale.tell("2024-03-01", StatusEnded(status=Status.VISA_FREE)))
    assert "extension-ends" in tale.duties(Phase.TRANSIT_STAY)
    tale.tell("2024-03-02", StatusEnded(status=Status.EXTENSION))
    assert "stay-limit" in tale.duties(Phase.TRANSIT_STAY)


def test_a_claim_in_the_transit_country_walks_from_lodging_to_leaving() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-01-03", ClaimLodged())
    assert {"fingerprinting", "claim-decision"} <= set(tale.duties(Phase.TRANSIT_STAY))
    tale.tell("2024-01-04", Fingerprinted())
    assert "fingerprinting" not in tale.duties(Phase.TRANSIT_STAY)
    tale.tell("2024-04-01", ClaimRefused(appeal_until=date(2024, 4, 15)))
    appeal = tale.duties(Phase.TRANSIT_STAY)["claim-appeal"]
    assert appeal.due.astimezone(UTC).date() == date(2024, 4, 15)
    tale.tell("2024-04-10", ClaimAppealed())
    assert "claim-appeal" not in tale.duties(Phase.TRANSIT_STAY)
    tale.tell("2024-06-01", ClaimFinallyRefused(leave_until=date(2024, 6, 10)))
    assert "leave-after-refusal" in tale.duties(Phase.TRANSIT_STAY)
    assert "stay-limit" in tale.duties(Phase.TRANSIT_STAY)


def test_an_appeal_without_a_refusal_is_flagged() -> None:
    tale = Tale()
    tale.enter()
    assert "no claim" in flag(tale.tell("2024-02-01", Fingerprinted()))
    assert "no refusal" in flag(tale.tell("2024-02-01", ClaimAppealed()))


def test_an_authority_is_approached_only_with_consent_for_it() -> None:
    tale = Tale()
    tale.tell("2024-01-03", AuthorityApproached())
    tale = Tale(scopes=EVERYTHING[:1])
    with pytest.raises(Refused, match="no consent covers"):
        tale.tell("2024-01-03", AuthorityApproached())


def test_in_a_country_without_a_rulebook_staff_are_asked_to_find_out() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", Relocated(to="UZ"))
    tale.tell("2024-02-02", Entered())
    duties = tale.duties(Phase.TRANSIT_STAY, 2)
    assert {"find-out.stay-limit", "find-out.registration"} <= set(duties)
    assert all(duties[one].doubt for one in duties if one.startswith("find-out."))


def test_a_validity_without_an_end_written_as_the_last_day_of_all_leaves_duties() -> None:
    tale = Tale()
    tale.enter()
    try:
        tale.tell("2024-02-01", StatusGranted(status=Status.EXTENSION, until=date.max))
    except NotUnderstood:
        return
    assert tale.story.next_rung(noon("2024-02-01")) is not None


# --- embassies -----------------------------------------------------------------------------------------------------


def test_a_state_that_was_asked_is_asked_again_until_it_refuses_or_pledges() -> None:
    tale = Tale()
    tale.tell("2024-01-03", Approached(country="FR"))
    assert tale.duties(Phase.EMBASSY_CONTACTS)["answer.FR"].due == utc("2024-01-03") + 45 * DAY
    tale.tell("2024-01-20", Answered(country="FR", answer=Answer.UNDER_REVIEW))
    assert tale.duties(Phase.EMBASSY_CONTACTS)["answer.FR"].due == utc("2024-01-20") + 45 * DAY
    tale.tell("2024-02-20", Answered(country="FR", answer=Answer.REFUSED))
    assert set(tale.duties(Phase.EMBASSY_CONTACTS)) == {"review"}


def test_a_pledge_has_its_end_and_is_asked_after() -> None:
    tale = Tale()
    tale.tell("2024-01-03", Approached(country="FR"))
    tale.tell("2024-01-10", Pledged(country="FR", until=date(2024, 6, 30)))
    duties = tale.duties(Phase.EMBASSY_CONTACTS)
    assert duties["pledge-ends"].due == utc("2024-07-01")
    assert duties["pledge-follow-up"].due == utc("2024-01-10") + 30 * DAY
    assert "answer.FR" not in duties


def test_a_pledge_nobody_asked_for_is_welcome_and_flagged() -> None:
    tale = Tale()
    assert "was not asked" in flag(tale.tell("2024-01-10", Pledged(country="FR")))
    assert tale.story.path.state.pledge == "FR"


# --- entry ---------------------------------------------------------------------------------------------------------


def test_a_departure_is_watched_to_the_hour_until_an_arrival() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", JourneyPlanned(departs_on=date(2024, 1, 20)))
    departure = tale.duties(Phase.ENTRY)["departure"]
    assert (departure.due, departure.emergency) == (utc("2024-01-21"), True)
    tale.tell("2024-01-20T08:00+00:00", Departed(), now=noon("2024-01-20"))
    arrival = tale.duties(Phase.ENTRY)["arrival"]
    assert (arrival.due, arrival.emergency) == (datetime(2024, 1, 21, 8, tzinfo=UTC), True)


def test_no_journey_is_planned_without_a_document() -> None:
    tale = Tale()
    tale.enter()
    tale.pledge()
    tale.find(Finding.CLEARED)
    tale.clear_exit()
    with pytest.raises(Refused, match="no travel document"):
        tale.tell("2024-01-10", JourneyPlanned(departs_on=date(2024, 1, 20)))
    tale.tell("2024-01-10", DocumentRequested(country="FR"))
    assert tale.duties(Phase.ENTRY)["document"].due == utc("2024-01-10") + 30 * DAY
    assert "no travel document" in flag(tale.tell("2024-01-11", Departed()))


def test_a_refused_document_can_be_appealed() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-09", DocumentRequested(country="FR"))
    tale.correct(tale.event("document-issued"), "2024-01-10")
    tale.tell("2024-01-20", DocumentRefused())
    assert "visa-refusal-appeal" in tale.duties(Phase.ENTRY)


# --- asylum filing -------------------------------------------------------------------------------------------------


def test_a_claim_walks_from_the_first_reception_to_the_card() -> None:
    tale = in_france()

    def duties() -> set[str]:
        return set(tale.duties(Phase.ASYLUM_FILING))

    assert "present-claim" in duties()
    tale.tell("2024-02-02", ClaimPresented())
    assert "appointment" in duties()
    tale.tell("2024-02-05", ClaimRegistered(attestation_until=date(2024, 12, 5)))
    assert {"file-lodging", "attestation-ends"} <= duties()
    tale.tell("2024-02-20", FileLodged())
    assert "claim-decision" in duties()
    tale.tell("2024-03-01", CompletionAsked(until=date(2024, 3, 10)))
    assert "file-completion" in duties()
    tale.tell("2024-03-05", FileCompleted())
    assert "file-completion" not in duties()
    tale.tell("2024-04-01", InterviewSummoned(day=date(2024, 5, 2)))
    assert tale.duties(Phase.ASYLUM_FILING)["interview"].due == utc("2024-05-03")
    tale.tell("2024-05-02", InterviewHeld())
    assert "interview" not in duties()
    tale.tell("2024-08-01", ProtectionGranted(protection=Protection.REFUGEE))
    assert "residence-card" in duties()
    assert "attestation-ends" not in duties()
    tale.tell("2024-10-01", CardIssued(until=date(2034, 10, 1)))
    assert duties() == {"card-ends", "review"}


def test_a_printed_date_beats_the_computed_one_and_a_difference_alarms() -> None:
    tale = in_france()
    tale.tell("2024-02-05", ClaimRegistered())
    computed = tale.duties(Phase.ASYLUM_FILING)["file-lodging"].due
    printed = date(2024, 2, 20)
    tale.tell("2024-02-06", ClaimRegistered(lodge_until=printed))
    duties = tale.duties(Phase.ASYLUM_FILING)
    assert duties["file-lodging"].due != computed
    assert duties["file-lodging"].due.date() == printed
    assert "mismatch.file-lodging" in duties


def test_a_refusal_opens_the_days_to_appeal_and_to_ask_for_legal_aid() -> None:
    tale = in_france()
    tale.tell("2024-02-05", ClaimRegistered())
    tale.tell("2024-05-01", RefusalServed())
    assert {"appeal", "legal-aid"} <= set(tale.duties(Phase.ASYLUM_FILING))
    assert not tale.duties(Phase.ASYLUM_FILING)["appeal"].curable
    tale.tell("2024-05-05", LegalAidRequested())
    assert "legal-aid" not in tale.duties(Phase.ASYLUM_FILING)
    tale.tell("2024-05-20", AppealLodged())
    assert "appeal" not in tale.duties(Phase.ASYLUM_FILING)


def test_an_order_to_leave_a_transfer_and_a_closed_claim_have_remedies() -> None:
    tale = in_france()
    tale.tell("2024-02-05", ClaimRegistered(track=Track.DUBLIN))
    tale.tell("2024-03-01", TransferDecided())
    assert "transfer-appeal" in tale.duties(Phase.ASYLUM_FILING)
    tale.tell("2024-04-01", ClaimClosed())
    assert "reopening" in tale.duties(Phase.ASYLUM_FILING)
    tale.tell("2024-05-01", FinalRefusalServed())
    tale.tell("2024-05-02", RemovalOrdered(leave_until=date(2024, 6, 1)))
    assert {"remedies", "departure"} <= set(tale.duties(Phase.ASYLUM_FILING))


def test_a_step_without_the_one_before_it_is_recorded_and_flagged() -> None:
    tale = in_france()
    assert "no registration" in flag(tale.tell("2024-02-02", FileLodged()))
    assert "no refusal" in flag(tale.tell("2024-02-03", AppealLodged()))
    assert "no protection" in flag(tale.tell("2024-02-04", CardIssued()))


def test_the_host_authority_is_told_only_what_consent_covers() -> None:
    tale = in_france()
    assert tale.tell("2024-02-02", AuthorityContacted())[0].outside_path is None
    other = Tale(scopes=EVERYTHING[:2])
    other.tell("2024-02-01", Arrived(country="FR"))
    with pytest.raises(Refused, match="no consent covers giving the host authority"):
        other.tell("2024-02-02", AuthorityContacted())


def test_former_stays_shorten_the_present_one_and_the_reckoning_says_how() -> None:
    tale = Tale()
    tale.tell("2024-05-01", Entered())
    alone = tale.duties(Phase.TRANSIT_STAY)["stay-limit"]
    assert (alone.due.date(), alone.rule) == (date(2024, 7, 29), "kz.stay-limit.visa-free")
    tale.tell("2024-01-10", StayedBefore(until=date(2024, 3, 1)))
    shortened = tale.duties(Phase.TRANSIT_STAY)["stay-limit"]
    assert shortened.due.date() == date(2024, 6, 7)
    assert any("90 days in any 180" in line for line in shortened.reckoning)
    tale.tell("2024-05-20", Exited())
    assert "stay-limit" not in tale.duties(Phase.TRANSIT_STAY)
    tale.tell("2024-06-01", Entered())
    assert tale.duties(Phase.TRANSIT_STAY)["stay-limit"].due.date() == date(2024, 6, 18)


def test_a_printed_last_day_beats_the_reckoned_one_and_the_difference_alarms() -> None:
    tale = Tale()
    tale.tell("2024-05-01", Entered())
    tale.tell("2024-05-01", StatusGranted(status=Status.VISA_FREE, until=date(2024, 7, 1)))
    duties = tale.duties(Phase.TRANSIT_STAY)
    assert duties["stay-limit"].due.date() == date(2024, 7, 1)
    assert duties["stay-limit"].reckoning[0].startswith("printed on the document: 2024-07-01")
    assert "mismatch.stay-limit" in duties


def test_stays_that_lie_over_each_other_ask_a_person_and_stop_nothing() -> None:
    tale = Tale()
    tale.tell("2024-05-01", Entered())
    tale.tell("2024-04-01", StayedBefore(until=date(2024, 5, 10)))
    duties = tale.duties(Phase.TRANSIT_STAY)
    assert "find-out.stay-limit" in duties
    assert "lie over each other" in duties["find-out.stay-limit"].title


def in_serbia() -> Tale:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", Relocated(to="RS"))
    tale.tell("2024-02-01", Entered())
    return tale


def test_a_step_that_no_phase_knows_is_due_from_its_event_until_done_and_again_when_that_comes_again() -> None:
    tale = in_serbia()
    assert tale.duties(Phase.TRANSIT_STAY, 2)["own-report"].due == utc("2024-02-01T23:00:00")
    tale.tell("2024-02-02", StepDone(step="own-report"), phase=Phase.TRANSIT_STAY)
    assert "own-report" not in tale.duties(Phase.TRANSIT_STAY, 2)
    assert "address-change" not in tale.duties(Phase.TRANSIT_STAY, 2)
    tale.tell("2024-02-05", EventNoted(event="address-change"), phase=Phase.TRANSIT_STAY)
    assert tale.duties(Phase.TRANSIT_STAY, 2)["address-change"].rule == "rs.stay.address-change"
    tale.tell("2024-02-06", StepDone(step="address-change"), phase=Phase.TRANSIT_STAY)
    assert "address-change" not in tale.duties(Phase.TRANSIT_STAY, 2)
    tale.tell("2024-03-01", EventNoted(event="address-change"), phase=Phase.TRANSIT_STAY)
    assert "address-change" in tale.duties(Phase.TRANSIT_STAY, 2)


def test_a_claims_track_selects_its_own_periods_in_the_country_of_transit() -> None:
    tale = in_serbia()
    tale.tell("2024-03-01", Relocated(to="GE"))
    tale.tell("2024-03-01", Entered())
    tale.tell("2024-03-02", ClaimLodged())
    tale.tell("2024-03-03", ClaimTracked(track="accelerated"))
    tale.tell("2024-04-01", ClaimRefused())
    assert tale.duties(Phase.TRANSIT_STAY, 3)["claim-appeal"].due.date() == date(2024, 4, 11)


@pytest.mark.parametrize("country", [one for one in RULEBOOK.countries if one.code != "EU"], ids=lambda one: one.code)
def test_no_rule_that_binds_a_person_stands_in_a_file_unused(country: Country) -> None:
    """Every step is looked up by a phase, or says which event begins it."""
    page = (Path(__file__).parents[2] / "docs" / "adding-a-country.md").read_text()
    known = set(re.findall(r"`([a-z-]+)`", page))
    for rule in country.rules:
        if rule.bound in (Bound.PERSON, Bound.HOST) and rule.amount is not None:
            assert rule.begins or rule.step in known, rule.id
