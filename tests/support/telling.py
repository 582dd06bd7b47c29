"""Whole cases in the records, written as a path and its phases write them, without any engine."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import groupby
from uuid import uuid4

from domain.country import Alert
from domain.events import Event, Past
from domain.facts import Fact, Occurred
from domain.intake import IntakeFile
from domain.references import Phase, make_reference, phase_stream
from domain.rulebook import Rulebook, load
from domain.watching import heard
from records.store import Store
from runtime.cases import story_of_file
from runtime.rebuilding import cards_of
from tests.support.intakes import minimal

NOON = datetime(2026, 9, 20, 12, tzinfo=UTC)
"""When everything is written here."""

RULEBOOK: Rulebook = load()

REFERENCES = [make_reference(iter(range(number, number + 50)).__next__) for number in range(100, 800, 100)]
"""Of cases that are not real."""


class Author:
    """Begins a case in a store, and goes on with it."""

    def __init__(self, store: Store, reference: str, file: IntakeFile | None = None) -> None:
        self.store, self.reference = store, reference
        self.story = story_of_file(reference, file or minimal(), RULEBOOK, NOON)
        self._epochs: dict[str, int] = {}
        self._write(self.story.events())

    def tell(self, fact: Fact, on: date, phase: Phase | None = None, by: str = "dana") -> None:
        """Let something happen, and all that follows from it."""
        past = Past(fact=fact, occurred=Occurred.on(on), learned_on=on, actor=by, phase=phase)
        self._write(self.story.tell(past, uuid4(), NOON))

    def reach(self, alert: Alert) -> None:
        """Let an alert for Kazakhstan reach the case."""
        stream = phase_stream(self.reference, Phase.SAFETY, 1)
        ledger = self.story.ledger(stream)
        events = heard(ledger, [alert], "KZ", 1, NOON)
        self.story.phases[stream] = ledger.plus(events)
        self._write(events)

    def _write(self, events: Iterable[Event]) -> None:
        cards = cards_of(self.story.events(), self.reference, RULEBOOK, NOON)
        for stream, group in groupby(events, lambda event: event.stream):
            some = list(group)
            if stream not in self._epochs:
                self._epochs[stream] = self.store.open(stream).epoch
            answer = self.store.append(stream, self._epochs[stream], some[0].version - 1, some, cards=cards)
            assert answer.tail == tuple(some)
