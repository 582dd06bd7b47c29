"""``safeconduct deadline``: counts a period as a law counts it. Needs no case, no installation, settings or keys."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from domain.clocks import Clock, Length, Reckoning, Standing, Standstill, Suspension
from domain.conventions import CONVENTIONS, FICTIONS, Convention, ServiceFiction, convention, fiction
from domain.deadlines import NOWHERE, Counting, Deadline, Place, Unit, check_period, in_words, named
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.rulebook import load
from domain.running import run
from domain.starts import deemed_served, earlier_of, later_of
from runtime.dates import typed_date
from runtime.desk import as_json

NO_ADVICE = "A reckoning, not legal advice: the date printed on a paper beats it, and counsel decides what applies."

_UNITS = {one.removesuffix("s").replace("-", " "): one for one in Unit}
_PERIOD = "write a period as `1 month`, `15 days`, `3 working days`, `48 hours`, `2 weeks` or `1 month end`"

Dates = list[str] | None


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command("deadline")(deadline)


def deadline(
    period: Annotated[list[str] | None, typer.Argument(help="such as: 1 month, 15 days, 48 hours")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="what starts the clock: a day, a range, an hour")] = None,
    convention_: Annotated[str | None, typer.Option("--convention", help="a law's way of counting, by name")] = None,
    conventions: Annotated[bool, typer.Option("--conventions", help="list them, with sources")] = False,
    at_most: Annotated[str | None, typer.Option(help="the longest, where only a band is known: `1 month`")] = None,
    country: Annotated[str | None, typer.Option(help="whose public holidays, as a code: FR")] = None,
    region: Annotated[str | None, typer.Option(help="a region with holidays of its own: Moselle, Bayern")] = None,
    zone: Annotated[str | None, typer.Option(help="where its days end: Europe/Paris")] = None,
    roll_over: Annotated[bool | None, typer.Option(help="an end on a day off moves to the next working day")] = None,
    first_day_counts: Annotated[bool | None, typer.Option(help="the day of the event is day one")] = None,
    free_days: Annotated[bool | None, typer.Option(help="neither the first nor the last day counts")] = None,
    two_working_days: Annotated[bool | None, typer.Option(help="two days or more hold two working days")] = None,
    earlier_than: Annotated[Dates, typer.Option("--earlier-of", help="another start: the earlier counts")] = None,
    later_than: Annotated[Dates, typer.Option("--later-of", help="another start: the later counts")] = None,
    served: Annotated[
        str | None, typer.Option(help="how it was served, by name: --from is what that begins with")
    ] = None,
    opened: Annotated[str | None, typer.Option(help="with --served: when it was opened or handed over")] = None,
    never_opened: Annotated[bool, typer.Option("--never-opened", help="with --served: certainly not opened")] = False,
    suspended: Annotated[Dates, typer.Option(help="`2024-02-10..2024-03-01`, or `2024-02-10..` while it lasts")] = None,
    restarted: Annotated[Dates, typer.Option(help="when it began anew in full")] = None,
    revived: Annotated[Dates, typer.Option(help="when it was revived after its end")] = None,
    extended: Annotated[Dates, typer.Option(help="by how much it was made longer: `2 weeks`")] = None,
    shortened: Annotated[Dates, typer.Option(help="by how much it was made shorter")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Count a period as a law counts it, and show the reckoning."""
    if conventions:
        _show_conventions(json=json)
        return
    law = convention(convention_) if convention_ is not None else None
    amount, unit = _length(" ".join(period or []))
    flags = {"rolls_over": roll_over, "first_day_counts": first_day_counts, "free_days": free_days}
    counting = _counting(law, unit, {**flags, "two_working_days": two_working_days})
    place = _place(law, country, region, zone)
    longest, longest_unit = _length(at_most) if at_most is not None else (None, None)
    fictional = fiction(served) if served is not None else None
    start = _start(from_, earlier_than, later_than, place)
    clock = Clock(
        start=_served(fictional, start, opened, place, never_opened=never_opened),
        amount=amount,
        unit=unit,
        counting=counting,
        at_most=longest,
        at_most_unit=longest_unit,
        extended=tuple(_by(one) for one in extended or ()),
        shortened=tuple(_by(one) for one in shortened or ()),
        suspensions=tuple(_suspension(one) for one in suspended or ()),
        restarts=tuple(_not_before(start, one) for one in restarted or ()),
        revivals=tuple(_not_before(start, one) for one in revived or ()),
    )
    found = _with_doubt(run(clock, place), law, fictional, place)
    if json:
        print(as_json(_row(clock, place, law, fictional, found)))
    else:
        print("\n".join(_lines(law, fictional, clock, found)))


