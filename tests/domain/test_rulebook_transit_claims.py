"""The countries of transit, as they are delivered: claims, penalties, treaties, and reports of danger."""

from datetime import date

import pytest
from pydantic import ValidationError

from domain.deadlines import Unit
from domain.duties import Consequence
from domain.facts import Occurred
from domain.legal_clocks import reckon
from domain.rulebook import Answer, Confidence, Penalty
from domain.rulebook.known import Mechanism, Result
from domain.rulebook.risk import RiskLevel, reckon_risk
from runtime.law import words_of
from tests.support.lawbook import BOOK, TODAY, TRANSIT, of, penalty, period, practice, report, rule, track, treaty

# --- the claim -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "facts", "expected"),
    [
        ("claim-decision", {"track": "admissibility"}, (5, Unit.DAYS)),
        ("claim-decision", {"track": "accelerated"}, (30, Unit.DAYS)),
        ("claim-decision", {"track": "normal"}, (6, Unit.MONTHS)),
        ("claim-decision", {"track": "border"}, (7, Unit.DAYS)),
        ("claim-decision", {}, (5, Unit.DAYS)),
        ("claim-appeal", {"track": "admissibility"}, (7, Unit.DAYS)),
        ("claim-appeal", {"track": "accelerated"}, (10, Unit.DAYS)),
        ("claim-appeal", {"track": "normal"}, (10, Unit.DAYS)),
        ("claim-appeal", {}, (7, Unit.DAYS)),
        ("claim-lodging", {"entry": "irregular"}, (24, Unit.HOURS)),
        ("claim-lodging", {"entry": "regular"}, (None, None)),
        ("leave-after-refusal", {}, (10, Unit.DAYS)),
    ],
)
def test_the_georgian_chain(step: str, facts: dict[str, str], expected: tuple[int | None, Unit | None]) -> None:
    assert period(rule("GE", step, TODAY, **facts)) == expected


def test_only_the_regular_track_of_georgia_keeps_a_person_in_the_country() -> None:
    assert track("GE", "normal").suspensive is Answer.YES
    assert track("GE", "normal").free_lawyer is Answer.YES
    assert track("GE", "accelerated").suspensive is Answer.NO
    admissibility = track("GE", "admissibility")
    assert (admissibility.suspensive, admissibility.free_lawyer) == (Answer.NO, Answer.NO)
    assert admissibility.counts_as_seeker is Answer.NO
    assert track("GE", "border").suspensive is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("step", "facts", "expected"),
    [
        ("claim-lodging", {}, (None, None)),
        ("province-report", {}, (15, Unit.DAYS)),
        ("sign-in", {}, (None, None)),
        ("claim-decision", {"track": "normal"}, (6, Unit.MONTHS)),
        ("interview", {"track": "accelerated"}, (3, Unit.DAYS)),
        ("claim-decision", {"track": "accelerated"}, (5, Unit.DAYS)),
        ("claim-appeal", {"track": "accelerated"}, (15, Unit.DAYS)),
        ("claim-appeal", {"track": "normal"}, (None, None)),
        ("claim-appeal", {}, (None, None)),
        ("appeal-judgment", {"track": "accelerated"}, (15, Unit.DAYS)),
        ("removal-order-appeal", {}, (7, Unit.DAYS)),
        ("removal-appeal-judgment", {}, (15, Unit.DAYS)),
        ("residence-decision", {}, (90, Unit.DAYS)),
        ("leave-after-permit", {}, (10, Unit.DAYS)),
    ],
)
def test_the_turkish_chain(step: str, facts: dict[str, str], expected: tuple[int | None, Unit | None]) -> None:
    assert period(rule("TR", step, TODAY, **facts)) == expected


def test_a_missed_duty_of_place_ends_the_claim() -> None:
    for code, step in (("TR", "sign-in"), ("TR", "province-report"), ("RS", "centre-report")):
        assert rule(code, step).consequence is Consequence.CLAIM_CLOSED
    assert track("TR", "deportation").suspensive is Answer.YES


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("centre-report", (72, Unit.HOURS)),
        ("application", (3, Unit.WEEKS)),
        ("claim-decision", (3, Unit.MONTHS)),
        ("claim-appeal", (None, None)),
        ("residence-refusal-appeal", (15, Unit.DAYS)),
        ("expulsion-departure", (30, Unit.DAYS)),
    ],
)
def test_the_serbian_chain(step: str, expected: tuple[int | None, Unit | None]) -> None:
    assert period(rule("RS", step)) == expected


