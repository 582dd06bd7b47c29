"""``safeconduct simulate``: what would fall due, by the rulebook, and who would be told."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from domain.facts import Occurred
from domain.forecast import HORIZON, Line, forecast
from domain.intake import read_script
from domain.story import Story
from runtime import screen
from runtime.cases import story_of, story_of_file
from runtime.desk import Desk, as_json, at_desk, read_intake_file, read_text
from runtime.settings import now


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command()(simulate)


def simulate(
    what: Annotated[str, typer.Argument(metavar="FILE|CASE", help="an intake file, or a case")],
    script: Annotated[Path | None, typer.Option(help="what happens on the way; nothing if left out")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="where the forecast of a file begins; today if left out")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="how far it looks")] = HORIZON.days,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """What falls due in the coming two years, and which notices would go out. Needs no server."""
    here = at_desk()
    begins = datetime.combine(date.fromisoformat(_iso(from_)), time(), UTC) if from_ is not None else now()
    story = _story(here, what, begins)
    events = read_script(read_text(script)) if script is not None else ()
    lines = list(forecast(story, events, begins, begins + timedelta(days=days)))
    if json:
        print(as_json([line.model_dump(mode="json") for line in lines]))
    else:
        screen.console().print(screen.forecast_table(lines, _title(script, lines, begins, days)))


def _iso(text: str) -> str:
    return str(Occurred.parse(text).earliest)


def _story(here: Desk, text: str, begins: datetime) -> Story:
    if Path(text).suffix or Path(text).exists():
        _, file = read_intake_file(Path(text))
        # a case that has not begun would begin on the files, once they are applied
        return story_of_file("0000000000" + "0", file, here.files, begins)
    reference = here.find(text)
    return story_of(here.events(reference, "simulation"), reference, here.law)


def _title(script: Path | None, lines: list[Line], begins: datetime, days: int) -> str:
    how = f"along {script}" if script is not None else "if nobody did anything"
    told = sum(line.notice for line in lines)
    return f"{days} days from {begins:%Y-%m-%d}, {how}: {len(lines)} lines, {told} notices"
