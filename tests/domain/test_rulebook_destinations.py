"""France and Germany, as they are delivered: the chain before the pact, tracks, service, and the age of the sources."""

from datetime import date

import pytest

from domain.deadlines import Unit
from domain.facts import Occurred
from domain.legal_clocks import Reckoned, reckon
from domain.rulebook import Answer, Confidence, Rule, Status
from domain.rulebook.known import Outcome, Practice, Service, Token, Track
from runtime.law import words_of
from tests.support.lawbook import BOOK, document, of, period, practice, token

BEFORE, AFTER = date(2026, 6, 11), date(2026, 6, 12)
NEWEST = date(2026, 11, 23)
"""The day on which the sources were last looked at."""

DAYS, WEEKS, MONTHS, YEARS = Unit.DAYS, Unit.WEEKS, Unit.MONTHS, Unit.YEARS


def rule(code: str, step: str, on: date = BEFORE, **facts: str) -> Rule:
    found = BOOK.for_phase(code, "asylum-filing").find(step, on, **facts)
    assert found is not None
    return found


def track(code: str, name: str, on: date = BEFORE) -> Track:
    found = BOOK.for_phase(code, "asylum-filing").track(name, on)
    assert found is not None
    return found


def service(code: str, means: str, on: date = BEFORE) -> Service:
    found = BOOK.for_phase(code, "asylum-filing").service(means, on)
    assert found is not None
    return found


def outcome(code: str, name: str, on: date = BEFORE) -> Outcome:
    return next(one for one in of(code).outcomes if one.outcome == name and one.holds_on(on))


# --- both ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["FR", "DE"])
def test_what_is_not_verified_says_why_and_nothing_was_checked_after_the_last_look(code: str) -> None:
    for item in of(code).items:
        assert item.verified == NEWEST
        assert all(source.seen is None or source.seen <= NEWEST for source in item.sources)
        assert all(words_of(item))
        if item.confidence is Confidence.UNVERIFIED:
            said = f"{item.note} {item.says if isinstance(item, Practice) else ''}"
            assert any(words in said for words in ("not found", "not seen", "not read", "no source", "no period")), (
                item.id
            )


@pytest.mark.parametrize("code", ["FR", "DE"])
def test_every_national_period_under_the_pact_is_unverified_and_says_so(code: str) -> None:
    newer = [one for one in of(code).rules if one.holds_on(AFTER)]
    assert len(newer) > 15
    for one in newer:
        assert one.confidence is Confidence.UNVERIFIED
        assert one.doubt
        assert "not verified" in one.title


@pytest.mark.parametrize("code", ["FR", "DE"])
def test_tracks_lead_to_what_is_there_and_every_track_can_be_reached_or_entered(code: str) -> None:
    tracks = of(code).tracks
    names = {one.track for one in tracks}
    reached = {name for one in tracks for name in one.leads_to}
    assert names >= {"normal", "accelerated", "inadmissible", "dublin", "re-examination", "closed-and-reopened"}
    assert all(one.steps and one.leads_to for one in tracks)
    for one in tracks:
        assert one.track in reached or one.entered_when or one.track in ("normal", "dublin", "accelerated")


# --- France --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "facts", "expected"),
    [
        ("file-lodging", {"track": "closed-and-reopened"}, (8, DAYS)),
        ("file-completion", {"track": "closed-and-reopened"}, (4, DAYS)),
        ("interview-not-before", {"place": "pole-france-asile"}, (21, DAYS)),
        ("removal-order", {}, (15, DAYS)),
        ("removal-order-judgment", {"detained": "no"}, (6, MONTHS)),
        ("transfer-judgment", {}, (15, DAYS)),
        ("transfer-judgment", {"detained": "yes"}, (96, Unit.HOURS)),
        ("transfer-enforceable", {}, (15, DAYS)),
        ("transfer-enforceable", {"detained": "yes"}, (48, Unit.HOURS)),
        ("appeal-judgment", {"track": "inadmissible"}, (5, WEEKS)),
        ("appeal", {"track": "inadmissible"}, (1, MONTHS)),
    ],
)
def test_the_french_chain_holds_what_no_phase_looks_up_too(
    step: str, facts: dict[str, str], expected: tuple[int, Unit]
) -> None:
    found = rule("FR", step, BEFORE, **facts)
    assert period(found) == expected
    assert found.doubt == ()


def test_french_benefits_end_with_a_month() -> None:
    book = BOOK.for_phase("FR", "asylum-filing")
    refused, granted = (rule("FR", "benefits-end", outcome=one) for one in ("rejected", "granted"))
    ends = [reckon(book, one, Occurred.on(date(2024, 2, 5))) for one in (refused, granted)]
    assert [one.last_day for one in ends if isinstance(one, Reckoned)] == [date(2024, 2, 29)] * 2
    assert refused.doubt == ()
    assert granted.doubt  # the month of the notification, or the next one
    assert granted.at_most == 2


