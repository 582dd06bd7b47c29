"""An officer's two years in Kazakhstan on the real server, its time skipped, line by line and equal to the forecast.

Visa-free days, certificates renewed every three months, a refusal, an extension, an alert for the country, a detention
and a release, two missed check-ins. The alert comes from the country's watch, so the forecast is told of it.
"""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from domain.alerts import AlertReached
from domain.country import AlertRaised
from domain.danger import Risk
from domain.forecast import forecast
from domain.intake import read_intake, read_script
from domain.references import Phase, phase_stream
from domain.story import events_of
from tests.support.alerting import told_at
from tests.support.rehearsal import chronology, eventually, rehearsal, skipping_server

STORY = Path(__file__).parents[2] / "examples" / "two-years"
EXPECTED = Path(__file__).parent / "two_years.txt"
BEGAN = datetime(2022, 9, 27, 12, tzinfo=UTC)
ALERTED = datetime(2024, 4, 10, 3, tzinfo=UTC)
ENDED = datetime(2024, 9, 27, tzinfo=UTC)


async def test_two_years_in_a_transit_country_run_on_the_real_server_as_the_forecast_says(
    tmp_path: Path, reference: str
) -> None:
    file = read_intake((STORY / "intake.toml").read_text())
    script = read_script((STORY / "script.toml").read_text())
    before = [one for one in script if one.occurred.instant <= ALERTED]
    after = [one for one in script if one.occurred.instant > ALERTED]
    safety = phase_stream(reference, Phase.SAFETY, 1)
    alert = AlertRaised(source="https://example.org/raids", level=Risk.HIGH, within_hours=6)
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        receipt = await played.start(file)
        await played.play(before)
        await played.move_to(ALERTED)
        await told_at(played.office, "KZ", alert, ALERTED, UUID(int=2024_04_10))

        def reached() -> list[object]:
            return [event for event in played.store.read(safety) if isinstance(event.fact, AlertReached)]

        await eventually(lambda: bool(reached()), "the alert has reached him")
        await played.play(after, first=len(before))
        await played.move_to(ENDED)
        events = played.events()
        lived = chronology(events)
    story = played.begun(file, receipt)
    foretold = [*events_of(story), *(line.event for line in forecast(story, before, BEGAN, ALERTED))]
    (heard,) = (event for event in events if isinstance(event.fact, AlertReached))
    story.phases[safety] = story.ledger(safety).plus([heard])
    rest = forecast(story, after, ALERTED, ENDED, first=len(before))
    assert lived == chronology([*foretold, heard, *(line.event for line in rest)])
    assert lived == EXPECTED.read_text().splitlines()
