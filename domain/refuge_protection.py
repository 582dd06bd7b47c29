"""The same two questions in the country of refuge, while the claim is examined there and after it."""

from collections.abc import Iterator
from datetime import date

from domain.asylum_facts import Step
from domain.asylum_filing import AsylumFiling
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

_EXAMINED = (Step.PRESENTED, Step.REGISTERED, Step.LODGED, Step.REOPENED)


def lawful_stay(claim: AsylumFiling, on: date) -> LawfulStay:
    """Whether the stay is proved to be lawful on a day: by a card, or by the certificate of the claim."""
    papers = [
        Ground(name=name, until=until)
        for name, until in (("residence card", claim.card_until), ("certificate of the claim", claim.attestation_until))
        if until is not None
    ]
    lasting = [one for one in papers if one.lasts(on)]
    if lasting:
        return LawfulStay(holds=Answer.YES, ground=lasting[0])
    if claim.protection is not None:
        doubt = ("protection was granted, and no card with its last day is recorded",)
        return LawfulStay(holds=Answer.UNKNOWN, ground=Ground(name="protection granted"), doubt=doubt)
    latest = papers[0] if papers else None
    said = "the last paper that is recorded has run out" if papers else "no certificate or card is recorded"
    over = claim.step is Step.FINAL or claim.removal is not None
    return LawfulStay(holds=Answer.NO if over else Answer.UNKNOWN, ground=latest, doubt=(said,))


def removal_protection(claim: AsylumFiling, safety: Safety, rules: Rules, on: date) -> RemovalProtection:
    """What keeps the person from being removed on a day, and what would remove him."""
    bars = [*_bars(claim, rules, on), *of_safety(safety, claim.country)]
    return protected_by(bars, [*_threats(claim), *threats_of_safety(safety)], on)


def _bars(claim: AsylumFiling, rules: Rules, on: date) -> Iterator[Ground]:
    if claim.protection is not None:
        yield Ground(name=f"protection: {claim.protection}")
    if claim.step in _EXAMINED:
        # once it is registered, it protects although its paper may have run out
        doubt = ("it is not registered yet: nothing proves it",) if claim.step is Step.PRESENTED else ()
        yield Ground(name="asylum claim pending", doubt=doubt)
    elif claim.step is Step.REFUSED:
        until = claim.paper.until if claim.paper is not None else None
        doubt = ("the claim was refused: only an appeal, lodged in time, may keep him here",)
        yield Ground(name="time to appeal", until=until, doubt=doubt)
    elif claim.step in (Step.APPEALED, Step.TRANSFER_APPEALED):
        yield Ground(name="appeal pending", doubt=doubt_of_appeal(str(claim.track), rules, on))


def _threats(claim: AsylumFiling) -> Iterator[str]:
    for step, words in (
        (Step.FINAL, "claim finally refused"),
        (Step.CLOSED, "claim closed without a decision"),
        (Step.TRANSFER, "transfer to another state decided"),
        (Step.TRANSFER_APPEALED, "transfer to another state decided"),
    ):
        if claim.step is step:
            yield f"{words} on {claim.since_step}"
    if claim.removal is not None:
        yield f"ordered to leave on {claim.removal.on}"
