"""What is known of each country for one person: facts in the order of codes, every doubt said, nothing left out."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents import DocumentGone, DocumentHeld, Loss
from domain.extradition import ExtraditionRequested, WantedListed
from domain.references import Phase
from domain.relocating import Destination, HeldDocument, Traveller, destinations, traveller
from domain.rulebook.dated import Answer
from domain.rulebook.risk import reckon_risk
from domain.stay_facts import Entered, Relocated, StayedBefore, TravelDocument
from tests.domain.strategies import NEVER, RULEBOOK, Tale

TODAY = date(2026, 11, 30)
INTERNAL, INTERNATIONAL = TravelDocument.INTERNAL_PASSPORT, TravelDocument.INTERNATIONAL_PASSPORT


def seen(person: Traveller, on: date = TODAY) -> dict[str, Destination]:
    return {one.code: one for one in destinations(RULEBOOK, person, on)}


def holding(document: TravelDocument, until: date | None = date(2034, 1, 1), issued_by: str = "RU") -> Traveller:
    held = HeldDocument(document=document, until=until, issued_by=issued_by, known_from="held")
    return Traveller(country="KZ", documents=(held,))


def test_what_a_case_says_of_the_person_is_gathered_from_all_its_phases() -> None:
    tale = Tale()
    tale.enter()
    tale.tell("2024-01-05", DocumentHeld(document=INTERNATIONAL, until=date(2027, 1, 1), issued_by="RU"))
    tale.tell("2024-01-06", ExtraditionRequested(by="RU"))
    tale.tell("2024-01-06", WantedListed(by="BY"))
    tale.tell("2024-02-01", Relocated(to="GE"))
    tale.tell("2024-02-01", Entered(document=INTERNATIONAL))
    person = traveller(tale.story)
    assert {one.document: one.known_from for one in person.documents} == {
        INTERNAL: "used for the entry into KZ on 2024-01-02",
        INTERNATIONAL: "held",
    }
    assert (person.country, person.asked_for_by, person.looked_for_by) == ("GE", ("RU",), ("BY",))
    assert {code: len(stays) for code, stays in person.stays.items()} == {"KZ": 1, "GE": 1}
    assert person.never_contact == {NEVER}


def test_a_document_that_is_gone_is_not_counted_on_and_one_that_ends_is_a_duty() -> None:
    tale = Tale()
    tale.tell("2024-01-05", DocumentHeld(document=INTERNATIONAL, until=date(2025, 1, 1)))
    assert f"held-document.{INTERNATIONAL}" in tale.duties(Phase.SAFETY)
    tale.tell("2024-01-06", DocumentGone(document=INTERNATIONAL))
    assert f"held-document.{INTERNATIONAL}" not in tale.duties(Phase.SAFETY)
    assert traveller(tale.story).documents == ()
    tale.enter()
    assert [one.document for one in traveller(tale.story).documents] == [INTERNAL]
    tale.tell("2024-01-07", DocumentGone(document=INTERNAL, how=Loss.TAKEN))
    assert traveller(tale.story).documents == ()


@pytest.mark.parametrize(("code", "accepted"), [("KZ", "yes"), ("GE", "no"), ("MN", "unknown"), ("KG", "yes")])
def test_each_border_says_what_it_is_known_to_say_to_his_document(code: str, accepted: str) -> None:
    ways = seen(holding(INTERNAL))[code].ways
    assert [str(one.accepted) for one in ways] == [accepted]
    assert all(one.item is not None and one.item.sources for one in ways)


def test_what_no_source_speaks_of_is_not_known() -> None:
    (way,) = seen(holding(TravelDocument.REFUGEE_TRAVEL_DOCUMENT))["KZ"].ways
    assert (way.accepted, way.item, way.doubts) == (Answer.UNKNOWN, None, ("no source speaks of it",))


def test_a_document_that_lasts_too_short_for_a_border_is_doubted() -> None:
    def doubts(until: date) -> str:
        (way,) = seen(holding(INTERNATIONAL, until))["TR"].ways
        return "; ".join(way.doubts)

    assert "the border wants" in doubts(date(2027, 1, 30))
    assert "the border wants" not in doubts(date(2028, 1, 30))
    assert "the border wants" not in doubts(date(2026, 1, 30))  # it ran out, which is said of the document itself


def test_what_is_not_certain_of_a_document_itself_is_said_of_it_once() -> None:
    def doubts(person: Traveller) -> str:
        return "; ".join(person.documents[0].doubts(TODAY))

    assert doubts(holding(INTERNATIONAL)) == ""
    assert "its last day is not recorded" in doubts(holding(INTERNATIONAL, None))
    assert "ran out on 2026-01-30" in doubts(holding(INTERNATIONAL, date(2026, 1, 30)))
    assert "documents of RU" in doubts(holding(INTERNATIONAL, issued_by="BY"))
    tale = Tale()
    tale.enter()
    assert "whether he still holds it" in doubts(traveller(tale.story))


def test_former_stays_shorten_what_an_entry_would_give() -> None:
    tale = Tale("2026-09-01")
    tale.tell("2026-09-01", Entered())
    tale.tell("2026-10-30", Relocated(to="GE"))
    found = seen(traveller(tale.story))
    assert found["KZ"].days == 30
    assert found["KG"].days == 90
    assert found["GE"].days is None  # he is there


def test_a_stay_that_was_told_in_another_country_shortens_an_entry_like_one_that_was_lived_through() -> None:
    tale = Tale("2026-10-21")
    tale.tell("2026-10-21", Entered())
    told = StayedBefore(where="TR", until=date(2026, 10, 20))
    tale.correct(tale.tell("2026-08-01", told, now="2026-10-22")[0], "2026-10-22")
    assert seen(traveller(tale.story))["TR"].days == 60  # taken back, it is none
    tale.tell("2026-08-01", told, now="2026-10-22")
    assert seen(traveller(tale.story))["TR"].days == 9  # 81 of the 90 in 180 are used
    tale.tell("2026-10-22", Relocated(to="GE"))
    tale.tell("2026-10-22", Entered())
    tale.tell("2026-08-01", told, now="2026-10-23")
    assert seen(traveller(tale.story))["TR"].days == 9  # told twice, it is one stay
    tale.tell("2026-07-20", StayedBefore(where="TR", until=date(2026, 8, 5)), now="2026-10-24")
    crossed = seen(traveller(tale.story))["TR"]
    assert crossed.days is None
    assert any("lie over each other" in doubt for doubt in crossed.doubts)


def test_states_that_want_him_or_must_not_be_contacted_are_marked() -> None:
    person = Traveller(
        country="KZ", never_contact=frozenset({"GE", "RU"}), asked_for_by=("KG",), looked_for_by=("KG", "AM")
    )
    marks = {code: one.marks for code, one in seen(person).items() if one.marks}
    assert marks == {
        "AM": ("LOOKS FOR him",),
        "GE": ("NEVER to be contacted",),
        "KG": ("has asked for his EXTRADITION", "LOOKS FOR him"),
        "KZ": ("he is here",),
    }


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(list(TravelDocument)), st.dates(date(2022, 1, 1), date(2028, 1, 1)))
def test_every_country_stands_there_whatever_he_holds_and_the_order_says_nothing(
    document: TravelDocument, on: date
) -> None:
    found = destinations(RULEBOOK, holding(document), on)
    codes = [one.code for one in found]
    assert codes == sorted(one.code for one in RULEBOOK.countries if one.code != "EU")
    for one in found:
        country = RULEBOOK.must_have(one.code)
        assert one.gaps == country.gaps
        assert one.risk.records == reckon_risk(country.risks, on).records
        assert len(one.ways) >= 1
        assert all(way.item is not None or way.accepted is Answer.UNKNOWN for way in one.ways)
