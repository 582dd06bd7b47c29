"""One person's whole path on the real server, its time skipped, line by line, and equal to the forecast."""

from datetime import UTC, datetime
from pathlib import Path

from domain.forecast import forecast
from domain.intake import read_intake, read_script
from domain.story import events_of
from tests.support.rehearsal import chronology, rehearsal, skipping_server

STORY = Path(__file__).parents[2] / "examples" / "story"
EXPECTED = Path(__file__).parent / "story.txt"
BEGAN = datetime(2022, 9, 28, 12, tzinfo=UTC)
ENDED = datetime(2024, 6, 29, tzinfo=UTC)


async def test_the_story_runs_on_the_real_server_as_the_forecast_says(tmp_path: Path, reference: str) -> None:
    file = read_intake((STORY / "intake.toml").read_text())
    script = read_script((STORY / "script.toml").read_text())
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        receipt = await played.start(file)
        await played.play(script)
        await played.move_to(ENDED)
        lived = chronology(played.events())
    story = played.begun(file, receipt)
    beginning = events_of(story)
    foretold = chronology([*beginning, *(line.event for line in forecast(story, script, BEGAN, ENDED))])
    assert lived == foretold
    assert lived == EXPECTED.read_text().splitlines()