def test_legal_aid_lets_the_french_appeal_stand_and_the_remainder_runs_from_the_later_notification() -> None:
    appeal, remainder = rule("FR", "appeal", track="normal"), rule("FR", "appeal-remainder")
    assert appeal.suspended_by == ("legal-aid-request",)
    assert appeal.restarted_by == ()
    assert remainder.later_of == ("aid-decision-to-applicant", "aid-decision-to-lawyer")
    assert remainder.amount is None


def test_under_the_pact_no_french_appeal_is_taken_to_stand() -> None:
    assert rule("FR", "appeal", AFTER, track="normal").suspended_by == ()
    assert rule("FR", "appeal", AFTER, track="inadmissible").at_most == 10


def test_a_closed_french_claim_is_opened_again_once() -> None:
    assert rule("FR", "reopening").revivable == 1
    assert rule("FR", "file-lodging", track="normal").revivable == 1
    assert not rule("FR", "reopening").curable


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("normal", Answer.YES, Answer.UNKNOWN),
        ("accelerated", Answer.UNKNOWN, Answer.NO),
        ("accelerated-without-stay", Answer.NO, Answer.NO),
        ("inadmissible", Answer.NO, Answer.NO),
        ("re-examination", Answer.NO, Answer.NO),
        ("closed-and-reopened", Answer.NO, Answer.NO),
        ("dublin", Answer.YES, Answer.UNKNOWN),
    ],
)
def test_which_french_appeal_keeps_the_person_in_the_country(name: str, before: Answer, after: Answer) -> None:
    old, new = track("FR", name), track("FR", name, AFTER)
    assert (old.suspensive, new.suspensive) == (before, after)
    assert (old.confidence, new.confidence) == (Confidence.HIGH, Confidence.UNVERIFIED)


def test_a_request_to_stay_under_the_pact_has_at_least_five_days() -> None:
    assert rule("FR", "stay-request", track="accelerated").amount is None
    assert period(rule("FR", "stay-request", AFTER, track="accelerated")) == (5, DAYS)


def test_a_french_decision_in_the_portal_is_served_on_opening_or_after_fifteen_days() -> None:
    portal = service("FR", "portal")
    assert (portal.amount, portal.unit, portal.unless) == (15, DAYS, "first opening")
    assert service("FR", "registered-letter").amount is None
    assert service("FR", "last-address").confidence is Confidence.HIGH
    assert service("FR", "closing-for-address-or-housing").begins == "date of the closing"
    assert service("FR", "portal", AFTER).confidence is Confidence.UNVERIFIED


def test_what_france_gives_and_for_how_long() -> None:
    def given(name: str) -> tuple[int | None, Unit | None, bool]:
        found: Token = token("FR", name, BEFORE)
        return found.amount, found.unit, found.up_to

    assert given("border-visa") == (8, DAYS, False)
    assert given("long-stay-visa") == (1, YEARS, True)
    assert given("resident-card") == (10, YEARS, False)
    assert given("multi-year-card") == (4, YEARS, True)
    assert given("asylum-seeker-certificate") == (None, None, False)
    assert (outcome("FR", "refugee").amount, outcome("FR", "subsidiary").amount) == (10, 4)
    assert {one.outcome for one in of("FR").outcomes} >= {
        "refugee",
        "subsidiary",
        "excluded",
        "rejected",
        "transferred",
    }
    assert practice("FR", "exclusion", BEFORE).confidence is Confidence.HIGH


def test_french_recognition_figures_name_their_time() -> None:
    assert "68" in practice("FR", "recognition-mobilisation").says
    assert "39.9 %" in practice("FR", "recognition").says
    assert not [
        one
        for one in of("FR").practices
        if one.id == "fr.practice.mobilised-are-refugees" and one.holds_on(date(2023, 7, 19))
    ]
    assert "must prove" in practice("FR", "mobilised-are-refugees").says


def test_the_disputed_days_of_june_2026_show_the_other_reading() -> None:
    for code in ("FR", "DE"):
        middle = rule(code, "transfer-appeal", date(2026, 6, 20))
        assert middle.status is Status.DISPUTED
        assert "12 June" in middle.contested[0].says
        assert rule(code, "transfer-appeal", date(2026, 7, 1)).at_most == 3


def test_what_nobody_knows_of_france_is_written_down() -> None:
    gaps = " ".join(of("FR").gaps)
    for words in (
        "adopt for the EU's pact",
        "Alsace-Moselle",
        "accelerated",
        "registered letter",
        "deserters admitted in 2024",
    ):
        assert words in gaps


