"""The countries of transit, as they are delivered: the border, the stay, statuses, and what nobody knows."""

from datetime import date

import pytest

from domain.deadlines import Unit
from domain.duties import Bound, Consequence
from domain.rulebook import Answer, Confidence, Rules, Status
from domain.rulebook.known import Practice
from domain.stay_duties import stay_duties
from domain.stays import Stay
from runtime.law import words_of
from tests.support.lawbook import (
    BOOK,
    TODAY,
    TRANSIT,
    constraints,
    document,
    limit,
    of,
    penalty,
    period,
    practice,
    precondition,
    rule,
    token,
)

# --- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", TRANSIT)
def test_every_country_of_transit_says_what_it_holds_and_what_nobody_knows(code: str) -> None:
    country = of(code)
    assert country.stay_limits
    assert country.entry_documents
    assert len(country.gaps) >= 9
    assert all(gap.endswith(("?", ".")) for gap in country.gaps)
    assert any("laissez-passer" in gap for gap in country.gaps)
    assert any("mbassies" in gap for gap in country.gaps)


@pytest.mark.parametrize("code", TRANSIT)
def test_nothing_claims_to_have_been_checked_after_the_last_look(code: str) -> None:
    for item in of(code).items:
        assert item.sources
        assert item.verified <= TODAY
        assert all(source.seen is None or source.seen <= TODAY for source in item.sources)


@pytest.mark.parametrize("code", TRANSIT)
def test_every_item_can_be_said_in_words(code: str) -> None:
    for item in of(code).items:
        what, says = words_of(item)
        assert what
        assert says


@pytest.mark.parametrize("code", TRANSIT)
def test_what_is_not_verified_says_why(code: str) -> None:
    shaky = [one for one in of(code).items if one.confidence is Confidence.UNVERIFIED]
    for item in shaky:
        said = item.note or (item.says if isinstance(item, Practice) else "")
        assert "not found" in said or "not seen" in said or "was found" in said
        assert item.doubt


@pytest.mark.parametrize("code", TRANSIT)
def test_what_is_disputed_shows_the_other_reading(code: str) -> None:
    for item in of(code).items:
        assert item.status is not Status.DISPUTED or item.contested


# --- at the border -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "accepted"),
    [
        ("KZ", Answer.YES),
        ("AM", Answer.YES),
        ("KG", Answer.YES),
        ("GE", Answer.NO),
        ("TR", Answer.NO),
        ("RS", Answer.NO),
        ("IL", Answer.NO),
        ("ME", Answer.NO),
        ("MN", Answer.UNKNOWN),
    ],
)
def test_which_borders_the_internal_passport_opens(code: str, accepted: Answer) -> None:
    assert document(code, "internal-passport").accepted is accepted


def test_armenia_takes_the_internal_passport_of_adults_since_2017() -> None:
    assert document("AM", "internal-passport", date(2017, 1, 23), age="adult").accepted is Answer.NO
    assert document("AM", "internal-passport", date(2017, 1, 24), age="adult").accepted is Answer.UNKNOWN
    assert document("AM", "internal-passport", date(2018, 1, 1), age="adult").accepted is Answer.YES
    child = document("AM", "internal-passport", age="child")
    assert (child.accepted, child.confidence) == (Answer.NO, Confidence.LOW)
    assert child.doubt


def test_a_childs_birth_certificate_opens_the_border_of_kazakhstan() -> None:
    assert document("KZ", "birth-certificate").when == {"age": ("under-14",)}


@pytest.mark.parametrize(
    ("code", "margin"),
    [("TR", (120, Unit.DAYS)), ("RS", (3, Unit.MONTHS)), ("IL", (6, Unit.MONTHS))],
)
def test_how_long_a_passport_must_still_be_valid(code: str, margin: tuple[int, Unit]) -> None:
    passport = document(code, "international-passport")
    assert (passport.valid_for_at_least, passport.margin_unit) == margin


def test_georgia_wants_an_insurance_from_2026() -> None:
    assert precondition("GE", "insurance", date(2025, 12, 31)) is None
    insurance = precondition("GE", "insurance", date(2026, 1, 1))
    assert insurance is not None
    assert insurance.consequences == (Consequence.FINE,)
    assert insurance.doubt == ()
    total = precondition("GE", "insurance-sum")
    assert total is not None
    assert (total.confidence, total.status) == (Confidence.LOW, Status.DISPUTED)
    assert "30,000" in total.contested[0].says


