"""``safeconduct stay``: days used and left, the last lawful day, an overstay and a new entry. It needs no case."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from domain.deadlines import NOWHERE, Place
from domain.errors import NotUnderstood
from domain.rulebook import Country, StayLimit, load
from domain.stay_answers import Chance, Reckoning, days_in_words
from domain.stay_reckoning import LimitOn, reckon
from domain.stays import Constraint, Known, Limit, Stay
from runtime import law, screen
from runtime.dates import typed_date
from runtime.desk import as_json
from runtime.settings import Settings, now

NO_ADVICE = "A reckoning with its doubts, not legal advice: let a lawyer check before anyone relies on it."
_HOW = "write a stay as 2024-01-10..2024-03-01, or 2024-05-01.. without an exit"
_UNITS = {"d": "days", "m": "months", "y": "years"}


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command("stay")(stay)


def stay(
    stays: Annotated[
        list[str] | None, typer.Argument(help="every stay, planned ones too: 2024-01-10..2024-03-01, or 2024-05-01..")
    ] = None,
    country: Annotated[str | None, typer.Option(help="whose rulebook says the limits; or else say them here")] = None,
    where: Annotated[list[str] | None, typer.Option(help="a fact that the rulebook asks for: name=value")] = None,
    rolling: Annotated[list[str] | None, typer.Option(help="so many days in any so many: 90/180")] = None,
    per_entry: Annotated[list[str] | None, typer.Option(help="for each entry: 30 (days), 3m or 1y")] = None,
    reset: Annotated[str, typer.Option(help="whether leaving begins that anew: yes, no or unknown")] = "yes",
    calendar_year: Annotated[int | None, typer.Option(help="days in a calendar year")] = None,
    rolling_year: Annotated[int | None, typer.Option(help="days in any year")] = None,
    year: Annotated[int | None, typer.Option(help="days in a year, nobody knows which")] = None,
    absence: Annotated[int | None, typer.Option(help="whole days outside before a new entry")] = None,
    entry_day: Annotated[bool | None, typer.Option(help="whether the day of entry is a day of stay")] = None,
    exit_day: Annotated[bool | None, typer.Option(help="whether the day of exit is one")] = None,
    on: Annotated[str | None, typer.Option(help="another day than today")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """How long a stay is lawful: days used and left, last lawful day, overstay, and when a new entry is possible."""
    yearly = {"calendar-year": calendar_year, "rolling-year": rolling_year, "year": year, "absence": absence}
    typed = [*_rolling(rolling or ()), *_per_entry(per_entry or (), reset), *_plain(yearly)]
    if bool(typed) == (country is not None):
        raise NotUnderstood("give either `--country CODE`, or the limits themselves (such as `--rolling 90/180`)")
    if country is not None:
        if entry_day is not None or exit_day is not None:
            raise NotUnderstood("the rulebook says whether the days of entry and exit count: leave those options out")
        book = load(over=Settings().rules).must_have(country)
        facts = _facts(where or (), book)
        _show(_history(stays or (), book.place), _of(book, facts), _day(on, book.place), book, json=json)
    else:
        limit = Limit(constraints=tuple(typed), entry_day_counts=_known(entry_day), exit_day_counts=_known(exit_day))
        _show(_history(stays or (), NOWHERE), lambda _: limit, _day(on, NOWHERE), None, json=json)


def _of(country: Country, facts: dict[str, str]) -> LimitOn:
    """The country's limit for an entry on a day: each stay keeps the version of its entry."""
    return lambda day: country.stay_limit(day, **facts)


