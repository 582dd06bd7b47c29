"""Intake files: every mistake becomes one line that names its entry, and never repeats what was written."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.check_ins import CheckedIn, CheckInPlanned
from domain.consent import ConsentForm, Material, Purpose, Recipient
from domain.custody import Authority, Detained
from domain.entry import Arrived
from domain.errors import NotUnderstood
from domain.extradition import ExtraditionRequested
from domain.facts import Occurred
from domain.intake import Identity, make_fact, parse_scope, read_intake, read_script
from domain.slips import is_read_as_typed
from domain.stay_facts import Entered, TravelDocument

MARK = "Ivanov-4711"
"""Planted where a mistake is made. It may stand in no sentence."""

HEAD = """
nickname = "Sparrow"
coordinator = "dana"
country = "KZ"
since = 2024-01-01
never_contact = ["RU"]
"""
CONSENT = """
[consent]
language = "ru"
form = "spoken"
scopes = ["vetter:vetting:identity+story"]
"""
HISTORY = """
[[history]]
kind = "entered"
on = 2024-01-02
document = "internal-passport"

[[history]]
kind = "checked-in"
on = "2024-01-05T10:00+05:00"
learned_on = 2024-01-06
staff = "emil"
"""
WHOLE = HEAD + CONSENT + HISTORY


def sentence(text: str) -> str:
    with pytest.raises(NotUnderstood) as caught:
        read_intake(text)
    said = caught.value.sentence
    assert "\n" not in said
    assert MARK not in said
    assert MARK.lower() not in said.lower()
    assert caught.value.__cause__ is None
    return said


def test_a_whole_file_is_read() -> None:
    read = read_intake(WHOLE)
    assert read.identity.nickname == "Sparrow"
    assert read.since == Occurred.on(date(2024, 1, 1))
    assert read.intake.opened.country == "KZ"
    assert read.intake.consent.form is ConsentForm.SPOKEN
    assert read.intake.never_contact.states == ("RU",)
    entered, checked_in = read.intake.history
    assert entered.fact == Entered(document=TravelDocument.INTERNAL_PASSPORT)
    assert (entered.actor, entered.learned_on) == ("dana", date(2024, 1, 2))
    assert checked_in.fact == CheckedIn()
    assert (checked_in.actor, checked_in.learned_on) == ("emil", date(2024, 1, 6))


def test_a_case_began_with_the_first_of_its_history_where_nothing_else_is_said() -> None:
    assert read_intake(WHOLE.replace("since = 2024-01-01\n", "")).since == Occurred.on(date(2024, 1, 2))


def test_an_identity_never_shows_itself() -> None:
    identity = Identity(nickname=MARK, name=MARK, documents=MARK, phone=MARK, birth_date=date(1999, 1, 1))
    assert MARK not in f"{identity} {identity!r}"
    assert "1999" not in f"{identity} {identity!r}"


MISTAKES: list[tuple[str, str, str]] = [
    ('coordinator = "dana"', f'coordinator = "{MARK}"', "the head of the file"),
    ('coordinator = "dana"', "", "`coordinator`"),
    ('coordinator = "dana"', "coordinator = 4711", "`coordinator`"),
    ('country = "KZ"', f'country = "{MARK}"', "the head of the file: `country`"),
    ('country = "KZ"', "", "`country`"),
    ("since = 2024-01-01", f'since = "{MARK}"', "since"),
    ("since = 2024-01-01", "since = 4711", "since"),
    ("since = 2024-01-01", "since = 2024-01-01T10:00:00", "since"),
    ('["RU"]', f'["{MARK}"]', "never_contact"),
    ('["RU"]', f'"{MARK}"', "never_contact"),
    ('nickname = "Sparrow"', "", "[identity]: `nickname`"),
    ('nickname = "Sparrow"', "nickname = 4711", "[identity]: `nickname`"),
    ('nickname = "Sparrow"', f'nickname = "{MARK * 9}"', "[identity]: `nickname`"),
    ('nickname = "Sparrow"', f'nickname = "Sparrow"\nidentity = "{MARK}"', "[identity]"),
    ('language = "ru"', f'language = "{MARK}"', "[consent]: `language`"),
    ('form = "spoken"', f'form = "{MARK}"', "[consent]: `form`"),
    ('form = "spoken"', f'form = "spoken"\nuntil = "{MARK}"', "[consent]: `until`"),
    ('form = "spoken"', f'form = "spoken"\nwitness = "{MARK}"', "[consent]: `witness`"),
    ('["vetter:vetting:identity+story"]', f'["{MARK}"]', "scope"),
    ('["vetter:vetting:identity+story"]', f'["vetter:vetting:{MARK}"]', "scope"),
    ('["vetter:vetting:identity+story"]', f'"{MARK}"', "[consent]: `scopes`"),
    ('["vetter:vetting:identity+story"]', "[]", "[consent]: `scopes`"),
    ('kind = "entered"', f'kind = "{MARK}"', "history entry 1"),
    ('kind = "entered"', "", "history entry 1"),
    ('kind = "entered"', 'kind = "duty-came-due"', "history entry 1"),
    ('kind = "checked-in"', 'kind = "corrected"', "history entry 2"),
    ("on = 2024-01-02", f'on = "{MARK}"', "history entry 1 (entered)"),
    ("on = 2024-01-02", 'on = "2024-01-09..2024-01-02"', "history entry 1 (entered)"),
    ("on = 2024-01-02", 'on = "2024-13"', "history entry 1 (entered)"),
    ("on = 2024-01-02", "on = 2024-01-02T10:00:00", "history entry 1 (entered)"),
    ("on = 2024-01-02", "on = 10:00:00", "history entry 1 (entered)"),
    ("on = 2024-01-02", "", "history entry 1 (entered)"),
    ('document = "internal-passport"', f'document = "{MARK}"', "history entry 1 (entered): `document`"),
    ('document = "internal-passport"', f'lawfully = "{MARK}"', "history entry 1 (entered): `lawfully`"),
    ('document = "internal-passport"', f'name = "{MARK}"', "history entry 1 (entered): `name`"),
    ('document = "internal-passport"', f'phase = "{MARK}"', "history entry 1"),
    ('document = "internal-passport"', f'in = "{MARK}"', "history entry 1 (entered)"),
    ("learned_on = 2024-01-06", f'learned_on = "{MARK}"', "history entry 2 (checked-in): `learned_on`"),
    ('staff = "emil"', f'staff = "{MARK}"', "history entry 2 (checked-in)"),
    ('staff = "emil"', f'channel = "{MARK}"', "history entry 2 (checked-in): `channel`"),
]


@pytest.mark.parametrize(("right", "wrong", "named"), MISTAKES)
def test_a_mistake_is_one_line_that_names_its_entry_and_never_the_value(right: str, wrong: str, named: str) -> None:
    assert WHOLE.count(right) == 1
    assert named in sentence(WHOLE.replace(right, wrong))


def test_a_file_without_consent_is_no_intake() -> None:
    assert "consent" in sentence(HEAD + HISTORY)
    assert "consent" in sentence(f'consent = "{MARK}"' + HEAD + HISTORY)


def test_a_file_without_a_day_says_that_it_needs_one() -> None:
    assert "since" in sentence((HEAD + CONSENT).replace("since = 2024-01-01", ""))


def test_history_is_a_list_of_entries() -> None:
    assert "[[history]]" in sentence(HEAD + f'history = "{MARK}"' + CONSENT)
    assert "[[history]]" in sentence(HEAD + CONSENT + f'[history]\nkind = "{MARK}"')


def test_a_word_that_is_not_known_is_named() -> None:
    assert "`nationality`" in sentence(f'nationality = "{MARK}"' + WHOLE)


@pytest.mark.parametrize(
    "broken",
    [f'nickname = "{MARK}', f"{MARK}", f"[{MARK}", f'a = "{MARK}"\na = "{MARK}"', f"a = {MARK}", "a = 2024-13-4"],
)
def test_what_is_not_toml_is_named_by_its_place_alone(broken: str) -> None:
    assert "not TOML" in sentence(broken)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(set(WHOLE.split('"')[1::2]))), st.text(alphabet="abcXYZ09-:+.~", max_size=12))
def test_whatever_stands_in_a_text_a_file_is_read_or_refused_in_one_line(right: str, text: str) -> None:
    said = _said(WHOLE.replace(f'"{right}"', f'"{text}{MARK}"'))
    assert "\n" not in said
    assert MARK not in said


def _said(text: str) -> str:
    """What a reader is told of a file's first mistake; nothing, if there is none."""
    try:
        read_intake(text)
    except NotUnderstood as error:
        return error.sentence
    return ""


