"""The coordinators' command line: ``safeconduct``. Without arguments: what needs a human now."""

import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from typer.exceptions import Abort, Exit, TyperException

from domain.case import Stage
from domain.errors import NotFound, NotUnderstood, SafeconductError
from domain.intake import intake_from
from domain.watching import is_watch
from records.board import SHOWN, Wanted
from records.errors import StoreError
from runtime import (
    check_in,
    colleagues,
    countries,
    deadline,
    duplicates,
    erasing,
    explaining,
    fields,
    forms,
    grounds,
    journey,
    ledger,
    recording,
    relocating,
    restoring,
    rules,
    safety,
    screen,
    secrecy,
    simulating,
    stay,
)
from runtime.desk import NEVER_BEGAN, Desk, as_json, at_desk, read_intake_file, run
from runtime.ending import leave
from runtime.progress import progress
from runtime.settings import Settings, now

app = typer.Typer(
    name="safeconduct",
    help="Durable paths to safety for those who refused. Without a command: what needs a human now.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
AsJson = Annotated[bool, typer.Option("--json", help="for a program to read")]
Case = Annotated[str, typer.Argument(help="reference or nickname")]


def show(table: object) -> None:
    screen.console().print(table)


@app.callback(invoke_without_command=True)
def needs(context: typer.Context, json: AsJson = False) -> None:
    """What needs a human now, oldest danger first."""
    if context.invoked_subcommand is not None:
        return
    here, moment = at_desk(), now()
    found = here.board.needs_a_human(moment, None if json else SHOWN)
    if json:
        rows = [
            {**need.duty.model_dump(), "coordinator": need.coordinator, "overdue": need.is_overdue} for need in found
        ]
        print(as_json(rows))
    elif not found:
        print("Nothing needs a human now. The next dates: safeconduct duties --within 30d")
    else:
        show(screen.needs_table(found, here.names_shown({need.duty.reference for need in found}), moment))
        _say_how_many(len(found), here.board.number_of_needs, "`safeconduct --json` has all")
        print("Take one in hand: safeconduct record CASE acknowledged --phase PHASE --duty DUTY (see `duties CASE`)")
        if any(is_watch(need.duty.stream) for need in found):
            print("Of a country: safeconduct country COUNTRY acknowledged --duty DUTY (see `country COUNTRY`)")
    if not json and (reminder := duplicates.reminder(here, moment)) is not None:
        print(reminder)


@app.command()
def start(file: Annotated[Path | None, typer.Argument(help="intake file; without one it asks")] = None) -> None:
    """Start a case."""
    here = at_desk()
    if file is not None:
        content, intake = read_intake_file(file)
    else:
        intake = intake_from(_ask_intake(here.staff))
        content = uuid4().bytes
    reference, receipt = run(here.take_in(content, intake))
    print(f"{reference} {'has begun' if receipt is not None else 'had begun already: nothing was changed'}")
    print(f"Next: safeconduct status {reference}")


def _ask_intake(staff: str) -> dict[str, Any]:
    """Ask for what an intake file holds."""
    print("Nothing is written before the last answer. An empty answer leaves a field out.")
    scopes = "embassy:entry:existence+identity+story,vetter:vetting:identity+story"
    answers: dict[str, Any] = {
        "nickname": forms.ask("nickname, for you alone", None),
        "coordinator": forms.ask("coordinator", staff),
        "country": forms.ask("where is the person? (country code)", None).upper(),
        "since": forms.ask("since when do you know of the case? (2024-05-31)", str(now().date())),
        "never_contact": _listed(forms.ask("states never to be contacted (codes, with commas)", "RU").upper()),
        "identity": {},
        "consent": {
            "language": forms.ask("language of the talk (code)", "ru"),
            "form": forms.ask("consent was given (written, spoken, signed-message, through-interpreter)", "spoken"),
            "scopes": _listed(forms.ask("consent covers (recipient:purpose:materials, with commas)", scopes)),
        },
    }
    return answers


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="intake files")],
    rejects: Annotated[Path, typer.Option(help="where to write which files were not taken, and why")] = Path(
        "rejects.tsv"
    ),
) -> None:
    """Import many intake files. Can be repeated: a file that was taken is not taken twice."""
    taken, refused = run(_import(at_desk(), files))
    print(f"{taken} taken, {len(files) - taken - len(refused)} known already, {len(refused)} not taken")
    if refused:
        rejects.write_text("".join(f"{file}\t{why}\n" for file, why in refused))
        raise SafeconductError(
            f"{len(refused)} files were not taken: {rejects} says why; mend them and import them again"
        )


async def _import(here: Desk, files: list[Path]) -> tuple[int, list[tuple[Path, str]]]:
    taken, refused = 0, list[tuple[Path, str]]()
    with progress("importing", len(files)) as done:
        for file in files:
            try:
                _, receipt = await here.take_in(*read_intake_file(file))
                taken += receipt is not None
            except SafeconductError as error:
                if error.code == "not-running":
                    raise
                refused.append((file, error.sentence.removeprefix(f"{file}: ")))
            done()
    return taken, refused