def test_a_serbian_decision_takes_three_months_to_twelve() -> None:
    found = rule("RS", "claim-decision")
    assert (found.at_most, len(found.extendable)) == (12, 2)


@pytest.mark.parametrize("code", ["KZ", "AM", "TR", "RS", "KG"])
def test_an_appeal_of_unknown_length_gives_no_date_and_says_so(code: str) -> None:
    found = rule(code, "claim-appeal")
    assert found.confidence is Confidence.UNVERIFIED
    assert "no period is known" in found.doubt
    assert reckon(BOOK.for_phase(code, "transit-stay"), found, Occurred.on(TODAY)) is None
    assert any("appeal" in gap for gap in of(code).gaps)


def test_a_claim_in_kyrgyzstan_rests_on_old_texts() -> None:
    lodging, decision = rule("KG", "claim-lodging"), rule("KG", "claim-decision")
    assert (period(lodging), lodging.confidence) == ((3, Unit.DAYS), Confidence.LOW)
    assert (period(decision), decision.at_most, decision.confidence) == ((6, Unit.MONTHS), 12, Confidence.LOW)


def test_armenia_decides_in_three_months_and_an_appeal_keeps_the_stay_lawful() -> None:
    assert period(rule("AM", "claim-decision")) == (3, Unit.MONTHS)
    assert period(rule("AM", "certificate-issue")) == (3, Unit.WORKING_DAYS)
    assert track("AM", "normal").suspensive is Answer.YES


def test_who_decides() -> None:
    names = {code: " ".join(one.name for one in of(code).authorities) for code in TRANSIT}
    assert "Local executive body" in names["KZ"]
    assert "Migration and Citizenship Service" in names["AM"]
    assert "Migration Department" in names["GE"]
    assert "Migration Management" in names["TR"]
    assert "Asylum Office" in names["RS"]
    assert "Administrative Court" in names["RS"]
    assert "Population and Immigration Authority" in names["IL"]
    assert not names["ME"]
    assert not names["MN"]


# --- penalties -----------------------------------------------------------------------------------------------------


def test_an_overstay_in_georgia_costs_more_since_october_2025() -> None:
    before, after = date(2025, 9, 30), date(2025, 10, 1)
    for slug, fine in (("to-3-months", "180 GEL"), ("over-3-months", "360 GEL")):
        old = penalty("GE", f"overstay-{slug}", before)
        assert old is not None
        assert (old.fine, old.ban) == (fine, None)
    for slug, fine, ban in (
        ("to-3-months", "1,000 GEL", (6, Unit.MONTHS)),
        ("3-to-12-months", "2,000 GEL", (2, Unit.YEARS)),
        ("over-12-months", "3,000 GEL", (3, Unit.YEARS)),
    ):
        new = penalty("GE", f"overstay-{slug}", after)
        assert new is not None
        assert (new.fine, (new.ban, new.ban_unit), new.doubt) == (fine, ban, ())
    assert penalty("GE", "overstay-over-3-months", after) is None
    expelled = penalty("GE", "expulsion-ban", after)
    assert expelled is not None
    assert (expelled.ban, expelled.ban_at_most) == (3, 5)
    assert "ban 3 to 5 years" in words_of(expelled)[1]


@pytest.mark.parametrize(
    ("slug", "ban"),
    [
        ("paid-to-3", None),
        ("paid-3-to-6", (1, Unit.MONTHS)),
        ("paid-6-to-12", (3, Unit.MONTHS)),
        ("paid-12-to-24", (1, Unit.YEARS)),
        ("paid-24-to-36", (2, Unit.YEARS)),
        ("paid-over-36", (5, Unit.YEARS)),
        ("unpaid-to-3", (3, Unit.MONTHS)),
        ("unpaid-3-to-6", (6, Unit.MONTHS)),
        ("unpaid-6-to-12", (1, Unit.YEARS)),
        ("unpaid-12-to-24", (2, Unit.YEARS)),
        ("unpaid-over-24", (5, Unit.YEARS)),
    ],
)
def test_the_turkish_scale_of_bans_turns_on_the_fine(slug: str, ban: tuple[int, Unit] | None) -> None:
    found = penalty("TR", f"overstay-{slug}-months")
    assert found is not None
    assert (found.ban, found.ban_unit) == (ban or (None, None))
    paid = slug.startswith("paid")
    assert found.when == {"paid": ("yes" if paid else "no",)}
    assert found.confidence is (Confidence.MEDIUM if paid else Confidence.LOW)
    assert bool(found.contested) is not paid