def test_a_script_is_read() -> None:
    [event] = read_script('[[event]]\nkind = "check-in-planned"\non = 2024-01-05\nevery_days = 7\nstaff = "dana"\n')
    assert event.fact == CheckInPlanned(every_days=7)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[[event]]\nkind = "check-in-planned"\non = 2024-01-05\nevery_days = 4711\nstaff = "dana"', "`every_days`"),
        ('[[event]]\nkind = "check-in-planned"\non = 2024-01-05\nstaff = "dana"', "`every_days`: is missing"),
        ('[[event]]\nkind = "checked-in"\non = 2024-01-05', "event 1 (checked-in)"),
        (f'[[events]]\nkind = "{MARK}"', "`events`"),
        (f'event = "{MARK}"', "[[event]]"),
    ],
)
def test_a_mistake_in_a_script_names_its_event(text: str, named: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read_script(text)
    assert named in caught.value.sentence
    assert MARK not in caught.value.sentence
    assert "4711" not in caught.value.sentence


def test_a_scope_is_read_from_its_words() -> None:
    scope = parse_scope("embassy:entry:existence+identity")
    assert (scope.recipient, scope.purpose) == (Recipient.EMBASSY, Purpose.ENTRY)
    assert scope.materials == (Material.EXISTENCE, Material.IDENTITY)


def test_a_fact_that_was_typed_is_read_or_named() -> None:
    assert make_fact(Arrived, {"country": "FR"}) == Arrived(country="FR")
    with pytest.raises(NotUnderstood, match=r"^`country`"):
        make_fact(Arrived, {"country": MARK})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2024-05-31", Occurred.on(date(2024, 5, 31))),
        ("~2024-05", Occurred(earliest=date(2024, 5, 1), latest=date(2024, 5, 31), about=True)),
        ("2024-12", Occurred(earliest=date(2024, 12, 1), latest=date(2024, 12, 31))),
        ("2024-05-01..2024-05-31", Occurred(earliest=date(2024, 5, 1), latest=date(2024, 5, 31))),
    ],
)
def test_a_date_is_read_as_it_is_written(typed: str, meant: Occurred) -> None:
    assert Occurred.parse(typed) == meant


