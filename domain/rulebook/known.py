"""What a rulebook holds of a country beside its periods: documents, stays, statuses, tracks, penalties, risks.

Nothing here is advice. Each item is a fact with its source and its doubt, for a person to weigh.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from domain.deadlines import Unit
from domain.duties import Consequence
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.rulebook.dated import Answer, Conditions, Dated, ItemId, Period, Word, Words
from domain.stays import Constraint


class EntryDocument(Dated):
    """Whether a border accepts a document. Good for entry only: a later step may need another one.

    Attributes:
        document: what it is.
        accepted: whether it opens the border; ``no`` where a source says that it does not.
        valid_for_at_least: how long it must still be valid; ``None`` when no margin is known.
        margin_unit: what that is counted in.
        margin_from: what the margin is counted from.
        when: conditions of the person, such as ``age``.
    """

    document: Word
    accepted: Answer = Answer.YES
    valid_for_at_least: Period | None = None
    margin_unit: Unit = Unit.DAYS
    margin_from: Words | None = None
    when: Conditions = Field(default_factory=dict)


class Precondition(Dated):
    """What a border wants beside the document, such as an insurance or an electronic permit.

    Attributes:
        requirement: what it is.
        title: in one sentence.
        amount: how long it is valid; ``None`` when that is not known or has no meaning.
        unit: what ``amount`` is counted in.
        cost: with its currency.
        missing: what happens without it.
        consequences: the same, typed.
    """

    requirement: Word
    title: Words
    amount: Period | None = None
    unit: Unit | None = None
    cost: Words | None = None
    missing: Words | None = None
    consequences: tuple[Consequence, ...] = ()


class StayLimit(Dated):
    """How long a person may stay without any other ground: constraints that must all hold.

    Attributes:
        title: in one sentence.
        constraints: all of them must hold; none where nothing is known that could be counted.
        entry_day_counts: whether the day of entry is a day of stay. Unknown is counted: the earlier reading.
        exit_day_counts: the same of the day of exit.
        pivot: the event whose date decides which version applies.
        when: conditions of the case.
        up_to: the law names only the longest stay, and an officer may give less.
        reminders: how many days before its end to remind; if not given, the usual ones.
    """

    title: Words
    constraints: tuple[Constraint, ...] = ()
    entry_day_counts: Answer = Answer.UNKNOWN
    exit_day_counts: Answer = Answer.UNKNOWN
    pivot: Words = "entry into the country"
    when: Conditions = Field(default_factory=dict)
    up_to: bool = False
    # left out where it says nothing: the digest of a law that has not changed stays the same
    reminders: tuple[Period, ...] = Field(default=(), exclude_if=lambda days: not days)

    def _doubts(self) -> Iterator[str]:
        yield from super()._doubts()
        if self.up_to:
            yield "the law names only the longest stay: an officer may give less, and what is printed counts"
        if not self.constraints:
            yield "no limit is known"
        if any(one.kind == "year" for one in self.constraints):
            yield "whether the year is a calendar year or a rolling one is not known"


class Token(Dated):
    """A status as a dated token: a certificate, a permit, a card, a visa.

    Attributes:
        token: what it is.
        title: in one sentence.
        local_name: what the authority calls it.
        amount: how long one is valid; ``None`` when that is printed, or not known.
        at_most: the longest of a band.
        unit: what both are counted in.
        up_to: only the longest validity is known, and the date printed on it may be earlier.
        renewable: whether it can be had again.
        longest: how long it can be held in all, in ``longest_unit``.
        file_before: how many days before its end the renewal must be asked for.
        issued_within: what the authority takes to give it, in words.
        bound_to: what it hangs on, such as ``employer`` or ``province``: it ends with that.
        blockers: what stands in the way, such as ``wanted-list``.
        needs: what must be shown, such as ``international-passport``.
    """

    token: Word
    title: Words
    local_name: Words | None = None
    amount: Period | None = None
    at_most: Period | None = None
    unit: Unit | None = None
    up_to: bool = False
    renewable: Answer = Answer.UNKNOWN
    longest: Period | None = None
    longest_unit: Unit | None = None
    file_before: Period | None = None
    issued_within: Words | None = None
    bound_to: tuple[Word, ...] = ()
    blockers: tuple[Word, ...] = ()
    needs: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _has_units(self) -> Self:
        if (self.amount is None) != (self.unit is None) or (self.longest is None) != (self.longest_unit is None):
            raise ValueError("an amount and its unit are given together")
        return self

    def _doubts(self) -> Iterator[str]:
        yield from super()._doubts()
        if self.up_to:
            yield "only the longest validity is known: the printed date may be earlier"


class Track(Dated):
    """One way through an asylum procedure, with its own clocks.

    Attributes:
        track: what it is, such as ``accelerated``.
        title: in one sentence.
        local_name: what the authority calls it.
        entered_when: which claims come here, in words.
        suspensive: whether an appeal keeps the person in the country.
        free_lawyer: whether one is given.
        counts_as_seeker: whether the person still has the rights of an asylum seeker.
        steps: ids of the rules whose clocks run on this track.
        leads_to: tracks and outcomes that can follow.
    """

    track: Word
    title: Words
    local_name: Words | None = None
    entered_when: Words | None = None
    suspensive: Answer = Answer.UNKNOWN
    free_lawyer: Answer = Answer.UNKNOWN
    counts_as_seeker: Answer = Answer.UNKNOWN
    steps: tuple[ItemId, ...] = ()
    leads_to: tuple[Word, ...] = ()


class Outcome(Dated):
    """An end of a procedure, and what follows it.

    Attributes:
        outcome: what it is, such as ``refugee``.
        title: in one sentence.
        amount: how long what is given is valid; ``None`` when nothing is known, or nothing given.
        unit: what ``amount`` is counted in.
    """

    outcome: Word
    title: Words
    amount: Period | None = None
    unit: Unit | None = None


class Service(Dated):
    """How a decision is served, and when it counts as served although nobody has seen the person read it.

    Attributes:
        means: how, such as ``portal`` or ``registered-letter``.
        title: in one sentence.
        begins: what the fiction is counted from, such as the upload.
        amount: after how long it counts as served; ``None`` where it does at once.
        unit: what ``amount`` is counted in.
        unless: the event that serves it earlier, such as the first opening.
    """

    means: Word
    title: Words
    begins: Words
    amount: Period | None = None
    unit: Unit = Unit.DAYS
    unless: Words | None = None


class Penalty(Dated):
    """What one step of a scale costs, such as of an overstay of so many days.

    Attributes:
        offence: what was done.
        title: in one sentence.
        from_days: the scale's step begins with this day; ``None`` at its beginning.
        to_days: and ends with this one; ``None`` when it has no end.
        from_months: the same where the scale counts in months: the step begins when so many are over.
        to_months: and ends with the last day of so many.
        fine: with its currency or index unit; never computed.
        ban: how long no new entry is possible, in ``ban_unit``.
        ban_at_least: whether the ban is at least so long; otherwise it is at most so long.
        ban_at_most: the longest of a band that begins with ``ban``; the same as ``ban`` where the length is fixed.
        when: conditions, such as ``repeat`` or ``paid``.
    """

    offence: Word
    title: Words
    from_days: int | None = None
    to_days: int | None = None
    from_months: int | None = None
    to_months: int | None = None
    fine: Words | None = None
    ban: Period | None = None
    ban_unit: Unit | None = None
    ban_at_least: bool = False
    ban_at_most: Period | None = None
    when: Conditions = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_a_step(self) -> Self:
        if self.from_days is not None and self.to_days is not None and self.to_days < self.from_days:
            raise ValueError("to_days lies before from_days: exchange them")
        if self.from_months is not None and self.to_months is not None and self.to_months <= self.from_months:
            raise ValueError("to_months is not after from_months: exchange them")
        if self.ban_at_most is not None and (self.ban is None or self.ban_at_least or self.ban_at_most < self.ban):
            raise ValueError("ban_at_most goes with a ban that is not longer, and without ban_at_least")
        if (self.ban is None) != (self.ban_unit is None):
            raise ValueError("a ban and its unit are given together")
        return self


class Treaty(Dated):
    """A treaty that bears on extradition or search.

    Attributes:
        treaty: its short name.
        bound: whether the country is bound by it.
        since: from when; ``None`` when that is not known.
    """

    treaty: Words
    bound: Answer
    since: date | None = None


class Authority(Dated):
    """Who decides.

    Attributes:
        tasks: what it does, such as ``asylum``.
        name: in English.
        local_name: its own name.
    """

    tasks: tuple[Word, ...] = Field(min_length=1)
    name: Words
    local_name: Words | None = None


class Practice(Dated):
    """What is done beside the law, or although the law says otherwise: frozen files, discretion, rates of recognition.

    Attributes:
        topic: what it is about: ``freeze``, ``discretion``, ``recognition``, ``exit``, ``embassies``, …
        says: what is known, in our own words.
        concerns: whom, such as ``deserter``.
    """

    topic: Word
    says: Words
    concerns: tuple[Word, ...] = ()


class Actor(StrEnum):
    """Who acted."""

    HOST_POLICE = "host-police"
    SECURITY_SERVICE = "security-service"
    BORDER_GUARD = "border-guard"
    COURT = "court"
    MINISTRY = "ministry"
    FOREIGN_MILITARY = "foreign-military"
    FOREIGN_SERVICE = "foreign-service"
    UNKNOWN = "unknown"


class Mechanism(StrEnum):
    """How it was done."""

    EXTRADITION = "extradition"
    EXPULSION = "expulsion"
    ABDUCTION = "abduction"
    HAND_OVER = "hand-over"
    DETENTION = "detention"
    AIRPORT_STOP = "airport-stop"
    REFUSED_EXIT = "refused-exit"
    REFUSED_ENTRY = "refused-entry"
    REFUSED_PERMIT = "refused-permit"
    PROSECUTION = "prosecution"


class Result(StrEnum):
    """How it ended, as far as is known."""

    HANDED_OVER = "handed-over"
    RELEASED = "released"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    PENDING = "pending"
    LEFT = "left"
    UNKNOWN = "unknown"


class RiskRecord(Dated):
    """A report of what happened to somebody. It names nobody: the source does, if anybody must know.

    Attributes:
        happened: when, as one writes a date: ``2023-12-07``, ``2023-12``, ``~2024-06``, ``2024-01-01..2024-12-31``.
        place: the town, or where in the country.
        group: whom it concerns: ``deserter``, ``mobilised``, ``draft-evader``, ``objector``, ``activist``,
            ``other``.
        actor: who acted.
        mechanism: how.
        held: the status the person held, such as ``asylum-seeker-certificate``.
        result: how it ended.
        in_transit: whether he was only passing through, and had not entered.
        says: what is reported, in our own words and without a name.
    """

    happened: Words
    place: Words | None = None
    group: Word
    actor: Actor
    mechanism: Mechanism
    held: Word | None = None
    result: Result
    in_transit: bool = False
    says: Words

    @model_validator(mode="after")
    def _has_a_date(self) -> Self:
        try:
            Occurred.parse(self.happened)
        except NotUnderstood as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def when(self) -> Occurred:
        """When it happened."""
        return Occurred.parse(self.happened)
