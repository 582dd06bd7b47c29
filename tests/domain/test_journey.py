"""The journey log: every leg in order with how it is known; gaps, overlaps and contradictions are named."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.custody import Deported
from domain.entry import Arrived, Departed, Failure, JourneyFailed
from domain.evidence import Evidence
from domain.facts import Fact, Occurred
from domain.journey import Journey, Misfit, Move, journey
from domain.stay_facts import Entered, Exited, Relocated, StayedBefore, TravelDocument
from tests.domain.strategies import Tale, noon, occasions_until

STAMP = (Evidence.STAMP,)


def log(tale: Tale) -> Journey:
    return journey(tale.story)


def misfits(tale: Tale) -> list[Misfit]:
    return [one.misfit for one in log(tale).findings if one.misfit is not Misfit.STATEMENT_ONLY]


def says(tale: Tale) -> str:
    return "\n".join(one.says for one in log(tale).findings)


def proved() -> Tale:
    """Two former stays and an entry, all of them with a stamp, and nothing between them."""
    tale = Tale()
    tale.tell("2024-01-02", Entered(known_by=STAMP, place="petukhovo"))
    russia = StayedBefore(where="RU", until=date(2023, 12, 1), known_by=STAMP)
    tale.tell("2000-01-01", russia, now="2024-01-03")
    tale.tell("2023-12-02", StayedBefore(where="BY", until=date(2024, 1, 1), known_by=STAMP), now="2024-01-03")
    return tale


def test_a_journey_that_is_told_without_a_gap_raises_no_question() -> None:
    found = log(proved())
    assert [(one.move, one.country) for one in found.legs] == [
        (Move.STAYED, "RU"),
        (Move.STAYED, "BY"),
        (Move.ENTERED, "KZ"),
    ]
    assert [one.place for one in found.legs][-1] == "petukhovo"
    assert found.findings == ()


def test_the_legs_of_all_phases_stand_in_one_order() -> None:
    tale = proved()
    tale.tell("2024-02-01", Relocated(to="GE", known_by=STAMP))
    tale.tell("2024-02-01", Entered(known_by=STAMP))
    tale.tell("2024-03-01", Exited(known_by=STAMP))
    tale.tell("2024-03-02", Entered(known_by=STAMP))
    tale.tell("2024-04-01", Departed(known_by=(Evidence.TICKET,)))
    tale.tell("2024-04-02", Arrived(country="FR", known_by=(Evidence.TICKET, Evidence.PHOTO)))
    found = log(tale)
    moves = [one.move for one in found.legs][2:]
    assert moves == ["entered", "relocated", "entered", "exited", "entered", "departed", "arrived"]
    assert found.findings == ()


def test_days_without_a_record_are_a_gap() -> None:
    tale = proved()
    tale.tell("2024-02-01", Exited(known_by=STAMP))
    tale.tell("2024-02-20", Entered(known_by=STAMP))
    assert misfits(tale) == [Misfit.GAP]
    assert "19 days without a record" in says(tale)


def test_to_be_in_two_countries_at_once_is_an_overlap_and_rough_dates_only_may_be() -> None:
    tale = proved()
    tale.tell("2023-06-01", StayedBefore(where="TR", until=date(2023, 6, 20)), now="2024-01-05")
    assert misfits(tale) == [Misfit.OVERLAP]
    assert "in two places at once" in says(tale)
    tale = proved()
    stay = StayedBefore(where="GE", until=date(2024, 1, 1), known_by=STAMP)
    tale.tell(Occurred.parse("2023-11-20..2023-12-10"), stay, now="2024-01-05")
    assert Misfit.OVERLAP in misfits(tale)
    assert "may overlap" in says(tale)


def test_an_entry_without_the_exit_before_it_is_a_contradiction() -> None:
    tale = proved()
    tale.tell("2024-02-01", Entered(known_by=STAMP))
    assert misfits(tale) == [Misfit.CONTRADICTION]
    assert "no exit from KZ" in says(tale)


def test_a_stay_elsewhere_while_no_exit_is_recorded_is_a_contradiction() -> None:
    def kazakhstan() -> Tale:
        tale = Tale("2024-01-01")
        tale.tell("2024-04-30", Entered(known_by=STAMP))
        return tale

    def turkey(tale: Tale, since: str = "2024-08-01", until: date = date(2024, 10, 20)) -> None:
        tale.tell(since, StayedBefore(where="TR", until=until, known_by=STAMP), now="2024-11-30")

    tale = kazakhstan()
    turkey(tale)
    tale.tell("2024-11-01", StayedBefore(where="GE", until=date(2024, 11, 9), known_by=STAMP), now="2024-11-30")
    assert Misfit.CONTRADICTION in misfits(tale)
    assert "in TR from 2024-08-01 to 2024-10-20, but no exit from KZ (2024-04-30 to not recorded)" in says(tale)
    assert "in GE from 2024-11-01 to 2024-11-09, but no exit from KZ" in says(tale)
    tale = kazakhstan()
    tale.tell("2024-07-31", Exited(known_by=STAMP))
    turkey(tale)
    assert misfits(tale) == []
    tale = Tale("2024-01-01")
    tale.tell(Occurred.parse("2024-04-01..2024-04-30"), Entered(known_by=STAMP))
    turkey(tale, "2024-04-02", date(2024, 4, 20))
    assert "no exit" not in says(tale)  # he may have come from there


def test_an_exit_without_its_entry_is_a_contradiction_and_one_without_a_following_entry_is_a_gap() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Exited(known_by=STAMP))
    assert misfits(tale) == [Misfit.CONTRADICTION, Misfit.GAP]
    assert "no entry before it is recorded" in says(tale)
    tale = proved()
    tale.tell("2024-02-01", Relocated(to="GE", known_by=STAMP))
    assert "relocated on 2024-02-01, and nothing after it is recorded" in says(tale)


def test_a_lawful_entry_without_a_document_is_a_contradiction() -> None:
    tale = Tale()
    tale.tell("2024-01-02", Entered(known_by=STAMP, document=TravelDocument.NONE))
    assert "without a document" in says(tale)


def test_a_removal_needs_no_exit_and_who_was_stopped_at_the_exit_is_where_he_was() -> None:
    tale = proved()
    tale.tell("2024-04-01", Departed(known_by=STAMP))
    tale.tell("2024-04-01", JourneyFailed(why=Failure.STOPPED_AT_EXIT, known_by=STAMP))
    tale.tell("2024-05-01", Deported(to="RU", known_by=(Evidence.RECORD,)))
    assert misfits(tale) == []
    assert [one.move for one in log(tale).legs][-1] is Move.REMOVED


def test_what_is_known_by_his_statement_alone_is_counted() -> None:
    tale = Tale()
    tale.enter()
    assert "1 of 1 legs are known by the person's statement alone" in says(tale)


def test_a_leg_that_is_corrected_is_shown_as_it_is_now_and_one_taken_back_no_more() -> None:
    tale = proved()
    wrong = tale.tell("2024-02-01", Exited(known_by=STAMP))[0]
    tale.correct(wrong, "2024-03-01", occurred=Occurred.parse("2024-02-10"))
    assert str(log(tale).legs[-1].when) == "2024-02-10"
    tale = proved()
    tale.correct(tale.tell("2024-02-01", Exited(known_by=STAMP))[0], "2024-03-01")
    assert [one.move for one in log(tale).legs][-1] is Move.ENTERED


legs: st.SearchStrategy[Fact] = st.sampled_from(
    [
        Entered(),
        Exited(),
        Relocated(to="GE"),
        StayedBefore(until=date(2023, 1, 1), where="TR"),
        Departed(),
        JourneyFailed(why=Failure.STOPPED_AT_EXIT),
        Arrived(country="FR"),
        Deported(to="RU"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(occasions_until(date(2024, 5, 1)), legs), max_size=8))
def test_legs_in_any_order_are_a_log_in_order_and_none_is_lost(script: list[tuple[Occurred, Fact]]) -> None:
    tale = Tale("2022-01-01")
    for when, fact in script:
        tale.tell(when, fact, now=noon(date(2024, 6, 1)) + timedelta(minutes=tale.count))
    found = log(tale)
    assert len(found.legs) == len(script)
    days = [one.when.earliest for one in found.legs]
    hours = [one.when.at for one in found.legs if one.when.at is not None]
    assert (days, hours) == (sorted(days), sorted(hours))


def test_exit_and_entry_of_one_day_fit_in_whatever_order_they_are_told() -> None:
    at_ten = Occurred.parse("2024-02-01T10:00+00:00")
    for exit_, entry in (("2024-02-01", "2024-02-01"), (at_ten, "2024-02-01"), ("2024-02-01", at_ten)):
        for order in (1, -1):
            tale = Tale()
            tale.tell("2024-01-02", Entered())
            told: list[tuple[str | Occurred, Fact]] = [(exit_, Exited()), (entry, Entered())]
            for place, (when, fact) in enumerate(told[::order]):
                tale.tell(when, fact, now=noon("2024-02-02") + timedelta(hours=place))
            assert misfits(tale) == []
            assert [one.move for one in log(tale).legs][-1] is Move.ENTERED


def test_who_comes_and_goes_on_one_day_comes_first() -> None:
    tale = Tale()
    tale.tell("2024-02-01", Exited(), now="2024-02-02")
    tale.tell("2024-02-01", Entered(), now="2024-02-03")
    tale.tell("2024-02-02", StayedBefore(where="GE", until=date(2024, 2, 9)), now="2024-02-10")
    assert misfits(tale) == []


def test_a_stay_that_ends_before_it_began_is_asked_about() -> None:
    tale = proved()
    tale.tell("2023-03-01", StayedBefore(where="GE", until=date(2023, 2, 1)), now="2024-01-05")
    assert "but only until 2023-02-01" in says(tale)
