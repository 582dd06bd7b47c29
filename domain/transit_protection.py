"""Whether a stay in transit is lawful, and what keeps the person from being removed: two questions, answered apart."""

from collections.abc import Iterator
from datetime import date, timedelta

from domain.case import Path
from domain.consent import Purpose, Recipient
from domain.errors import NotUnderstood
from domain.overstay import overstay_scale
from domain.protection import (
    Ground,
    LawfulStay,
    RemovalProtection,
    doubt_of_appeal,
    of_safety,
    protected_by,
    threats_of_safety,
)
from domain.rulebook import Rules
from domain.rulebook.dated import Answer
from domain.safety import Safety
from domain.stay_facts import Status
from domain.stay_reckoning import reckon
from domain.stays import Stay
from domain.transit_claim import ClaimState
from domain.transit_stay import TransitStay

# --- lawful stay ---------------------------------------------------------------------------------------------------


def lawful_stay(stay: TransitStay, case: Path, rules: Rules, on: date) -> LawfulStay:
    """Whether the stay is lawful on a day, on which ground, until when, and with which doubt."""
    if stay.entered is None or not stay.inside:
        why = "no entry is recorded" if stay.entered is None else "the person has left the country"
        return LawfulStay(holds=Answer.UNKNOWN, ground=None, doubt=(why,))
    grounds = tuple(_grounds(stay, case, rules, on))
    lasting = [one for one in grounds if one.lasts(on)]
    known = [one for one in lasting if one.until is not None]
    furthest = max(known or lasting or grounds, key=lambda one: one.until or date.min, default=None)
    holds = Answer.YES if known and stay.expulsion.ordered is None else Answer.UNKNOWN if lasting else Answer.NO
    doubt = (*(furthest.doubt if furthest is not None else ()), *_doubts(stay, case, rules, on))
    return LawfulStay(holds=holds, ground=furthest, doubt=doubt, overstay=overstay_scale(rules, on))


def _grounds(stay: TransitStay, case: Path, rules: Rules, on: date) -> Iterator[Ground]:
    # the certificate ends with its claim
    over = {Status.ASYLUM_SEEKER_CERTIFICATE} if stay.claim.is_final else set()
    for status in (one for one in stay.grounds.granted if one not in over):
        until = stay.grounds.reach(status, rules)
        doubt: tuple[str, ...] = () if until else ("its last day is not known",)
        if status is Status.ASYLUM_SEEKER_CERTIFICATE and stay.certificate is None:
            doubt += ("it was granted before this claim was lodged",)
        yield Ground(name=str(status), until=until, doubt=doubt)
    if (visa_free := _visa_free(stay, case, rules, on)) is not None:
        yield visa_free
    for duty in stay.claim.leaving(rules, stay.conditions()):
        if duty.id == "leave-after-refusal":
            until = (duty.due - timedelta(microseconds=1)).astimezone(rules.place.zone).date()
            yield Ground(name="days left to leave", until=until, doubt=(duty.doubt,) if duty.doubt else ())
    if stay.claim.state is ClaimState.GRANTED:
        yield Ground(name="recognised", doubt=("whether this alone makes the stay lawful is not recorded",))


def _visa_free(stay: TransitStay, case: Path, rules: Rules, on: date) -> Ground | None:
    """The days without a visa: never after an irregular crossing, or once an authority has ended them."""
    name = str(Status.VISA_FREE)
    if stay.no_visa_free_since is not None:
        return None
    if (printed := stay.grounds.printed_visa_free()) is not None:
        return Ground(name=name, until=printed)
    stays, doubt = stay.all_stays(case)
    history = [Stay.local(one.entered, one.left, rules.place) for one in stays]
    try:
        found = reckon(history, rules.stay_limit, on, next_too=False)
    except NotUnderstood as error:
        return Ground(name=name, doubt=(f"the days cannot be reckoned: {error}",))
    too_long = found.overstay is not None and found.last_day is None
    return None if too_long else Ground(name=name, until=found.last_day, doubt=(*found.doubt, *doubt))


def _doubts(stay: TransitStay, case: Path, rules: Rules, on: date) -> Iterator[str]:
    if not stay.lawfully:
        yield "the border was not crossed lawfully"
    if not stay.registrations:
        yield "no registration is recorded"
    for blocker in stay.grounds.blockers:
        yield f"in the way: {blocker.replace('-', ' ')}"
    if stay.expulsion.ordered is not None:
        yield f"an order to expel stands: {_ask_the_lawyer(case, on)} whether the stay is lawful until it is decided on"
    if not rules.known:
        yield "there is no rulebook for this country"


def _ask_the_lawyer(case: Path, on: date) -> str:
    """How a doubt says it: whom consent does not cover, nobody is told to ask."""
    may_hear = case.may_hear(Recipient.LAWYER, (Purpose.LEGAL_HELP, Purpose.SAFETY), on)
    return "ask the lawyer" if may_hear else "get the person's consent to ask the lawyer, and ask"


# --- protection against removal ------------------------------------------------------------------------------------


def removal_protection(stay: TransitStay, safety: Safety, case: Path, rules: Rules, on: date) -> RemovalProtection:
    """What keeps the person from being removed on a day, and what would remove him."""
    bars = [*_bars(stay, case, rules, on), *of_safety(safety, stay.country)]
    return protected_by(bars, [*_threats(stay), *threats_of_safety(safety)], on)


def _bars(stay: TransitStay, case: Path, rules: Rules, on: date) -> Iterator[Ground]:
    claim, ask = stay.claim, _ask_the_lawyer(case, on)
    if stay.entered is not None and not stay.inside:
        return  # whoever is outside is not removed, and nothing keeps him from being turned away
    before = ("a claim was finally refused before: ask whether this one keeps him here",)
    former = before if claim.refused_before else ()
    match claim.state:
        case ClaimState.LODGED:
            yield Ground(name="asylum claim pending", doubt=(*former, *_of_certificate(stay, rules, on)))
        case ClaimState.REFUSED:
            doubt = "the claim was refused: only an appeal, lodged in time, may keep him here"
            yield Ground(name="time to appeal", until=claim.appeal_until, doubt=(*former, doubt))
        case ClaimState.APPEALED:
            final = (f"the refusal is final: {ask} whether an appeal against it keeps him here",)
            is_final = claim.is_final and not claim.refused_before
            doubt_ = final if is_final else doubt_of_appeal(claim.track or "normal", rules, on)
            yield Ground(name="appeal pending", doubt=(*former, *doubt_))
        case ClaimState.GRANTED:
            yield Ground(name="recognised")
        case ClaimState.NONE | ClaimState.DISMISSED | ClaimState.FINALLY_REFUSED:
            pass
    if stay.expulsion.appealed is not None:
        doubt = f"whether this appeal keeps him here is not recorded: {ask}"
        yield Ground(name="appeal against the expulsion pending", doubt=(doubt,))


def _of_certificate(stay: TransitStay, rules: Rules, on: date) -> tuple[str, ...]:
    """A claim that nobody can prove protects nobody at a police check."""
    is_held = stay.certificate is not None
    until = stay.grounds.reach(Status.ASYLUM_SEEKER_CERTIFICATE, rules) if is_held else None
    if until is None:
        return ("no certificate that proves it is recorded",)
    return () if until >= on else (f"the certificate that proves it ran out on {until}",)


def _threats(stay: TransitStay) -> Iterator[str]:
    if stay.claim.is_final:
        yield f"claim finally refused on {stay.claim.finally_refused}"
    if stay.expulsion.ordered is not None:
        yield f"expulsion ordered on {stay.expulsion.ordered}"