def _length(text: str) -> tuple[int, Unit]:
    """A period as one types it."""
    match = re.fullmatch(r"\s*(\d{1,3})[\s-]+([a-z]+(?:[\s-][a-z]+)?)\s*", text.lower())
    unit = _UNITS.get(re.sub(r"[\s-]", " ", match[2]).removesuffix("s")) if match else None
    if match is None or unit is None:
        raise NotUnderstood(f"this is not a period: {_PERIOD}")
    return int(match[1]), Unit(unit)


def _by(text: str) -> Length:
    amount, unit = _length(text)
    check_period(amount)
    try:
        return Length(amount=amount, unit=unit)
    except ValidationError as error:
        raise NotUnderstood(_said(error)) from None


def _counting(law: Convention | None, unit: Unit, flags: dict[str, bool | None]) -> Counting:
    given = {name: value for name, value in flags.items() if value is not None}
    if unit is Unit.HOURS:
        if any(given.values()):
            raise NotUnderstood("hours run to the minute and never move: leave the flags of days out")
        return Counting()
    try:
        return Counting.model_validate({**(law.counting.model_dump() if law else {}), **given})
    except ValidationError as error:
        raise NotUnderstood(_said(error)) from None


def _place(law: Convention | None, country: str | None, region: str | None, zone: str | None) -> Place:
    """The authority's place: what was typed, else the convention's, else nowhere in particular."""
    code = country.upper() if country else (law.country if law else None)
    if code is None:
        if region is not None:
            raise NotUnderstood("a region lies in a country: add --country, such as --country FR")
        return _checked(country=NOWHERE.country, region=None, time_zone=zone or NOWHERE.time_zone)
    if not re.fullmatch("[A-Z]{2}", code):
        raise NotUnderstood("`--country` is a code of two letters, such as FR or DE")
    own = law.time_zone if law is not None and law.country == code else None
    return _checked(country=code, region=region, time_zone=zone or own or _zone_of(code))


def _checked(**fields: Any) -> Place:
    try:
        return Place.model_validate(fields)
    except ValidationError as error:
        names = _regions(fields["country"]) if fields["region"] else []
        known = f"; its regions are {', '.join(names)}" if names and "region" in _said(error) else ""
        raise NotUnderstood(f"{_said(error)}{known}") from None


def _regions(country: str) -> list[str]:
    import holidays

    try:
        calendar = holidays.country_holidays(country)
    except NotImplementedError:
        return []
    names = calendar.get_subdivision_aliases()
    return [max(names.get(code, ()), key=len, default=code) for code in calendar.subdivisions]


def _zone_of(country: str) -> str:
    """The time zone of a country that has one, or the one that a convention or its rulebook has."""
    if law := next((one for one in CONVENTIONS if one.country == country), None):
        return str(law.time_zone)
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    zones = [line.split("\t")[2] for line in table.splitlines() if line.startswith(f"{country}\t")]
    if len(zones) == 1:
        return zones[0]
    if known := next((one for one in load().countries if one.code == country), None):
        return known.place.time_zone
    which = f"such as {', '.join(zones[:4])}" if zones else "such as Europe/Paris"
    raise NotUnderstood(f"say in which time zone its days end: --zone, {which}")


def _start(text: str | None, earlier: Dates, later: Dates, place: Place) -> Occurred:
    if text is None:
        raise NotUnderstood("say what starts the clock: --from 2024-05-31")
    if earlier and later:
        raise NotUnderstood("a clock starts with the earlier or with the later of its events: leave one out")
    first, others = typed_date(text), [typed_date(one) for one in earlier or later or ()]
    return (earlier_of if earlier else later_of)(first, *others, place=place) or first


def _served(
    how: ServiceFiction | None, begun: Occurred, opened: str | None, place: Place, *, never_opened: bool
) -> Occurred:
    if how is None:
        if opened is not None or never_opened:
            raise NotUnderstood("--opened and --never-opened belong to --served: name the means")
        return begun
    if opened is not None and never_opened:
        raise NotUnderstood("it was opened or it never was: leave --opened or --never-opened out")
    when = _not_before(begun, opened) if opened is not None else None
    return deemed_served(how, begun, place, served=when, never_served=never_opened)


