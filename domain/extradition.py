"""Who looks for the person, and who asks for him: search lists and requests for extradition. A part of safety.

A request ends when it is refused or withdrawn, or with the hand-over itself; never by the passing of time, and not by a
release.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from domain.custody import Deported
from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty, emergency_duty
from domain.facts import CountryCode, Fact, Frozen, Occurred, Record, Report
from domain.room import Room, first_end_of_day

REQUEST_ROUND = timedelta(days=7)
"""While a request is open, somebody asks this often where it stands."""

APPEAL_WITHIN = timedelta(hours=24)
"""Where no day is printed on the decision: handing over can follow within days (facts: Kazakhstan, 2026)."""

APPEAL_REMINDERS = (timedelta(days=7), timedelta(days=3), timedelta(days=1))

SEARCH_LOOKED_AT = timedelta(days=3)
"""How long staff have to find out what a search closes: borders, permits, flights."""


class Search(StrEnum):
    """On which list a person is looked for."""

    NATIONAL = "national"
    INTERSTATE = "interstate"
    INTERNATIONAL = "international"


class RequestOutcome(StrEnum):
    """How a request for extradition was decided."""

    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class WantedListed(Report):
    """The person stands on a state's list of wanted persons."""

    kind: Literal["wanted-listed"] = "wanted-listed"
    by: CountryCode = Field(description="the state that looks for him")
    search: Search = Field(default=Search.NATIONAL, description="on which list")


class WantedCleared(Report):
    """The person stands on that state's lists no more."""

    kind: Literal["wanted-cleared"] = "wanted-cleared"
    by: CountryCode = Field(description="the state that looked for him")


class ExtraditionRequested(Report):
    """A state asks for the person to be handed over."""

    kind: Literal["extradition-requested"] = "extradition-requested"
    by: CountryCode = Field(description="the state that asks")


class ExtraditionDecided(Report):
    """A request for extradition was granted, refused or withdrawn."""

    kind: Literal["extradition-decided"] = "extradition-decided"
    by: CountryCode = Field(description="the state that asks")
    outcome: RequestOutcome = Field(description="how")
    appeal_until: date | None = Field(default=None, description="last day to appeal, as printed on the decision")


class ExtraditionAppealed(Report):
    """An appeal against the extradition was lodged."""

    kind: Literal["extradition-appealed"] = "extradition-appealed"
    by: CountryCode = Field(description="the state that asks")


class Request(Frozen):
    """An open request for extradition.

    Attributes:
        on: when it became known.
        granted: when it was granted.
        appeal_until: last day to appeal against that, as printed.
        appealed: when an appeal was lodged.
    """

    on: Occurred
    granted: Occurred | None = None
    appeal_until: date | None = None
    appealed: Occurred | None = None


class Extradition(Frozen):
    """Open requests and searches, by state."""

    facts: ClassVar[tuple[type[Fact], ...]] = (
        WantedListed,
        WantedCleared,
        ExtraditionRequested,
        ExtraditionDecided,
        ExtraditionAppealed,
    )

    requests: Mapping[str, Request] = Field(default_factory=dict)
    wanted: Mapping[str, Search] = Field(default_factory=dict)
    wanted_since: Mapping[str, Occurred] = Field(default_factory=dict)

    def after(self, record: Record) -> "Extradition":
        when = record.occurred
        match record.fact:
            case WantedListed(by=state, search=search):
                since = {**self.wanted_since, state: when}
                return self._with(wanted={**self.wanted, state: search}, wanted_since=since)
            case WantedCleared(by=state):
                return self._with(wanted={one: how for one, how in self.wanted.items() if one != state})
            case ExtraditionRequested(by=state):
                # asked for again, or told twice: what was granted stays granted, with its last day to appeal
                known = self.requests.get(state)
                return self._requested(state, known.model_copy(update={"on": when}) if known else Request(on=when))
            case ExtraditionDecided(by=state, outcome=RequestOutcome.GRANTED, appeal_until=until):
                request = self.requests.get(state, Request(on=when))
                return self._requested(state, Request(on=request.on, granted=when, appeal_until=until))
            case ExtraditionDecided(by=state):
                return self._with(requests={one: open_ for one, open_ in self.requests.items() if one != state})
            case Deported(to=state):
                return self._with(requests={one: open_ for one, open_ in self.requests.items() if one != state})
            case ExtraditionAppealed(by=state) if state in self.requests:
                return self._requested(state, self.requests[state].model_copy(update={"appealed": when}))
            case _:
                return self

    def _with(self, **changes: object) -> "Extradition":
        return self.model_copy(update=changes)

    def _requested(self, state: str, request: Request) -> "Extradition":
        return self._with(requests={**self.requests, state: request})

    def objection(self, fact: Fact) -> str | None:
        match fact:
            case ExtraditionDecided(by=state) | ExtraditionAppealed(by=state) if state not in self.requests:
                return "no request of this state is recorded"
            case WantedCleared(by=state) if state not in self.wanted:
                return "this state is not known to look for the person"
            case _:
                return None

    def duties(self, room: Room) -> Iterator[Duty]:
        """What open requests and searches ask of staff. Lawyer and interim measures are in ``domain.custody``.

        Args:
            room: the safety room, which knows what was acknowledged when.
        """
        for state, request in sorted(self.requests.items()):
            yield from _of_request(room, state, request)
        for state, search in sorted(self.wanted.items()):
            yield Duty(
                id=f"wanted.{state}",
                title=f"{state} looks for the person ({search} list): which borders, permits and flights are closed?",
                due=self.wanted_since[state].instant + SEARCH_LOOKED_AT,
                consequence=Consequence.DANGER,
                escalations=LEGAL_ESCALATIONS,
            )


def _of_request(room: Room, state: str, request: Request) -> Iterator[Duty]:
    round_id = f"extradition.{state}"
    yield Duty(
        id=round_id,
        title=f"{state} asks for the person: ask court and lawyer where the request stands",
        due=room.since(round_id, request.on.instant) + REQUEST_ROUND,
        consequence=Consequence.DANGER,
        escalations=LEGAL_ESCALATIONS,
    )
    if request.granted is None or request.appealed is not None:
        return
    appeal_id = f"extradition-appeal.{state}"
    if request.appeal_until is None:
        title = "The extradition was granted: find out until when an appeal is possible, and lodge it"
        yield emergency_duty(appeal_id, title, request.granted.instant + APPEAL_WITHIN)
    else:
        due = first_end_of_day(request.appeal_until)
        duty = emergency_duty(appeal_id, "The extradition was granted: lodge the appeal", due)
        yield duty.model_copy(update={"reminders": APPEAL_REMINDERS})
