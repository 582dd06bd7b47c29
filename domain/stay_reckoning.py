"""What a history of stays means under a limit: the last lawful day, an overstay, and when a new entry is possible.

Pure: no clock, no rulebook. It is a reckoning for a person to check, never a decision.

Invariants:
    1. The last lawful day never lies before the entry; where there is none, it is ``None``.
    2. Leaving on the last lawful day is no overstay, leaving a day later is one.
    3. Every date is the safe one of all readings, and what is not certain is said in ``doubt``.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cached_property

from domain.facts import Occurred
from domain.stay_answers import Answer, Chance, Counted, Overstay, Reckoning
from domain.stay_limits import (
    EMPTY,
    NEVER,
    Entry,
    Presence,
    Reading,
    Regime,
    earliest_entry,
    end_of_entry,
    first_too_many,
    smallest,
)
from domain.stays import Limiting, Span, Stay, spans

LimitOn = Callable[[date], Limiting | None]
"""The limit that holds for an entry on a day; ``None`` where none is known."""

LONGEST_SEARCH = 400
"""Days, of any year and month. What is not found so near to where it could begin has a former stay that never ends."""


def reckon(history: Sequence[Stay], limit: Limiting | LimitOn, on: date, *, next_too: bool = True) -> Reckoning:
    """What a history of stays means.

    Args:
        history: all stays, in any order; planned ones too.
        limit: the limit of stay, or what gives the version that holds for an entry on a day. Each stay keeps the
            version of its own entry.
        on: a local day of the country: up to it days are counted, and a stay without an exit lasts until it.
        next_too: look for the next entry as well, which takes as long as all the rest; a stay that is planned or under
            way needs it not.

    Raises:
        NotUnderstood: two stays lie over each other, or one before the last has no exit.
    """
    return _Reckoner(spans(history, on), limit, on).reckoning(next_too=next_too)


def _day(number: int) -> date:
    return date.fromordinal(min(max(number, 1), date.max.toordinal()))


class _Reckoner:
    """One reckoning. What several questions need is made once."""

    def __init__(self, history: list[Span], limit: Limiting | LimitOn, on: date) -> None:
        self.history, self._limit, self._on_date, self.on = history, limit, on, on.toordinal()
        self._regimes: dict[tuple[int, ...], Regime] = {}
        self._presences: dict[tuple[bool, bool, bool], Presence] = {}
        if callable(limit):
            self._own = [self.regime(span.stay.entered) for span in history]
        else:
            self._own = [self._made((limit,), strict=True)] * len(history)
        self._days_are_certain = all(span.is_certain for span in history)

    # --- what holds, and which days count

    def regime(self, entered: Occurred, *, strict: bool = True) -> Regime | None:
        """The limits of one entry, in the version of its day; of both versions where the day is not certain."""
        if not callable(self._limit):
            return self._made((self._limit,), strict=strict)
        first, last = self._limit(entered.earliest), self._limit(entered.latest)
        return self._made(tuple(one for one in (first, last if last is not first else None) if one), strict=strict)

    def _made(self, limits: tuple[Limiting, ...], *, strict: bool) -> Regime | None:
        key = (strict, *map(id, limits))
        if limits and key not in self._regimes:
            self._regimes[key] = Regime(limits, strict=strict)
        return self._regimes.get(key)

    def presence(self, regime: Regime) -> Presence:
        """The days of all stays, as this regime counts them; a stay without an exit lasts until the day."""
        key = (regime.entry_counts, regime.exit_counts, regime.strict)
        if key not in self._presences:
            lasted = [
                (one.entered, one.left) if regime.strict or one.is_certain else one.narrow for one in self.history
            ]
            self._presences[key] = Presence(
                regime.counted(entered, left) for entered, left in lasted if left >= entered
            )
        return self._presences[key]

    def presence_until_leaving(self, regime: Regime) -> Presence:
        """The same, where a stay without an exit lasts until the exit that is supposed."""
        if not self.history or not self.history[-1].is_open:
            return self.presence(regime)
        lasted = [(one.entered, one.left) for one in self.history]
        lasted[-1] = (lasted[-1][0], self.leaves)
        return Presence(regime.counted(entered, left) for entered, left in lasted)

    def entry_of(self, place: int, regime: Regime) -> Entry:
        """How a stay of the history began."""
        span = self.history[place]
        previous = self.history[place - 1].left if place else None
        return regime.entry(span.entered if regime.strict else span.narrow[0], previous)

    # --- the stay in question

    @cached_property
    def place(self) -> int | None:
        """Where the stay in question stands: the last one that has begun and goes on, or the next one."""
        coming = None
        for place in reversed(range(len(self.history))):
            span = self.history[place]
            if span.entered <= self.on:
                return place if self.on <= span.left else coming
            coming = place
        return coming

    @cached_property
    def in_question(self) -> Regime | None:
        """The limits of the stay in question; if there is none, those of an entry on the day."""
        return self._own[self.place] if self.place is not None else self.regime(Occurred.on(self._on_date))

    def reckoning(self, *, next_too: bool) -> Reckoning:
        regime, place = self.in_question, self.place
        stay = self.history[place].stay if place is not None else None
        present = place is not None and self.history[place].entered <= self.on
        overstays = tuple(self.overstays())
        next_entry = self.next_entry(wants_full=False) if next_too or place is None else None
        full_stay = next_entry and self.next_entry(wants_full=True)
        last_day, left = self._ends(regime, next_entry)
        return Reckoning(
            on=self._on_date,
            stay=stay,
            present=present,
            last_day=last_day,
            days_left=left,
            overstays=overstays,
            leaves=_day(self.leaves) if self.history else None,
            next_entry=next_entry,
            full_stay=full_stay,
            answers=tuple(self.answers(regime, next_entry)) if regime is not None else (),
            doubt=tuple(dict.fromkeys(self.doubts(regime, overstays))),
        )

    def _ends(self, regime: Regime | None, next_entry: Chance | None) -> tuple[date | None, int | None]:
        """The last lawful day of the stay in question, and the days that are left."""
        if regime is None:
            return None, None
        if self.place is None and not regime.ends_stays:
            return None, None
        if self.place is None:
            return None, next_entry.days if next_entry is not None and next_entry.entry == self._on_date else 0
        entry, too_many = self._too_many(self.place, regime)
        if too_many >= NEVER:
            return None, None
        last = regime.last_exit(entry, too_many)
        left = max(too_many - 1 - max(self.on, entry.first - 1), 0)
        return (_day(last) if last is not None else None), left

    def _too_many(self, place: int, regime: Regime) -> tuple[Entry, int]:
        entry = self.entry_of(place, regime)
        return entry, regime.first_too_many(entry, self.presence(regime))

    # --- stays that are too long

    def overstays(self) -> Iterator[Overstay]:
        suspects = {regime: regime.suspects(self.presence(regime)) for regime in self._regimes.values()}
        for place, (span, regime) in enumerate(zip(self.history, self._own, strict=True)):
            if regime is None:
                continue
            first, last = regime.counted(span.entered, span.left)
            if not regime.may_be_too_long(first, last, suspects[regime]):
                continue
            _, too_many = self._too_many(place, regime)
            if last >= too_many:
                since, days = _day(too_many), last - too_many + 1
                certain = since if self._days_are_certain and regime.is_certain else self._certain_since(place)
                yield Overstay(span.stay.entered.earliest, since, _day(last), days, certain)

    def _certain_since(self, place: int) -> date | None:
        """The first day too many where every doubt is read in favour of the person."""
        span = self.history[place]
        regime = self.regime(span.stay.entered, strict=False)
        assert regime is not None
        entry = self.entry_of(place, regime)
        _, last = regime.counted(*span.narrow)
        too_many = regime.first_too_many(entry, self.presence(regime))
        return _day(too_many) if last >= too_many else None

    # --- a new entry

    @cached_property
    def leaves(self) -> int:
        """The exit after which a new entry is reckoned; without a history the day before nothing was counted."""
        if not self.history:
            return self.on - 1
        last, regime = self.history[-1], self._own[-1]
        if not last.is_open or regime is None:
            return last.left
        entry, too_many = self._too_many(len(self.history) - 1, regime)
        return max(regime.last_exit(entry, too_many) or 0, last.left) if too_many < NEVER else last.left

    def next_entry(self, *, wants_full: bool) -> Chance | None:
        """The earliest new entry after all stays; the earliest that they do not shorten, if that is wanted."""
        soonest = max(self.on, self.leaves)
        while True:
            regime = self.regime(Occurred.on(_day(soonest)))
            if regime is None or not regime.ends_stays:
                return None
            found = self._found(regime, soonest, wants_full=wants_full)
            ends = min((limit.valid_to.toordinal() for limit in regime.limits if limit.valid_to), default=NEVER)
            if found is None or found.entry.toordinal() <= ends:
                return found if found is not None or ends == NEVER else None
            soonest = ends + 1

    def _found(self, regime: Regime, soonest: int, *, wants_full: bool) -> Chance | None:
        presence = self.presence_until_leaving(regime)
        chance = self._chance(regime, presence, soonest, wants_full=wants_full)
        if chance is not None:
            return chance
        wanted = smallest(regime) if wants_full else 1
        begins = max(soonest + 1, earliest_entry(regime, presence, self.leaves, max(wanted, 1)))
        if begins >= NEVER:
            return None
        tries = (
            self._chance(regime, presence, entered, wants_full=wants_full)
            for entered in range(begins, begins + LONGEST_SEARCH)
        )
        return next((one for one in tries if one is not None), None)

    def _chance(self, regime: Regime, presence: Presence, entered: int, *, wants_full: bool) -> Chance | None:
        entry = regime.entry(entered, self.leaves if self.history else None)
        too_many = regime.first_too_many(entry, presence, planned=True)
        last = regime.last_exit(entry, too_many)
        if last is None or too_many >= NEVER or too_many <= max(entry.first, presence.last + 1):
            return None  # out and in on the last lawful day gives no new day
        if wants_full and too_many < regime.first_too_many(regime.entry(entered, None), EMPTY, planned=True):
            return None
        return Chance(entry=_day(entered), last_day=_day(last), days=too_many - entry.first)

    # --- what each limit says

    def answers(self, regime: Regime, next_entry: Chance | None) -> Iterator[Answer]:
        presence = self.presence(regime)
        if self.place is not None:
            entry = self.entry_of(self.place, regime)
        else:
            begins = next_entry.entry.toordinal() if next_entry is not None else self.on
            entry = regime.entry(begins, self.leaves if self.history else None)
            presence = self.presence_until_leaving(regime)
        found = [
            (one, first_too_many(one, entry, presence, regime.entry_counts), len(bound) > 1 or one.constraint.disputed)
            for bound in regime.bounds
            for one in bound
        ]
        earliest = min(too_many for _, too_many, _ in found) if found else NEVER
        for one, too_many, doubtful in found:
            yield self._answer(one, regime, entry, too_many, earliest, doubtful=doubtful)

    def _answer(
        self, reading: Reading, regime: Regime, entry: Entry, too_many: int, earliest: int, *, doubtful: bool
    ) -> Answer:
        begins, counted = self._window(reading, regime)
        last = regime.last_exit(entry, too_many)
        of = reading.constraint.amount
        if reading.constraint.unit != "days":
            of = end_of_entry(reading.constraint, entry.entered, regime.entry_counts) - entry.first + 1
        return Answer(
            says=reading.says,
            doubtful=doubtful,
            used=sum(one.days for one in counted),
            of=of,
            begins=_day(begins) if begins is not None else None,
            counted=counted,
            last_day=_day(last) if last is not None and too_many < NEVER else None,
            unlimited=too_many >= NEVER,
            binds=too_many == earliest < NEVER,
        )

    def _window(self, reading: Reading, regime: Regime) -> tuple[int | None, tuple[Counted, ...]]:
        """The window that ends on the day, and the stays in it."""
        history = self.history
        match reading.kind:
            case "absence":
                return None, ()
            case "per-entry":
                if self.place is None or history[self.place].entered > self.on:
                    return None, ()
                begins, history = history[self.place].entered, history[self.place : self.place + 1]
            case "carried-on":
                if not history:
                    return None, ()
                begins = history[0].entered
            case _:
                begins = reading.begins(self.on)
        return begins, tuple(reversed([*self._counted(history, regime, begins)]))

    def _counted(self, history: list[Span], regime: Regime, begins: int) -> Iterator[Counted]:
        """The stays in a window, the latest first."""
        reached = self.on + 1
        for span in reversed(history):
            if span.left < begins:
                return
            first, last = regime.counted(span.entered, span.left)
            days = min(last, reached - 1) - max(first, begins) + 1
            if days > 0:
                yield Counted(_day(span.entered), _day(min(span.left, self.on)), days)
            reached = min(reached, first)

    # --- why it is not certain

    def doubts(self, regime: Regime | None, overstays: Sequence[Overstay]) -> Iterator[str]:
        if regime is None:
            yield "no limit of stay is known for this day of entry: nothing was counted"
        else:
            if not regime.ends_stays:
                yield "nothing is known that would end this stay: no date was counted, find out"
            yield from _doubts_of(regime)
            yield from self._reach(regime)
        for place, (span, own) in enumerate(zip(self.history, self._own, strict=True)):
            if not span.is_certain:
                yield from span.doubts
            if own is None:
                yield f"no limit of stay is known for the entry on {span.stay.entered}: it was only counted"
            elif own.disputed_absences:
                yield from self._too_early(place, own)
        for one in overstays:
            if one.certain_since != one.since:
                certain = f"certain since {one.certain_since}" if one.certain_since else "not certain"
                unless = "unless another ground carried it: ask counsel"
                yield f"the overstay of the stay from {one.entered} is {certain}, {unless}"

    def _reach(self, regime: Regime) -> Iterator[str]:
        """Whether a window looks back to before the rule began."""
        starts = [limit.valid_from for limit in regime.limits if limit.valid_from is not None]
        if not starts or not self.history:
            return
        begins = min((one.begins(self.on) for bound in regime.bounds for one in bound if one.window), default=NEVER)
        rule = max(starts).toordinal()
        if any(begins <= span.left and span.entered < rule for span in self.history):
            yield f"days before {max(starts)}, the rule's first day, are counted in its window: the earlier reading"

    def _too_early(self, place: int, regime: Regime) -> Iterator[str]:
        """Whether an entry came within a time of absence that is disputed."""
        entry = self.entry_of(place, regime)
        for one in regime.disputed_absences:
            if first_too_many(one, entry, EMPTY, regime.entry_counts) < NEVER:
                yield f"the entry on {self.history[place].stay.entered} was too early, if this holds: {one.says}"


def _doubts_of(regime: Regime) -> Iterator[str]:
    """Why a regime itself is not certain."""
    for limit in regime.limits:
        yield from limit.doubt
        for what, known in (("entry", limit.entry_day_counts), ("exit", limit.exit_day_counts)):
            if known == "unknown":
                yield f"nobody has said whether the day of {what} counts: it is counted, the earlier reading"
    if len(regime.limits) > 1:
        yield "the day of entry may lie before or after a change of the law: both versions are held, the earlier plans"
    for bound in regime.bounds:
        if len(bound) > 1:
            yield f"{bound[0].constraint.says}: both readings are counted, and the earlier plans"
        elif bound[0].kind == "carried-on":
            yield "nobody has said when a stay begins anew: the days of all entries are added up"
        if bound[0].constraint.disputed:
            yield f"the sources disagree on this limit, and it is kept to: {bound[0].constraint.says}"
