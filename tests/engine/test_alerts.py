"""An alert on its way: from the watch of a country to the cases that are there, and to those that come."""

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

from domain.alerts import CountryChanged
from domain.check_ins import CheckedIn, CheckInPlanned
from domain.country import AlertEnded, AlertRaised
from domain.danger import Risk
from domain.facts import Fact
from domain.references import Phase, make_reference, phase_stream
from domain.stay_facts import Entered, Relocated
from records.alerts import Members
from runtime.rebuilding import rebuild
from tests.records.test_rebuilding import cards
from tests.support.alerting import alerts_in, tell_watch, watch_in
from tests.support.intakes import fresh_reference_bits, minimal, past
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server
from tests.support.tampering import tampering
from tests.support.telling import RULEBOOK

BEGAN = datetime(2026, 9, 2, 9, tzinfo=UTC)
ALERT = AlertRaised(source="https://example.org/raids", level=Risk.HIGH, within_hours=6)


async def test_an_alert_reaches_who_is_there_and_who_comes_and_its_end_does_too(tmp_path: Path, reference: str) -> None:
    there, leaves, elsewhere = (make_reference(fresh_reference_bits) for _ in range(3))
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, there) as played:
        for one in (there, leaves, elsewhere):
            await played.office.start_case(one, minimal().intake, "dana", minimal().since, uuid4())
            await played.office.record(one, past(Entered(), date(2026, 9, 1)), uuid4())
        await played.office.record(elsewhere, past(Relocated(to="GE"), date(2026, 9, 1)), uuid4())
        members = Members(played.database)
        assert set(members.page("KZ", "", 9)) == {there, leaves}

        alert = (await tell_watch(played, "KZ", ALERT)).accepted[0].event_id
        await eventually(lambda: members.reached_there(alert, "KZ") == 2, "it has reached who is there")
        await eventually(lambda: not watch_in(played, "KZ").untold, "it is spread")
        assert alerts_in(played, elsewhere) == []

        await played.office.start_case(reference, minimal().intake, "dana", minimal().since, uuid4())
        await played.office.record(elsewhere, past(Relocated(to="KZ"), date(2026, 9, 2)), uuid4())
        await played.office.record(leaves, past(Relocated(to="GE"), date(2026, 9, 2)), uuid4())
        await eventually(lambda: members.reached_there(alert, "KZ") == 3, "it has reached who came")
        await eventually(lambda: not waits(played, leaves), "who has left is not asked")
        assert {one.reference for one in members.unanswered([alert])} == {there, reference, elsewhere}
        safety = phase_stream(leaves, Phase.SAFETY, 1)
        await eventually(lambda: CountryChanged(country="GE") in facts_in(played, safety), "his leaving is recorded")

        await played.office.record(there, past(CheckedIn(), date(2026, 9, 3)), uuid4())
        assert {one.reference for one in members.unanswered([alert])} == {reference, elsewhere}
        before = cards(played.database)
        rebuild(played.database, played.store, RULEBOOK, lambda: played.clock, lambda _done, _of: None)
        assert cards(played.database)["alert_card"] == before["alert_card"]
        assert cards(played.database)["phase_card"] == before["phase_card"]

        await tell_watch(played, "KZ", AlertEnded(alert=alert))
        for one in (there, reference, elsewhere):
            await eventually(lambda one=one: "alert-over" in alerts_in(played, one), "its end has come")  # type: ignore[misc]
            assert alerts_in(played, one) == ["alert-reached", "alert-over"]
        assert not members.unanswered([alert])
        assert alerts_in(played, leaves) == ["alert-reached"]


def facts_in(played: Rehearsal, stream: str) -> list[Fact]:
    return [event.fact for event in played.store.read(stream)]


def waits(played: Rehearsal, reference: str) -> bool:
    return any(duty.duty.startswith("answer-to-alert") for duty in played.board.duties(reference))


async def test_who_could_not_read_a_countrys_log_reads_it_with_the_next_thing_that_happens(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await tell_watch(played, "KZ", ALERT)
        await eventually(lambda: not watch_in(played, "KZ").untold, "it is spread")
        records = played.database.where
        assert isinstance(records, Path)
        raised = "WHERE stream = 'country/KZ' AND version = 1"
        with tampering(records) as connection:
            (sealed,) = connection.execute(f"SELECT body FROM event {raised}").fetchone()  # noqa: S608
            connection.execute(f"UPDATE event SET body = x'00' {raised}")  # noqa: S608
        await played.start(minimal())
        await played.office.record(reference, past(Entered(), date(2026, 9, 1)), uuid4())
        assert alerts_in(played, reference) == []
        with tampering(records) as connection:
            connection.execute(f"UPDATE event SET body = ? {raised}", (sealed,))  # noqa: S608
        await played.office.record(reference, past(CheckInPlanned(every_days=7), date(2026, 9, 2)), uuid4())
        await eventually(lambda: alerts_in(played, reference) == ["alert-reached"], "it has looked again")