@app.command()
def cases(
    stage: Annotated[str | None, typer.Option(help="only at this stage")] = None,
    country: Annotated[str | None, typer.Option(help="only in this country")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="only with an overdue duty")] = False,
    every: Annotated[bool, typer.Option("--all", help="more than the first fifty")] = False,
    json: AsJson = False,
) -> None:
    """The list of cases, the oldest first. The first fifty are shown."""
    here, moment = at_desk(), now()
    if stage is not None and stage not in list(Stage):
        raise NotUnderstood(f"`--stage` is one of: {'; '.join(Stage)}")
    where, overdue_at = country.upper() if country is not None else None, moment if overdue else None
    wanted, is_whole = Wanted(stage, where, overdue_at), every or json
    found = here.board.list_cases(moment, wanted, None if is_whole else SHOWN)
    name = here.names_shown({one.case.reference for one in found}) if found else str
    if json:
        print(as_json([{**one.case.model_dump(), "nickname": name(one.case.reference)} for one in found]))
        return
    show(screen.cases_table(found, name))
    if not is_whole:
        _say_how_many(len(found), lambda: here.board.number_of_cases(wanted), "`--all` shows all")


@app.command()
def status(case: Case, json: AsJson = False) -> None:
    """Where a case stands, and what comes next."""
    here, moment = at_desk(), now()
    if erasing.show_stub(here, case, json=json):
        return
    reference = here.find(case)
    card, phases, duties = here.board.case(reference), here.board.phases(reference), here.board.duties(reference)
    if card is None:
        raise NotFound(NEVER_BEGAN)
    nickname, watched = here.names("status", reference)(reference), safety.shown(here, reference)
    three, words_kept = fields.fields_of(here, reference), here.vault.keeps_words(reference)
    if json:
        rows = {
            "phases": [one.model_dump() for one in phases],
            "duties": [one.model_dump() for one in duties],
            "safety": safety.as_row(watched, words_kept=words_kept) if watched is not None else None,
            "fields": three.model_dump(mode="json") if three is not None else None,
        }
        print(as_json({**card.model_dump(), "nickname": nickname, **rows}))
        return
    print(f"{reference}  {nickname}: {card.stage}, in {card.country}, since {card.opened_on}")
    print(f"Responsible: {card.coordinator or 'nobody'}")
    if card.missing_for_entry:
        print(f"The gate to entry is shut: {card.missing_for_entry}")
    for line in safety.lines(watched, moment, words_kept=words_kept) if watched is not None else ():
        print(line)
    if three is not None:
        show(fields.fields_table(three))
    show(screen.phases_table(phases))
    show(screen.duties_table(duties, lambda _: "", moment))


@app.command()
def timeline(case: Case, json: AsJson = False) -> None:
    """All that happened, with the ids that `correct` takes."""
    here = at_desk()
    if erasing.show_stub(here, case, json=json):
        return
    reference = here.find(case)
    events = here.events(reference, "timeline")
    if json:
        print(as_json([event.model_dump(mode="json") for event in events]))
    else:
        notes = here.vault.notes(reference)
        show(screen.timeline_table(events, lambda event: notes.get(event.note) if event.note else None))


@app.command()
def duties(
    case: Annotated[str | None, typer.Argument(help="reference or nickname; all cases if left out")] = None,
    within: Annotated[str | None, typer.Option(help="only what is due within so many days, such as 30d")] = None,
    country: Annotated[str | None, typer.Option(help="only of cases in this country")] = None,
    every: Annotated[bool, typer.Option("--all", help="more than the first fifty")] = False,
    json: AsJson = False,
    ics: Annotated[bool, typer.Option("--ics", help="as a calendar, with nothing of any case in it")] = False,
) -> None:
    """What must happen by when. Of all cases, the first fifty are shown."""
    if json and ics:
        raise NotUnderstood("a calendar is no JSON: leave out `--json` or `--ics`")
    here, moment = at_desk(), now()
    until = moment + _span(within) if within is not None else None
    where = country.upper() if country is not None else None
    reference = here.find(case) if case is not None else None
    is_whole = every or json or ics or reference is not None
    found = here.board.duties(reference, country=where, until=until, limit=None if is_whole else SHOWN)
    if ics:
        colleagues.print_calendar(here, found)
        return
    if json:
        print(as_json([duty.model_dump() for duty in found]))
        return
    name = here.names_shown({duty.reference for duty in found}) if found else str
    show(screen.duties_table(found, name, moment))
    if not is_whole:
        _say_how_many(len(found), lambda: here.board.number_of_duties(country=where, until=until), "`--all` shows all")


