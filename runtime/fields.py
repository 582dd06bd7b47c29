"""The three fields of a case in a country of transit, for ``safeconduct status``."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from domain.case import Phase, case_stream, phase_stream
from domain.overstay import Cost
from domain.protection import ActualSafety, Ground, LawfulStay, RemovalProtection, ThreeFields, three_fields
from domain.rulebook.dated import Answer
from domain.safety import Safety
from domain.story import Story
from domain.transit_stay import TransitStay
from records.errors import Locked
from runtime import screen
from runtime.cases import story_of
from runtime.desk import Desk
from runtime.settings import now

_SAYS = {Answer.YES: "yes", Answer.NO: "NO", Answer.UNKNOWN: "not certain"}


def fields_of(here: Desk, reference: str) -> ThreeFields | None:
    """The three fields of a case; ``None`` where it is in no country of transit, or locked."""
    try:
        here.keys[1].must_be_unlocked(case_stream(reference))
    except Locked:
        return None
    return fields_in(story_of(here.store.read_case(reference), reference, here.law))


def fields_in(story: Story) -> ThreeFields | None:
    """The same of a case in memory."""
    path = story.path.state
    running = path.running(Phase.TRANSIT_STAY)
    if running is None:
        return None
    stream = phase_stream(story.reference, Phase.TRANSIT_STAY, running.number)
    stay, rules = story.ledger(stream).state, story.rules(stream)
    safety = story.ledger(phase_stream(story.reference, Phase.SAFETY, 1)).state
    assert isinstance(stay, TransitStay)
    assert isinstance(safety, Safety)
    return three_fields(stay, safety, path, rules, now().astimezone(rules.place.zone).date())


def fields_table(fields: ThreeFields) -> Table:
    """The three fields side by side."""
    title = f"Stay in {fields.country} on {fields.on}: three fields, never one"
    table = screen.plain_table(title, "Field", "Stands", "Doubts and dangers")
    table.add_row("Lawful stay", *_lawful(fields.lawful_stay))
    if fields.lawful_stay.overstay:
        table.add_row("An overstay costs", *_costs(fields.lawful_stay.overstay))
    table.add_row("Protection against removal", *_protection(fields.removal_protection))
    table.add_row("Actual safety", *_safety(fields.actual_safety))
    return table


def _lawful(lawful: LawfulStay) -> tuple[str, str]:
    ground = f": {_told(lawful.ground)}" if lawful.ground is not None else ""
    return f"{_SAYS[lawful.holds]}{ground}", _lines(lawful.doubt)


def _costs(scale: tuple[Cost, ...]) -> tuple[str, str]:
    sources = dict.fromkeys(f"source: {one.source}" for one in scale)
    return _lines(one.says for one in scale), _lines(sources)


def _protection(found: RemovalProtection) -> tuple[str, str]:
    bars = "; ".join(_told(one) for one in found.bars) or "nothing is recorded"
    doubts = [doubt for one in found.bars for doubt in one.doubt]
    return f"{_SAYS[found.holds]}: {bars}", _lines([*found.threats, *doubts])


def _safety(found: ActualSafety) -> tuple[str, str]:
    risk = f"risk {found.risk}" if found.risk is not None else "risk not assessed"
    again = f", looked at again on {found.review_on}" if found.review_on is not None else ""
    looked_for = [f"looked for by {one}" for one in found.looked_for_by]
    return f"{risk}{again}", _lines([*found.emergencies, *looked_for])


def _told(ground: Ground) -> str:
    return f"{ground.name.replace('-', ' ')}{f' until {ground.until}' if ground.until is not None else ''}"


def _lines(lines: Iterable[str]) -> str:
    return escape("\n".join(lines))
