"""The asylum claim in its countries: service, legal aid, tracks, re-opening, and papers that disagree with the rules.

What each date rests on stands in ``domain/rulebook/fr.toml`` and ``de.toml`` with its source.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.asylum_facts import (
    AppealLodged,
    AttestationIssued,
    ClaimClosed,
    ClaimPresented,
    ClaimRegistered,
    ClaimReopened,
    CompletionAsked,
    FileLodged,
    FinalRefusalServed,
    GroundsHandedIn,
    LegalAidDecided,
    LegalAidRequested,
    Limit,
    Means,
    PeriodChanged,
    PeriodUnit,
    RefusalServed,
    RemovalOrdered,
    StayRequested,
    Track,
    TrackChanged,
    TransferDecided,
)
from domain.asylum_filing import AsylumFiling
from domain.case import Path
from domain.custody import Detained
from domain.duties import Bound, Duty
from domain.entry import Arrived
from domain.events import Event
from domain.facts import Fact, Occurred
from domain.references import Phase
from domain.rulebook import Rules
from domain.rulebook.dated import Answer
from domain.stream import fold
from tests.domain.strategies import RULEBOOK, Tale, events_in, noon
from workflows.shown import allowed


def claim(*told: tuple[str, Fact], country: str = "FR") -> Tale:
    """A case whose claim in a country of refuge has gone so far; the arrival lies ten days before the first fact."""
    arrived = (date.fromisoformat(told[0][0]) - timedelta(days=10)).isoformat()
    tale = Tale(arrived)
    tale.tell(arrived, Arrived(country=country))
    for day, fact in told:
        tale.tell(day, fact)
    return tale


def refused(*after: tuple[str, Fact], served: Fact | None = None, track: Track = Track.NORMAL) -> Tale:
    """A refusal in France on 1 May 2024, before the pact: the month ends with 2 June, free days counted."""
    begun = (("2024-02-05", ClaimRegistered(track=track)), ("2024-02-20", FileLodged()))
    return claim(*begun, ("2024-05-01", served or RefusalServed()), *after)


def duties(tale: Tale) -> dict[str, Duty]:
    return tale.duties(Phase.ASYLUM_FILING)


def last_day(tale: Tale, duty: str) -> date:
    """The last day on which it can still be done, at the authority's place."""
    place = tale.story.rules(tale.ledger(Phase.ASYLUM_FILING).stream).place
    return (duties(tale)[duty].due - timedelta(minutes=1)).astimezone(place.zone).date()


# --- France before the pact ------------------------------------------------------------------------------------------


def test_the_french_chain_before_the_pact_has_its_dates() -> None:
    tale = claim(("2024-02-02", ClaimPresented()))
    assert last_day(tale, "appointment") == date(2024, 2, 7)
    tale.tell("2024-02-05", ClaimRegistered())
    assert last_day(tale, "file-lodging") == date(2024, 2, 26)
    tale.tell("2024-02-20", FileLodged())
    assert last_day(tale, "claim-decision") == date(2024, 8, 20)
    tale.tell("2024-03-01", CompletionAsked())
    assert last_day(tale, "file-completion") == date(2024, 3, 9)
    tale.tell("2024-05-01", RefusalServed())
    assert (last_day(tale, "legal-aid"), last_day(tale, "appeal")) == (date(2024, 5, 16), date(2024, 6, 2))
    assert duties(tale)["appeal"].doubt == ""
    tale.tell("2024-05-20", AppealLodged())
    assert last_day(tale, "appeal-judgment") == date(2024, 10, 20)
    tale.tell("2024-10-01", FinalRefusalServed())
    tale.tell("2024-10-10", RemovalOrdered())
    assert (last_day(tale, "departure"), last_day(tale, "removal-order-appeal")) == (
        date(2024, 11, 9),
        date(2024, 11, 10),
    )


def test_legal_aid_in_time_lets_the_appeal_stand_and_nobody_is_told_a_date() -> None:
    found = duties(refused(("2024-05-05", LegalAidRequested())))
    assert "appeal" not in found
    standing = found["stands.appeal"]
    assert standing.title.startswith("The clock stands with 28 days left. Ask when it runs on")
    assert standing.due == datetime(2024, 5, 19, tzinfo=UTC)
    assert "it stands: no date can be said until it runs on" in standing.reckoning
    assert standing.title_at(noon("2025-01-01")) == standing.title


