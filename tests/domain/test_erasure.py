"""The erasure of a case: who decides, what stops it, in which order it goes, and that it never falls silent."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case import ClosingReason, Path, PathClosed, PathReopened
from domain.erasing import empty_erasure, engine_event, erasure_card, is_erasure
from domain.erasure import (
    KEYS_ARE_DROPPED_AFTER,
    WAITING_PERIOD,
    WARNINGS,
    Erasure,
    ErasureApproved,
    ErasureCertified,
    ErasureDropped,
    ErasureForeseen,
    ErasureHeld,
    ErasureReason,
    ErasureRequested,
    ErasureStepDone,
    ErasureWithdrawn,
    Standing,
    Step,
    due_on,
    noticed,
)
from domain.errors import NotUnderstood, Refused, SafeconductError
from domain.events import ENGINE, Command, Event
from domain.facts import Fact, Occurred
from domain.retention import RETENTION_DAYS, Hold, HoldLifted, HoldPlaced, HoldReason
from domain.room import Acknowledged, end_of_day
from domain.rulebook import Rules
from domain.story import must_have_a_place
from domain.stream import Ledger, Surroundings, decide
from tests.domain.strategies import REFERENCE, Tale, noon

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
TODAY = NOW.date()
IDS = UUID("5b9b7b0e-6c53-5f0e-9d5e-3c6f0a2f4a11")
OPEN = Path(stream=f"erasure/{REFERENCE}", began=True)
ASKED = ErasureRequested(reason=ErasureReason.CONSENT_WITHDRAWN)


def held_until(day: date) -> Path:
    return OPEN.model_copy(update={"holds": (Hold(reason=HoldReason.LEGAL_CLAIM, until=day),)})


def closed_until(day: date) -> Path:
    return OPEN.model_copy(update={"erase_by": day, "closed": ClosingReason.PROTECTED})


class Telling:
    """One erasure, told step by step."""

    def __init__(self) -> None:
        self.ledger: Ledger[Erasure] = empty_erasure(REFERENCE)
        self.now = NOW

    def say(self, fact: Fact, by: str, case: Path = OPEN) -> tuple[Event, ...]:
        command = Command(
            command_id=uuid5(IDS, str(self.ledger.version)),
            actor=by,
            occurred=Occurred.at_instant(self.now),
            learned_on=self.now.date(),
            fact=fact,
            sent_at=self.now,
        )
        events = decide(self.ledger, command, Surroundings(case=case, rules=Rules.unknown(None), now=self.now))
        self.ledger = self.ledger.plus(events)
        return events

    def engine(self, *facts: Fact) -> "Telling":
        for fact in facts:
            self.ledger = self.ledger.plus([engine_event(self.ledger, fact, self.now)])
        return self

    def look(self, case: Path) -> Fact | None:
        found = noticed(self.state, case, self.now.date())
        if found is not None:
            self.engine(found)
        return found

    @property
    def state(self) -> Erasure:
        return self.ledger.state

    @property
    def standing(self) -> Standing:
        return self.ledger.state.standing

    def duties(self) -> list[str]:
        return [duty.id for duty in self.state.duties(OPEN, Rules.unknown(None))]


def approved(fact: Fact = ASKED) -> Telling:
    told = Telling()
    told.say(fact, "dana")
    told.say(ErasureApproved(), "timur")
    return told


def test_two_persons_decide_and_a_week_lies_between_approval_and_fence() -> None:
    told = approved()
    assert (told.state.requested_by, told.state.approved_by) == ("dana", "timur")
    assert told.standing is Standing.APPROVED
    assert told.state.acts_at() == NOW + WAITING_PERIOD
    assert told.duties() == ["erasure-begins"]


def test_s7_who_has_asked_for_an_erasure_does_not_approve_it() -> None:
    told = Telling()
    told.say(ASKED, "dana")
    with pytest.raises(Refused, match="a second person"):
        told.say(ErasureApproved(), "dana")
    assert told.standing is Standing.REQUESTED


def test_s7_an_approval_by_who_has_asked_has_no_effect_even_in_the_log() -> None:
    told = Telling()
    asked = told.say(ASKED, "dana")[0]
    approval = asked.model_copy(update={"event_id": uuid5(IDS, "x"), "version": 2, "fact": ErasureApproved()})
    assert told.ledger.plus([approval]).state.standing is Standing.REQUESTED


def test_s7_the_engine_neither_approves_nor_withdraws() -> None:
    told = Telling()
    told.say(ASKED, "dana")
    with pytest.raises(Refused, match="only persons"):
        told.say(ErasureApproved(), ENGINE)
    with pytest.raises(Refused, match="only persons"):
        Telling().say(ASKED, ENGINE)


def test_nobody_approves_what_nobody_has_asked_for() -> None:
    for fact in (ErasureApproved(), ErasureWithdrawn()):
        with pytest.raises(Refused, match="nobody has asked"):
            Telling().say(fact, "dana")


def test_a_case_that_never_began_is_not_erased() -> None:
    with pytest.raises(Refused, match="no such case"):
        Telling().say(ASKED, "dana", Path())


def test_only_the_person_who_asked_to_be_forgotten_can_do_without_the_waiting_period() -> None:
    told = approved(ErasureRequested(reason=ErasureReason.PERSON_ASKED, waived=True))
    assert told.state.acts_at() == NOW
    for reason in set(ErasureReason) - {ErasureReason.PERSON_ASKED}:
        with pytest.raises(Refused, match="waiting period"):
            Telling().say(ErasureRequested(reason=reason, waived=True), "dana", closed_until(TODAY))


def test_retention_is_no_reason_before_its_day() -> None:
    fact = ErasureRequested(reason=ErasureReason.RETENTION_OVER)
    for case in (OPEN, closed_until(TODAY + timedelta(days=1))):
        with pytest.raises(Refused, match="is not over"):
            Telling().say(fact, "dana", case)
    Telling().say(fact, "dana", closed_until(TODAY))


def test_a_hold_stops_request_and_approval_in_one_line_that_says_until_when() -> None:
    with pytest.raises(Refused, match=r"until 2026-12-31 \(legal-claim\)"):
        Telling().say(ASKED, "dana", held_until(date(2026, 12, 31)))
    told = Telling()
    told.say(ASKED, "dana")
    with pytest.raises(Refused, match=r"until 2026-09-01 \(legal-claim\)"):
        told.say(ErasureApproved(), "timur", held_until(TODAY))
    told.say(ErasureApproved(), "timur", held_until(TODAY - timedelta(days=1)))


def test_a_hold_that_is_placed_while_it_waits_takes_the_approval_back_and_keeps_the_request() -> None:
    told = approved()
    until = TODAY + timedelta(days=90)
    assert told.look(held_until(until)) == ErasureHeld(until=until)
    assert told.standing is Standing.REQUESTED
    assert told.state.approved_by is None
    assert told.duties() == ["approve-erasure"]
    due = told.state.duties(OPEN, Rules.unknown(None))[0].due
    assert due > end_of_day(until)
    assert told.look(held_until(until)) is None
    told.now += timedelta(days=91)
    assert told.look(held_until(until)) is None
    told.say(ErasureApproved(), "timur", held_until(until))
    assert told.state.approved_by == "timur"


def test_a_hold_that_is_lifted_early_lets_the_request_go_on() -> None:
    told = approved()
    told.look(held_until(TODAY + timedelta(days=90)))
    assert told.look(OPEN) == ErasureHeld(until=None)
    assert told.state.held_until is None


def test_a_request_is_withdrawn_until_the_fence_stands() -> None:
    told = approved()
    told.say(ErasureWithdrawn(), "eli")
    assert told.state == Erasure(stream=told.ledger.stream, touched_at=told.state.touched_at)
    told.say(ASKED, "eli")
    told.say(ErasureApproved(), "dana")
    told.engine(ErasureStepDone(step=Step.FENCED))
    with pytest.raises(Refused, match="nothing stops it"):
        told.say(ErasureWithdrawn(), "eli")


def test_the_engine_foresees_the_erase_by_date_and_leaves_room_for_the_whole_ladder_of_warnings() -> None:
    for days_left, ask_in in ((31, None), (30, 30), (12, 30), (-400, 30)):
        told = Telling()
        found = told.look(closed_until(TODAY + timedelta(days=days_left)))
        if ask_in is None:
            assert found is None
            continue
        assert isinstance(found, ErasureForeseen)
        assert found.ask_on == TODAY + timedelta(days=ask_in)
        duty = told.state.duties(OPEN, Rules.unknown(None))[0]
        assert [duty.due - ahead for ahead in duty.reminders] == [end_of_day(found.ask_on) - one for one in WARNINGS]
        assert told.look(closed_until(TODAY + timedelta(days=days_left))) is None


def test_a_hold_puts_off_what_the_engine_foresees_and_a_reopened_path_ends_it() -> None:
    told = Telling()
    case = closed_until(TODAY + timedelta(days=20))
    told.look(case)
    longer = case.model_copy(update={"holds": held_until(TODAY + timedelta(days=25)).holds})
    assert told.look(longer) == ErasureForeseen(erase_by=TODAY + timedelta(days=25), ask_on=TODAY + timedelta(days=30))
    far = case.model_copy(update={"holds": held_until(TODAY + timedelta(days=200)).holds})
    assert told.look(far) == ErasureDropped()
    assert not told.state.is_open
    told.look(case)
    assert told.look(OPEN) == ErasureDropped()


def test_what_the_engine_asks_for_is_approved_by_any_person_and_withdrawn_by_none() -> None:
    told = Telling()
    told.look(closed_until(TODAY))
    told.engine(ErasureRequested(reason=ErasureReason.RETENTION_OVER))
    assert told.state.requested_by == ENGINE
    with pytest.raises(Refused, match="place a hold"):
        told.say(ErasureWithdrawn(), "dana", closed_until(TODAY))
    told.say(ErasureApproved(), "dana", closed_until(TODAY))
    assert told.look(OPEN) == ErasureDropped()


def test_the_steps_follow_in_one_order_and_the_last_waits_until_no_process_has_the_key() -> None:
    told = approved()
    for step in Step:
        assert told.state.next_step is step
        late = [other for other in Step if other not in (step, Step.CERTIFIED)]
        for other in late:
            after = told.ledger.plus([engine_event(told.ledger, ErasureStepDone(step=other), told.now)])
            assert after.state.done == told.state.done
        if step is Step.CERTIFIED:
            assert told.state.acts_at() == told.state.done[Step.KEY_DESTROYED] + KEYS_ARE_DROPPED_AFTER
            told.engine(ErasureCertified(certificate="{}"))
        else:
            told.engine(ErasureStepDone(step=step))
            assert told.duties() == ["erasure-unfinished"]
    assert told.standing is Standing.DONE
    assert told.duties() == []
    assert not erasure_card(told.ledger, NOW).is_open


def test_an_erasure_takes_no_other_fact() -> None:
    told = f"erasure/{REFERENCE}"
    assert is_erasure(told)
    for fact in (Acknowledged(duty="approve-erasure"), HoldLifted(reason=HoldReason.COMPLAINT), ErasureDropped()):
        with pytest.raises(NotUnderstood):
            must_have_a_place(told, fact)
    must_have_a_place(told, ASKED)
    with pytest.raises(NotUnderstood):
        must_have_a_place(f"case/{REFERENCE}", ASKED)


def test_closing_sets_the_erase_by_date_and_reopening_takes_it_back() -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-02-01", PathClosed(reason=ClosingReason.WITHDREW))
    found = [tale.story.path.state.erase_by]
    tale.tell("2024-02-02", PathReopened())
    found.append(tale.story.path.state.erase_by)
    tale.tell("2024-02-03", PathClosed(reason=ClosingReason.WITHDREW, retention_days=10))
    found.append(tale.story.path.state.erase_by)
    assert found == [date(2024, 2, 1) + timedelta(days=RETENTION_DAYS), None, date(2024, 2, 13)]


def test_a_hold_has_a_reason_and_an_end_and_stands_on_a_closed_path_too() -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-02-01", PathClosed(reason=ClosingReason.WITHDREW))
    with pytest.raises(Refused, match="later than the day"):
        tale.tell("2024-02-02", HoldPlaced(reason=HoldReason.COMPLAINT, until=date(2024, 2, 2)))
    with pytest.raises(Refused, match="no such hold"):
        tale.tell("2024-02-02", HoldLifted(reason=HoldReason.COMPLAINT))
    tale.tell("2024-02-02", HoldPlaced(reason=HoldReason.COMPLAINT, until=date(2024, 12, 31)))
    tale.tell("2024-02-03", HoldPlaced(reason=HoldReason.LEGAL_CLAIM, until=date(2026, 6, 30)))
    path = tale.story.path.state
    assert (hold := path.held(date(2024, 3, 1))) is not None
    assert hold.until == date(2026, 6, 30)
    assert due_on(path, date(2024, 3, 1)) == date(2026, 6, 30)
    tale.tell("2024-02-04", HoldLifted(reason=HoldReason.LEGAL_CLAIM))
    tale.tell("2024-02-04", HoldPlaced(reason=HoldReason.COMPLAINT, until=date(2024, 3, 31)))
    path = tale.story.path.state
    assert path.held(date(2024, 4, 1)) is None
    assert due_on(path, date(2024, 4, 1)) == path.erase_by


persons = st.sampled_from(["dana", "timur", "eli", ENGINE])
decisions: st.SearchStrategy[Fact] = st.one_of(
    st.builds(ErasureRequested, reason=st.sampled_from(ErasureReason), waived=st.booleans()),
    st.just(ErasureApproved()),
    st.just(ErasureWithdrawn()),
)
cases = st.builds(
    lambda erase_by, hold: OPEN.model_copy(
        update={
            "erase_by": TODAY + timedelta(days=erase_by) if erase_by is not None else None,
            "holds": (Hold(reason=HoldReason.INVESTIGATION, until=TODAY + timedelta(days=hold)),) if hold else (),
        }
    ),
    st.none() | st.integers(-400, 400),
    st.none() | st.integers(-40, 400),
)
engine_facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(ErasureStepDone, step=st.sampled_from(Step)),
    st.just(ErasureCertified(certificate="{}")),
    st.builds(ErasureHeld, until=st.none() | st.dates(TODAY, date(2030, 1, 1))),
)
happenings = st.lists(
    st.tuples(st.integers(0, 40), cases, st.tuples(decisions, persons) | engine_facts | st.none()), max_size=14
)


def tell_all(script: Sequence[tuple[int, Path, tuple[Fact, str] | Fact | None]], *, out_of_order: bool) -> Telling:
    told = Telling()
    for days, case, what in script:
        told.now += timedelta(days=days)
        told.look(case)
        if isinstance(what, tuple):
            try:
                told.say(*what, case)
            except SafeconductError:
                continue
        elif what is not None and out_of_order:
            told.engine(what)
        elif told.standing is Standing.APPROVED and told.now >= (told.state.acts_at() or told.now):
            assert case.held(told.now.date()) is None
            told.engine(ErasureStepDone(step=Step.FENCED))
    return told


@given(happenings)
def test_whatever_comes_no_case_is_fenced_without_two_persons_the_wait_and_no_hold(
    script: list[tuple[int, Path, tuple[Fact, str] | Fact | None]],
) -> None:
    told = tell_all(script, out_of_order=False)
    if not told.state.has_begun:
        return
    fenced_at = told.state.done[Step.FENCED]
    assert told.state.approved_by not in (None, ENGINE, told.state.requested_by)
    assert told.state.approved_at is not None
    assert fenced_at - told.state.approved_at >= (timedelta() if told.state.waived else WAITING_PERIOD)


@given(happenings)
def test_whatever_the_log_holds_an_open_erasure_has_a_duty_to_come_and_a_state(
    script: list[tuple[int, Path, tuple[Fact, str] | Fact | None]],
) -> None:
    told = tell_all(script, out_of_order=True)
    duties = told.state.duties(OPEN, Rules.unknown(None))
    assert told.state.is_open == bool(duties)
    assert not duties or told.ledger.next_rung(duties, told.now) is not None
    erasure_card(told.ledger, noon(told.now.date()))
