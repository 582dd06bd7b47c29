"""``safeconduct record``, ``correct``, ``assign``, ``handover``: what happens to a case, written into its log."""

import inspect
from datetime import date
from typing import Annotated, Any

import typer

from domain.case import Assigned
from domain.errors import NotFound, NotUnderstood
from domain.events import ROOMS, Corrected, Past, Receipt
from domain.facts import Fact, Occurred
from domain.intake import make_fact
from domain.needs import need_id
from domain.references import phase_of
from domain.room import EventNoted, StepDone, kind_of
from domain.slips import must_be_known, must_be_looked_at_soon, must_make_sense
from domain.story import route
from runtime import forms, safety, screen
from runtime.cases import story_of
from runtime.desk import Desk, at_desk, run
from runtime.settings import now

Case = Annotated[str, typer.Argument(help="reference or nickname")]
As = Annotated[str | None, typer.Option("--as", help="who records it; $SAFECONDUCT_STAFF if left out")]

record_app = typer.Typer(help="Record a decision or a report. Without a kind it asks step by step.")


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line; each kind is one of ``record``."""
    app.add_typer(record_app, name="record")
    for panel, kinds in forms.recordable().items():
        for kind in kinds:
            record_app.command(kind_of(kind), rich_help_panel=panel)(_command_for(kind))
    for command in (correct, assign, handover):
        app.command()(command)


@record_app.callback(invoke_without_command=True)
def record(context: typer.Context, case: Case, staff: As = None) -> None:
    """Record a decision or a report. Without a kind it asks step by step."""
    context.obj = (case, staff)
    if context.invoked_subcommand is None:
        _record_by_asking(at_desk(staff), case)


def _record_by_asking(here: Desk, case: str) -> None:
    reference = here.find(case)
    for panel, facts in forms.recordable().items():
        print(f"\n{panel}")
        for fact in facts:
            print(f"  {kind_of(fact):26} {(inspect.getdoc(fact) or '').splitlines()[0]}")
    fact_type = forms.kind_named(forms.ask("\nwhat has happened, or was decided?", None))
    recorded = forms.fact_from(fact_type, forms.ask_fields(fact_type, forms.ask))
    phase = forms.ask("phase", None) if kind_of(fact_type) == "acknowledged" else None
    when = forms.ask("when? (2024-05-31, ~2024-05, 2024-05-01..2024-05-31; empty for now)", "")
    note = forms.ask("note, for the case's circle alone", "")
    _record(here, reference, recorded, when=when or None, note=note or None, in_phase=phase)


def _record(
    here: Desk,
    reference: str,
    fact: Fact,
    *,
    when: str | None = None,
    learned: str | None = None,
    note: str | None = None,
    in_phase: str | None = None,
    in_country: str | None = None,
) -> None:
    occurred = Occurred.parse(when) if when is not None else Occurred.at_instant(now().replace(second=0, microsecond=0))
    must_make_sense(fact, occurred)
    must_be_looked_at_soon(fact, occurred)
    past = make_past(here.staff, fact, occurred, learned, in_phase, in_country)
    if isinstance(fact, EventNoted | StepDone):
        _must_be_waited_for(here, reference, past)
    receipt = run(here.record(reference, past, note))
    _tell(here, reference, receipt)
    for name in safety.not_at_the_desk(here, fact):
        print(f"{name} is not at the desk, and is passed over until then: safeconduct desk add {name}")
    if safety.has_words_to_keep(here, reference, fact):
        print(f"No link is made yet; {safety.NOT_KEPT}")


def _must_be_waited_for(here: Desk, reference: str, past: Past) -> None:
    """Return if the phase that it goes to waits for a noted event, or for a step that was done.

    Raises:
        NotUnderstood: no rule and no duty there knows it.
    """
    story = story_of(here.store.read_case(reference), reference, here.law)
    way = route(story.path.state, reference, past)
    if (parts := phase_of(way.stream)) is not None:
        # the room that the report opens has no rules yet: it gets those of today
        rules = here.law.for_phase(way.opens.country, parts[0]) if way.opens is not None else story.rules(way.stream)
        must_be_known(past.fact, ROOMS[parts[0]], rules)


def make_past(
    staff: str, fact: Fact, occurred: Occurred, learned: str | None, phase: str | None, country: str | None
) -> Past:
    """What a person typed, as one thing that happened."""
    try:
        learned_on = date.fromisoformat(learned) if learned is not None else now().date()
        return Past(
            fact=fact,
            occurred=occurred,
            learned_on=learned_on,
            actor=staff,
            phase=forms.phase_named(phase),
            country=country,
        )
    except ValueError:
        raise NotUnderstood("write --learned as 2024-05-31, and --in as a country code such as KZ") from None


def _tell(here: Desk, reference: str, receipt: Receipt) -> None:
    for one in receipt.accepted:
        print(f"Recorded: {one.kind} ({screen.phase_of_stream(one.stream)}, event {str(one.event_id)[:8]})")
        if one.kind in ("need-noted", "todo-set"):
            print(f"  its id: {need_id(one.kind, one.version)}")
        if one.outside_path is not None:
            print(f"  outside the path: {one.outside_path}")
        if one.kind == "dates-moved":
            event = next(event for event in here.store.read(one.stream) if event.event_id == one.event_id)
            print(f"  {screen.what(event)}")
    if (coming := here.board.next_duty(reference, now())) is not None:
        print(f"Next: {screen.day(coming.due)} {coming.title}")


def _command_for(fact_type: type[Fact]) -> Any:
    """The subcommand of one kind: its options are its fields."""

    def command(context: typer.Context, **typed: Any) -> None:
        case, staff = context.obj
        common = {name: typed.pop(name) for name in ("when", "learned", "note", "in_phase", "in_country")}
        here = at_desk(typed.pop("staff") or staff)
        _record(here, here.find(case), forms.fact_from(fact_type, typed), **common)

    common = [
        forms.option(
            "when", "--on", "when: 2024-05-31, ~2024-05, 2024-05-01..2024-05-31, or with an hour; now if left out"
        ),
        forms.option("learned", "--learned", "the day on which you learned of it; today if left out"),
        forms.option("note", "--note", "a free note, for the case's circle alone"),
        forms.option("in_phase", "--phase", "the phase, for kinds that belong to every phase"),
        forms.option("in_country", "--in", "the country, for a report that opens a stay in it or is about a former"),
        forms.option("staff", "--as", "who records it; $SAFECONDUCT_STAFF if left out"),
    ]
    return forms.command_of(fact_type, command, common)


def correct(
    case: Case,
    event: Annotated[str, typer.Argument(help="id of the event, or how it begins")],
    reason: Annotated[str, typer.Option(help="mistyped, misheard, wrong-case, later-evidence or never-happened")],
    on: Annotated[str | None, typer.Option("--on", help="when it happened instead")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="field=value, once for each field that was wrong")
    ] = None,
    retract: Annotated[bool, typer.Option("--retract", help="it did not happen at all")] = False,
    note: Annotated[str | None, typer.Option(help="a free note, for the case's circle alone")] = None,
    staff: As = None,
) -> None:
    """Correct an event. The old one stays in the log; every date that moves is announced."""
    here = at_desk(staff)
    reference = here.find(case)
    wrong = here.event(reference, event)
    if retract == bool(on or change):
        raise NotUnderstood("say what was true instead (--on, --set field=value), or --retract if it did not happen")
    fields: dict[str, Any] = {
        "event": wrong.event_id,
        "reason": reason,
        "occurred": Occurred.parse(on) if on is not None else None,
        "replacement": _changed(wrong.fact, change) if change else None,
    }
    if not retract:
        true, when = fields["replacement"] or wrong.fact, fields["occurred"] or wrong.occurred
        must_make_sense(true, when)
        must_be_looked_at_soon(true, when)
        if isinstance(true, EventNoted | StepDone) and change and (parts := phase_of(wrong.stream)) is not None:
            story = story_of(here.store.read_case(reference), reference, here.law)
            must_be_known(true, ROOMS[parts[0]], story.rules(wrong.stream))
    correction = make_fact(Corrected, {name: value for name, value in fields.items() if value is not None})
    _tell(here, reference, run(here.correct(reference, wrong.stream, correction, note)))


def _changed(fact: Fact, changes: list[str]) -> Fact:
    fields = dict(part.partition("=")[::2] for part in changes)
    unknown = fields.keys() - forms.fields_of(type(fact)).keys()
    if unknown:
        raise NotUnderstood(
            f"{fact.kind} has no such field; it has: {', '.join(forms.fields_of(type(fact))) or 'none'}"
        )
    return make_fact(type(fact), {**fact.model_dump(exclude={"kind"}), **fields})


def assign(case: Case, staff: Annotated[str, typer.Argument(help="who is responsible from now on")]) -> None:
    """Make a staff member responsible for a case."""
    here = at_desk()
    _record(here, here.find(case), make_fact(Assigned, {"coordinator": staff}))


def handover(
    from_: Annotated[str, typer.Argument(metavar="STAFF", help="who gives")],
    to: Annotated[str, typer.Argument(metavar="STAFF", help="who takes")],
) -> None:
    """Hand all open cases of one staff member over to another."""
    here = at_desk()
    found = here.board.cases_of(from_)
    if not found:
        raise NotFound(f"{from_} is responsible for no open case")
    fact = make_fact(Assigned, {"coordinator": to})
    for reference in found:
        occurred = Occurred.at_instant(now().replace(second=0, microsecond=0))
        run(here.record(reference, make_past(here.staff, fact, occurred, None, None, None)))
        print(f"{reference}: {to} is responsible")