def test_the_first_month_of_israels_electronic_permit_is_disputed() -> None:
    assert precondition("IL", "electronic-permit", date(2024, 6, 30)) is None
    first, then = (precondition("IL", "electronic-permit", day) for day in (date(2024, 7, 1), date(2024, 8, 1)))
    assert first is not None
    assert then is not None
    assert first.status is Status.DISPUTED
    assert (then.amount, then.unit, then.cost, then.doubt) == (2, Unit.YEARS, "25 NIS", ())


# --- limits of stay ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("KZ", date(2023, 1, 26), {("per-entry", 90, "days", None, "yes")}),
        ("KZ", date(2023, 1, 27), {("rolling", 90, "days", 180, "unknown")}),
        ("AM", TODAY, {("year", 180, "days", None, "unknown")}),
        ("GE", TODAY, {("per-entry", 1, "years", None, "yes")}),
        ("TR", TODAY, {("per-entry", 60, "days", None, "yes"), ("rolling", 90, "days", 180, "unknown")}),
        ("RS", TODAY, {("per-entry", 30, "days", None, "yes")}),
        ("IL", TODAY, {("per-entry", 90, "days", None, "yes")}),
        ("KG", date(2024, 9, 4), set()),
        ("KG", date(2024, 9, 5), {("rolling", 90, "days", 180, "unknown")}),
        ("ME", date(2026, 9, 29), {("per-entry", 30, "days", None, "yes")}),
        ("MN", TODAY, {("per-entry", 30, "days", None, "yes"), ("rolling", 90, "days", 180, "unknown")}),
    ],
)
def test_how_long_one_may_stay(code: str, on: date, expected: set[tuple[str, int, str, int | None, str]]) -> None:
    assert constraints(limit(code, on)) == expected


def rules_of(code: str) -> Rules:
    return BOOK.for_phase(code, "transit-stay")


def test_how_long_a_stay_is_stands_once_and_the_duty_names_it() -> None:
    for code in TRANSIT:
        assert BOOK.for_phase(code, "transit-stay").find("stay-limit", date(2026, 6, 2)) is None
        duties = {duty.id: duty for duty in stay_duties(rules_of(code), [Stay.between(date(2026, 6, 2))], None)}
        assert duties["stay-limit"].rule == limit(code, date(2026, 6, 2)).id


def test_turkey_alone_says_which_days_count() -> None:
    turkey = limit("TR")
    assert (turkey.entry_day_counts, turkey.exit_day_counts) == (Answer.YES, Answer.YES)
    for code in set(TRANSIT) - {"TR"}:
        assert limit(code).entry_day_counts is limit(code).exit_day_counts is Answer.UNKNOWN


def test_a_year_in_georgia_ends_before_the_day_of_entry_comes_round() -> None:
    (duty,) = stay_duties(rules_of("GE"), [Stay.between(date(2025, 3, 10))], None)
    assert duty.due == rules_of("GE").place.end_of(date(2026, 3, 9))


def test_the_unknown_year_of_armenia_is_a_doubt() -> None:
    assert limit("AM").doubt == ("whether the year is a calendar year or a rolling one is not known",)


def test_the_stay_in_kyrgyzstan_before_2024_09_05_is_a_gap() -> None:
    before = date(2024, 9, 4)
    assert "no limit is known" in limit("KG", before).doubt
    assert BOOK.for_phase("KG", "transit-stay").find("stay-limit", before) is None
    assert (token("KG", "registration", before).amount, token("KG", "registration", before).unit) == (6, Unit.MONTHS)


def test_an_officer_in_israel_may_give_less() -> None:
    assert "officer may give less" in limit("IL").doubt[0]
    assert limit("IL").confidence is Confidence.MEDIUM


def test_montenegros_announced_visas_leave_no_stay_without_doubt() -> None:
    last, first = date(2026, 9, 29), date(2026, 9, 30)
    assert limit("ME", last).doubt == ()
    assert limit("ME", first).status is Status.DISPUTED
    assert limit("ME", first).doubt
    visa = precondition("ME", "visa", first)
    assert visa is not None
    assert (visa.status, precondition("ME", "visa", last)) == (Status.ANNOUNCED, None)


@pytest.mark.parametrize("code", ["KZ", "TR", "KG"])
def test_who_reads_the_limit_otherwise_is_shown(code: str) -> None:
    assert limit(code).contested
    assert limit(code).contested[0].confidence is Confidence.LOW


