"""How the person is reached: by which channels, in which order, and in which language. A part of the safety room.

A channel that is lost is not a person who is silent: it neither counts as a missed check-in nor stops the clock of
check-ins. It has a ladder of its own: the next channel in the order is tried, and when none is left it is an emergency.
A person may have no phone at all.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.check_ins import Answer, Channel, CheckedIn, CheckInPlanned, ContactLogged, Reached
from domain.duties import LEGAL_ESCALATIONS, Consequence, Duty, emergency_duty
from domain.facts import Decision, Fact, Frozen, Record, Report
from domain.quiet import after_quiet
from domain.room import Room, whole_minute

TRY_WITHIN = timedelta(hours=12)
"""The next channel is tried within these; and again so long after somebody took that in hand."""

MEND_WITHIN = timedelta(days=7)
"""Once the person was reached in another way: the lost channel is restored, or others are agreed on."""


class Literacy(StrEnum):
    """Whether a person can read what is written to him, in his language."""

    READS = "reads"
    READS_LITTLE = "reads-little"
    DOES_NOT_READ = "does-not-read"
    UNKNOWN = "unknown"


class ChannelsAgreed(Decision):
    """Agree by which channels staff and person reach each other, in the order in which they are tried."""

    kind: Literal["channels-agreed"] = "channels-agreed"
    order: tuple[Channel, ...] = Field(min_length=1, max_length=9, description="the first one first")


class ChannelLost(Report):
    """A channel to the person does not work any more. It says nothing of how he is."""

    kind: Literal["channel-lost"] = "channel-lost"
    channel: Channel = Field(description="which")


class ChannelRestored(Report):
    """A channel to the person works again."""

    kind: Literal["channel-restored"] = "channel-restored"
    channel: Channel = Field(description="which")


class LanguageNoted(Report):
    """How the person is spoken with."""

    kind: Literal["language-noted"] = "language-noted"
    language: str = Field(pattern=r"^[a-z]{2,3}$", description="the language he is best in, as a code such as ru")
    interpreter: bool = Field(default=False, description="whether an interpreter is needed")
    literacy: Literacy = Field(default=Literacy.UNKNOWN, description="whether he reads it")


class Reaching(Frozen):
    """By which channels the person is reached, and which of them are lost.

    Attributes:
        order: as agreed; until then, whatever needs no link.
        lost: since when.
        reached_at: when the person himself was reached last.
        speech: how he is spoken with, where it is known.
    """

    facts: ClassVar[tuple[type[Fact], ...]] = (ChannelsAgreed, ChannelLost, ChannelRestored, LanguageNoted)

    order: tuple[Channel, ...] = (Channel.MESSAGE, Channel.CALL, Channel.RELAY, Channel.VISIT)
    lost: Mapping[Channel, AwareDatetime] = Field(default_factory=dict)
    reached_at: AwareDatetime | None = None
    speech: LanguageNoted | None = None

    def after(self, record: Record) -> "Reaching":
        instant = whole_minute(record.occurred.instant)
        match record.fact:
            case ChannelsAgreed(order=order):
                order = tuple(dict.fromkeys(order))
                lost = {channel: since for channel, since in self.lost.items() if channel in order}
                return self._with(order=order, lost=lost)
            case ChannelLost(channel=channel):
                return self._with(lost={**self.lost, channel: instant})
            case ChannelRestored(channel=channel):
                return self._with(lost=self._without(channel))
            # an alarming answer changes nothing here: duties lie in clear, and would tell a duress from another one
            case (
                CheckedIn(channel=channel, answer=Answer.WELL) | ContactLogged(channel=channel, reached=Reached.PERSON)
            ):
                at = max(self.reached_at or instant, instant)
                return self._with(lost=self._without(channel), reached_at=at)
            case LanguageNoted() as speech:
                return self._with(speech=speech)
            case _:
                return self

    def _with(self, **changes: object) -> "Reaching":
        return self.model_copy(update=changes)

    def _without(self, channel: Channel) -> dict[Channel, AwareDatetime]:
        return {one: since for one, since in self.lost.items() if one is not channel}

    def objection(self, fact: Fact) -> str | None:
        if isinstance(fact, ChannelRestored) and fact.channel not in self.lost:
            return "this channel was not lost"
        return None

    @property
    def explains_silence(self) -> bool:
        """Whether a channel was lost since the person was last reached: then the ladder of channels looks for him."""
        return bool(self.lost) and (self.reached_at is None or max(self.lost.values()) >= self.reached_at)

    def duties(self, room: Room, plan: CheckInPlanned) -> Iterator[Duty]:
        """The duty that a lost channel makes.

        Args:
            room: the safety room, which knows what was acknowledged when.
            plan: whose quiet hours hold, and who is told.
        """
        if not self.lost:
            return
        since, names = max(self.lost.values()), ", ".join(sorted(self.lost))
        way = next((channel for channel in self.order if channel not in self.lost), None)
        if self.explains_silence and way is None:
            title = f"No channel to the person is left (lost: {names}): find another way to him"
            yield emergency_duty("channel-lost", title, room.again("channel-lost", since, TRY_WITHIN), plan.told)
            return
        title, due = f"Channel lost: {names}. Try the next one: {way}", since + TRY_WITHIN
        if not self.explains_silence:
            title = f"Channel lost: {names}. The person was reached in another way: restore it, or agree on others"
            due = (self.reached_at or since) + MEND_WITHIN
        again = room.again("channel-lost", due, TRY_WITHIN if self.explains_silence else MEND_WITHIN)
        yield Duty(
            id="channel-lost",
            title=title,
            due=after_quiet(again, plan.quiet_hours, plan.zone),
            consequence=Consequence.DANGER,
            escalations=LEGAL_ESCALATIONS,
            told=plan.told,
        )