@pytest.mark.parametrize("typed", ["", "~", "2024", "20240531", "2024-02-30", "31.05.2024", "2024-05-31T10:00", MARK])
def test_what_is_no_date_is_not_understood(typed: str) -> None:
    with pytest.raises(NotUnderstood, match="this is not a date") as caught:
        Occurred.parse(typed)
    assert not typed or typed == "~" or f" {typed}:" not in caught.value.sentence


@pytest.mark.parametrize("typed", ["9999-12", "0001-01-01T00:00+05:00"])
def test_a_date_at_the_edge_of_the_calendar_is_read_or_not_understood(typed: str) -> None:
    try:
        Occurred.parse(typed)
    except NotUnderstood:
        return


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('kind = "status-granted"\nstatus = "visa-free"\nuntil = 2024-01-01', "its last day, 2024-01-01, lies before"),
        ('kind = "need-noted"\nneed = "medical"\nby = 2024-01-01', "its day, 2024-01-01, lies before 2024-01-02"),
        ('kind = "todo-set"\nby = 2024-01-01', "its day, 2024-01-01, lies before 2024-01-02"),
    ],
)
def test_days_that_can_not_be_true_together_are_one_line(entry: str, says: str) -> None:
    assert says in sentence(HEAD + CONSENT + f"[[history]]\non = 2024-01-02\n{entry}\n")
    assert read_intake(HEAD + CONSENT + f"[[history]]\non = 2024-01-01\n{entry}\n").intake.history


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ('kind = "detained"\nby = "police"', Detained(by=Authority.POLICE)),
        ('kind = "extradition-requested"\nby = "RU"', ExtraditionRequested(by="RU")),
    ],
)
def test_who_detained_a_man_can_be_written_in_a_history(entry: str, meant: Detained | ExtraditionRequested) -> None:
    read = read_intake(HEAD + CONSENT + f"[[history]]\non = 2024-01-02\n{entry}\n")
    assert read.intake.history[0].fact == meant


@pytest.mark.parametrize("sign", ["\n", "\x1b", "\x85", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"])
def test_what_breaks_a_line_or_turns_its_order_is_not_read_as_it_was_typed(sign: str) -> None:
    assert not is_read_as_typed(f"before{sign}after")


@pytest.mark.parametrize(
    "text", ["", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "क्\u200dष", "Шымкент", "Raids at 6:00"]
)
def test_spelling_is_left_alone(text: str) -> None:
    assert is_read_as_typed(text)
