"""What must happen by when in an asylum claim: each step of the claim, and the rules that its country has for it.

No date is made here but the organisation's own. A step without a rule asks a person, or is left out where only some
countries know it; the table of steps is in ``docs/adding-a-country.md``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from domain.asylum_facts import Limit, Step, Track
from domain.clocks import Suspension
from domain.duties import Bound, Consequence, Duty
from domain.facts import Occurred
from domain.legal import FIND_OUT, asks, legal_duties
from domain.legal_aid import aid_happened
from domain.legal_clocks import NOTHING, Happened
from domain.papers import Paper, length, served
from domain.room import dated_duty
from domain.rulebook import Rule, Rules
from domain.rulebook.dated import Answer

if TYPE_CHECKING:
    from domain.asylum_filing import AsylumFiling

FIRST_STEP_WITHIN = timedelta(days=3)
"""A claim is presented at once: lateness costs the normal track."""

STAY_REQUESTS = ("stay-request", "interim-relief")
"""What rulebooks call the request that a court let the person stay until it has decided."""

NOT_EXAMINED = (Track.DUBLIN, Track.CLOSED_AND_REOPENED)
"""Tracks on which no claim is examined: it was on another one before, or will be."""

ASK_COURT = "ask-court-to-suspend"

ELSEWHERE = "another track holds the claim, and whether this runs there is not certain: counted as if it did"


TOO_OFTEN = "the claim was opened again more than once, which the law may not allow"


@dataclass(frozen=True)
class ClaimDuties:
    """The duties of one claim, as it stands.

    Attributes:
        claim: its state.
        rules: the rulebook of its country.
        in_custody: whether the person is in custody now.
    """

    claim: "AsylumFiling"
    rules: Rules
    in_custody: bool

    def all(self) -> Iterator[Duty]:
        """All of them but the review."""
        yield from self._of_the_step()
        if self.claim.completion is not None:
            yield from self._completion(self.claim.completion)
        yield from self._printed_duties()
        if self.claim.removal is not None:
            yield from self._removal(self.claim.removal)

    def _completion(self, paper: Paper) -> Iterator[Duty]:
        facts, changed = self._facts(self._lodging_track), self._changed(Limit.FILE_COMPLETION, paper.on)
        yield from self._paper_duties("file-completion", paper, facts=facts, happened=changed)

    def _printed_duties(self) -> Iterator[Duty]:
        claim = self.claim
        title = "Interview: a no-show can close the claim"
        yield from dated_duty("interview", title, claim.interview_on, Consequence.CLAIM_CLOSED)
        lost = Consequence.LOSS_OF_LAWFUL_STAY
        if claim.step not in (Step.GRANTED, Step.CARD):
            title = "The attestation runs out: renew it"
            yield from dated_duty("attestation-ends", title, claim.attestation_until, lost)
        yield from dated_duty("card-ends", "The residence card runs out: renew it", claim.card_until, lost)

    def _of_the_step(self) -> Iterator[Duty]:
        start = self.claim.since_step
        match self.claim.step:
            case Step.ARRIVED:
                yield from self._arrived()
            case Step.PRESENTED:
                yield from self._law("appointment", start)
            case Step.REGISTERED:
                yield from self._file_lodging()
            case Step.LODGED:
                yield from self._lodged()
            case Step.REFUSED | Step.APPEALED if self.claim.refusal is not None:
                yield from self._refused(self.claim.refusal)
            case Step.APPEALED:
                yield from self._judgment()
            case Step.TRANSFER | Step.TRANSFER_APPEALED:
                yield from self._transfer()
            case Step.GRANTED:
                yield from self._law("residence-card", start)
            case Step.CLOSED:
                yield from self._closed()
            case Step.REOPENED:
                yield from self._reopened()
            case Step.FINAL:
                yield from self._final()
            case Step.REFUSED | Step.CARD:
                return

    # --- before the decision ---------------------------------------------------------------------------------------

    def _arrived(self) -> Iterator[Duty]:
        due = self.claim.since("present-claim", self.claim.anchor) + FIRST_STEP_WITHIN
        yield Duty(id="present-claim", title="Present the claim at the first reception", due=due)
        # only an irregular entry starts this clock; how he entered is argued later, so it is counted for all
        irregular = {"entry": "irregular"}
        yield from self._law("claim-not-late", self.claim.opened, required=False, facts=irregular)

    def _file_lodging(self) -> Iterator[Duty]:
        if self.claim.paper is not None:
            facts = self._facts(self._lodging_track)
            happened = self._changed(Limit.FILE_LODGING).plus(self._elsewhere("file-lodging"))
            happened = happened.plus(self._opened_too_often(self.claim.paper))
            yield from self._paper_duties("file-lodging", self.claim.paper, facts=facts, happened=happened)

    def _lodged(self) -> Iterator[Duty]:
        start = self.claim.since_step
        yield from self._decision(NOTHING)
        yield from self._law("work-access", start, required=False)
        if not self.claim.attested:
            yield from self._law("certificate-issue", start, required=False)

    def _decision(self, happened: Happened) -> Iterator[Duty]:
        happened = happened.plus(self._changed(Limit.CLAIM_DECISION)).plus(self._elsewhere("claim-decision"))
        facts = self._facts(self._clock_track)
        yield from self._law("claim-decision", self.claim.since_step, facts=facts, happened=happened)

    def _closed(self) -> Iterator[Duty]:
        closed = self.claim.since_step
        # to be opened again now would be one more time than before: the law says how often
        again = (*self.claim.reopened, closed) if self.claim.reopened and closed is not None else ()
        yield from self._law("reopening", closed, happened=Happened(revivals=again))

    def _reopened(self) -> Iterator[Duty]:
        times, again = self.claim.reopened, self._opened_too_often()
        reopened = {"track": str(Track.CLOSED_AND_REOPENED)}
        own = self.rules.find("file-lodging", times[-1].earliest, **reopened)
        if self.claim.lodged is not None and (own is None or "track" not in own.when):
            yield from self._decision(again)  # this country goes on where it stopped
        else:
            yield from self._law("file-lodging", times[-1], facts=reopened, happened=again)

    def _opened_too_often(self, paper: Paper | None = None) -> Happened:
        """A claim opened again more than once: the rule says how often that is allowed. A printed day still plans."""
        if len(self.claim.reopened) < 2:
            return NOTHING
        if paper is not None and (paper.until is not None or paper.within is not None):
            return Happened(doubts=(TOO_OFTEN,))
        return Happened(revivals=self.claim.reopened)

    # --- remedies --------------------------------------------------------------------------------------------------

    def _refused(self, paper: Paper) -> Iterator[Duty]:
        begun, service = served(paper, self.rules)
        facts = self._facts(self._refusing_track(begun))
        if self.claim.step is Step.REFUSED:
            yield from self._appeal(paper, begun, service, facts)
        else:
            yield from self._judgment()
        if not self.claim.grounds_in:
            yield from self._law("grounds", begun, required=False, facts=facts, happened=service)
        if not self.claim.stay_requested:
            yield from self._ask_court(begun, facts, service)

    def _appeal(self, paper: Paper, begun: Occurred, service: Happened, facts: Mapping[str, str]) -> Iterator[Duty]:
        claim = self.claim
        aid = aid_happened(claim.legal_aid, claim.aid_decision, begun, self.rules, facts)
        happened = service.plus(aid).plus(self._changed(Limit.APPEAL)).plus(self._on_this_track(begun, facts))
        yield from self._paper_duties("appeal", paper, start=begun, facts=facts, happened=happened)
        if claim.legal_aid is None:
            yield from self._law("legal-aid", begun, facts=facts, happened=service)
        yield from self._on_remedies("appeal", paper)

    def _judgment(self) -> Iterator[Duty]:
        facts, happened = self._facts(self.claim.track), self._changed(Limit.APPEAL_JUDGMENT)
        yield from self._law("appeal-judgment", self.claim.since_step, facts=facts, happened=happened)

    def _ask_court(self, begun: Occurred, facts: Mapping[str, str], service: Happened) -> Iterator[Duty]:
        """Where the appeal itself keeps nobody in the country, a court must be asked."""
        known = (step for step in STAY_REQUESTS if self.rules.find(step, begun.earliest, **facts) is not None)
        track = self.rules.track(facts["track"], begun.earliest)
        keeps_nobody = track is not None and track.suspensive is Answer.NO
        step = next(known, STAY_REQUESTS[0])
        yield from self._law(step, begun, name=ASK_COURT, required=keeps_nobody, facts=facts, happened=service)

    def _on_remedies(self, step: str, paper: Paper) -> Iterator[Duty]:
        if paper.remedies is Answer.NO:
            title = "The decision does not state its remedies: ask counsel whether the period runs at all"
            yield asks(f"ask-counsel.{step}", title, paper.on, FIND_OUT)

    def _transfer(self) -> Iterator[Duty]:
        paper, start = self.claim.paper, self.claim.since_step
        pivot = self.claim.registered.on if self.claim.registered is not None else None
        detained = self.in_custody or self.claim.served_in_detention
        facts = self._facts(Track.DUBLIN, detained=detained)
        if paper is None:
            yield from self._law("transfer-judgment", start, pivot=pivot, required=False, facts=facts)
            return
        begun, service = served(paper, self.rules)
        happened = service.plus(self._changed(Limit.TRANSFER_APPEAL)).plus(self._on_this_track(begun, facts))
        yield from self._paper_duties(
            "transfer-appeal", paper, start=begun, pivot=pivot, facts=facts, happened=happened
        )
        yield from self._law("transfer-enforceable", begun, pivot=pivot, required=False, facts=facts)
        if not self.claim.stay_requested:
            yield from self._ask_court(begun, facts, service)
        yield from self._on_remedies("transfer-appeal", paper)

    def _final(self) -> Iterator[Duty]:
        claim, start = self.claim, self.claim.since_step
        due = claim.since("remedies", start.instant if start else claim.anchor) + FIRST_STEP_WITHIN
        title = "Decide with counsel on remedies: re-examination, interim measures, another country"
        yield Duty(id="remedies", title=title, due=due, consequence=Consequence.REMOVAL)
        yield from self._law("leave-to-appeal", start, required=False)
        yield from self._law("benefits-end", start, required=False, facts={"outcome": "rejected"})

    def _removal(self, paper: Paper) -> Iterator[Duty]:
        facts = self._facts(self.claim.track, detained=self.in_custody or self.claim.removal_in_detention)
        changed = self._changed(Limit.DEPARTURE, paper.on)
        yield from self._paper_duties("departure", paper, facts=facts, happened=changed)
        yield from self._law("removal-order-appeal", paper.on, facts=facts)

    # --- what the rules are asked with -----------------------------------------------------------------------------

    def _law(self, step: str, start: Occurred | None, **how: Any) -> Iterator[Duty]:
        yield from legal_duties(self.rules, step, start, asked=self.claim.since, **how)

    def _paper_duties(self, step: str, paper: Paper, *, start: Occurred | None = None, **how: Any) -> Iterator[Duty]:
        """The duty of a step that a served paper began: what is printed there beats the rule."""
        yield from self._law(step, start or paper.on, printed=paper.until, stated=paper.within, **how)

    def _facts(self, track: Track, *, detained: bool | None = None) -> dict[str, str]:
        is_detained = self.in_custody if detained is None else detained
        return {"track": str(track), "detained": "yes" if is_detained else "no"}

    @property
    def _clock_track(self) -> Track:
        """The track whose clocks the claim has; where none is examined on the present one, the track before."""
        own = [track for track, _ in self.claim.tracks if track not in NOT_EXAMINED]
        return own[-1] if own else Track.NORMAL

    def _refusing_track(self, begun: Occurred) -> Track:
        """The track on which the claim was refused; one that has no appeal of its own is that of the track before."""
        on_this = self.rules.find("appeal", begun.earliest, **self._facts(self.claim.track))
        return self.claim.track if on_this is not None else self._clock_track

    @property
    def _lodging_track(self) -> Track:
        return Track.CLOSED_AND_REOPENED if self.claim.reopened else self._clock_track

    def _changed(self, limit: Limit, began: Occurred | None = None) -> Happened:
        """By how much a period was made longer or shorter while its clock ran: since the step began, if not said."""
        start = began or self.claim.since_step
        facts = [one.fact for one in self.claim.changed if start is not None and one.on.latest >= start.earliest]
        mine = [fact for fact in facts if fact.limit is limit]
        longer, shorter = (
            tuple(found for fact in mine if (found := length(getattr(fact, which), fact.unit)) is not None)
            for which in ("longer", "shorter")
        )
        return Happened(extended=longer, shortened=shorter)

    def _elsewhere(self, step: str) -> Happened:
        """What it does to a clock that another track holds, or held, the claim.

        What binds the state stands meanwhile. What binds the person is counted as if it ran, and says its doubt: a
        rulebook whose track forgets one of its steps must not cost a date.
        """
        own = self._clock_track
        start = self.claim.since_step
        rule = self.rules.find(step, start.earliest, **self._facts(own)) if start is not None else None
        spans = tuple(self._spans_without(rule, own)) if rule is not None else ()
        if not spans or rule is None:
            return NOTHING
        return Happened(held=spans) if rule.bound is Bound.STATE else Happened(doubts=(ELSEWHERE,))

    def _spans_without(self, rule: Rule, own: Track) -> Iterator[Suspension]:
        """The times on tracks on which this rule's clock does not run, as far as their steps are known."""
        tracks = self.claim.tracks
        for (track, since), following in zip_longest(tracks, tracks[1:]):
            examines = track in (own, Track.CLOSED_AND_REOPENED)
            graph = self.rules.track(track, since.earliest) if not examines else None
            if graph is not None and graph.steps and rule.id not in graph.steps:
                yield Suspension(since=since, until=following[1] if following is not None else None)

    def _on_this_track(self, begun: Occurred, facts: Mapping[str, str]) -> Happened:
        """What is known of appeals on this track, for the reckoning."""
        track = self.rules.track(facts["track"], begun.earliest)
        if track is None:
            return NOTHING
        stays, lawyer = ("not known" if one is Answer.UNKNOWN else one for one in (track.suspensive, track.free_lawyer))
        said = f"{track.title}: does an appeal keep the person in the country? {stays}. A free lawyer? {lawyer}"
        return Happened(notes=(said,))
