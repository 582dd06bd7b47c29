"""``safeconduct explain CASE DUTY``: why this date. The rule and its version, the clock, the doubts and the sources."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.markup import escape

from domain.duties import Duty
from domain.errors import NotFound
from domain.events import Event
from domain.references import phase_of
from domain.room import DatesMoved, LawChanged
from domain.rulebook import Dated, Rule
from domain.rulebook.model import Country
from domain.story import Story
from runtime import law, screen
from runtime.cases import story_of
from runtime.desk import Desk, as_json, at_desk
from runtime.rules import NO_ADVICE


def add_to(app: typer.Typer) -> None:
    """Make it a command of the command line."""
    app.command()(explain)


def explain(
    case: Annotated[str, typer.Argument(help="reference or nickname")],
    duty: Annotated[str, typer.Argument(help="the duty's id, as `safeconduct duties CASE` shows it")],
    phase: Annotated[str | None, typer.Option(help="of which phase, where two have such a duty")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Why this date: the rule, its version, the clock and every step of the count, the doubts and the sources."""
    here = at_desk()
    reference = here.find(case)
    story = story_of(here.events(reference, "explanation"), reference, here.law)
    found = _explained(here, story, duty, phase)
    if json:
        print(as_json(_as_row(found)))
        return
    console = screen.console()
    for line in _lines(found):
        console.print(line, soft_wrap=True)


@dataclass(frozen=True)
class Explained:
    """A duty and where it comes from.

    Attributes:
        stream: of its phase.
        rule: the item of the rulebook in the version that counts; ``None`` for the organisation's own duties.
        country: whose rule it is.
        edition: of the law on which the phase runs.
        others: the rule's other versions.
        moves: events by which its date was moved.
    """

    stream: str
    duty: Duty
    rule: Dated | None
    country: Country | None
    edition: int
    others: tuple[Dated, ...]
    moves: tuple[Event, ...]


def _explained(here: Desk, story: Story, duty_id: str, phase: str | None) -> Explained:
    standing = [
        (stream, duty)
        for stream in story.open_streams()
        for duty in story.ledger(stream).state.duties(story.path.state, story.rules(stream))
        if duty.id == duty_id and phase in (None, screen.phase_of_stream(stream).split("/")[0])
    ]
    if not standing:
        raise NotFound("there is no such duty here now: `safeconduct duties CASE` lists them with their ids")
    if len(standing) > 1:
        names = ", ".join(screen.phase_of_stream(stream).split("/")[0] for stream, _ in standing)
        raise NotFound(f"{len(standing)} phases have such a duty: say which with --phase ({names})")
    stream, duty = standing[0]
    rules = story.rules(stream)
    country = here.law.of_edition(rules.edition).country(rules.country)
    items = (*country.rules, *country.stay_limits) if country is not None else ()
    versions = [one for one in items if one.id == duty.rule]
    rule = next((one for one in versions if one.valid_from == duty.version), None)
    others = tuple(one for one in versions if one is not rule)
    return Explained(stream, duty, rule, country, rules.edition, others, tuple(_moves(story, stream, duty_id)))


def _moves(story: Story, stream: str, duty: str) -> Iterator[Event]:
    for event in story.ledger(stream).events:
        if isinstance(event.fact, DatesMoved | LawChanged) and any(one.duty == duty for one in event.fact.moved):
            yield event


def _lines(found: Explained) -> Iterator[str]:
    duty = found.duty
    yield f"[bold]{escape(duty.title)}[/bold]"
    yield f"{screen.phase_of_stream(found.stream)}, {duty.id}: due {duty.due:%Y-%m-%d %H:%M} UTC"
    yield f"binds: {duty.bound}; a miss: {duty.consequence.replace('-', ' ')}"
    yield ""
    yield from _of_the_rule(found)
    yield from _list("How it was counted", duty.reckoning)
    yield from _list("Doubts", duty.doubt.split("; ") if duty.doubt else ())
    yield from _list("How it has moved", (_move(event, duty.id) for event in found.moves))
    if found.rule is not None:
        yield from _list("Other versions of this rule", (_version(one) for one in found.others))
        yield from _list("Sources", (_source(found.rule)))
    yield NO_ADVICE


def _of_the_rule(found: Explained) -> Iterator[str]:
    rule = found.rule
    if rule is None:
        yield "This is the organisation's own duty, not a period of law."
        return
    edition = f", edition {found.edition} of the law" if found.edition else ""
    yield f"Rule {rule.id} ({found.country.name if found.country else ''}){edition}"
    if isinstance(rule, Rule) and rule.local_name:
        yield f"  the authority calls it: {escape(rule.local_name)}"
    yield f"  {_version(rule)}"
    if rule.layer:
        yield escape(f"  corrected by {rule.layer}; installed: {rule.corrects or 'nothing'}")
    if rule.note:
        yield escape(f"  note: {rule.note}")
    for other in rule.contested:
        yield escape(f"  others say: {other.says}")
    yield ""


def _version(rule: Dated) -> str:
    holds = law.holds(rule) or "without known limits"
    sure = f"{rule.status}, {rule.confidence}, verified {rule.verified}"
    says = law.period_in_words(rule) if isinstance(rule, Rule) else law.words_of(rule)[1]
    return escape(f"version {holds} ({sure}): {says}")


def _source(rule: Dated) -> Iterable[str]:
    for one in rule.sources:
        yield f"{one.url}{f' - {one.cites}' if one.cites else ''}{f' (as at {one.seen})' if one.seen else ''}"


def _move(event: Event, duty: str) -> str:
    fact = event.fact
    assert isinstance(fact, DatesMoved | LawChanged)
    (one,) = [one for one in fact.moved if one.duty == duty]
    by = f"the law changed (edition {fact.edition}, {fact.applied_by})" if isinstance(fact, LawChanged) else "corrected"
    return (
        f"{event.recorded_at:%Y-%m-%d}: {screen.day(one.before) or 'none'} -> {screen.day(one.after) or 'none'}, {by}"
    )


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    some = [f"  - {escape(line)}" for line in lines]
    if some:
        yield from (title, *some, "")


def _as_row(found: Explained) -> dict[str, object]:
    return {
        "stream": found.stream,
        "phase": str(parts[0]) if (parts := phase_of(found.stream)) else None,
        "duty": found.duty.model_dump(mode="json"),
        "rule": found.rule.model_dump(mode="json") if found.rule is not None else None,
        "edition": found.edition,
        "other_versions": [one.model_dump(mode="json") for one in found.others],
        "moves": [_move(event, found.duty.id) for event in found.moves],
    }
