"""The rulebooks that are delivered, and the reader that must never let a wrong one pass in silence."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.deadlines import NOWHERE, Unit
from domain.duties import Bound, Consequence
from domain.errors import UnknownRule
from domain.facts import Occurred
from domain.legal_clocks import Reckoned, reckon
from domain.rulebook import Confidence, Country, Rule, Rules, Status, load, parse
from domain.stay_duties import stay_duties
from domain.stays import Stay

RULEBOOK = load()
EVERY_RULE = [rule for country in RULEBOOK.countries for rule in country.rules]
BEFORE, AFTER = date(2026, 6, 1), date(2026, 8, 1)

STEPS: dict[tuple[str, str], dict[str, dict[str, str]]] = {
    ("KZ", "transit-stay"): {
        "registration": {},
        "claim-lodging": {},
        "fingerprinting": {},
        "certificate-renewal": {},
        "residence-renewal": {},
        "claim-decision": {},
        "claim-appeal": {},
        "leave-after-refusal": {},
    },
    ("FR", "entry"): {"border-visa": {}, "visa-validity": {}, "visa-refusal-appeal": {}, "visa-silence": {}},
    ("FR", "asylum-filing"): {
        "appointment": {},
        "claim-not-late": {"entry": "irregular"},
        "file-lodging": {"track": "normal"},
        "file-completion": {"track": "normal"},
        "claim-decision": {"track": "normal"},
        "appeal": {"track": "normal"},
        "legal-aid": {},
        "appeal-judgment": {"track": "normal"},
        "reopening": {},
        "re-examination-lodging": {},
        "departure": {},
        "removal-order-appeal": {},
        "transfer-appeal": {},
        "residence-card": {},
        "work-access": {},
    },
}
"""What the phases look up, with the facts they give."""

SOUND = """
code = "XX"
name = "Example"

[place]
country = "XX"
time_zone = "UTC"

[sources.law]
url = "https://example.org/law"

