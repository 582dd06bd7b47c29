"""``safeconduct alert`` and ``safeconduct country``: what is told of a country, whom it has reached, who is silent."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from time import monotonic, sleep
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from domain.alerts import Exposure, short
from domain.country import Alert, AlertEnded, AlertRaised, Country, RiskSet, RuleChangeAnnounced, RuleChangeInForce
from domain.danger import Risk
from domain.errors import NotFound, NotUnderstood
from domain.events import Receipt
from domain.facts import Fact, Occurred
from domain.room import Acknowledged, kind_of
from domain.stream import Ledger
from domain.watching import country_stream, country_typed, empty_watch
from records.alerts import Members, Unanswered
from records.board import SHOWN
from runtime import forms, screen
from runtime.desk import Desk, as_json, at_desk, run
from runtime.progress import progress
from runtime.settings import NotRunning, now

PATIENCE_SECONDS = 60.0
"""How long nothing may move while an alert is spread before the command stops watching. It goes on by itself."""

LOOK_SECONDS = 0.1

FEWEST_DIGITS = 4
"""Of an id that is typed: what is shorter is a slip, and must not end the one alert that there is."""


class _CountryThenOption(TyperGroup):
    """``country KZ --json`` works as everywhere: a group's own options would have to come first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args[::-1] if args[1:] == ["--json"] else args)


country_app = typer.Typer(
    cls=_CountryThenOption, help="What is known of a country: its risk, alerts, and changes of the law to come."
)

CountryCode = Annotated[str, typer.Argument(metavar="COUNTRY", help="code of two letters")]
As = Annotated[str | None, typer.Option("--as", help="who says it; $SAFECONDUCT_STAFF if left out")]
AsJson = Annotated[bool, typer.Option("--json", help="for a program to read")]


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    app.command()(alert)
    app.add_typer(country_app, name="country")


def alert(
    country: CountryCode,
    source: Annotated[str | None, typer.Option(help="where it comes from: an address, or a few words")] = None,
    level: Annotated[str | None, typer.Option(help=f"the risk is raised to this: {', '.join(Risk)}")] = None,
    within: Annotated[int | None, typer.Option(help="hours within which each is asked for a sign of safety")] = None,
    region: Annotated[str | None, typer.Option(help="only there, such as KZ-ALA")] = None,
    concerns: Annotated[
        str | None, typer.Option(help=f"whom it concerns, with commas: {', '.join(Exposure)}; everybody if left out")
    ] = None,
    until: Annotated[str | None, typer.Option(help="the last day on which it reaches who arrives")] = None,
    end: Annotated[str | None, typer.Option(help="end an alert, by its id or how that begins")] = None,
    show: Annotated[bool, typer.Option("--show", help="the alerts in force, and who has not answered")] = False,
    staff: As = None,
    json: AsJson = False,
) -> None:
    """Tell every open case in a country that it has become dangerous there, and see who answers."""
    code = country_typed(country)
    fields: dict[str, Any] = {
        "source": source,
        "level": level,
        "within_hours": within,
        "region": region,
        "concerns": [concerns] if concerns is not None else None,
        "until": until,
    }
    if any(value is not None for value in fields.values()) + (end is not None) + show != 1:
        raise NotUnderstood("raise an alert (--source, --level, --within), --end one, or --show those in force")
    here = at_desk(staff)
    if show:
        _show_alerts(here, code, json=json)
    elif end is not None:
        _end(here, code, end)
    else:
        _raise(here, code, _alert_from(fields))


def _alert_from(fields: Mapping[str, Any]) -> AlertRaised:
    try:
        return AlertRaised.model_validate(forms.fact_from(AlertRaised, dict(fields)).model_dump())
    except NotUnderstood as error:
        raise NotUnderstood(error.sentence.replace("--within-hours", "--within")) from None


def _raise(here: Desk, code: str, fact: AlertRaised) -> None:
    _must_make_sense(here, code)
    members = Members(here.database)
    receipt = run(here.tell(country_stream(code), fact))
    _tell(receipt)
    raised = receipt.accepted[0].event_id
    later = _watch(here, code, raised, lambda: (members.reached_there(raised, code), members.number(code)))
    print(f"It has reached {members.reached_there(raised, code)} open cases in {code}{later}.")
    print(f"Who has not answered: safeconduct alert {code} --show")


