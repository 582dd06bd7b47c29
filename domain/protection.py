"""Three fields that are never one: lawful stay, protection against removal, and actual safety.

A man with a valid certificate was handed over; another was expelled over a petty offence, without any request for
extradition; others were taken by a foreign army. So none of the three is ever reckoned from another one.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from domain.case import Path
from domain.errors import NotUnderstood
from domain.facts import CountryCode, Frozen
from domain.grounds import Turn
from domain.overstay import Cost, overstay_scale
from domain.rulebook import Rules
from domain.rulebook.dated import Answer
from domain.safety import Safety
from domain.stay_facts import Status
from domain.stay_reckoning import reckon
from domain.stays import Stay
from domain.transit_claim import ClaimState
from domain.transit_stay import TransitStay


class Ground(Frozen):
    """Something that lets a person stay, or keeps him from being removed.

    Attributes:
        name: what it is, in words.
        until: its last day; ``None`` where no end is known.
        doubt: why it may not be relied on alone.
    """

    name: str
    until: date | None = None
    doubt: tuple[str, ...] = ()

    def lasts(self, on: date) -> bool:
        return self.until is None or self.until >= on


class LawfulStay(Frozen):
    """Whether the stay is lawful on a day.

    Attributes:
        holds: ``unknown`` where only grounds without a known end are left.
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
    """The three fields of a case in a country of transit, side by side."""

    country: CountryCode | None
    on: date
    lawful_stay: LawfulStay
    removal_protection: RemovalProtection
    actual_safety: ActualSafety


def three_fields(stay: TransitStay, safety: Safety, case: Path, rules: Rules, on: date) -> ThreeFields:
    """The three fields on a day.

    Args:
        stay: the present stay.
        safety: the person's safety.
        case: the case.
        rules: what the rulebook holds for the stay.
        on: the day.
    """
    return ThreeFields(
        country=stay.country,
        on=on,
        lawful_stay=lawful_stay(stay, rules, on),
        removal_protection=removal_protection(stay, safety, rules, on),
        actual_safety=actual_safety(safety, case),
    )


# --- lawful stay ---------------------------------------------------------------------------------------------------


def lawful_stay(stay: TransitStay, rules: Rules, on: date) -> LawfulStay:
    """Whether the stay is lawful on a day, on which ground, until when, and with which doubt."""
    if stay.entered is None or not stay.inside:
        why = "no entry is recorded" if stay.entered is None else "the person has left the country"
        return LawfulStay(holds=Answer.UNKNOWN, ground=None, doubt=(why,))
    grounds = tuple(_grounds(stay, rules, on))
    lasting = [one for one in grounds if one.lasts(on)]
    known = [one for one in lasting if one.until is not None]
    furthest = max(known or lasting or grounds, key=lambda one: one.until or date.min, default=None)
    holds = Answer.YES if known else Answer.UNKNOWN if lasting else Answer.NO
    doubt = (*(furthest.doubt if furthest is not None else ()), *_doubts(stay, rules))
    return LawfulStay(holds=holds, ground=furthest, doubt=doubt, overstay=overstay_scale(rules, on))


def _grounds(stay: TransitStay, rules: Rules, on: date) -> Iterator[Ground]:
    for status in stay.grounds.granted:
        until = stay.grounds.reach(status, rules)
        yield Ground(name=str(status), until=until, doubt=() if until else ("its last day is not known",))
    if (visa_free := _visa_free(stay, rules, on)) is not None:
        yield visa_free
    for duty in stay.claim.leaving(rules, stay.conditions()):
        if duty.id == "leave-after-refusal":
            until = (duty.due - timedelta(microseconds=1)).astimezone(rules.place.zone).date()
            yield Ground(name="days left to leave", until=until, doubt=(duty.doubt,) if duty.doubt else ())
    if stay.claim.state is ClaimState.GRANTED:
        yield Ground(name="recognised", doubt=("whether this alone makes the stay lawful is not recorded",))


