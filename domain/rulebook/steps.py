"""The steps that the phases look up, and the events that they give: a rule under any other name is never asked for.

A mistyped step would be a duty that never comes. So the check of a file refuses a step that nobody knows, unless the
rule says with ``begins`` which event makes it a duty by itself.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from domain.rulebook.model import Country
from domain.rulebook.rule import Rule

LOOKED_UP: Mapping[str, frozenset[str]] = {
    "transit-stay": frozenset(
        {
            "registration",
            "stay-limit",
            "certificate-renewal",
            "residence-renewal",
            "extension-renewal",
            "visa-free-refusal-appeal",
            "certificate-refusal-appeal",
            "residence-refusal-appeal",
            "extension-refusal-appeal",
            "certificate-issue",
            "claim-lodging",
            "fingerprinting",
            "claim-decision",
            "claim-appeal",
            "leave-after-refusal",
            "removal-order-appeal",
            "expulsion-departure",
        }
    ),
    "entry": frozenset({"border-visa", "visa-validity", "visa-refusal-appeal", "visa-silence"}),
    "asylum-filing": frozenset(
        {
            "claim-not-late",
            "appointment",
            "file-lodging",
            "file-completion",
            "claim-decision",
            "certificate-issue",
            "work-access",
            "appeal",
            "legal-aid",
            "appeal-remainder",
            "grounds",
            "stay-request",
            "interim-relief",
            "appeal-judgment",
            "leave-to-appeal",
            "benefits-end",
            "residence-card",
            "reopening",
            "departure",
            "removal-order-appeal",
            "transfer-appeal",
            "transfer-enforceable",
            "transfer-judgment",
        }
    ),
}
"""By phase."""

ONLY_SHOWN: Mapping[str, frozenset[str]] = {
    "asylum-filing": frozenset(
        {
            "evidence-before-hearing",
            "federal-centre-stay",
            "inadmissibility-decision-on-one-ground",
            "interview-not-before",
            "preparatory-phase",
            "registration",
            "removal-order",
            "special-needs",
            "take-back-confirmation",
            "take-back-notification",
            "take-charge-reply",
            "take-charge-request",
            "take-charge-request-detained-later",
            "transfer",
            "transfer-decision",
        }
    ),
}
"""Periods that stand in the delivered files for people to read, most of them the state's. No duty comes of them."""

STARTS = frozenset({"aid-decision-to-applicant", "aid-decision-to-lawyer"})
"""Events for ``earlier_of`` and ``later_of``."""

SUSPENDS = frozenset({"legal-aid-request"})
"""Events for ``suspended_by``."""


def never_asked_for(country: Country) -> Iterator[tuple[Rule, str, str]]:
    """Rules, or parts of them, that no phase would ever use: each with what to do, and the field."""
    for rule in country.rules:
        if rule.begins is None and not _is_known(rule):
            yield rule, _unknown_step(rule), "step"
        for field, known in (("earlier_of", STARTS), ("later_of", STARTS), ("suspended_by", SUSPENDS)):
            if set(getattr(rule, field)) - known:
                yield rule, f"{field}: no phase gives such an event; possible are {', '.join(sorted(known))}", field


def _is_known(rule: Rule) -> bool:
    return any(rule.step in steps.get(rule.phase, ()) for steps in (LOOKED_UP, ONLY_SHOWN))


def _unknown_step(rule: Rule) -> str:
    known = sorted(LOOKED_UP.get(rule.phase, ()))
    near = get_close_matches(rule.step, known, 1)
    perhaps = f"perhaps {near[0]} is meant, or " if near else ""
    listed = "" if near or not known else f"; its steps are {', '.join(known)}"
    return f'this phase asks for no such step: {perhaps}say which event makes it a duty, as begins = "…"{listed}'
