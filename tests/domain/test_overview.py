"""What operators see at a glance: how loud it is, and what comes next."""

from datetime import UTC, datetime, timedelta

from domain.case import Path, Stage
from domain.duties import Duty, Ladder, Level, Rung, Urgency
from domain.overview import Risk, overview_of_path, overview_of_phase
from domain.references import Phase, case_stream, phase_stream
from domain.safety import Safety
from domain.stream import Ledger

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
SAFETY = phase_stream("0" * 11, Phase.SAFETY, 1)


def ledger(*fired: tuple[Duty, Level], acknowledged: bool = False) -> Ledger[Safety]:
    """A stream of safety in which these rungs have been fired."""
    ladders = {
        (duty.id, duty.due): Ladder(due=duty.due, fired=rung(duty, level), acknowledged=acknowledged)
        for duty, level in fired
    }
    return Ledger(stream=SAFETY, blank=Safety(), state=Safety(), ladders=ladders)


def rung(duty: Duty, level: Level) -> Rung:
    return Rung(duty_id=duty.id, due=duty.due, level=level, number=0, at=duty.due, urgency=Urgency.ALARM)


def duty(name: str, days: int, *, emergency: bool = False) -> Duty:
    return Duty(id=name, title=name, due=NOW + timedelta(days=days), emergency=emergency)


def test_a_phase_is_as_loud_as_its_loudest_duty_that_nobody_has_in_hand() -> None:
    quiet, loud = duty("review", -1), duty("lawyer", -1, emergency=True)
    assert overview_of_phase(ledger(), (quiet, loud), NOW).risk is Risk.CALM
    assert overview_of_phase(ledger((quiet, Level.REMINDER)), (quiet, loud), NOW).risk is Risk.CALM
    assert overview_of_phase(ledger((quiet, Level.ALARM)), (quiet, loud), NOW).risk is Risk.ALARM
    both = ledger((quiet, Level.ALARM), (loud, Level.ESCALATION))
    assert overview_of_phase(both, (quiet, loud), NOW).risk is Risk.EMERGENCY
    assert overview_of_phase(both, (quiet,), NOW).risk is Risk.ALARM, "a duty that is gone frightens nobody"
    in_hand = ledger((loud, Level.ALARM), acknowledged=True)
    assert overview_of_phase(in_hand, (loud,), NOW).risk is Risk.CALM


def test_the_next_deadline_is_that_of_the_duty_that_speaks_next() -> None:
    later, sooner = duty("later", 30), duty("sooner", 3)
    assert overview_of_phase(ledger(), (later, sooner), NOW).next_deadline == sooner.due
    assert overview_of_phase(ledger(), (), NOW).next_deadline is None


def test_a_path_says_where_he_is_and_who_takes_him() -> None:
    waiting = Path(stream=case_stream("0" * 11), began=True, country="KZ", pledge="FR")
    shown = overview_of_path(waiting)
    assert (shown.stage, shown.country, shown.destination, shown.risk) == (Stage.TRANSIT, "KZ", "FR", Risk.CALM)
    held = waiting.model_copy(update={"in_custody": True})
    assert overview_of_path(held).risk is Risk.EMERGENCY
    arrived = waiting.model_copy(update={"arrived_in": "FR"})
    assert overview_of_path(arrived).country == "FR"