def test_a_clock_that_stands_is_asked_after_again_and_again() -> None:
    tale = refused(("2024-05-05", LegalAidRequested()))
    tale.acknowledge(Phase.ASYLUM_FILING, "stands.appeal", noon("2024-05-20"))
    assert duties(tale)["stands.appeal"].due == noon("2024-06-03")


def test_the_remainder_runs_from_the_later_notification() -> None:
    decided = LegalAidDecided(to_applicant=date(2024, 6, 18), to_lawyer=date(2024, 6, 10))
    tale = refused(("2024-05-05", LegalAidRequested()), ("2024-06-20", decided))
    assert last_day(tale, "appeal") == date(2024, 7, 16)
    assert "runs on from Tuesday 2024-06-18" in duties(tale)["appeal"].reckoning


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        (LegalAidDecided(to_applicant=date(2024, 6, 10)), date(2024, 7, 8)),
        (LegalAidDecided(to_lawyer=date(2024, 6, 12)), date(2024, 7, 10)),
        (LegalAidDecided(), date(2024, 7, 3)),
    ],
)
def test_a_notification_that_is_not_known_is_doubtful_and_the_earliest_date_plans(
    decided: LegalAidDecided, expected: date
) -> None:
    tale = refused(("2024-05-05", LegalAidRequested()), ("2024-06-05", decided))
    assert last_day(tale, "appeal") == expected
    assert "notification of the decision on legal aid is known" in duties(tale)["appeal"].doubt
    assert "verify.appeal" in duties(tale)


def test_legal_aid_asked_for_too_late_suspends_nothing_and_it_is_said() -> None:
    tale = refused(("2024-05-17", LegalAidRequested()))
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert any("too late, so the clock has not stood" in line for line in duties(tale)["appeal"].reckoning)
    assert duties(tale)["appeal"].doubt == ""


def test_legal_aid_asked_for_perhaps_too_late_is_counted_as_if_it_was_too_late() -> None:
    tale = refused()
    tale.tell(Occurred.parse("2024-05-10..2024-05-20"), LegalAidRequested(), now="2024-05-20")
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert "whether legal aid was asked for in time is not certain" in duties(tale)["appeal"].doubt


def test_a_printed_date_is_moved_by_the_time_in_which_its_clock_stood() -> None:
    printed = RefusalServed(appeal_until=date(2024, 6, 2))
    tale = refused(("2024-05-05", LegalAidRequested()), served=printed)
    assert "28 days left" in duties(tale)["stands.appeal"].title
    decided = LegalAidDecided(to_applicant=date(2024, 6, 18), to_lawyer=date(2024, 6, 10))
    tale.tell("2024-06-20", decided)
    assert last_day(tale, "appeal") == date(2024, 7, 16)
    assert "mismatch.appeal" not in duties(tale)


def test_a_printed_date_beside_legal_aid_that_was_perhaps_late_is_doubtful() -> None:
    tale = refused(served=RefusalServed(appeal_until=date(2024, 6, 2), means=Means.PORTAL))
    assert duties(tale)["appeal"].doubt == ""
    tale.tell(Occurred.parse("2024-05-10..2024-05-20"), LegalAidRequested(), now="2024-05-20")
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert "whether legal aid was asked for in time" in duties(tale)["appeal"].doubt


# --- service ---------------------------------------------------------------------------------------------------------


def test_a_decision_on_the_portal_counts_as_served_when_it_is_opened() -> None:
    tale = refused(served=RefusalServed(means=Means.PORTAL, opened=date(2024, 5, 4)))
    assert last_day(tale, "appeal") == date(2024, 6, 5)
    assert duties(tale)["appeal"].doubt == ""


def test_one_that_was_opened_late_counts_as_served_after_fifteen_days() -> None:
    tale = refused(served=RefusalServed(means=Means.PORTAL, opened=date(2024, 6, 20)))
    assert last_day(tale, "appeal") == date(2024, 6, 17)


