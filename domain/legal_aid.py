"""Legal aid asked for during the period to appeal: in time it lets that clock stand until the decision is notified.

Whether it does, and which notification counts, the rulebook says: ``suspended_by`` of the appeal, the period of the
step ``legal-aid``, and ``later_of`` or ``earlier_of`` of the step ``appeal-remainder``. What is not certain is counted
as if the clock had not stood.
"""

from collections.abc import Mapping
from datetime import date

from domain.clocks import Suspension
from domain.facts import Frozen, Occurred
from domain.legal_clocks import Happened, Reckoned, begins, reckoned
from domain.rulebook import Rules
from domain.starts import instant_of

REQUEST, TO_APPLICANT, TO_LAWYER = "legal-aid-request", "aid-decision-to-applicant", "aid-decision-to-lawyer"
"""What the rulebook calls these events."""

PERHAPS_LATE = "whether legal aid was asked for in time is not certain: counted as if the clock had not stood"
ONE_KNOWN = "only one notification of the decision on legal aid is known: what is left is counted from that one"
NONE_KNOWN = "no notification of the decision on legal aid is known: what is left is counted from the decision"
NOT_REGULATED = "which notification of the decision on legal aid counts is not known: the earlier one is taken"


class AidDecision(Frozen):
    """The decision on legal aid, and whom it has reached."""

    on: Occurred
    to_applicant: date | None = None
    to_lawyer: date | None = None

    @property
    def notified(self) -> dict[str, Occurred]:
        """The notifications that are known, by the rulebook's names."""
        both = ((TO_APPLICANT, self.to_applicant), (TO_LAWYER, self.to_lawyer))
        return {name: Occurred.on(day) for name, day in both if day is not None}


def aid_happened(
    requested: Occurred | None,
    decided: AidDecision | None,
    served: Occurred,
    rules: Rules,
    facts: Mapping[str, str],
) -> Happened:
    """What legal aid does to the appeal's clock, which began with a service."""
    if requested is None:
        return Happened()
    rule, limit = reckoned(rules, "legal-aid", served, served, facts)
    if rule is not None and not isinstance(limit, Reckoned):
        return Happened(doubts=(PERHAPS_LATE,))
    if limit is None or _is_surely_in_time(requested, limit, rules):
        until, doubts = _runs_on(decided, served, rules, facts)
        return Happened(suspensions={REQUEST: (Suspension(since=requested, until=until),)}, doubts=doubts)
    assert isinstance(limit, Reckoned)
    if limit.law_doubt or instant_of(requested, rules.place) < (limit.latest or limit.due):
        return Happened(doubts=(PERHAPS_LATE,))
    late = f"legal aid was asked for on {requested}, after {limit.last_day}: too late, so the clock has not stood"
    return Happened(notes=(late,))


def _is_surely_in_time(requested: Occurred, limit: object, rules: Rules) -> bool:
    return (
        isinstance(limit, Reckoned)
        and not limit.law_doubt
        and instant_of(requested, rules.place, latest=True) <= limit.due
    )


def _runs_on(
    decided: AidDecision | None, served: Occurred, rules: Rules, facts: Mapping[str, str]
) -> tuple[Occurred | None, tuple[str, ...]]:
    """From when the remainder runs; ``None`` while nothing is decided."""
    if decided is None:
        return None, ()
    rule, known = rules.find("appeal-remainder", served.earliest, **facts), decided.notified
    names = (rule.earlier_of or rule.later_of) if rule is not None else ()
    if rule is not None and names and all(name in known for name in names):
        return begins(rule, served, known, rules.place), ()
    if not known:
        return _about(decided.on), (NONE_KNOWN,)
    first = min(known.values(), key=lambda one: one.earliest)
    return _about(first), (ONE_KNOWN if names else NOT_REGULATED,)


def _about(when: Occurred) -> Occurred:
    return when.model_copy(update={"about": True})
