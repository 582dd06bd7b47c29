"""The asylum claim in the transit country, with its own clocks. A part of the transit stay.

Lodged, certificate, decision, appeal, the decision on it, final refusal, the days left to leave: each of these is a
report, and none of them follows by itself.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from domain.duties import Consequence, Duty
from domain.facts import Fact, Frozen, Occurred, Record
from domain.legal import FIND_OUT, asks, legal_duties
from domain.room import Room, dated_duty
from domain.rulebook import Rules
from domain.stay_facts import (
    AppealOutcome,
    ClaimAppealDecided,
    ClaimAppealed,
    ClaimFinallyRefused,
    ClaimGranted,
    ClaimLodged,
    ClaimRefused,
    ClaimTracked,
    DangerLearned,
    Fingerprinted,
)

CERTIFICATE_EXPECTED = timedelta(days=7)
"""How often somebody asks after the certificate, where the rulebook names no period: without it no stay is proved."""

JUDGMENT_EXPECTED = timedelta(days=30)
"""How often somebody asks the court, or the lawyer, about a pending appeal."""


class ClaimState(StrEnum):
    """Where the asylum claim in the transit country stands."""

    NONE = "no claim"
    LODGED = "lodged"
    REFUSED = "refused"
    APPEALED = "appealed"
    DISMISSED = "appeal dismissed"
    FINALLY_REFUSED = "finally refused"
    GRANTED = "granted"


class Claim(Frozen):
    """What is known of the claim."""

    facts: ClassVar[tuple[type[Fact], ...]] = (
        DangerLearned,
        ClaimLodged,
        ClaimTracked,
        Fingerprinted,
        ClaimRefused,
        ClaimAppealed,
        ClaimAppealDecided,
        ClaimFinallyRefused,
        ClaimGranted,
    )

    state: ClaimState = ClaimState.NONE
    danger_learned: Occurred | None = None
    lodged: Occurred | None = None
    examined_since: Occurred | None = None
    """When it was lodged, or sent back to be examined again."""
    track: str | None = None
    fingerprinted: bool = False
    refused: Occurred | None = None
    appeal_until: date | None = None
    appealed: Occurred | None = None
    dismissed: Occurred | None = None
    finally_refused: Occurred | None = None
    leave_until: date | None = None
    refused_before: bool = False
    """The refusal that is final is that of a former claim; no certificate of this one has taken its place yet."""
    left: bool = False
    """He has left the country since the refusal became final: a new claim does not begin under it."""

    def after(self, record: Record) -> "Claim":
        when = record.occurred
        match record.fact:
            case DangerLearned():
                return self._with(danger_learned=when)
            case ClaimLodged():
                anew = Claim(danger_learned=self.danger_learned, track=self.track)
                return anew._with(state=ClaimState.LODGED, lodged=when, examined_since=when, **self._refused_before)
            case ClaimTracked(track=track):
                return self._with(track=track)
            case Fingerprinted():
                return self._with(fingerprinted=True)
            case ClaimRefused(appeal_until=until):
                return self._with(state=ClaimState.REFUSED, refused=when, appeal_until=until)
            case ClaimAppealed():
                return self._with(state=ClaimState.APPEALED, appealed=when)
            case ClaimAppealDecided(outcome=AppealOutcome.SENT_BACK):
                final = self.finally_refused if self.refused_before else None
                return self._with(state=ClaimState.LODGED, examined_since=when, finally_refused=final)
            case ClaimAppealDecided(outcome=AppealOutcome.DISMISSED, appeal_until=until):
                return self._with(state=ClaimState.DISMISSED, dismissed=when, appeal_until=until)
            case ClaimFinallyRefused(leave_until=until):
                final_now = self._with(state=ClaimState.FINALLY_REFUSED, finally_refused=when, leave_until=until)
                return final_now._with(refused_before=False, left=False)
            case ClaimGranted() | ClaimAppealDecided():
                return self._with(state=ClaimState.GRANTED, finally_refused=None, refused_before=False)
            case _:
                return self

    @property
    def _refused_before(self) -> dict[str, object]:
        """What a new claim keeps of a refusal that is final: lodging one does not take the days to leave away."""
        if not self.is_final or self.left:
            return {}
        return {"finally_refused": self.finally_refused, "leave_until": self.leave_until, "refused_before": True}

    def without_former(self) -> "Claim":
        """The claim once a certificate of its own has taken the place of a former claim's final refusal."""
        return self._with(finally_refused=None, leave_until=None, refused_before=False) if self.refused_before else self

    def after_leaving(self) -> "Claim":
        """The claim once he has left the country: to leave it was all that a former claim's refusal asked for."""
        return self.without_former()._with(left=True)

    def is_proved_by(self, granted: Occurred) -> bool:
        """Whether a certificate that was granted or renewed then is of this claim, and not of one before it.

        A day that is not certain is read for him, but not where a former claim was finally refused.
        """
        day = granted.earliest if self.refused_before else granted.latest
        return self.lodged is None or day >= self.lodged.earliest

    def _with(self, **changes: object) -> "Claim":
        return self.model_copy(update=changes)

    @property
    def is_pending(self) -> bool:
        """Whether an authority or a court still has it before it, or may have."""
        pending = (ClaimState.LODGED, ClaimState.REFUSED, ClaimState.APPEALED, ClaimState.DISMISSED)
        return self.state in pending and not self.is_final

    @property
    def is_final(self) -> bool:
        """Whether the refusal is final. An appeal that is lodged all the same does not take the days to leave away."""
        return self.finally_refused is not None

    def objection(self, fact: Fact) -> str | None:
        match fact:
            case ClaimTracked() | Fingerprinted() | ClaimRefused() | ClaimGranted() | ClaimFinallyRefused() if (
                self.state is ClaimState.NONE
            ):
                return "no claim is recorded in this country"
            case ClaimAppealed() if self.state not in (ClaimState.REFUSED, ClaimState.DISMISSED):
                return "no refusal is recorded that could be appealed"
            case ClaimAppealDecided() if self.state is not ClaimState.APPEALED:
                return "no appeal is recorded that could be decided"
            case _:
                return None

    def duties(
        self,
        rules: Rules,
        room: Room,
        *,
        entered: Occurred | None,
        facts: Mapping[str, str],
        has_ground: bool,
        certified: bool,
    ) -> Iterator[Duty]:
        """The duties of the claim, without the days left to leave.

        Args:
            rules: what the rulebook holds for the country.
            room: the stay, which knows what was acknowledged when.
            entered: the present entry; ``None`` while it is not recorded.
            facts: conditions that select a rule.
            has_ground: whether another ground to stay was chosen: then nobody must claim.
            certified: whether a certificate of this claim was granted.
        """
        match self.state:
            case ClaimState.NONE:
                if not has_ground:
                    start = self.danger_learned or entered
                    yield from legal_duties(rules, "claim-lodging", start, required=False, facts=facts)
            case ClaimState.LODGED:
                if not self.fingerprinted:
                    yield from legal_duties(rules, "fingerprinting", self.lodged, required=False, facts=facts)
                if not certified:
                    yield from self._certificate(rules, room, facts)
                yield from legal_duties(rules, "claim-decision", self.examined_since, required=False, facts=facts)
            case ClaimState.REFUSED:
                yield from legal_duties(rules, "claim-appeal", self.refused, printed=self.appeal_until, facts=facts)
            case ClaimState.APPEALED if self.appealed is not None:
                due = room.since("appeal-pending", self.appealed.instant) + JUDGMENT_EXPECTED
                yield Duty(id="appeal-pending", title="Ask about the appeal: when is it heard?", due=due)
            case ClaimState.DISMISSED if self.dismissed is not None:
                title = "The appeal was dismissed: is that final, is there a further remedy, when must he leave?"
                yield asks("appeal-dismissed", title, self.dismissed, FIND_OUT)
                further = "The time for a further appeal ends"
                until, lost = self.appeal_until, Consequence.LOSS_OF_APPEAL
                yield from dated_duty("further-appeal", further, until, lost, rules.place.end_of)
            case _:
                return

    def _certificate(self, rules: Rules, room: Room, facts: Mapping[str, str]) -> Iterator[Duty]:
        since = self.lodged or self.examined_since  # a court may send back a claim that nobody has told of
        found = tuple(legal_duties(rules, "certificate-issue", since, required=False, facts=facts))
        yield from found
        if not found and since is not None:
            due = room.since("certificate-issue", since.instant) + CERTIFICATE_EXPECTED
            yield Duty(id="certificate-issue", title="Ask for the asylum-seeker certificate", due=due)

    def leaving(self, rules: Rules, facts: Mapping[str, str]) -> tuple[Duty, ...]:
        """The days left to leave after the final refusal."""
        if not self.is_final:
            return ()
        until, start = self.leave_until, self.finally_refused
        return tuple(legal_duties(rules, "leave-after-refusal", start, printed=until, facts=facts))