@pytest.mark.parametrize(
    ("code", "slug", "days", "fine"),
    [
        ("KZ", "overstay-to-3", (None, 3), None),
        ("KZ", "overstay-3-to-5", (4, 5), "10 MCI (34,500 KZT in 2023)"),
        ("KZ", "overstay-5-to-10", (6, 10), None),
        ("AM", "overstay-first", (None, None), "50,000 AMD"),
        ("AM", "overstay-repeat-to-30", (None, 30), "60,000 AMD"),
        ("AM", "overstay-repeat-over-120", (121, None), "100,000 AMD"),
    ],
)
def test_the_scales_that_count_days(
    code: str, slug: str, days: tuple[int | None, int | None], fine: str | None
) -> None:
    found = penalty(code, slug)
    assert found is not None
    assert ((found.from_days, found.to_days), found.fine) == (days, fine)


def test_bans_are_fixed_or_have_a_least_length() -> None:
    crossing, deported = penalty("KZ", "illegal-crossing"), penalty("AM", "overstay-deportation")
    assert crossing is not None
    assert deported is not None
    assert (crossing.ban, crossing.ban_at_most, crossing.ban_unit) == (5, 5, Unit.YEARS)
    assert (deported.ban, deported.ban_at_least) == (1, True)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"from_months": 3, "to_months": 3}, "to_months is not after from_months"),
        ({"ban_at_most": 5}, "ban_at_most goes with a ban"),
        ({"ban": 6, "ban_unit": "months", "ban_at_most": 5}, "ban_at_most goes with a ban"),
        ({"ban": 1, "ban_unit": "years", "ban_at_most": 2, "ban_at_least": True}, "without ban_at_least"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(wrong: dict[str, object], says: str) -> None:
    sound: dict[str, object] = {"id": "xx.penalty.overstay", "offence": "overstay", "title": "Too long"}
    sound |= {"confidence": "low", "verified": TODAY, "sources": [{"url": "https://example.org/law"}]}
    assert Penalty.model_validate(sound).ban is None
    with pytest.raises(ValidationError, match=says):
        Penalty.model_validate({**sound, **wrong})


# --- treaties and practice -----------------------------------------------------------------------------------------


def test_the_search_treaty_binds_three_and_not_the_others() -> None:
    bound = {code: treaty(code, "cis-search").bound for code in TRANSIT if code != "MN"}
    assert {code for code, answer in bound.items() if answer is Answer.YES} == {"KZ", "AM", "KG"}
    assert {code for code, answer in bound.items() if answer is Answer.NO} == {"GE", "TR", "RS", "IL", "ME"}
    assert not of("MN").treaties


@pytest.mark.parametrize(
    ("code", "since"), [("KZ", date(2004, 3, 29)), ("AM", date(2005, 1, 21)), ("KG", date(2004, 9, 2))]
)
def test_chisinau_binds_since_its_deposit(code: str, since: date) -> None:
    assert (treaty(code, "chisinau").bound, treaty(code, "chisinau").since) == (Answer.YES, since)
    assert any("Chisinau bind Russia" in gap or "that of Chisinau bind Russia" in gap for gap in of(code).gaps)


def test_whether_minsk_still_binds_georgia_is_not_known() -> None:
    assert (treaty("GE", "minsk").bound, treaty("GE", "minsk").confidence) == (Answer.UNKNOWN, Confidence.LOW)


def test_russian_guards_left_the_airport_of_armenia_in_august_2024() -> None:
    assert "Russian" in practice("AM", "border-control", date(2024, 7, 31)).says
    assert "Armenians alone" in practice("AM", "border-control", date(2024, 8, 1)).says
    assert practice("AM", "exit-with-wanted-status", date(2024, 7, 31)).doubt == ()
    assert practice("AM", "exit-with-wanted-status").confidence is Confidence.UNVERIFIED


def test_kazakhstan_turned_in_january_2026() -> None:
    assert practice("KZ", "regime-change").valid_from == date(2026, 1, 25)
    assert practice("KZ", "exit-on-laissez-passer").confidence is Confidence.MEDIUM


def test_frozen_claims_and_rates_of_recognition() -> None:
    assert practice("IL", "freeze").confidence is Confidence.HIGH
    assert practice("IL", "freeze-date").confidence is Confidence.LOW
    for code in ("KZ", "AM", "GE", "RS"):
        assert practice(code, "recognition").topic == "recognition"


# --- reports -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "slug", "group", "mechanism", "result"),
    [
        ("KZ", "2022-12-29-airport", "deserter", Mechanism.HAND_OVER, Result.HANDED_OVER),
        ("KZ", "2023-05-25-expulsion", "mobilised", Mechanism.EXPULSION, Result.UNKNOWN),
        ("KZ", "2022-2024-airport", "deserter", Mechanism.AIRPORT_STOP, Result.UNKNOWN),
        ("KZ", "2024-06-astana", "deserter", Mechanism.DETENTION, Result.UNKNOWN),
        ("KZ", "2024-contract-soldier", "deserter", Mechanism.HAND_OVER, Result.HANDED_OVER),
        ("KZ", "2025-08-31-almaty", "activist", Mechanism.AIRPORT_STOP, Result.SUSPENDED),
        ("KZ", "2026-01-extradition", "activist", Mechanism.EXTRADITION, Result.SUSPENDED),
        ("KZ", "2026-01-expulsion", "activist", Mechanism.EXPULSION, Result.HANDED_OVER),
        ("KZ", "2026-02-02-priozersk", "deserter", Mechanism.HAND_OVER, Result.HANDED_OVER),
        ("AM", "2023-04-07-yerevan", "deserter", Mechanism.DETENTION, Result.RELEASED),
        ("AM", "2023-12-07-gyumri", "mobilised", Mechanism.ABDUCTION, Result.HANDED_OVER),
        ("AM", "2024-04-gyumri", "deserter", Mechanism.ABDUCTION, Result.UNKNOWN),
        ("AM", "2025-03-12-citizenship", "draft-evader", Mechanism.DETENTION, Result.RELEASED),
        ("AM", "2025-07-rocket-forces", "deserter", Mechanism.DETENTION, Result.RELEASED),
        ("GE", "2009-06-16-extradition-refused", "deserter", Mechanism.EXTRADITION, Result.REFUSED),
        ("GE", "2026-02-verkhny-lars", "other", Mechanism.EXTRADITION, Result.HANDED_OVER),
        ("RS", "2023-07-entry-ban", "activist", Mechanism.REFUSED_ENTRY, Result.UNKNOWN),
        ("RS", "2023-07-permit", "activist", Mechanism.REFUSED_PERMIT, Result.UNKNOWN),
        ("RS", "2025-12-03-belgrade", "other", Mechanism.EXTRADITION, Result.PENDING),
        ("KG", "2023-05-30-hand-over", "activist", Mechanism.HAND_OVER, Result.HANDED_OVER),
        ("KG", "2023-10-16-hostel", "activist", Mechanism.HAND_OVER, Result.HANDED_OVER),
        ("KG", "2024-bishkek", "deserter", Mechanism.DETENTION, Result.PENDING),
        ("ME", "2021-06-extradition-refused", "deserter", Mechanism.EXTRADITION, Result.REFUSED),
    ],
)
def test_every_report_is_there(code: str, slug: str, group: str, mechanism: Mechanism, result: Result) -> None:
    found = report(code, slug)
    assert (found.group, found.mechanism, found.result) == (group, mechanism, result)


