"""Transit stay: one stay in one country, lawful or not, with its statuses and its own asylum claim.

The room is put together from parts, each with its facts, its state and its duties: ``grounds``, ``transit_claim``,
``expulsion``; here are the border and the registration. A refusal of the claim does not end the stay where another
ground extends it. *Lawful stay* (a ground with a last day) and *protection against removal* (a pending claim) are two
different fields; actual safety is the safety room's.
"""

from collections.abc import Iterator
from datetime import date

from domain.case import Material, Milestone, Path, Purpose, Recipient
from domain.duties import Duty
from domain.expulsion import Expulsion
from domain.facts import CountryCode, Fact, Frozen, Occurred, Record
from domain.grounds import Grounds
from domain.legal import legal_duties
from domain.overstay import relocation_duty, with_what_overstaying_costs
from domain.room import Room, end_of_day
from domain.rulebook import Rules
from domain.stay_duties import stay_duties
from domain.stay_facts import (
    AuthorityApproached,
    Entered,
    ExitBarred,
    ExitCleared,
    Exited,
    ExpulsionLifted,
    ExpulsionOrdered,
    Registered,
    Registrar,
    Relocated,
    Status,
    StayedBefore,
    TravelDocument,
)
from domain.stays import Stay, entered_again, left, stayed_before
from domain.transit_claim import Claim, ClaimState


class Registration(Frozen):
    """When the present stay was registered, and by whom."""

    on: Occurred
    by: Registrar


