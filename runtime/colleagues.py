"""The commands about the people at the desk: who is called, how they are reached, and whose turn it is."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from domain.colleagues import Address, Colleague, Language, Role, Turn
from domain.duties import Urgency
from domain.errors import NotFound, NotUnderstood, Refused
from records.colleagues import Colleagues
from records.keyring import DESK
from records.keys import Purpose
from records.models import DutyRow
from records.persons import proves
from runtime import screen
from runtime.desk import Desk, as_json, at_desk, check_name
from runtime.keys import ask_new_passphrase, existing_ring
from runtime.settings import Settings, now

desk_app = typer.Typer(help="Who is called when something is due, by which channels, and whose turn it is.")

Name = Annotated[str, typer.Argument(help="their sign-in name")]

MOST_CHANNELS = 4
"""Of one person: each is tried in turn, within the time of one try."""


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    app.add_typer(desk_app, name="desk")


def _people(here: Desk) -> Colleagues:
    return Colleagues(here.database, here.keys[0])


def print_calendar(here: Desk, duties: Iterable[DutyRow]) -> None:
    """Duties as a calendar, its sentence in the language of whoever asks."""
    from activities.notifications.sentences import TEXTS
    from runtime.calendar import calendar

    language = next((one.language for one in _people(here).all() if one.name == here.staff), Language.ENGLISH)
    digest = here.keys[0].sealer(DESK, Purpose.DESK).digest
    sys.stdout.flush()
    # calendars are UTF-8 with their own ends of lines, whatever this terminal's are
    sys.stdout.buffer.write(calendar(duties, TEXTS[language][Urgency.ALARM], digest, now()).encode())


@desk_app.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="coordinator, second (called first after them), or desk")],
    channel: Annotated[
        list[str], typer.Option(help="how they are reached, as signal:+49… or email:…; once for each, in order")
    ],
    language: Annotated[Language, typer.Option(help="in which they are written to")] = Language.ENGLISH,
) -> None:
    """Put somebody at the desk, or change how they are reached."""
    from activities.notifications.registry import understood  # brings the channels along

    check_name(name)
    if len(channel) > MOST_CHANNELS:
        raise NotUnderstood(f"{MOST_CHANNELS} channels are enough: one try must come to an end")
    addresses = tuple(understood(Address.parse(one)) for one in channel)
    was_there = _people(at_desk()).put(Colleague(name=name, role=role, language=language, channels=addresses))
    how = ", then ".join(one.channel for one in addresses)
    print(f"{name} {'is changed' if was_there else 'is at the desk'}: {role}, by {how}.")


@desk_app.command("list")
def list_(
    addresses: Annotated[bool, typer.Option("--addresses", help="with their numbers and addresses")] = False,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Who is at the desk."""
    found = _people(at_desk()).all()
    if json:
        print(as_json([_as_row(one, addresses=addresses) for one in found]))
        return
    if not found:
        print("Nobody is at the desk: notices go to the installation's own channel. safeconduct desk add NAME --help")
        return
    table = screen.plain_table("At the desk", "Name", "Role", "Language", "Reached by", "On the rota")
    for one in found:
        reached = ", then ".join(f"{way.channel}:{way.to}" if addresses else way.channel for way in one.channels)
        turns = ", ".join(f"{turn.first}..{turn.last}" for turn in one.turns)
        today = " (today)" if one.is_on_rota(now().date()) else ""
        table.add_row(one.name, one.role, one.language, reached, f"{turns}{today}")
    screen.console().print(table)


def _as_row(one: Colleague, *, addresses: bool) -> dict[str, object]:
    channels = [f"{way.channel}:{way.to}" if addresses else way.channel for way in one.channels]
    return {
        **one.model_dump(mode="json", exclude={"channels", "passphrase"}),
        "channels": channels,
        "phone": one.passphrase is not None,
    }


@desk_app.command("passphrase")
def passphrase(name: Name) -> None:
    """Let somebody sign in on a phone, to see what is due and take it in hand. It opens nothing else."""
    here, ring = at_desk(), existing_ring(Settings())
    people = _people(here)
    if name not in people.names():
        raise NotFound("nobody of this name is at the desk: `safeconduct desk list` shows who is, `desk add` adds")
    typed = ask_new_passphrase(name)
    # what is typed into a phone passes through a browser and a proxy: it must not be what opens the installation
    if any(proves(ring, person.name, typed) for person in ring.persons()):
        raise Refused("this passphrase opens the installation: take another one for the phone, nothing was written")
    people.sign_in_with(name, typed)
    print(f"{name} can sign in on a phone.")


@desk_app.command("remove")
def remove(name: Name) -> None:
    """Take somebody off the desk: they are called no more, and how they were reached is forgotten."""
    _people(at_desk()).remove(name)
    print(f"{name} is not at the desk any more.")


@desk_app.command("rota")
def rota(
    name: Name,
    on: Annotated[
        list[str] | None, typer.Option("--on", help="days, as 2026-12-01..2026-12-07; again for more")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="take the turns away that were written down before")] = False,
) -> None:
    """Put somebody on the rota: in an emergency everybody whose turn it is, is called at once."""
    turns, today = tuple(Turn.parse(one) for one in on or ()), now().date()
    if not turns and not clear:
        raise NotUnderstood("say whose turn it is on which days (--on), or --clear")
    if passed := [turn for turn in turns if turn.last < today]:
        raise NotUnderstood(f"{passed[0].first}..{passed[0].last} has passed: nothing was written")

    def with_turns(colleague: Colleague) -> Colleague:
        kept = {turn for turn in (*(() if clear else colleague.turns), *turns) if turn.last >= today}
        return colleague.model_copy(update={"turns": tuple(sorted(kept, key=lambda turn: (turn.first, turn.last)))})

    _people(at_desk()).change(name, with_turns)
    print(f"{name} is on the rota: {', '.join(on)}." if on else f"{name} has no turn on the rota any more.")
