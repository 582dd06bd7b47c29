"""The risk level: events raise it, only a person lowers it, with a reason, and it is always looked at again."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.check_ins import Answer, CheckedIn, CheckInPlanned
from domain.custody import Deported, Detained, Disappeared
from domain.danger import RISK_REVIEW_WITHIN, Danger, Risk, RiskAssessed, RiskReason
from domain.errors import Refused
from domain.extradition import ExtraditionRequested
from domain.facts import Fact
from domain.references import Phase
from domain.room import kind_of
from domain.safety import Safety
from tests.domain.strategies import Tale, events_in, noon

ORDER = list(Risk)
LATER = date(2024, 6, 1)


def danger(tale: Tale) -> Danger:
    state = tale.ledger(Phase.SAFETY).state
    assert isinstance(state, Safety)
    return state.danger


@pytest.mark.parametrize(
    "fact",
    [
        Detained(),
        Deported(to="RU"),
        Disappeared(),
        ExtraditionRequested(by="RU"),
        CheckedIn(answer=Answer.DURESS),
        CheckedIn(answer=Answer.UNRECOGNISED),
    ],
)
def test_an_event_raises_the_level_and_sets_the_day_to_look_again(fact: Fact) -> None:
    tale = Tale()
    tale.tell("2024-01-02", RiskAssessed(level=Risk.LOW, review_on=LATER))
    tale.tell("2024-01-05", fact)
    assert (danger(tale).level, danger(tale).review_on) == (Risk.CRITICAL, date(2024, 1, 5) + RISK_REVIEW_WITHIN)
    assert tale.duties(Phase.SAFETY)["risk-review"].due == noon("2024-01-12") - timedelta(hours=12)


def test_a_missed_check_in_that_nobody_took_in_hand_for_a_day_raises_it() -> None:
    tale = Tale()
    tale.tell("2024-01-02", CheckInPlanned(every_days=14))
    tale.fire_until(noon("2024-01-16"))
    assert danger(tale).level is None
    tale.fire_until(noon("2024-01-17"))
    assert danger(tale).level is Risk.HIGH


def test_what_is_told_after_an_assessment_raises_the_level_also_when_it_had_happened_before() -> None:
    tale = Tale()
    tale.tell("2024-01-02", Detained())
    tale.tell("2024-01-05", RiskAssessed(level=Risk.LOW, review_on=LATER, reason=RiskReason.DANGER_PASSED))
    assert danger(tale).level is Risk.LOW, "whoever assesses it knows what was recorded by then"
    tale.tell("2024-01-04", Detained(), now=noon("2024-01-08"))
    assert (danger(tale).level, danger(tale).review_on) == (Risk.CRITICAL, date(2024, 1, 4) + RISK_REVIEW_WITHIN)


def test_what_raises_no_further_leaves_the_day_that_a_person_set() -> None:
    tale = Tale()
    tale.tell("2024-01-02", RiskAssessed(level=Risk.CRITICAL, review_on=LATER))
    tale.tell("2024-01-05", Detained())
    assert danger(tale).review_on == LATER


def test_only_with_a_reason_is_the_level_lowered() -> None:
    tale = Tale()
    tale.tell("2024-01-05", Detained())
    with pytest.raises(Refused, match="the level is critical: say why it is lower"):
        tale.tell("2024-01-06", RiskAssessed(level=Risk.HIGH, review_on=LATER))
    tale.tell("2024-01-06", RiskAssessed(level=Risk.HIGH, review_on=LATER, reason=RiskReason.DANGER_PASSED))
    assert danger(tale) == Danger(level=Risk.HIGH, review_on=LATER)
    tale.tell("2024-01-07", RiskAssessed(level=Risk.CRITICAL, review_on=LATER))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_nothing_but_an_assessment_ever_lowers_it_and_a_level_has_a_day(data: st.DataObject) -> None:
    state = Safety()
    for event in data.draw(events_in(Safety)):
        before, state = state.danger.level, state.apply(event)
        if event.fact.kind != kind_of(RiskAssessed) and before is not None:
            assert state.danger.level is not None
            assert ORDER.index(state.danger.level) >= ORDER.index(before)
        assert (state.danger.level is None) == (state.danger.review_on is None)
