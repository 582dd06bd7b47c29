"""What two editions of the law say differently, item by item and field by field."""

from collections.abc import Iterator

from domain.facts import Frozen
from domain.rulebook.dated import Dated
from domain.rulebook.model import Country, Rulebook

_PROVENANCE = {"sources", "verified", "note", "contested", "layer", "corrects"}
"""Fields that say where an item comes from, and move no date."""


class Change(Frozen):
    """One version of one item that is new, gone, or says something else.

    Attributes:
        item: its id.
        valid_from: its first day, as text; empty when it has none.
        says: what has changed, in words.
        layer: the organisation's own file that the new one comes from, if it does.
    """

    item: str
    valid_from: str
    says: str
    layer: str | None = None


def compare(before: Rulebook, after: Rulebook) -> Iterator[Change]:
    """What the later edition says differently, by country and id. Only what can move a date or a duty."""
    codes = dict.fromkeys([one.code for one in (*before.countries, *after.countries)])
    for code in sorted(codes):
        old, new = (_versions(book.country(code)) for book in (before, after))
        for key in sorted(old.keys() | new.keys()):
            if says := _difference(old.get(key), new.get(key)):
                layer = new[key].layer if key in new else None
                yield Change(item=key[0], valid_from=key[1], says=says, layer=layer)


def _versions(country: Country | None) -> dict[tuple[str, str], Dated]:
    return {(one.id, str(one.valid_from or "")): one for one in country.items} if country is not None else {}


def _difference(before: Dated | None, after: Dated | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    old, new = (one.model_dump(mode="json", exclude=_PROVENANCE) for one in (before, after))
    fields = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return "; ".join(f"{name} {_plain(old.get(name))} -> {_plain(new.get(name))}" for name in fields)


def _plain(value: object) -> str:
    return "none" if value in (None, [], {}, "") else str(value)