# --- Germany -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "facts", "expected"),
    [
        ("file-lodging", {"track": "normal"}, (2, WEEKS)),
        ("certificate-issue", {}, (3, Unit.WORKING_DAYS)),
        ("reopening", {}, (9, MONTHS)),
        ("claim-decision", {"track": "normal"}, (6, MONTHS)),
        ("appeal", {"track": "normal"}, (2, WEEKS)),
        ("appeal", {"track": "manifestly-unfounded"}, (1, WEEKS)),
        ("appeal", {"track": "inadmissible"}, (1, WEEKS)),
        ("appeal", {"track": "dublin"}, (1, WEEKS)),
        ("grounds", {}, (1, MONTHS)),
        ("interim-relief", {"track": "dublin"}, (1, WEEKS)),
        ("leave-to-appeal", {}, (1, MONTHS)),
        ("departure", {}, (30, DAYS)),
        ("departure", {"track": "manifestly-unfounded"}, (1, WEEKS)),
        ("departure", {"sued": "yes"}, (30, DAYS)),
        ("transfer-appeal", {}, (1, WEEKS)),
    ],
)
def test_the_german_chain_before_the_pact(step: str, facts: dict[str, str], expected: tuple[int, Unit]) -> None:
    found = rule("DE", step, BEFORE, **facts)
    assert period(found) == expected
    assert found.doubt == ()


@pytest.mark.parametrize("step", ["appointment", "interview", "appeal-judgment"])
def test_a_german_step_without_a_number_of_days_is_no_date(step: str) -> None:
    assert "no period is known" in rule("DE", step).doubt


def test_where_the_german_period_to_act_is_not_known_for_a_track_the_shorter_plans() -> None:
    found = rule("DE", "appeal", track="accelerated")
    assert (*period(found), found.at_most, found.confidence) == (1, WEEKS, 2, Confidence.UNVERIFIED)


def test_the_german_decision_before_2023_was_not_read() -> None:
    assert BOOK.for_phase("DE", "asylum-filing").find("claim-decision", date(2022, 12, 31)) is None
    assert rule("DE", "claim-decision", date(2023, 1, 1)).extendable[-1] == "never beyond 21 months in all"


def test_what_was_read_in_the_german_texts_of_2021_says_so() -> None:
    old = [
        one
        for one in of("DE").items
        if one.confidence is Confidence.MEDIUM and any(s.seen == date(2021, 8, 1) for s in one.sources)
    ]
    assert len(old) > 25
    for item in old:
        assert item.note is not None or item.id in ("de.authority.bamf", "de.practice.passport-obtainable")
    seen = {source.seen for source in rule("DE", "appeal").sources}
    assert seen == {date(2024, 10, 25)}
    assert "2021" in practice("DE", "age-of-sources").says


def test_german_fictions_of_service() -> None:
    centre, address = service("DE", "reception-centre"), service("DE", "last-address")
    assert (centre.amount, centre.unit, centre.unless) == (3, DAYS, "hand-over to the person")
    assert (address.amount, address.begins) == (None, "posting to the last known address")


def test_the_german_travel_document_opens_the_border_and_the_emergency_one_does_not() -> None:
    assert document("DE", "laissez-passer", BEFORE).accepted is Answer.YES
    assert document("DE", "emergency-travel-document", BEFORE).accepted is Answer.NO
    travel = token("DE", "travel-document-for-foreigners", BEFORE)
    assert (travel.amount, travel.unit, travel.up_to, travel.longest) == (1, MONTHS, True, 12)
    assert "compelling reasons" in practice("DE", "passport-obtainable").says
    validity = BOOK.for_phase("DE", "entry").find("travel-document-validity", BEFORE)
    assert validity is not None
    assert (period(validity), validity.up_to) == ((1, MONTHS), True)


def test_german_admission_was_suspended_and_goes_on_sparingly() -> None:
    assert "suspended" in practice("DE", "admission", date(2025, 8, 10)).says
    assert "restrictive" in practice("DE", "admission", date(2025, 8, 25)).says
    numbers = practice("DE", "admission-numbers")
    assert (numbers.status, len(numbers.contested)) == (Status.DISPUTED, 1)


def test_what_germany_gives() -> None:
    years = {one.outcome: one.amount for one in of("DE").outcomes if one.holds_on(BEFORE)}
    assert years == {"refugee": 3, "subsidiary": 3, "removal-ban": 1, "rejected": None, "transferred": None}
    assert outcome("DE", "refugee", AFTER).confidence is Confidence.UNVERIFIED


def test_what_nobody_knows_of_germany_is_written_down() -> None:
    gaps = " ".join(of("DE").gaps)
    for words in ("2026-06-12", "Land", "legal aid", "emergency travel document", "residence permit"):
        assert words in gaps