def test_where_nobody_knows_whether_it_was_opened_the_earliest_day_plans() -> None:
    tale = refused(served=RefusalServed(means=Means.PORTAL))
    appeal = duties(tale)["appeal"]
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert "the start lies between 2024-05-01 and 2024-05-16" in appeal.doubt
    assert "at the latest 2024-06-17" in appeal.reckoning
    assert appeal.title_at(appeal.due - timedelta(hours=1)) == appeal.title
    assert appeal.title_at(appeal.due) == f"Act now, ask counsel: {appeal.title}"


def test_an_uncertain_day_of_service_gives_an_interval_and_the_earliest_day_plans() -> None:
    tale = claim(("2024-02-05", ClaimRegistered()))
    tale.tell(Occurred.parse("2024-05-01..2024-05-05"), RefusalServed(), now="2024-05-06")
    appeal = duties(tale)["appeal"]
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert "at the latest 2024-06-06" in appeal.reckoning
    assert appeal.title_at(noon("2024-06-03")).startswith("Act now, ask counsel")


def test_a_decision_without_its_remedies_is_for_counsel() -> None:
    found = duties(refused(served=RefusalServed(remedies_stated=Answer.NO)))
    assert "does not state the remedies" in found["appeal"].doubt
    assert {"ask-counsel.appeal", "verify.appeal"} <= found.keys()


def test_a_way_of_service_that_the_country_does_not_know_is_a_doubt() -> None:
    found = duties(refused(served=RefusalServed(means=Means.RECEPTION_CENTRE)))
    assert "when a decision served by reception centre counts as served is not known" in found["appeal"].doubt
    assert duties(refused(served=RefusalServed(means=Means.HAND_OVER)))["appeal"].doubt == ""


def test_every_way_of_service_in_the_rulebooks_can_be_recorded() -> None:
    for_decisions = {one.means for country in RULEBOOK.countries for one in country.services}
    assert len(for_decisions) >= 4
    # a claim closed for its address is no decision that is served: it counts from its own date
    assert for_decisions - {"closing-for-address-or-housing"} <= set(Means)


def test_every_track_of_france_and_germany_can_be_recorded() -> None:
    for code in ("FR", "DE"):
        assert {one.track for one in RULEBOOK.must_have(code).tracks} <= set(Track)


# --- what is printed -------------------------------------------------------------------------------------------------


def test_a_stated_period_is_counted_as_the_rule_counts_and_a_difference_alarms() -> None:
    two_weeks = RefusalServed(within=2, within_unit=PeriodUnit.WEEKS)
    tale = refused(served=two_weeks)
    assert last_day(tale, "appeal") == date(2024, 5, 16)
    assert {"mismatch.appeal"} <= duties(tale).keys()
    lines = duties(tale)["appeal"].reckoning
    assert lines[0] == "stated on the served document: 2 weeks"
    assert any(line.startswith("computed: 1 month") for line in lines)
    alike = refused(served=RefusalServed(within=1, within_unit=PeriodUnit.MONTHS))
    assert last_day(alike, "appeal") == date(2024, 6, 2)
    assert "mismatch.appeal" not in duties(alike)


def test_a_printed_day_and_a_stated_period_that_disagree_alarm_and_the_day_plans() -> None:
    both = RefusalServed(appeal_until=date(2024, 6, 2), within=2, within_unit=PeriodUnit.WEEKS)
    tale = refused(served=both)
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert "mismatch.appeal" in duties(tale)


def test_a_period_within_the_band_of_a_weak_rule_settles_it() -> None:
    begun = (("2026-06-20", ClaimRegistered()), ("2026-06-25", FileLodged()))
    stated = RefusalServed(within=3, within_unit=PeriodUnit.WEEKS)
    found = duties(claim(*begun, ("2026-09-01", stated)))
    assert found["appeal"].doubt == ""
    assert not {"mismatch.appeal", "verify.appeal"} & found.keys()