def _visa_free(stay: TransitStay, rules: Rules, on: date) -> Ground | None:
    """The days without a visa: never after an irregular crossing, or once an authority has ended them."""
    name, chapters = str(Status.VISA_FREE), stay.grounds.chapters
    last = next((one.turn for one in reversed(chapters) if one.status is Status.VISA_FREE), None)
    if not stay.lawfully or last in (Turn.WITHDRAWN, Turn.EXPIRED, Turn.GIVEN_UP):
        return None
    if (printed := stay.grounds.printed_visa_free()) is not None:
        return Ground(name=name, until=printed)
    history = [Stay.local(one.entered, one.left, rules.place) for one in stay.stays]
    try:
        found = reckon(history, rules.stay_limit, on)
    except NotUnderstood as error:
        return Ground(name=name, doubt=(f"the days cannot be reckoned: {error}",))
    too_long = found.overstay is not None and found.last_day is None
    return None if too_long else Ground(name=name, until=found.last_day, doubt=found.doubt)


def _doubts(stay: TransitStay, rules: Rules) -> Iterator[str]:
    if not stay.lawfully:
        yield "the border was not crossed lawfully"
    if not stay.registrations:
        yield "no registration is recorded"
    for blocker in stay.grounds.blockers:
        yield f"in the way: {blocker.replace('-', ' ')}"
    if not rules.known:
        yield "there is no rulebook for this country"


# --- protection against removal ------------------------------------------------------------------------------------


def removal_protection(stay: TransitStay, safety: Safety, rules: Rules, on: date) -> RemovalProtection:
    """What keeps the person from being removed on a day, and what would remove him."""
    bars = tuple(one for one in _bars(stay, safety, rules, on) if one.lasts(on))
    sure = any(not one.doubt for one in bars)
    holds = Answer.YES if sure else Answer.UNKNOWN if bars else Answer.NO
    return RemovalProtection(holds=holds, bars=bars, threats=tuple(_threats(stay, safety)))


def _bars(stay: TransitStay, safety: Safety, rules: Rules, on: date) -> Iterator[Ground]:
    claim = stay.claim
    match claim.state:
        case ClaimState.LODGED:
            yield Ground(name="asylum claim pending", doubt=_of_certificate(stay, rules, on))
        case ClaimState.REFUSED:
            doubt = "the claim was refused: only an appeal, lodged in time, may keep him here"
            yield Ground(name="time to appeal", until=claim.appeal_until, doubt=(doubt,))
        case ClaimState.APPEALED:
            yield Ground(name="appeal pending", doubt=_of_appeal(claim.track or "normal", rules, on))
        case ClaimState.GRANTED:
            yield Ground(name="recognised")
        case ClaimState.NONE | ClaimState.DISMISSED | ClaimState.FINALLY_REFUSED:
            pass
    if stay.expulsion.appealed is not None:
        doubt = "whether this appeal keeps him here is not recorded: ask the lawyer"
        yield Ground(name="appeal against the expulsion pending", doubt=(doubt,))
    if (measure := safety.custody.measure) is not None:
        yield Ground(name="interim measure", until=measure.until)


def _of_certificate(stay: TransitStay, rules: Rules, on: date) -> tuple[str, ...]:
    """A claim that nobody can prove protects nobody at a police check."""
    status = Status.ASYLUM_SEEKER_CERTIFICATE
    until = stay.grounds.reach(status, rules) if status in stay.grounds.held else None
    if until is None:
        return ("no certificate that proves it is recorded",)
    return () if until >= on else (f"the certificate that proves it ran out on {until}",)


def _of_appeal(track: str, rules: Rules, on: date) -> tuple[str, ...]:
    found = rules.track(track, on)
    match found.suspensive if found is not None else Answer.UNKNOWN:
        case Answer.YES:
            return ()
        case Answer.NO:
            return (f"on the {track} track an appeal does not keep a person in the country",)
        case Answer.UNKNOWN:
            return ("whether an appeal keeps a person in the country is not known",)


def _threats(stay: TransitStay, safety: Safety) -> Iterator[str]:
    if stay.claim.state is ClaimState.FINALLY_REFUSED:
        yield f"claim finally refused on {stay.claim.finally_refused}"
    if stay.expulsion.ordered is not None:
        yield f"expulsion ordered on {stay.expulsion.ordered}"
    for state, request in sorted(safety.extradition.requests.items()):
        granted = f", granted on {request.granted}" if request.granted is not None else ""
        yield f"extradition asked for by {state} on {request.on}{granted}"


# --- actual safety -------------------------------------------------------------------------------------------------


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
