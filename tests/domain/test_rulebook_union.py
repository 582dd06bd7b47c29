"""The EU's rule sets before and after the pact, and the countries of refuge of which little is known."""

from datetime import date

import pytest

from domain.deadlines import Unit
from domain.facts import Occurred
from domain.legal_clocks import Reckoned, reckon
from domain.rulebook import Answer, Confidence, Rule, Status
from domain.rulebook.known import Practice
from runtime.law import words_of
from tests.support.lawbook import BOOK, document, of, period, practice, token

OLD, BETWEEN, NEW = date(2026, 6, 11), date(2026, 6, 12), date(2026, 7, 1)
LITTLE = ("ES", "NL", "LT", "FI", "NO", "CH", "CA", "BE")

DAYS, WEEKS, MONTHS, YEARS = Unit.DAYS, Unit.WEEKS, Unit.MONTHS, Unit.YEARS
NOTHING = (None, None)


def found(code: str, step: str, on: date, **facts: str) -> Rule | None:
    return BOOK.for_phase(code, "asylum-filing").find(step, on, **facts)


def rule(code: str, step: str, on: date, **facts: str) -> Rule:
    one = found(code, step, on, **facts)
    assert one is not None
    return one


# --- the pact ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "facts", "before", "after"),
    [
        ("registration", {}, (3, Unit.WORKING_DAYS), (5, DAYS)),
        ("registration", {"arrivals": "mass"}, (10, Unit.WORKING_DAYS), (15, DAYS)),
        ("registration", {"authority": "other"}, (6, Unit.WORKING_DAYS), (5, DAYS)),
        ("registration", {"regime": "crisis"}, (3, Unit.WORKING_DAYS), (4, WEEKS)),
        ("file-lodging", {}, NOTHING, (21, DAYS)),
        ("special-needs", {}, NOTHING, (30, DAYS)),
        ("claim-decision", {"track": "normal"}, (6, MONTHS), (6, MONTHS)),
        ("claim-decision", {"track": "accelerated"}, NOTHING, (3, MONTHS)),
        ("claim-decision", {"track": "inadmissible"}, NOTHING, (2, MONTHS)),
        ("appeal", {"track": "normal"}, NOTHING, (2, WEEKS)),
        ("appeal", {"track": "accelerated"}, NOTHING, (5, DAYS)),
        ("appeal", {"track": "closed"}, NOTHING, (5, DAYS)),
        ("stay-request", {"track": "accelerated"}, NOTHING, (5, DAYS)),
    ],
)
def test_the_regulation_on_procedures_turns_on_2026_06_12(
    step: str, facts: dict[str, str], before: tuple[int, Unit], after: tuple[int, Unit]
) -> None:
    assert period(rule("EU", step, OLD, **facts)) == before
    assert period(rule("EU", step, BETWEEN, **facts)) == after


@pytest.mark.parametrize(
    ("step", "facts", "before", "after"),
    [
        ("take-charge-request", {}, (3, MONTHS), (2, MONTHS)),
        ("take-charge-request", {"hit": "yes"}, (2, MONTHS), (1, MONTHS)),
        ("take-charge-request", {"detained": "yes"}, (1, MONTHS), (2, WEEKS)),
        ("take-charge-reply", {}, (2, MONTHS), (1, MONTHS)),
        ("take-charge-reply", {"hit": "yes"}, (2, MONTHS), (2, WEEKS)),
        ("take-charge-reply", {"detained": "yes"}, NOTHING, (1, WEEKS)),
        ("take-back-notification", {}, (2, MONTHS), (2, WEEKS)),
        ("take-back-confirmation", {}, NOTHING, (2, WEEKS)),
        ("transfer-decision", {}, NOTHING, (2, WEEKS)),
        ("transfer-appeal", {}, NOTHING, (1, WEEKS)),
        ("transfer", {}, (6, MONTHS), (6, MONTHS)),
        ("transfer", {"absconded": "yes"}, (18, MONTHS), (3, YEARS)),
    ],
)
def test_the_regulation_on_responsibility_turns_on_the_registration_and_its_day_is_disputed(
    step: str, facts: dict[str, str], before: tuple[int, Unit], after: tuple[int, Unit]
) -> None:
    assert period(rule("EU", step, OLD, **facts)) == before
    between, later = rule("EU", step, BETWEEN, **facts), rule("EU", step, NEW, **facts)
    assert period(later) == after
    assert between.status is Status.DISPUTED
    assert between.doubt
    for one in (between, later):
        assert "12 June" in one.contested[0].says
        assert "registration of the application" in one.pivot
        assert one.confidence in (Confidence.MEDIUM, Confidence.UNVERIFIED)


