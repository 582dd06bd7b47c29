"""The three fields of a case, for ``safeconduct status``."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from domain.overstay import Cost
from domain.protection import ActualSafety, Ground, LawfulStay, RemovalProtection, ThreeFields
from domain.references import case_stream
from domain.rulebook.dated import Answer
from domain.three_fields import three_fields
from records.errors import Locked
from runtime import screen
from runtime.cases import story_of
from runtime.desk import Desk
from runtime.settings import now

_SAYS = {Answer.YES: "yes", Answer.NO: "NO", Answer.UNKNOWN: "not certain"}


def fields_of(here: Desk, reference: str) -> ThreeFields | None:
    """The three fields of a case; ``None`` of one that is closed, or locked."""
    try:
        here.keys[1].must_be_unlocked(case_stream(reference))
    except Locked:
        return None
    story = story_of(here.store.read_case(reference), reference, here.law)
    return three_fields(story, now()) if story.path.state.closed is None else None


def fields_table(fields: ThreeFields) -> Table:
    """The three fields side by side."""
    where = f"in {fields.country} " if fields.country is not None else ""
    title = f"The person {where}on {fields.on}: three fields, never one"
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
