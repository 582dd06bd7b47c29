"""What the command line shows of a person's safety: in `status`, and ``safeconduct needs``."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from domain.check_ins import NO_PLAN, CheckInPlanned
from domain.facts import Fact
from domain.needs import Needs
from domain.references import case_stream
from domain.safety import Safety
from records.colleagues import Colleagues
from records.errors import Locked
from runtime import screen
from runtime.cases import safety_of
from runtime.desk import Desk, as_json, at_desk

NOT_KEPT = "words are agreed, but not kept: safeconduct check-in words CASE"
"""What a plan says of words makes no word count: whoever answers then, forced or not, would pass for well."""


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command("needs")(needs)


def needs(
    case: Annotated[str, typer.Argument(help="reference or nickname")],
    every: Annotated[bool, typer.Option("--all", help="also what was met or declined")] = False,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """What the person needs and what is to be done, with the notes. A reading."""
    here = at_desk()
    reference = here.find(case)
    found = safety_of(here.events(reference, "needs"), reference).needs
    rows = list(_rows(found, here.vault.notes(reference), every=every or json))
    if json:
        print(as_json(rows))
    elif not rows:
        print("Nothing is needed: safeconduct record CASE need-noted --need KIND --by DAY, or todo-set --by DAY")
    else:
        screen.console().print(_table(rows))


def _rows(found: Needs, notes: Mapping[UUID, str], *, every: bool) -> Iterator[dict[str, Any]]:
    for name, need in sorted(found.known.items(), key=lambda one: (one[1].by, one[0])):
        promise, ended = found.promised.get(name), found.ended.get(name)
        if ended is None or every:
            yield {
                "id": name,
                "what": need.what or "to do",
                "by": need.by,
                "urgency": need.urgency,
                "promised": f"{promise.by} until {promise.until}" if promise is not None else None,
                "ended": ended.kind.removeprefix("need-") if ended is not None else None,
                "reason": getattr(ended, "reason", None),
                "note": notes.get(need.note) if need.note is not None else None,
            }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = screen.plain_table("Needs and to-dos", "Id", "What", "By", "Urgency", "Promised", "State", "Note")
    for row in rows:
        state = " ".join(filter(None, (row["ended"] or "open", row["reason"])))
        words = (row["id"], row["what"], str(row["by"]), row["urgency"], row["promised"] or "", state)
        table.add_row(*words, escape(row["note"] or ""), style="dim" if row["ended"] else None)
    return table


def shown(here: Desk, reference: str) -> Safety | None:
    """The safety of a case whose reading is logged already; nothing of one that is locked."""
    try:
        here.keys[1].must_be_unlocked(case_stream(reference))
    except Locked:
        return None
    return safety_of(here.store.read_case(reference), reference)


def not_at_the_desk(here: Desk, fact: Fact) -> list[str]:
    """Whom a check-in plan names in vain as yet: the ladder passes over them."""
    told = fact.told if isinstance(fact, CheckInPlanned) else ()
    known = Colleagues(here.database, here.keys[0]).names() if told else frozenset()
    return [name for name in told if name not in known]


def has_words_to_keep(here: Desk, reference: str, plan: Fact) -> bool:
    """Whether a check-in plan says that words are agreed, and the vault holds none."""
    return isinstance(plan, CheckInPlanned) and plan.words_agreed and not here.vault.keeps_words(reference)


def lines(safety: Safety, moment: datetime, *, words_kept: bool) -> Iterator[str]:
    """How safe the person is and how he is reached, for `status`."""
    danger, plan, reaching = safety.danger, safety.check_ins.plan, safety.reaching
    if forced := safety.check_ins.duress.values():
        yield f"DURESS, since {screen.day(min(forced))}: act as agreed with the person, and answer him as always"
    if unclear := safety.check_ins.unrecognised.values():
        yield f"No agreed word, since {screen.day(min(unclear))}: reach the person in another way"
    if danger.level is not None:
        yield f"Risk: {danger.level}, to be assessed again by {danger.review_on}"
    last, until = screen.day(safety.check_ins.last) or "not yet", safety.check_ins.paused_until
    agreed = "every" if plan != NO_PLAN else "no plan is agreed, so every"
    paused = f"; paused until {screen.day(until)}" if until is not None and until > moment else ""
    told = f"; told in this order: {', '.join(plan.told)}" if plan.told else ""
    words = "words are kept" if words_kept else NOT_KEPT if plan.words_agreed else "no words are agreed"
    quiet = f", quiet {plan.quiet_hours} ({plan.zone})" if plan.quiet_hours is not None else ""
    yield f"Check-ins: {agreed} {plan.every_days} days{quiet}; last heard {last}{paused}{told}; {words}"
    lost = f" (lost: {', '.join(sorted(reaching.lost))})" if reaching.lost else ""
    yield f"Reached by: {', then '.join(reaching.order)}{lost}"
    if (speech := reaching.speech) is not None:
        through = ", through an interpreter" if speech.interpreter else ""
        yield f"Speaks: {speech.language}{through}; reading: {speech.literacy}"
    if safety.needs.open:
        yield f"Open needs and to-dos: {len(safety.needs.open)} (safeconduct needs CASE)"


def as_row(safety: Safety, *, words_kept: bool) -> dict[str, Any]:
    """The same for a program."""
    speech = safety.reaching.speech
    return {
        "risk": safety.danger.model_dump(mode="json", exclude={"raisings"}),
        "check_ins": {**safety.check_ins.model_dump(mode="json"), "words_kept": words_kept},
        "channels": safety.reaching.model_dump(mode="json", include={"order", "lost"}),
        "speech": speech.model_dump(mode="json", exclude={"kind"}) if speech is not None else None,
        "open_needs": sorted(safety.needs.open),
    }
