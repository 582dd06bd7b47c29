"""A stay in transit: its statuses as dated tokens, its claim, an expulsion, and what is thought of before it ends."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.custody import Deported
from domain.duties import Consequence
from domain.facts import Fact, Occurred, Record
from domain.grounds import Grounds, Turn
from domain.references import Phase
from domain.room import Acknowledged, EventNoted, StepDone
from domain.rulebook import Rulebook
from domain.rulebook.dated import Answer
from domain.stay_facts import (
    AppealOutcome,
    Blocker,
    BlockerCleared,
    BlockerFound,
    ClaimAppealDecided,
    ClaimAppealed,
    ClaimFinallyRefused,
    ClaimGranted,
    ClaimLodged,
    ClaimRefused,
    Ending,
    Entered,
    Exited,
    ExpulsionAppealed,
    ExpulsionLifted,
    ExpulsionOrdered,
    Fingerprinted,
    Registered,
    Registrar,
    Relocated,
    Status,
    StatusEnded,
    StatusGranted,
    StatusRefused,
    StatusRequested,
    StayedBefore,
)
from domain.three_fields import three_fields
from domain.transit_stay import TransitStay
from tests.domain.strategies import RULEBOOK, Tale, events_in, noon, past

RULES = RULEBOOK.for_phase("KZ", "transit-stay")
CERTIFICATE, RESIDENCE = Status.ASYLUM_SEEKER_CERTIFICATE, Status.TEMPORARY_RESIDENCE


def day(text: str) -> date:
    return date.fromisoformat(text)


def entered() -> Tale:
    tale = Tale()
    tale.enter()
    return tale


def stay(tale: Tale, number: int = 1) -> TransitStay:
    state = tale.ledger(Phase.TRANSIT_STAY, number).state
    assert isinstance(state, TransitStay)
    return state


def duties(tale: Tale) -> set[str]:
    return set(tale.duties(Phase.TRANSIT_STAY))


def history(tale: Tale, on: str) -> list[tuple[str, str, str]]:
    return [(str(one.status), str(one.turn), str(one.on)) for one in stay(tale).grounds.history(day(on), RULES)]


# --- statuses as dated tokens --------------------------------------------------------------------------------------


def test_the_history_of_a_status_is_read_back_with_what_has_run_out_by_itself() -> None:
    tale = entered()
    tale.tell("2024-01-10", StatusRequested(status=RESIDENCE))
    tale.tell("2024-01-20", StatusGranted(status=RESIDENCE, until=day("2024-07-20")))
    tale.tell("2024-07-10", StatusGranted(status=RESIDENCE, until=day("2025-01-10")))
    kept = [
        ("temporary-residence", "asked for", "2024-01-10"),
        ("temporary-residence", "granted", "2024-01-20"),
        ("temporary-residence", "renewed", "2024-07-10"),
    ]
    assert history(tale, "2025-01-10") == kept
    assert history(tale, "2025-01-11") == [*kept, ("temporary-residence", "expired", "2025-01-10")]
    tale.tell("2025-02-01", StatusGranted(status=RESIDENCE, until=day("2026-02-01")))
    assert [turn for _, turn, _ in history(tale, "2025-03-01")][-2:] == ["expired", "granted"]


def test_what_only_the_law_ends_has_run_out_as_well() -> None:
    tale = entered()
    tale.tell("2024-01-10", StatusGranted(status=CERTIFICATE))
    assert [turn for _, turn, _ in history(tale, "2024-04-10")] == ["granted"]
    assert history(tale, "2024-05-01")[1] == ("asylum-seeker-certificate", "expired", "2024-04-10")


def test_a_status_that_was_withdrawn_does_not_run_out_as_well() -> None:
    tale = entered()
    tale.tell("2024-01-20", StatusGranted(status=RESIDENCE, until=day("2024-07-20")))
    tale.tell("2024-03-01", StatusEnded(status=RESIDENCE, how=Ending.WITHDRAWN))
    assert [turn for _, turn, _ in history(tale, "2025-01-01")] == ["granted", "withdrawn"]


def test_a_refusal_of_what_was_asked_for_does_not_end_what_one_has() -> None:
    tale = entered()
    tale.tell("2024-01-20", StatusGranted(status=RESIDENCE, until=day("2024-07-20")))
    tale.tell("2024-06-01", StatusRequested(status=RESIDENCE))
    assert f"ask-after.{RESIDENCE}" in duties(tale)
    tale.tell("2024-06-20", StatusRefused(status=RESIDENCE, appeal_until=day("2024-07-05")))
    assert RESIDENCE in stay(tale).grounds.held
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["residence-refusal-appeal"].due.astimezone(UTC).date() == day("2024-07-05")
    assert "residence-renewal" in found
    assert f"ask-after.{RESIDENCE}" not in found


def test_a_refusal_of_which_no_period_is_known_makes_a_person_find_out() -> None:
    tale = entered()
    tale.tell("2024-06-01", StatusRequested(status=Status.EXTENSION))
    tale.tell("2024-06-20", StatusRefused(status=Status.EXTENSION))
    assert "find-out.extension-refusal-appeal" in duties(tale)


def test_every_open_blocker_is_a_duty_until_it_is_cleared() -> None:
    tale = entered()
    for blocker in Blocker:
        tale.tell("2024-01-10", BlockerFound(blocker=blocker, status=RESIDENCE))
    assert {f"blocker.{blocker}" for blocker in Blocker} <= duties(tale)
    for blocker in Blocker:
        tale.tell("2024-01-11", BlockerCleared(blocker=blocker))
    assert not [one for one in duties(tale) if one.startswith("blocker")]


def test_the_ground_that_reaches_furthest_carries_the_stay() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusGranted(status=Status.EXTENSION, until=day("2025-02-01")))
    tale.tell("2024-03-01", StatusGranted(status=RESIDENCE, until=day("2024-09-01")))
    assert "extension-ends" in duties(tale)
    assert "residence-renewal" not in duties(tale)
    tale.tell("2024-04-01", StatusEnded(status=Status.EXTENSION))
    assert "residence-renewal" in duties(tale)


def test_a_certificate_is_renewed_while_its_claim_is_pending_however_far_a_permit_reaches() -> None:
    tale = entered()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-04", StatusGranted(status=CERTIFICATE, until=day("2024-04-04")))
    tale.tell("2024-02-01", StatusGranted(status=RESIDENCE, until=day("2025-01-31")))
    assert {"certificate-renewal", "residence-renewal"} <= duties(tale)
    tale.tell("2024-03-01", ClaimFinallyRefused())
    assert "certificate-renewal" not in duties(tale)


def test_an_extension_without_a_printed_end_makes_a_person_find_out() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusGranted(status=Status.EXTENSION))
    assert "find-out.extension-ends" in duties(tale)


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (StatusRefused(status=RESIDENCE), "was not asked for"),
        (StatusEnded(status=RESIDENCE), "is not held"),
        (BlockerCleared(blocker=Blocker.EMPLOYER), "no such blocker"),
        (ExpulsionAppealed(), "no order to expel"),
        (ClaimAppealDecided(outcome=AppealOutcome.DISMISSED), "no appeal"),
        (ClaimFinallyRefused(), "no claim"),
    ],
)
def test_what_follows_on_nothing_is_recorded_and_flagged(fact: Fact, why: str) -> None:
    flagged = entered().tell("2024-03-01", fact)[0].outside_path
    assert flagged is not None
    assert why in flagged


def test_a_registration_says_who_made_it_and_a_new_entry_wants_another() -> None:
    tale = entered()
    tale.tell("2024-01-03", Registered(by=Registrar.HOST))
    assert [(str(one.on), one.by) for one in stay(tale).registrations] == [("2024-01-03", Registrar.HOST)]
    tale.tell("2024-02-01", Exited())
    tale.tell("2024-03-01", Entered(place="petukhovo"))
    assert "registration" in duties(tale)


def test_a_former_stay_elsewhere_adds_no_days_here() -> None:
    tale = entered()
    tale.tell("2023-12-01", StayedBefore(until=day("2023-12-20"), where="GE"), now="2024-01-05")
    tale.tell("2023-11-01", StayedBefore(until=day("2023-11-10")), now="2024-01-05")
    assert [str(one.entered) for one in stay(tale).stays] == ["2023-11-01", "2024-01-02"]


# --- the claim -----------------------------------------------------------------------------------------------------


def refused(tale: Tale) -> None:
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-04", StatusGranted(status=CERTIFICATE, until=day("2024-04-04")))
    tale.tell("2024-03-01", ClaimRefused(appeal_until=day("2024-03-20")))


def test_a_claim_asks_for_its_certificate() -> None:
    tale = entered()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-03", Fingerprinted())
    assert "certificate-issue" in duties(tale)
    tale.tell("2024-01-04", StatusGranted(status=CERTIFICATE, until=day("2024-04-04")))
    assert "certificate-issue" not in duties(tale)


def test_a_claim_that_is_sent_back_before_anybody_has_told_of_it_is_a_pending_one() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-05-01", ClaimAppealDecided(outcome=AppealOutcome.SENT_BACK))
    assert "certificate-issue" in tale.duties(Phase.TRANSIT_STAY)


def test_a_claim_that_is_sent_back_is_examined_anew() -> None:
    tale = entered()
    refused(tale)
    tale.tell("2024-03-10", ClaimAppealed())
    assert "appeal-pending" in duties(tale)
    tale.tell("2024-05-01", ClaimAppealDecided(outcome=AppealOutcome.SENT_BACK))
    decision = tale.duties(Phase.TRANSIT_STAY)["claim-decision"]
    assert decision.due.date() == day("2024-08-01")


def test_an_appeal_that_is_dismissed_asks_what_follows_and_counts_no_days_to_leave() -> None:
    tale = entered()
    refused(tale)
    tale.tell("2024-03-10", ClaimAppealed())
    tale.tell("2024-05-01", ClaimAppealDecided(outcome=AppealOutcome.DISMISSED, appeal_until=day("2024-06-01")))
    assert {"appeal-dismissed", "further-appeal"} <= duties(tale)
    assert "leave-after-refusal" not in duties(tale)
    assert tale.tell("2024-05-20", ClaimAppealed())[0].outside_path is None


def test_as_in_the_story_a_final_refusal_does_not_end_a_stay_that_was_extended() -> None:
    tale = entered()
    refused(tale)
    tale.tell("2024-05-25", ClaimFinallyRefused())
    assert "leave-after-refusal" in duties(tale)
    tale.tell("2024-06-10", StatusGranted(status=Status.EXTENSION, until=day("2025-12-31")))
    assert {"extension-ends"} <= duties(tale)
    assert not duties(tale) & {"leave-after-refusal", "certificate-renewal", "stay-limit"}
    tale.tell("2024-09-01", StatusEnded(status=Status.EXTENSION, how=Ending.WITHDRAWN))
    assert "leave-after-refusal" in duties(tale)


def test_a_permit_that_was_held_before_the_refusal_carries_the_stay_as_well() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusGranted(status=RESIDENCE, until=day("2025-01-31")))
    tale.tell("2024-02-02", ClaimLodged())
    tale.tell("2024-05-25", ClaimFinallyRefused())
    assert "leave-after-refusal" not in duties(tale)


def test_a_ground_that_ends_before_the_days_to_leave_do_does_not_take_them_away() -> None:
    tale = entered()
    tale.tell("2024-02-02", ClaimLodged())
    tale.tell("2024-05-25", ClaimFinallyRefused(leave_until=day("2024-06-24")))
    tale.tell("2024-05-26", StatusGranted(status=Status.EXTENSION, until=day("2024-06-01")))
    assert {"leave-after-refusal", "extension-ends"} <= duties(tale)


# --- an expulsion --------------------------------------------------------------------------------------------------


def test_an_order_to_expel_begins_the_periods_of_the_rulebook() -> None:
    tale = entered()
    tale.tell("2024-02-01", Relocated(to="TR"))
    tale.tell("2024-02-02", Entered())
    tale.tell("2026-01-10", ExpulsionOrdered())
    found = tale.duties(Phase.TRANSIT_STAY, 2)
    assert found["removal-order-appeal"].due.astimezone(UTC).date() == day("2026-01-17")
    assert found["removal-order-appeal"].rule == "tr.removal.appeal"
    tale.tell("2026-01-12", ExpulsionAppealed())
    found = tale.duties(Phase.TRANSIT_STAY, 2)
    assert {"expulsion-round", "removal-appeal-judgment"} <= set(found)
    assert "removal-order-appeal" not in found
    tale.tell("2026-02-12", ExpulsionLifted())
    assert not {"expulsion-round", "removal-appeal-judgment"} & set(tale.duties(Phase.TRANSIT_STAY, 2))


def test_what_is_printed_on_the_order_beats_the_rulebook_and_an_unknown_period_is_found_out() -> None:
    tale = entered()
    tale.tell("2024-02-01", ExpulsionOrdered())
    assert "find-out.removal-order-appeal" in duties(tale)
    tale = entered()
    order = ExpulsionOrdered(appeal_until=day("2024-02-05"), leave_until=day("2024-02-20"))
    tale.tell("2024-02-01", order)
    found = tale.duties(Phase.TRANSIT_STAY)
    last_days = [found[one].reckoning[0] for one in ("removal-order-appeal", "expulsion-departure")]
    assert ["2024-02-05" in last_days[0], "2024-02-20" in last_days[1]] == [True, True]


def test_the_path_hears_of_the_order_and_of_its_end() -> None:
    tale = entered()
    tale.tell("2024-02-01", ExpulsionOrdered())
    assert str(tale.story.path.state.expulsion) == "2024-02-01"
    tale.tell("2024-02-05", ExpulsionLifted())
    assert tale.story.path.state.expulsion is None
    tale.tell("2024-02-06", ExpulsionOrdered())
    tale.tell("2024-02-07", Deported(to="RU"))
    assert tale.story.path.state.expulsion is None


# --- before the stay ends ------------------------------------------------------------------------------------------


def test_the_duty_names_what_an_overstay_costs_with_its_source() -> None:
    limit = entered().duties(Phase.TRANSIT_STAY)["stay-limit"]
    assert "Overstay: Up to three days too long: a warning" in limit.title
    costs = [line for line in limit.reckoning if line.startswith("an overstay: ")]
    assert len(costs) == 3
    assert all("source: http" in line for line in costs)


def test_relocation_is_thought_of_before_the_stay_ends() -> None:
    tale = entered()
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["relocation"].due == found["stay-limit"].due - timedelta(days=45)
    assert "no other ground reaches further" in found["relocation"].title
    tale.tell("2024-02-01", StatusGranted(status=RESIDENCE, until=day("2025-01-31")))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["relocation"].due == found["residence-renewal"].due - timedelta(days=45)
    tale.tell("2024-02-02", StatusGranted(status=Status.EXTENSION, until=day("2025-06-30")))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["relocation"].due == found["extension-ends"].due - timedelta(days=45)
    assert "ends on 2025-06-30" in found["relocation"].title


def test_nobody_must_think_of_relocation_each_time_a_pending_claims_certificate_ends() -> None:
    tale = entered()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-04", StatusGranted(status=CERTIFICATE, until=day("2024-04-04")))
    assert "relocation" not in duties(tale)
    tale.tell("2024-03-01", ClaimRefused(appeal_until=day("2024-03-20")))
    assert "relocation" in duties(tale)


def test_relocation_is_thought_of_before_an_extension_ends_and_that_is_at_midnight_there() -> None:
    tale = entered()
    tale.tell("2024-04-20", StatusGranted(status=Status.EXTENSION, until=day("2024-09-30")))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["extension-ends"].due == datetime(2024, 9, 30, 19, tzinfo=UTC), "Kazakhstan is five hours ahead"
    assert found["relocation"].due == found["extension-ends"].due - timedelta(days=45)


def test_after_the_final_refusal_nobody_is_reminded_to_renew_the_claims_certificate() -> None:
    tale = entered()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-04", StatusGranted(status=CERTIFICATE, until=day("2024-06-04")))
    tale.tell("2024-03-01", ClaimRefused(appeal_until=day("2024-04-01")))
    tale.tell("2024-04-03", ClaimFinallyRefused(leave_until=day("2024-05-03")))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert "certificate-renewal" not in found
    assert found["relocation"].due == found["leave-after-refusal"].due - timedelta(days=45)


def test_relocation_is_thought_of_at_once_where_the_stay_is_short() -> None:
    tale = entered()
    tale.tell("2024-02-01", Relocated(to="MN"))
    tale.tell("2026-02-02", Entered())
    assert tale.duties(Phase.TRANSIT_STAY, 2)["relocation"].due == datetime(2026, 2, 3, tzinfo=UTC)


def test_the_rulebook_sets_the_reminders_of_a_limit_of_stay() -> None:
    kazakhstan = RULEBOOK.must_have("KZ")
    limits = tuple(one.model_copy(update={"reminders": (21, 2)}) for one in kazakhstan.stay_limits)
    book = Rulebook(countries=(kazakhstan.model_copy(update={"stay_limits": limits}),))
    tale = entered()
    rules = book.for_phase("KZ", "transit-stay")
    found = {one.id: one for one in stay(tale).duties(tale.story.path.state, rules)}
    assert found["stay-limit"].reminders == (timedelta(days=21), timedelta(days=2))
    assert rules.digest != RULEBOOK.for_phase("KZ", "transit-stay").digest


# --- no entry is recorded ------------------------------------------------------------------------------------------


def test_without_a_recorded_entry_grounds_claim_and_expulsion_keep_their_duties_and_the_entry_is_asked_for() -> None:
    tale = Tale()
    tale.tell("2024-01-10", StatusGranted(status=RESIDENCE, until=day("2024-12-05")))
    tale.tell("2024-01-11", ClaimLodged())
    tale.tell("2024-01-12", ClaimRefused(appeal_until=day("2024-12-03")))
    order = ExpulsionOrdered(appeal_until=day("2024-12-02"), leave_until=day("2024-12-04"))
    tale.tell("2024-01-13", order)
    found = tale.duties(Phase.TRANSIT_STAY)
    last_days = {"removal-order-appeal": 2, "claim-appeal": 3, "expulsion-departure": 4, "residence-renewal": 5}
    assert {name: found[name].due for name in last_days} == {
        name: datetime(2024, 12, last, 19, tzinfo=UTC) for name, last in last_days.items()
    }
    assert "relocation" in found
    assert not set(found) & {"stay-limit", "registration", "claim-lodging"}
    assert found["entry-unknown"].due == noon("2024-01-02")
    tale.tell("2024-01-14", Entered())
    assert "entry-unknown" not in duties(tale)


def test_an_entry_is_asked_for_in_the_next_country_and_once_it_was_retracted() -> None:
    tale = entered()
    tale.correct(tale.event("entered"), "2024-01-20")
    assert tale.duties(Phase.TRANSIT_STAY)["entry-unknown"].due == noon("2024-01-02")
    tale.tell("2024-02-01", Relocated(to="GE"), now="2024-02-09")
    assert "entry-unknown" not in duties(tale), "he has left that country"
    asked = tale.duties(Phase.TRANSIT_STAY, 2)["entry-unknown"]
    assert asked.due == noon("2024-02-10"), "a day after it was told, however long ago it was"
    tale.fire_until(noon("2024-02-11"))
    tale.tell("2024-02-11", Acknowledged(duty="entry-unknown"), phase=Phase.TRANSIT_STAY)
    assert tale.duties(Phase.TRANSIT_STAY, 2)["entry-unknown"].due == noon("2024-02-14"), "it comes again"
    tale.tell("2024-02-02", Entered(), now="2024-02-12")
    assert "entry-unknown" not in tale.duties(Phase.TRANSIT_STAY, 2)


def test_an_imported_case_without_an_entry_is_asked_for_it_a_day_after_the_import() -> None:
    tale = Tale(history=[past("2024-01-10", ClaimLodged())], imported_on="2024-06-01")
    assert tale.duties(Phase.TRANSIT_STAY)["entry-unknown"].due == noon("2024-06-02")


def test_a_stamp_and_the_end_of_the_days_without_a_visa_count_without_an_entry() -> None:
    tale = Tale()
    tale.tell("2024-01-10", StatusGranted(status=Status.VISA_FREE, until=day("2024-03-01")))
    assert tale.duties(Phase.TRANSIT_STAY)["stay-limit"].due == datetime(2024, 3, 1, 19, tzinfo=UTC)
    tale.tell("2024-02-01", StatusEnded(status=Status.VISA_FREE, how=Ending.WITHDRAWN))
    assert "were ended" in tale.duties(Phase.TRANSIT_STAY)["stay-limit"].title


# --- in any order --------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(events=events_in(TransitStay), on=st.dates(day("2022-01-01"), day("2027-12-31")))
def test_a_history_is_in_order_and_no_ground_is_expired_before_its_last_day(events: list[Record], on: date) -> None:
    grounds = Grounds()
    for event in sorted(events, key=lambda one: one.occurred.earliest):
        grounds = grounds.after(event)
    told = grounds.history(on, RULES)
    assert [one.on.earliest for one in told] == sorted(one.on.earliest for one in told)
    assert all(one.on.earliest <= on for one in told)
    assert {one for one in told if one.turn is not Turn.EXPIRED} <= set(grounds.chapters)


@settings(max_examples=60, deadline=None)
@given(until=st.dates(day("2024-02-01"), day("2026-12-31")), status=st.sampled_from([RESIDENCE, Status.EXTENSION]))
def test_a_ground_that_is_granted_always_has_a_duty_at_its_end(until: date, status: Status) -> None:
    tale = entered()
    tale.tell("2024-01-20", StatusGranted(status=status, until=until))
    found = tale.duties(Phase.TRANSIT_STAY)
    ends = [found[name] for name in ("residence-renewal", "extension-ends") if name in found]
    assert [one.due >= noon(until) for one in ends] == [True]


# --- a new entry, and what stays behind ----------------------------------------------------------------------------


def test_a_permit_that_ran_out_before_a_new_entry_does_not_hide_its_limit() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusGranted(status=RESIDENCE, until=day("2024-12-31")))
    tale.tell("2025-01-05", Exited())
    tale.tell("2025-06-01", Entered())
    limit = tale.duties(Phase.TRANSIT_STAY)["stay-limit"]
    assert limit.due.astimezone(UTC).date() == day("2025-08-29")
    assert "residence-renewal" not in duties(tale)


def test_a_certificate_whose_last_day_only_the_law_tells_does_not_hide_it_either() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusGranted(status=CERTIFICATE))
    tale.tell("2024-03-05", Exited())
    tale.tell("2025-06-01", Entered())
    assert "stay-limit" in duties(tale)


def test_the_stamp_of_a_former_entry_is_not_that_of_the_present_one() -> None:
    tale = entered()
    tale.tell("2024-01-02", StatusGranted(status=Status.VISA_FREE, until=day("2024-03-31")))
    tale.tell("2024-03-01", Exited())
    tale.tell("2025-01-05", Entered())
    assert tale.duties(Phase.TRANSIT_STAY)["stay-limit"].due.date() == day("2025-04-04")
    assert "mismatch.stay-limit" not in duties(tale)


def test_days_without_a_visa_that_were_withdrawn_are_over_at_once_and_begin_anew_with_the_next_entry() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusEnded(status=Status.VISA_FREE, how=Ending.WITHDRAWN))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["stay-limit"].due == datetime(2024, 2, 1, 18, tzinfo=UTC)
    assert "residence-application" not in found
    tale.tell("2024-02-02", Exited())
    tale.tell("2025-01-05", Entered())
    assert tale.duties(Phase.TRANSIT_STAY)["stay-limit"].due.date() == day("2025-04-04")


def test_who_crossed_irregularly_is_promised_no_days_without_a_visa() -> None:
    tale = Tale()
    tale.tell("2024-01-02", Entered(lawfully=False))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["stay-limit"].due == datetime(2024, 1, 2, 18, tzinfo=UTC)
    assert "not crossed lawfully" in found["stay-limit"].title
    assert found["relocation"].due == datetime(2024, 1, 3, tzinfo=UTC)
    assert "residence-application" not in found


def test_an_exit_that_is_told_after_the_entry_of_the_same_day_does_not_lose_who_is_inside() -> None:
    tale = entered()
    tale.tell("2024-02-01", Entered())
    tale.tell("2024-02-01", Exited())
    assert "stay-limit" in duties(tale)
    tale.tell("2024-02-10", Exited())
    assert "stay-limit" not in duties(tale)


def test_somebody_asks_where_he_is_after_an_exit_and_the_clocks_of_authorities_run_on() -> None:
    tale = entered()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-20", Exited())
    tale.tell("2024-03-01", ClaimRefused(appeal_until=day("2024-03-20")))
    tale.tell("2024-03-01", ExpulsionOrdered(appeal_until=day("2024-03-18")))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert {"claim-appeal", "removal-order-appeal"} <= set(found)
    assert found["outside"].due == datetime(2024, 1, 27, tzinfo=UTC)
    assert not set(found) & {"stay-limit", "registration", "relocation", "claim-lodging"}
    tale.tell("2024-03-02", Entered())
    assert "outside" not in duties(tale)


def test_a_relocation_to_where_he_is_ends_nothing() -> None:
    tale = entered()
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2024-02-02", Entered())
    flagged = tale.tell("2024-02-03", Relocated(to="GE"))[0].outside_path
    assert flagged is not None
    assert "transit-stay/2" in tale.open
    assert "stay-limit" in tale.duties(Phase.TRANSIT_STAY, 2)


def test_who_has_asked_for_residence_is_not_reminded_to_ask_for_it() -> None:
    tale = entered()
    assert "residence-application" in duties(tale)
    tale.tell("2024-01-20", StatusRequested(status=RESIDENCE))
    assert "residence-application" not in duties(tale)


def test_residence_is_asked_for_no_later_than_the_days_without_a_visa_last() -> None:
    tale = entered()
    plain = tale.duties(Phase.TRANSIT_STAY)["residence-application"]
    assert not any("end earlier" in line for line in plain.reckoning)
    tale.tell("2024-03-20", Exited())
    tale.tell("2024-03-25", Entered())
    found = tale.duties(Phase.TRANSIT_STAY)
    asked, limit = found["residence-application"], found["stay-limit"]
    assert asked.due == limit.due == datetime(2024, 4, 4, 19, tzinfo=UTC)
    assert asked.rule == "kz.stay.residence-application"
    assert "the days of stay without another ground end earlier: no later than these" in asked.reckoning
    assert any("last lawful day: 2024-04-04" in line for line in asked.reckoning)
    tale.tell("2024-03-25", StatusGranted(status=Status.VISA_FREE, until=day("2024-04-02")))
    assert tale.duties(Phase.TRANSIT_STAY)["residence-application"].due == datetime(2024, 4, 2, 19, tzinfo=UTC)


def test_a_former_stay_cannot_end_before_it_began() -> None:
    assert entered().tell("2023-03-01", StayedBefore(until=day("2023-02-01")), now="2024-01-05")[0].outside_path


def back_in_kazakhstan(*, told: bool = False) -> Tale:
    tale = entered()
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2024-02-02", Entered())
    tale.tell("2024-03-01", Relocated(to="KZ"))
    tale.tell("2024-03-02", Entered())
    if told:
        tale.tell("2024-01-02", StayedBefore(until=day("2024-02-01")), now="2024-03-03")
    return tale


def test_the_days_of_a_former_stay_in_the_same_country_are_counted_and_their_doubt_is_said() -> None:
    limit = back_in_kazakhstan().duties(Phase.TRANSIT_STAY, 3)["stay-limit"]
    assert limit.due.date() == day("2024-04-28"), "the case was opened a day before the entry"
    assert "a former stay here is taken as 2024-01-01 to 2024-02-01" in limit.doubt
    told = back_in_kazakhstan(told=True).duties(Phase.TRANSIT_STAY, 3)["stay-limit"]
    assert told.due.date() == day("2024-04-29")
    assert "a former stay" not in told.doubt


def test_a_former_stay_that_an_earlier_round_was_told_of_counts_in_a_later_one_of_its_country() -> None:
    tale = entered()
    [told_of] = tale.tell("2023-12-01", StayedBefore(until=day("2023-12-20"), where="GE"), now="2024-01-05")[:1]
    tale.tell("2023-10-01", StayedBefore(until=day("2023-10-20")), now="2024-01-05")
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2024-02-02", Entered())

    def counted(number: int) -> list[str]:
        stay = tale.ledger(Phase.TRANSIT_STAY, number).state
        assert isinstance(stay, TransitStay)
        return [str(one.entered) for one in stay.all_stays(tale.story.path.state)[0]]

    assert counted(2) == ["2023-12-01", "2024-02-02"]
    tale.tell("2023-12-01", StayedBefore(until=day("2023-12-20")), now="2024-02-03")
    assert counted(2) == ["2023-12-01", "2024-02-02"], "told there again, it counts once"
    tale.correct(told_of, "2024-02-04", replacement=StayedBefore(until=day("2023-12-20"), where="AM"))
    tale.correct(tale.event("stayed-before"), "2024-02-04")
    assert counted(2) == ["2024-02-02"]
    tale.tell("2024-03-01", Relocated(to="KZ"))
    tale.tell("2024-03-02", Entered())
    assert counted(3)[0] == "2023-10-01", "what a former round in the country itself was told"


def test_the_entries_of_an_earlier_round_count_in_a_later_one_of_its_country_from_their_own_days() -> None:
    tale = entered()
    [first] = [one for one in tale.story.phases.values() if isinstance(one.state, TransitStay)]
    assert not [event for event in tale.story.path.events if "entered" in str(event.fact)], "opened on that day"

    def here() -> list[str]:
        number = tale.story.path.state.stay
        stay = tale.ledger(Phase.TRANSIT_STAY, number).state
        assert isinstance(stay, TransitStay)
        return [f"{one.entered}..{one.left or ''}" for one in stay.all_stays(tale.story.path.state)[0]]

    tale.correct(first.events[0], "2024-01-05", occurred=Occurred.on(day("2023-10-01")))
    tale.tell("2024-01-10", Exited())
    tale.tell("2024-01-20", Entered())
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2024-02-02", Entered())
    assert here() == ["2024-02-02.."]
    tale.tell("2024-03-01", Relocated(to="KZ"))
    tale.tell("2024-03-02", Entered())
    assert here() == ["2023-10-01..2024-01-10", "2024-01-20..2024-02-01", "2024-03-02.."]
    tale.correct(first.events[0], "2024-03-05", occurred=Occurred.on(day("2023-09-01")))
    assert here()[0] == "2023-09-01..2024-01-10"


def test_they_count_for_the_lawful_stay_as_well() -> None:
    ground = three_fields(back_in_kazakhstan().story, noon("2024-03-10")).lawful_stay.ground
    assert ground is not None
    assert ground.until == day("2024-04-28")


# --- what is final stays final -------------------------------------------------------------------------------------


def test_an_appeal_against_a_final_refusal_does_not_take_the_days_to_leave_away() -> None:
    tale = entered()
    refused(tale)
    tale.tell("2024-04-03", ClaimFinallyRefused(leave_until=day("2024-05-03")))
    tale.tell("2024-04-20", ClaimAppealed())
    assert {"leave-after-refusal", "relocation", "appeal-pending"} <= duties(tale)
    assert "certificate-renewal" not in duties(tale)
    tale.tell("2024-04-25", ClaimAppealDecided(outcome=AppealOutcome.SENT_BACK))
    assert "leave-after-refusal" not in duties(tale)


def claimed_again() -> Tale:
    tale = entered()
    tale.tell("2024-01-03", ClaimLodged())
    tale.tell("2024-01-04", StatusGranted(status=CERTIFICATE, until=day("2024-06-04")))
    tale.tell("2024-03-01", ClaimFinallyRefused(leave_until=day("2024-03-31")))
    tale.tell("2024-03-10", ClaimLodged())
    return tale


def test_a_second_claim_does_not_take_the_days_to_leave_away_and_asks_for_a_certificate_of_its_own() -> None:
    tale = claimed_again()
    found = tale.duties(Phase.TRANSIT_STAY)
    assert {"leave-after-refusal", "relocation", "certificate-issue", "claim-decision"} <= set(found)
    assert "certificate-renewal" not in found
    assert found["leave-after-refusal"].due == datetime(2024, 3, 31, 19, tzinfo=UTC)
    tale.tell("2024-03-20", StatusGranted(status=CERTIFICATE, until=day("2024-06-20")))
    assert not duties(tale) & {"leave-after-refusal", "relocation", "certificate-issue"}
    assert "certificate-renewal" in duties(tale)


def test_a_certificate_of_the_day_of_the_claim_is_its_own_whichever_was_told_first() -> None:
    tale = claimed_again()
    tale.tell("2024-03-10", StatusGranted(status=CERTIFICATE, until=day("2024-06-10")), now="2024-03-11")
    assert "leave-after-refusal" not in duties(tale)
    tale = entered()
    refused(tale)
    tale.tell("2024-03-21", ClaimFinallyRefused(leave_until=day("2024-04-20")))
    tale.tell("2024-04-01", StatusGranted(status=CERTIFICATE, until=day("2024-07-01")))
    tale.tell("2024-04-01", ClaimLodged())
    assert not duties(tale) & {"leave-after-refusal", "certificate-issue"}


@pytest.mark.parametrize("ends", [ClaimGranted(), Exited()])
def test_a_second_claim_that_is_granted_and_an_exit_end_the_former_refusal(ends: Fact) -> None:
    tale = claimed_again()
    tale.tell("2024-03-20", ends)
    tale.tell("2024-03-25", Entered())
    assert "leave-after-refusal" not in duties(tale)


def test_who_left_after_the_final_refusal_claims_anew_without_it() -> None:
    tale = entered()
    refused(tale)
    tale.tell("2024-03-21", ClaimFinallyRefused(leave_until=day("2024-04-20")))
    tale.tell("2024-04-10", Exited())
    tale.tell("2024-08-01", Entered())
    tale.tell("2024-08-02", ClaimLodged())
    assert "leave-after-refusal" not in duties(tale)


def test_what_becomes_of_the_second_claim_without_a_certificate_keeps_the_former_refusal_in_sight() -> None:
    tale = claimed_again()
    tale.tell("2024-03-15", ClaimRefused(appeal_until=day("2024-04-15")))
    tale.tell("2024-03-16", ClaimAppealed())
    assert {"leave-after-refusal", "appeal-pending"} <= duties(tale)
    tale.tell("2024-03-20", ClaimAppealDecided(outcome=AppealOutcome.SENT_BACK))
    assert {"leave-after-refusal", "certificate-issue"} <= duties(tale)
    tale.tell("2024-03-25", ClaimFinallyRefused(leave_until=day("2024-04-24")))
    assert tale.duties(Phase.TRANSIT_STAY)["leave-after-refusal"].due == datetime(2024, 4, 24, 19, tzinfo=UTC)


def test_the_last_day_of_a_further_appeal_ends_at_midnight_there() -> None:
    tale = entered()
    refused(tale)
    tale.tell("2024-03-10", ClaimAppealed())
    tale.tell("2024-05-01", ClaimAppealDecided(outcome=AppealOutcome.DISMISSED, appeal_until=day("2024-06-01")))
    assert tale.duties(Phase.TRANSIT_STAY)["further-appeal"].due == datetime(2024, 6, 1, 19, tzinfo=UTC)


def test_an_order_to_expel_says_what_a_printed_day_asks_for_and_relocation_is_thought_of_before_it() -> None:
    tale = entered()
    tale.tell("2024-02-01", ExpulsionOrdered(appeal_until=day("2024-02-05"), leave_until=day("2024-02-20")))
    found = tale.duties(Phase.TRANSIT_STAY)
    assert found["expulsion-departure"].title == "Have left before the order to expel is carried out"
    assert found["removal-order-appeal"].consequence is Consequence.REMOVAL
    assert "ends on 2024-02-20" in found["relocation"].title
    assert three_fields(tale.story, noon("2024-02-02")).lawful_stay.holds is Answer.UNKNOWN


def test_a_registration_that_is_told_before_the_entry_of_its_day_counts() -> None:
    tale = Tale()
    tale.tell("2024-01-02", Registered())
    tale.tell("2024-01-02", Entered())
    assert "registration" not in duties(tale)


def test_a_change_of_address_in_kazakhstan_begins_the_registration_anew() -> None:
    tale = Tale("2026-08-01")
    tale.tell("2026-08-01", Entered())
    tale.tell("2026-08-05", Registered())
    assert "registration-after-a-move" not in duties(tale)
    tale.tell("2026-09-01", EventNoted(event="address-change"), phase=Phase.TRANSIT_STAY)
    assert tale.duties(Phase.TRANSIT_STAY)["registration-after-a-move"].due.date() == day("2026-10-01")
    tale.tell("2026-09-05", StepDone(step="registration-after-a-move"), phase=Phase.TRANSIT_STAY)
    assert "registration-after-a-move" not in duties(tale)
