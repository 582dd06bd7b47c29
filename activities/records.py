"""The activities that read and append streams, and read rules. Synchronous: they run in the worker's threads."""

from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import contract, tracing
from activities.contract import AppendAnswer, AppendRequest, OpenedStream, ReadCase, RulesAnswer, RulesRequest
from domain.rulebook import Rulebook
from domain.rulebook.editions import Law
from records.editions import latest, law_of
from records.errors import ContentDiffers, Fenced, StaleWriter
from records.store import Store


class RecordActivities:
    """The records and the rulebooks, as workflows see them."""

    def __init__(self, store: Store, rulebook: Rulebook, search_attributes: tuple[str, ...] = ()) -> None:
        self._store = store
        self._rulebook = rulebook
        self._law = Law.of(rulebook)
        self._search_attributes = search_attributes

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.open_stream, self.append, self.read_case_stream, self.read_rules]

    @activity.defn(name=contract.OPEN_STREAM)
    def open_stream(self, stream: str) -> OpenedStream:
        """Take a stream over, with a higher writer epoch.

        Raises:
            ApplicationError: never to be tried again: the case was erased.
        """
        try:
            opened = self._store.open(stream)
        except Fenced as error:
            raise _ended(error) from None
        return OpenedStream(
            epoch=opened.epoch,
            events=opened.events,
            case_events=opened.case_events,
            unsent=opened.unsent,
            search_attributes=self._search_attributes,
        )

    @activity.defn(name=contract.APPEND)
    def append(self, request: AppendRequest) -> AppendAnswer:
        """Write events and cards in one transaction, or return what the writer did not know.

        Raises:
            ApplicationError: never to be tried again: superseded, erased, or an event id is stored with other content.
        """
        try:
            return tracing.append(request, self._store.read, lambda: self._append(request))
        except StaleWriter as error:
            raise ApplicationError(str(error), type=contract.SUPERSEDED, non_retryable=True) from None
        except Fenced as error:
            raise _ended(error) from None
        except ContentDiffers as error:
            raise ApplicationError(str(error), type=contract.CONTENT_DIFFERS, non_retryable=True) from None

    def _append(self, request: AppendRequest) -> AppendAnswer:
        cards = (*((request.case_card,) if request.case_card is not None else ()), *request.phase_cards)
        appended = self._store.append(
            request.stream,
            request.epoch,
            request.expected,
            request.events,
            case_seen=request.case_seen,
            cards=cards,
        )
        return AppendAnswer(tail=appended.tail, case_tail=appended.case_tail)

    @activity.defn(name=contract.READ_CASE_STREAM)
    def read_case_stream(self, wanted: ReadCase) -> AppendAnswer:
        """The newer events of a case's own stream."""
        return AppendAnswer(tail=self._store.read(wanted.stream, wanted.after))

    @activity.defn(name=contract.READ_RULES)
    def read_rules(self, wanted: RulesRequest) -> RulesAnswer:
        """The rulebooks of countries. They go into the history, so that a rule that changes never breaks a replay."""
        law = self._present_law()
        newest = [law.for_phase(country, phase) for country, phase in wanted.wanted]
        return RulesAnswer(
            rules=tuple(law.for_phase(country, phase, wanted.held).lean() for country, phase in wanted.wanted),
            latest=tuple(one.digest for one in newest),
            applied_by=law.editions[-1].applied_by if law.editions else "",
        )

    def _present_law(self) -> Law:
        """The editions; read anew when there is another one."""
        number = latest(self._store.database)
        if number is not None and number != self._law.latest:
            self._law = law_of(self._store.database, self._rulebook)
        return self._law


def _ended(error: Fenced) -> ApplicationError:
    """No fault, and no line in the log: a case that is erased ends its workflows so."""
    benign = ApplicationErrorCategory.BENIGN
    return ApplicationError(str(error), type=contract.FENCED, non_retryable=True, category=benign)