def _facts(texts: Iterable[str], country: Country) -> dict[str, str]:
    """What was typed, if the country's limits ask for it: anything else would be left aside in silence."""
    facts = dict(_fact(one) for one in texts)
    asked: dict[str, set[str]] = {}
    for limit in country.stay_limits:
        for name, values in limit.when.items():
            asked.setdefault(name, set()).update(values)
    if any(value not in asked.get(name, ()) for name, value in facts.items()):
        known = "; ".join(f"{name}={' or '.join(sorted(values))}" for name, values in sorted(asked.items()))
        says = f"its limits of stay ask for {known}" if known else "its limits of stay ask for nothing: leave it out"
        raise NotUnderstood(f"the rulebook of {country.name} does not ask for this fact: {says}")
    return facts


def _fact(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise NotUnderstood("write a fact as name=value")
    return name, value


def _day(on: str | None, place: Place) -> date:
    return typed_date(on).earliest if on is not None else now().astimezone(place.zone).date()


def _known(counts: bool | None) -> Known:
    if counts is None:
        return "unknown"
    return "yes" if counts else "no"


# --- what was typed


def _history(texts: Iterable[str], place: Place) -> list[Stay]:
    return [_stay(text.strip(), place) for text in texts]


def _stay(text: str, place: Place) -> Stay:
    entered, dots, left = text.partition("..")
    if not dots or not entered or ".." in left:
        raise NotUnderstood(f"{_HOW}; where a date is not certain, 2024-01-10/2024-01-15..2024-03")
    try:
        return Stay.local(typed_date(entered), typed_date(left) if left else None, place)
    except ValidationError as error:
        raise _in_one_line(error) from None


def _rolling(texts: Iterable[str]) -> Iterator[Constraint]:
    for text in texts:
        amount, _, window = text.partition("/")
        if not amount.isdecimal() or not window.isdecimal():
            raise NotUnderstood("write a rolling limit as 90/180: so many days in any so many")
        yield _constraint(kind="rolling", amount=int(amount), window=int(window))


def _per_entry(texts: Iterable[str], reset: str) -> Iterator[Constraint]:
    if reset not in get_args(Known):
        raise NotUnderstood("`--reset` is yes, no or unknown")
    for text in texts:
        amount, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "d")
        if not amount.isdecimal():
            raise NotUnderstood("write a limit for each entry as 30 (days), 3m (months) or 1y (years)")
        yield _constraint(kind="per-entry", amount=int(amount), unit=_UNITS[unit], reset=reset)


def _plain(amounts: dict[str, int | None]) -> Iterator[Constraint]:
    for kind, amount in amounts.items():
        if amount is not None:
            yield _constraint(kind=kind, amount=amount)


def _constraint(**fields: Any) -> Constraint:
    try:
        return Constraint(**fields)
    except ValidationError as error:
        raise _in_one_line(error) from None


def _in_one_line(error: ValidationError) -> NotUnderstood:
    first = error.errors(include_url=False)[0]
    if first["type"] == "value_error":
        return NotUnderstood(first["msg"].removeprefix("Value error, "))
    return NotUnderstood("an amount or a window is a number of days from 1 to 9999")


# --- what is shown


def _show(history: list[Stay], limit_on: LimitOn, on: date, country: Country | None, *, json: bool) -> None:
    found = reckon(history, limit_on, on)
    limits = _limits(history, found, limit_on)
    if json:
        print(as_json(_as_json(found, country, limits)))
        return
    console = screen.console()
    for line in _head(found, country):
        console.print(escape(line))
    for table in (_answers(found), _list("How it was counted", found.lines), _list("Doubts", found.doubt)):
        if table.row_count:
            console.print(table)
    if limits:
        console.print(_rules(limits))
    console.print(NO_ADVICE)


def _limits(history: list[Stay], found: Reckoning, limit_on: LimitOn) -> list[StayLimit]:
    """The versions of the rulebook that were held against the stays, each once."""
    days = [day for one in history for day in (one.entered.earliest, one.entered.latest)]
    days += [one.entry for one in (found.next_entry, found.full_stay) if one] or [found.on]
    held = {id(limit): limit for limit in map(limit_on, sorted(days)) if isinstance(limit, StayLimit)}
    return list(held.values())