def test_a_period_made_longer_by_the_court_counts_for_the_clock_that_runs_then() -> None:
    longer = PeriodChanged(limit=Limit.APPEAL, longer=10)
    tale = refused(("2024-05-20", longer))
    assert last_day(tale, "appeal") == date(2024, 6, 12)
    tale.tell("2024-07-01", RefusalServed())
    assert last_day(tale, "appeal") == date(2024, 8, 2)


def test_a_change_that_cannot_be_counted_is_left_out_and_said() -> None:
    tale = refused(("2024-05-20", PeriodChanged(limit=Limit.APPEAL, longer=10, unit=PeriodUnit.HOURS)))
    assert last_day(tale, "appeal") == date(2024, 6, 2)
    assert "the change is left out" in duties(tale)["appeal"].doubt


# --- across the pact -------------------------------------------------------------------------------------------------


def test_a_claim_that_straddles_the_pact_has_each_rule_by_its_own_event() -> None:
    tale = claim(("2026-05-20", ClaimRegistered()), ("2026-06-05", FileLodged()))
    assert duties(tale)["claim-decision"].doubt == ""
    tale.tell("2026-09-01", RefusalServed())
    appeal = duties(tale)["appeal"]
    assert appeal.rule == "fr.asylum.appeal-normal"
    assert last_day(tale, "appeal") == date(2026, 9, 15)
    assert "2 weeks and 1 month" in appeal.doubt
    assert "verify.appeal" in duties(tale)


def test_a_transfer_after_the_pact_of_a_claim_registered_before_it_keeps_the_old_period() -> None:
    tale = claim(("2026-05-20", ClaimRegistered(track=Track.DUBLIN)), ("2026-07-10", TransferDecided()))
    assert last_day(tale, "transfer-appeal") == date(2026, 7, 17)
    assert duties(tale)["transfer-appeal"].doubt == ""


def test_after_the_pact_legal_aid_is_not_taken_to_suspend() -> None:
    begun = (("2026-06-20", ClaimRegistered()), ("2026-06-25", FileLodged()), ("2026-09-01", RefusalServed()))
    tale = claim(*begun, ("2026-09-03", LegalAidRequested()))
    assert last_day(tale, "appeal") == date(2026, 9, 15)
    assert "counted as if the clock had not stood" in duties(tale)["appeal"].doubt


# --- tracks, detention, closing --------------------------------------------------------------------------------------


def test_the_clock_of_one_track_stands_while_another_one_holds_the_claim() -> None:
    tale = claim(("2024-02-05", ClaimRegistered()), ("2024-02-20", FileLodged()))
    tale.tell("2024-03-01", TrackChanged(track=Track.DUBLIN))
    assert "claim-decision" not in duties(tale)
    assert "172 days left" in duties(tale)["stands.claim-decision"].title
    tale.tell("2024-06-01", TrackChanged(track=Track.NORMAL))
    assert last_day(tale, "claim-decision") == date(2024, 11, 20)
    assert "stands.claim-decision" not in duties(tale)


def test_what_binds_the_person_never_stands_for_another_track() -> None:
    tale = claim(("2024-02-05", ClaimRegistered(track=Track.DUBLIN)))
    file = duties(tale)["file-lodging"]
    assert last_day(tale, "file-lodging") == date(2024, 2, 26)
    assert "another track holds the claim" in file.doubt
    assert file.title_at(noon("2024-03-01")).startswith("Act now, ask counsel")


def test_where_an_appeal_keeps_nobody_in_the_country_a_court_must_be_asked() -> None:
    inadmissible = refused(track=Track.INADMISSIBLE)
    assert "find-out.ask-court-to-suspend" in duties(inadmissible)
    assert not any("ask-court" in duty for duty in duties(refused()))
    inadmissible.tell("2024-05-02", StayRequested())
    assert not any("ask-court" in duty for duty in duties(inadmissible))
    said = duties(inadmissible)["appeal"].reckoning[0]
    assert said == (
        "The claim is found inadmissible: does an appeal keep the person in the country? no. A free lawyer? not known"
    )