def _end(here: Desk, code: str, typed: str) -> None:
    alert_id = _named((one.id for one in _state(here, code).in_force), typed, f"alert {code} --show")
    members = Members(here.database)
    held = members.reached_there(alert_id, code)
    _tell(run(here.tell(country_stream(code), AlertEnded(alert=alert_id))))
    later = _watch(here, code, alert_id, lambda: (held - members.reached_there(alert_id, code), held))
    print(f"Nobody is asked to answer it any more{later}. Where it has raised the risk, a person lowers it again.")


def _watch(here: Desk, code: str, alert_id: UUID, look: Callable[[], tuple[int, int]]) -> str:
    """Show how it spreads, until it has; what is to be said of those that do not run.

    Raises:
        NotRunning: nothing moves any more.
    """
    before, since = (-1, -1), monotonic()
    with progress("telling") as bar:
        while True:
            one = _state(here, code).alerts[alert_id]
            later = one.spread.begin_later if one.untold is None and one.spread is not None else 0
            done, total = found = look()
            bar.reach(done, total)
            if one.untold is None and done >= total - later:
                return f"; {later} do not run, and look as soon as they do" if later else ""
            if found != before:
                before, since = found, monotonic()
            if monotonic() - since > PATIENCE_SECONDS:
                raise NotRunning(f"recorded, and {done} of {total} cases have it: the others as soon as they run again")
            sleep(LOOK_SECONDS)


def _must_make_sense(here: Desk, code: str) -> None:
    """Return if this may be a country.

    Raises:
        NotUnderstood: no rulebook knows it, and nobody is there.
    """
    if code not in {one.code for one in here.files.countries} and not Members(here.database).number(code):
        raise NotUnderstood(f"no rulebook knows {code}, and no open case is there: is this the right code?")


def _state(here: Desk, code: str) -> Country:
    return _ledger(here, code).state


def _ledger(here: Desk, code: str) -> Ledger[Country]:
    return empty_watch(code).plus(here.store.read(country_stream(code)))


def _named(known: Iterable[UUID], typed: str, listed_by: str) -> UUID:
    """The one of these whose id begins like this.

    Args:
        known: the ids.
        typed: how one of them begins.
        listed_by: the command that lists them.

    Raises:
        NotUnderstood: this is not how an id begins, or too little of it.
        NotFound: there is none, or more than one.
    """
    begins = typed.strip().lower().replace("-", "")
    if not re.fullmatch(f"[0-9a-f]{{{FEWEST_DIGITS},32}}", begins):
        raise NotUnderstood(f"type at least {FEWEST_DIGITS} digits of its id: `safeconduct {listed_by}` lists them")
    found = [one for one in known if one.hex.startswith(begins)]
    if len(found) != 1:
        raise NotFound(f"there is none of this id here: `safeconduct {listed_by}` lists them")
    return found[0]


def _tell(receipt: Receipt) -> None:
    for one in receipt.accepted:
        print(f"Recorded: {one.kind} ({screen.phase_of_stream(one.stream)}, event {str(one.event_id)[:8]})")
        if one.outside_path is not None:
            print(f"  outside the path: {one.outside_path}")


def _show_alerts(here: Desk, code: str, *, json: bool) -> None:
    alerts, members = _state(here, code).in_force, Members(here.database)
    reached, silent = members.reached([one.id for one in alerts]), members.unanswered([one.id for one in alerts])
    if json:
        rows = [{**_row(one), "reached": reached.get(one.id, 0)} for one in alerts]
        print(as_json({"country": code, "alerts": rows, "unanswered": [asdict(one) for one in silent]}))
    elif not alerts:
        print(f"No alert is in force in {code}.")
    else:
        waiting = Counter(one.alert for one in silent)
        screen.console().print(_alerts_table(alerts, reached, waiting))
        if silent:
            screen.console().print(_silent_table(here, silent[:SHOWN]))
        if len(silent) > SHOWN:
            print(f"The first {SHOWN} of {len(silent)}: `--json` has all.")


