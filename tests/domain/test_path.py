"""The path: gates, rounds, milestones, closing, and how a past is imported."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.asylum_facts import (
    ClaimRegistered,
    FinalRefusalServed,
    Protection,
    ProtectionGranted,
    RefusalServed,
    RemedyLodged,
)
from domain.case import ClosingReason, PathClosed, PathReopened, Stage
from domain.check_ins import CheckedIn
from domain.consent import ConsentWithdrawn, Recipient
from domain.custody import Deported, Detained, Released
from domain.duties import Level
from domain.embassy_contacts import Approached, ContactHappened, DossierShared, Pledged, PledgeLapsed
from domain.entry import Arrived, Departed, DocumentIssued, DocumentRequested, Failure, JourneyFailed, JourneyPlanned
from domain.errors import NotFound, NotUnderstood, Refused
from domain.facts import Occurred
from domain.references import Phase, phase_stream
from domain.room import Acknowledged, DatesMoved, DutyCameDue, HistoryImported
from domain.stay_facts import (
    ClaimLodged,
    ClaimRefused,
    Entered,
    ExitBarred,
    ExitCleared,
    Registered,
    Relocated,
    Status,
    StatusGranted,
    TravelDocument,
)
from domain.story import events_of, must_say_where, route
from domain.stream import decide
from domain.vetting import Finding, FindingApproved, FindingProposed, NewInformation
from tests.domain.strategies import NEVER, REFERENCE, Tale, noon, past

ALONGSIDE = {"safety/1", "transit-stay/1", "embassy-contacts/1", "vetting/1"}
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def arrived() -> Tale:
    """Arrived in France on 1 February, in order."""
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-31", Departed())
    tale.tell("2024-02-01", Arrived(country="FR"))
    return tale


# --- gates ---------------------------------------------------------------------------------------------------------


def test_safety_stay_embassies_and_vetting_run_side_by_side_from_the_first_day() -> None:
    assert Tale().open == ALONGSIDE


@pytest.mark.parametrize("missing", ["pledge", "clearance", "exit", None])
def test_entry_opens_only_with_pledge_and_clearance_and_exit(missing: str | None) -> None:
    tale = Tale()
    tale.enter()
    if missing != "pledge":
        tale.pledge()
    if missing != "clearance":
        tale.find(Finding.CLEARED)
    if missing != "exit":
        tale.clear_exit()
    assert ("entry/1" in tale.open) is (missing is None)
    if missing is not None:
        with pytest.raises(Refused, match="the gate to entry is shut"):
            tale.tell("2024-01-09", DocumentRequested(country="FR"))


@pytest.mark.parametrize("finding", [Finding.ADVERSE, Finding.NOT_TO_BE_SETTLED])
def test_without_a_clearance_the_gate_is_shut_and_the_care_goes_on(finding: Finding) -> None:
    tale = Tale()
    tale.enter()
    tale.pledge()
    tale.clear_exit()
    tale.find(finding)
    assert tale.open == ALONGSIDE


def test_an_adverse_finding_closes_an_open_entry_but_neither_safety_nor_stay() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", FindingProposed(finding=Finding.ADVERSE))
    tale.tell("2024-01-11", FindingApproved(), by="boris")
    assert tale.open == ALONGSIDE
    with pytest.raises(Refused, match="vetting was adverse"):
        tale.tell("2024-01-12", DocumentRequested(country="FR"))


def test_new_information_puts_a_clearance_in_question_and_shuts_the_gate() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", NewInformation())
    assert tale.open == ALONGSIDE
    assert "vetting-progress" in tale.duties(Phase.VETTING)


def test_a_barred_exit_shuts_the_gate_until_an_exit_is_possible_again() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", ExitBarred())
    assert tale.open == ALONGSIDE
    tale.tell("2024-01-12", ExitCleared())
    assert tale.open == ALONGSIDE | {"entry/1"}
    assert tale.ledger(Phase.ENTRY).state.headline() == "laissez-passer in hand"


# --- rounds --------------------------------------------------------------------------------------------------------


def test_a_relocation_ends_one_stay_and_opens_the_next_in_the_new_country() -> None:
    tale = Tale()
    tale.enter()
    tale.clear_exit()
    tale.tell("2024-01-10", Relocated(to="GE"))
    assert tale.open == {"safety/1", "transit-stay/2", "embassy-contacts/1", "vetting/1"}
    assert tale.ledger(Phase.TRANSIT_STAY, 2).state.country == "GE"
    assert tale.story.path.state.country == "GE"
    assert not tale.story.path.state.exit_possible


def test_a_lapsed_pledge_opens_a_new_round_of_asking_and_ends_entry() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", PledgeLapsed(country="FR"))
    assert tale.open == {"safety/1", "transit-stay/1", "embassy-contacts/2", "vetting/1"}
    assert "first-approach" in tale.duties(Phase.EMBASSY_CONTACTS, 2)
    tale.tell("2024-01-11", Approached(country="DE"))
    tale.tell("2024-01-12", Pledged(country="DE"))
    assert "entry/2" in tale.open


def test_a_failed_journey_opens_the_next_while_the_gate_holds() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-20", Departed())
    tale.tell("2024-01-21", JourneyFailed(why=Failure.STOPPED_IN_TRANSIT))
    assert tale.open == ALONGSIDE | {"entry/2"}


def test_a_failed_journey_opens_no_other_when_the_gate_is_shut() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-20", Departed())
    tale.tell("2024-01-21", ExitBarred())
    tale.tell("2024-01-21", JourneyFailed(why=Failure.STOPPED_AT_EXIT))
    assert tale.open == ALONGSIDE
    tale.tell("2024-01-25", ExitCleared())
    assert tale.open == ALONGSIDE | {"entry/2"}


def test_an_arrival_opens_asylum_filing_there_and_ends_the_way() -> None:
    tale = arrived()
    assert tale.open == {"safety/1", "asylum-filing/1"}
    assert tale.ledger(Phase.ASYLUM_FILING).state.country == "FR"
    assert tale.stage() is Stage.ASYLUM
    assert "present-claim" in tale.duties(Phase.ASYLUM_FILING)


def test_a_deportation_ends_the_stay_and_opens_custody_with_its_emergency_duties() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-02-01", Deported(to=NEVER))
    assert tale.open == {"safety/1", "embassy-contacts/1", "vetting/1"}
    assert tale.stage() is Stage.CUSTODY
    assert tale.story.path.state.country == NEVER
    duties = tale.duties(Phase.SAFETY)
    assert all(duties[one].emergency for one in ("whereabouts", "interim-measures", "custody-round"))


def test_a_detention_shuts_the_exit_and_a_release_ends_custody() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-02-01", Detained())
    assert tale.stage() is Stage.CUSTODY
    assert "entry/1" not in tale.open
    tale.tell("2024-02-03", Released())
    assert tale.stage() is Stage.CLEARED
    assert tale.duties(Phase.SAFETY)["after-release"].emergency


def test_a_final_refusal_is_remedies_and_departure_with_duties_not_an_end() -> None:
    tale = arrived()
    tale.tell("2024-02-03", ClaimRegistered())
    tale.tell("2024-05-01", FinalRefusalServed())
    assert tale.stage() is Stage.REMEDIES
    assert tale.open == {"safety/1", "asylum-filing/1"}
    assert "remedies" in tale.duties(Phase.ASYLUM_FILING)
    tale.tell("2024-05-10", RemedyLodged())
    assert tale.stage() is Stage.ASYLUM


# --- closing -------------------------------------------------------------------------------------------------------


def test_protection_does_not_close_a_path_only_a_person_does() -> None:
    tale = arrived()
    tale.tell("2024-06-01", ProtectionGranted(protection=Protection.REFUGEE))
    tale.fire_until(noon("2025-06-01"))
    assert tale.stage() is Stage.PROTECTED
    assert tale.open == {"safety/1", "asylum-filing/1"}
    tale.tell("2025-06-02", PathClosed(reason=ClosingReason.PROTECTED))
    assert tale.stage() is Stage.CLOSED
    assert tale.open == set()


def test_nothing_falls_due_on_a_closed_path() -> None:
    tale = Tale()
    tale.tell("2024-02-01", PathClosed(reason=ClosingReason.WITHDREW))
    assert tale.story.next_rung(noon("2026-02-01")) is None
    with pytest.raises(Refused):
        tale.tell("2024-02-02", Approached(country="FR"))
    with pytest.raises(Refused, match="closed"):
        tale.tell("2024-02-02", PathClosed(reason=ClosingReason.LOST))


def test_a_reopened_path_goes_on_in_the_same_rounds() -> None:
    tale = Tale()
    tale.open_entry()
    before = tale.open
    versions = {stream: ledger.version for stream, ledger in tale.story.phases.items()}
    opened = {stream: ledger.state.opened for stream, ledger in tale.story.phases.items()}
    tale.tell("2024-02-01", PathClosed(reason=ClosingReason.LOST))
    tale.tell("2024-03-01", PathReopened())
    assert tale.open == before
    assert {stream: ledger.version for stream, ledger in tale.story.phases.items()} == versions
    assert {stream: tale.story.ledger(stream).state.opened for stream in versions} == opened
    with pytest.raises(Refused, match="this path is open"):
        tale.tell("2024-03-02", PathReopened())


# --- consent, and states never to be contacted ---------------------------------------------------------------------


def test_without_consent_no_state_is_asked() -> None:
    tale = Tale()
    tale.tell("2024-01-02", ConsentWithdrawn())
    with pytest.raises(Refused, match="no consent covers"):
        tale.tell("2024-01-03", Approached(country="FR"))
    assert "consent-withdrawn" in tale.duties(Phase.SAFETY)


def test_consent_withdrawn_towards_one_recipient_leaves_the_others() -> None:
    tale = Tale()
    tale.tell("2024-01-02", ConsentWithdrawn(recipient=Recipient.VETTER))
    tale.tell("2024-01-03", Approached(country="FR"))
    assert "answer.FR" in tale.duties(Phase.EMBASSY_CONTACTS)


@pytest.mark.parametrize("act", [Approached(country=NEVER), DossierShared(country=NEVER)])
def test_no_act_towards_a_state_that_must_never_be_contacted_is_accepted(act: Approached | DossierShared) -> None:
    tale = Tale()
    with pytest.raises(Refused, match="never to be contacted"):
        tale.tell("2024-01-03", act)


def test_no_journey_leads_through_a_state_that_must_never_be_contacted() -> None:
    tale = Tale()
    tale.open_entry()
    with pytest.raises(Refused, match="never to be contacted"):
        tale.tell("2024-01-10", JourneyPlanned(departs_on=date(2024, 1, 20), through=("GE", NEVER)))


def test_a_forbidden_contact_that_happened_is_recorded_flagged_and_an_emergency() -> None:
    tale = Tale()
    events = tale.tell("2024-01-03", ContactHappened(country=NEVER))
    assert events[0].outside_path is not None
    duty = tale.duties(Phase.SAFETY)[f"forbidden-contact.{NEVER}"]
    assert duty.emergency
    fired = [event.fact for event in tale.fire_until(noon("2024-01-03"))]
    assert duty.id in {fact.duty for fact in fired if isinstance(fact, DutyCameDue)}


# --- reports outside the path, late, and corrected -----------------------------------------------------------------


def test_a_man_who_arrives_unvetted_is_recorded_outside_the_path_and_his_claim_opens() -> None:
    tale = Tale()
    events = tale.tell("2024-02-01", Arrived(country="FR"))
    [arrival] = [event for event in events if isinstance(event.fact, Arrived)]
    assert arrival.outside_path is not None
    assert "the gate to entry is shut" in arrival.outside_path
    assert tale.open == {"safety/1", "asylum-filing/1", "vetting/1"}


def test_a_late_report_does_not_overwrite_a_newer_one() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-03-01", StatusGranted(status=Status.EXTENSION, until=date(2024, 9, 1)))
    tale.tell("2024-02-01", StatusGranted(status=Status.VISA_FREE, until=date(2024, 2, 20)), now="2024-03-10")
    assert tale.duties(Phase.TRANSIT_STAY)["extension-ends"].due == datetime(2024, 9, 1, 19, tzinfo=UTC)


def test_a_refusal_reported_after_the_extension_that_followed_it_leaves_the_extension() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-03-01", StatusGranted(status=Status.EXTENSION, until=date(2024, 9, 1)))
    tale.tell("2024-02-15", ClaimRefused(appeal_until=date(2024, 3, 15)), now="2024-03-10")
    assert "extension-ends" in tale.duties(Phase.TRANSIT_STAY)


def test_a_report_of_former_times_goes_to_the_round_of_then() -> None:
    tale = arrived()
    events = tale.tell("2024-01-15", Registered(), now="2024-02-10")
    assert [event.stream.split("/", 2)[2] for event in events] == ["transit-stay/1"]
    assert tale.open == {"safety/1", "asylum-filing/1"}


def test_a_decision_for_a_phase_that_is_over_goes_to_its_last_round_which_refuses_it() -> None:
    tale = arrived()
    decision = FindingProposed(finding=Finding.CLEARED)
    path = tale.story.path.state
    assert route(path, REFERENCE, past("2024-02-02", decision)).stream == phase_stream(REFERENCE, Phase.VETTING, 1)
    with pytest.raises(Refused, match="vetting is over on this path"):
        tale.tell("2024-02-02", decision)


def test_a_duty_of_a_round_that_is_over_is_not_taken_in_hand_while_the_next_round_runs() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-01-10", Relocated(to="GE"))
    late = tale.command(Acknowledged(duty="review"), Occurred.parse("2024-01-11"), noon("2024-01-11"))
    first = tale.ledger(Phase.TRANSIT_STAY)
    with pytest.raises(Refused, match="round 1 of transit-stay is over"):
        decide(first, late, tale.story.around(first.stream, noon("2024-01-11")))
    assert tale.acknowledge(Phase.TRANSIT_STAY, "review", noon("2024-01-11"))[0].stream.endswith("transit-stay/2")


def test_a_correction_moves_a_date_announces_it_and_keeps_the_old_fact() -> None:
    tale = Tale()
    tale.tell("2024-01-20", Entered())
    before = tale.duties(Phase.TRANSIT_STAY)["stay-limit"].due
    wrong = tale.event("entered")
    correction, announced = tale.correct(wrong, "2024-01-25", occurred=Occurred.parse("2024-01-10"))
    after = tale.duties(Phase.TRANSIT_STAY)["stay-limit"].due
    assert after == before - 10 * DAY
    assert isinstance(announced.fact, DatesMoved)
    assert ("stay-limit", before, after) in {(one.duty, one.before, one.after) for one in announced.fact.moved}
    assert wrong in tale.ledger(Phase.TRANSIT_STAY).events
    assert correction.command_id == announced.command_id


def test_a_correction_that_moves_nothing_announces_nothing() -> None:
    tale = Tale()
    tale.enter()
    same = Entered(document=TravelDocument.INTERNATIONAL_PASSPORT)
    assert len(tale.correct(tale.event("entered"), "2024-01-25", replacement=same)) == 1


def test_a_correction_keeps_its_kind_and_corrects_only_what_a_person_said() -> None:
    tale = Tale()
    tale.enter()
    with pytest.raises(NotUnderstood, match="keeps the kind"):
        tale.correct(tale.event("entered"), "2024-01-25", replacement=CheckedIn())
    with pytest.raises(NotUnderstood, match="future"):
        tale.correct(tale.event("entered"), "2024-01-25", occurred=Occurred.parse("2024-02-25"))
    with pytest.raises(NotFound, match="no such event"):
        tale.correct(tale.events("phase-opened")[0], "2024-01-25")


def test_a_retracted_arrival_takes_its_milestone_back_and_reopens_the_earlier_rounds() -> None:
    tale = arrived()
    events = tale.correct(tale.event("arrived"), "2024-02-05")
    assert "milestone-withdrawn" in {event.fact.kind for event in events}
    assert tale.open == ALONGSIDE | {"entry/1"}
    assert tale.story.path.state.arrived_in is None
    assert "arrival" in tale.duties(Phase.ENTRY)


def test_a_fact_of_the_future_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="future"):
        Tale().tell("2024-02-01", Entered(), now="2024-01-15")


# --- importing a past ----------------------------------------------------------------------------------------------

IMPORTED = noon("2024-06-01")


def imported() -> Tale:
    """Imported in June: an appeal missed in France, a stay overrun, an attestation that ran out."""
    history = [
        past("2023-01-02", Entered()),
        past("2023-06-01", Arrived(country="FR")),
        past("2023-06-05", ClaimRegistered(attestation_until=date(2024, 4, 5))),
        past("2024-01-10", RefusalServed()),
    ]
    return Tale("2023-01-01", history=history, imported_on="2024-06-01")


def test_what_was_past_at_an_import_stands_in_one_digest() -> None:
    tale = imported()
    [digest] = [event.fact for event in tale.ledger(Phase.SAFETY).events if isinstance(event.fact, HistoryImported)]
    listed = {one.duty: one for one in digest.past}
    assert not listed["appeal"].curable
    assert listed["attestation-ends"].curable
    assert all(one.due <= IMPORTED for one in digest.past)
    assert "review" not in listed
    assert "check-imported-past" in tale.duties(Phase.SAFETY)


def test_an_import_is_silent_and_what_can_be_cured_speaks_up_later() -> None:
    tale = imported()
    assert tale.fire_until(IMPORTED) == []
    fired = [event.fact for event in tale.fire_until(IMPORTED + 400 * DAY) if isinstance(event.fact, DutyCameDue)]
    assert fired
    assert all(fact.at > IMPORTED for fact in fired)
    assert "attestation-ends" in {fact.duty for fact in fired}
    assert "appeal" not in {fact.duty for fact in fired}


def sounded(tale: Tale, until: datetime) -> list[tuple[str, Level, datetime]]:
    fired = [event.fact for event in tale.fire_until(until)]
    return [(fact.duty, fact.level, fact.at) for fact in fired if isinstance(fact, DutyCameDue)]


def test_a_danger_that_lasts_at_an_import_sounds_at_once_and_insists_from_then_on() -> None:
    held = [past("2024-01-02", Entered()), past("2024-05-30", Detained())]
    tale = Tale("2024-01-01", history=held, imported_on="2024-06-01")
    expected = {("lawyer", Level.ALARM, IMPORTED), ("interim-measures", Level.ALARM, IMPORTED)}
    assert set(sounded(tale, IMPORTED)) == expected
    lists = [event.fact for event in tale.events("history-imported") if isinstance(event.fact, HistoryImported)]
    assert not expected & {(one.duty, Level.ALARM, IMPORTED) for fact in lists for one in fact.past}
    assert sounded(tale, IMPORTED + timedelta(minutes=59)) == []
    assert ("lawyer", Level.ESCALATION, IMPORTED + HOUR) in sounded(tale, IMPORTED + HOUR)
    assert ("lawyer", Level.ESCALATION, IMPORTED + 3 * HOUR) in sounded(tale, IMPORTED + 3 * HOUR)
    tale.acknowledge(Phase.SAFETY, "lawyer", IMPORTED + 4 * HOUR)
    assert "lawyer" not in {duty for duty, _, _ in sounded(tale, IMPORTED + 7 * HOUR)}


def test_a_danger_that_was_over_before_an_import_makes_no_noise_at_it() -> None:
    freed = [
        past("2024-01-02", Entered()),
        past("2024-02-01", Detained()),
        past("2024-02-03", Released()),
    ]
    tale = Tale("2024-01-01", history=freed, imported_on="2024-06-01")
    assert sounded(tale, IMPORTED) == []
    [digest] = [event.fact for event in tale.ledger(Phase.SAFETY).events if isinstance(event.fact, HistoryImported)]
    assert "after-release" in {one.duty for one in digest.past}


def test_an_imported_case_without_a_past_has_no_digest() -> None:
    assert not Tale().events("history-imported")


def test_an_impossible_entry_of_a_history_is_named() -> None:
    history = [past("2023-01-02", Entered()), past("2023-02-01", DocumentRequested(country="FR"))]
    with pytest.raises(Refused, match=r"^history, document-requested on 2023-02-01: "):
        Tale("2023-01-01", history=history, imported_on="2024-06-01")


# --- known faults: each of these is a bug until its mark can go ------------------------------------------------------


def test_a_finding_corrected_to_adverse_shuts_the_gate() -> None:
    tale = Tale()
    tale.open_entry()
    tale.correct(tale.event("finding-proposed"), "2024-01-10", replacement=FindingProposed(finding=Finding.ADVERSE))
    assert not tale.story.path.state.cleared
    assert "entry/1" not in tale.open


def test_the_lapse_of_another_states_pledge_leaves_the_pledge_in_hand() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", PledgeLapsed(country="DE"))
    assert tale.story.path.state.pledge == "FR"
    assert "entry/1" in tale.open


def test_a_departure_after_the_gate_was_shut_again_is_watched() -> None:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-01-10", ExitBarred())
    tale.tell("2024-01-20", Departed())
    fired = [event.fact for event in tale.fire_until(noon("2024-01-22")) if isinstance(event.fact, DutyCameDue)]
    assert "arrival" in {fact.duty for fact in fired}


def test_word_from_the_transit_country_after_an_arrival_leaves_the_claim_open() -> None:
    tale = arrived()
    tale.tell("2024-02-03", ClaimRegistered())
    tale.tell("2024-03-01", RefusalServed())
    tale.tell("2024-03-05", ClaimRefused())
    assert "asylum-filing/1" in tale.open


def test_an_earlier_arrival_learned_of_late_leaves_the_claim_its_deadlines() -> None:
    tale = arrived()
    tale.tell("2024-02-03", ClaimRegistered())
    tale.tell("2024-03-01", RefusalServed())
    tale.tell("2024-01-20", Arrived(country="DE"), now="2024-03-05")
    assert tale.story.path.state.arrived_in == "FR"
    open_claims = [name for name in tale.open if name.startswith("asylum-filing/")]
    assert [int(name.split("/")[1]) for name in open_claims] == [1]


def test_who_comes_back_to_a_country_has_his_claim_there() -> None:
    tale = arrived()
    tale.tell("2024-03-01", Arrived(country="DE"))
    tale.tell("2024-04-01", Arrived(country="FR"))
    running = tale.story.path.state.running(Phase.ASYLUM_FILING)
    assert running is not None
    assert running.country == "FR"


def test_a_detention_after_a_path_was_closed_is_recorded() -> None:
    tale = Tale()
    tale.tell("2024-02-01", PathClosed(reason=ClosingReason.LOST))
    reported = tale.tell("2024-03-01", Detained())[0]
    assert reported.outside_path is not None


def test_a_relocation_told_twice_relocates_once() -> None:
    tale = Tale()
    tale.enter()
    command_id = tale.next_id()
    tale.tell("2024-01-10", Relocated(to="GE"), command_id=command_id)
    tale.tell("2024-01-10", Relocated(to="GE"), command_id=command_id)
    assert "transit-stay/2" in tale.open
    ids = [event.event_id for event in events_of(tale.story)]
    assert len(ids) == len(set(ids))


def test_a_retracted_beginning_leaves_no_case_silent() -> None:
    tale = Tale()
    try:
        tale.correct(tale.event("case-opened"), "2024-01-10")
    except Refused:
        return
    assert "safety/1" in tale.open


def test_a_forbidden_contact_of_a_round_that_has_ended_is_an_emergency_all_the_same() -> None:
    tale = arrived()
    tale.tell("2024-01-20", ContactHappened(country=NEVER), now="2024-02-05")
    fired = [event.fact for event in tale.fire_until(noon("2024-02-06")) if isinstance(event.fact, DutyCameDue)]
    assert f"forbidden-contact.{NEVER}" in {fact.duty for fact in fired}


def test_the_path_and_vetting_agree_on_an_approval_with_an_earlier_date() -> None:
    tale = Tale()
    tale.find(Finding.CLEARED)
    tale.tell("2024-01-10", NewInformation())
    tale.tell("2024-01-11", FindingProposed(finding=Finding.CLEARED))
    tale.tell("2024-01-09", FindingApproved(), by="boris", now="2024-01-12")
    assert tale.ledger(Phase.VETTING).state.headline() == "cleared"
    assert tale.story.path.state.cleared


def test_an_arrival_after_a_path_was_closed_is_recorded() -> None:
    tale = Tale()
    tale.tell("2024-02-01", PathClosed(reason=ClosingReason.LOST))
    assert tale.tell("2024-03-01", Arrived(country="FR"))


def test_a_departure_after_an_arrival_is_watched() -> None:
    tale = arrived()
    tale.tell("2024-02-05", Departed())
    fired = [event.fact for event in tale.fire_until(noon("2024-02-08")) if isinstance(event.fact, DutyCameDue)]
    assert "arrival" in {fact.duty for fact in fired}


def test_a_document_in_hand_ends_the_asking_after_it() -> None:
    tale = Tale()
    tale.open_entry()
    until = date(2024, 3, 1)
    tale.tell("2024-01-09", DocumentIssued(document=TravelDocument.LAISSEZ_PASSER, until=until))
    assert set(tale.duties(Phase.ENTRY)) == {"document-ends", "review"}


def test_a_letter_from_the_country_he_has_left_belongs_to_the_stay_there() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2024-02-02", Entered())
    letter = past("2024-03-01", ClaimRefused()).model_copy(update={"country": "KZ"})
    way = route(tale.story.path.state, REFERENCE, letter)
    assert (way.stream, way.opens) == (f"case/{REFERENCE}/transit-stay/1", None)


@pytest.mark.parametrize("country", ["KZ", "AM"])
def test_an_entry_elsewhere_while_a_stay_is_open_asks_for_the_relocation(country: str) -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", Relocated(to="GE"))
    entry = past("2024-03-01", Entered()).model_copy(update={"country": country})
    with pytest.raises(NotUnderstood, match=f"relocated --to {country}"):
        route(tale.story.path.state, REFERENCE, entry)


def test_who_escapes_after_a_hand_over_is_not_taken_to_enter_the_country_of_the_hand_over() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-02-01", Deported(to="RU"))
    path, entry = tale.story.path.state, past("2024-04-01", Entered())
    with pytest.raises(NotUnderstood, match="--in"):
        must_say_where(path, entry, route(path, REFERENCE, entry))
    named = entry.model_copy(update={"country": "GE"})
    way = route(path, REFERENCE, named)
    must_say_where(path, named, way)
    assert way.opens is not None
    assert way.opens.country == "GE"