def test_in_the_disputed_days_the_shorter_period_plans() -> None:
    for one in (one for one in of("EU").rules if one.holds_on(BETWEEN) and one.status is Status.DISPUTED):
        others = [r for r in of("EU").rules if r.id == one.id and r.amount is not None]
        assert one.rank[1] == min(other.rank[1] for other in others)


def test_bands_are_bands_and_say_so() -> None:
    normal, short = (rule("EU", "appeal", NEW, track=one) for one in ("normal", "accelerated"))
    assert (normal.at_most, normal.at_most_unit, short.at_most) == (1, MONTHS, 10)
    counted = reckon(BOOK.for_phase("EU", "asylum-filing"), normal, Occurred.on(date(2026, 9, 1)))
    assert isinstance(counted, Reckoned)
    assert counted.last_day == date(2026, 9, 15)
    assert counted.latest is not None
    assert rule("EU", "transfer-appeal", NEW).at_most == 3


def test_background_is_never_more_than_unverified() -> None:
    background = [
        one for one in of("EU").items if "ackground" in f"{one.note} {one.says if isinstance(one, Practice) else ''}"
    ]
    named = {one.id for one in background if one.confidence is Confidence.UNVERIFIED}
    assert named >= {
        "eu.token.limited-territorial-validity-visa",
        "eu.asylum.registration",
        "eu.asylum.registration-mass",
        "eu.dublin.transfer-absconded",
        "eu.outcome.refugee",
        "eu.practice.exclusion-burden",
        "eu.practice.exclusion-defences",
        "eu.practice.visa-issuer-responsible",
    }


def test_a_visa_on_a_separate_sheet_and_one_of_limited_territory_are_known() -> None:
    assert document("EU", "visa-on-separate-sheet", NEW).accepted is Answer.YES
    assert document("EU", "limited-territorial-validity-visa", NEW).confidence is Confidence.HIGH
    visa = token("EU", "limited-territorial-validity-visa", NEW)
    assert (visa.amount, visa.unit, visa.up_to, visa.confidence) == (90, DAYS, True, Confidence.UNVERIFIED)


def test_mere_transit_may_make_a_third_country_safe_since_the_pact() -> None:
    assert "transit" not in practice("EU", "safe-third-country", OLD).says
    assert "mere transit" in practice("EU", "safe-third-country", BETWEEN).says


def test_a_low_rate_of_recognition_makes_the_accelerated_track_compulsory() -> None:
    book = BOOK.for_phase("EU", "asylum-filing")
    old, new = (book.track("accelerated", day) for day in (OLD, BETWEEN))
    assert old is not None
    assert old.entered_when is None
    assert new is not None
    assert new.entered_when is not None
    assert "20 % or less" in new.entered_when
    assert new.suspensive is Answer.NO
    assert "24.4 % in 2024" in practice("EU", "recognition-rate").says
    assert any("Russia" in gap for gap in of("EU").gaps)


def test_exclusion_is_described_with_its_doubts() -> None:
    topics = [one for one in of("EU").practices if one.topic == "exclusion"]
    assert len(topics) == 5
    assert {one.confidence for one in topics} == {Confidence.HIGH, Confidence.MEDIUM, Confidence.UNVERIFIED}