def test_a_person_in_detention_has_hours_where_others_have_days() -> None:
    begun = ("2024-02-05", ClaimRegistered(track=Track.DUBLIN))
    free = claim(begun, ("2024-03-01", TransferDecided()))
    assert last_day(free, "transfer-appeal") == date(2024, 3, 8)
    detained = claim(begun, ("2024-03-01", TransferDecided(detained=Answer.YES)))
    assert duties(detained)["transfer-appeal"].due == datetime(2024, 3, 2, 23, tzinfo=UTC)
    detained.tell("2024-03-02", RemovalOrdered(detained=Answer.YES))
    assert last_day(detained, "removal-order-appeal") == date(2024, 3, 9)
    free.tell("2024-03-02", Detained())
    assert duties(free)["transfer-appeal"].due == datetime(2024, 3, 2, 23, tzinfo=UTC)


def test_an_appeal_against_a_transfer_waits_for_the_court() -> None:
    begun = (("2024-02-05", ClaimRegistered(track=Track.DUBLIN)), ("2024-03-01", TransferDecided()))
    tale = claim(*begun, ("2024-03-04", AppealLodged()))
    assert last_day(tale, "transfer-judgment") == date(2024, 3, 19)
    assert "transfer-appeal" not in duties(tale)
    assert tale.events("appeal-lodged")[0].outside_path is None


def test_a_claim_that_comes_back_from_the_dublin_track_stands_where_it_stood() -> None:
    tale = claim(("2024-02-05", ClaimRegistered()), ("2024-02-20", FileLodged()))
    tale.tell("2024-03-01", TrackChanged(track=Track.DUBLIN))
    tale.tell("2024-03-05", TransferDecided())
    assert "claim-decision" not in duties(tale)
    tale.tell("2024-06-01", TrackChanged(track=Track.NORMAL))
    assert last_day(tale, "claim-decision") == date(2024, 11, 20)
    assert not any(duty.startswith("transfer") for duty in duties(tale))


def test_a_closed_claim_can_be_opened_again_once() -> None:
    tale = claim(("2024-02-05", ClaimRegistered()), ("2024-04-01", ClaimClosed()))
    assert last_day(tale, "reopening") == date(2024, 12, 31)
    tale.tell("2024-05-02", ClaimReopened())
    assert last_day(tale, "file-lodging") == date(2024, 5, 10)
    tale.tell("2024-05-05", CompletionAsked())
    assert last_day(tale, "file-completion") == date(2024, 5, 9)


def test_a_claim_registered_after_its_reopening_keeps_the_short_period_and_what_is_printed() -> None:
    tale = claim(("2024-02-05", ClaimRegistered()), ("2024-04-01", ClaimClosed()), ("2024-05-02", ClaimReopened()))
    tale.tell("2024-05-03", ClaimRegistered(lodge_until=date(2024, 5, 11)))
    assert last_day(tale, "file-lodging") == date(2024, 5, 11)
    assert "mismatch.file-lodging" not in duties(tale)
    tale.tell("2024-06-01", ClaimClosed())
    assert "stands.reopening" in duties(tale)


def test_a_second_time_is_for_counsel_and_has_no_date() -> None:
    tale = claim(("2024-02-05", ClaimRegistered()), ("2024-04-01", ClaimClosed()), ("2024-05-02", ClaimReopened()))
    tale.tell("2024-06-01", ClaimClosed())
    assert "reopening" not in duties(tale)
    assert duties(tale)["stands.reopening"].title.startswith("Ask counsel")
    tale.tell("2024-07-01", ClaimReopened())
    assert "file-lodging" not in duties(tale)
    assert duties(tale)["stands.file-lodging"].title.startswith("Ask counsel")
    tale.tell("2024-07-02", ClaimRegistered())
    assert "stands.file-lodging" in duties(tale)
    tale.tell("2024-07-03", ClaimRegistered(lodge_until=date(2024, 7, 10)))
    assert last_day(tale, "file-lodging") == date(2024, 7, 10)
    assert "more than once" in duties(tale)["file-lodging"].doubt


# --- Germany ---------------------------------------------------------------------------------------------------------


def in_germany(*after: tuple[str, Fact], track: Track = Track.NORMAL) -> Tale:
    begun = (("2024-02-05", ClaimRegistered(track=track)), ("2024-02-08", FileLodged()))
    return claim(*begun, *after, country="DE")


