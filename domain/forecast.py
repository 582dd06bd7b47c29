"""The coming two years of a case, from its state alone: what falls due, on which rule, and who hears of it.

Without a script: if nobody did anything. Along a script: as if its events happened on their days. No server, no store.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.events import Event, Past
from domain.facts import Frozen
from domain.room import DutyCameDue
from domain.story import Story

HORIZON = timedelta(days=731)
"""Two years: the longest stay on permits that the story names."""

_NAMESPACE = UUID("6a1c1bb2-6d2b-5f3c-8a51-6f0f5f1f7c10")
"""Of the command ids of a script; they never reach a log."""


class Line(Frozen):
    """One line of a chronology.

    Attributes:
        event: what happened, or falls due.
        rule: id of the rule behind a duty's date.
        doubt: why that date is not certain.
        notice: whether a notice goes out.
    """

    event: Event
    rule: str | None = None
    doubt: str = ""
    notice: bool = False


def command_id_of(index: int) -> UUID:
    """The command id of a script's entry number ``index``, from 0; also for whoever drives the same script for real."""
    return uuid5(_NAMESPACE, str(index))


def forecast(
    story: Story, script: Sequence[Past], start: datetime, until: datetime, *, first: int = 0
) -> Iterator[Line]:
    """The chronology of a story from ``start`` to ``until``.

    Args:
        story: the case as it stands; it is told on.
        script: what happens on the way, in any order.
        start: where the forecast begins.
        until: where it ends.
        first: number of the script's first entry, where a script is told in parts.

    Raises:
        SafeconductError: an entry of the script is refused, or makes no sense.
    """
    now = start
    for index, past in enumerate(sorted(script, key=lambda one: one.occurred.instant), first):
        due = max(past.occurred.instant, now)
        if due > until:
            break
        yield from _until(story, now, due)
        now = due
        for event in story.tell(past, command_id_of(index), now):
            yield Line(event=event)
    yield from _until(story, now, until)


def _until(story: Story, now: datetime, until: datetime) -> Iterator[Line]:
    """Every rung up to an instant, in the order of time."""
    while (found := story.next_rung(now)) is not None and max(found[2].at, now) <= until:
        stream, duty, rung = found
        now = max(now, rung.at)
        event = story.fire(stream, duty, rung)
        yield Line(event=event, rule=duty.rule, doubt=duty.doubt, notice=isinstance(event.fact, DutyCameDue))
