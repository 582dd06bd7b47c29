"""What is told to the cases while things crash: commands of many kinds, drawn from a seed and from nothing else.

A round depends on the seed and its number alone, never on what has happened meanwhile, so that a seed tells the same
commands, victims and moments again. Some commands will be refused: that is an answer, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID

from domain.alerts import Exposure, ExposureNoted, RegionNoted
from domain.case import Assigned, ClosingReason, PathClosed, PathReopened
from domain.check_ins import Answer as Said
from domain.check_ins import (
    Channel,
    CheckedIn,
    CheckInPlanned,
    CheckInsPaused,
    CheckInsResumed,
    ContactLogged,
    DuressEnded,
    Reached,
)
from domain.consent import ConsentForm, ConsentGiven, Material, Purpose, Recipient, Scope
from domain.custody import Detained, Disappeared, Found, InterimMeasureGranted, LawyerEngaged, Released
from domain.danger import Risk, RiskAssessed
from domain.embassy_contacts import Answer, Answered, Approached, ContactHappened, Pledged, PledgeLapsed
from domain.extradition import ExtraditionDecided, ExtraditionRequested, RequestOutcome, WantedListed
from domain.facts import Fact
from domain.needs import NeedKind, NeedMet, NeedNoted, NeedUrgency, TodoSet
from domain.reaching import ChannelLost, ChannelRestored
from domain.references import Phase
from domain.room import Acknowledged
from domain.stay_facts import AppealOutcome as Outcome
from domain.stay_facts import (
    Blocker,
    BlockerCleared,
    BlockerFound,
    ClaimAppealDecided,
    ClaimAppealed,
    ClaimLodged,
    ClaimRefused,
    DangerLearned,
    ExitBarred,
    ExitCleared,
    ExpulsionAppealed,
    ExpulsionLifted,
    ExpulsionOrdered,
    Registered,
    Registrar,
    Relocated,
    Status,
    StatusEnded,
    StatusGranted,
    StatusRefused,
    StatusRequested,
)
from domain.vetting import Check, CheckRecorded, Finding, FindingApproved, FindingProposed, NewInformation, Result

CASES = 6
"""As many as ``examples/six`` holds."""

STATES = ("FR", "DE", "PL")


class Victim(StrEnum):
    """Who is killed."""

    WORKER = "worker"
    SERVER = "server"
    BOTH = "both"


@dataclass(frozen=True)
class Order:
    """A command to be given.

    Attributes:
        case: which case, by its number.
        fact: what is told; ``None`` to take back what an earlier order told.
        ago: how long ago it happened.
        phase: its phase, where the fact itself does not say it.
        actor: who tells it.
        command_id: its id.
        note: id of a note that no other command has: what is doubled is seen by it.
    """

    case: int
    fact: Fact | None
    ago: timedelta
    phase: Phase | None
    actor: str
    command_id: UUID
    note: UUID
    takes_back: int = 0


@dataclass(frozen=True)
class Round:
    """One crash.

    Attributes:
        number: from 1.
        orders: the commands that are under way when it happens.
        imports: whether an import is under way as well.
        victim: who is killed.
        after: seconds between the sending of the commands and the kill.
        again_after: seconds after the new start began at which both are killed once more; ``None`` for not at all.
    """

    number: int
    orders: tuple[Order, ...]
    imports: bool
    victim: Victim
    after: float
    again_after: float | None

    def __str__(self) -> str:
        told = ", ".join(f"{one.case}:{one.fact.kind if one.fact else 'corrected'}" for one in self.orders)
        again = f", again {self.again_after:.3f} s into the start" if self.again_after is not None else ""
        return f"kill {self.victim} after {self.after:.3f} s{again}; import: {self.imports}; {told}"


def draw_round(seed: int, number: int) -> Round:
    """The round of this number."""
    chance = Random(f"{seed}/{number}")
    return Round(
        number=number,
        orders=tuple(_order(chance) for _ in range(chance.randint(4, 8))),
        imports=chance.random() < 0.1,
        victim=chance.choice(list(Victim)),
        after=chance.choice((chance.uniform(0, 0.1), chance.uniform(0.1, 1.0))),
        again_after=chance.uniform(0, 0.6) if chance.random() < 0.15 else None,
    )


def _order(chance: Random) -> Order:
    """One command. Half of them go to safety, whose duties fall due within seconds."""
    drawn = chance.choice(_SAFETY if chance.random() < 0.5 else _OTHERS)(chance)
    return Order(
        case=chance.randrange(CASES),
        fact=drawn.fact,
        ago=drawn.ago,
        phase=drawn.phase,
        actor=chance.choice(("dana", "eli", "vera", "timur")),
        command_id=UUID(int=chance.getrandbits(128), version=4),
        note=UUID(int=chance.getrandbits(128), version=4),
        takes_back=chance.randrange(1, 20),
    )


@dataclass(frozen=True)
class _Drawn:
    fact: Fact | None
    ago: timedelta = timedelta()
    phase: Phase | None = None


def _just_before(due: timedelta, chance: Random) -> timedelta:
    """So long ago that what is due after ``due`` falls due within seconds."""
    return due - timedelta(seconds=chance.uniform(1, 8))


def _day(chance: Random) -> date:
    return date(2040, 1, 1) + timedelta(days=chance.randrange(700))


_SAFETY: tuple[Callable[[Random], _Drawn], ...] = (
    lambda _: _Drawn(CheckedIn()),
    lambda chance: _Drawn(CheckedIn(answer=chance.choice(list(Said)))),
    lambda chance: _Drawn(ContactLogged(reached=chance.choice(list(Reached)))),
    lambda chance: _Drawn(CheckInsPaused(days=chance.randint(1, 9))),
    lambda _: _Drawn(CheckInsResumed()),
    lambda _: _Drawn(DuressEnded()),
    lambda chance: _Drawn(ChannelLost(channel=chance.choice(list(Channel))), _just_before(timedelta(hours=12), chance)),
    lambda chance: _Drawn(ChannelRestored(channel=chance.choice(list(Channel)))),
    lambda chance: _Drawn(NeedNoted(need=chance.choice(list(NeedKind)), by=_day(chance))),
    lambda chance: _Drawn(TodoSet(by=_day(chance), urgency=chance.choice(list(NeedUrgency)))),
    lambda chance: _Drawn(NeedMet(id=f"need-{chance.randint(1, 20)}")),
    lambda chance: _Drawn(CheckInPlanned(every_days=chance.randint(1, 30))),
    lambda _: _Drawn(CheckInPlanned(every_days=1, grace_hours=1)),
    lambda chance: _Drawn(RiskAssessed(level=chance.choice(list(Risk)), review_on=_day(chance))),
    lambda chance: _Drawn(Detained(), _just_before(timedelta(hours=1), chance)),
    lambda chance: _Drawn(Detained(), _just_before(timedelta(hours=1), chance)),
    lambda chance: _Drawn(Detained(), _just_before(timedelta(hours=24), chance)),
    lambda chance: _Drawn(Released(), _just_before(timedelta(hours=12), chance)),
    lambda chance: _Drawn(Disappeared(), _just_before(timedelta(hours=24), chance)),
    lambda _: _Drawn(Found()),
    lambda _: _Drawn(LawyerEngaged()),
    lambda _: _Drawn(WantedListed(by="RU")),
    lambda _: _Drawn(ExtraditionRequested(by="RU")),
    lambda chance: _Drawn(ExtraditionDecided(by="RU", outcome=chance.choice(list(RequestOutcome)))),
    lambda chance: _Drawn(InterimMeasureGranted(against="KZ", until=_day(chance))),
    lambda chance: _Drawn(RegionNoted(region=chance.choice(("KZ-ALA", "KZ-AST")))),
    lambda chance: _Drawn(ExposureNoted(exposure=chance.choice(list(Exposure)), applies=chance.random() < 0.5)),
    lambda _: _Drawn(Acknowledged(duty="lawyer"), phase=Phase.SAFETY),
    lambda _: _Drawn(Acknowledged(duty="check-in"), phase=Phase.SAFETY),
    lambda _: _Drawn(None),
)

_OTHERS: tuple[Callable[[Random], _Drawn], ...] = (
    lambda chance: _Drawn(Registered(by=chance.choice(list(Registrar)))),
    lambda chance: _Drawn(StatusRequested(status=chance.choice(list(Status)))),
    lambda chance: _Drawn(StatusRefused(status=chance.choice(list(Status)), appeal_until=_day(chance))),
    lambda chance: _Drawn(StatusEnded(status=chance.choice(list(Status)))),
    lambda chance: _Drawn(BlockerFound(blocker=chance.choice(list(Blocker)))),
    lambda chance: _Drawn(BlockerCleared(blocker=chance.choice(list(Blocker)))),
    lambda _: _Drawn(ClaimLodged()),
    lambda _: _Drawn(ClaimRefused()),
    lambda _: _Drawn(ClaimAppealed()),
    lambda chance: _Drawn(ClaimAppealDecided(outcome=chance.choice(list(Outcome)))),
    lambda _: _Drawn(ExpulsionOrdered()),
    lambda _: _Drawn(ExpulsionAppealed()),
    lambda _: _Drawn(ExpulsionLifted()),
    lambda chance: _Drawn(StatusGranted(status=chance.choice(list(Status)), until=_day(chance))),
    lambda _: _Drawn(DangerLearned()),
    lambda _: _Drawn(ExitCleared()),
    lambda _: _Drawn(ExitBarred()),
    lambda chance: _Drawn(Relocated(to=chance.choice(("GE", "KZ")))),
    lambda chance: _Drawn(Approached(country=chance.choice(STATES))),
    lambda chance: _Drawn(ContactHappened(country=chance.choice(STATES))),
    lambda chance: _Drawn(Answered(country=chance.choice(STATES), answer=Answer.UNDER_REVIEW)),
    lambda chance: _Drawn(Pledged(country=chance.choice(STATES))),
    lambda _: _Drawn(PledgeLapsed(country="FR")),
    lambda chance: _Drawn(CheckRecorded(check=chance.choice(list(Check)), result=Result.CONSISTENT)),
    lambda chance: _Drawn(FindingProposed(finding=chance.choice((Finding.CLEARED, Finding.ADVERSE)))),
    lambda _: _Drawn(FindingApproved()),
    lambda _: _Drawn(NewInformation()),
    lambda chance: _Drawn(Assigned(coordinator=chance.choice(("dana", "eli")))),
    lambda _: _Drawn(
        ConsentGiven(
            scopes=(Scope(recipient=Recipient.EMBASSY, purpose=Purpose.ENTRY, materials=(Material.EXISTENCE,)),),
            language="ru",
            form=ConsentForm.SPOKEN,
        )
    ),
    lambda _: _Drawn(PathClosed(reason=ClosingReason.LOST)),
    lambda _: _Drawn(PathReopened()),
    lambda _: _Drawn(PathReopened()),
)