def _head(found: Reckoning, country: Country | None) -> Iterator[str]:
    where = f" in {country.name}" if country is not None else ""
    if found.stay is None:
        yield f"On {found.on}{where}: no present or planned stay"
        left = "not known" if found.days_left is None else days_in_words(found.days_left)
        yield f"  An entry on that day would give: {left}"
    else:
        how = "present" if found.present else "planned"
        yield f"On {found.on}{where}: {how} stay, {_told(found.stay)}"
        if found.days_left is None:
            yield "  Last lawful day: not known"
        else:
            last = found.last_day or "none: this entry was not possible"
            yield f"  Last lawful day: {last}"
            after = f" after {found.on}" if found.present else ""
            yield f"  Days left{after}: {found.days_left}"
    yield from _overstays(found)
    yield from _entries(found)


def _told(one: Stay) -> str:
    return f"{one.entered} to {one.left}" if one.left is not None else f"since {one.entered}"


def _overstays(found: Reckoning) -> Iterator[str]:
    if not found.overstays:
        is_known = found.stay is None or found.days_left is not None
        yield f"  Overstay: {'none' if is_known else 'not known'}"
    for one in found.overstays:
        when = "would begin" if one.since > found.on else "since"
        sure = "" if one.certain_since == one.since else f"; certain since {one.certain_since}"
        sure = sure if one.certain_since else "; not certain"
        how_long = f"{days_in_words(one.days)}, until {one.until}"
        yield f"  OVERSTAY of the stay from {one.entered}: {when} {one.since} ({how_long}{sure})"


def _entries(found: Reckoning) -> Iterator[str]:
    if found.days_left is None:
        return
    leaving = f", having left on {found.leaves}" if found.leaves is not None and found.leaves >= found.on else ""
    yield f"  Earliest new entry{leaving}: {_chance(found.next_entry)}"
    yield f"  First day of a full new stay: {_chance(found.full_stay)}"


def _chance(chance: Chance | None) -> str:
    if chance is None:
        return "none found"
    return f"{chance.entry}, for {days_in_words(chance.days)}, until {chance.last_day}"


def _answers(found: Reckoning) -> Table:
    table = screen.plain_table(
        "Limits: all must hold", "Limit", "Used", "Of", "Window from", "Last lawful day", "Binds"
    )
    for one in found.answers:
        last = "no end" if one.unlimited else str(one.last_day or "not possible")
        says = f"{one.says}{' (doubtful)' if one.doubtful else ''}"
        used = str(one.used) if one.begins is not None else ""
        table.add_row(escape(says), used, str(one.of), str(one.begins or ""), last, "yes" if one.binds else "")
    return table


def _list(title: str, lines: Iterable[str]) -> Table:
    table = screen.plain_table(title, "")
    for line in lines:
        table.add_row(escape(line))
    return table


def _rules(limits: list[StayLimit]) -> Table:
    table = screen.plain_table("Rules", "What", "Says", "Holds", "How sure", "Source")
    for one in limits:
        what, says = law.words_of(one)
        more = [f"note: {one.note}"] if one.note else []
        said = "\n".join([says, *more, *(f"others say: {other.says}" for other in one.contested)])
        pages = "\n".join(source.url for source in one.sources)
        sure = f"{one.confidence}, {one.verified}"
        table.add_row(escape(f"{what}\n{one.id}"), escape(said), law.holds(one), sure, escape(pages))
    return table


def _as_json(found: Reckoning, country: Country | None, limits: list[StayLimit]) -> dict[str, Any]:
    rows = asdict(found)
    rows["stay"] = found.stay.model_dump(mode="json") if found.stay is not None else None
    overstay = asdict(found.overstay) if found.overstay is not None else None
    more = {
        "overstay": overstay,
        "reckoning": list(found.lines),
        "rules": [one.model_dump(mode="json") for one in limits],
    }
    return {"country": country.code if country is not None else None, **rows, **more, "says": NO_ADVICE}