[[rule]]
id = "xx.stay.limit"
phase = "transit-stay"
step = "stay-limit"
title = "The stay ends"
starts_on = "entry"
bound = "person"
consequence = "unknown"
pivot = "entry"
amount = 30
unit = "days"
sources = [{ from = "law", cites = "article 1" }]
verified = 2026-01-01
confidence = "high"
"""


def rules(country: str, phase: str) -> Rules:
    return RULEBOOK.for_phase(country, phase)


def found(country: str, phase: str, step: str, on: date, **facts: str) -> Rule:
    rule = rules(country, phase).find(step, on, **facts)
    assert rule is not None
    return rule


def period(rule: Rule) -> tuple[int | None, Unit | None]:
    return rule.amount, rule.unit


# --- what is delivered ---------------------------------------------------------------------------------------------


def test_the_delivered_countries_are_read() -> None:
    assert {country.code for country in RULEBOOK.countries} >= {"KZ", "FR"}
    assert all(country.gaps for country in RULEBOOK.countries)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: f"{rule.id}-{rule.valid_from}")
def test_every_rule_has_a_source_a_date_and_a_confidence(rule: Rule) -> None:
    assert rule.sources
    assert all(source.url.startswith("http") for source in rule.sources)
    assert date(2026, 1, 1) <= rule.verified <= date(2026, 11, 23)
    assert rule.confidence in Confidence


@pytest.mark.parametrize("country", RULEBOOK.countries, ids=lambda country: country.code)
def test_no_day_has_two_versions_of_one_rule(country: Country) -> None:
    boundaries = {day for rule in country.rules for day in (rule.valid_from, rule.valid_to) if day is not None}
    days = {BEFORE, AFTER} | {day + timedelta(days=shift) for day in boundaries for shift in (-1, 0, 1)}
    for one, other in combinations(country.rules, 2):
        if (one.phase, one.step, one.when) == (other.phase, other.step, other.when):
            assert not any(one.holds_on(day) and other.holds_on(day) for day in days)


@pytest.mark.parametrize("day", [BEFORE, AFTER])
@pytest.mark.parametrize(
    ("country", "phase", "step"), [(*where, step) for where, steps in STEPS.items() for step in steps]
)
def test_every_step_that_a_phase_looks_up_is_found(country: str, phase: str, step: str, day: date) -> None:
    facts = STEPS[country, phase][step]
    assert found(country, phase, step, day, **facts).phase == phase


@pytest.mark.parametrize("track", ["normal", "accelerated", "accelerated-without-stay", "re-examination"])
@pytest.mark.parametrize("step", ["file-lodging", "file-completion", "claim-decision", "appeal", "appeal-judgment"])
def test_every_track_of_the_french_procedure_finds_its_rule(step: str, track: str) -> None:
    for day in (BEFORE, AFTER):
        assert rules("FR", "asylum-filing").find(step, day, track=track)


@pytest.mark.parametrize("day", [BEFORE, AFTER])
@pytest.mark.parametrize("step", ["claim-decision", "appeal", "appeal-judgment"])
def test_safe_origin_has_the_periods_of_every_other_accelerated_claim(step: str, day: date) -> None:
    book = rules("FR", "asylum-filing")
    assert book.find(step, day, track="accelerated-without-stay") == book.find(step, day, track="accelerated")


def test_every_french_period_of_the_pacts_time_says_that_it_is_not_verified() -> None:
    france = RULEBOOK.country("FR")
    assert france is not None
    newer = [rule for rule in france.rules if rule.holds_on(date(2026, 6, 12))]
    assert len(newer) >= len(STEPS["FR", "entry"]) + len(STEPS["FR", "asylum-filing"])
    for rule in newer:
        assert rule.confidence is Confidence.UNVERIFIED
        assert rule.doubt
        assert rule.note
        assert (
            "not found" in rule.note or "not seen" in rule.note or "no period" in rule.note or "not read" in rule.note
        )


def test_french_versions_turn_on_different_events() -> None:
    turning = {rule.pivot for rule in EVERY_RULE if rule.id.startswith("fr.") and rule.valid_from is not None}
    assert len(turning) > 5


def test_rules_of_low_confidence_or_unsettled_status_or_without_period_are_doubtful() -> None:
    weak = {Confidence.LOW, Confidence.UNVERIFIED}
    unsettled = {Status.ANNOUNCED, Status.DISPUTED}
    for rule in EVERY_RULE:
        shaky = rule.confidence in weak or rule.status in unsettled or rule.amount is None or rule.at_most is not None
        assert bool(rule.doubt) == (shaky or rule.up_to)


# --- Kazakhstan ----------------------------------------------------------------------------------------------------


def test_a_visa_free_stay_is_ninety_days_with_the_day_of_entry() -> None:
    stay = rules("KZ", "transit-stay")
    for entry, last in ((date(2022, 9, 25), date(2022, 12, 23)), (date(2024, 1, 1), date(2024, 3, 30))):
        (duty,) = stay_duties(stay, [Stay.between(entry)], None)
        assert (duty.due, duty.rule) == (stay.place.end_of(last), "kz.stay-limit.visa-free")


def test_the_stay_before_and_after_2023_01_27_are_two_versions() -> None:
    before, after = (rules("KZ", "transit-stay").stay_limit(date(2023, 1, day)) for day in (26, 27))
    assert before is not None
    assert after is not None
    assert before.id == after.id
    assert before.constraints != after.constraints


def test_registration_is_the_hosts_and_then_the_persons_own() -> None:
    old, new = (found("KZ", "transit-stay", "registration", day) for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert (period(old), old.bound, old.doubt) == ((3, Unit.WORKING_DAYS), Bound.HOST, ())
    assert (period(new), new.bound, new.status) == ((30, Unit.DAYS), Bound.PERSON, Status.ANNOUNCED)


def test_a_claim_is_lodged_in_five_days_and_after_an_irregular_entry_in_one() -> None:
    assert found("KZ", "transit-stay", "claim-lodging", AFTER, entry="regular").amount == 5
    assert found("KZ", "transit-stay", "claim-lodging", AFTER).amount == 5
    assert found("KZ", "transit-stay", "claim-lodging", AFTER, entry="irregular").amount == 1


def test_an_unknown_appeal_period_gives_no_date() -> None:
    rule = found("KZ", "transit-stay", "claim-appeal", AFTER)
    assert reckon(rules("KZ", "transit-stay"), rule, Occurred.on(AFTER)) is None
    assert "no period is known" in rule.doubt


def test_a_decision_within_three_months_to_a_year_plans_three() -> None:
    rule = found("KZ", "transit-stay", "claim-decision", AFTER)
    deadline = reckon(rules("KZ", "transit-stay"), rule, Occurred.on(date(2026, 8, 1)))
    assert isinstance(deadline, Reckoned)
    assert deadline.last_day == date(2026, 11, 1)
    assert deadline.latest == datetime(2027, 8, 1, 19, 0, tzinfo=UTC)
    assert deadline.doubt == rule.doubt  # said once, though it is doubtful as a rule and as a count


def test_a_residence_of_up_to_a_year_warns_that_the_printed_date_may_be_earlier() -> None:
    rule = found("KZ", "transit-stay", "residence-renewal", AFTER)
    deadline = reckon(rules("KZ", "transit-stay"), rule, Occurred.on(date(2025, 3, 10)))
    assert isinstance(deadline, Reckoned)
    assert deadline.last_day == date(2026, 3, 10)
    assert deadline.doubt == ("the law names only the longest period: the printed date may be earlier",)


# --- France --------------------------------------------------------------------------------------------------------


def test_the_month_to_appeal_counts_free_days_and_does_not_roll() -> None:
    rule = found("FR", "asylum-filing", "appeal", date(2024, 3, 5), track="normal")
    deadline = reckon(rules("FR", "asylum-filing"), rule, Occurred.on(date(2024, 3, 5)))
    assert isinstance(deadline, Reckoned)
    assert deadline.last_day == date(2024, 4, 6)  # a Saturday: no source says that it rolls
    assert rule.note is not None
    assert "Roll-over is not stated" in rule.note


def test_the_appeal_under_the_pact_is_a_band_by_track() -> None:
    normal = found("FR", "asylum-filing", "appeal", AFTER, track="normal")
    accelerated = found("FR", "asylum-filing", "appeal", AFTER, track="accelerated")
    assert (*period(normal), normal.at_most, normal.at_most_unit) == (2, Unit.WEEKS, 1, Unit.MONTHS)
    assert (*period(accelerated), accelerated.at_most) == (5, Unit.DAYS, 10)


@pytest.mark.parametrize(
    ("step", "facts", "expected"),
    [
        ("appointment", {}, (3, Unit.WORKING_DAYS)),
        ("claim-not-late", {"entry": "irregular"}, (90, Unit.DAYS)),
        ("claim-not-late", {"entry": "irregular", "territory": "guyana"}, (60, Unit.DAYS)),
        ("file-lodging", {"track": "normal"}, (21, Unit.DAYS)),
        ("file-lodging", {"track": "re-examination"}, (8, Unit.DAYS)),
        ("file-completion", {"track": "accelerated"}, (8, Unit.DAYS)),
        ("file-completion", {"track": "re-examination"}, (4, Unit.DAYS)),
        ("claim-decision", {"track": "normal"}, (6, Unit.MONTHS)),
        ("claim-decision", {"track": "accelerated"}, (15, Unit.DAYS)),
        ("claim-decision", {"track": "accelerated", "detained": "yes"}, (96, Unit.HOURS)),
        ("appeal", {"track": "normal"}, (1, Unit.MONTHS)),
        ("legal-aid", {}, (15, Unit.DAYS)),
        ("appeal-judgment", {"track": "normal"}, (5, Unit.MONTHS)),
        ("appeal-judgment", {"track": "accelerated"}, (5, Unit.WEEKS)),
        ("reopening", {}, (9, Unit.MONTHS)),
        ("re-examination-lodging", {}, (8, Unit.DAYS)),
        ("departure", {}, (30, Unit.DAYS)),
        ("removal-order-appeal", {}, (1, Unit.MONTHS)),
        ("removal-order-appeal", {"detained": "yes"}, (7, Unit.DAYS)),
        ("transfer-appeal", {}, (7, Unit.DAYS)),
        ("transfer-appeal", {"detained": "yes"}, (48, Unit.HOURS)),
        ("residence-card", {}, (3, Unit.MONTHS)),
        ("work-access", {}, (6, Unit.MONTHS)),
    ],
)
def test_the_french_chain_before_the_pact(step: str, facts: dict[str, str], expected: tuple[int, Unit]) -> None:
    rule = found("FR", "asylum-filing", step, date(2026, 6, 11), **facts)
    assert period(rule) == expected
    assert rule.doubt == ()


def test_who_entered_on_a_visa_has_no_ninety_days() -> None:
    assert rules("FR", "asylum-filing").find("claim-not-late", BEFORE) is None
    assert rules("FR", "asylum-filing").find("claim-not-late", BEFORE, entry="regular") is None


def test_reminders_lie_within_their_period() -> None:
    assert found("FR", "asylum-filing", "file-completion", BEFORE).reminders == (7, 3, 1)
    assert found("KZ", "transit-stay", "registration", BEFORE).reminders == (1,)
    assert found("KZ", "transit-stay", "claim-lodging", BEFORE, entry="irregular").reminders == ()


def test_a_missed_appeal_is_lost() -> None:
    rule = found("FR", "asylum-filing", "appeal", BEFORE)
    assert (rule.consequence, rule.curable) == (Consequence.LOSS_OF_APPEAL, False)


# --- looking up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["ZA", "", None])
def test_an_unknown_country_gives_rules_without_rules(country: str | None) -> None:
    nothing = RULEBOOK.for_phase(country, "transit-stay")
    assert nothing == Rules.unknown(country)
    assert (nothing.known, nothing.rules, nothing.place) == (False, (), NOWHERE)
    assert nothing.find("stay-limit", AFTER) is None


def test_a_phase_gets_only_its_own_rules() -> None:
    assert {rule.phase for rule in rules("FR", "entry").rules} == {"entry"}
    assert rules("FR", "vetting").known
    assert rules("FR", "vetting").rules == ()


@settings(deadline=None)  # the first count in a year fills the country's calendar of holidays
@given(
    on=st.dates(min_value=date(2015, 1, 1), max_value=date(2040, 1, 1)),
    track=st.sampled_from(["normal", "accelerated", "dublin", "re-examination"]),
    rule=st.sampled_from(EVERY_RULE),
)
def test_what_is_found_always_fits_the_day_and_the_facts(on: date, track: str, rule: Rule) -> None:
    book = rules(rule.id[:2].upper(), rule.phase)
    match = book.find(rule.step, on, track=track)
    if match is not None:
        assert match.step == rule.step
        assert match.holds_on(on)
        assert match.fits({"track": track})
        deadline = reckon(book, match, Occurred.on(on))
        assert (deadline is None) == (match.amount is None)
        assert deadline is None or set(match.doubt) <= set(deadline.doubt)


def test_of_two_rules_that_fit_equally_the_shorter_plans() -> None:
    text = SOUND.replace('pivot = "entry"', 'pivot = "entry"\nwhen = { track = ["normal"] }')
    first = parse(text, "xx.toml").rules[0]
    other = first.model_copy(update={"id": "xx.stay.other", "amount": 10, "when": {"entry": ("regular",)}})
    book = Rules(country="XX", rules=(first, other))
    assert book.find("stay-limit", AFTER, track="normal", entry="regular") == other


def test_rules_survive_being_written_and_read() -> None:
    for where in STEPS:
        book = rules(*where)
        assert Rules.model_validate_json(book.model_dump_json()) == book


# --- reading -------------------------------------------------------------------------------------------------------


def test_a_sound_file_is_read_with_its_shared_source() -> None:
    country = parse(SOUND, "xx.toml")
    assert (country.code, len(country.rules)) == ("XX", 1)
    assert country.rules[0].sources[0].url == "https://example.org/law"
    assert country.rules[0].sources[0].cites == "article 1"


def test_versions_share_what_they_do_not_repeat() -> None:
    text = SOUND + "[[rule.version]]\nvalid_to = 2025-12-31\n[[rule.version]]\nvalid_from = 2026-01-01\namount = 60\n"
    old, new = parse(text, "xx.toml").rules
    assert (old.amount, new.amount, old.title) == (30, 60, new.title)


SECRET = "SECRET-VALUE"

WRONG = {
    "no TOML": ("amount = 30", f'amount = "{SECRET}'),
    "an unknown unit": ('unit = "days"', f'unit = "{SECRET}"'),
    "an unknown field": ("amount = 30", f'amount = 30\n{SECRET} = "{SECRET}"'),
    "an amount without unit": ('unit = "days"\n', ""),
    "an amount of nothing": ("amount = 30", "amount = 0"),
    "a band that shrinks": ("amount = 30", "amount = 30\nat_most = 30"),
    "a unit for nothing": ("amount = 30\n", ""),
    "hours that roll": ('unit = "days"', 'unit = "hours"\ncounting = { rolls_over = true }'),
    "no source": ('sources = [{ from = "law", cites = "article 1" }]\n', ""),
    "a source that is none": ('from = "law"', f'from = "{SECRET}"'),
    "a source without a page": ('url = "https://example.org/law"', f'url = "{SECRET}"'),
    "sources that are no list": ('sources = [{ from = "law", cites = "article 1" }]', f'sources = "{SECRET}"'),
    "no day of verification": ("verified = 2026-01-01\n", ""),
    "no confidence": ('confidence = "high"\n', ""),
    "an unknown phase": ('phase = "transit-stay"', f'phase = "{SECRET}"'),
    "an id that is none": ('id = "xx.stay.limit"', f'id = "{SECRET}"'),
    "an id of another country": ('id = "xx.stay.limit"', 'id = "yy.stay.limit"'),
    "an unknown time zone": ('time_zone = "UTC"', f'time_zone = "{SECRET}"'),
    "a place elsewhere": ('country = "XX"', 'country = "YY"'),
    "a place that is no table": ('[place]\ncountry = "XX"\ntime_zone = "UTC"', f'place = "{SECRET}"'),
    "a validity that ends before it begins": (
        "verified = 2026-01-01",
        "verified = 2026-01-01\nvalid_from = 2026-01-02\nvalid_to = 2026-01-01",
    ),
    "a repealed rule without its end": ('confidence = "high"', 'confidence = "high"\nstatus = "repealed"'),
    "a condition without values": ("amount = 30", "amount = 30\nwhen = { track = [] }"),
    "two versions for one day": ('confidence = "high"\n', 'confidence = "high"\n[[rule.version]]\n[[rule.version]]\n'),
    "rules that are no tables": ("[[rule]]", "[rule]"),
    "no rule at all": (SOUND[SOUND.index("[[rule]]") :], ""),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_file_is_one_sentence_that_names_the_file_and_repeats_nothing(wrong: str) -> None:
    right, fault = WRONG[wrong]
    assert right in SOUND
    with pytest.raises(UnknownRule) as refused:
        parse(SOUND.replace(right, fault), "xx.toml")
    sentence = refused.value.sentence
    assert sentence.startswith("xx.toml")
    assert "\n" not in sentence
    assert SECRET not in sentence
    assert refused.value.__cause__ is None


def test_a_wrong_rule_is_named_by_its_id_and_version() -> None:
    text = (
        SOUND + '[[rule.version]]\nvalid_to = 2025-12-31\n[[rule.version]]\nvalid_from = 2026-01-01\nunit = "moons"\n'
    )
    with pytest.raises(UnknownRule, match=r"^xx\.toml, line 30: xx\.stay\.limit, version 2: unit: "):
        parse(text, "xx.toml")


@given(st.text())
def test_whatever_stands_in_a_file_reading_it_ends_in_one_sentence(text: str) -> None:
    with pytest.raises(UnknownRule):
        parse(text, "xx.toml")


def test_a_folder_of_ones_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "xx.toml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a rulebook", encoding="utf-8")
    assert [country.code for country in load(tmp_path).countries] == ["XX"]


def test_a_folder_without_rulebooks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownRule, match="holds no rulebook"):
        load(tmp_path)


def test_two_rulebooks_for_one_country_are_refused(tmp_path: Path) -> None:
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(SOUND, encoding="utf-8")
    with pytest.raises(UnknownRule, match="two rulebooks for XX"):
        load(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "xx.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnknownRule, match=r"^xx\.toml cannot be read"):
        load(tmp_path)
