"""What every workflow shares that keeps the duties of one stream: it decides commands, and has one timer.

Invariant: one timer stands for the next rung, and is armed anew only when that rung's instant changes.
"""

from collections.abc import Sequence
from typing import Any

from domain.duties import Duty, Rung
from domain.errors import NotUnderstood, SafeconductError
from domain.events import Event, Receipt
from domain.stream import Ledger, Surroundings, came_due, decide
from workflows.beside import Clock
from workflows.shown import summary_of_rung
from workflows.writer import Pending, Start, State, Writer


class Clocked(Writer[State]):
    """Base of phases and of watches. What stands around a decision, and the append, they know themselves."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.clock = Clock()
        self.ledger: Ledger[Any]

    @property
    def _is_over(self) -> bool:
        return False

    def _around(self) -> Surroundings:
        raise NotImplementedError

    async def _write(self, events: tuple[Event, ...]) -> bool:
        """Append events with the card. False when the log knew more: then that is folded, and no more."""
        raise NotImplementedError

    async def _answered(self, events: Sequence[Event]) -> None:
        """What follows from an answered command."""

    @property
    def _duties(self) -> tuple[Duty, ...]:
        around = self._around()
        duties: tuple[Duty, ...] = self.ledger.state.duties(around.case, around.rules)
        return duties

    async def _handle(self, pending: Pending) -> None:
        """Decide, append, fold; and again, as long as the log knew more than this run."""
        self.heard_at(pending.command.sent_at)
        while True:
            try:
                events = decide(self.ledger, pending.command, self._around())
                if events[0].version <= self.ledger.version or await self._write(events):
                    break
            except SafeconductError as refusal:
                # a crash leaves the log ahead, perhaps by this very command: only who knows all of it may say no
                if not await self._write(()):
                    continue
                pending.refusal = refusal
                return
        answered = self.ledger.answer_to(pending.command.command_id)
        pending.receipt = Receipt.of(answered)
        await self._answered(answered)

    async def _fire(self) -> None:
        """A rung was reached: a fact like any other."""
        self.clock = Clock()
        found = self._next_rung()
        if found is None or self._is_over or found[1].at > self.now():
            return
        try:
            await self._write((came_due(self.ledger, *found, self.now()),))
        except NotUnderstood:
            self.renewal_wanted = True  # a crash left this rung in the log, in the words of another version: read it

    def _next_rung(self) -> tuple[Duty, Rung] | None:
        return self.ledger.next_rung(self._duties, self.now())

    def _arm(self) -> None:
        """Let the one timer stand for the next rung."""
        found = None if self._is_over else self._next_rung()
        instant = found[1].at if found is not None else None
        if instant == self.clock.instant:
            return
        summary = summary_of_rung(*found) if found is not None else None
        self.clock = self.clock.set_to(instant, self.now(), self.start.shift, summary)
