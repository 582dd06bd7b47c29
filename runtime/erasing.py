"""The commands about erasure. Whoever decides proves who they are by a passphrase; ``--as`` alone is not enough."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from domain.erasure import ErasureApproved, ErasureReason, ErasureRequested, ErasureWithdrawn, Standing, Step
from domain.errors import NotFound, NotUnderstood, Refused
from domain.events import ENGINE
from domain.facts import Fact
from domain.references import parse_reference
from records.persons import enrolled_at, proves
from runtime import screen
from runtime.desk import Desk, as_json, at_desk, read_text, run
from runtime.keys import NoKeys, ask_passphrase


class _CaseOrCommand(TyperGroup):
    """``erase CASE`` asks for an erasure; ``erase approve CASE`` and its like are commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["ask", *args]
        return super().parse_args(ctx, args)


erase_app = typer.Typer(
    cls=_CaseOrCommand, help="Erase one case: `erase CASE --reason WHY` asks for it, a second person approves."
)

Case = Annotated[str, typer.Argument(help="reference or nickname")]
As = Annotated[str | None, typer.Option("--as", help="who decides; $SAFECONDUCT_STAFF if left out")]
AsJson = Annotated[bool, typer.Option("--json", help="for a program to read")]


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    app.add_typer(erase_app, name="erase")


@erase_app.command()
def ask(
    case: Case,
    reason: Annotated[str, typer.Option(help=", ".join(ErasureReason))],
    without_waiting: Annotated[
        bool, typer.Option("--without-waiting", help="the person the case is about has asked, and will not wait")
    ] = False,
    staff: As = None,
) -> None:
    """Ask for the erasure of a case. A second person approves it."""
    if reason not in list(ErasureReason):
        raise NotUnderstood(f"`--reason` is one of: {', '.join(ErasureReason)}")
    fact = ErasureRequested(reason=ErasureReason(reason), waived=without_waiting)
    here, reference = _decided(case, staff, fact)
    print(f"{reference}: its erasure is asked for. Nothing is erased before a second person approves:")
    print(f"  safeconduct erase approve {reference} --as NAME")
    _tell(here, reference)


@erase_app.command()
def approve(case: Case, staff: As = None) -> None:
    """Approve an erasure that somebody else has asked for."""
    here, reference = _decided(case, staff, ErasureApproved())
    print(f"{reference}: its erasure is approved.")
    _tell(here, reference)


@erase_app.command()
def withdraw(case: Case, staff: As = None) -> None:
    """Take a request back, or refuse it. What the engine has asked for takes a hold instead."""
    _, reference = _decided(case, staff, ErasureWithdrawn())
    print(f"{reference}: its erasure is withdrawn. The case stays as it is.")


def _decided(case: str, staff: str | None, fact: Fact) -> tuple[Desk, str]:
    """Let a person decide who has proved who they are."""
    here = at_desk(staff)
    reference = here.find(case)
    if here.staff == ENGINE:
        raise Refused(f"nobody is called {ENGINE} here: that is Safeconduct itself")
    if isinstance(fact, ErasureApproved):
        _must_have_been_here(here, reference)
    passphrase = ask_passphrase(here.staff, "an erasure is decided in a terminal, by a passphrase")
    if not proves(here.keys[0].keyring, here.staff, passphrase):
        raise Refused(f"this is not the passphrase of {here.staff}, or nobody of this name is enrolled")
    run(here.erase(reference, fact))
    return here, reference


def _must_have_been_here(here: Desk, reference: str) -> None:
    """Return if who approves was enrolled before it was asked for: nobody makes themselves a second person for it.

    Raises:
        Refused: they were not.
        NotFound: they are not enrolled.
    """
    asked = here.erasure(reference)
    if asked.requested_at is None or asked.requested_by in (ENGINE, here.staff):  # which is refused for itself
        return
    since = enrolled_at(here.keys[0].keyring, here.staff)
    if since > asked.requested_at:
        raise Refused(
            f"{here.staff} has been enrolled since {screen.day(since)}, after this erasure was asked for: "
            "somebody who was here before approves it"
        )


