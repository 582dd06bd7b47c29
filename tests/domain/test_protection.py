"""Lawful stay, protection against removal and actual safety are three fields, and none is reckoned from another."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.asylum_facts import (
    AppealLodged,
    CardIssued,
    ClaimPresented,
    ClaimRegistered,
    FinalRefusalServed,
    Protection,
    ProtectionGranted,
    RefusalServed,
)
from domain.case import Path
from domain.custody import Deported, Detained, Disappeared, InterimMeasureGranted, Released
from domain.danger import Risk, RiskAssessed
from domain.entry import Arrived
from domain.events import Event
from domain.extradition import ExtraditionRequested, WantedListed
from domain.protection import ThreeFields
from domain.rulebook.dated import Answer
from domain.safety import Safety
from domain.stay_facts import (
    Blocker,
    BlockerFound,
    ClaimAppealed,
    ClaimFinallyRefused,
    ClaimLodged,
    ClaimRefused,
    ClaimTracked,
    Ending,
    Entered,
    Exited,
    ExpulsionOrdered,
    Registered,
    Relocated,
    Status,
    StatusEnded,
    StatusGranted,
)
from domain.three_fields import three_fields
from domain.transit_protection import lawful_stay, removal_protection
from domain.transit_stay import TransitStay
from tests.domain.strategies import REFERENCE, Tale, events_in, noon

CERTIFICATE = Status.ASYLUM_SEEKER_CERTIFICATE


def fields(tale: Tale, on: str) -> ThreeFields:
    return three_fields(tale.story, noon(on))


def lawful(tale: Tale, on: str) -> tuple[str, str | None, str | None]:
    found = fields(tale, on).lawful_stay
    ground = found.ground
    until = str(ground.until) if ground is not None and ground.until is not None else None
    return found.holds, ground.name if ground is not None else None, until


def entered(**how: object) -> Tale:
    tale = Tale()
    tale.tell("2024-01-02", Entered.model_validate(how))
    return tale


# --- lawful stay ---------------------------------------------------------------------------------------------------


def test_the_days_without_a_visa_carry_a_lawful_entry_until_they_are_over() -> None:
    tale = entered()
    assert lawful(tale, "2024-03-31") == ("yes", "visa-free", "2024-03-31")
    assert lawful(tale, "2024-04-01") == ("no", "visa-free", "2024-03-31")


def test_a_status_whose_last_day_has_passed_carries_nothing_though_nobody_has_ended_it() -> None:
    tale = entered()
    tale.tell("2024-02-01", StatusGranted(status=Status.TEMPORARY_RESIDENCE, until=date(2024, 8, 1)))
    assert lawful(tale, "2024-08-01") == ("yes", "temporary-residence", "2024-08-01")
    assert lawful(tale, "2024-08-02") == ("no", "temporary-residence", "2024-08-01")


def test_as_in_the_story_the_extension_carries_the_stay_after_the_final_refusal() -> None:
    tale = entered()
    tale.tell("2024-01-04", ClaimLodged())
    tale.tell("2024-01-05", StatusGranted(status=CERTIFICATE, until=date(2024, 4, 5)))
    tale.tell("2024-03-05", ClaimRefused())
    tale.tell("2024-05-25", ClaimFinallyRefused())
    assert lawful(tale, "2024-06-10") == ("yes", "days left to leave", "2024-06-24")
    tale.tell("2024-06-10", StatusGranted(status=Status.EXTENSION, until=date(2025, 12, 31)))
    assert lawful(tale, "2024-07-10") == ("yes", "extension", "2025-12-31")
    tale.tell("2024-08-10", StatusEnded(status=Status.EXTENSION, how=Ending.WITHDRAWN))
    assert lawful(tale, "2024-08-11")[0] == "no"


def test_the_certificate_carries_nobody_any_more_once_its_claim_is_finally_refused() -> None:
    tale = entered()
    tale.tell("2024-01-04", ClaimLodged())
    tale.tell("2024-01-05", StatusGranted(status=CERTIFICATE, until=date(2024, 6, 4)))
    tale.tell("2024-03-05", ClaimRefused())
    assert lawful(tale, "2024-04-02") == ("yes", "asylum-seeker-certificate", "2024-06-04")
    tale.tell("2024-04-03", ClaimFinallyRefused(leave_until=date(2024, 5, 3)))
    assert lawful(tale, "2024-05-03") == ("yes", "days left to leave", "2024-05-03")
    assert lawful(tale, "2024-05-04")[0] == "no"


def test_an_appeal_against_a_final_refusal_is_no_sure_protection() -> None:
    tale = entered()
    tale.tell("2024-01-04", ClaimLodged())
    tale.tell("2024-04-03", ClaimFinallyRefused(leave_until=date(2024, 5, 3)))
    tale.tell("2024-04-10", ClaimAppealed())
    found = fields(tale, "2024-04-11").removal_protection
    assert found.holds is Answer.UNKNOWN
    assert found.threats == ("claim finally refused on 2024-04-03",)


def test_a_second_claim_after_a_final_refusal_is_no_sure_protection_until_it_has_a_certificate() -> None:
    tale = entered()
    tale.tell("2024-01-04", ClaimLodged())
    tale.tell("2024-01-05", StatusGranted(status=CERTIFICATE, until=date(2024, 6, 4)))
    tale.tell("2024-03-01", ClaimFinallyRefused(leave_until=date(2024, 4, 5)))
    tale.tell("2024-03-10", ClaimLodged())
    assert lawful(tale, "2024-03-11") == ("yes", "days left to leave", "2024-04-05")
    assert lawful(tale, "2024-04-06")[0] == "no", "the certificate was that of the former claim"
    found = fields(tale, "2024-03-11").removal_protection
    assert found.holds is Answer.UNKNOWN
    assert "a claim was finally refused before: ask whether this one keeps him here" in found.bars[0].doubt
    assert found.threats == ("claim finally refused on 2024-03-01",)
    tale.tell("2024-03-20", StatusGranted(status=CERTIFICATE, until=date(2024, 6, 20)))
    assert lawful(tale, "2024-04-06") == ("yes", "asylum-seeker-certificate", "2024-06-20")
    assert fields(tale, "2024-03-21").removal_protection.holds is Answer.YES


def test_an_appeal_of_a_second_claim_says_what_is_in_doubt() -> None:
    tale = entered()
    tale.tell("2024-01-04", ClaimLodged())
    tale.tell("2024-03-01", ClaimFinallyRefused())
    tale.tell("2024-03-10", ClaimLodged())
    tale.tell("2024-03-12", ClaimRefused())
    tale.tell("2024-03-13", ClaimAppealed())
    assert any("finally refused before" in one for one in fields(tale, "2024-03-14").removal_protection.bars[0].doubt)


def test_a_certificate_that_was_granted_before_its_claim_proves_no_claim() -> None:
    tale = entered()
    tale.tell("2024-01-03", StatusGranted(status=CERTIFICATE, until=date(2024, 4, 3)))
    tale.tell("2024-01-05", ClaimLodged())
    assert fields(tale, "2024-01-06").removal_protection.holds is Answer.UNKNOWN
    ground = fields(tale, "2024-01-06").lawful_stay.ground
    assert ground is not None
    assert "it was granted before this claim was lodged" in ground.doubt


def test_a_stamp_of_former_times_ends_no_later_stay() -> None:
    tale = entered()
    tale.tell("2024-01-02", StatusGranted(status=Status.VISA_FREE, until=date(2024, 3, 31)))
    tale.tell("2024-03-01", Exited())
    tale.tell("2025-01-05", Entered())
    assert lawful(tale, "2025-01-06") == ("yes", "visa-free", "2025-04-04")


def test_an_irregular_entry_has_no_days_without_a_visa() -> None:
    tale = entered(lawfully=False)
    found = fields(tale, "2024-01-10").lawful_stay
    assert found.holds is Answer.NO
    assert "the border was not crossed lawfully" in found.doubt


def test_what_is_missing_is_a_doubt_and_what_an_overstay_costs_is_named_with_its_source() -> None:
    tale = entered()
    tale.tell("2024-01-10", BlockerFound(blocker=Blocker.WANTED_LIST))
    found = fields(tale, "2024-01-12").lawful_stay
    assert {"no registration is recorded", "in the way: wanted list"} <= set(found.doubt)
    assert all(one.source.startswith("http") for one in found.overstay)
    assert "a warning" in found.overstay[0].says
    tale.tell("2024-01-12", Registered())
    assert "no registration is recorded" not in fields(tale, "2024-01-12").lawful_stay.doubt


def test_where_nothing_is_known_nothing_is_certain() -> None:
    tale = entered()
    tale.tell("2024-02-01", Exited())
    assert fields(tale, "2024-02-02").lawful_stay.doubt == ("the person has left the country",)
    tale.tell("2024-02-03", Relocated(to="UZ"))
    tale.tell("2024-02-04", Entered())
    found = fields(tale, "2024-02-05").lawful_stay
    assert found.holds is Answer.UNKNOWN
    assert "there is no rulebook for this country" in found.doubt


# --- protection against removal ------------------------------------------------------------------------------------


def protection(tale: Tale, on: str) -> tuple[str, list[str], list[str]]:
    found = fields(tale, on).removal_protection
    return found.holds, [one.name for one in found.bars], list(found.threats)


def test_a_pending_claim_protects_as_long_as_a_certificate_proves_it() -> None:
    tale = entered()
    assert protection(tale, "2024-01-03") == ("no", [], [])
    tale.tell("2024-01-04", ClaimLodged())
    assert protection(tale, "2024-01-04") == ("unknown", ["asylum claim pending"], [])
    tale.tell("2024-01-05", StatusGranted(status=CERTIFICATE, until=date(2024, 4, 5)))
    assert protection(tale, "2024-04-05")[0] == "yes"
    assert protection(tale, "2024-04-06")[0] == "unknown"


def test_whether_an_appeal_protects_is_a_matter_of_the_track() -> None:
    tale = entered()
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2026-01-02", Entered())
    tale.tell("2026-01-03", ClaimLodged())
    tale.tell("2026-02-03", ClaimRefused(appeal_until=date(2026, 2, 13)))
    assert protection(tale, "2026-02-13")[:2] == ("unknown", ["time to appeal"])
    assert protection(tale, "2026-02-14")[:2] == ("no", [])
    tale.tell("2026-02-10", ClaimAppealed())
    assert protection(tale, "2026-02-14")[:2] == ("yes", ["appeal pending"])
    tale.tell("2026-02-10", ClaimTracked(track="accelerated"))
    assert protection(tale, "2026-02-14")[:2] == ("unknown", ["appeal pending"])


def test_an_interim_measure_protects_until_its_last_day_and_every_threat_is_named_beside_it() -> None:
    tale = entered()
    tale.tell("2024-02-01", ExtraditionRequested(by="RU"))
    tale.tell("2024-02-02", ExpulsionOrdered())
    tale.tell("2024-02-03", InterimMeasureGranted(against="KZ", until=date(2024, 3, 1)))
    held = ["expulsion ordered on 2024-02-02", "extradition asked for by RU on 2024-02-01"]
    assert protection(tale, "2024-03-01") == ("yes", ["interim measure"], held)
    assert protection(tale, "2024-03-02") == ("no", [], held)
    assert any("order to expel stands" in one for one in fields(tale, "2024-03-02").lawful_stay.doubt)


def test_nothing_but_an_interim_measure_is_sure_while_somebody_asks_for_him_or_has_decided_that_he_must_go() -> None:
    tale = entered()
    tale.tell("2024-02-01", ClaimLodged())
    tale.tell("2024-02-02", StatusGranted(status=CERTIFICATE, until=date(2024, 5, 2)))
    assert protection(tale, "2024-02-03")[:2] == ("yes", ["asylum claim pending"])
    tale.tell("2024-02-04", ExtraditionRequested(by="RU"))
    assert protection(tale, "2024-02-05")[:2] == ("unknown", ["asylum claim pending"])
    tale.tell("2024-02-06", InterimMeasureGranted(against="KZ"))
    assert protection(tale, "2024-02-07")[:2] == ("yes", ["asylum claim pending", "interim measure"])


def test_a_claim_keeps_nobody_from_being_turned_away_who_has_left_the_country() -> None:
    tale = entered()
    tale.tell("2024-02-01", ClaimLodged())
    tale.tell("2024-02-02", StatusGranted(status=CERTIFICATE, until=date(2024, 5, 2)))
    tale.tell("2024-02-05", Exited())
    assert protection(tale, "2024-02-06")[:2] == ("no", [])


def test_an_interim_measure_binds_one_state_and_protects_nowhere_else() -> None:
    tale = entered()
    tale.tell("2024-02-03", InterimMeasureGranted(against="KZ"))
    assert protection(tale, "2024-02-05")[:2] == ("yes", ["interim measure"])
    tale.tell("2024-02-06", Deported(to="RU"))
    assert protection(tale, "2024-02-06")[:2] == ("no", [])
    tale.tell("2024-02-06", InterimMeasureGranted(against="RU"))
    assert protection(tale, "2024-02-06")[:2] == ("yes", ["interim measure"])


def test_a_last_day_ends_at_midnight_where_the_person_is() -> None:
    tale = entered()
    midnight = datetime(2024, 3, 31, 19, tzinfo=UTC)  # in Almaty; the day without a visa was the last one
    assert three_fields(tale.story, midnight - timedelta(minutes=1)).lawful_stay.holds is Answer.YES
    assert three_fields(tale.story, midnight + timedelta(minutes=1)).lawful_stay.holds is Answer.NO


# --- actual safety -------------------------------------------------------------------------------------------------


def test_actual_safety_says_who_holds_him_who_looks_for_him_and_the_risk() -> None:
    tale = entered()
    assert fields(tale, "2024-01-03").actual_safety.risk is None
    tale.tell("2024-01-05", RiskAssessed(level=Risk.MEDIUM, review_on=date(2024, 3, 1)))
    tale.tell("2024-01-06", WantedListed(by="RU"))
    tale.tell("2024-01-07", Detained())
    tale.tell("2024-01-08", Disappeared())
    found = fields(tale, "2024-01-09").actual_safety
    assert (found.risk, found.looked_for_by) == ("critical", ("RU (national)",))
    assert found.emergencies == ("detention since 2024-01-07", "missing since 2024-01-08")
    tale.tell("2024-01-10", Released())
    assert fields(tale, "2024-01-10").actual_safety.emergencies == ()


# --- never merged --------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    stay_events=events_in(TransitStay),
    safety_events=events_in(Safety),
    day=st.dates(date(2022, 1, 1), date(2027, 1, 1)),
)
def test_nothing_that_happens_to_his_safety_changes_whether_the_stay_is_lawful(
    stay_events: list[Event], safety_events: list[Event], day: date
) -> None:
    tale = Tale()
    stay, safety = TransitStay(country="KZ"), Safety()
    for event in stay_events:
        stay = stay.apply(event)
    rules = tale.story.rules(f"case/{REFERENCE}/transit-stay/1")
    before = lawful_stay(stay, Path(), rules, day), removal_protection(stay, Safety(), Path(), rules, day).bars
    for event in safety_events:
        safety = safety.apply(event)
    protection = removal_protection(stay, safety, Path(), rules, day)
    assert lawful_stay(stay, Path(), rules, day) == before[0]
    assert [one for one in protection.bars if one.name != "interim measure"] == list(before[1])


# --- elsewhere -----------------------------------------------------------------------------------------------------


def arrived() -> Tale:
    tale = Tale()
    tale.open_entry()
    tale.tell("2024-02-01", Arrived(country="FR"))
    tale.tell("2024-02-03", ClaimPresented())
    return tale


def test_in_the_country_of_refuge_the_same_three_fields_speak_of_the_claim_there() -> None:
    tale = arrived()
    assert (fields(tale, "2024-02-04").country, lawful(tale, "2024-02-04")[0]) == ("FR", "unknown")
    tale.tell("2024-02-05", ClaimRegistered(attestation_until=date(2024, 12, 1)))
    assert lawful(tale, "2024-12-01") == ("yes", "certificate of the claim", "2024-12-01")
    assert lawful(tale, "2024-12-02")[0] == "unknown"  # the claim goes on, and nothing proves it any more
    assert protection(tale, "2024-12-02")[:2] == ("yes", ["asylum claim pending"])
    tale.tell("2024-06-01", RefusalServed(appeal_until=date(2024, 7, 1)))
    assert protection(tale, "2024-06-02")[:2] == ("unknown", ["time to appeal"])
    tale.tell("2024-06-20", AppealLodged())
    assert protection(tale, "2024-06-21")[:2] == ("yes", ["appeal pending"])
    tale.tell("2024-09-01", FinalRefusalServed())
    assert protection(tale, "2024-09-02") == ("no", [], ["claim finally refused on 2024-09-01"])
    assert lawful(tale, "2024-12-02")[0] == "no"
    tale.tell("2024-10-01", ProtectionGranted(protection=Protection.REFUGEE))
    tale.tell("2024-10-02", CardIssued(until=date(2034, 10, 1)))
    assert lawful(tale, "2024-12-02") == ("yes", "residence card", "2034-10-01")
    assert protection(tale, "2024-12-02")[:2] == ("yes", ["protection: refugee"])


def test_after_a_hand_over_only_his_safety_is_known() -> None:
    tale = entered()
    tale.tell("2024-02-01", Deported(to="RU"))
    found = fields(tale, "2024-02-02")
    assert (found.country, found.lawful_stay.holds) == ("RU", Answer.UNKNOWN)
    assert found.actual_safety.emergencies == ("deportation since 2024-02-01",)
    assert found.removal_protection.holds is Answer.NO
