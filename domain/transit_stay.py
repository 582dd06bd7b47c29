"""Transit stay: one stay in one country, lawful or not, with its statuses and its own asylum claim.

The room is put together from parts, each with its facts, its state and its duties: ``grounds``, ``transit_claim``,
``expulsion``; here are the border and the registration. A refusal of the claim does not end the stay where another
ground extends it. *Lawful stay* (a ground with a last day) and *protection against removal* (a pending claim) are two
different fields; actual safety is the safety room's.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from domain.case import Milestone, Path
from domain.consent import Material, Purpose, Recipient
from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty
from domain.expulsion import Expulsion
from domain.facts import CountryCode, Fact, Frozen, Occurred, Record
from domain.grounds import Grounds, Token
from domain.legal import FIND_OUT, legal_duties
from domain.overstay import relocation_duty, with_what_overstaying_costs
from domain.references import Phase, phase_of
from domain.room import Room, end_of_day, whole_minute
from domain.rulebook import Rules
from domain.starts import local_day
from domain.stay_duties import STEP as STAY_LIMIT
from domain.stay_duties import no_day_is_lawful, printed_end, stay_duties
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
from domain.stays import Stay, beside, entered_again, left, stayed_before, with_former
from domain.transit_claim import Claim, ClaimState

OUTSIDE_ROUND = timedelta(days=7)
"""After an exit that nothing follows, somebody asks this often where he is."""

ENTRY_TOLD_WITHIN = timedelta(days=1)
"""How long an entry may stay unrecorded: without it nobody counts the days of stay and of registration."""


class Registration(Frozen):
    """When the present stay was registered, and by whom."""

    on: Occurred
    by: Registrar


class TransitStay(Room):
    """The state of one stay.

    Attributes:
        entered: the latest entry.
        stays: every stay in the country that is known, oldest first.
        registrations: those of the stay since the day of the latest entry.
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
    exit_missing: bool = False
    """The latest entry came while he was inside: the exit of before may be told later."""
    registrations: tuple[Registration, ...] = ()
    grounds: Grounds = Grounds()
    claim: Claim = Claim()
    expulsion: Expulsion = Expulsion()
    exit_possible: bool = False
    moved_to: CountryCode | None = None

    def after(self, record: Record) -> dict[str, object]:
        grounds, claim, border = self.grounds.after(record), self.claim.after(record), self._at_the_border(record)
        if border.get("inside") is False:
            claim = claim.after_leaving()
        if _certificate(grounds, claim) is not None:
            claim = claim.without_former()
        return {"grounds": grounds, "claim": claim, "expulsion": self.expulsion.after(record), **border}

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
                    "exit_missing": self.inside and self.entered is not None,
                    "registrations": tuple(one for one in self.registrations if one.on.latest >= when.earliest),
                }
            case StayedBefore(until=until, where=where) if where in (None, self.country):
                return {"stays": stayed_before(self.stays, when, until)}
            case Exited() if self._is_of_before(when):
                return {"exit_missing": False}
            case Exited():
                return {"inside": False, "stays": left(self.stays, when)}
            case Registered(by=by):
                return {"registrations": (*self.registrations, Registration(on=when, by=by))}
            case ExitCleared():
                return {"exit_possible": True}
            case ExitBarred():
                return {"exit_possible": False}
            case Relocated(to=to) if to != self.country:
                return {"moved_to": to, "inside": False, "stays": left(self.stays, when)}
            case _:
                return {}

    def _is_of_before(self, when: Occurred) -> bool:
        """Whether an exit is that before the latest entry: told after it, of the same day, and without hours."""
        entered = self.entered
        if not self.exit_missing or entered is None or (when.at is not None and entered.at is not None):
            return False
        return when.earliest == when.latest == entered.earliest == entered.latest

    def objection(self, fact: Fact, actor: str, on: date, case: Path) -> str | None:
        if isinstance(fact, AuthorityApproached):
            return self._may_approach(on, case)
        if isinstance(fact, StayedBefore) and fact.until < on:
            return "its last day lies before its first"
        if isinstance(fact, Entered | StayedBefore):
            return None
        if self.entered is None:
            return "no entry into the country is recorded"
        if isinstance(fact, Relocated) and fact.to == self.country:
            return "this is the country of the present stay: nothing ends"
        return self.grounds.objection(fact) or self.claim.objection(fact) or self.expulsion.objection(fact)

    def _may_approach(self, on: date, case: Path) -> str | None:
        if self.country is not None and (barred := case.no_contact(self.country)):
            return barred
        if case.covers(Recipient.TRANSIT_AUTHORITY, Purpose.SAFETY, (Material.EXISTENCE,), on):
            return None
        return "no consent covers speaking with an authority of the transit country"

    def milestone(self, record: Record) -> Milestone | None:
        match record.fact:
            case Relocated(to=to) if to != self.country:
                return Milestone.RELOCATED
            case ExitCleared():
                return Milestone.EXIT_CLEARED
            case ExitBarred():
                return Milestone.EXIT_BARRED
            case ExpulsionOrdered():
                return Milestone.EXPULSION_ORDERED
            case ExpulsionLifted():
                return Milestone.EXPULSION_LIFTED
            case StayedBefore():
                return Milestone.STAYED_BEFORE
            case Entered() | Exited() if self.entries():
                return Milestone.ENTERED
            case _:
                return None

    def own_duties(self, case: Path, rules: Rules) -> Iterator[Duty]:
        facts = self.conditions()
        yield from self.grounds.duties(rules, self)
        yield from self.expulsion.duties(rules, self, facts)
        yield from self._claim_duties(rules, facts)
        if self.entered is None and self.moved_to is None:
            yield self._entry_unknown(case)
        if not self.inside:
            yield from self._while_outside()
            return
        if not self.registrations:
            yield from legal_duties(rules, "registration", self.entered, facts=facts)
        ends = self._ends(case, rules, facts)
        yield from (with_what_overstaying_costs(duty, rules) for duty in ends)
        # while a claim is examined its certificate is renewed again and again: that is no end in sight
        if self.claim.is_final or self.claim.state not in (ClaimState.LODGED, ClaimState.APPEALED):
            # an order to expel gives its own days, however far a ground reaches
            yield from relocation_duty(self.expulsion.leaving(rules, facts) or ends, self.entered or self.opened)

    def _entry_unknown(self, case: Path) -> Duty:
        """Whoever is in a country has come there: what his entry begins is not counted until it is recorded."""
        mine = phase_of(self.stream) if self.stream else None
        # a round that is recorded late has only now begun for those who record it
        opened = next((one.opened_at for one in case.rounds if (one.phase, one.number) == mine), None)
        since = max(self.anchor, whole_minute(opened or self.anchor))
        return Duty(
            id="entry-unknown",
            title="No entry is recorded: record when and how he came",
            due=self.again("entry-unknown", since + ENTRY_TOLD_WITHIN, FIND_OUT),
            consequence=Consequence.LOSS_OF_LAWFUL_STAY,
            escalations=LEGAL_ESCALATIONS,
        )

    def _claim_duties(self, rules: Rules, facts: dict[str, str]) -> Iterator[Duty]:
        return self.claim.duties(
            rules,
            self,
            entered=self.entered,
            facts=facts,
            # who is abroad has nothing to lodge here
            has_ground=bool(self.grounds.granted) or not self.inside,
            certified=self.certificate is not None,
        )

    @property
    def certificate(self) -> Token | None:
        """The certificate that proves the claim. One of before the claim was lodged is a former claim's."""
        return _certificate(self.grounds, self.claim)

    def _while_outside(self) -> Iterator[Duty]:
        """What runs on here runs on without him; that he is lawfully elsewhere nobody has said."""
        exit_ = self.stays[-1].left if self.stays else None
        if exit_ is not None and self.moved_to is None:
            yield Duty(
                id="outside",
                title="He left the country, and no return or relocation is recorded: where is he?",
                due=self.since("outside", exit_.instant) + OUTSIDE_ROUND,
            )

    def all_stays(self, case: Path) -> tuple[tuple[Stay, ...], tuple[str, ...]]:
        """Every stay in the country that is known, those of former rounds among them, and what is not certain of these.

        The path knows when a former round was opened and ended, and of its entries those that say more than that; and
        the former stays that it was told of.
        """
        known = self.stays
        for entered, until in case.stayed_before(self.country, but=self.stream):
            known = with_former(known, entered, until)
        rounds = (one for one in case.rounds if (one.phase, one.country) == (Phase.TRANSIT_STAY, self.country))
        mine = phase_of(self.stream) if self.stream else None
        others = [(one.opened, one.ended) for one in rounds if one.ended and (one.phase, one.number) != mine]
        former = beside(known, others) if self.country is not None else ()
        if not former:
            return known, ()
        stays = tuple(sorted((*former, *known), key=lambda one: (one.entered.earliest, one.left is None)))
        return stays, tuple(
            f"a former stay here is taken as {one}: record its days with stayed-before" for one in former
        )

    def entries(self) -> tuple[Stay, ...]:
        """Its own stays, unless they are one that lies within what the path knows: from its opening until its end."""
        is_within = len(self.stays) == 1 and self.stays[0].entered.earliest >= self.opened.earliest
        return () if is_within and (self.inside or self.moved_to is not None) else self.stays

    def _ends(self, case: Path, rules: Rules, facts: dict[str, str]) -> tuple[Duty, ...]:
        """The duties of whatever ends the lawful stay."""
        over = Status.ASYLUM_SEEKER_CERTIFICATE if self.claim.is_final else None
        ends = tuple(self.grounds.endings(rules, keeps_certificate=self.claim.is_pending, but=over))
        if not self.grounds.carries(rules, local_day(self.entered or self.opened, rules.place)):
            ends += tuple(self._without_a_visa(case, rules))
        leaving = self.claim.leaving(rules, facts)
        # the certificate ends with the claim; any other ground extends the stay after its refusal
        other = self.grounds.furthest(rules, but=Status.ASYLUM_SEEKER_CERTIFICATE)
        if other is not None and all(duty.due < end_of_day(other[1]) for duty in leaving):
            return ends
        return ends + leaving

    def _without_a_visa(self, case: Path, rules: Rules) -> Iterator[Duty]:
        if (over := self.no_visa_free_since) is not None:
            yield no_day_is_lawful(rules, *over)
        elif self.entered is not None:
            stays, doubt = self.all_stays(case)
            yield from stay_duties(rules, stays, self.grounds.printed_visa_free(), doubt=doubt)
        elif (printed := self.grounds.printed_visa_free()) is not None:
            yield printed_end(rules, printed)

    @property
    def no_visa_free_since(self) -> tuple[Occurred, str] | None:
        """Since when no day without a visa is lawful, and why; ``None`` while they may be."""
        if (ended := self.grounds.visa_free_ended(self.entered)) is not None:
            return ended, "the days without a visa were ended"
        if self.entered is None:
            return None
        printed = self.grounds.printed_visa_free() is not None
        return None if self.lawfully or printed else (self.entered, "the border was not crossed lawfully")

    def conditions(self) -> dict[str, str]:
        track = {"track": self.claim.track} if self.claim.track is not None else {}
        visa_free = Status.VISA_FREE if self.no_visa_free_since is None else "none"
        return {
            "entry": "regular" if self.lawfully else "irregular",
            "ground": str(self.grounds.latest or visa_free),
            "registered": "yes" if self.registrations else "no",
            **track,
        }

    def events(self) -> dict[str, Occurred | None]:
        held, residence = self.grounds.held, Status.TEMPORARY_RESIDENCE
        certificate, permit = held.get(Status.ASYLUM_SEEKER_CERTIFICATE), held.get(residence)
        refusal = self.grounds.refused.get(residence)
        other = set(self.grounds.granted) - {Status.ASYLUM_SEEKER_CERTIFICATE}
        of_authorities = {
            "residence-application": self.grounds.asked.get(residence),
            "residence-refusal": refusal.on if refusal is not None else None,
            "refusal": self.claim.refused,
            "appeal": self.claim.appealed if self.claim.state is ClaimState.APPEALED else None,
            **self.expulsion.events,
        }
        if not self.inside:
            return of_authorities
        return {
            "entry": self.entered,
            "danger": self.claim.danger_learned,
            "claim": self.claim.lodged,
            "certificate": certificate.since if certificate is not None else None,
            "residence": permit.since if permit is not None else None,
            "final-refusal": self.claim.finally_refused if not other else None,
            **of_authorities,
            **self.noted,
        }

    def steps_taken(self) -> Mapping[str, Occurred]:
        asked = self.grounds.last_asked(Status.TEMPORARY_RESIDENCE)
        return self.steps_done if asked is None else {"residence-application": asked, **self.steps_done}

    def bounded(self, duty: Duty, own: tuple[Duty, ...]) -> Duty:
        """Residence is asked for while the days without a visa last, and former stays may have shortened these."""
        limit = next((one for one in own if one.id == STAY_LIMIT), None)
        if duty.id != "residence-application" or limit is None or limit.due >= duty.due:
            return duty
        basis = (*duty.reckoning, "the days of stay without another ground end earlier: no later than these")
        doubt = "; ".join(dict.fromkeys(one for one in (duty.doubt, limit.doubt) if one))
        return duty.model_copy(update={"due": limit.due, "doubt": doubt, "reckoning": (*basis, *limit.reckoning)})

    def headline(self) -> str:
        if self.moved_to is not None:
            return f"moved on to {self.moved_to}"
        if self.entered is None:
            return "entry not recorded"
        ground = str(self.grounds.latest or "no status recorded")
        claim = "" if self.claim.state is ClaimState.NONE else f", claim {self.claim.state}"
        expelled = ", expulsion ordered" if self.expulsion.ordered is not None else ""
        return f"{ground}{claim}{expelled}{', exit possible' if self.exit_possible else ''}"


def _certificate(grounds: Grounds, claim: Claim) -> Token | None:
    token = grounds.held.get(Status.ASYLUM_SEEKER_CERTIFICATE)
    return token if token is not None and claim.is_proved_by(token.since) else None