@erase_app.command()
def status(
    case: Annotated[str | None, typer.Argument(help="reference or nickname")] = None,
    all_: Annotated[bool, typer.Option("--all", help="of all cases")] = False,
    json: AsJson = False,
) -> None:
    """Where an erasure stands: who asked, who approved, what is done."""
    here = at_desk()
    if all_ == (case is not None):
        raise NotUnderstood("name a case, or say --all")
    if case is None:
        _list_all(here, json=json)
        return
    reference = here.find_or_erased(case)
    if json:
        print(as_json({"reference": reference, **here.erasure(reference).model_dump(mode="json")}))
        return
    print(reference)
    _tell(here, reference)


def _list_all(here: Desk, *, json: bool) -> None:
    found = here.board.erasures()
    if json:
        print(as_json([{"reference": one.reference, "standing": one.headline} for one in found]))
        return
    for one in found:
        print(f"{one.reference}  {one.headline}")
    if not found:
        print("No erasure is foreseen, asked for, or done.")


@erase_app.command()
def certificate(case: Annotated[str, typer.Argument(help="reference")]) -> None:
    """The signed certificate of an erased case."""
    here = at_desk()
    found = here.erasure(here.find_or_erased(case))
    if found.certificate is None:
        raise NotFound(f"there is no certificate: this erasure is {found.standing}")
    print(found.certificate)


@erase_app.command("check")
def check_certificate(file: Annotated[Path, typer.Argument(help="a certificate, as it was printed")]) -> None:
    """Look whether this installation has signed a certificate, as it stands."""
    from records.certificates import is_signed_by
    from records.signing import signing_key

    if not is_signed_by(read_text(file), signing_key(at_desk().keys[0]).public_key()):
        raise Refused(f"{file}: this installation has not signed this, or it was changed")
    print("Signed by this installation, and not changed since.")


def show_stub(here: Desk, case: str, *, json: bool) -> bool:
    """What is left to show of an erased case; whether it is one."""
    try:
        reference = parse_reference(case)
    except NotUnderstood:
        return False
    fenced_at = here.board.fenced_at(reference)
    if fenced_at is None:
        return False
    found = here.erasure(reference)
    stub = {"reference": reference, "erased_on": str(fenced_at.date()), "reason": found.reason}
    if json:
        print(as_json({**stub, "certified": found.certificate is not None}))
        return True
    print(f"{reference} was erased on {fenced_at:%Y-%m-%d} ({found.reason}). There is nothing else to show.")
    print(f"Its certificate: safeconduct erase certificate {reference}")
    return True


def _tell(here: Desk, reference: str) -> None:
    erasure = here.erasure(reference)
    print(f"Now: {erasure.standing}.")
    if erasure.foreseen is not None and erasure.standing is Standing.FORESEEN:
        print(f"Kept until {erasure.foreseen.erase_by}; its erasure will be asked for after {erasure.foreseen.ask_on}.")
    if erasure.requested_by is not None:
        waived = ", without waiting" if erasure.waived else ""
        print(f"Asked for by {erasure.requested_by} on {screen.day(erasure.requested_at)} ({erasure.reason}{waived}).")
    if erasure.approved_by is not None:
        since = _since(here, erasure.approved_by)
        print(f"Approved by {erasure.approved_by}{since} on {screen.day(erasure.approved_at)}.")
    if erasure.held_until is not None:
        print(f"A hold keeps the case until {erasure.held_until}: then it must be approved.")
    if erasure.standing is Standing.APPROVED:
        print(f"It begins on {screen.day(erasure.acts_at())} UTC; until then: safeconduct erase withdraw CASE")
    for step, at in erasure.done.items():
        print(f"  {screen.day(at)}  {Step(step).replace('-', ' ')}")


def _since(here: Desk, name: str) -> str:
    """Since when who has approved is enrolled: a second name of the one who asked would be young."""
    with suppress(NotFound, NoKeys):
        return f" (enrolled since {screen.day(enrolled_at(here.keys[0].keyring, name))})"
    return ""