# --- registration and statuses -------------------------------------------------------------------------------------


def test_the_host_in_serbia_registers_within_a_day_and_the_person_too() -> None:
    for step, bound in (("registration", Bound.HOST), ("own-report", Bound.PERSON), ("address-change", Bound.PERSON)):
        found = rule("RS", step, registered="no")
        assert (period(found), found.bound, found.doubt) == ((24, Unit.HOURS), bound, ())


def test_whether_the_hosts_notice_in_kazakhstan_survives_is_disputed() -> None:
    assert BOOK.for_phase("KZ", "transit-stay").find("host-notice", date(2026, 6, 30), registered="no") is None
    found = rule("KZ", "host-notice", date(2026, 7, 1), registered="no")
    assert (period(found), found.bound, found.status) == ((3, Unit.WORKING_DAYS), Bound.HOST, Status.DISPUTED)


def test_the_duty_after_thirty_days_in_armenia_is_unclear() -> None:
    found = rule("AM", "registration")
    assert (period(found), found.confidence) == ((30, Unit.DAYS), Confidence.LOW)
    assert found.doubt


@pytest.mark.parametrize(
    ("code", "name", "validity", "renewable"),
    [
        ("KZ", "asylum-seeker-certificate", (3, Unit.MONTHS), Answer.YES),
        ("KZ", "temporary-residence", (1, Unit.YEARS), Answer.YES),
        ("AM", "asylum-seeker-certificate", (3, Unit.MONTHS), Answer.YES),
        ("AM", "temporary-residence", (1, Unit.YEARS), Answer.YES),
        ("AM", "residence-of-family", (5, Unit.YEARS), Answer.UNKNOWN),
        ("GE", "right-to-work", (1, Unit.YEARS), Answer.UNKNOWN),
        ("RS", "temporary-residence", (3, Unit.YEARS), Answer.UNKNOWN),
        ("KG", "temporary-residence", (1, Unit.YEARS), Answer.YES),
        ("MN", "extension", (30, Unit.DAYS), Answer.NO),
    ],
)
def test_how_long_a_status_is_valid(code: str, name: str, validity: tuple[int, Unit], renewable: Answer) -> None:
    found = token(code, name)
    assert ((found.amount, found.unit), found.renewable) == (validity, renewable)


def test_statuses_say_what_they_hang_on_and_what_bars_them() -> None:
    assert token("KZ", "temporary-residence-for-work").bound_to == ("employer",)
    assert token("KZ", "temporary-residence-renewal").blockers == ("wanted-list",)
    assert token("KZ", "permanent-residence").needs == ("international-passport-valid-180-days",)
    assert token("GE", "right-to-work").bound_to == ("employer", "post")
    assert token("RS", "temporary-residence").blockers == ("security-opinion",)
    kyrgyz = token("KG", "temporary-residence")
    assert (kyrgyz.longest, kyrgyz.longest_unit) == (5, Unit.YEARS)


@pytest.mark.parametrize("code", ["KZ", "RS"])
def test_where_only_the_longest_permit_is_known_the_printed_date_may_be_earlier(code: str) -> None:
    assert (
        "only the longest validity is known: the printed date may be earlier"
        in token(code, "temporary-residence").doubt
    )


def test_an_extension_in_mongolia_is_known_for_2022_only() -> None:
    assert token("MN", "extension", date(2022, 10, 1)).doubt == ()
    assert token("MN", "extension").confidence is Confidence.UNVERIFIED


def test_work_in_georgia_needs_a_permit_from_march_2026() -> None:
    assert not [one for one in of("GE").tokens if one.holds_on(date(2026, 2, 28))]
    assert penalty("GE", "work-without-permit", date(2026, 3, 1)) is not None
    assert practice("GE", "work-grace-employees").valid_to == date(2027, 1, 1)
    assert practice("GE", "work-grace-self-employed", date(2026, 5, 1)).valid_to == date(2026, 5, 1)


@pytest.mark.parametrize(("code", "expected"), [("KZ", 90), ("AM", 150), ("TR", 60), ("RS", 29)])
def test_by_when_temporary_residence_must_be_asked_for(code: str, expected: int) -> None:
    assert period(rule(code, "residence-application", ground="visa-free")) == (expected, Unit.DAYS)