# --- little known --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*LITTLE, "EU"])
def test_each_names_what_nobody_knows_and_what_is_not_verified_says_why(code: str) -> None:
    country = of(code)
    assert len(country.gaps) >= 10
    assert all(gap.endswith(("?", ".")) for gap in country.gaps)
    for item in country.items:
        assert all(words_of(item))
        assert item.verified == date(2026, 11, 23)
        assert item.status is not Status.DISPUTED or item.contested
        if item.confidence is Confidence.UNVERIFIED:
            assert item.doubt
            assert item.note or isinstance(item, Practice)


@pytest.mark.parametrize("code", [code for code in LITTLE if code != "BE"])
def test_no_period_of_today_is_taken_as_verified_where_little_is_known(code: str) -> None:
    assert all(one.confidence is Confidence.UNVERIFIED for one in of(code).rules if one.holds_on(NEW))


@pytest.mark.parametrize(
    ("code", "step", "facts", "on", "expected"),
    [
        ("ES", "claim-decision", {}, OLD, (6, MONTHS)),
        ("NL", "claim-decision", {}, OLD, (6, MONTHS)),
        ("NO", "departure", {}, NEW, (3, WEEKS)),
        ("CH", "preparatory-phase", {}, NEW, (21, DAYS)),
        ("CH", "preparatory-phase", {"track": "dublin"}, NEW, (10, DAYS)),
        ("CH", "federal-centre-stay", {}, NEW, (140, DAYS)),
        ("CH", "appeal", {"track": "inadmissible"}, NEW, (5, Unit.WORKING_DAYS)),
        ("CH", "appeal", {"track": "normal"}, NEW, NOTHING),
        ("CH", "transfer-appeal", {}, NEW, (5, Unit.WORKING_DAYS)),
        ("CA", "file-lodging", {}, NEW, (15, DAYS)),
        ("CA", "file-lodging", {"claimed": "inland"}, NEW, NOTHING),
        ("CA", "appeal", {}, NEW, (15, DAYS)),
        ("BE", "appeal", {"track": "normal"}, BETWEEN, (30, DAYS)),
        ("BE", "appeal", {"track": "accelerated"}, BETWEEN, (10, DAYS)),
        ("BE", "appeal", {"track": "urgent"}, BETWEEN, (5, DAYS)),
        ("BE", "appeal", {"track": "normal"}, OLD, NOTHING),
    ],
)
def test_the_little_that_was_found(
    code: str, step: str, facts: dict[str, str], on: date, expected: tuple[int | None, Unit | None]
) -> None:
    assert period(rule(code, step, on, **facts)) == expected


def test_silence_in_spain_is_a_refusal() -> None:
    assert rule("ES", "claim-decision", OLD).consequence == "deemed-refusal"
    assert rule("ES", "claim-decision", NEW).confidence is Confidence.UNVERIFIED


def test_the_dutch_moratorium_is_a_version_for_a_profile() -> None:
    for day, held in (
        (date(2022, 6, 28), None),
        (date(2022, 6, 29), 21),
        (date(2023, 6, 29), 21),
        (date(2023, 6, 30), None),
    ):
        assert rule("NL", "claim-decision", day, profile="conscript-18-to-27").at_most == held
        assert bool([one for one in of("NL").practices if one.holds_on(day)]) == (held is not None)
    assert rule("NL", "claim-decision", date(2023, 1, 1)).at_most is None


def test_lithuania_may_give_a_humanitarian_visa() -> None:
    assert document("LT", "long-stay-visa", OLD).confidence is Confidence.MEDIUM
    assert document("LT", "long-stay-visa", NEW).confidence is Confidence.UNVERIFIED


def test_canadas_day_ends_where_it_ends_first() -> None:
    assert of("CA").place.time_zone == "America/St_Johns"


def test_weak_reports_of_finland_and_norway_stay_weak() -> None:
    for code in ("FI", "NO"):
        assert of(code).practices
        assert all(one.confidence is Confidence.LOW for one in of(code).practices)
