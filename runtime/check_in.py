"""The commands about check-ins that the person makes himself: the words agreed with him, and one-time links."""

import getpass
import sys
from datetime import timedelta
from typing import Annotated

import typer

from domain.agreed_words import AgreedWords
from domain.errors import NotFound, NotUnderstood, Refused
from records.check_in_links import CheckInLinks
from runtime import safety
from runtime.cases import safety_of
from runtime.desk import NEVER_BEGAN, Desk, at_desk
from runtime.settings import NotRunning, Settings, now

check_in_app = typer.Typer(help="Check-ins that the person makes himself: agreed words, and one-time links.")

Case = Annotated[str, typer.Argument(help="reference or nickname")]

LONGEST_HOURS = 24 * 14
"""A link that lies in a phone for longer is found by somebody else."""


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    app.add_typer(check_in_app, name="check-in")


@check_in_app.command("link")
def link(
    case: Case,
    hours: Annotated[int, typer.Option(min=1, max=LONGEST_HOURS, help="how long it can be used")] = 72,
) -> None:
    """Make a one-time link, for you to pass on. The engine never writes to the person by itself."""
    here = at_desk()
    reference, begins, until = _open(here, case), _address(here.settings), now() + timedelta(hours=hours)
    words = here.vault.agreed_words(reference, "link")
    plan = safety_of(here.store.read_case(reference), reference).check_ins.plan
    if safety.has_words_to_keep(here, reference, plan):
        raise Refused(safety.NOT_KEPT)
    token = CheckInLinks(here.database, now).issue(reference, until, words)
    print(f"{begins}/c/{token}")
    print(f"For one check-in in {reference}, until {until:%Y-%m-%d %H:%M} UTC.")
    if words is None:
        print("No words are agreed: any answer counts as a sign of safety (safeconduct check-in words CASE)")
    if here.settings.pages_url is None:
        print("It opens on this machine alone: SAFECONDUCT_PAGES_URL says where the pages are reached from outside")


@check_in_app.command("words")
def words(
    case: Case,
    show: Annotated[bool, typer.Option("--show", help="show those that are agreed; the reading is logged")] = False,
) -> None:
    """Keep the two words agreed with a person: one says that he is well, the other that he is forced."""
    here = at_desk()
    reference = _open(here, case)
    if show:
        _show(here.vault.agreed_words(reference, "words"))
        return
    if not sys.stdin.isatty():
        raise NotUnderstood("the two words are asked for in a terminal, which does not show them")
    agreed = AgreedWords.agree(_asked('The word that says "I am well"'), _asked('The word that says "I am forced"'))
    here.vault.agree_words(reference, agreed)
    ended = CheckInLinks(here.database, now).end(reference)
    print(f"The words of {reference} are kept. Letter case, spaces and accents do not count.")
    if ended:
        print(f"Links made before are over ({ended}): make a new one.")


def _open(here: Desk, case: str) -> str:
    """The reference of a case whose path is open.

    Raises:
        NotFound: it never began.
        Refused: it is closed.
    """
    reference = here.find(case)
    card = here.board.case(reference)
    if card is None:
        raise NotFound(NEVER_BEGAN)
    if not card.is_open:
        raise Refused("this path is closed: nobody waits for a check-in")
    return reference


def _address(settings: Settings) -> str:
    """Where links begin.

    Raises:
        NotRunning: no pages are served.
    """
    address = settings.pages_url or settings.running().pages
    if address is None:
        raise NotRunning("no pages are served here: set SAFECONDUCT_PAGES_URL to where they are")
    return address


def _asked(question: str) -> str:
    """A word, typed twice without being shown: a slip would make an emergency of a good sign."""
    try:
        first, again = (getpass.getpass(f"{question}{rest}: ") for rest in ("", " (again)"))
    except UnicodeDecodeError:
        raise NotUnderstood("this terminal does not write UTF-8: nothing was written") from None
    if first != again:
        raise NotUnderstood("the word was typed in two ways: nothing was written")
    return first


def _show(agreed: AgreedWords | None) -> None:
    if agreed is None:
        print("No words are agreed.")
    else:
        print(f"I am well:    {agreed.well}\nI am forced:  {agreed.duress}")