def test_a_german_decision_handed_to_a_reception_centre_is_served_on_the_third_day_at_the_latest() -> None:
    served = RefusalServed(means=Means.RECEPTION_CENTRE)
    tale = in_germany(("2024-05-01", served))
    assert last_day(tale, "appeal") == date(2024, 5, 15)
    assert "the start lies between 2024-05-01 and 2024-05-04" in duties(tale)["appeal"].doubt
    assert "at the latest 2024-05-18" in duties(tale)["appeal"].reckoning
    in_hand = in_germany(("2024-05-01", served.model_copy(update={"opened": date(2024, 5, 3)})))
    assert last_day(in_hand, "appeal") == date(2024, 5, 17)
    assert last_day(in_hand, "grounds") == date(2024, 6, 3)


def test_the_german_chain_runs_in_the_same_room() -> None:
    tale = in_germany()
    assert last_day(tale, "certificate-issue") == date(2024, 2, 13)
    tale.tell("2024-02-10", AttestationIssued(until=date(2024, 8, 10)))
    assert "certificate-issue" not in duties(tale)
    assert {"attestation-ends", "claim-decision"} <= duties(tale).keys()
    tale.tell("2024-05-01", RefusalServed())
    tale.tell("2024-05-10", AppealLodged())
    assert {"grounds", "find-out.appeal-judgment"} <= duties(tale).keys()
    tale.tell("2024-05-20", GroundsHandedIn())
    assert "grounds" not in duties(tale)
    tale.tell("2025-05-20", FinalRefusalServed())
    assert last_day(tale, "leave-to-appeal") == date(2025, 6, 20)


def test_a_manifestly_unfounded_claim_has_a_week_to_act_and_a_week_to_ask_the_court() -> None:
    tale = in_germany(("2024-05-01", RefusalServed()), ("2024-05-02", TrackChanged(track=Track.MANIFESTLY_UNFOUNDED)))
    assert last_day(tale, "appeal") == date(2024, 5, 8)
    assert last_day(tale, "ask-court-to-suspend") == date(2024, 5, 8)


def test_a_german_claim_that_was_opened_again_goes_on_where_it_stopped() -> None:
    tale = in_germany(("2024-03-01", ClaimClosed()), ("2024-03-10", ClaimReopened()))
    assert "file-lodging" not in duties(tale)
    assert "claim-decision" in duties(tale)


# --- in general ------------------------------------------------------------------------------------------------------

COUNTRIES: list[Rules] = [RULEBOOK.for_phase(code, "asylum-filing") for code in ("FR", "DE", "CH", "XX")]


def state_of(events: list[Event]) -> AsylumFiling:
    return fold(AsylumFiling(opened=Occurred.on(date(2022, 1, 1)), country="FR"), events)


@settings(max_examples=150, deadline=None)
@given(events_in(AsylumFiling), st.sampled_from(COUNTRIES), st.booleans())
def test_whatever_was_recorded_its_duties_can_be_said_and_shown(
    events: list[Event], rules: Rules, in_custody: bool
) -> None:
    found = state_of(events).duties(Path(in_custody=in_custody), rules)
    assert len({duty.id for duty in found}) == len(found)
    assert any(duty.id == "review" for duty in found)
    for duty in found:
        assert allowed(f"{duty.id}: alarm")
        assert duty.rule is None or duty.reckoning or duty.bound is Bound.STAFF
        assert not duty.id.startswith("stands.") or duty.bound is Bound.STAFF


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.none() | st.integers(0, 200), st.none() | st.integers(0, 200))
def test_legal_aid_never_brings_the_appeal_forward(asked: int, applicant: int | None, lawyer: int | None) -> None:
    served = date(2024, 5, 1)
    until = last_day(refused(), "appeal")
    tale = refused()
    tale.tell((served + timedelta(days=asked)).isoformat(), LegalAidRequested())
    notified = [served + timedelta(days=days) if days is not None else None for days in (applicant, lawyer)]
    now = (served + timedelta(days=300)).isoformat()
    tale.tell(now, LegalAidDecided(to_applicant=notified[0], to_lawyer=notified[1]))
    assert last_day(tale, "appeal") >= until