def _row(one: Alert) -> dict[str, object]:
    return {"id": str(one.id), **one.model_dump(mode="json", include={"raised_at", "raised_by"}), **_fact(one.fact)}


def _fact(fact: Fact) -> dict[str, object]:
    return fact.model_dump(mode="json", exclude={"kind"})


def _alerts_table(alerts: Iterable[Alert], reached: Mapping[UUID, int], waiting: Mapping[str, int]) -> Table:
    columns = ("Alert", "Since", "Risk", "Where", "Whom", "Within", "Until", "Reached", "Silent", "Source")
    table = screen.plain_table("Alerts in force", *columns)
    for one in alerts:
        fact, number = one.fact, str(reached.get(one.id, 0))
        table.add_row(
            short(one.id)[:8],
            screen.day(one.raised_at),
            str(fact.level),
            fact.region or "everywhere",
            ", ".join(fact.concerns) or "everybody",
            f"{fact.within_hours} h",
            str(fact.until or ""),
            number if one.untold is None else f"{number}, goes on",
            str(waiting.get(str(one.id), 0)),
            escape(fact.source),
        )
    return table


def _silent_table(here: Desk, silent: Sequence[Unanswered]) -> Table:
    name = here.names_shown({one.reference for one in silent})
    table = screen.plain_table("Who has not answered", "Since", "Case", "Who", "Alert")
    for one in silent:
        case = f"{one.reference} {escape(name(one.reference))}"
        table.add_row(screen.day(one.since), case, one.coordinator or "nobody", one.alert[:8])
    return table


@country_app.callback(invoke_without_command=True)
def country(context: typer.Context, country: CountryCode, json: AsJson = False) -> None:
    """What is known of a country: its risk, alerts, and changes of the law to come. With a kind, record it."""
    context.obj = country_typed(country)
    if context.invoked_subcommand is not None:
        return
    here, moment = at_desk(), now()
    ledger = _ledger(here, context.obj)
    state, duties = ledger.state, here.board.duties(context.obj)
    if json:
        changes = [{"id": str(one.id), **_fact(one.fact)} for one in state.changes.values()]
        alerts = [_row(one) for one in state.in_force]
        head = {"country": context.obj, "risk": state.risk, "review_on": state.review_on}
        print(as_json({**head, "alerts": alerts, "changes": changes, "duties": [one.model_dump() for one in duties]}))
        return
    if not state.began:
        print(f"Nothing is recorded of {context.obj} yet.")
        return
    console = screen.console()
    console.print(f"{context.obj}: {state.headline()}", style="bold")
    if state.changes:
        table = screen.plain_table("Changes of the law to come", "Change", "In force on", "What", "Source")
        for one in state.changes.values():
            fact = one.fact
            table.add_row(short(one.id)[:8], str(fact.in_force_on), escape(fact.what), escape(fact.source))
        console.print(table)
    console.print(screen.duties_table(duties, here.names_shown({context.obj}), moment))


def _recorder(fact_type: type[Fact]) -> Callable[..., None]:
    """The subcommand of one kind: its options are its fields."""

    def command(context: typer.Context, **typed: Any) -> None:
        here = at_desk(typed.pop("staff"))
        _must_make_sense(here, context.obj)
        when = typed.pop("when")
        if typed.get("change") is not None:
            typed["change"] = str(_named(_state(here, context.obj).changes, typed["change"], f"country {context.obj}"))
        fact = forms.fact_from(fact_type, typed)
        occurred = Occurred.parse(when) if when is not None else None
        _tell(run(here.tell(country_stream(context.obj), fact, occurred)))

    common = [
        forms.option("when", "--on", "when: 2024-05-31, ~2024-05, or with an hour; now if left out"),
        forms.option("staff", "--as", "who records it; $SAFECONDUCT_STAFF if left out"),
    ]
    return forms.command_of(fact_type, command, common)


for _kind in (RiskSet, RuleChangeAnnounced, RuleChangeInForce, Acknowledged):
    country_app.command(kind_of(_kind))(_recorder(_kind))