def test_a_certificate_did_not_protect_and_a_transit_area_was_no_safe_place() -> None:
    assert report("KZ", "2026-02-02-priozersk").held == "asylum-seeker-certificate"
    assert report("KZ", "2025-08-31-almaty").in_transit
    assert sum(one.in_transit for code in TRANSIT for one in of(code).risks) == 1


def test_a_report_that_is_told_in_two_ways_is_doubtful() -> None:
    assert report("KZ", "2023-05-25-expulsion").doubt == ("the sources disagree on this rule",)


def test_the_danger_in_kazakhstan_rose_and_in_armenia_lies_in_gyumri() -> None:
    kazakhstan = of("KZ").risks
    assert reckon_risk(kazakhstan, TODAY).level is RiskLevel.GRAVE
    assert reckon_risk(kazakhstan, TODAY).weight > reckon_risk(kazakhstan, date(2025, 6, 1)).weight
    armenia = {one.place: one for one in reckon_risk(of("AM").risks, TODAY).places}
    assert armenia["Gyumri"].weight > armenia["Yerevan"].weight


@pytest.mark.parametrize("code", ["TR", "IL", "MN"])
def test_where_no_report_is_known_the_danger_is_unknown(code: str) -> None:
    assert reckon_risk(of(code).risks, TODAY).level is RiskLevel.UNKNOWN
