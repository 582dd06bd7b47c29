"""Check-ins: when one is due, what silence does, and what ends it. Silence is never consent, refusal or safety."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cards import phase_card
from domain.case import ClosingReason, PathClosed, PathReopened
from domain.check_ins import (
    ANSWER,
    FOUND_WITHIN,
    PAUSED_AT_MOST,
    Answer,
    Channel,
    CheckedIn,
    CheckInPlanned,
    CheckInsPaused,
    CheckInsResumed,
    ContactLogged,
    DuressEnded,
    Reached,
    Step,
)
from domain.colleagues import WHOLE_DESK, Call, call_of
from domain.consent import ConsentForm, ConsentGiven, Material, Purpose, Recipient, Scope
from domain.custody import Detained, Disappeared, Found, Released
from domain.duties import Duty, Level, Urgency
from domain.errors import NotFound, NotUnderstood, Refused
from domain.events import Event
from domain.facts import Fact, Occurred
from domain.intake import make_fact
from domain.quiet import after_quiet
from domain.reaching import ChannelLost, ChannelsAgreed
from domain.references import Phase
from domain.room import DutyCameDue
from domain.safety import Safety
from domain.stream import Ledger
from tests.domain.strategies import Tale, noon, past

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKLY = CheckInPlanned(every_days=7, grace_hours=12)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def tell(tale: Tale, now: datetime, *facts: Fact) -> None:
    for fact in facts:
        tale.tell(Occurred.at_instant(now), fact, now=now)


def planned(plan: CheckInPlanned = WEEKLY) -> Tale:
    """A tale whose person checked in on 2 January at noon."""
    tale = Tale()
    tell(tale, noon("2024-01-02"), plan, CheckedIn())
    return tale


def duty(tale: Tale, which: str = "check-in") -> Duty:
    return tale.duties(Phase.SAFETY)[which]


def ledger(tale: Tale) -> Ledger[Safety]:
    found: Ledger[Safety] = tale.ledger(Phase.SAFETY)  # type: ignore[assignment]
    return found


def climbed(tale: Tale, since: datetime, until: datetime) -> list[Event]:
    """What is reached on a ladder while the engine runs, hour by hour."""
    hours = int((until - since) / HOUR)
    return [event for hour in range(hours + 1) for event in tale.fire_until(since + hour * HOUR)]


def take(tale: Tale, now: datetime, which: str = "check-in") -> None:
    tale.acknowledge(Phase.SAFETY, which, now)


# --- when one is due -----------------------------------------------------------------------------------------------


def test_a_window_reminds_when_it_closes_and_the_alarm_comes_after_the_grace() -> None:
    tale = planned(CheckInPlanned(every_days=7, window_hours=5, grace_hours=12))
    fired = [event.fact for event in climbed(tale, noon("2024-01-09"), noon("2024-01-10"))]
    rungs = [(one.level, one.at) for one in fired if isinstance(one, DutyCameDue) and one.duty == "check-in"]
    assert rungs == [(Level.REMINDER, moment("2024-01-09T17:00")), (Level.ALARM, moment("2024-01-10T05:00"))]


def test_quiet_hours_in_the_persons_time_zone_move_a_check_in_to_their_end() -> None:
    plan = CheckInPlanned(every_days=7, grace_hours=5, time_zone="Asia/Almaty", quiet_hours="21:30-07:00")
    # noon in UTC is 18:00 there (from March 2024 on 17:00); five hours later it is 23:00
    assert duty(planned(plan)).due == moment("2024-01-10T01:00")


@pytest.mark.parametrize(
    ("instant", "hours", "zone", "moved"),
    [
        ("2024-03-30T23:30", "22:00-02:30", "Europe/Paris", "2024-03-31T01:30"),  # 02:30 does not exist: 03:30
        ("2024-10-27T00:15", "22:00-02:30", "Europe/Paris", "2024-10-27T01:30"),  # 02:30 comes twice: the second
        ("2024-06-01T05:59", "22:00-08:00", "Europe/Paris", "2024-06-01T06:00"),
        ("2024-06-01T06:00", "22:00-08:00", "Europe/Paris", "2024-06-01T06:00"),
        ("2024-06-01T11:00", "12:00-14:00", "Europe/Paris", "2024-06-01T12:00"),
    ],
)
def test_quiet_hours_end_where_clocks_change(instant: str, hours: str, zone: str, moved: str) -> None:
    assert after_quiet(moment(instant), hours, zone) == moment(moved)


zones = st.sampled_from(["UTC", "Asia/Almaty", "Europe/Paris", "America/St_Johns", "Australia/Lord_Howe"])
clocks = st.integers(0, 24 * 60 - 1)


@st.composite
def quiet_hours(draw: st.DrawFn) -> str:
    begins, length = draw(clocks), draw(st.integers(1, 12 * 60))
    ends = (begins + length) % (24 * 60)
    return f"{begins // 60:02}:{begins % 60:02}-{ends // 60:02}:{ends % 60:02}"


@given(st.datetimes(datetime(2023, 1, 1), datetime(2026, 1, 1)), quiet_hours(), zones)  # noqa: DTZ001
def test_no_instant_stays_in_quiet_hours_and_none_moves_further_than_their_end(
    naive: datetime, hours: str, zone: str
) -> None:
    instant = naive.replace(second=0, microsecond=0, tzinfo=UTC)
    moved = after_quiet(instant, hours, zone)
    assert instant <= moved <= instant + timedelta(hours=13)
    assert after_quiet(moved, hours, zone) == moved
    if moved != instant and (moved - instant) < timedelta(hours=12):
        assert f"{moved.astimezone(ZoneInfo(zone)):%H:%M}" >= hours[6:]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"time_zone": "Mars/Base"}, "no such time zone"),
        ({"quiet_hours": "22:00-08:00"}, "say in which time zone"),
        ({"time_zone": "UTC", "quiet_hours": "22-08"}, "write quiet hours as"),
        ({"time_zone": "UTC", "quiet_hours": "24:00-08:00"}, "write quiet hours as"),
        ({"time_zone": "UTC", "quiet_hours": "08:00-08:00"}, "twelve hours"),
        ({"time_zone": "UTC", "quiet_hours": "08:00-20:01"}, "twelve hours"),
    ],
)
def test_a_plan_that_makes_no_sense_is_one_line(fields: dict[str, object], why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        make_fact(CheckInPlanned, {"every_days": 7, **fields})


def test_what_was_agreed_for_silence_stands_in_the_duty_step_by_step() -> None:
    steps = (Step.CALL, Step.NEVER_AUTHORITIES, Step.RELAY, Step.LAWYER)
    tale = planned(CheckInPlanned(every_days=7, on_silence=steps))
    help_him = Scope(recipient=Recipient.LAWYER, purpose=Purpose.LEGAL_HELP, materials=(Material.STORY,))
    tell(tale, noon("2024-01-02"), ConsentGiven(scopes=(help_him,), language="ru", form=ConsentForm.SPOKEN))
    title = duty(tale).title
    assert title.endswith("As agreed: call; then ask the relay; then ask the lawyer; never the authorities")


def test_the_plan_says_who_is_told_of_silence_and_duress_and_it_stands_in_each_rung() -> None:
    tale = planned(CheckInPlanned(every_days=7, told=("eli", "dana")))
    tell(tale, noon("2024-01-03"), CheckedIn(answer=Answer.DURESS))
    assert [duty(tale, one).told for one in ("check-in", ANSWER)] == [("eli", "dana")] * 2
    rungs = [event for event in climbed(tale, noon("2024-01-10"), noon("2024-01-14")) if told_of(event, "check-in")]
    calls = [call_of(ledger(tale).events, one.event_id) for one in rungs]
    assert calls == [Call(step=step, plan=("eli", "dana")) for step in range(3)]
    assert duty(tale, "review").told == ()


def told_of(event: Event, which: str) -> bool:
    return isinstance(event.fact, DutyCameDue) and event.fact.duty == which


# --- pauses --------------------------------------------------------------------------------------------------------


def test_after_a_pause_a_check_in_is_due_again() -> None:
    tale = planned(CheckInPlanned(every_days=7, grace_hours=12, time_zone="Asia/Almaty"))
    tell(tale, noon("2024-01-05"), CheckInsPaused(days=15))
    assert duty(tale).due == moment("2024-01-20T18:00") + 12 * HOUR
    tell(tale, noon("2024-01-15"), CheckInsResumed())
    assert duty(tale).due == noon("2024-01-15") + 12 * HOUR


def test_a_pause_is_bounded_and_only_one_that_runs_can_be_ended() -> None:
    for days in (0, 32):
        with pytest.raises(NotUnderstood, match="`days`"):
            make_fact(CheckInsPaused, {"days": days})
    with pytest.raises(NotUnderstood, match="`days`: is missing"):
        make_fact(CheckInsPaused, {})
    with pytest.raises(Refused, match="there is no pause"):
        tell(planned(), noon("2024-01-05"), CheckInsResumed())


def test_pause_upon_pause_is_no_endless_silence() -> None:
    tale = planned()
    first = duty(tale).due
    for week in range(10):
        tell(tale, noon("2024-01-03") + week * 7 * DAY, CheckInsPaused(days=31))
    assert duty(tale).due == first + PAUSED_AT_MOST


@pytest.mark.parametrize("later", [CheckInsPaused(days=20), CheckInPlanned(every_days=60)])
def test_what_was_missed_is_moved_by_no_pause_and_no_other_plan(later: Fact) -> None:
    tale = planned()
    missed = duty(tale).due
    tale.fire_until(missed)
    tell(tale, missed + DAY, later)
    assert duty(tale).due == missed
    rungs = [event for event in tale.fire_until(missed + 4 * DAY) if told_of(event, "check-in")]
    assert rungs, "and its ladder goes on"
    tell(tale, missed + 4 * DAY, CheckedIn())
    assert duty(tale).due > missed + 10 * DAY


def test_emergencies_go_through_a_pause() -> None:
    tale = planned()
    tell(tale, noon("2024-01-03"), CheckInsPaused(days=25))
    tell(tale, noon("2024-01-04"), CheckedIn(answer=Answer.DURESS), Detained())
    fired = {event.fact.duty for event in tale.fire_until(noon("2024-01-06")) if isinstance(event.fact, DutyCameDue)}
    assert {ANSWER, "lawyer", "interim-measures"} <= fired


def test_an_import_begins_the_routine_anew_whatever_was_missed_before() -> None:
    history = [past("2024-01-02", WEEKLY), past("2024-03-02", CheckInPlanned(every_days=5, grace_hours=12))]
    tale = Tale(history=history, imported_on="2024-06-01")
    assert duty(tale).due == noon("2024-06-01") + 5 * DAY + 12 * HOUR


# --- silence -------------------------------------------------------------------------------------------------------


def test_who_takes_a_silence_in_hand_records_within_hours_what_was_found() -> None:
    tale = planned()
    missed = duty(tale).due
    tale.fire_until(missed)
    take(tale, missed + HOUR)
    for again in range(1, 4):
        assert duty(tale).due == missed + HOUR + again * FOUND_WITHIN
        assert duty(tale).title.startswith("Still nothing from the person himself")
        assert any(told_of(event, "check-in") for event in tale.fire_until(duty(tale).due))
        take(tale, duty(tale).due)
    tell(tale, missed + DAY, ContactLogged(reached=Reached.PERSON))
    assert duty(tale).due == missed + DAY + 7 * DAY + 12 * HOUR


def test_to_take_it_in_hand_before_it_is_missed_changes_nothing() -> None:
    tale = planned()
    due = duty(tale).due
    take(tale, due - DAY)
    assert duty(tale).due == due
    assert any(told_of(event, "check-in") for event in tale.fire_until(due))


@pytest.mark.parametrize(
    "fact",
    [
        ContactLogged(),
        ContactLogged(reached=Reached.THIRD_PARTY, channel=Channel.CALL),
        CheckedIn(answer=Answer.UNRECOGNISED),
        CheckInPlanned(every_days=90),
        Found(),
    ],
)
def test_nobody_but_the_person_ends_his_silence(fact: Fact) -> None:
    tale = planned()
    missed = duty(tale).due
    tale.fire_until(missed)
    tell(tale, missed + HOUR, fact)
    assert duty(tale).due == missed


@pytest.mark.parametrize("fact", [Detained(), Disappeared()])
def test_custody_and_disappearance_have_duties_of_their_own(fact: Fact) -> None:
    tale = planned()
    missed = duty(tale).due
    tale.fire_until(missed)
    tell(tale, missed + HOUR, fact)
    assert "check-in" not in tale.duties(Phase.SAFETY)
    assert "custody-round" in tale.duties(Phase.SAFETY)


def test_who_is_found_after_a_disappearance_is_not_yet_spoken_with() -> None:
    tale = planned()
    missed = duty(tale).due
    tell(tale, missed + DAY, Disappeared())
    tell(tale, missed + 2 * DAY, Found())
    assert duty(tale).due == missed


# --- duress --------------------------------------------------------------------------------------------------------


def test_a_duress_taken_in_hand_calls_again_until_somebody_says_that_it_is_over() -> None:
    tale = planned()
    tell(tale, noon("2024-01-04"), CheckedIn(answer=Answer.DURESS))
    assert duty(tale, ANSWER).emergency
    tale.fire_until(noon("2024-01-04"))
    take(tale, noon("2024-01-04") + HOUR, ANSWER)
    assert duty(tale, ANSWER).due == noon("2024-01-04") + HOUR + FOUND_WITHIN
    assert any(told_of(event, ANSWER) for event in tale.fire_until(noon("2024-01-05") + 2 * HOUR))
    tell(tale, noon("2024-01-06"), CheckedIn(), ContactLogged(reached=Reached.PERSON))
    assert ANSWER in tale.duties(Phase.SAFETY)
    tell(tale, noon("2024-01-07"), DuressEnded())
    assert ANSWER not in tale.duties(Phase.SAFETY)
    with pytest.raises(Refused, match="no duress"):
        tell(tale, noon("2024-01-08"), DuressEnded())


def test_a_duress_that_is_told_late_is_not_over_because_an_earlier_one_was() -> None:
    tale = planned()
    tell(tale, noon("2024-01-04"), CheckedIn(answer=Answer.DURESS))
    tell(tale, noon("2024-01-07"), DuressEnded())
    tale.tell("2024-01-06", CheckedIn(answer=Answer.DURESS), now=noon("2024-01-08"))
    assert ANSWER in tale.duties(Phase.SAFETY)


def test_no_list_tells_a_duress_from_an_answer_without_the_agreed_word() -> None:
    cards = []
    for answer in (Answer.DURESS, Answer.UNRECOGNISED):
        tale = planned()
        tell(tale, noon("2024-01-03"), ChannelLost(channel=Channel.MESSAGE))
        tell(tale, noon("2024-01-04"), CheckedIn(answer=answer))
        tale.fire_until(noon("2024-01-04"))
        take(tale, noon("2024-01-05"), ANSWER)
        duties = tale.duties(Phase.SAFETY).values()
        cards.append(phase_card(ledger(tale), duties, noon("2024-01-06"), is_open=True))
    assert cards[0] == cards[1]
    assert not re.search("duress|forced|word", cards[0].model_dump_json())


@pytest.mark.parametrize("answer", [Answer.DURESS, Answer.UNRECOGNISED])
def test_an_alarming_answer_on_a_closed_path_calls_the_whole_desk_and_is_listed(answer: Answer) -> None:
    tale, at = planned(), noon("2024-01-05")
    tell(tale, noon("2024-01-04"), PathClosed(reason=ClosingReason.LOST))
    _, call = tale.tell(Occurred.at_instant(at), CheckedIn(answer=answer), now=at)[:2]
    assert isinstance(call.fact, DutyCameDue)
    assert (call.fact.duty, call.fact.urgency) == (ANSWER, Urgency.EMERGENCY)
    assert call_of(ledger(tale).events, call.event_id) == WHOLE_DESK
    soon = at + timedelta(minutes=1)
    for other in Answer.UNRECOGNISED, Answer.DURESS:
        soon += timedelta(minutes=1)
        _, again = tale.tell(Occurred.at_instant(at), CheckedIn(answer=other), now=soon)[:2]
        assert call_of(ledger(tale).events, again.event_id) == WHOLE_DESK
    card = phase_card(ledger(tale), tale.duties(Phase.SAFETY).values(), at, is_open=False)
    assert [(one.duty, one.next_at) for one in card.duties] == [(ANSWER, None)], "no clock runs"
    tell(tale, at + HOUR, PathReopened())
    assert any(told_of(event, ANSWER) for event in tale.fire_until(at + 3 * HOUR)), "its ladder goes on"
    take(tale, at + 4 * HOUR, ANSWER)
    tell(tale, at + 4 * HOUR, PathClosed(reason=ClosingReason.LOST))
    assert not phase_card(ledger(tale), tale.duties(Phase.SAFETY).values(), at, is_open=False).duties


def test_that_he_is_well_calls_nobody_on_a_closed_path() -> None:
    tale = planned()
    tell(tale, noon("2024-01-04"), PathClosed(reason=ClosingReason.LOST))
    assert len(tale.tell("2024-01-05", CheckedIn())) == 1


def test_an_alarming_answer_after_the_last_was_taken_in_hand_calls_at_once_also_when_it_is_told_late() -> None:
    tale = planned()
    tell(tale, noon("2024-01-04"), CheckedIn(answer=Answer.UNRECOGNISED))
    tale.fire_until(noon("2024-01-04"))
    tell(tale, noon("2024-01-04") + HOUR, CheckedIn(answer=Answer.UNRECOGNISED))
    take(tale, noon("2024-01-04") + 2 * HOUR, ANSWER)
    tale.tell("2024-01-03", CheckedIn(answer=Answer.DURESS), now=noon("2024-01-04") + 3 * HOUR)
    assert duty(tale, ANSWER).due == noon("2024-01-04") + 3 * HOUR
    assert any(told_of(event, ANSWER) for event in tale.fire_until(noon("2024-01-04") + 3 * HOUR))


@pytest.mark.parametrize("answer", [Answer.DURESS, Answer.UNRECOGNISED])
def test_each_alarming_answer_calls_anew_whether_or_not_the_last_was_taken_in_hand(answer: Answer) -> None:
    tale, at = planned(), noon("2024-01-04")
    for minutes in (0, 20, 40, 4 * 24 * 60):
        now = at + timedelta(minutes=minutes)
        tale.fire_until(now)
        tell(tale, now, CheckedIn(answer=answer))
        assert any(told_of(event, ANSWER) for event in tale.fire_until(now))


@pytest.mark.parametrize("minutes", [1, 15, 59, 60, 61, 119])
def test_answer_upon_answer_does_not_put_off_the_call_to_the_whole_desk(minutes: int) -> None:
    tale, at = planned(), noon("2024-01-04")
    steps = []
    for minute in range(0, 5 * 60, minutes):
        now = at + timedelta(minutes=minute)
        fired = tale.fire_until(now)
        tell(tale, now, CheckedIn(answer=Answer.UNRECOGNISED))
        fired = [*fired, *tale.fire_until(now)]
        steps += [call_of(ledger(tale).events, event.event_id).step for event in fired if told_of(event, ANSWER)]
        if minute >= 2 * 60:
            assert max(steps) == WHOLE_DESK.step, "an hour after the first nobody had taken it in hand"


def test_an_alarming_answer_within_the_minute_in_which_the_last_was_taken_in_hand_calls_too() -> None:
    tale, second = planned(), timedelta(seconds=1)
    tell(tale, noon("2024-01-04"), CheckedIn(answer=Answer.UNRECOGNISED))
    tale.fire_until(noon("2024-01-04"))
    take(tale, noon("2024-01-04") + 20 * second, ANSWER)
    tell(tale, noon("2024-01-04") + 40 * second, CheckedIn(answer=Answer.DURESS))
    assert any(told_of(event, ANSWER) for event in tale.fire_until(noon("2024-01-04") + 40 * second))


def test_a_sign_of_the_morning_ends_nothing_of_an_unrecognised_answer_at_noon() -> None:
    tale, at_noon = planned(), noon("2024-01-04")
    tell(tale, at_noon, CheckedIn(answer=Answer.UNRECOGNISED))
    tale.tell(Occurred.at_instant(at_noon - 3 * HOUR), ContactLogged(reached=Reached.PERSON), now=at_noon + HOUR)
    assert ANSWER in tale.duties(Phase.SAFETY)
    tale.tell("2024-01-04", ContactLogged(reached=Reached.PERSON), now=at_noon + 2 * HOUR)
    assert ANSWER not in tale.duties(Phase.SAFETY)


def test_a_sign_of_safety_ends_what_an_unrecognised_answer_began_and_nothing_of_a_duress() -> None:
    tale = planned()
    tell(tale, noon("2024-01-04"), CheckedIn(answer=Answer.UNRECOGNISED), CheckedIn())
    assert ANSWER not in tale.duties(Phase.SAFETY)
    tell(tale, noon("2024-01-05"), CheckedIn(answer=Answer.UNRECOGNISED), Detained(), Released())
    assert ANSWER in tale.duties(Phase.SAFETY), "who was set free has not been spoken with yet"
    tell(tale, noon("2024-01-06"), CheckedIn(), CheckedIn(answer=Answer.DURESS), CheckedIn())
    assert ANSWER in tale.duties(Phase.SAFETY)


# --- any order -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Takes:
    """Somebody takes a duty in hand."""

    which: str


QUIET = CheckInPlanned(every_days=3, grace_hours=5, time_zone="Asia/Almaty", quiet_hours="21:30-09:00")

steps: st.SearchStrategy[Fact | Takes] = st.sampled_from(
    [
        *(CheckedIn(answer=answer) for answer in Answer),
        *(ContactLogged(reached=reached) for reached in Reached),
        *(WEEKLY, QUIET, CheckInPlanned(every_days=2, window_hours=9)),
        *(
            ChannelLost(channel=Channel.MESSAGE),
            ChannelLost(channel=Channel.CALL),
            ChannelsAgreed(order=(Channel.CALL,)),
        ),
        *(CheckInsResumed(), DuressEnded(), Detained(), Released(), Disappeared(), Found()),
        *(Takes("check-in"), Takes(ANSWER), Takes("check-in"), Takes(ANSWER)),
    ]
)
pauses = st.integers(1, 31).map(lambda days: CheckInsPaused(days=days))
UNSHRUNK = (HypothesisPhase.explicit, HypothesisPhase.reuse, HypothesisPhase.generate)
"""A life takes long to live: to shrink one takes many."""

scripts = st.lists(
    st.tuples(st.integers(0, 100), steps | steps | pauses, st.integers(0, 60), st.booleans()), max_size=14
)


def lived(script: list[tuple[int, Fact | Takes, int, bool]]) -> tuple[Tale, datetime, bool]:
    """A tale lived through, its clock, and whether a duress stands by what was said of it."""
    tale, now, forced = planned(), noon("2024-01-02"), False
    for hours, step, ago, fires in script:
        now += hours * HOUR
        if fires:
            tale.fire_until(now)
        try:
            if isinstance(step, Takes):
                take(tale, now, step.which)
            else:
                is_late = isinstance(step, CheckedIn | ContactLogged)
                when = max(now - (ago * HOUR if is_late else timedelta()), noon("2024-01-02"))
                tale.tell(Occurred.at_instant(when), step, now=now)
        except (Refused, NotFound):
            continue
        forced = (isinstance(step, CheckedIn) and step.answer is Answer.DURESS) or forced
        forced = forced and not isinstance(step, DuressEnded)
    return tale, now, forced


@settings(max_examples=60, deadline=None, phases=UNSHRUNK)
@given(scripts)
def test_silence_calls_a_human_again_and_again_whatever_else_is_recorded(
    script: list[tuple[int, Fact | Takes, int, bool]],
) -> None:
    tale, now, _ = lived(script)
    tale.fire_until(now)
    room = ledger(tale).state
    if room.custody.emergency is not None:
        assert "custody-round" in tale.duties(Phase.SAFETY)
        return
    if "check-in" not in tale.duties(Phase.SAFETY):
        assert room.reaching.explains_silence, "only the ladder of channels looks for him instead"
        calls = ledger(tale).next_rung([duty(tale, "channel-lost")], now)
        assert calls is not None
        assert calls[1].at <= now + 7 * DAY
        return
    heard = max(room.check_ins.last or room.anchor, room.anchor)
    plan, due = room.check_ins.plan, duty(tale).due
    expected = timedelta(days=plan.every_days, hours=plan.window_hours + plan.grace_hours)
    latest = heard + expected + PAUSED_AT_MOST + 2 * DAY
    calls = ledger(tale).next_rung([duty(tale)], now)
    assert calls is not None
    if now > latest + DAY:
        assert due <= now + FOUND_WITHIN + DAY, "long past its date it is due, or due again within hours"
        assert calls[1].at <= now + 7 * DAY
    if room.check_ins.silent_since is None and due > now:
        assert due <= max(latest, now + FOUND_WITHIN + DAY)


@settings(max_examples=40, deadline=None, phases=UNSHRUNK)
@given(scripts)
def test_nothing_but_its_end_ends_a_duress_and_it_calls_again_within_a_day(
    script: list[tuple[int, Fact | Takes, int, bool]],
) -> None:
    tale, now, forced = lived(script)
    tale.fire_until(now)
    is_unclear = bool(ledger(tale).state.check_ins.unrecognised)
    assert (ANSWER in tale.duties(Phase.SAFETY)) == (forced or is_unclear)
    if forced:
        calls = ledger(tale).next_rung([duty(tale, ANSWER)], now)
        assert calls is not None
        assert calls[1].at <= now + DAY


@settings(max_examples=40, deadline=None, phases=UNSHRUNK)
@given(scripts)
def test_no_check_in_is_due_in_quiet_hours(script: list[tuple[int, Fact | Takes, int, bool]]) -> None:
    tale, _, _ = lived([(0, QUIET, 0, False), *script])
    room = ledger(tale).state
    if "check-in" in tale.duties(Phase.SAFETY) and room.check_ins.silent_since is None:
        due = duty(tale).due
        assert after_quiet(due, room.check_ins.plan.quiet_hours, room.check_ins.plan.zone) == due