def _suspension(text: str) -> Suspension:
    since, dots, until = text.partition("..")
    if not dots:
        raise NotUnderstood("write a suspension as 2024-02-10..2024-03-01, or 2024-02-10.. while it lasts")
    begun, ended = typed_date(since), typed_date(until) if until.strip() else None
    if ended is not None and ended.latest < begun.earliest:
        raise NotUnderstood("a suspension ends before it begins: write the earlier date first")
    return Suspension(since=begun, until=ended)


def _not_before(start: Occurred, text: str) -> Occurred:
    event = typed_date(text)
    if event.latest < start.earliest:
        raise NotUnderstood(f"{event} lies before the start of the clock on {start}: look at both dates")
    return event


def _said(error: ValidationError) -> str:
    return "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors(include_input=False))


def _with_doubt(found: Reckoning, law: Convention | None, how: ServiceFiction | None, place: Place) -> Reckoning:
    """The result with the doubt of what it was counted by."""
    doubt = [*found.doubt, *(law.doubt if law else ())]
    if how is not None and how.amount is not None and any(one.startswith("the start lies between") for one in doubt):
        doubt.append(f"whether it was served earlier is not known ({how.unless}): say --opened DATE or --never-opened")
    if place == NOWHERE:
        doubt.append("no place is named: days end at midnight UTC here; say --country or --zone")
    return found.model_copy(update={"doubt": tuple(doubt)})


def _lines(law: Convention | None, how: ServiceFiction | None, clock: Clock, found: Reckoning) -> Iterator[str]:
    yield from _result(clock, found)
    yield from (f"Doubt: {one}" for one in found.doubt)
    yield "How it was counted:"
    if law is not None:
        yield f"  {law.name}: {law.words}"
    if how is not None:
        yield f"  {how.name}: {how.words}"
    yield from (f"  {line}" for line in found.reckoning)
    for one in (law, how):
        if one is not None:
            yield from _provenance(one)
    yield NO_ADVICE


def _result(clock: Clock, found: Reckoning) -> Iterator[str]:
    match found:
        case Deadline() if clock.unit is Unit.HOURS:
            yield f"Until {found.due:%Y-%m-%d %H:%M} UTC"
        case Deadline():
            yield f"Last day: {named(found.last_day)}"
        case Standing(because=Standstill.SUSPENDED):
            yield f"No date: it stands since {found.since}, with {found.left} left"
        case Standing():
            yield f"No date: {found.because.replace('-', ' ')}"
    if isinstance(found, Deadline) and found.latest is not None:
        yield f"By the latest reading it ends at {found.latest:%Y-%m-%d %H:%M} UTC: plan with the earlier one"


def _provenance(one: Convention | ServiceFiction) -> Iterator[str]:
    yield f"Sources of {one.name} (confidence {one.confidence}, read on {one.verified}):"
    for source in one.sources:
        seen = f"; as at {source.seen}" if source.seen else ""
        yield f"  {source.url}{f' - {source.cites}' if source.cites else ''}{seen}"
    yield from (f"  Note: {note}" for note in one.notes)


def _row(
    clock: Clock, place: Place, law: Convention | None, how: ServiceFiction | None, found: Reckoning
) -> dict[str, Any]:
    shown = found.model_dump(mode="json")
    return {
        "stands": isinstance(found, Standing),
        **({"due": None, "last_day": None, "latest": None} if isinstance(found, Standing) else {}),
        **shown,
        "period": in_words(clock.amount, clock.unit),
        "start": str(clock.start),
        "counting": clock.counting.model_dump(),
        "place": place.model_dump(),
        "convention": law.model_dump(mode="json") if law else None,
        "served": how.model_dump(mode="json") if how else None,
        "advice": NO_ADVICE,
    }


def _show_conventions(*, json: bool) -> None:
    if json:
        found = {"conventions": CONVENTIONS, "served": FICTIONS}
        print(as_json({kind: [one.model_dump(mode="json") for one in many] for kind, many in found.items()}))
        return
    print("Ways of counting, for --convention:")
    for law in CONVENTIONS:
        print("\n".join([f"\n{law.name}: {law.words}", *_provenance(law)]))
    print("\nFictions of service, for --served:")
    for how in FICTIONS:
        print("\n".join([f"\n{how.name}: {how.words}", *_provenance(how)]))
    print(f"\n{NO_ADVICE}")