def _say_how_many(shown: int, in_all: Callable[[], int], rest: str) -> None:
    """A list that is cut off says so. One that is shorter need not be counted."""
    if shown == SHOWN and (number := in_all()) > shown:
        print(f"The first {shown} of {number}: {rest}.")


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})\s*([hdw])", text.strip())
    if match is None:
        raise NotUnderstood("write a span as 12h, 30d or 6w")
    return timedelta(hours=int(match[1]) * {"h": 1, "d": 24, "w": 168}[match[2]])


@app.command()
def notices(json: AsJson = False) -> None:
    """The notices that were written, and whether they were sent."""
    found = at_desk().board.notices()
    if json:
        print(as_json([notice.model_dump() for notice in found]))
    else:
        show(screen.notices_table(found))


@app.command()
def doctor(json: AsJson = False) -> None:
    """Look at server, records, keys, channels, clock, disk and versions, and say what to do."""
    from runtime.doctor import examine  # brings the engine's client along
    from runtime.findings import Verdict

    found = run(examine(Settings()))
    if json:
        print(as_json([asdict(one) for one in found]))
    else:
        for one in found:
            print(f"{one.verdict:5}{one.check:18}{one.found}")
            if one.do:
                print(f"{'':23}-> {one.do}")
    if any(one.verdict is Verdict.FAIL for one in found):
        raise Exit(1)


@app.command(hidden=True)
def up(
    demo: Annotated[bool, typer.Option("--demo", help="with the six fictional cases")] = False,
    workers: Annotated[int, typer.Option(min=1, max=16, help="worker processes")] = 1,
    free_ports: Annotated[bool, typer.Option("--free-ports", hidden=True, help="beside another installation")] = False,
) -> None:
    """Run engine, records and workers on this machine until Ctrl-C."""
    from runtime.local import up_and_running  # brings the engine's client along
    from worker import channel

    settings = Settings()
    up_and_running(settings, channel(settings), demo=demo, workers=workers, free_ports=free_ports)


@app.command(hidden=True)
def watchdog(
    every: Annotated[float | None, typer.Option("--round", hidden=True, min=0.1, help="seconds between rounds")] = None,
) -> None:
    """Watch records and engine from outside until told to stop (SIGINT, SIGTERM)."""
    from runtime.watchdog import ROUND_SECONDS, watch  # brings the engine's client along
    from worker import channel

    settings = Settings()
    asyncio.run(watch(settings, channel(settings), every or ROUND_SECONDS))


@app.command(hidden=True)
def decoder(
    port: Annotated[int, typer.Option(help="where it listens, on loopback")],
    ui: Annotated[str, typer.Option(help="the address of Temporal's UI")],
    namespace: Annotated[str, typer.Option(help="in which the cases run")] = "default",
) -> None:
    """Show Temporal's UI with cases readable, for who signs in, until told to stop (SIGINT, SIGTERM)."""
    from runtime.unsealing import decode  # brings the web server along

    asyncio.run(decode(Settings(), port, ui, namespace))


@app.command(hidden=True)
def pages(port: Annotated[int, typer.Option(help="where they listen, on loopback")]) -> None:
    """Serve check-in links, and what is due for staff on a phone, until told to stop (SIGINT, SIGTERM)."""
    from runtime.pages import serve_pages  # brings the web server along

    asyncio.run(serve_pages(Settings(), port))


# in the order in which --help lists them, after the commands above
for part in (
    recording,
    simulating,
    safety,
    check_in,
    grounds,
    journey,
    relocating,
    countries,
    colleagues,
    rules,
    explaining,
    stay,
    deadline,
    duplicates,
    secrecy,
    ledger,
    restoring,
    erasing,
):
    part.add_to(app)


def main() -> None:
    """Run the command line; every mistake is one line and exit code 1."""
    leave(_exit_code())


def _exit_code() -> int:
    try:
        ended = app(standalone_mode=False)
    except (Abort, EOFError, KeyboardInterrupt):
        return _say("stopped: nothing was recorded")
    except TyperException as error:
        return _say(_without_values(" ".join(error.format_message().split())))
    except (SafeconductError, StoreError) as error:
        return _say(str(error))
    except OSError as error:  # of the disk: what a command could do about it, it has done
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{(error.strerror or type(error).__name__).lower()}")
    return ended if isinstance(ended, int) else 0  # a raised Exit comes back as its code


def _without_values(sentence: str) -> str:
    """A sentence of the library, without what was typed: that may be a name in the wrong place."""
    sentence = re.sub(r"^Missing argument '([A-Za-z_]+)'\.", r"Missing argument \1: --help says what it is", sentence)
    sentence = re.sub(r"^Missing (command|option .*)\.$", r"Missing \1: --help says what there is", sentence)
    sentence = re.sub(r"^No such (command|option)\b.*", r"No such \1: --help lists them", sentence)
    if choice := re.fullmatch(r"(Invalid value for '-[^']*'): .* is not one of (.*)", sentence):
        return f"{choice[1]}: it is one of {choice[2]}"
    return re.sub(r" ?\((?!-)[^)]*\)|'(?!-)[^']*'", "", sentence)


def _say(sentence: str) -> int:
    print(f"safeconduct: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