class TransitStay(Room):
    """The state of one stay.

    Attributes:
        entered: the latest entry.
        stays: every stay in the country that is known, oldest first.
        registrations: those of the stay since the latest entry.
    """

    facts = (
        Entered,
        StayedBefore,
        Exited,
        Registered,
        *Grounds.facts,
        *Claim.facts,
        *Expulsion.facts,
        ExitCleared,
        ExitBarred,
        Relocated,
        AuthorityApproached,
    )
    review_title = "Review this stay: is it still lawful, and is it still safe?"

    entered: Occurred | None = None
    stays: tuple[Stay, ...] = ()
    lawfully: bool = True
    document: TravelDocument | None = None
    inside: bool = True
    registrations: tuple[Registration, ...] = ()
    grounds: Grounds = Grounds()
    claim: Claim = Claim()
    expulsion: Expulsion = Expulsion()
    exit_possible: bool = False
    moved_to: CountryCode | None = None

    def after(self, record: Record) -> dict[str, object]:
        parts = {
            "grounds": self.grounds.after(record),
            "claim": self.claim.after(record),
            "expulsion": self.expulsion.after(record),
        }
        return parts | self._at_the_border(record)

    def _at_the_border(self, record: Record) -> dict[str, object]:
        when = record.occurred
        match record.fact:
            case Entered(document=document, lawfully=lawfully):
                return {
                    "entered": when,
                    "stays": entered_again(self.stays, when),
                    "document": document,
                    "lawfully": lawfully,
                    "inside": True,
                    "registrations": (),
                }
            case StayedBefore(until=until, where=where) if where in (None, self.country):
                return {"stays": stayed_before(self.stays, when, until)}
            case Exited():
                return {"inside": False, "stays": left(self.stays, when)}
            case Registered(by=by):
                return {"registrations": (*self.registrations, Registration(on=when, by=by))}
            case ExitCleared():
                return {"exit_possible": True}
            case ExitBarred():
                return {"exit_possible": False}
            case Relocated(to=to):
                return {"moved_to": to, "inside": False, "stays": left(self.stays, when)}
            case _:
                return {}

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        if isinstance(fact, AuthorityApproached):
            return self._may_approach(on, case)
        if isinstance(fact, Entered | StayedBefore):
            return None
        if self.entered is None:
            return "no entry into the country is recorded"
        return self.grounds.objection(fact) or self.claim.objection(fact) or self.expulsion.objection(fact)

    def _may_approach(self, on: date, case: Path) -> str | None:
        if self.country is not None and (barred := case.no_contact(self.country)):
            return barred
        if case.covers(Recipient.TRANSIT_AUTHORITY, Purpose.SAFETY, (Material.EXISTENCE,), on):
            return None
        return "no consent covers speaking with an authority of the transit country"

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Relocated():
                return Milestone.RELOCATED
            case ExitCleared():
                return Milestone.EXIT_CLEARED
            case ExitBarred():
                return Milestone.EXIT_BARRED
            case ExpulsionOrdered():
                return Milestone.EXPULSION_ORDERED
            case ExpulsionLifted():
                return Milestone.EXPULSION_LIFTED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if self.entered is None or not self.inside:
            return
        facts = self.conditions()
        if not self.registrations:
            yield from legal_duties(rules, "registration", self.entered, facts=facts)
        ends = self._ends(rules, facts)
        yield from (with_what_overstaying_costs(duty, rules) for duty in ends)
        # while a claim is examined its certificate is renewed again and again: that is no end in sight
        if self.claim.state not in (ClaimState.LODGED, ClaimState.APPEALED):
            yield from relocation_duty(ends, self.entered)
        yield from self.grounds.duties(rules, self)
        yield from self.expulsion.duties(rules, self, facts)
        yield from self.claim.duties(
            rules,
            self,
            entered=self.entered,
            facts=facts,
            has_ground=bool(self.grounds.granted),
            certified=Status.ASYLUM_SEEKER_CERTIFICATE in self.grounds.held,
        )

    def _ends(self, rules: Rules, facts: dict[str, str]) -> tuple[Duty, ...]:
        """The duties of whatever ends the lawful stay."""
        over = Status.ASYLUM_SEEKER_CERTIFICATE if self.claim.state is ClaimState.FINALLY_REFUSED else None
        ends = tuple(self.grounds.endings(rules, keeps_certificate=self.claim.is_pending, but=over))
        if not self.grounds.granted:
            ends += tuple(stay_duties(rules, self.stays, self.grounds.printed_visa_free()))
        leaving = self.claim.leaving(rules, facts)
        # the certificate ends with the claim; any other ground extends the stay after its refusal
        other = self.grounds.furthest(rules, but=Status.ASYLUM_SEEKER_CERTIFICATE)
        if other is not None and all(duty.due < end_of_day(other[1]) for duty in leaving):
            return ends
        return ends + leaving

    def conditions(self) -> dict[str, str]:
        track = {"track": self.claim.track} if self.claim.track is not None else {}
        ground = self.grounds.latest if self.grounds.latest is not None else Status.VISA_FREE
        return {
            "entry": "regular" if self.lawfully else "irregular",
            "ground": str(ground),
            "registered": "yes" if self.registrations else "no",
            **track,
        }

    def events(self) -> dict[str, Occurred | None]:
        if not self.inside:
            return {}
        held, residence = self.grounds.held, Status.TEMPORARY_RESIDENCE
        certificate, permit = held.get(Status.ASYLUM_SEEKER_CERTIFICATE), held.get(residence)
        refusal = self.grounds.refused.get(residence)
        other = set(self.grounds.granted) - {Status.ASYLUM_SEEKER_CERTIFICATE}
        return {
            "entry": self.entered,
            "danger": self.claim.danger_learned,
            "claim": self.claim.lodged,
            "certificate": certificate.since if certificate is not None else None,
            "residence": permit.since if permit is not None else None,
            "residence-application": self.grounds.asked.get(residence),
            "residence-refusal": refusal.on if refusal is not None else None,
            "refusal": self.claim.refused,
            "appeal": self.claim.appealed if self.claim.state is ClaimState.APPEALED else None,
            "final-refusal": self.claim.finally_refused if not other else None,
            **self.expulsion.events,
            **self.noted,
        }

    def headline(self) -> str:
        if self.moved_to is not None:
            return f"moved on to {self.moved_to}"
        if self.entered is None:
            return "entry not recorded"
        ground = str(self.grounds.latest or "no status recorded")
        claim = "" if self.claim.state is ClaimState.NONE else f", claim {self.claim.state}"
        expelled = ", expulsion ordered" if self.expulsion.ordered is not None else ""
        return f"{ground}{claim}{expelled}{', exit possible' if self.exit_possible else ''}"
