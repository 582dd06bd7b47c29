"""Three fields that are never one: lawful stay, protection against removal, and actual safety.

A man with a valid certificate was handed over; another was expelled over a petty offence, without any request for
extradition; others were taken by a foreign army. So none of the three is ever reckoned from another one. What the first
two are in a country of transit and in one of refuge is in ``transit_protection`` and ``refuge_protection``.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from domain.case import Path
from domain.facts import CountryCode, Frozen
from domain.overstay import Cost
from domain.rulebook import Rules
from domain.rulebook.dated import Answer
from domain.safety import Safety


class Ground(Frozen):
    """Something that lets a person stay, or keeps him from being removed.

    Attributes:
        name: what it is, in words.
        until: its last day; ``None`` where no end is known.
        doubt: why it may not be relied on alone.
        stops: it stops a removal that has been asked for or decided; nothing else does that for sure.
    """

    name: str
    until: date | None = None
    doubt: tuple[str, ...] = ()
    stops: bool = False

    def lasts(self, on: date) -> bool:
        return self.until is None or self.until >= on


class LawfulStay(Frozen):
    """Whether the stay is lawful on a day.

    Attributes:
        holds: ``unknown`` where only grounds without a known end are left, and while an order to expel stands.
        ground: the ground that reaches furthest; the last one that was, where none holds.
        doubt: what stands against relying on it.
        overstay: what an overstay costs in this country, step by step.
    """

    holds: Answer
    ground: Ground | None
    doubt: tuple[str, ...] = ()
    overstay: tuple[Cost, ...] = ()


class RemovalProtection(Frozen):
    """What keeps the person from being removed, and what would remove him."""

    holds: Answer
    bars: tuple[Ground, ...] = ()
    threats: tuple[str, ...] = ()


class ActualSafety(Frozen):
    """What is known of the danger itself; ``risk`` is ``None`` while nobody has assessed it."""

    risk: str | None
    review_on: date | None
    emergencies: tuple[str, ...] = ()
    looked_for_by: tuple[str, ...] = ()


class ThreeFields(Frozen):
    """The three fields of a case, side by side.

    Attributes:
        country: where the person is, as far as is known.
        on: the day.
    """

    country: CountryCode | None
    on: date
    lawful_stay: LawfulStay
    removal_protection: RemovalProtection
    actual_safety: ActualSafety


def actual_safety(safety: Safety, case: Path) -> ActualSafety:
    """What is known of the danger itself."""
    custody, danger = safety.custody, safety.danger
    emergencies = [f"{custody.held} since {custody.held_since}"] if custody.held is not None else []
    if custody.missing_since is not None:
        emergencies.append(f"missing since {custody.missing_since}")
    if safety.check_ins.duress:
        emergencies.append("answered under duress")
    emergencies += [f"contact with {state} is reported" for state in sorted(case.forbidden_contacts)]
    return ActualSafety(
        risk=str(danger.level) if danger.level is not None else None,
        review_on=danger.review_on,
        emergencies=tuple(emergencies),
        looked_for_by=tuple(f"{state} ({how})" for state, how in sorted(safety.extradition.wanted.items())),
    )


def protected_by(bars: Iterable[Ground], threats: Iterable[str], on: date) -> RemovalProtection:
    """What keeps a person from being removed on a day: sure only where one bar is without a doubt.

    While somebody asks for him, or has decided that he must go, only what stops that very removal is sure: men with
    valid papers of a pending claim were handed over.
    """
    lasting, threatened = tuple(one for one in bars if one.lasts(on)), tuple(threats)
    sure = any(not one.doubt and (one.stops or not threatened) for one in lasting)
    holds = Answer.YES if sure else Answer.UNKNOWN if lasting else Answer.NO
    return RemovalProtection(holds=holds, bars=lasting, threats=threatened)


def of_safety(safety: Safety, country: CountryCode | None) -> Iterator[Ground]:
    """What keeps him from being removed by a country, whatever his stay there is."""
    if country is not None and (measure := safety.custody.measures.get(country)) is not None:
        yield Ground(name="interim measure", until=measure.until, stops=True)


def threats_of_safety(safety: Safety) -> Iterator[str]:
    """Who has asked for him, wherever he is."""
    for state, request in sorted(safety.extradition.requests.items()):
        granted = f", granted on {request.granted}" if request.granted is not None else ""
        yield f"extradition asked for by {state} on {request.on}{granted}"


def doubt_of_appeal(track: str, rules: Rules, on: date) -> tuple[str, ...]:
    """Why an appeal may not keep a person in the country; empty where the track says that it does."""
    found = rules.track(track, on)
    match found.suspensive if found is not None else Answer.UNKNOWN:
        case Answer.YES:
            return ()
        case Answer.NO:
            return (f"on the {track} track an appeal does not keep a person in the country",)
        case Answer.UNKNOWN:
            return ("whether an appeal keeps a person in the country is not known",)
