"""Names and types of the activities: all that workflows may import of them."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from pydantic import AwareDatetime

from domain.cards import CaseCard, PhaseCard
from domain.country import Alert
from domain.erasure import Count
from domain.events import Event
from domain.facts import Frozen
from domain.retention import Hold
from domain.rulebook import Rules
from domain.rulebook.editions import NEW, Held

TASK_QUEUE = "safeconduct"
"""The one task queue: a charity runs one kind of worker."""

OPEN_STREAM = "open-stream"
APPEND = "append"
READ_CASE_STREAM = "read-case-stream"
READ_RULES = "read-rules"
SEND_NOTICE = "send-notice"

READ_ALERTS = "read-alerts"
SPREAD_ALERT = "spread-alert"

LOOK_AT_CASE = "look-at-case"
FENCE_CASE = "fence-case"
END_WORKFLOWS = "end-workflows"
DESTROY_KEY = "destroy-key"
FORGET_RECORDS = "forget-records"
DELETE_HISTORIES = "delete-histories"
CERTIFY = "certify"
RETENTION_ROUND = "retention-round"

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "Stage": "Keyword",
    "Phase": "Keyword",
    "Country": "Keyword",
    "Destination": "Keyword",
    "Risk": "Keyword",
    "NextDeadline": "Datetime",
}
"""What operators filter by in Temporal's UI, each with its type there."""

CASE_MOVED = "case-moved"
"""Error type: something has come to a case since its erasure looked at it: it looks again."""

CONTENT_DIFFERS = "content-differs"
"""Error type: an event id is in the log with other content, or in another stream."""

NOT_YET = "not-yet"
"""Error type: a notice has not reached everybody yet; it says itself when it is tried again."""

FENCED = "fenced"
"""Error type: the case was erased, so whatever writes to it must end."""

SUPERSEDED = "superseded"
"""Error type: a newer run has taken the stream over, so this one must end."""


class OpenedStream(Frozen):
    """A stream as its new writer finds it.

    Attributes:
        search_attributes: those that are switched on, and that the engine has.
    """

    epoch: int
    events: tuple[Event, ...]
    case_events: tuple[Event, ...]
    unsent: tuple[UUID, ...]
    search_attributes: tuple[str, ...] = ()


class AppendRequest(Frozen):
    """What a phase asks to be written. See ``records.store.Store.append``."""

    stream: str
    epoch: int
    expected: int
    events: tuple[Event, ...]
    case_seen: int | None = None
    case_card: CaseCard | None = None
    phase_cards: tuple[PhaseCard, ...] = ()


class AppendAnswer(Frozen):
    """The tails that a phase folds next."""

    tail: tuple[Event, ...]
    case_tail: tuple[Event, ...] = ()


class ReadCase(Frozen):
    """Which part of a case's own stream is wanted."""

    stream: str
    after: int


class RulesRequest(Frozen):
    """Which rulebooks are wanted.

    Attributes:
        wanted: pairs of country and phase.
        held: what tells which edition; the latest one if left out.
    """

    wanted: tuple[tuple[str | None, str], ...]
    held: Held = NEW


class RulesAnswer(Frozen):
    """The rulebooks, in the order they were asked for.

    Attributes:
        latest: for each, the digest of the same in the latest edition: where it differs, the law has changed.
        applied_by: who applied the latest edition.
    """

    rules: tuple[Rules, ...]
    latest: tuple[str, ...] = ()
    applied_by: str = ""


class ReadAlerts(Frozen):
    """What a case wants to hear of the alerts of the country where it is.

    Attributes:
        reached: the alerts that have reached it since the person came there.
        held: those of them that are in force, as far as it knows.
        at: the case clock.
    """

    country: str
    reached: tuple[UUID, ...]
    held: tuple[UUID, ...]
    at: AwareDatetime


class AlertNews(Frozen):
    """What a case has not recorded yet: alerts that it does not hold, and ends of those that it does.

    Attributes:
        unreadable: the log of the country can't be read now.
    """

    alerts: tuple[Alert, ...] = ()
    unreadable: bool = False


class Spread(Frozen):
    """How many cases were told to look at the alerts of their country.

    Attributes:
        begin_later: those that did not run: they look when they begin.
    """

    told: int = 0
    begin_later: int = 0


class CaseSeen(Frozen):
    """All that an erasure looks at of its case: what it is told stays in a history that outlives the case.

    Attributes:
        began: whether there is such a case and it can be read, or whether its person was at least noted.
        erase_by: until when a closed case is kept.
        holds: what keeps it now.
    """

    began: bool = False
    erase_by: date | None = None
    holds: tuple[Hold, ...] = ()


class LookAtCase(Frozen):
    """Whose erasure looks, and on which day."""

    reference: str
    today: date


class StepRequest(Frozen):
    """Which case a step of its erasure is to be done for, and when that is."""

    reference: str
    at: AwareDatetime


class FenceRequest(StepRequest):
    """The first step, which rests on what was seen of the case.

    Attributes:
        seen: what the erasure saw when it looked last.
        today: on which day that was.
    """

    seen: CaseSeen
    today: date


class StepAnswer(Frozen):
    """How much there was to do."""

    counts: tuple[Count, ...] = ()


class Certificate(Frozen):
    """A signed certificate, as text."""

    text: str


class RetentionRound(Frozen):
    """On which day the dates and holds of closed cases are read."""

    today: date
